/** @module Checks whether n8n already matches a deploy, so that there is nothing to send. Only reads. */
import type { DeploymentIntent } from '../../db/schema/deployments.ts'
import { withoutSuccessReport } from '../../instances/success-report.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import { withName } from '../../n8n/sendable/workflow.ts'
import { sameBindings } from '../../workflows/binding-sources.ts'
import { sameJson } from '../../workflows/diff.ts'
import type { DeploymentContext } from '../context.ts'
import type { RemoteCredentials } from '../remote/credentials.ts'
import { remoteHash } from '../remote/form.ts'
import { missingCredentials } from '../remote/state.ts'
import type { RunRow } from './run.ts'

interface UpToDateOptions {
  remoteCredentials: Pick<RemoteCredentials, 'preview'>
}

export class UpToDate {
  readonly #options: UpToDateOptions

  constructor(options: UpToDateOptions) {
    this.#options = options
  }

  /** Asks n8n whether it has the workflow unchanged, published or not as intended, and its credentials. */
  async check(
    row: RunRow,
    intent: DeploymentIntent,
    bindings: RunRow['bindings'],
    context: Pick<DeploymentContext, 'release' | 'connection'>,
  ): Promise<boolean> {
    const { userId, instanceId, n8nWorkflowId } = row
    if (row.intent || row.version !== intent.version || n8nWorkflowId === null) return false
    if (row.status !== (intent.unpublished ? 'inactive' : 'active')) return false
    if (!sameBindings(row.bindings, bindings)) return false
    if (!sameJson(row.variables ?? {}, context.release.substituted.sent)) return false
    const own = new Set(bindings.flatMap((each) => ('credentialId' in each ? [each.credentialId] : [])))
    const { remoteCredentials } = this.#options
    const previews = await Promise.all(
      [...own].map((credentialId) => remoteCredentials.preview(userId, instanceId, credentialId)),
    )
    if (previews.some((preview) => preview?.action !== 'unchanged')) return false
    const { release } = context
    try {
      const connection = await context.connection
      const live = await connection?.client.getWorkflow(n8nWorkflowId)
      if (!connection || !live || live.isArchived || live.active === Boolean(intent.unpublished)) return false
      if (live.name !== withName(release.workflow, release.name).name) return false
      if (live.activeVersionId !== null && live.activeVersionId !== row.n8nVersionId) return false
      if ((await remoteHash(withoutSuccessReport(live))) !== row.deployedHash) return false
      return (await missingCredentials(connection.client, live.nodes)).length === 0
    } catch (error) {
      if (error instanceof N8nError) return false
      throw error
    }
  }
}
