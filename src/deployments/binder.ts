/** @module Binds every slot of a deploy. For a workflow that existed in n8n first, also uses the credentials in n8n. */
import type { SlotBinding } from '../db/schema/deployments.ts'
import { requireScope } from '../http/scopes.ts'
import type { RequestedBinding, ResolvedSlot } from '../workflows/slot-bindings.ts'
import type { DeploymentContext } from './context.ts'
import { type Consents, needsConsent } from './plan/consents.ts'
import { type Deployed, readsLive, type Release, type Releases } from './release.ts'
import { getWorkflow } from './remote/state.ts'
import { requireBound } from './plan/slot-findings.ts'

export class Binder {
  readonly #releases: Releases
  readonly #consents: Consents

  constructor(releases: Releases, consents: Consents) {
    this.#releases = releases
    this.#consents = consents
  }

  /**
   * Sends a credential without consent to n8n before it fails, so that the user only has to sign in there.
   * @throws {AppError} `invalid` for an empty slot or a binding that does not fit; `instance-*`
   */
  async bind(
    userId: string,
    context: DeploymentContext,
    requested: readonly RequestedBinding[],
  ): Promise<SlotBinding[]> {
    const { release, deployed } = context
    const remote = deployed && readsLive(deployed) ? await getRemote(context, deployed) : null
    const slots = await this.#releases.bind(userId, release, requested, deployed, remote)
    requireUse(slots)
    return requireBound(slots.some(needsConsent) ? await this.#consented(userId, context, slots) : slots)
  }

  async #consented(userId: string, context: DeploymentContext, slots: ResolvedSlot[]) {
    const connection = await context.connection
    return connection ? this.#consents.settle(userId, connection, slots, { push: true }) : slots
  }

  /** Binds only the slots that the caller names. @throws {AppError} `invalid` for a binding that does not fit */
  async bindRequested(
    userId: string,
    release: Release,
    requested: readonly RequestedBinding[],
  ): Promise<SlotBinding[]> {
    const slots = await this.#releases.bind(userId, release, requested, null, null)
    if (requested.length > 0) requireUse(slots)
    return slots.flatMap(({ node, type, credential, reason }) =>
      credential && reason === 'chosen' ? [{ node: node.name, type, ...credential }] : [],
    )
  }
}

/** Earlier bindings need no scope: their credentials are sent to the same hosts as before. @throws {AppError} `insufficient-scope` */
function requireUse(slots: readonly ResolvedSlot[]): void {
  const isNew = ({ credential, reason, isBoundAlready }: ResolvedSlot) =>
    credential !== null && !isBoundAlready && reason !== 'earlier' && reason !== 'live'
  if (slots.some(isNew)) requireScope('credentials:use')
}

async function getRemote(context: DeploymentContext, { n8nWorkflowId }: Deployed) {
  const connection = await context.connection
  return connection && n8nWorkflowId !== null ? getWorkflow(connection, n8nWorkflowId) : null
}
