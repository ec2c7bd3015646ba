/** @module Checks, after each write, that leases are respected and that epochs and watermarks only move forward. */
import type { TestDatabase } from '../harness/database.ts'
import type { N8nStub } from '../harness/n8n-stub.ts'

interface Lease {
  owner: string | null
  untilMs: number | null
}

interface Polling {
  leaseMs: number | null
  epoch: number
  throughMs: number | null
}

export interface MonitoredSite {
  instanceId: string
  stub: N8nStub
}

export class Monitor {
  readonly #database: TestDatabase
  readonly #nowMs: () => number
  /** Deployments for which a job was to look for what came too late. */
  readonly cleanUps = new Set<string>()
  #leases = new Map<string, Lease>()
  #polling = new Map<string, Polling>()

  constructor(database: TestDatabase, nowMs: () => number) {
    this.#database = database
    this.#nowMs = nowMs
  }

  /** @throws when the statement broke an invariant */
  async afterStatement(text: string, sites: readonly MonitoredSite[]): Promise<void> {
    if (/update .{0,3}deployments/.test(text)) await this.#checkLeases()
    if (/update .{0,3}instances/.test(text)) await this.#checkPolling(sites)
  }

  async #checkLeases(): Promise<void> {
    const rows = await this.#database.sql`select id, lease_owner as owner,
      (extract(epoch from lease_until) * 1000)::float8 as until, clean_up_at is not null as cleans from deployments`
    for (const row of rows) {
      const id = String(row['id'])
      if (row['cleans'] === true) this.cleanUps.add(id)
      const before = this.#leases.get(id)
      const owner = row['owner'] === null ? null : String(row['owner'])
      const isTaken = before?.owner && owner && before.owner !== owner
      if (isTaken && (before.untilMs ?? 0) > this.#nowMs())
        throw new Error(
          `A run took the lease of another one, which had ${before.untilMs! - this.#nowMs()} ms left`,
        )
      this.#leases.set(id, { owner, untilMs: row['until'] === null ? null : Number(row['until']) })
    }
  }

  async #checkPolling(sites: readonly MonitoredSite[]): Promise<void> {
    const rows = await this.#database
      .sql`select id, epoch, (extract(epoch from poll_lease_until) * 1000)::float8 as lease,
      (extract(epoch from polled_through) * 1000)::float8 as through from instances`
    for (const row of rows) {
      const id = String(row['id'])
      const before = this.#polling.get(id)
      const [leaseMs, throughMs] = [row['lease'], row['through']].map((value) =>
        value === null ? null : Number(value),
      )
      const after: Polling = { leaseMs: leaseMs!, epoch: Number(row['epoch']), throughMs: throughMs! }
      this.#polling.set(id, after)
      if (!before) continue
      if (
        before.leaseMs !== null &&
        after.leaseMs !== null &&
        after.leaseMs !== before.leaseMs &&
        before.leaseMs > this.#nowMs()
      )
        throw new Error('A poll took the lease of another one before it expired')
      if (after.epoch < before.epoch) throw new Error('The epoch went back')
      if (after.epoch !== before.epoch || after.throughMs === before.throughMs || after.throughMs === null)
        continue
      if (before.throughMs !== null && after.throughMs < before.throughMs)
        throw new Error('The watermark went back')
      const site = sites.find(({ instanceId }) => instanceId === id)
      if (site) await this.#checkWatermark(site, after.throughMs)
    }
  }

  /** Every execution of a tracked workflow that started before the watermark is recorded. */
  async #checkWatermark({ instanceId, stub }: MonitoredSite, throughMs: number): Promise<void> {
    const tracked = await this.#database
      .sql`select n8n_workflow_id as id, (extract(epoch from created_at) * 1000)::float8 as since
      from deployments where instance_id = ${instanceId} and n8n_workflow_id is not null`
    const recorded = await this.#database
      .sql`select n8n_execution_id as id from execution_keys where instance_id = ${instanceId}`
    const ids = new Set(recorded.map(({ id }) => String(id)))
    const sinceMs = new Map(tracked.map((row) => [String(row['id']), Number(row['since'])]))
    const missing = stub.state.executions.filter(({ id, workflowId, startedAt }) => {
      const since = sinceMs.get(workflowId)
      const startMs = Date.parse(startedAt ?? '')
      return since !== undefined && startMs >= since && startMs < throughMs && !ids.has(id)
    })
    if (missing.length > 0)
      throw new Error(`The watermark passed the executions ${missing.map(({ id }) => id).join(', ')}`)
  }
}
