/** @module Replaces a credential with another one in every deployment that is bound to it. */
import { sql } from 'drizzle-orm'
import type { Change, Permit } from '../../approvals/approvals.ts'
import type { CredentialRepository } from '../../credentials/repository.ts'
import { currentToken } from '../../db/actor.ts'
import { auditEventOfUser } from '../../db/audit.ts'
import type { Db } from '../../db/client.ts'
import { type DeploymentStatus } from '../../db/schema/deployments.ts'
import { isProduction } from '../../db/schema/instances.ts'
import { AppError, invalid } from '../../errors.ts'
import { toAppError } from '../../instances/connections.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { CredentialReplacementResult } from './contract.ts'
import type { Deployer } from '../deploy/deployer.ts'

/** No further deployment starts in the same request after this time. */
const requestMs = 25_000

type Result = CredentialReplacementResult['deployments'][number]

interface Bound extends Record<string, unknown> {
  deploymentId: string
  workflowId: string
  workflowName: string
  instanceId: string
  instanceName: string
  isProduction: boolean
  slots: { node: string; type: string }[]
  status: DeploymentStatus
  version: number
  unpublished: boolean
}

export interface CredentialReplacerOptions {
  credentials: Pick<CredentialRepository, 'find'>
  deployer: Pick<Deployer, 'deploy'>
  permit: Permit
}

export class CredentialReplacer {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: CredentialReplacerOptions

  constructor(db: Db, now: () => Date, options: CredentialReplacerOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /**
   * Redeploys the live version of every deployment bound to `id`, one by one, and continues after failures. A replaced
   * deployment is no longer bound to `id`, so a repeated call continues with the rest. Null when the user has no such
   * credential.
   * @throws {AppError} `invalid` when `other` is missing, of another type, or the same credential; as `Approvals.permit`
   */
  async replace(
    userId: string,
    id: string,
    other: string,
    { dryRun = false }: { dryRun?: boolean | undefined } = {},
  ): Promise<CredentialReplacementResult | null> {
    const { credentials } = this.#options
    const [from, to] = await Promise.all([credentials.find(userId, id), credentials.find(userId, other)])
    if (!from) return null
    if (!to) throw invalid('/with', 'Credential not found')
    if (to.id === from.id) throw invalid('/with', 'Must differ from the credential to replace')
    if (to.type !== from.type) throw invalid('/with', `Must be a credential of type ${from.type}`)
    const bound = await this.#bound(userId, id)
    if (dryRun) return this.#replaceAll(userId, id, other, bound, { dryRun })
    const change: Change = {
      kind: 'replace-credential',
      subjectId: id,
      request: { with: other },
      subject: async () => ({
        name: from.name,
        details: {
          with: to.name,
          versions: [from.version, to.version],
          deployments: bound.map((each) => ({
            id: each.deploymentId,
            workflow: each.workflowName,
            version: each.version,
            status: each.status,
            instance: { name: each.instanceName, isProduction: each.isProduction },
          })),
        },
        scopes: bound.some((each) => each.isProduction)
          ? ['destructive', 'deploy:production']
          : ['destructive'],
      }),
    }
    return this.#options.permit(userId, change, () => this.#replaceAll(userId, id, other, bound, { dryRun }))
  }

  async #replaceAll(
    userId: string,
    id: string,
    other: string,
    bound: readonly Bound[],
    { dryRun }: { dryRun: boolean },
  ): Promise<CredentialReplacementResult> {
    const startedMs = this.#now().getTime()
    const deployments: Result[] = []
    for (const seen of bound) {
      const isLate = this.#now().getTime() - startedMs > requestMs
      // Read it again, because its version or state may have changed during the earlier deployments.
      const [now = null] = dryRun || isLate ? [seen] : await this.#bound(userId, id, seen.deploymentId)
      const outcome = now
        ? await this.#outcome(userId, now, other, { dryRun, isLate })
        : { status: 'skipped' as const, reason: 'The deployment is no longer bound to the credential' }
      const { deploymentId, workflowId, workflowName, instanceId, instanceName, slots } = now ?? seen
      deployments.push({
        deploymentId,
        workflowId,
        workflowName,
        instanceId,
        instanceName,
        slots,
        ...outcome,
      })
    }
    if (!dryRun) {
      const failed = deployments.filter(({ status }) => status === 'failed').length
      const changed = deployments.map(({ deploymentId }) => deploymentId)
      await auditEventOfUser(this.#db, userId, 'credential.replaced', id, {
        with: other,
        deployments: changed,
        failed,
      })
    }
    return { dryRun, deployments }
  }

  async #outcome(
    userId: string,
    bound: Bound,
    credentialId: string,
    { dryRun, isLate }: { dryRun: boolean; isLate: boolean },
  ): Promise<Pick<Result, 'status' | 'reason'>> {
    if (bound.status === 'tracking') {
      return {
        status: 'skipped',
        reason: 'The workflow is only tracked. Deploy it with the other credential',
      }
    }
    if (dryRun) return { status: 'planned', reason: null }
    if (isLate) return { status: 'skipped', reason: 'The request timed out. Send it again' }
    try {
      const { deploymentId, version, slots, status, unpublished } = bound
      const deployment = await this.#options.deployer.deploy(userId, deploymentId, {
        version,
        publish: status !== 'inactive' && !unpublished,
        // A person who approves it for an access token sees these deployments, not those of sub-workflows.
        withDependencies: currentToken() === undefined,
        bindings: slots.map(({ node, type }) => ({ node, type, credentialId })),
      })
      if (!deployment) return { status: 'skipped', reason: 'The deployment has been deleted' }
      if (deployment.status === 'failed') return { status: 'failed', reason: deployment.error }
      const isDone = deployment.status === 'active' || deployment.status === 'inactive'
      return { status: isDone ? 'replaced' : 'pending', reason: deployment.error }
    } catch (error) {
      const known = error instanceof N8nError ? toAppError(error) : error
      if (!(known instanceof AppError)) throw error
      return { status: 'failed', reason: known.message }
    }
  }

  /** All bound deployments, newest first, or only `deploymentId`. */
  async #bound(userId: string, credentialId: string, deploymentId?: string): Promise<Bound[]> {
    const { rows } = await this.#db.read.execute<Bound>(sql`
      select d.id as "deploymentId", d.workflow_id as "workflowId", w.name as "workflowName",
        instances.id as "instanceId", instances.name as "instanceName", ${isProduction} as "isProduction", d.status, d.version,
        coalesce((d.intent ->> 'unpublished')::boolean, false) as unpublished,
        (select jsonb_agg(jsonb_build_object('node', b ->> 'node', 'type', b ->> 'type'))
          from jsonb_array_elements(d.bindings) b where b ->> 'credentialId' = ${credentialId}) as slots
      from deployments d
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      join instances on instances.user_id = d.user_id and instances.id = d.instance_id
      where d.user_id = ${userId} and d.status <> 'undeployed'
        and d.bindings @> jsonb_build_array(jsonb_build_object('credentialId', ${credentialId}::text))
        and (${deploymentId ?? null}::uuid is null or d.id = ${deploymentId ?? null}::uuid)
      order by d.id desc`)
    return rows
  }
}
