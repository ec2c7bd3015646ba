/**
 * @module Resolves the sub-workflow references of a workflow on an instance. A reference is a Flowkeep ID, or the n8n ID of
 * a deployment on any instance, which then means the deployment of the same workflow on this one. IDs of this n8n stay
 * unchanged. Names are only used for suggestions.
 */
import type { JsonObject } from '../../lib/json-object.ts'
import { and, eq, inArray, ne, or, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { type DeploymentStatus, deployments } from '../../db/schema/deployments.ts'
import { workflows } from '../../db/schema/workflows.ts'
import { AppError } from '../../errors.ts'
import type { Connection } from '../../instances/connections.ts'
import type { N8nWorkflow } from '../../n8n/api/shapes.ts'
import { isN8nError } from '../../n8n/api/transport.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import {
  type SubWorkflowRef,
  subWorkflowRefs,
  withSubWorkflows,
} from '../../n8n/reading/sub-workflow-refs.ts'

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i
const maximumSuggestions = 20

/** A workflow that another one calls, with its deployment on the instance. */
export interface Dependency {
  workflowId: string
  name: string
  deploymentId: string | null
  n8nWorkflowId: string | null
  /** Null while it is not on the instance. */
  status: DeploymentStatus | null
  /** The calling nodes; null for the error workflow setting. */
  nodes: (string | null)[]
  mustBePublished: boolean
}

export interface ResolvedSubWorkflows {
  /** Reference as written → n8n's ID on this instance. */
  ids: Map<string, string>
  /** References to the workflow itself. */
  self: Set<string>
  dependencies: Dependency[]
  /** References that cannot be resolved on this instance. Dependencies that are not deployed yet are excluded. */
  findings: Finding[]
}

interface Known {
  workflowId: string
  name: string
  /** The n8n ID, for a reference by one. */
  n8nWorkflowId: string | null
  instanceId: string | null
}

interface Target {
  workflowId: string
  instanceId: string
  /** The n8n ID of the calling workflow on this instance. */
  n8nWorkflowId: string | null
}

