/** @module The n8n stub's executions, the webhooks that start them, and the error reports that follow. */
import {
  iso,
  type Json,
  type StubContext,
  type StubExecution,
  type StubExecutionStatus,
  type StubOutcome,
  type StubWorkflow,
} from './n8n-stub-state.ts'
import { runDataOf } from './n8n-stub-run.ts'
import { isObject, Refusal } from './n8n-stub-validation.ts'
import { pageLimit, readCursor } from './n8n-stub-workflows.ts'

const STATUSES: ReadonlySet<string> = new Set<StubExecutionStatus>([
  'canceled',
  'crashed',
  'error',
  'new',
  'running',
  'success',
  'unknown',
  'waiting',
])

export function listExecutions(context: StubContext, query: URLSearchParams): Json {
  const status = query.get('status')
  if (status && !STATUSES.has(status)) throw new Refusal(400, 'request/query/status Invalid enum value')
  const includeData = flag(query)
  const after = instant(query, 'startedAfter')
  const before = instant(query, 'startedBefore')
  const workflowId = query.get('workflowId')
  const asked = pageLimit(query)
  const cursor = readCursor(query)
  const limit = cursor ? Number(cursor.limit) : asked
  const found = context.state.executions
    .toReversed()
    .filter((each) => (status ? each.status === status : each.status !== 'running' && each.status !== 'new'))
    .filter((each) => !workflowId || each.workflowId === workflowId)
    .filter((each) => !after || Date.parse(each.startedAt ?? '') > after)
    .filter((each) => !before || Date.parse(each.startedAt ?? '') < before)
    .filter((each) => !cursor || Number(each.id) < Number(cursor.lastId))
  const page = limit === 0 ? found : found.slice(0, limit)
  const last = found.length > page.length ? page.at(-1) : undefined
  return {
    data: page.map((each) => show(each, includeData)),
    nextCursor: last ? btoa(JSON.stringify({ lastId: last.id, limit })) : null,
  }
}

function flag(query: URLSearchParams): boolean {
  const value = query.get('includeData') ?? 'false'
  if (value !== 'true' && value !== 'false')
    throw new Refusal(400, 'request/query/includeData Invalid enum value')
  return value === 'true'
}

function instant(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  if (!/^\d{4}-\d\d-\d\dT/.test(value) || Number.isNaN(Date.parse(value))) {
    throw new Refusal(400, `request/query/${name} Invalid datetime`)
  }
  return Date.parse(value)
}

export function getExecution(context: StubContext, id: string, query: URLSearchParams): Json {
  const execution = find(context, id)
  const includeData = flag(query)
  const { createdAt, workflowVersionId } = execution
  return { ...show(execution, includeData), createdAt, deletedAt: null, storedAt: 'db', workflowVersionId }
}

export function deleteExecution(context: StubContext, id: string): Json {
  const execution = find(context, id)
  if (execution.status === 'running') throw new Refusal(400, 'Cannot delete a running execution')
  context.state.executions = context.state.executions.filter((each) => each !== execution)
  return { ...show(execution, false), id: Number(execution.id) }
}

export function retryExecution(context: StubContext, id: string): Json {
  const failed = context.state.executions.find((each) => each.id === id)
  if (!failed) throw new Refusal(404, `The execution with the ID "${id}" does not exist.`)
  if (failed.status === 'success') {
    throw new Refusal(409, 'The execution succeeded, so it cannot be retried.')
  }
  const workflow = context.state.workflows.get(failed.workflowId)
  if (!workflow) throw new Refusal(404, 'Not Found')
  const retry = run(context, workflow, 'retry', failed.workflowVersionId)
  retry.retryOf = failed.id
  retry.workflowVersionId = null
  if (retry.status === 'success') failed.retrySuccessId = retry.id
  return show(retry, true)
}

function find(context: StubContext, id: string): StubExecution {
  if (!/^[1-9]\d*$/.test(id)) throw new Refusal(400, 'request/params/executionId must be a positive integer')
  const execution = context.state.executions.find((each) => each.id === id)
  if (!execution) throw new Refusal(404, 'Not Found')
  return execution
}

function show(execution: StubExecution, includeData: boolean): Json {
  const { id, finished, mode, retryOf, retrySuccessId, status, startedAt, stoppedAt } = execution
  const { workflowId, waitTill, data } = execution
  return structuredClone({
    id,
    finished,
    mode,
    retryOf,
    retrySuccessId,
    status,
    startedAt,
    stoppedAt,
    workflowId,
    waitTill,
    ...(includeData && { data, workflowData: { id: workflowId }, customData: {} }),
  })
}

/** Adds an execution with the next ID. */
export function addExecution(
  context: StubContext,
  given: Partial<StubExecution> & Pick<StubExecution, 'workflowId'>,
): StubExecution {
  const at = iso(context.nowMs())
  const status = given.status ?? 'success'
  const isOpen = status === 'running' || status === 'new'
  const last = context.state.executions.reduce((highest, { id }) => Math.max(highest, Number(id)), 0)
  const execution: StubExecution = {
    id: String(Math.max(last, lastIds.get(context) ?? 0) + 1),
    workflowVersionId: context.state.workflows.get(given.workflowId)?.activeVersionId ?? null,
    status,
    finished: status === 'success',
    mode: 'webhook',
    retryOf: null,
    retrySuccessId: null,
    createdAt: at,
    startedAt: status === 'new' ? null : at,
    stoppedAt: isOpen ? null : at,
    waitTill: null,
    data: { resultData: { runData: {} } },
    ...given,
  }
  lastIds.set(context, Number(execution.id))
  context.state.executions.push(execution)
  return execution
}

