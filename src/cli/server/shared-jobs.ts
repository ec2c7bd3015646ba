/**
 * @module Jobs that all servers on one Postgres share, with pg-boss: each part of the scheduled job runs on one server, and
 * reports wait in the database while it is busy. A job whose server stops responding is taken over by another one.
 */
import type { ConnectionOptions } from 'node:tls'
import { PgBoss } from 'pg-boss'
import type { PoolFigures } from '../../db/gateway/protocol.ts'
import type { Deps } from '../../deps.ts'
import { errorNameOf } from '../../errors.ts'
import type { QueuedMessage, QueuedReports } from '../../executions/reports/queue.ts'
import { housekeepingPart, partNames } from '../../housekeeping.ts'
import type { Log } from '../../http/log.ts'
import type { SharedJobs } from '../../node.ts'

const parts = 'housekeeping'
const reports = 'reports'
const failedReports = 'reports-failed'
/** Each part runs once within this time, by the clock of the database. */
const tickSeconds = 60
/** Four parts can wait for n8n for a minute or longer; the fifth worker runs the others. */
const workersPerServer = 5
const connections = 3
/** Workers are woken for the jobs of their own server. */
const defaultPollSeconds = 20
const reportPollSeconds = 5
const reportsPerBatch = 100
const defaultHeartbeatSeconds = 30
const superviseSeconds = 30
/** Waiting statements per connection above which reports are queued. */
const busyFactor = 5
const connectTimeoutMs = 5000
const stopMs = 5000

export interface SharedJobsOptions {
  /** Of a real Postgres. */
  connectionString: string
  ssl?: false | ConnectionOptions | undefined
  pool: () => PoolFigures
  log: Log
  /** How often workers look for jobs that another server left. */
  pollSeconds?: number
  /** A server that does not renew a job for this long has lost it. Applies when the queues are created. */
  heartbeatSeconds?: number
}

