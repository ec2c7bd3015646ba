/**
 * @module What many deliveries of one execution add up to, whatever their order, number and grouping. Each delivery has
 * a stamp; the greatest stamp gives the status, the greatest with an error gives the error, the greatest with data
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
  /** n8n has told that it keeps no version of this retry: it ran the one of the run that it retries. */
  ranRetriedVersion?: boolean
  startedAtMs: number | null
  finishedAtMs: number | null
  /** When it was so: the end of the run, else the error's own time, else the receipt. */
  eventAtMs: number
  /** The error's own time, where it is told; about the end of the run. */
  errorAtMs: number | null
  /** This server's clock when it came first. */
  receivedAtMs: number
  error: ExecutionError | null
  data: RunData | null
}

/** What only some deliveries tell. */
export const untold = {
  mode: null,
  n8nVersionId: null,
  retryOf: null,
  startedAtMs: null,
  finishedAtMs: null,
  errorAtMs: null,
  error: null,
  data: null,
} satisfies Partial<IncomingExecution>

/** A delivery, or several of one execution folded into one. */
export interface StampedExecution extends IncomingExecution {
  stamp: string
  /** Its start is n8n's own record of it, which never changes. */
  isStartPolled: boolean
  /** The time between start and end includes waiting. */
  waited: boolean
  errorStamp: string | null
  dataStamp: string | null
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

const isFinal = (status: ExecutionStatus): boolean => ranks[status] === 30
const isFailure = (status: ExecutionStatus): boolean => isFinal(status) && status !== 'success'

/** n8n has not ended it yet. */
export const isOpen = (status: ExecutionStatus): boolean => ranks[status] <= 10

/**
 * Sorts as text, in any collation, as (rank, failure before success, event time, status, content): digits and a to f in
 * columns of fixed width. The content's digest makes deliveries with equal stamps equal.
 */
export async function stamped(
  execution: IncomingExecution,
  source: DeliverySource,
): Promise<StampedExecution> {
  const { status, error, data } = execution
  const rank = source === 'poll' && isFinal(status) ? polledRank : ranks[status]
  const failure = isFailure(status) ? '1' : '0'
  const eventAt = String(Math.max(0, execution.eventAtMs)).padStart(15, '0')
  const content = error || data ? await digest(JSON.stringify([error, data?.json ?? null])) : '0'.repeat(16)
  const stamp = `${String(rank).padStart(2, '0')}${failure}${eventAt}${executionStatuses.indexOf(status)}${content}`
  return {
    ...execution,
    stamp,
    isStartPolled: source === 'poll' && execution.startedAtMs !== null,
    waited: status === 'waiting' || (data?.activity?.waited ?? false),
    errorStamp: error && stamp,
    dataStamp: data && stamp,
  }
}

/** 64 bits are plenty: only deliveries of one execution in the same millisecond are told apart. */
const digest = (text: string): Promise<string> => sha256Hex(text, 8)

/** Both are of the same execution. */
export function merge(a: StampedExecution, b: StampedExecution): StampedExecution {
  const status = greatest(a.stamp, b.stamp) === a.stamp ? a : b
  const error = greatest(a.errorStamp, b.errorStamp) === a.errorStamp ? a : b
  const data = greatest(a.dataStamp, b.dataStamp) === a.dataStamp ? a : b
  return {
    n8nExecutionId: a.n8nExecutionId,
    n8nWorkflowId: a.n8nWorkflowId,
    status: status.status,
    stamp: status.stamp,
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
    errorStamp: error.errorStamp,
    data: data.data,
    dataStamp: data.dataStamp,
  }
}

/** As SQL's `greatest(a collate "C", b)` over ASCII: null only when both are. */
function greatest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a >= b ? a : b
}

function startOf(a: StampedExecution, b: StampedExecution): number | null {
  if (a.isStartPolled === b.isStartPolled) return leastTime(a.startedAtMs, b.startedAtMs)
  return (a.isStartPolled ? a : b).startedAtMs
}

/** Deliveries of one run, and what they add up to. */
export interface Run {
  merged: StampedExecution
  deliveries: StampedExecution[]
}

