/**
 * @module Parses execution reports in all supported formats: the documented JSON, n8n's execution object (public API, n8n
 * 1.x and 2.x), the Error Trigger's data and the arguments of the external hook `workflow.postExecute`. Pure; it never
 * guesses missing values.
 */
import { dayMs } from '../../lib/time.ts'
import { isOpen } from '../../runs/meaning.ts'
import { toStorable } from '../../lib/storable-text.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { type ExecutionStatus, executionStatuses, type NodeUsage } from '../../db/schema/executions.ts'
import { redact } from '../../lib/secrets/redact.ts'
import type { N8nExecution } from '../../n8n/api/shapes.ts'
import type { IncomingIncident } from './incidents.ts'
import { type IncomingExecution, noMessage } from '../record/merge.ts'
import { type Activity, activityOf, runDataOf, summariseRun, toHttpStatus } from '../record/node-runs.ts'
import { toRunData } from '../record/run-data.ts'
import { usageOf } from '../record/usage.ts'

export type UnusableCode =
  | 'not-an-object'
  | 'missing-execution-id'
  | 'invalid-execution-id'
  | 'missing-workflow-id'
  | 'invalid-workflow-id'
  | 'missing-status'
  | 'unknown-status'
  | 'invalid-time'

export type ReadPayload =
  | { ok: true; execution: IncomingExecution; incident?: undefined }
  | { ok: true; incident: IncomingIncident; execution?: undefined }
  | { ok: false; code: UnusableCode; n8nExecutionId?: string; n8nWorkflowId?: string }

const idPattern = /^[A-Za-z0-9_-]{1,64}$/
const messageLimit = 2000
const nodeLimit = 256
const modeLimit = 64
/** 2000-01-01. */
const earliestMs = 946_684_800_000
/** Maximum that a sender's clock may be ahead. */
const maxAheadMs = dayMs

/** Fields of a report before validation. */
interface RawReport {
  executionId: unknown
  workflowId: unknown
  status: unknown
  mode: unknown
  startedAt: unknown
  finishedAt: unknown
  error: unknown
  errorNode: unknown
  workflowVersionId: unknown
  retryOf: unknown
  data: unknown
  activity: Activity | null
  usage: NodeUsage[] | null
}

/** @param item one report, nested at most 100 deep */
export function readPayload(item: unknown, receivedAt: Date): ReadPayload {
  if (!isObject(item)) return { ok: false, code: 'not-an-object' }
  const incident = readIncident(item)
  if (incident) return toIncident(incident, receivedAt)
  const raw = readShape(item)
  const n8nExecutionId = toId(raw.executionId)
  const n8nWorkflowId = toId(raw.workflowId)
  const unusable = (code: UnusableCode): ReadPayload => ({
    ok: false,
    code,
    ...(n8nExecutionId && { n8nExecutionId }),
    ...(n8nWorkflowId && { n8nWorkflowId }),
  })
  if (isAbsent(raw.executionId)) return unusable('missing-execution-id')
  if (n8nExecutionId === null) return unusable('invalid-execution-id')
  if (isAbsent(raw.workflowId)) return unusable('missing-workflow-id')
  if (n8nWorkflowId === null) return unusable('invalid-workflow-id')
  if (isAbsent(raw.status)) return unusable('missing-status')
  if (!isStatus(raw.status)) return unusable('unknown-status')

  const latestMs = receivedAt.getTime() + maxAheadMs
  const startedAtMs = toTime(raw.startedAt, latestMs)
  const finishedAtMs = toTime(raw.finishedAt, latestMs)
  if (Number.isNaN(startedAtMs) || Number.isNaN(finishedAtMs)) return unusable('invalid-time')
  const timeMs = isObject(raw.error) ? toTime(raw.error['timestamp'], latestMs) : null
  const errorAtMs = Number.isNaN(timeMs) ? null : timeMs
  return {
    ok: true,
    execution: {
      n8nExecutionId,
      n8nWorkflowId,
      status: raw.status,
      mode: reportText(raw.mode, modeLimit),
      n8nVersionId: toId(raw.workflowVersionId),
      retryOf: toOther(raw.retryOf, n8nExecutionId),
      startedAtMs,
      finishedAtMs,
      eventAtMs: finishedAtMs ?? errorAtMs ?? receivedAt.getTime(),
      // n8n may detect a crash long after it happened.
      errorAtMs: raw.status === 'error' ? errorAtMs : null,
      receivedAtMs: receivedAt.getTime(),
      error: toError(raw.error, raw.errorNode),
      data: toRunData(raw.data, raw.activity, raw.usage),
    },
  }
}