export function createSharedJobs(options: SharedJobsOptions): SharedJobs {
  const { pool, log, pollSeconds = defaultPollSeconds, heartbeatSeconds = defaultHeartbeatSeconds } = options
  const unavailable = (error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    log('warn', 'shared-jobs-failed', { errorName: errorNameOf(error), code })
  }
  let boss: PgBoss | undefined
  let opening: Promise<PgBoss> | undefined
  let deps: Deps | undefined
  let signal: AbortSignal | undefined
  let partWorkers: string[] = []
  let reportWorker = ''

  async function open(on: Deps): Promise<PgBoss> {
    const created = new PgBoss({
      connectionString: options.connectionString,
      ...(options.ssl !== undefined && { ssl: options.ssl }),
      max: connections,
      application_name: 'flowkeep-jobs',
      schedule: false,
      superviseIntervalSeconds: superviseSeconds,
      monitorIntervalSeconds: superviseSeconds,
      maintenanceIntervalSeconds: 300,
      connectionTimeoutMillis: connectTimeoutMs,
    })
    created.on('error', unavailable)
    try {
      await created.start()
      await createQueues(created, heartbeatSeconds)
      partWorkers = []
      for (let i = 0; i < workersPerServer; i += 1) partWorkers.push(await workOnParts(created, on))
      reportWorker = await workOnReports(created, on)
      boss = created
      return created
    } catch (error) {
      await created.stop({ graceful: false }).catch(() => {})
      throw error
    }
  }

  /** Opens it once; the next call after a failure tries again. */
  const opened = (on: Deps): Promise<PgBoss> =>
    (opening ??= open(on).catch((error: unknown) => {
      opening = undefined
      throw error
    }))

  async function workOnParts(on: PgBoss, withDeps: Deps): Promise<string> {
    let id = ''
    const polling = { batchSize: 1, pollingIntervalSeconds: pollSeconds }
    id = await on.work<{ part: string }>(parts, polling, async ([job]) => {
      const isDone = await housekeepingPart(withDeps, job?.data.part ?? '', signal)
      // Fetches the next job without waiting.
      on.notifyWorker(id)
      // The error is in the log and in job_runs.
      if (!isDone) throw new Error('The part failed')
    })
    return id
  }

  const workOnReports = (on: PgBoss, withDeps: Deps): Promise<string> =>
    on.work<QueuedReports, void, ReportWork>(reports, reportWork, async (jobs) => {
      const stored = new Set<string>()
      const messages = jobs.map(
        ({ id, data, retryCount }): QueuedMessage => ({
          body: data,
          attempts: retryCount + 1,
          ack: () => void stored.add(id),
          // pg-boss delays the retry.
          retry: () => {},
        }),
      )
      await withDeps.storeQueued(messages)
      return jobs.map(({ id }) => ({ id, status: stored.has(id) ? 'completed' : 'failed' }))
    })

  const buffer = new Buffered<QueuedReports>(async (messages) => {
    if (!boss) throw new Error('The queue is not open')
    await boss.insert(
      reports,
      messages.map((data) => ({ data })),
    )
    boss.notifyWorker(reportWorker)
  })

  return {
    reportQueue: {
      isNeeded: () => {
        const { waiting, max } = pool()
        return boss !== undefined && waiting > busyFactor * max
      },
      send: (message) => buffer.add(message),
    },
    async start(on, closing) {
      deps = on
      signal = closing
      await opened(on).catch(unavailable)
    },
    async tick() {
      try {
        if (!deps) return false
        const queue = await opened(deps)
        const names = partNames(deps)
        const jobs = names.map((part, index) => ({
          data: { part },
          singletonKey: part,
          singletonSeconds: tickSeconds,
          priority: names.length - index,
        }))
        await queue.insert(parts, jobs)
        for (const id of partWorkers) queue.notifyWorker(id)
        return true
      } catch (error) {
        unavailable(error)
        return false
      }
    },
    async stop() {
      const open = await opening?.catch(() => undefined)
      await open?.stop({ timeout: stopMs }).catch(unavailable)
    },
  }
}

const reportWork = {
  batchSize: reportsPerBatch,
  includeMetadata: true,
  perJobResults: true,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: reportPollSeconds,
} as const
type ReportWork = typeof reportWork

async function createQueues(boss: PgBoss, heartbeatSeconds: number): Promise<void> {
  const lease = { heartbeatSeconds, expireInSeconds: 600 }
  // One job for each part, queued or running. Completed ones mark the minute as done.
  await boss.createQueue(parts, {
    ...lease,
    policy: 'exclusive',
    retryLimit: 2,
    retryDelay: 5,
    deleteAfterSeconds: 3600,
  })
  await boss.createQueue(failedReports, { retentionSeconds: 14 * 86_400 })
  await boss.createQueue(reports, {
    ...lease,
    retryLimit: 20,
    retryDelay: 10,
    retryBackoff: true,
    retryDelayMax: 3600,
    deleteAfterSeconds: 60,
    deadLetter: failedReports,
  })
}

/** Writes what arrives during a write together in the next one. */
export class Buffered<T> {
  readonly #write: (items: T[]) => Promise<void>
  #waiting: { item: T; settle: PromiseWithResolvers<void> }[] = []
  #isWriting = false

  constructor(write: (items: T[]) => Promise<void>) {
    this.#write = write
  }

  /** Settles with the write that contains the item. */
  add(item: T): Promise<void> {
    const settle = Promise.withResolvers<void>()
    this.#waiting.push({ item, settle })
    if (!this.#isWriting) void this.#drain()
    return settle.promise
  }

  async #drain(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, reportsPerBatch)
      try {
        await this.#write(batch.map(({ item }) => item))
        for (const { settle } of batch) settle.resolve()
      } catch (error) {
        for (const { settle } of batch) settle.reject(error)
      }
    }
    this.#isWriting = false
  }
}
