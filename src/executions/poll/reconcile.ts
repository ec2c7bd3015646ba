/**
 * @module Polls all due instances on a schedule. Pushes make results fast; polls make them complete. A crash loses nothing,
 * because leases expire and the watermark never passes unrecorded executions.
 */
import { dayMs } from '../../lib/time.ts'
import { type OnFailedRuns } from '../record/ingest.ts'
import type { Db } from '../../db/client.ts'
import { AppError, errorNameOf, notFound } from '../../errors.ts'
import type { Log } from '../../http/log.ts'
import { toAppError } from '../../instances/connections.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { PollAnswer } from '../contract.ts'
import type { RunValues } from '../values/repository.ts'
import { type PollClient, pollInstance, type PollResult, ScopeLostError } from './poll-instance.ts'
import { type Claim, type PollFailure, PollSchedule } from './schedule.ts'

/** Opens a connection to an instance; null when the instance is deleted. */
export interface PollConnections {
  open: (userId: string, instanceId: string) => Promise<{ client: PollClient } | null>
}

export interface PollDeps {
  db: Db
  connections: PollConnections
  values?: Pick<RunValues, 'store'> | undefined
  now: () => Date
  log: Log
  /** Called with failed runs. */
  onFailed?: OnFailedRuns
  /** 0 to 1, spreads retries. */
  random?: () => number
}

export interface ReconcileOptions extends PollDeps {
  /** Budget of the whole run, up to 55 s. No request starts in the last 10 s, the timeout of an n8n request. */
  budgetMs: number
  maxInstances?: number
  /** Each poll uses one connection at a time; Workers allow 6 in total. */
  maxConcurrent?: number
  /** Maximum requests to n8n per run. Workers count them, and about as many SQL statements, as subrequests. */
  maxRequests?: number
  signal?: AbortSignal
}

export interface ReconcileResult {
  polled: number
  failed: number
  recorded: number
  updated: number
  /** New executions of untracked workflows. The log redacts names like "passedOver". */
  skipped: number
}

export const maxBudgetMs = 55_000
const maxConcurrency = 4
const requestTimeoutMs = 10_000
const intervalMs = 5 * 60 * 1000
/** Used while executions are open, and where only polling detects failures. */
const shortIntervalMs = 60 * 1000
/** n8n stores executions for two weeks by default. */
const lagAlarmMs = dayMs

export async function reconcile(options: ReconcileOptions): Promise<ReconcileResult> {
  const { db, now, log, signal, maxInstances = 500, maxRequests = 100_000 } = options
  const schedule = new PollSchedule(db, now, options.random)
  const concurrency = Math.min(options.maxConcurrent ?? maxConcurrency, maxConcurrency)
  const endsAtMs = now().getTime() + Math.min(options.budgetMs, maxBudgetMs) - requestTimeoutMs
  let requests = 0
  const hasTime = () => requests < maxRequests && !signal?.aborted && now().getTime() < endsAtMs
  const hasBudget = () => hasTime() && ++requests > 0
  const total: ReconcileResult = { polled: 0, failed: 0, recorded: 0, updated: 0, skipped: 0 }

  let queue: Claim[] = []
  let claiming: Promise<void> | undefined
  let claimed = 0
  const claimMore = async () => {
    queue = await schedule.claimDue(Math.min(2 * concurrency, maxInstances - claimed))
    claimed = queue.length > 0 ? claimed + queue.length : maxInstances
    claiming = undefined
  }
  const next = async (): Promise<Claim | undefined> => {
    if (!hasTime()) return undefined
    if (queue.length === 0 && claimed < maxInstances) {
      claiming ??= claimMore()
      await claiming
    }
    return queue.shift()
  }
  const work = async () => {
    for (let claim = await next(); claim; claim = await next()) {
      const { result } = await pollClaimed(options, schedule, claim, hasBudget)
      total.polled += 1
      if (!result) total.failed += 1
      total.recorded += result?.recorded ?? 0
      total.updated += result?.updated ?? 0
      total.skipped += result?.passedOver ?? 0
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: concurrency }, work))
  await schedule.release(queue)
  const broken = outcomes.find((outcome) => outcome.status === 'rejected')
  if (broken) throw broken.reason
  const { overdue, lagging } = await schedule.backlog(lagAlarmMs)
  log(lagging > 0 ? 'warn' : 'info', 'reconciled', { ...total, overdue, lagging })
  return total
}

