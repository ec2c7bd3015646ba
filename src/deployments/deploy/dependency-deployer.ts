/** @module Deploys a workflow's sub-workflows first, and protects sub-workflows that a live workflow calls. */
import { and, arrayContains, eq, inArray, ne } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { deployments } from '../../db/schema/deployments.ts'
import { workflows, workflowVersions } from '../../db/schema/workflows.ts'
import { AppError } from '../../errors.ts'
import { type Connection, type InstanceConnections, toAppError } from '../../instances/connections.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { canBeCalled, subWorkflowRefs } from '../../n8n/reading/sub-workflow-refs.ts'
import type { Deployment, NewDeployment } from '../contract.ts'
import { Dependencies, type PendingDependency } from '../plan/dependencies.ts'
import { refuseBlocked, refusalsOf } from '../plan/publish-guard.ts'
import type { DeploymentContext } from '../context.ts'
import type { Releases } from '../release.ts'
import type { RunRow } from './run.ts'
import type { SubWorkflows } from '../remote/sub-workflows.ts'

/** A page holds ten workflows. */
const maximumPages = 20

/** The actions that make a dependency live. */
interface Deploys {
  create: (userId: string, body: NewDeployment) => Promise<Deployment>
  deploy: (userId: string, id: string, change: object) => Promise<Deployment | null>
  publish: (
    userId: string,
    id: string,
    action: 'activate',
    options: { reason: string | undefined },
  ) => Promise<Deployment | null>
}

interface Dependent {
  /** Null for a workflow that exists only in n8n. */
  deploymentId: string | null
  workflowId: string | null
  workflowName: string
  n8nWorkflowId: string
}

export class DependencyDeployer {
  readonly graph: Dependencies
  readonly #db: Db
  readonly #subWorkflows: SubWorkflows
  readonly #connections: Pick<InstanceConnections, 'open'>
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(
    db: Db,
    options: {
      connections: Pick<InstanceConnections, 'open'>
      releases: Releases
      subWorkflows: SubWorkflows
      loadCatalogue: () => Promise<Catalogue>
    },
  ) {
    this.#db = db
    this.#subWorkflows = options.subWorkflows
    this.#connections = options.connections
    this.#loadCatalogue = options.loadCatalogue
    this.graph = new Dependencies(options.subWorkflows, options.releases)
  }

  /**
   * Deploys every dependency that is not live, in the order of their calls.
   * @param force the reason for deploying dependencies that n8n would refuse to publish
   * @throws {AppError} `conflict` with the `deploymentId` of a dependency that did not become live; as `Deployer.create`
   */
  async deploy(
    userId: string,
    { release: { workflowId, instanceId, workflow }, connection: opening }: DeploymentContext,
    there: { n8nWorkflowId: string | null } | null,
    { deployer, force }: { deployer: Deploys; force: string | undefined },
  ): Promise<void> {
    if (subWorkflowRefs(workflow).length === 0) return
    const connection = await opening
    if (!connection) return
    const { client } = connection
    try {
      const target = { workflowId, instanceId, n8nWorkflowId: there?.n8nWorkflowId ?? null }
      const { dependencies } = await this.#subWorkflows.resolve(userId, workflow, target, client)
      const caller = { workflowId, workflow, dependencies }
      const { pending, findings } = await this.graph.order(userId, instanceId, caller, client)
      const [first] = findings
      if (first) throw new AppError('conflict', first.message)
      if (pending.length > 1) await this.#refuseBlocked(pending, connection, force)
      for (const { workflowId: id, name, deploymentId, action } of pending) {
        const created = await ofSubWorkflow(name, () =>
          deploymentId === null
            ? deployer.create(userId, { workflowId: id, instanceId, withDependencies: false, force })
            : action === 'activate'
              ? deployer.publish(userId, deploymentId, 'activate', { reason: force })
              : deployer.deploy(userId, deploymentId, { withDependencies: false, force }),
        )
        if (created?.status !== 'active') throw notLive(name, created)
      }
    } catch (error) {
      throw error instanceof N8nError ? toAppError(error) : error
    }
  }

