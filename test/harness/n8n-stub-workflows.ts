/** @module The workflows of the n8n stub: drafts, versions, and delayed publishing. */
import { hasWebhooks, webhooksOf } from '../../src/n8n/reading/webhook-paths.ts'
import { canonicalJson } from '../../src/lib/canonical-json.ts'
import {
  iso,
  type Json,
  n8nId,
  type StubContext,
  type StubWorkflow,
  type WorkflowContent,
} from './n8n-stub-state.ts'
import { checkPublishable, MANUAL_TRIGGERS } from './n8n-stub-publishable.ts'
import { checkWorkflowBody, IGNORED_SETTINGS, isObject, Refusal } from './n8n-stub-validation.ts'

/** Triggers that n8n publishes without starting anything. */
const PASSIVE_TRIGGERS = new Set(['n8n-nodes-base.errorTrigger', 'n8n-nodes-base.executeWorkflowTrigger'])

export function createWorkflow(context: StubContext, body: unknown): Json {
  const content = toContent(checkWorkflowBody(body, context.state.generation, true), {}, context)
  const workflow: StubWorkflow = {
    ...content,
    id: n8nId(),
    versionId: '',
    versionCounter: 1,
    activeVersionId: null,
    isArchived: false,
    triggerCount: 0,
    versions: new Map(),
    createdAt: iso(context.nowMs()),
    updatedAt: iso(context.nowMs()),
    webhooks: [],
    isLive: false,
    pending: null,
  }
  context.state.workflows.set(workflow.id, workflow)
  saveVersion(workflow)
  return show(workflow, context, ['tags', 'shared', 'parentFolder'])
}

export function updateWorkflow(
  context: StubContext,
  id: string,
  body: unknown,
  query: URLSearchParams,
): Json {
  const isCurrent = context.state.generation === '2.41'
  const publishIfActive = query.get('publishIfActive')
  for (const key of query.keys()) {
    if (!isCurrent) throw new Refusal(400, `Unknown query parameter '${key}'`)
  }
  if (publishIfActive !== null && publishIfActive !== 'true' && publishIfActive !== 'false') {
    throw new Refusal(400, 'request/query/publishIfActive Invalid enum value')
  }
  const checked = checkWorkflowBody(body, context.state.generation, false)
  const workflow = context.state.workflows.get(id)
  if (!workflow) throw new Refusal(404, 'You do not have permission to update this workflow.')
  if (workflow.isArchived) throw new Refusal(400, 'Cannot update an archived workflow.')
  const before = { ...workflow }
  Object.assign(workflow, toContent(checked, workflow.settings, context))
  workflow.updatedAt = iso(context.nowMs())
  const isSame = (key: 'nodes' | 'connections' | 'settings') => isDeepEqual(before[key], workflow[key])
  // Changing only the name or settings creates no version; neither do connections alone.
  if (!isSame('nodes') || !isSame('settings')) workflow.versionCounter += 1
  if (!isSame('nodes') || !isSame('connections')) saveVersion(workflow)
  // Saved even if publishing fails.
  if (workflow.activeVersionId !== null && publishIfActive !== 'false')
    publish(context, workflow, workflow.versionId)
  return show(workflow, context, ['tags'])
}

/** n8n keeps omitted settings, and removes an error workflow that is set to the default. */
function mergeSettings(before: Json, given: [string, unknown][]): Json {
  const merged = { ...before, ...Object.fromEntries(given) }
  if (merged.errorWorkflow === 'DEFAULT') delete merged.errorWorkflow
  return merged
}

function toContent(body: Json, settingsBefore: Json, { catalogue }: StubContext): WorkflowContent {
  const given = Object.entries(body.settings as Json).filter(([key]) => !IGNORED_SETTINGS.has(key))
  const { name, nodes, connections } = structuredClone(body) as unknown as WorkflowContent
  for (const node of nodes) if (hasWebhooks(node, catalogue)) node.webhookId ||= crypto.randomUUID()
  return { name, nodes, connections, settings: mergeSettings(settingsBefore, given) }
}