/** Every method takes the owner first. */
export class SubWorkflows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** @throws {N8nError} when n8n cannot resolve IDs that are unknown here */
  async resolve(
    userId: string,
    workflow: JsonObject,
    target: Target,
    client: Pick<Connection['client'], 'getWorkflow'>,
  ): Promise<ResolvedSubWorkflows> {
    const refs = subWorkflowRefs(workflow)
    const result: ResolvedSubWorkflows = { ids: new Map(), self: new Set(), dependencies: [], findings: [] }
    if (refs.length === 0) return result
    const known = await this.#known(userId, [...new Set(refs.map(({ id }) => id))])
    const meant = new Map(
      [...Map.groupBy(refs, ({ id }) => id)].map(([id, of]) => [id, meaning(id, of, known, target)]),
    )
    const wanted = [...meant.values()].flatMap((each) => (each.kind === 'ours' ? [each.workflowId] : []))
    const there = await this.#onInstance(userId, target.instanceId, wanted)
    const dependencies = new Map<string, Dependency>()
    for (const [id, each] of meant) {
      if (each.kind === 'self') {
        result.self.add(id)
        if (target.n8nWorkflowId !== null) result.ids.set(id, target.n8nWorkflowId)
      } else if (each.kind === 'ours') {
        const found = there.get(each.workflowId)
        if (found?.n8nWorkflowId) result.ids.set(id, found.n8nWorkflowId)
        const earlier = dependencies.get(each.workflowId)
        dependencies.set(each.workflowId, {
          workflowId: each.workflowId,
          name: each.name,
          deploymentId: found?.id ?? null,
          n8nWorkflowId: found?.n8nWorkflowId ?? null,
          status: found?.status ?? null,
          nodes: [...(earlier?.nodes ?? []), ...each.refs.map(({ node }) => node ?? null)],
          mustBePublished:
            earlier?.mustBePublished || each.refs.some(({ mustBePublished }) => mustBePublished),
        })
      } else if (each.kind === 'ambiguous') result.findings.push(...each.refs.map((ref) => ambiguous(ref)))
      else await this.#askN8n(userId, each.refs, client, result)
    }
    result.dependencies = [...dependencies.values()]
    return result
  }

  /**
   * The workflow with references resolved for n8n. All sub-workflows are live there.
   * @throws {AppError} `conflict` with the first reference that cannot be resolved
   */
  async forDeploying(
    userId: string,
    workflow: JsonObject,
    target: Target,
    client: Pick<Connection['client'], 'getWorkflow'>,
  ): Promise<{ workflow: JsonObject; calls: string[] }> {
    const { ids, self, dependencies, findings } = await this.resolve(userId, workflow, target, client)
    const errors = findings.filter(({ level }) => level === 'error')
    const [first] = [...errors, ...dependencies.flatMap((each) => dependencyFinding(each) ?? [])]
    if (first) throw new AppError('conflict', first.message)
    const calls = [...ids].flatMap(([id, n8nId]) => (self.has(id) ? [] : [n8nId]))
    return { workflow: withSubWorkflows(workflow, ids), calls: [...new Set(calls)] }
  }

  async #askN8n(
    userId: string,
    refs: SubWorkflowRef[],
    client: Pick<Connection['client'], 'getWorkflow'>,
    { ids, findings }: ResolvedSubWorkflows,
  ): Promise<void> {
    const [first] = refs
    if (!first) return
    const found = await getIfThere(client, first.id)
    if (!found || found.isArchived) {
      const suggestion = await this.#suggestion(userId, first.name)
      findings.push(...refs.map((ref) => notFound(ref, suggestion)))
      return
    }
    ids.set(first.id, first.id)
    if (found.active) return
    for (const ref of refs) {
      if (ref.mustBePublished) findings.push(unpublished(ref, found.name))
      else if (ref.node === undefined) findings.push(errorWorkflowUnpublished(ref.id, found.name))
    }
  }

  async #known(userId: string, ids: string[]): Promise<Map<string, Known[]>> {
    const own = ids.filter((id) => uuid.test(id))
    const [byId, byN8nId] = await this.#db.read.batch([
      this.#db.read
        .select({ workflowId: workflows.id, name: workflows.name })
        .from(workflows)
        .where(and(eq(workflows.userId, userId), inArray(workflows.id, own.length > 0 ? own : [noId]))),
      this.#db.read
        .select({
          workflowId: deployments.workflowId,
          name: workflows.name,
          n8nWorkflowId: deployments.n8nWorkflowId,
          instanceId: deployments.instanceId,
        })
        .from(deployments)
        .innerJoin(workflows, eq(workflows.id, deployments.workflowId))
        .where(and(eq(deployments.userId, userId), inArray(deployments.n8nWorkflowId, ids))),
    ])
    const known: Known[] = [
      ...byId.map(({ workflowId, name }) => ({
        workflowId,
        name,
        n8nWorkflowId: workflowId,
        instanceId: null,
      })),
      ...byN8nId,
    ]
    return Map.groupBy(known, ({ n8nWorkflowId }) => n8nWorkflowId ?? '')
  }

  async #onInstance(userId: string, instanceId: string, workflowIds: string[]) {
    if (workflowIds.length === 0) return new Map<string, never>()
    const rows = await this.#db.read
      .select({
        id: deployments.id,
        workflowId: deployments.workflowId,
        n8nWorkflowId: deployments.n8nWorkflowId,
        status: deployments.status,
      })
      .from(deployments)
      .where(
        and(
          eq(deployments.userId, userId),
          eq(deployments.instanceId, instanceId),
          inArray(deployments.workflowId, workflowIds),
          ne(deployments.status, 'undeployed'),
        ),
      )
      // Deployed workflows come last, so that they win over tracked ones.
      .orderBy(sql`(${deployments.status} <> 'tracking')`, deployments.id)
    return new Map(rows.map((row) => [row.workflowId, row]))
  }

  /** The user's only workflow with this name. */
  async #suggestion(userId: string, name: string | undefined): Promise<Known | undefined> {
    if (name === undefined) return undefined
    const short = name.split(' — ').at(-1) ?? name
    const rows = await this.#db.read
      .select({ workflowId: workflows.id, name: workflows.name })
      .from(workflows)
      .where(and(eq(workflows.userId, userId), or(eq(workflows.name, name), eq(workflows.name, short))))
      .limit(maximumSuggestions)
    const [only, another] = rows
    return only && !another ? { ...only, n8nWorkflowId: null, instanceId: null } : undefined
  }
}

const noId = '00000000-0000-0000-0000-000000000000'

type Meaning =
  | { kind: 'self' | 'ambiguous' | 'n8n'; refs: SubWorkflowRef[] }
  | { kind: 'ours'; workflowId: string; name: string; refs: SubWorkflowRef[] }

