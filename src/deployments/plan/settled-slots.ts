/**
 * @module Resolves the slots on an instance, with the facts that only its n8n knows. Plans and readiness share this code,
 * so that they cannot contradict each other.
 */
import { type Connection, toAppError } from '../../instances/connections.ts'
import { consentUrl } from '../../instances/oauth-consent.ts'
import { isN8nError, N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { ResolvedSlot } from '../../workflows/slot-bindings.ts'
import { consentIfThere, type Consents, needsConsent } from './consents.ts'
import type { N8nCredentialRef } from '../remote/credential-refs.ts'

/** A page holds 250 credentials. */
const maximumCredentialPages = 4

interface CredentialInN8n extends N8nCredentialRef {
  type: string
}

export interface Settled {
  slots: ResolvedSlot[]
  /** The credentials of these types in n8n; null when they were not or cannot be listed. */
  listed: { types: ReadonlySet<string>; credentials: readonly CredentialInN8n[] } | null
}

interface Listing {
  items: readonly CredentialInN8n[]
  complete: boolean
}

export class SettledSlots {
  readonly #consents: Consents
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(consents: Consents, loadCatalogue: () => Promise<Catalogue>) {
    this.#consents = consents
    this.#loadCatalogue = loadCatalogue
  }

  /**
   * @param bound the result of `Releases.bind`
   * @param connect called only when n8n must be queried
   * @param listOauth also lists n8n's credentials for slots of OAuth types
   * @throws {AppError} `instance-*`, `credential-undecryptable`, `key-unavailable`
   */
  async settle(
    userId: string,
    bound: readonly ResolvedSlot[],
    connect: () => Promise<Connection>,
    { listOauth = false } = {},
  ): Promise<Settled> {
    const catalogue = await this.#loadCatalogue()
    const isOauth = ({ type }: ResolvedSlot) => catalogue.credentialType(type)?.oauth ?? false
    const isOfN8n = ({ status }: ResolvedSlot) => status === 'n8n'
    const isListed = (slot: ResolvedSlot) => isOfN8n(slot) || (listOauth && isOauth(slot))
    const types = new Set(bound.filter(isListed).map(({ type }) => type))
    if (types.size === 0 && !bound.some(needsConsent)) return { slots: [...bound], listed: null }
    try {
      const connection = await connect()
      const consented = await this.#consents.settle(userId, connection, bound)
      const listing = types.size > 0 ? await credentialsInN8n(connection.client) : null
      const answers = new Map<string, Promise<Partial<ResolvedSlot>>>()
      const slots = consented.map(async (slot) => {
        const { credential, type } = slot
        if (!isOfN8n(slot) || !credential || !('n8nCredentialId' in credential)) return slot
        const key = `${type} ${credential.n8nCredentialId}`
        const answer =
          answers.get(key) ?? ask(connection, credential.n8nCredentialId, type, isOauth(slot), listing)
        answers.set(key, answer)
        return Object.assign({}, slot, await answer)
      })
      return { slots: await Promise.all(slots), listed: listing && { types, credentials: listing.items } }
    } catch (error) {
      throw error instanceof N8nError ? toAppError(error) : error
    }
  }
}

/** Asks n8n about one of its own credentials. @throws {N8nError} */
async function ask(
  { client, instance }: Connection,
  id: string,
  type: string,
  isOauth: boolean,
  listing: Listing | null,
): Promise<Partial<ResolvedSlot>> {
  const listed = listing?.items.find((each) => each.id === id)
  const found = listed ?? (listing?.complete ? null : await read(client, id))
  if (found === null || (found && found.type !== type)) return { status: 'missing', inN8n: 'gone' }
  const name = found && { nameInN8n: found.name }
  if (!isOauth) return { ...name }
  const consent = await consentIfThere(client, id)
  if (consent === 'gone') return { status: 'missing', inN8n: 'gone' }
  if (consent === 'given') return { ...name }
  const url = consentUrl(instance.baseUrl, id)
  return consent === 'missing'
    ? { ...name, status: 'needs-consent', consentUrl: url }
    : { ...name, inN8n: 'consent-unknown', consentUrl: url }
}

/** Null when n8n does not have it, undefined when it cannot be read. */
async function read(client: Connection['client'], id: string): Promise<CredentialInN8n | null | undefined> {
  if (!(await client.capabilities()).credentialRead) return undefined
  try {
    return await client.getCredential(id)
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    if (error.kind === 'not-found' || error.kind === 'rejected') return null
    if (error.kind === 'forbidden') return undefined
    throw error
  }
}

/** Null when they cannot be listed. */
async function credentialsInN8n(client: Connection['client']): Promise<Listing | null> {
  if (!(await client.capabilities()).credentialList) return null
  const items: CredentialInN8n[] = []
  let cursor: string | null | undefined
  try {
    for (let page = 0; page < maximumCredentialPages && cursor !== null; page += 1) {
      const { items: more, nextCursor } = await client.listCredentials({ ...(cursor && { cursor }) })
      items.push(...more)
      cursor = nextCursor
    }
  } catch (error) {
    if (isN8nError(error, 'forbidden')) return null
    throw error
  }
  return { items, complete: cursor === null }
}