/**
 * Parses an execution from the public API. An open execution counts as open at `observedAt`, because n8n reports its last
 * pause as its end. Null when it cannot be parsed.
 */
export function polledExecution(item: N8nExecution, observedAt: Date): IncomingExecution | null {
  const status = statusOf(item)
  const isEnded = !isOpen(status)
  const payload = readPayload({ ...item, status, stoppedAt: isEnded ? item.stoppedAt : null }, observedAt)
  if (!payload.ok || !payload.execution) return null
  const ranRetriedVersion = item.workflowVersionId === null && payload.execution.retryOf !== null
  const execution = { ...payload.execution, ...(ranRetriedVersion && { ranRetriedVersion }) }
  if (isEnded) return execution
  return { ...execution, eventAtMs: observedAt.getTime(), error: null, data: null }
}

/** Lists of n8n 1.x have no status, and newer versions may have unknown ones. */
function statusOf({ status, finished, stoppedAt, waitTill }: N8nExecution): ExecutionStatus {
  if (isStatus(status)) return status
  if (status !== null) return stoppedAt === null ? 'running' : 'unknown'
  if (finished === true) return 'success'
  if (waitTill !== null) return 'waiting'
  return stoppedAt === null ? 'running' : 'error'
}

function readShape(item: JsonObject): RawReport {
  const { execution, workflow } = item
  if (isObject(execution)) {
    // The Error Trigger sends no status, so an object with one is a wrapped report in another format.
    if (!isAbsent(execution['executionId']) || !isAbsent(execution['status'])) {
      return readShape(isObject(workflow) ? { workflowId: workflow['id'], ...execution } : execution)
    }
    if (isObject(workflow)) return readErrorWorkflow(execution, workflow)
  }
  if (isObject(item['run'])) return readPostExecute(item, item['run'])
  if ('id' in item && !('executionId' in item)) return readExecutionObject(item)
  return {
    executionId: item['executionId'],
    workflowId: item['workflowId'],
    status: item['status'],
    mode: item['mode'],
    startedAt: item['startedAt'],
    finishedAt: item['finishedAt'] ?? item['stoppedAt'],
    error: item['error'],
    errorNode: undefined,
    workflowVersionId: item['workflowVersionId'],
    retryOf: item['retryOf'],
    data: summariseRun(item['data'], undefined) ?? item['data'],
    activity: activityOf(item['data'], undefined, item['startedAt']),
    usage: usageOf(item['data'], undefined, item['startedAt']),
  }
}

/** n8n's run data in a report of any format; null if there is none. */
export function reportedRunData(item: unknown): JsonObject | null {
  if (!isObject(item)) return null
  const { execution, run, data } = item
  if (isObject(execution) && (!isAbsent(execution['executionId']) || !isAbsent(execution['status'])))
    return reportedRunData(execution)
  return runDataOf(isObject(run) ? run['data'] : data)
}

interface RawIncident {
  source: IncomingIncident['source']
  /** Contains the error. */
  failure: JsonObject
  node: unknown
  workflowId: unknown
}

/** The Error Trigger's item without an execution: the trigger could not start, or the run has no n8n ID. */
function readIncident(item: JsonObject): RawIncident | null {
  const { trigger, execution, workflow } = item
  if (!isObject(workflow)) return null
  const common = { node: undefined, workflowId: workflow['id'] }
  if (isObject(execution)) {
    const isKnown = !isAbsent(execution['id'] ?? execution['executionId']) || isAbsent(execution['error'])
    return isKnown
      ? null
      : { ...common, source: 'run', failure: execution, node: execution['lastNodeExecuted'] }
  }
  return isObject(trigger) ? { ...common, source: 'trigger', failure: trigger } : null
}

function toIncident({ source, failure, node, workflowId }: RawIncident, receivedAt: Date): ReadPayload {
  const n8nWorkflowId = toId(workflowId)
  if (isAbsent(workflowId)) return { ok: false, code: 'missing-workflow-id' }
  if (n8nWorkflowId === null) return { ok: false, code: 'invalid-workflow-id' }
  const { error, mode } = failure
  const at = isObject(error) ? toTime(error['timestamp'], receivedAt.getTime() + maxAheadMs) : null
  return {
    ok: true,
    incident: {
      n8nWorkflowId,
      source,
      mode: reportText(mode, modeLimit),
      error: toError(isAbsent(error) ? {} : error, node) ?? noReason,
      occurredAtMs: Number.isNaN(at) || at === null ? receivedAt.getTime() : at,
    },
  }
}

