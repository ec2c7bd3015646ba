/** @module Lists and imports workflows that already exist on an instance. */
import { and, eq, inArray } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { checkWorkflow, versionToCheck } from '../../check/run.ts'
import { summarizeCheck } from '../../check/summary.ts'
import { auditEvent } from '../../db/audit.ts'
import type { Db } from '../../db/client.ts'
import { databaseError } from '../../db/errors.ts'
import { deployments, deploymentVersions } from '../../db/schema/deployments.ts'
import { AppError, invalid } from '../../errors.ts'
import type { Slice } from '../../http/page.ts'
import type { InstanceConnections } from '../../instances/connections.ts'
import { liveNodes } from '../../n8n/api/shapes.ts'
import { isN8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { endpointsOf } from '../../n8n/reading/webhook-paths.ts'
import { nameLimit } from '../../workflows/contract.ts'
import type { WorkflowRepository } from '../../workflows/repository.ts'
import type { ImportedWorkflow, RemoteWorkflow, RemoteWorkflowQuery } from './contract.ts'
import { toLocalWorkflow } from '../remote/local-workflow.ts'
import { ownCredentials } from '../remote/credentials.ts'
import { remoteHash } from '../remote/form.ts'
import { isScratchName } from '../remote/scratch-name.ts'
import { failed, getWorkflow } from '../remote/state.ts'
import type { DeploymentRepository } from '../repository.ts'
import { liveVersionOf } from '../version-history.ts'

export interface ImportOptions {
  connections: Pick<InstanceConnections, 'open'>
  workflows: WorkflowRepository
  deployments: Pick<DeploymentRepository, 'find'>
  loadCatalogue: () => Promise<Catalogue>
  quotas: { deployments: number }
}

/** Every method takes the owner first and returns null when the user has no such instance. */
export class RemoteWorkflows {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: ImportOptions

  constructor(db: Db, now: () => Date, options: ImportOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /**
   * In the order of n8n's ids, without our error reporter and the scratch copies of tests.
   * @throws {AppError} `invalid` for a cursor that n8n rejects, `instance-*`
   */
  async list(
    userId: string,
    instanceId: string,
    query: RemoteWorkflowQuery,
  ): Promise<Slice<RemoteWorkflow> | null> {
    const connection = await this.#options.connections.open(userId, instanceId)
    if (!connection) return null
    const { name, limit, cursor } = query
    const page = await connection.client
      .listWorkflows({
        ...(name !== undefined && { name }),
        ...(limit !== undefined && { limit }),
        ...(cursor !== undefined && { cursor }),
      })
      .catch((error: unknown) => {
        const isCursor = cursor !== undefined && isN8nError(error, 'rejected')
        if (isCursor) throw invalid('cursor', 'Not a cursor from this list. Use the nextCursor of a page')
        return failed(error)
      })
    const shown = page.items.filter(
      ({ id, name: title }) => id !== connection.instance.reporterWorkflowId && !isScratchName(title),
    )
    const tracked = await this.#tracked(
      userId,
      instanceId,
      shown.map(({ id }) => id),
    )
    const items = shown.map(({ id, name, active, isArchived, nodes }) => ({
      id,
      name,
      active,
      archived: isArchived,
      nodeCount: nodes.length,
      deploymentId: tracked.get(id)?.deploymentId ?? null,
      workflowId: tracked.get(id)?.workflowId ?? null,
    }))
    return { items, nextCursor: page.nextCursor }
  }

  /**
   * Saves a workflow of n8n and tracks it there, both atomically. Changes nothing in n8n.
   * @throws {AppError} `deployment-exists` with `deploymentId` and `workflowId` when it is tracked already,
   * `not-found` when n8n has no such workflow, `invalid-workflow`, `too-large`, `quota-exceeded`, `instance-*`
   */
  async import(userId: string, instanceId: string, n8nWorkflowId: string): Promise<ImportedWorkflow | null> {
    const connection = await this.#options.connections.open(userId, instanceId)
    if (!connection) return null
    await this.#refuseTracked(userId, instanceId, n8nWorkflowId)
    const { reporterWorkflowId } = connection.instance
    if (n8nWorkflowId === reporterWorkflowId) {
      throw new AppError(
        'conflict',
        'This workflow is the error reporter that Flowkeep manages. It cannot be imported',
      )
    }
    const remote = await getWorkflow(connection, n8nWorkflowId)
    if (!remote) throw new AppError('not-found', 'The n8n server has no workflow with this ID')
    if (isScratchName(remote.name)) {
      throw new AppError(
        'conflict',
        'This workflow is the scratch copy of a test, which Flowkeep removes. It cannot be imported',
      )
    }
    const put = await ownCredentials(this.#db, userId, instanceId)
    const own = toLocalWorkflow(remote, { reporterWorkflowId, ownCredentials: put })
    const id = uuidv7()
    const createdAt = this.#now()
    const version = 1
    const deployment = {
      id,
      userId,
      instanceId,
      version,
      n8nWorkflowId,
      status: 'tracking' as const,
      bindings: own.bindings,
      deployedHash: await remoteHash(remote),
      n8nVersionId: remote.versionId,
      endpoints: endpointsOf(liveNodes(remote), await this.#options.loadCatalogue()),
      createdAt,
      updatedAt: createdAt,
    }
    const body = { workflow: own.workflow, name: remote.name.trim().slice(0, nameLimit) || n8nWorkflowId }
    const workflow = await this.#options.workflows
      .create(userId, body, undefined, {
        quota: { table: 'deployments', limit: this.#options.quotas.deployments },
        statements: (workflowId) => [
          this.#db.insert(deployments).values({ ...deployment, workflowId }),
          this.#db.insert(deploymentVersions).values({
            deploymentId: id,
            sequence: 1,
            userId,
            version,
            bindings: own.bindings,
            n8nVersionId: liveVersionOf(remote),
            createdAt,
          }),
          auditEvent(this.#db, userId, 'deployment.created', id, { workflowId, instanceId, version }),
        ],
      })
      .catch(async (error: unknown) => {
        const { constraint } = databaseError(error)
        if (constraint === 'deployments_n8n_workflow_key') {
          await this.#refuseTracked(userId, instanceId, n8nWorkflowId)
        }
        if (constraint === 'deployments_instance_fkey') return null
        throw error
      })
    const created = workflow && (await this.#options.deployments.find(userId, id))
    if (!created) return null
    const n8nVersion = versionToCheck(connection.instance.n8nVersion)
    const check = summarizeCheck(await checkWorkflow(own.workflow, { n8nVersion }))
    return { workflowId: workflow.id, deployment: created, ambiguousTypes: own.ambiguousTypes, check }
  }

  async #refuseTracked(userId: string, instanceId: string, n8nWorkflowId: string): Promise<void> {
    const tracked = (await this.#tracked(userId, instanceId, [n8nWorkflowId])).get(n8nWorkflowId)
    if (!tracked) return
    throw new AppError(
      'deployment-exists',
      'A deployment already tracks this n8n workflow on this instance. Use that one',
      {
        extra: tracked,
      },
    )
  }

  async #tracked(userId: string, instanceId: string, n8nWorkflowIds: string[]) {
    const rows =
      n8nWorkflowIds.length === 0
        ? []
        : await this.#db.read
            .select({
              deploymentId: deployments.id,
              workflowId: deployments.workflowId,
              n8nWorkflowId: deployments.n8nWorkflowId,
            })
            .from(deployments)
            .where(
              and(
                eq(deployments.userId, userId),
                eq(deployments.instanceId, instanceId),
                inArray(deployments.n8nWorkflowId, n8nWorkflowIds),
              ),
            )
    return new Map(
      rows.map(({ n8nWorkflowId, deploymentId, workflowId }) => [
        n8nWorkflowId,
        { deploymentId, workflowId },
      ]),
    )
  }
}