function isDeepEqual(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

function saveVersion(workflow: StubWorkflow): void {
  workflow.versionId = crypto.randomUUID()
  workflow.versions.set(workflow.versionId, {
    nodes: structuredClone(workflow.nodes),
    connections: structuredClone(workflow.connections),
  })
}

export function getWorkflow(context: StubContext, id: string): Json {
  const workflow = context.state.workflows.get(id)
  if (!workflow) throw new Refusal(404, 'Not Found')
  return show(workflow, context, ['tags', 'shared'])
}

export function deleteWorkflow(context: StubContext, id: string): Json {
  const { workflows, executions, generation } = context.state
  const workflow = workflows.get(id)
  if (!workflow) throw new Refusal(404, 'Not Found')
  if (generation === '2.41' && workflow.activeVersionId !== null) {
    throw new Refusal(409, 'Cannot delete a published workflow. Unpublish it before deleting.')
  }
  if (generation === '2.41' && workflow.pending) {
    throw new Refusal(409, 'Workflow is still being unpublished. Please try again in a few moments.')
  }
  workflows.delete(id)
  context.state.executions = executions.filter((each) => each.workflowId !== id)
  const { activeVersion: _, ...shown } = show(workflow, context, ['shared'])
  return shown
}

export function listWorkflows(context: StubContext, query: URLSearchParams): Json {
  const active = query.get('active')
  if (active && active !== 'true' && active !== 'false')
    throw new Refusal(400, 'request/query/active Invalid enum')
  const name = query.get('name')
  const tags = query.get('tags')
  const projectId = query.get('projectId')
  const like = name ? likePattern(name.trim()) : undefined
  const found = [...context.state.workflows.values()]
    .filter((each) => !like || like.test(each.name))
    .filter((each) => !active || String(each.activeVersionId !== null) === active)
    .filter(() => !tags && !projectId)
    // n8n sorts them by its random IDs.
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return pageByOffset(
    found.map((each) => show(each, context, ['tags', 'shared'], true)),
    query,
  )
}

function likePattern(name: string): RegExp {
  const source = name
    .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('%', '.*')
    .replaceAll('_', '.')
  return new RegExp(source, 'is')
}

export function pageLimit(query: URLSearchParams): number {
  const limit = query.get('limit') || '100'
  if (!/^-?\d+$/.test(limit))
    throw new Refusal(400, 'request/query/limit Param `limit` must be a valid integer')
  if (Number(limit) < 0)
    throw new Refusal(400, 'request/query/limit Param `limit` must be a non-negative integer')
  return Math.min(Number(limit), 250)
}

/** The cursor contains the limit but not the filters. */
export function readCursor(query: URLSearchParams): Json | undefined {
  const cursor = query.get('cursor')
  if (!cursor) return undefined
  try {
    const json: unknown = JSON.parse(atob(cursor))
    if (isObject(json)) return json
  } catch {}
  throw new Refusal(400, 'An invalid cursor was provided')
}

export function pageByOffset(items: Json[], query: URLSearchParams): Json {
  const cursor = readCursor(query)
  const limit = cursor ? Number(cursor.limit) : pageLimit(query)
  const offset = cursor ? Number(cursor.offset) : 0
  const end = offset + limit
  const nextCursor = end < items.length ? btoa(JSON.stringify({ limit, offset: end })) : null
  return { data: limit === 0 ? items : items.slice(offset, end), nextCursor }
}

export function publishWorkflow(context: StubContext, id: string, body: unknown): Json {
  const workflow = context.state.workflows.get(id)
  if (!workflow) throw new Refusal(404, 'You do not have permission to activate this workflow.')
  const versionId = isObject(body) && typeof body.versionId === 'string' ? body.versionId : workflow.versionId
  if (!workflow.versions.has(versionId)) throw new Refusal(404, 'Version not found')
  publish(context, workflow, versionId)
  return show(workflow, context, [])
}

export function unpublishWorkflow(context: StubContext, id: string): Json {
  const workflow = context.state.workflows.get(id)
  if (!workflow) throw new Refusal(404, 'You do not have permission to deactivate this workflow.')
  if (workflow.activeVersionId !== null) {
    workflow.activeVersionId = null
    workflow.pending = { atMs: context.nowMs() + context.unpublishDelayMs, versionId: null }
  }
  return show(workflow, context, ['shared'])
}

function publish(context: StubContext, workflow: StubWorkflow, versionId: string): void {
  const nodes = workflow.versions.get(versionId)?.nodes ?? []
  if (workflow.isArchived) throw new Refusal(400, 'Cannot activate an archived workflow.')
  checkPublishable(context, nodes, workflow.id)
  const webhooks = webhooksIn(context, nodes)
  const others = [...context.state.workflows.values()].filter((each) => each !== workflow)
  const taken = new Set(others.flatMap((each) => each.webhooks))
  if (new Set(webhooks).size < webhooks.length || webhooks.some((each) => taken.has(each))) {
    throw new Refusal(409, 'There is a conflict with one of the webhooks.')
  }
  const isSame = workflow.activeVersionId === versionId
  workflow.activeVersionId = versionId
  if (!isSame) workflow.pending = { atMs: context.nowMs() + context.publishDelayMs, versionId }
  if (context.state.generation !== '2.41') settleWorkflow(context, workflow, Number.POSITIVE_INFINITY)
}

function webhooksIn(context: StubContext, nodes: Json[]): string[] {
  const served = webhooksOf(nodes, context.catalogue).flatMap(({ webhooks }) => webhooks)
  return served.map(({ method, path }) => `${method} ${path}`)
}

/** Applies pending effects that are due. */
export function settle(context: StubContext): void {
  for (const workflow of context.state.workflows.values()) settleWorkflow(context, workflow, context.nowMs())
}

function settleWorkflow(context: StubContext, workflow: StubWorkflow, nowMs: number): void {
  const { pending } = workflow
  if (!pending || pending.atMs > nowMs) return
  workflow.pending = null
  workflow.isLive = false
  workflow.webhooks = []
  // The count stays the same for an unpublished workflow, and for one whose triggers do not start.
  if (pending.versionId === null) return
  const nodes = workflow.versions.get(pending.versionId)?.nodes ?? []
  if (nodes.some((node) => node.disabled !== true && hasBadCron(node))) return
  const others = [...context.state.workflows.values()].filter((each) => each !== workflow)
  const webhooks = webhooksIn(context, nodes)
  if (webhooks.some((each) => others.some((other) => other.webhooks.includes(each)))) return
  workflow.isLive = true
  workflow.webhooks = webhooks
  workflow.triggerCount = nodes.filter((node) => {
    const type = String(node.type)
    const isTrigger = context.catalogue.nodeType(type)?.trigger ?? false
    return isTrigger && node.disabled !== true && !MANUAL_TRIGGERS.has(type) && !PASSIVE_TRIGGERS.has(type)
  }).length
}

function hasBadCron(node: Json): boolean {
  if (node.type !== 'n8n-nodes-base.scheduleTrigger') return false
  const rule =
    isObject(node.parameters) && isObject(node.parameters.rule) ? node.parameters.rule.interval : undefined
  return (Array.isArray(rule) ? rule : []).some((each) => {
    if (!isObject(each) || each.field !== 'cronExpression') return false
    const parts = String(each.expression).trim().split(/\s+/)
    return ![5, 6].includes(parts.length) || parts.some((part) => !/^[\d*,/?L#A-Z-]+$/i.test(part))
  })
}

function show(workflow: StubWorkflow, context: StubContext, extras: string[], inList = false): Json {
  const { id, name, nodes, connections, settings, versionId, activeVersionId, triggerCount } = workflow
  const isCurrent = context.state.generation === '2.41'
  const { createdAt, updatedAt, isArchived, versionCounter } = workflow
  const published = activeVersionId === null ? undefined : workflow.versions.get(activeVersionId)
  const extra: Json = { tags: [], parentFolder: null, shared: [{ role: 'workflow:owner', workflowId: id }] }
  return structuredClone({
    id,
    name,
    active: activeVersionId !== null,
    createdAt,
    updatedAt,
    isArchived,
    versionId,
    triggerCount,
    nodes,
    connections,
    settings,
    staticData: null,
    pinData: null,
    meta: null,
    ...Object.fromEntries(extras.map((key) => [key, extra[key]])),
    ...(isCurrent && { activeVersionId, nodeGroups: [] }),
    ...(isCurrent && !inList && { description: null, versionCounter, sourceWorkflowId: null }),
    ...(isCurrent && {
      activeVersion: published ? { versionId: activeVersionId, workflowId: id, ...published } : null,
    }),
  })
}