/** How far the clocks of those who tell of one run may differ. */
const maxSkewMs = 5 * 60 * 1000
/** n8n's own record of a start is the same every time. */
const recordedSkewMs = 1000

/**
 * The runs that deliveries of one n8n id are of, in the order of their starts: n8n gives an id again once its database is
 * restored or replaced. A delivery without a start is of the run that ended when it says, else of the latest that it can
 * be of. `record_executions` does the same with what is recorded.
 */
export function toRuns(deliveries: StampedExecution[]): Run[] {
  const runs: Run[] = []
  const add = (delivery: StampedExecution, latest: Run | undefined) => {
    if (!latest) return runs.push({ merged: delivery, deliveries: [delivery] })
    latest.merged = merge(latest.merged, delivery)
    return latest.deliveries.push(delivery)
  }
  const started = deliveries.filter(({ startedAtMs }) => startedAtMs !== null)
  for (const delivery of started.toSorted((a, b) => (a.startedAtMs ?? 0) - (b.startedAtMs ?? 0))) {
    const latest = runs.at(-1)
    add(delivery, latest && isSameRun(latest.merged, delivery) ? latest : undefined)
  }
  const timeOf = ({ finishedAtMs, errorAtMs }: StampedExecution) => finishedAtMs ?? errorAtMs ?? Infinity
  const others = deliveries.filter(({ startedAtMs }) => startedAtMs === null)
  for (const delivery of others.toSorted((a, b) =>
    timeOf(a) < timeOf(b) ? -1 : Number(timeOf(a) > timeOf(b)),
  )) {
    const possible = runs.filter(({ merged }) => !isOfAnother(merged, delivery))
    add(delivery, possible.findLast(({ merged }) => haveOneEnd(merged, delivery)) ?? possible.at(-1))
  }
  return runs
}

const isNear = (a: number | null, b: number | null, skewMs = maxSkewMs) =>
  a !== null && b !== null && Math.abs(a - b) <= skewMs

/** When it had ended at the latest; null while it has not. */
const endedByMs = ({ status, finishedAtMs, eventAtMs }: StampedExecution) =>
  isFinal(status) ? (finishedAtMs ?? eventAtMs) : null

const isBareFailure = ({ status, startedAtMs, finishedAtMs }: StampedExecution) =>
  isFailure(status) && startedAtMs === null && finishedAtMs === null

const haveOneEnd = (known: StampedExecution, told: StampedExecution): boolean =>
  isNear(known.finishedAtMs, told.finishedAtMs) ||
  (isBareFailure(known) && isNear(known.eventAtMs, told.finishedAtMs)) ||
  isNear(endedByMs(known), told.errorAtMs)

/** @param told without a start */
function isOfAnother(known: StampedExecution, told: StampedExecution): boolean {
  const endedBy = endedByMs(known)
  if (endedBy === null || haveOneEnd(known, told)) return false
  if (told.errorAtMs !== null) {
    const endedAtMs = known.finishedAtMs ?? known.errorAtMs
    return told.errorAtMs > endedBy || (endedAtMs !== null && told.errorAtMs < endedAtMs)
  }
  if (isBareFailure(known) && known.errorAtMs !== null && isFinal(told.status) && told.finishedAtMs !== null)
    return true
  return known.status === 'success' && isFailure(told.status) && endedBy < told.receivedAtMs - maxSkewMs
}

/** @param earlier which started first, or at the same time */
function isSameRun(earlier: StampedExecution, later: StampedExecution): boolean {
  const skewMs = earlier.isStartPolled && later.isStartPolled ? recordedSkewMs : maxSkewMs
  return (
    isNear(earlier.startedAtMs, later.startedAtMs, skewMs) ||
    isNear(earlier.finishedAtMs, later.finishedAtMs, skewMs) ||
    isOpen(earlier.status)
  )
}

const leastTime = (a: number | null, b: number | null) =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)
const greatestTime = (a: number | null, b: number | null) =>
  a === null || b === null ? (a ?? b) : Math.max(a, b)