const lastIds = new WeakMap<StubContext, number>()

/** Runs a published workflow and reports its error when it fails. */
export function run(
  context: StubContext,
  workflow: StubWorkflow,
  mode: string,
  versionId = workflow.activeVersionId,
  webhook?: { node: string; body: unknown },
): StubExecution {
  const { nodes, connections } = (versionId && workflow.versions.get(versionId)) || workflow
  const outcome = context.outcome(workflow, nodes)
  const { status } = outcome
  const isKept =
    (status !== 'success' || workflow.settings.saveDataSuccessExecution !== 'none') &&
    (status !== 'error' || workflow.settings.saveDataErrorExecution !== 'none')
  const error = status === 'error' ? { error: errorOf(outcome), lastNodeExecuted: outcome.node } : {}
  const execution = addExecution(context, {
    workflowId: workflow.id,
    workflowVersionId: versionId,
    status,
    mode,
    waitTill: status === 'waiting' ? iso(context.nowMs() + 60_000) : null,
    data: {
      resultData: {
        runData: webhook ? runDataOf(nodes, connections, webhook.node, webhook.body) : {},
        ...error,
      },
    },
  })
  if (!isKept) context.state.executions = context.state.executions.filter((each) => each !== execution)
  if (status === 'error' && mode !== 'error') report(context, workflow, execution, outcome)
  return execution
}

function errorOf({ message = 'Deliberate failure', node = 'Fail' }: StubOutcome): Json {
  return {
    message,
    stack: `NodeOperationError: ${message}`,
    name: 'NodeOperationError',
    node: { name: node },
  }
}

function report(
  context: StubContext,
  failed: StubWorkflow,
  execution: StubExecution,
  outcome: StubOutcome,
): void {
  const errorWorkflow = context.state.workflows.get(String(failed.settings.errorWorkflow))
  if (!errorWorkflow?.isLive) return
  addExecution(context, { workflowId: errorWorkflow.id, mode: 'error' })
  const { id, mode, retryOf } = execution
  const path = `/workflow/${failed.id}/executions/${id}`
  void context.push(
    {
      execution: {
        id,
        url: `${context.baseUrl}${path}`,
        ...(retryOf && { retryOf }),
        error: errorOf(outcome),
        lastNodeExecuted: outcome.node ?? 'Fail',
        mode,
      },
      workflow: { id: failed.id, name: failed.name },
    },
    errorWorkflow,
  )
}

/** The outcome by its nodes: an error for a Stop And Error node, waiting for a Wait node, else success. */
export function outcomeByNodes(nodes: Json[]): StubOutcome {
  for (const { type, name, parameters, disabled } of nodes) {
    if (disabled === true) continue
    if (type === 'n8n-nodes-base.stopAndError') {
      const message = isObject(parameters) ? parameters.errorMessage : undefined
      return { status: 'error', message: String(message), node: String(name) }
    }
    if (type === 'n8n-nodes-base.wait') return { status: 'waiting' }
  }
  return { status: 'success' }
}

/** @throws {Refusal} 403 unless the request has the header of the node's credential */
function requireHeader({ state }: StubContext, node: Json | undefined, headers: Headers): void {
  if (!isObject(node?.parameters) || node.parameters.authentication !== 'headerAuth') return
  const refs = isObject(node.credentials) ? node.credentials.httpHeaderAuth : undefined
  const data = state.credentials.get(isObject(refs) ? String(refs.id) : '')?.data
  if (!data || headers.get(String(data.name)) !== data.value) {
    throw new Refusal(403, 'Authorization data is wrong!')
  }
}

/** Ends a running execution. */
export function stopExecution(context: StubContext, id: string): Json {
  const execution = find(context, id)
  if (execution.status !== 'running') throw new Refusal(409, 'The execution has ended')
  Object.assign(execution, { status: 'canceled', stoppedAt: iso(context.nowMs()) })
  return show(execution, false)
}

/** @throws {Refusal} 404 unless a live workflow has the path for that method */
export function callWebhook(
  context: StubContext,
  { method, path, headers, body }: { method: string; path: string; headers: Headers; body: unknown },
): Json {
  const workflow = [...context.state.workflows.values()].find((each) =>
    each.webhooks.includes(`${method} ${path}`),
  )
  if (!workflow) throw new Refusal(404, `The requested webhook "${method} ${path}" is not registered.`)
  const node = workflow.nodes.find(
    ({ type, parameters }) =>
      type === 'n8n-nodes-base.webhook' && isObject(parameters) && parameters.path === path,
  )
  requireHeader(context, node, headers)
  run(context, workflow, 'webhook', workflow.activeVersionId, { node: String(node?.name), body })
  const responder = workflow.nodes.find(({ type }) => type === 'n8n-nodes-base.respondToWebhook')
  const options = isObject(responder?.parameters) ? responder.parameters.options : undefined
  const responseCode = isObject(options) ? Number(options.responseCode ?? 200) : 200
  if (responseCode >= 400) throw new Refusal(responseCode, 'Answer of the workflow')
  return { message: 'Workflow was started' }
}