const noReason = { message: noMessage, node: null, errorClass: null, httpStatus: null }

/** The Error Trigger's item: a failed run without times. */
function readErrorWorkflow(execution: JsonObject, workflow: JsonObject): RawReport {
  const { error } = execution
  return {
    executionId: execution['id'],
    workflowId: workflow['id'],
    status: isObject(error) && error['name'] === 'WorkflowCrashedError' ? 'crashed' : 'error',
    mode: execution['mode'],
    startedAt: undefined,
    finishedAt: undefined,
    error: error ?? {},
    errorNode: execution['lastNodeExecuted'],
    workflowVersionId: undefined,
    retryOf: execution['retryOf'],
    data: undefined,
    activity: null,
    usage: null,
  }
}

/** `{ executionId, run, workflow }`, the arguments of `workflow.postExecute`. */
function readPostExecute(item: JsonObject, run: JsonObject): RawReport {
  const workflow = isObject(item['workflow']) ? item['workflow'] : {}
  return readExecutionObject({
    ...run,
    id: item['executionId'],
    workflowVersionId: workflow['versionId'],
    workflowId: workflow['id'] ?? item['workflowId'],
    workflowData: workflow,
  })
}

function readExecutionObject(item: JsonObject): RawReport {
  const data = isObject(item['data']) ? item['data'] : {}
  const result = isObject(data['resultData']) ? data['resultData'] : undefined
  return {
    executionId: item['id'],
    workflowId: item['workflowId'],
    // n8n 1.x may omit the status of a finished run.
    status: item['status'] ?? (item['finished'] === true ? 'success' : undefined),
    mode: item['mode'],
    startedAt: item['startedAt'],
    finishedAt: item['stoppedAt'] ?? item['finishedAt'],
    error: result?.['error'] ?? item['error'],
    errorNode: result?.['lastNodeExecuted'] ?? item['lastNodeExecuted'],
    workflowVersionId: item['workflowVersionId'],
    retryOf: item['retryOf'],
    // A result without runs is dropped: the rest is n8n's execution stack and a token that resumes the run.
    data: result ? summariseRun(data, item['workflowData']) : item['data'],
    activity: activityOf(data, item['workflowData'], item['startedAt']),
    usage: usageOf(data, item['workflowData'], item['startedAt']),
  }
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === ''

const isStatus = (value: unknown): value is ExecutionStatus =>
  typeof value === 'string' && (executionStatuses as readonly string[]).includes(value)

function toId(value: unknown): string | null {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  return typeof text === 'string' && idPattern.test(text) ? text : null
}

/** A run cannot retry itself. */
function toOther(value: unknown, n8nExecutionId: string): string | null {
  const id = toId(value)
  return id === n8nExecutionId ? null : id
}

/** Null when absent; NaN when invalid, without an offset, before 2000 or more than a day ahead. */
function toTime(value: unknown, latestMs: number): number | null {
  if (isAbsent(value)) return null
  const time = typeof value === 'string' ? isoTime(value) : value
  return typeof time === 'number' && time >= earliestMs && time <= latestMs ? Math.trunc(time) : Number.NaN
}

function isoTime(text: string): number {
  const [, year, month, day] =
    /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/.exec(text) ?? []
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  // JavaScript parses 30 February as 2 March.
  return Number(day) <= daysInMonth ? Date.parse(text) : Number.NaN
}

/** Redacted and storable; null for an empty text and other values. */
export function reportText(value: unknown, limit: number): string | null {
  if (typeof value !== 'string') return null
  return toStorable(redact(toStorable(value)).slice(0, limit)) || null
}

/** Omits the stack, because it exposes server internals. */
function toError(error: unknown, lastNode: unknown): IncomingExecution['error'] {
  if (isAbsent(error) || error === false) return null
  const raw = isObject(error) ? error : { message: error }
  const node = isObject(raw['node']) ? raw['node']['name'] : raw['node']
  return {
    message: reportText(raw['message'] ?? raw['description'], messageLimit) ?? noMessage,
    node: reportText(node, nodeLimit) ?? reportText(lastNode, nodeLimit),
    errorClass: toErrorClass(raw['name'] ?? raw['errorClass']),
    httpStatus: toHttpStatus(raw['httpCode'] ?? raw['httpStatus']),
  }
}

const toErrorClass = (name: unknown): string | null =>
  typeof name === 'string' && /^[A-Za-z_$][\w$.]{0,99}$/.test(name) ? name : null