  /** Checks all of them before the first one is sent. @throws {AppError} `deployment-blocked` */
  async #refuseBlocked(
    pending: readonly PendingDependency[],
    opened: Connection,
    force: string | undefined,
  ): Promise<void> {
    const catalogue = await this.#loadCatalogue()
    const connection = Promise.resolve(opened)
    for (const { name, release, n8nWorkflowId, action } of pending) {
      if (action !== 'deploy') continue
      const refusals = await refusalsOf({ release, connection, n8nWorkflowId }, catalogue)
      await ofSubWorkflow(name, async () => refuseBlocked(refusals, force))
    }
  }

  /** @throws {AppError} `in-use` with the `dependents` */
  async refuseInUse(row: RunRow, action: 'undeploy' | 'deactivate'): Promise<void> {
    const dependents = await this.#dependents(row)
    if (dependents.length === 0) return
    const names = dependents.slice(0, 5).map(({ workflowName }) => JSON.stringify(workflowName))
    throw new AppError(
      'in-use',
      `Live workflows on the instance call this one: ${names.join(', ')}. Undeploy them first, or send ?force=true to ${action} it anyway`,
      { extra: { dependents } },
    )
  }

  async #dependents({
    id,
    userId,
    instanceId,
    workflowId,
    version,
    n8nWorkflowId,
  }: RunRow): Promise<Dependent[]> {
    if (n8nWorkflowId === null) return []
    const [ours, [content]] = await this.#db.read.batch([
      this.#db.read
        .select({
          deploymentId: deployments.id,
          workflowId: deployments.workflowId,
          workflowName: workflows.name,
          n8nWorkflowId: deployments.n8nWorkflowId,
        })
        .from(deployments)
        .innerJoin(workflows, eq(workflows.id, deployments.workflowId))
        .where(
          and(
            eq(deployments.userId, userId),
            eq(deployments.instanceId, instanceId),
            ne(deployments.id, id),
            inArray(deployments.status, ['active', 'deploying']),
            arrayContains(deployments.calls, [n8nWorkflowId]),
          ),
        ),
      this.#db.read
        .select({ nodeTypes: workflowVersions.nodeTypes })
        .from(workflowVersions)
        .where(
          and(
            eq(workflowVersions.userId, userId),
            eq(workflowVersions.workflowId, workflowId),
            eq(workflowVersions.version, version),
          ),
        ),
    ])
    const found = new Map<string, Dependent>()
    for (const each of ours) {
      if (each.n8nWorkflowId !== null)
        found.set(each.n8nWorkflowId, { ...each, n8nWorkflowId: each.n8nWorkflowId })
    }
    const connection =
      canBeCalled(content?.nodeTypes ?? []) && (await this.#connections.open(userId, instanceId))
    for (const each of connection ? await callersInN8n(connection.client, n8nWorkflowId) : []) {
      if (!found.has(each.n8nWorkflowId)) found.set(each.n8nWorkflowId, each)
    }
    return [...found.values()]
  }
}

/** Published workflows in n8n that call it, as far as n8n lists them. */
async function callersInN8n(client: Connection['client'], id: string): Promise<Dependent[]> {
  const found: Dependent[] = []
  let cursor: string | null | undefined
  try {
    for (let page = 0; page < maximumPages && cursor !== null; page += 1) {
      const { items, nextCursor } = await client.listWorkflows({ ...(cursor && { cursor }) })
      for (const workflow of items) {
        if (!workflow.active || workflow.id === id) continue
        if (!subWorkflowRefs(workflow).some((ref) => ref.id === id)) continue
        found.push({
          deploymentId: null,
          workflowId: null,
          workflowName: workflow.name,
          n8nWorkflowId: workflow.id,
        })
      }
      cursor = nextCursor
    }
  } catch (error) {
    // While n8n is unavailable, the run cannot change anything there and reports that itself.
    if (!(error instanceof N8nError)) throw error
  }
  return found
}

/** Names the sub-workflow in the reason why it cannot be deployed. */
async function ofSubWorkflow<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'deployment-blocked') throw error
    const { code, message, extra = {} } = error
    throw new AppError(code, `Sub-workflow ${JSON.stringify(name)}: ${message}`, { extra })
  }
}

function notLive(name: string, deployment: Deployment | null): AppError {
  const reason = deployment?.error ? `: ${deployment.error}` : ''
  return new AppError(
    'conflict',
    `The sub-workflow ${JSON.stringify(name)} is not live: its deployment ${deployment ? `has the status ${deployment.status}` : 'was deleted'}${reason}. ` +
      'Fix this first, then deploy again',
    { ...(deployment && { extra: { deploymentId: deployment.id } }) },
  )
}