const onDemandBudgetMs = 15_000

/**
 * Polls one of the user's instances now. Null when it does not exist.
 * @throws {AppError} `too-many-requests` during or right after another poll; `instance-…` when n8n fails
 */
export async function pollNow(
  deps: PollDeps,
  userId: string,
  instanceId: string,
): Promise<PollAnswer | null> {
  const schedule = new PollSchedule(deps.db, deps.now, deps.random)
  const claim = await schedule.claim(userId, instanceId)
  if (claim === null) return null
  if (typeof claim === 'number') {
    throw new AppError(
      'too-many-requests',
      'The instance is being polled or was polled a moment ago. Try again shortly',
      {
        retryAfterSeconds: claim,
      },
    )
  }
  const endsAtMs = deps.now().getTime() + onDemandBudgetMs
  const { result, error } = await pollClaimed(deps, schedule, claim, () => deps.now().getTime() < endsAtMs)
  if (!result) throw toPublicError(error)
  const { recorded, updated, passedOver, isComplete } = result
  return {
    recorded,
    updated,
    passedOver,
    lagSeconds: isComplete ? 0 : Math.round(lagMs(claim, deps.now()) / 1000),
  }
}

interface Polled {
  result?: PollResult
  error?: unknown
}

/** Polls and reports the outcome to the schedule. Only failures of n8n count against the instance. */
async function pollClaimed(
  { db, connections, values, now, log, onFailed }: PollDeps,
  schedule: PollSchedule,
  claim: Claim,
  hasBudget: () => boolean,
): Promise<Polled> {
  try {
    const connection = await connections.open(claim.userId, claim.id)
    if (!connection) return { error: notFound('Instance') }
    const result = await pollInstance(claim, {
      db,
      now,
      client: connection.client,
      hasBudget,
      onFailed,
      values,
      saveCursor: (cursor) => schedule.saveCursor(claim, cursor),
      saveProgress: (progress) => schedule.saveProgress(claim, progress),
    })
    const isUrgent = result.isBusy || claim.tracked.some(({ reportsErrors }) => !reportsErrors)
    await schedule.succeed(claim, result, isUrgent ? shortIntervalMs : intervalMs)
    if (result.unreadable > 0) {
      log('warn', 'unreadable-executions', { instanceId: claim.id, count: result.unreadable })
    }
    if (!result.isComplete) warnOfLag(log, claim, now())
    return { result }
  } catch (error) {
    const failure = failureOf(error)
    log('warn', 'poll-failed', {
      instanceId: claim.id,
      errorName: errorNameOf(error),
      kind: error instanceof N8nError ? error.kind : undefined,
      operation: error instanceof N8nError ? error.operation : undefined,
      failures: claim.failures + 1,
    })
    warnOfLag(log, claim, now())
    await schedule.fail(claim, failure)
    return { error }
  }
}

/** Milliseconds since the last complete poll, or since the first deployment if there was none. */
function lagMs({ lastPolledAtMs, tracked }: Claim, now: Date): number {
  const sinceMs = lastPolledAtMs ?? Math.min(now.getTime(), ...tracked.map((each) => each.sinceMs))
  return now.getTime() - sinceMs
}

function warnOfLag(log: Log, claim: Claim, now: Date): void {
  const lag = lagMs(claim, now)
  if (lag > lagAlarmMs) {
    log('warn', 'reconcile-lag', { instanceId: claim.id, lagSeconds: Math.round(lag / 1000) })
  }
}

function failureOf(error: unknown): PollFailure {
  if (error instanceof ScopeLostError) return { status: 'refused', detail: toPublicError(error).message }
  if (error instanceof AppError && error.code === 'url-not-allowed') {
    return { status: 'unreachable', detail: error.message }
  }
  if (!(error instanceof N8nError)) return { isOurs: true }
  const { kind, retryAfterSeconds } = error
  if (kind === 'rate-limited') return { retryAfterSeconds }
  const status = kind === 'unauthorized' || kind === 'forbidden' ? 'refused' : 'unreachable'
  return { status, detail: toAppError(error).message, retryAfterSeconds }
}

function toPublicError(error: unknown): Error {
  if (error instanceof N8nError) return toAppError(error)
  if (error instanceof ScopeLostError) {
    return new AppError(
      'instance-refused',
      'The API key can no longer access the deployed workflows. Grant it access to them',
    )
  }
  return error instanceof Error ? error : new Error('The poll failed', { cause: error })
}
