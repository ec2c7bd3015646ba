/**
 * @module Merges the deliveries of one execution in any order, number and grouping. Each delivery has a merge
 * key. The delivery with the greatest key determines the status; the greatest key with an error determines the error,
 * the greatest with data the data, and the greatest with tokens the usage. The maximum is commutative, associative and idempotent. The SQL function
 * `record_executions` does the same.
 */
import { isFinal } from '../../runs/meaning.ts'
import { sha256Hex } from '../../lib/encoding.ts'
import { type ExecutionStatus, executionStatuses } from '../../db/schema/executions.ts'
import type { RunData } from './run-data.ts'

/** A push is a hint from a running workflow. A poll reads n8n's own record. */
export type DeliverySource = 'push' | 'poll'

export interface ExecutionError {
  message: string
  node: string | null
  /** The name of n8n's error, e.g. `NodeApiError`. */
  errorClass: string | null
  /** HTTP status from the service that the node called, if n8n reports it. */
  httpStatus: number | null
}

/** The content of one delivery. Times in milliseconds since 1970. */
export interface IncomingExecution {
  n8nExecutionId: string
  n8nWorkflowId: string
  status: ExecutionStatus
  mode: string | null
  /** n8n's ID of the version that ran, if reported. */
  n8nVersionId: string | null
  /** n8n's ID of the execution that this one retries. */
  retryOf: string | null
  /** n8n reported no version for this retry, so it ran the version of the retried run. */
  ranRetriedVersion?: boolean
  startedAtMs: number | null
  finishedAtMs: number | null
  /** Time of the reported state: the end of the run, else the time of the error, else the receipt. */
  eventAtMs: number
  /** Time of the error if the report has one; close to the end of the run. */
  errorAtMs: number | null
  /** First receipt, by this server's clock. */
  receivedAtMs: number
  error: ExecutionError | null
  data: RunData | null
  /** Of a delivery made from parts that arrive separately, the number of known parts. The greatest number wins. */
  knownSpans?: number
}

/** The fields that a delivery may omit. */
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
  /** The start was polled from n8n, where it never changes. */
  isStartPolled: boolean
  /** The time between start and end includes waiting. */
  waited: boolean
  errorMergeKey: string | null
  /** `errorMergeKey`, followed by the hashes that distinguish the error from others; see `run-fit.ts`. */
  errorEvidence: string | null
  dataMergeKey: string | null
  /** JSON text; null: none known. */
  usage: string | null
  usageMergeKey: string | null
}

/** Sorts before all merge keys: AI nodes ran, and a poll will tell their tokens. */
const usagePending = '-'

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

/** Includes canceled runs, which do not count as failed. */
export const isUnsuccessful = (status: ExecutionStatus): boolean => isFinal(status) && status !== 'success'

/**
 * Adds the merge key: text that sorts by rank, failure over success, event time, status and content. Fixed-width columns
 * of digits and a to f sort alike in every collation. The digest of the content ensures that equal keys mean equal
 * deliveries.
 */
export async function withMergeKey(
  execution: IncomingExecution,
  source: DeliverySource,
): Promise<MergeableExecution> {
  const { status, error, data } = execution
  const rank = source === 'poll' && isFinal(status) ? polledRank : ranks[status]
  const failure = isUnsuccessful(status) ? '1' : '0'
  const eventAt = String(Math.max(0, execution.eventAtMs)).padStart(15, '0')
  const usage = data?.usage ?? null
  const parts = [error, data?.json ?? null, ...(usage === null ? [] : [usage])]
  const hash = error || data ? await digest(JSON.stringify(parts)) : '0'.repeat(16)
  const { knownSpans } = execution
  const content = knownSpans === undefined ? hash : spanCount(knownSpans) + hash.slice(spanCountChars)
  const mergeKey = `${String(rank).padStart(2, '0')}${failure}${eventAt}${executionStatuses.indexOf(status)}${content}`
  return {
    ...execution,
    mergeKey,
    isStartPolled: source === 'poll' && execution.startedAtMs !== null,
    waited: status === 'waiting' || (data?.activity?.waited ?? false),
    errorMergeKey: error && mergeKey,
    errorEvidence: error && mergeKey + traitsOf(error, execution.mode),
    dataMergeKey: data && mergeKey,
    usage,
    usageMergeKey: data?.isUsagePending ? usagePending : usage && mergeKey,
  }
}

const spanCountChars = 6
const spanCount = (spans: number): string => String(Math.min(spans, 999_999)).padStart(spanCountChars, '0')

/** Hashes of the message, node, class and mode, eight digits each. Pushed and polled errors have all of these. */
const traitsOf = ({ message, node, errorClass }: ExecutionError, mode: string | null): string =>
  [message === noMessage ? null : message, node, errorClass, mode].map(hash32).join('')

/** For an error that was reported without a message. */
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

/** 64 bits suffice, because the digest only distinguishes deliveries of one execution in the same millisecond. */
const digest = (text: string): Promise<string> => sha256Hex(text, 8)

/** Merges two deliveries of the same execution. `toRuns` determines which deliveries belong together. */
export function merge(a: MergeableExecution, b: MergeableExecution): MergeableExecution {
  const status = greatest(a.mergeKey, b.mergeKey) === a.mergeKey ? a : b
  const error = greatest(a.errorMergeKey, b.errorMergeKey) === a.errorMergeKey ? a : b
  const data = greatest(a.dataMergeKey, b.dataMergeKey) === a.dataMergeKey ? a : b
  const usage = greatest(a.usageMergeKey, b.usageMergeKey) === a.usageMergeKey ? a : b
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
    usage: usage.usage,
    usageMergeKey: usage.usageMergeKey,
  }
}

/** Like SQL `greatest(a collate "C", b)` for ASCII: null only if both are null. */
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
