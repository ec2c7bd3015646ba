/** @module Verifies what authenticators sign (WebAuthn Level 3 §7). Loaded when the first passkey is used. */
import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { isoBase64URL, isoCBOR } from '@simplewebauthn/server/helpers'
import type { PasskeyAssertion, PasskeyAttestation } from './contract.ts'
import { passkeyAlgorithms, type RelyingParty } from './passkey-options.ts'

export interface StoredPasskey {
  id: string
  credentialId: string
  publicKey: string
  signCount: number
}

export interface VerifiedPasskey extends Omit<StoredPasskey, 'id'> {
  isSynced: boolean
}

/** Null unless an authenticator of this site created the passkey for this challenge, and verified its user. */
export async function verifyNewPasskey(
  { rpId, origin }: RelyingParty,
  challenge: string,
  { id, rawId, type, response }: PasskeyAttestation,
): Promise<VerifiedPasskey | null> {
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: {
        id,
        rawId,
        type,
        clientExtensionResults: {},
        response: {
          clientDataJSON: response.clientDataJSON,
          attestationObject: withoutStatement(response.attestationObject),
        },
      } satisfies RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: passkeyAlgorithms,
    })
    if (!verified || registrationInfo.credential.id !== id) return null
    const { credential, credentialBackedUp } = registrationInfo
    return {
      credentialId: credential.id,
      publicKey: isoBase64URL.fromBuffer(credential.publicKey),
      signCount: credential.counter,
      isSynced: credentialBackedUp,
    }
  } catch {
    return null
  }
}

/** Attestation is not requested. A statement that comes anyway proves nothing that counts here (§7.1, step 23). */
function withoutStatement(attestationObject: string): string {
  const sent = isoCBOR.decodeFirst<Map<string, Uint8Array>>(isoBase64URL.toBuffer(attestationObject))
  const authData = sent.get('authData') ?? new Uint8Array()
  const kept = new Map<string, string | Map<string, string> | Uint8Array>()
    .set('fmt', 'none')
    .set('attStmt', new Map())
    .set('authData', authData)
  return isoBase64URL.fromBuffer(isoCBOR.encode(kept))
}

/** The new sign count; null unless the passkey signed this challenge on this site after it verified its user. */
export async function verifyAssertion(
  { rpId, origin }: RelyingParty,
  challenge: string,
  { id, rawId, type, response }: PasskeyAssertion,
  stored: StoredPasskey,
): Promise<number | null> {
  const { clientDataJSON, authenticatorData, signature } = response
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId,
        type,
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      } satisfies AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      credential: {
        id: stored.credentialId,
        publicKey: isoBase64URL.toBuffer(stored.publicKey),
        counter: stored.signCount,
      },
    })
    return verified ? authenticationInfo.newCounter : null
  } catch {
    return null
  }
}
