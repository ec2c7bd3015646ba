/** @module Checks whether a user has signed in, on an n8n instance, for the credentials that Flowkeep sent there. */
import { type Connection, toAppError } from '../../instances/connections.ts'
import { type Consent, consentUrl, oauthConsent } from '../../instances/oauth-consent.ts'
import { isN8nError, N8nError } from '../../n8n/api/transport.ts'
import { identityOf } from '../../workflows/binding-sources.ts'
import { type ResolvedSlot } from '../../workflows/slot-bindings.ts'
import type { RemoteCredentials } from '../remote/credentials.ts'

type Answer = Pick<ResolvedSlot, 'status' | 'consentUrl' | 'inN8n'>

const unavailable: ReadonlySet<N8nError['kind']> = new Set([
  'unreachable',
  'timeout',
  'server-error',
  'rate-limited',
])

export const needsConsent = ({ status, credential }: ResolvedSlot): boolean =>
  status === 'needs-consent' && credential !== null

export class Consents {
  readonly #remoteCredentials: RemoteCredentials

  constructor(remoteCredentials: RemoteCredentials) {
    this.#remoteCredentials = remoteCredentials
  }

  /**
   * Marks slots as bound where consent was given in n8n, and adds the sign-in URL to the others.
   * @param push sends a missing or outdated credential to n8n, so that the user only has to sign in
   * @throws {AppError} `instance-*`, `credential-undecryptable`, `key-unavailable`
   */
  async settle(
    userId: string,
    connection: Connection,
    slots: readonly ResolvedSlot[],
    { push = false } = {},
  ): Promise<ResolvedSlot[]> {
    const answers = new Map<string, Answer>()
    for (const slot of slots) {
      const { credential } = slot
      if (!needsConsent(slot) || !credential || !('credentialId' in credential)) continue
      const identity = identityOf(credential)
      if (answers.has(identity)) continue
      try {
        answers.set(identity, await this.#ask(userId, connection, credential.credentialId, push))
      } catch (error) {
        if (!(error instanceof N8nError)) throw error
        // Deployed with this credential before, so assume its consent. The run waits for n8n anyway.
        if (!push || slot.reason !== 'earlier' || !unavailable.has(error.kind)) throw toAppError(error)
        answers.set(identity, { status: 'bound' })
      }
    }
    return slots.map((slot) => {
      const answer = needsConsent(slot) && slot.credential && answers.get(identityOf(slot.credential))
      return answer ? Object.assign({}, slot, answer) : slot
    })
  }

  async #ask(userId: string, connection: Connection, credentialId: string, push: boolean): Promise<Answer> {
    const { client, instance } = connection
    const status = 'needs-consent'
    const preview = await this.#remoteCredentials.preview(userId, instance.id, credentialId)
    let id = preview && preview.action !== 'create' ? preview.ref.id : null
    let consent = id === null ? 'gone' : await consentIfThere(client, id)
    if (consent === 'given') return { status: 'bound' }
    if (push) {
      id = (await this.#remoteCredentials.push(userId, connection, credentialId, (work) => work())).id
      consent = await consentIfThere(client, id)
      if (consent === 'given') return { status: 'bound' }
    }
    if (id === null || consent === 'gone') return { status }
    const url = { consentUrl: consentUrl(instance.baseUrl, id) }
    return { status, ...url, ...(consent === 'unknown' && { inN8n: 'consent-unknown' }) }
  }
}

/** `gone`: n8n has no such credential. @throws {N8nError} */
export async function consentIfThere(client: Connection['client'], id: string): Promise<Consent | 'gone'> {
  try {
    return await oauthConsent(client, id)
  } catch (error) {
    if (isN8nError(error, 'not-found')) return 'gone'
    throw error
  }
}
