/** @module Binds every slot of a deploy. For a workflow that existed in n8n first, also uses the credentials in n8n. */
import type { SlotBinding } from '../db/schema/deployments.ts'
import type { InstanceConnections } from '../instances/connections.ts'
import type { RequestedBinding, ResolvedSlot } from '../workflows/slot-bindings.ts'
import { type Consents, needsConsent } from './plan/consents.ts'
import { type Deployed, readsLive, type Release, type Releases } from './release.ts'
import { getWorkflow } from './remote/state.ts'
import { requireBound } from './plan/slot-findings.ts'

export class Binder {
  readonly #releases: Releases
  readonly #connections: Pick<InstanceConnections, 'open'>
  readonly #consents: Consents

  constructor(releases: Releases, connections: Pick<InstanceConnections, 'open'>, consents: Consents) {
    this.#releases = releases
    this.#connections = connections
    this.#consents = consents
  }

  /**
   * Sends a credential without consent to n8n before it fails, so that the user only has to sign in there.
   * @throws {AppError} `invalid` for an empty slot or a binding that does not fit; `instance-*`
   */
  async bind(
    userId: string,
    release: Release,
    requested: readonly RequestedBinding[],
    deployed: Deployed | null,
  ): Promise<SlotBinding[]> {
    const remote = deployed && readsLive(deployed) ? await this.#remote(userId, release, deployed) : null
    const slots = await this.#releases.bind(userId, release, requested, deployed, remote)
    return requireBound(slots.some(needsConsent) ? await this.#consented(userId, release, slots) : slots)
  }

  async #consented(userId: string, { instanceId }: Release, slots: ResolvedSlot[]) {
    const connection = await this.#connections.open(userId, instanceId)
    return connection ? this.#consents.settle(userId, connection, slots, { push: true }) : slots
  }

  /** Binds only the slots that the caller names. @throws {AppError} `invalid` for a binding that does not fit */
  async bindRequested(
    userId: string,
    release: Release,
    requested: readonly RequestedBinding[],
  ): Promise<SlotBinding[]> {
    const slots = await this.#releases.bind(userId, release, requested, null, null)
    return slots.flatMap(({ node, type, credential, reason }) =>
      credential && reason === 'chosen' ? [{ node: node.name, type, ...credential }] : [],
    )
  }

  async #remote(userId: string, { instanceId }: Release, { n8nWorkflowId }: Deployed) {
    const connection = await this.#connections.open(userId, instanceId)
    return connection && n8nWorkflowId !== null ? getWorkflow(connection, n8nWorkflowId) : null
  }
}