/** IDs of this n8n come first, because other servers may use the same ID for another workflow. */
function meaning(
  id: string,
  refs: SubWorkflowRef[],
  known: ReadonlyMap<string, Known[]>,
  target: Target,
): Meaning {
  if (id === target.workflowId || id === target.n8nWorkflowId) return { kind: 'self', refs }
  const all = known.get(id) ?? []
  const here = all.filter(({ instanceId }) => instanceId === target.instanceId)
  const [first, ...others] = here.length > 0 ? here : all
  if (!first) return { kind: 'n8n', refs }
  if (others.some(({ workflowId }) => workflowId !== first.workflowId)) return { kind: 'ambiguous', refs }
  if (first.workflowId === target.workflowId) return { kind: 'self', refs }
  return { kind: 'ours', workflowId: first.workflowId, name: first.name, refs }
}

async function getIfThere(
  client: Pick<Connection['client'], 'getWorkflow'>,
  id: string,
): Promise<N8nWorkflow | undefined> {
  try {
    return await client.getWorkflow(id)
  } catch (error) {
    // `rejected`: not a valid n8n ID.
    if (isN8nError(error, 'not-found', 'rejected')) return undefined
    throw error
  }
}

const subjectOf = ({ node }: SubWorkflowRef) =>
  node === undefined ? 'The error workflow in the settings' : `The sub-workflow of ${JSON.stringify(node)}`

const finding = (ref: SubWorkflowRef, code: string, message: string, n8n?: string): Finding => ({
  code,
  level: 'error',
  pointer: ref.pointer,
  message,
  ...(ref.node !== undefined && { node: ref.node }),
  ...(n8n !== undefined && { n8n }),
})

function notFound(ref: SubWorkflowRef, suggestion: Known | undefined): Finding {
  const problem = `${subjectOf(ref)}, ${ref.id.slice(0, 64)}${ref.name ? ` (${ref.name})` : ''}, is not on this instance`
  const fix = suggestion
    ? `If you mean your workflow ${JSON.stringify(suggestion.name)}, refer to it by its ID ${suggestion.workflowId}`
    : 'Save it in Flowkeep, refer to it by its workflow ID and deploy it first'
  const n8n = ref.mustBePublished
    ? `Node "${ref.node}" references workflow ${ref.id.slice(0, 64)} which is not published`
    : undefined
  return finding(ref, 'sub-workflow-missing', `${problem}. ${fix}`, n8n)
}

const ambiguous = (ref: SubWorkflowRef): Finding =>
  finding(
    ref,
    'sub-workflow-ambiguous',
    `${subjectOf(ref)} has ID ${ref.id}, which several of your workflows have on different instances. ` +
      'Refer to it by its workflow ID in Flowkeep',
  )

const unpublished = (ref: SubWorkflowRef, name: string): Finding =>
  finding(
    ref,
    'sub-workflow-unpublished',
    `${subjectOf(ref)}, ${JSON.stringify(name)}, is not published in n8n. Publish it there first`,
    `Node "${ref.node}" references workflow ${ref.id} ("${name}") which is not published`,
  )

export const errorWorkflowCode = 'error-workflow-unpublished'

/** Only a current n8n minds. */
const errorWorkflowUnpublished = (id: string, name: string): Finding => ({
  code: errorWorkflowCode,
  level: 'warning',
  pointer: '/settings/errorWorkflow',
  message: `The error workflow ${JSON.stringify(name)} is not published, so n8n does not call it when a run fails. Publish it`,
  n8n: `Workflow "${id}" is not active and cannot be executed`,
})

/** A dependency that is there, does not block the one that refers to it, and yet will not be called. */
export function dependencyWarning({ name, nodes, status, n8nWorkflowId }: Dependency): Finding | undefined {
  const isLive = status === null || status === 'active' || status === 'tracking'
  return isLive || !nodes.includes(null) ? undefined : errorWorkflowUnpublished(n8nWorkflowId ?? '', name)
}

/** The finding of a dependency that is not live on the instance and blocks its caller. */
export function dependencyFinding({ name, nodes, status, mustBePublished }: Dependency): Finding | undefined {
  const isThere = status !== null && status !== 'pending' && status !== 'undeployed'
  const isLive = status === 'active' || status === 'tracking'
  if (isLive || (isThere && !mustBePublished)) return undefined
  const [node] = nodes
  const who = typeof node === 'string' ? JSON.stringify(node) : 'The error workflow setting'
  const state = isThere
    ? `has the status ${status} on this instance. Activate it first`
    : 'is not on this instance. Deploy it first'
  return {
    code: isThere ? 'sub-workflow-unpublished' : 'sub-workflow-not-deployed',
    level: 'error',
    ...(typeof node === 'string' && { node }),
    pointer: '',
    message: `${who} refers to the workflow ${JSON.stringify(name)}, which ${state}`,
  }
}
