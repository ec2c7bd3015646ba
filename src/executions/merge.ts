/**
 * @module Merges the deliveries of one execution, independent of their order, number and grouping. Each delivery has
 * a merge key; the greatest key gives the status, the greatest with an error gives the error, the greatest with data
 * gives the data. Taking the greatest is commutative, associative and idempotent. `ingest.ts` does the same in SQL.
 */
import { sha256Hex } from '../crypto/hex.ts'
import { type ExecutionStatus, executionStatuses } from '../db/schema/executions.ts'
import type { RunData } from './run-data.ts'

/** A push is a hint from a running workflow; a poll is what n8n itself has recorded. */
export type DeliverySource = 'push' | 'poll'

export interface ExecutionError {
  message: string
  node: string | null
  /** The name of n8n's error, e.g. `NodeApiError`. */
  errorClass: string | null
  /** What the service that the node called has answered, where n8n tells it. */
  httpStatus: number | null
}

/** What one delivery says. Times in milliseconds since 1970. */
export interface IncomingExecution {
  n8nExecutionId: string
  n8nWorkflowId: string
  status: ExecutionStatus
  mode: string | null
  /** n8n's id of the version that ran, where it is told. */
  n8nVersionId: string | null
  /** n8n's id of the execution that this one retries. */
  retryOf: string | null
  /** n8n reported no version for this retry: it ran the version of the run that it retries. */
  ranRetriedVersion?: boolean
  startedAtMs: number | null
  finishedAtMs: number | null
  /** When it was so: the end of the run, else the error's own time, else the receipt. */
  eventAtMs: number
  /** Time of the error if the report has one; close to the end of the run. */
  errorAtMs: number | null
  /** This server's clock when it came first. */
  receivedAtMs: number
  error: ExecutionError | null
  data: RunData | null
}

/** What only some deliveries tell. */
export const emptyDelivery = {
  mode: null,
  n8nVersionId: null,
  retryOf: null,
  startedAtMs: null,
  finishedAtMs: null,
  errorAtMs: null,
  error: null,
  data: null,
} satisfies Partial<IncomingExecution>

/** A delivery, or the merge of several deliveries of one execution. */
export interface MergeableExecution extends IncomingExecution {
  mergeKey: string
  /** Its start is n8n's own record of it, which never changes. */
  isStartPolled: boolean
  /** The time between start and end includes waiting. */
  waited: boolean
  errorMergeKey: string | null
  /** `errorMergeKey` and what tells the error from others; see `run-fit.ts`. */
  errorEvidence: string | null
  dataMergeKey: string | null
}

const ranks: Record<ExecutionStatus, number> = {
  new: 0,
  running: 10,
  waiting: 10,
  unknown: 20,
  success: 30,
  error: 30,
  canceled: 30,
  crashed: 30,
}
const polledRank = 40

export const isFinal = (status: ExecutionStatus): boolean => ranks[status] === 30
export const isFailure = (status: ExecutionStatus): boolean => isFinal(status) && status !== 'success'

/** n8n has not ended it yet. */
export const isOpen = (status: ExecutionStatus): boolean => ranks[status] <= 10

/**
 * Sorts as text, in any collation, as (rank, failure before success, event time, status, content): digits and a to f in
 * columns of fixed width. The content's digest makes deliveries with equal merge keys equal.
 */
export async function withMergeKey(
  execution: IncomingExecution,
  source: DeliverySource,
): Promise<MergeableExecution> {
  const { status, error, data } = execution
  const rank = source === 'poll' && isFinal(status) ? polledRank : ranks[status]
  const failure = isFailure(status) ? '1' : '0'
  const eventAt = String(Math.max(0, execution.eventAtMs)).padStart(15, '0')
  const content = error || data ? await digest(JSON.stringify([error, data?.json ?? null])) : '0'.repeat(16)
  const mergeKey = `${String(rank).padStart(2, '0')}${failure}${eventAt}${executionStatuses.indexOf(status)}${content}`
  return {
    ...execution,
    mergeKey,
    isStartPolled: source === 'poll' && execution.startedAtMs !== null,
    waited: status === 'waiting' || (data?.activity?.waited ?? false),
    errorMergeKey: error && mergeKey,
    errorEvidence: error && mergeKey + traitsOf(error, execution.mode),
    dataMergeKey: data && mergeKey,
  }
}

/** What the Error Trigger and n8n's record of a run both have: message, node, class and mode, eight digits each. */
const traitsOf = ({ message, node, errorClass }: ExecutionError, mode: string | null): string =>
  [message === noMessage ? null : message, node, errorClass, mode].map(hash32).join('')

/** Of an error that was reported without one. */
export const noMessage = 'No message was given'

/** FNV-1a, as eight hexadecimal digits; zeros for null. */
function hash32(text: string | null): string {
  if (text === null) return '00000000'
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0 || 1).toString(16).padStart(8, '0')
}

/** 64 bits are plenty: only deliveries of one execution in the same millisecond are told apart. */
const digest = (text: string): Promise<string> => sha256Hex(text, 8)

/** Both are of the same execution; `toRuns` tells whether they are. */
export function merge(a: MergeableExecution, b: MergeableExecution): MergeableExecution {
  const status = greatest(a.mergeKey, b.mergeKey) === a.mergeKey ? a : b
  const error = greatest(a.errorMergeKey, b.errorMergeKey) === a.errorMergeKey ? a : b
  const data = greatest(a.dataMergeKey, b.dataMergeKey) === a.dataMergeKey ? a : b
  return {
    n8nExecutionId: a.n8nExecutionId,
    n8nWorkflowId: a.n8nWorkflowId,
    status: status.status,
    mergeKey: status.mergeKey,
    eventAtMs: status.eventAtMs,
    receivedAtMs: Math.min(a.receivedAtMs, b.receivedAtMs),
    mode: greatest(a.mode, b.mode),
    n8nVersionId: greatest(a.n8nVersionId, b.n8nVersionId),
    retryOf: greatest(a.retryOf, b.retryOf),
    startedAtMs: startOf(a, b),
    isStartPolled: a.isStartPolled || b.isStartPolled,
    waited: a.waited || b.waited,
    finishedAtMs: greatestTime(a.finishedAtMs, b.finishedAtMs),
    errorAtMs: greatestTime(a.errorAtMs, b.errorAtMs),
    error: error.error,
    errorMergeKey: error.errorMergeKey,
    errorEvidence: greatest(a.errorEvidence, b.errorEvidence),
    data: data.data,
    dataMergeKey: data.dataMergeKey,
  }
}

/** As SQL's `greatest(a collate "C", b)` over ASCII: null only when both are. */
function greatest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a >= b ? a : b
}

function startOf(a: MergeableExecution, b: MergeableExecution): number | null {
  if (a.isStartPolled === b.isStartPolled) return leastTime(a.startedAtMs, b.startedAtMs)
  return (a.isStartPolled ? a : b).startedAtMs
}

const leastTime = (a: number | null, b: number | null) =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)
const greatestTime = (a: number | null, b: number | null) =>
  a === null || b === null ? (a ?? b) : Math.max(a, b)
