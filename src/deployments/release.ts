/** @module The version to deploy: its workflow, its slots and their bindings. */
import { deployedVersion } from './rows.ts'
import type { JsonObject } from '../lib/json-object.ts'
import { and, desc, eq, ne } from 'drizzle-orm'
import type { AvailableCredentials } from '../credentials/available.ts'
import type { Db } from '../db/client.ts'
import { deployments } from '../db/schema/deployments.ts'
import { environments } from '../db/schema/environments.ts'
import { instances } from '../db/schema/instances.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import { AppError, invalid } from '../errors.ts'
import { type Substituted, withVariables } from '../environments/substitute.ts'
import { environmentOfInstance, type Target, targetColumns, toTarget } from '../environments/target.ts'
import type { N8nWorkflow } from '../n8n/api/shapes.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { readSlots, type WorkflowSlots } from '../n8n/reading/slots.ts'
import { checkStructure } from '../n8n/structure/structure.ts'
import { type BindingSource } from '../workflows/binding-sources.ts'
import { type RequestedBinding, type ResolvedSlot, resolveSlots } from '../workflows/slot-bindings.ts'
import { type RunRow, runColumns } from './deploy/run.ts'
import { type ReplayGate, replayGateColumn } from './replay-gate.ts'
import { bindingsIn } from './remote/local-workflow.ts'
import { ownCredentials } from './remote/credentials.ts'

export interface Release {
  workflowId: string
  instanceId: string
  isProduction: boolean
  /** What applies on the instance. */
  target: Target
  version: number
  /** The name of the version in Flowkeep. Used in n8n when the JSON has none. */
  name: string
  workflow: JsonObject
  /** `workflow` with the values of the target's variables. Only this is sent to n8n. */
  substituted: Substituted
  contentHash: string
  /** Codes of the applied repairs. If there are any, `workflow` differs from the saved version. */
  applied: string[]
  /** Of this version on the instance. */
  replayGate: ReplayGate
  wanted: WorkflowSlots
}

export interface Deployed extends RunRow {
  /** The workflow of the deployed or tracked version. */
  content: JsonObject
}

/** One version of a user's workflow, ready to be bound. Every method takes the owner first. */
export class Releases {
  readonly #db: Db
  readonly #availableCredentials: AvailableCredentials
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(db: Db, availableCredentials: AvailableCredentials, loadCatalogue: () => Promise<Catalogue>) {
    this.#db = db
    this.#availableCredentials = availableCredentials
    this.#loadCatalogue = loadCatalogue
  }

