/** @module Whether somebody has signed in, in one n8n, for the credentials that Flowkeep put there. */
import { type Connection, toAppError } from '../instances/connections.ts'
import { type Consent, consentUrl, oauthConsent } from '../instances/oauth-consent.ts'
import { N8nError } from '../n8n/api-transport.ts'
import { identityOf } from '../workflows/binding-sources.ts'
import { type ResolvedSlot } from '../workflows/slot-bindings.ts'
import type { RemoteCredentials } from './remote-credentials.ts'

type Answer = Pick<ResolvedSlot, 'status' | 'consentUrl' | 'inN8n'>

const unavailable: ReadonlySet<N8nError['kind']> = new Set([
  ...(['unreachable', 'timeout', 'server-error', 'rate-limited'] as const),
])

export const lacksConsent = ({ status, credential }: ResolvedSlot): boolean =>
  status === 'needs-consent' && credential !== null

export class Consents {
  readonly #remoteCredentials: RemoteCredentials

  constructor(remoteCredentials: RemoteCredentials) {
    this.#remoteCredentials = remoteCredentials
  }

  /**
   * The slots, bound where consent was given in n8n, else with the place to give it.
   * @param push puts a credential there that n8n does not have as it is, so that the sign-in is all that is left
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
      if (!lacksConsent(slot) || !credential || !('credentialId' in credential)) continue
      const identity = identityOf(credential)
      if (answers.has(identity)) continue
      try {
        answers.set(identity, await this.#ask(userId, connection, credential.credentialId, push))
      } catch (error) {
        if (!(error instanceof N8nError)) throw error
        // Deployed with it before: the run waits for n8n, and takes it as it was.
        if (!push || slot.reason !== 'earlier' || !unavailable.has(error.kind)) throw toAppError(error)
        answers.set(identity, { status: 'bound' })
      }
    }
    return slots.map((slot) => {
      const answer = lacksConsent(slot) && slot.credential && answers.get(identityOf(slot.credential))
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
    if (error instanceof N8nError && error.kind === 'not-found') return 'gone'
    throw error
  }
}
