/**
 * @module Polls one n8n instance. It lists open executions, then ended ones, newest first, back to the start of the last
 * poll, so every run is listed as open, listed as ended, or starts after this poll. Executions that are no longer open are
 * fetched by ID. Each page is recorded before the next request. The watermark advances at the end, by n8n's clock.
 */
import { hourMs } from '../../lib/time.ts'
import { isOpen } from '../../runs/meaning.ts'
import type { Db } from '../../db/client.ts'
import type { PollCursor } from '../../db/schema/instances.ts'
import type { N8nClient } from '../../n8n/api/client.ts'
import type { N8nExecution, N8nExecutionStatus } from '../../n8n/api/shapes.ts'
import { isN8nError } from '../../n8n/api/transport.ts'
import { failedRuns, ingest, type OnFailedRuns } from '../record/ingest.ts'
import { KnownExecutions, n8nRetentionMs } from './known-executions.ts'
import { type IncomingExecution, emptyDelivery } from '../record/merge.ts'
import { polledExecution, reportedRunData } from '../reports/payload.ts'
import { captureValues, type StoredValues } from '../values/capture.ts'
import type { RunValues } from '../values/repository.ts'
import type { Claim, PollProgress } from './schedule.ts'
import { fetchExecution } from './single-execution.ts'

export type PollClient = Pick<N8nClient, 'listExecutions' | 'getExecution' | 'getWorkflow'>

export interface PollOptions {
  db: Db
  now: () => Date
  client: PollClient
  /** Called before each request to n8n: whether the budget allows another. */
  hasBudget: () => boolean
  /** Saves the position in the list, to resume there. */
  saveCursor: (cursor: PollCursor) => Promise<void>
  /** Saves the progress when all executions are recorded, before data is fetched. */
  saveProgress: (progress: PollProgress) => Promise<void>
  onFailed?: OnFailedRuns | undefined
  values?: Pick<RunValues, 'store'> | undefined
}

export interface PollResult extends PollProgress {
  recorded: number
  updated: number
  /** New executions of untracked workflows since the last poll. */
  passedOver: number
  /** Executions of tracked workflows that could not be parsed. */
  unreadable: number
  /** Executions are open or data is left to fetch: poll again soon. */
  isBusy: boolean
}

const pageSize = 250
/** Covers clock adjustments, and runs that n8n lists late. */
const overlapMs = 10 * 60 * 1000
/** Maximum clock skew between n8n and this server. */
const maxSkewMs = hourMs
const openPages = 10
/** A push usually reports the end of younger executions. */
const openAgeMs = 5 * 60 * 1000
const openByIdLimit = 50
const dataLimit = 100
const dataBatch = 20
const probedWorkflows = 3

/** n8n returns empty lists, and hides the deployed workflows too. */
export class ScopeLostError extends Error {
  constructor() {
    super('The API key cannot access any deployed workflow')
    this.name = 'ScopeLostError'
  }
}

/** @throws {N8nError} @throws {ScopeLostError} Executions recorded before the error are saved */
export function pollInstance(claim: Claim, options: PollOptions): Promise<PollResult> {
  return new Poll(claim, options).run()
}

class Poll {
  readonly #claim: Claim
  readonly #options: PollOptions
  readonly #known: KnownExecutions
  /** n8n workflow ID → earliest start to record. */
  readonly #tracked: Map<string, number>
  /** n8n workflow ID → maximum size of the values of a run. */
  readonly #valueBytes: Map<string, number>
  readonly #listedOpen = new Set<string>()
  #seenAny = false
  #canReadWorkflow: Promise<boolean> | undefined
  #recorded = 0
  #updated = 0
  #skipped = 0
  #unreadable = 0