  /**
   * @param version default: the current one
   * @param fixes codes of findings to repair
   * @throws {AppError} `invalid` for an unknown workflow, version or instance
   */
  async find(
    userId: string,
    workflowId: string,
    instanceId: string,
    version: number | undefined,
    fixes: readonly string[] = [],
  ): Promise<Release> {
    const [row] = await this.#db.read
      .select({
        version: workflowVersions.version,
        name: workflowVersions.name,
        workflow: workflowVersions.data,
        contentHash: workflowVersions.contentHash,
        instanceId: instances.id,
        replayGate: replayGateColumn,
        ...targetColumns,
      })
      .from(workflows)
      .leftJoin(
        workflowVersions,
        and(
          eq(workflowVersions.workflowId, workflows.id),
          eq(workflowVersions.version, version ?? workflows.version),
        ),
      )
      .leftJoin(instances, and(eq(instances.userId, userId), eq(instances.id, instanceId)))
      .leftJoin(environments, environmentOfInstance)
      .where(and(eq(workflows.userId, userId), eq(workflows.id, workflowId)))
    if (!row) throw invalid('/workflowId', 'Workflow not found')
    const { workflow: saved, name, contentHash } = row
    if (row.version === null || !saved) {
      throw invalid('/version', `The workflow has no version ${version}`)
    }
    if (row.instanceId === null) throw invalid('/instanceId', 'Instance not found')
    const { workflow, applied } =
      fixes.length > 0 ? checkStructure(saved, fixes) : { workflow: saved, applied: [] }
    const target = toTarget(row)
    const substituted = await withVariables(workflow, target.variables)
    return {
      workflowId,
      instanceId,
      isProduction: row.isProduction,
      target,
      version: row.version,
      name: name ?? '',
      workflow,
      substituted,
      contentHash: contentHash ?? '',
      applied,
      replayGate: row.replayGate,
      wanted: readSlots(substituted.workflow, await this.#loadCatalogue()),
    }
  }

  /**
   * The deployment of the workflow on the instance, else the one that tracks it there.
   * @throws {AppError} `deployment-exists` when several n8n workflows there are tracked as this workflow
   */
  async deployed(userId: string, workflowId: string, instanceId: string): Promise<Deployed | null> {
    const found = await this.#deployed()
      .where(
        and(
          eq(deployments.userId, userId),
          eq(deployments.workflowId, workflowId),
          eq(deployments.instanceId, instanceId),
          ne(deployments.status, 'undeployed'),
        ),
      )
      .orderBy(desc(deployments.id))
    const live = found.find(({ status }) => status !== 'tracking')
    if (live) return live
    const [tracked, another] = found
    if (another) {
      throw new AppError(
        'deployment-exists',
        'Several n8n workflows on this instance are tracked as this workflow. Deploy to one of them with ' +
          'POST /v1/deployments/{id}/deploy, or stop tracking the others',
        { extra: { deploymentIds: found.map(({ id }) => id) } },
      )
    }
    return tracked ?? null
  }

  async deployedById(userId: string, id: string): Promise<Deployed | null> {
    const [row] = await this.#deployed().where(and(eq(deployments.userId, userId), eq(deployments.id, id)))
    return row ?? null
  }

  /**
   * Resolves the credential of each slot.
   * @param deployed the deployment with the earlier bindings
   * @param remote the workflow in n8n; used only if it existed there before Flowkeep
   * @throws {AppError} `invalid` for a binding that fits no slot or another user's credential
   */
  async bind(
    userId: string,
    release: Pick<Release, 'instanceId' | 'wanted' | 'target'>,
    requested: readonly RequestedBinding[],
    deployed: Pick<Deployed, 'bindings' | 'content' | 'variables' | 'managed' | 'status'> | null,
    remote: N8nWorkflow | null | undefined,
  ): Promise<ResolvedSlot[]> {
    const catalogue = await this.#loadCatalogue()
    const sources: BindingSource[] = []
    if (deployed) {
      const { bindings, content, variables } = deployed
      // An earlier version may read variables that the deployed one does not.
      const values = variables === null ? {} : { ...release.target.variables, ...variables }
      const { workflow } = await withVariables(content, values)
      sources.push({ reason: 'earlier', bindings, content: readSlots(workflow, catalogue) })
      if (!deployed.managed && remote) {
        const own = await ownCredentials(this.#db, userId, release.instanceId)
        const live = { bindings: bindingsIn(remote.nodes, own), content: readSlots({ ...remote }, catalogue) }
        sources.push({ reason: 'live', ...live })
      }
      // A tracking deployment has bound nothing, so n8n's credentials come first.
      if (deployed.status === 'tracking') sources.reverse()
    }
    const { wanted, target } = release
    const open = wanted.unresolved.length > 0 ? sources.flatMap(({ bindings }) => bindings) : []
    const types = [...wanted.slots, ...requested, ...open].map(({ type }) => type)
    const available = await this.#availableCredentials.find(userId, types)
    return resolveSlots({ wanted, catalogue, available, requested, sources, target })
  }

  /** n8n workflow id → deployment id, for every deployment on the instance. */
  async onInstance(userId: string, instanceId: string): Promise<Map<string, string>> {
    const rows = await this.#db.read
      .select({ id: deployments.id, n8nWorkflowId: deployments.n8nWorkflowId })
      .from(deployments)
      .where(and(eq(deployments.userId, userId), eq(deployments.instanceId, instanceId)))
    return new Map(rows.flatMap(({ id, n8nWorkflowId }) => (n8nWorkflowId ? [[n8nWorkflowId, id]] : [])))
  }

  #deployed() {
    return this.#db.read
      .select({ ...runColumns, content: workflowVersions.data })
      .from(deployments)
      .innerJoin(workflowVersions, deployedVersion)
      .$dynamic()
  }
}

/** Whether the credentials in n8n count as bindings. */
export const readsLive = (deployed: Pick<Deployed, 'managed' | 'n8nWorkflowId'> | null): boolean =>
  deployed !== null && !deployed.managed && deployed.n8nWorkflowId !== null
