/** @module What browsers need to create or use a passkey (WebAuthn Level 3 §5.4, §5.5), and the challenge in what they return. */
import { base64url } from 'jose'
import { parse, stringify } from 'uuid'
import { ticketSeconds } from '../../crypto/ticket.ts'
import type { User } from '../contract.ts'

/** This server, as authenticators know it. */
export interface RelyingParty {
  /** The host of PUBLIC_URL. Passkeys work on no other host. */
  rpId: string
  origin: string
}

export function relyingPartyOf(publicUrl: string): RelyingParty {
  const { hostname, origin } = new URL(publicUrl)
  return { rpId: hostname, origin }
}

/** COSE algorithms: Ed25519, ES256, RS256. */
export const passkeyAlgorithms = [-8, -7, -257]

interface Descriptor {
  credentialId: string
  transports: string[]
}

const descriptorOf = ({ credentialId, transports }: Descriptor) => ({
  type: 'public-key',
  id: credentialId,
  transports,
})

const timeout = ticketSeconds * 1000

/** The challenge is a ticket, so that none has to be stored. */
const challengeOf = (ticket: string): string => base64url.encode(ticket)

/** @param allowed the passkeys of the user; empty: any passkey of this site */
export const requestOptions = (rpId: string, ticket: string, allowed: readonly Descriptor[]) => ({
  challenge: challengeOf(ticket),
  rpId,
  timeout,
  userVerification: 'required',
  allowCredentials: allowed.map(descriptorOf),
})
export type RequestOptions = ReturnType<typeof requestOptions>

/** @param existing the passkeys of the user, so that an authenticator does not create a second one */
export const creationOptions = (
  rpId: string,
  ticket: string,
  { id, email, name }: User,
  existing: readonly Descriptor[],
) => ({
  challenge: challengeOf(ticket),
  rp: { id: rpId, name: 'Flowkeep' },
  user: { id: base64url.encode(parse(id)), name: email, displayName: name ?? email },
  pubKeyCredParams: passkeyAlgorithms.map((alg) => ({ type: 'public-key', alg })),
  timeout,
  attestation: 'none',
  authenticatorSelection: {
    residentKey: 'required',
    requireResidentKey: true,
    userVerification: 'required',
  },
  excludeCredentials: existing.map(descriptorOf),
})
export type CreationOptions = ReturnType<typeof creationOptions>

/** The ticket that a browser signed, and the challenge that contains it. Null if there is none. */
export function signedTicket(clientDataJSON: string): { ticket: string; challenge: string } | null {
  try {
    const text = (encoded: string) => new TextDecoder().decode(base64url.decode(encoded))
    const { challenge } = JSON.parse(text(clientDataJSON)) as { challenge: string }
    return { ticket: text(challenge), challenge }
  } catch {
    return null
  }
}

/** The user of a passkey, from its user handle. Null without one. */
export function userOf(userHandle: string | null | undefined): string | null {
  try {
    return stringify(base64url.decode(userHandle ?? ''))
  } catch {
    return null
  }
}