  constructor(claim: Claim, options: PollOptions) {
    this.#claim = claim
    this.#options = options
    this.#known = new KnownExecutions(options.db, options.now)
    this.#tracked = new Map(
      claim.tracked.map(({ n8nWorkflowId, sinceMs }) => [n8nWorkflowId, sinceMs - maxSkewMs]),
    )
    this.#valueBytes = new Map(
      claim.tracked.flatMap(({ n8nWorkflowId, valueBytes }) =>
        valueBytes === null ? [] : [[n8nWorkflowId, valueBytes]],
      ),
    )
  }

  async run(): Promise<PollResult> {
    if (this.#claim.tracked.length === 0) return this.#result(complete(null), false)
    for (const status of ['running', 'waiting', 'new'] as const) await this.#listOpen(status)
    const progress = await this.#listEnded()
    if (!progress.isComplete) return this.#result(progress, true)
    // n8n also returns empty lists to a key that lost its access.
    if (!this.#seenAny && !(await this.#seesWorkflow())) throw new ScopeLostError()
    await this.#fetchOpen()
    const isDataLeft = await this.#fetchData(progress)
    const isWatched = this.#claim.tracked.some(({ reportsSuccess }) => reportsSuccess)
    return this.#result(progress, isWatched || isDataLeft || this.#listedOpen.size > 0)
  }

  #result(progress: PollProgress, isBusy: boolean): PollResult {
    return {
      ...progress,
      isBusy,
      recorded: this.#recorded,
      updated: this.#updated,
      passedOver: this.#skipped,
      unreadable: this.#unreadable,
    }
  }

  async #listOpen(status: N8nExecutionStatus): Promise<void> {
    let cursor: string | null | undefined
    for (let page = 0; page < openPages && cursor !== null; page += 1) {
      if (!this.#options.hasBudget()) return
      const observedAt = this.#options.now()
      const query = { status, limit: pageSize, ...(cursor && { cursor }) }
      const answer = await this.#options.client.listExecutions(query).catch((error: unknown) => {
        // n8n 1.x rejects some statuses.
        if (isN8nError(error, 'rejected')) return { items: [], nextCursor: null }
        throw error
      })
      this.#seenAny ||= answer.items.length > 0
      for (const { id, workflowId } of answer.items) {
        if (workflowId !== null && this.#tracked.has(workflowId)) this.#listedOpen.add(id)
      }
      await this.#record(answer.items, observedAt)
      cursor = answer.nextCursor
    }
  }

  /** Lists back to the overlap with the last complete poll. Resumes an earlier poll that ran out of time. */
  async #listEnded(): Promise<PollProgress> {
    const { polledThroughMs, cursor: saved } = this.#claim
    const sinceMs = Math.min(...this.#claim.tracked.map((each) => each.sinceMs))
    const untilMs =
      (polledThroughMs ?? Math.max(sinceMs, this.#options.now().getTime() - n8nRetentionMs)) - overlapMs
    let cursor = saved?.cursor
    let newestStartMs = saved?.newestStartMs ?? null
    for (let page = 0; ; page += 1) {
      const at = cursor === undefined ? null : { cursor, newestStartMs }
      if (!this.#options.hasBudget()) return { polledThroughMs: null, cursor: at, isComplete: false }
      if (at && page > 0) await this.#options.saveCursor(at)
      const observedAt = this.#options.now()
      const answer = await this.#listPage(cursor, cursor === saved?.cursor)
      if (!answer) {
        cursor = undefined
        newestStartMs = null
        continue
      }
      const { items, nextCursor } = answer
      this.#seenAny ||= items.length > 0
      const starts = items.map(({ startedAt }) => Date.parse(startedAt ?? '')).filter(Number.isFinite)
      if (cursor === undefined && starts.length > 0) {
        // A clock that was ahead and is corrected must not hide new executions.
        newestStartMs = Math.min(Math.max(...starts), observedAt.getTime())
      }
      await this.#record(items, observedAt)
      const isDown = starts.length > 0 && Math.max(...starts.slice(-10)) < untilMs
      if (nextCursor === null || isDown) return complete(newestStartMs)
      cursor = nextCursor
    }
  }

  /** Null when n8n rejects a saved cursor. */
  async #listPage(cursor: string | undefined, isSaved: boolean) {
    try {
      return await this.#options.client.listExecutions({ limit: pageSize, ...(cursor && { cursor }) })
    } catch (error) {
      if (isSaved && cursor && isN8nError(error, 'rejected')) return null
      throw error
    }
  }

  /** Fetches open executions missing from the lists: they have ended or were deleted. */
  async #fetchOpen(): Promise<void> {
    const { now, hasBudget, client } = this.#options
    const before = new Date(now().getTime() - openAgeMs)
    const open = await this.#known.open(this.#claim.id, before, this.#listedOpen, openByIdLimit)
    for (const { n8nExecutionId, n8nWorkflowId, recordedAtMs } of open) {
      if (!hasBudget()) return
      const observedAt = now()
      const found = await fetchExecution(client, n8nExecutionId)
      if (typeof found !== 'string') await this.#record([found], observedAt)
      else if (found === 'refused') await this.#known.markRefused(this.#claim.id, n8nExecutionId)
      else if (
        found === 'not-found' &&
        (observedAt.getTime() - recordedAtMs > n8nRetentionMs || (await this.#seesWorkflow(n8nWorkflowId)))
      ) {
        await this.#ingest([lost(n8nExecutionId, n8nWorkflowId, observedAt)])
      }
    }
  }

  /** Whether the key can still access a deployed workflow. Tries `first` first. */
  #seesWorkflow(first?: string): Promise<boolean> {
    this.#canReadWorkflow ??= this.#probe(first)
    return this.#canReadWorkflow
  }

  async #probe(first: string | undefined): Promise<boolean> {
    const ids = new Set([...(first === undefined ? [] : [first]), ...this.#tracked.keys()])
    for (const id of [...ids].slice(0, probedWorkflows)) {
      try {
        await this.#options.client.getWorkflow(id)
        return true
      } catch (error) {
        if (!isN8nError(error, 'not-found', 'forbidden')) throw error
      }
    }
    return false
  }

  /** @returns whether data is left for the next poll */
  async #fetchData(progress: PollProgress): Promise<boolean> {
    const wanted = await this.#known.withoutData(this.#claim.id, dataLimit)
    if (wanted.length > 0) await this.#options.saveProgress(progress)
    for (let start = 0; start < wanted.length; start += dataBatch) {
      if (!(await this.#fetchBatch(wanted.slice(start, start + dataBatch)))) return true
    }
    return wanted.length === dataLimit
  }

  /** @returns whether the batch was completed */
  async #fetchBatch(ids: string[]): Promise<boolean> {
    const executions: IncomingExecution[] = []
    const values: (StoredValues | null)[] = []
    const without: { n8nExecutionId: string; isTooLarge: boolean }[] = []
    try {
      for (const n8nExecutionId of ids) {
        if (!this.#options.hasBudget()) return false
        const observedAt = this.#options.now()
        const found = await fetchExecution(this.#options.client, n8nExecutionId, { includeData: true })
        if (typeof found === 'string') {
          if (found === 'forbidden') continue
          if (found !== 'not-found' || (await this.#seesWorkflow())) {
            without.push({ n8nExecutionId, isTooLarge: found === 'too-large' })
          }
          continue
        }
        const execution = this.#read(found, observedAt)
        // A push can arrive before n8n saves the execution; its data follows later.
        if (!execution || isOpen(execution.status)) continue
        executions.push(execution)
        values.push(this.#valuesOf(found))
        if (execution.data === null) without.push({ n8nExecutionId, isTooLarge: false })
      }
      return true
    } finally {
      await this.#ingest(executions, values)
      await this.#known.markWithoutData(this.#claim.id, without)
    }
  }

  /** Records new and changed executions of tracked workflows. */
  async #record(items: N8nExecution[], observedAt: Date): Promise<void> {
    const read = items.flatMap((item) => this.#read(item, observedAt) ?? [])
    const known = await this.#known.find(
      this.#claim.id,
      read.map(({ n8nExecutionId }) => n8nExecutionId),
    )
    await this.#ingest(
      read.filter(({ n8nExecutionId, status, startedAtMs }) => {
        const earlier = known
          .get(n8nExecutionId)
          ?.find((each) => startedAtMs === null || each.startedAtMs === startedAtMs)
        return (
          !earlier ||
          !(earlier.settled || (earlier.status === status && (isOpen(status) || status === 'unknown')))
        )
      }),
    )
  }

  #read(item: N8nExecution, observedAt: Date): IncomingExecution | null {
    const startMs = Date.parse(item.startedAt ?? '')
    const sinceMs = this.#tracked.get(item.workflowId ?? '')
    if (sinceMs === undefined) {
      if (startMs > (this.#claim.polledThroughMs ?? 0)) this.#skipped += 1
      return null
    }
    if (startMs < sinceMs) return null
    const execution = polledExecution(item, observedAt)
    if (!execution) this.#unreadable += 1
    return execution
  }

  /** Captured now, so that a batch does not hold the whole data of its runs in memory. */
  #valuesOf(item: N8nExecution): StoredValues | null {
    const maxBytes = this.#valueBytes.get(item.workflowId ?? '')
    const runData = maxBytes === undefined ? null : reportedRunData(item)
    return runData && maxBytes !== undefined ? captureValues(runData, maxBytes) : null
  }

  /** @param values of each execution */
  async #ingest(executions: IncomingExecution[], values: (StoredValues | null)[] = []): Promise<void> {
    if (executions.length === 0) return
    const { db, values: runValues } = this.#options
    const recorded = await ingest(
      db,
      this.#claim.id,
      executions,
      'poll',
      runValues && values.some((each) => each !== null)
        ? { at: (index) => values[index] ?? null, store: (runs) => runValues.store(runs) }
        : undefined,
    )
    for (const { created, previous, current } of new Set(recorded.filter((run) => run !== undefined))) {
      if (created) this.#recorded += 1
      else if (previous?.status !== current.status) this.#updated += 1
    }
    const failed = failedRuns(executions, recorded)
    if (failed.length > 0) this.#options.onFailed?.(failed)
  }
}

const complete = (polledThroughMs: number | null): PollProgress => ({
  polledThroughMs,
  cursor: null,
  isComplete: true,
})

/** n8n no longer has the execution, so its outcome stays unknown. */
const lost = (n8nExecutionId: string, n8nWorkflowId: string, observedAt: Date): IncomingExecution => ({
  ...emptyDelivery,
  n8nExecutionId,
  n8nWorkflowId,
  status: 'unknown',
  eventAtMs: observedAt.getTime(),
  receivedAtMs: observedAt.getTime(),
})
