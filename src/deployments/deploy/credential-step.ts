/** @module The step of a run that sends each of its credentials to n8n once. */
import { isN8nError } from '../../n8n/api/transport.ts'
import type { CredentialChoice, SlotBinding } from '../../db/schema/deployments.ts'
import { AppError } from '../../errors.ts'
import type { Connection } from '../../instances/connections.ts'
import { identityOf } from '../../workflows/binding-sources.ts'
import { type CredentialRefs, type N8nCredentialRef, slotRefs } from '../remote/credential-refs.ts'
import type { Call, RemoteCredentials } from '../remote/credentials.ts'
import type { Run } from './run.ts'

interface CredentialTools {
  connection: Connection
  remoteCredentials: RemoteCredentials
  call: Call
}

/** Every method @throws {N8nError}, {AppError}, {LeaseLostError}. */
export class CredentialStep {
  readonly #run: Run
  readonly #tools: CredentialTools

  constructor(run: Run, tools: CredentialTools) {
    this.#run = run
    this.#tools = tools
  }

  /** Sends the credentials. @returns the n8n credential of each slot */
  async push(bindings: readonly SlotBinding[]): Promise<CredentialRefs> {
    this.#run.enter('credentials')
    const refs = new Map<string, N8nCredentialRef>()
    const keyOf = (binding: { type: string } & CredentialChoice) => `${binding.type} ${identityOf(binding)}`
    for (const binding of bindings) {
      const key = keyOf(binding)
      if (refs.has(key)) continue
      refs.set(
        key,
        await ('credentialId' in binding
          ? this.#send(binding.credentialId)
          : this.#existing(binding.type, binding)),
      )
    }
    return slotRefs(bindings, (binding) => refs.get(keyOf(binding)))
  }

  async #send(credentialId: string): Promise<N8nCredentialRef> {
    const { connection, remoteCredentials, call } = this.#tools
    const { userId, intent } = this.#run.row
    const { replacedId, id, name } = await remoteCredentials.push(userId, connection, credentialId, call)
    if (replacedId !== undefined) {
      const replacedCredentialIds = [...(intent.replacedCredentialIds ?? []), replacedId]
      await this.#run.save({ intent: { ...intent, replacedCredentialIds } })
    }
    return { id, name }
  }

  async #existing(
    type: string,
    { n8nCredentialId: id }: { n8nCredentialId: string },
  ): Promise<N8nCredentialRef> {
    const { client } = this.#tools.connection
    const { credentialRead } = await this.#tools.call(() => client.capabilities())
    if (!credentialRead) return { id, name: type }
    const found = await this.#tools
      .call(() => client.getCredential(id))
      .catch((error: unknown) => {
        if (isN8nError(error, 'forbidden')) return { id, name: type, type }
        if (isN8nError(error, 'not-found')) return undefined
        throw error
      })
    if (found?.type === type) return { id, name: found.name }
    throw new AppError(
      'conflict',
      `The n8n server has no ${type} credential with ID ${id}. Bind another credential`,
    )
  }
}
