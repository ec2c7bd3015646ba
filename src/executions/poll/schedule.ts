/**
 * @module Schedules polls of instances. A claim takes a lease, and only its holder can report the outcome. If the holder
 * crashes, the lease expires and recorded executions are kept.
 */
import { hourMs, isoOf } from '../../lib/time.ts'
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import type { PollCursor } from '../../db/schema/instances.ts'

export const leaseMs = 2 * 60 * 1000
/** Interval for instances without deployments. */
const idleIntervalMs = 5 * 60 * 1000
const minBackoffMs = 60 * 1000
const maxBackoffMs = hourMs
/** Minimum interval between on-demand polls. */
const onDemandIntervalMs = 3000

export interface TrackedWorkflow {
  n8nWorkflowId: string
  /** When the deployment was created. */
  sinceMs: number
  reportsSuccess: boolean
  /** False if the workflow has its own error handling, so only polling detects its failures. */
  reportsErrors: boolean
  /** Maximum size of the values of a run; null if its owner does not store them. */
  valueBytes: number | null
}

/** An instance claimed for polling, exclusively until `leaseUntil`. */
export interface Claim {
  id: string
  userId: string
  leaseUntil: Date
  /** Version of the instance's row. The outcome of a poll does not apply to an address or key that replaced its own. */
  version: number
  /** By n8n's clock; null before the first complete poll. */
  polledThroughMs: number | null
  lastPolledAtMs: number | null
  cursor: PollCursor | null
  failures: number
  /** Epoch of the instance. Progress of an earlier epoch does not apply to the current one. */
  epoch: number
  tracked: TrackedWorkflow[]
}

export interface PollProgress {
  /** Null leaves the stored value unchanged. */
  polledThroughMs: number | null
  /** Where to resume; null starts at the top of n8n's list. */
  cursor: PollCursor | null
  /** The poll reached the end of n8n's list or known executions. */
  isComplete: boolean
}

export interface PollFailure {
  /** An error of this server, which does not count against the instance. */
  isOurs?: boolean
  /** New status of the instance; undefined leaves it unchanged. */
  status?: 'unreachable' | 'refused'
  /** Safe to show. */
  detail?: string
  /** From n8n's Retry-After header. */
  retryAfterSeconds?: number | undefined
}

interface Row extends Record<string, unknown> {
  id: string
  user_id: string
  polled_through_ms: number | null
  last_polled_at_ms: number | null
  version: number
  epoch: number
  poll_cursor: PollCursor | null
  poll_failures: number
  tracked: TrackedWorkflow[] | null
}

/** Condition on a row of `instances` with the alias i. */
const hasDeployment = sql`exists (
  select 1 from deployments d where d.instance_id = i.id and d.n8n_workflow_id is not null)`
/** Condition on a row of `instances` with the alias i: a deployment stays there. */
const keepsDeployment = sql`exists (
  select 1 from deployments d where d.instance_id = i.id and d.n8n_workflow_id is not null
    and d.intent ->> 'action' is distinct from 'undeploy')`
const hasOwner = sql`exists (select 1 from users u where u.id = i.user_id and u.deleted_at is null)`
/** Condition on a row of `instances` with the alias i: its rows can be changed. */
const isHere = sql`not exists (select 1 from user_routes r where r.user_id = i.user_id)`
/** The scheduled job polls the instance. Condition on a row of `instances` with the alias i. */
export const isPolled = sql`${hasDeployment} and ${hasOwner}`
const claimed = sql`i.id, i.user_id, i.version, i.epoch, i.poll_cursor, i.poll_failures,
  (extract(epoch from i.polled_through) * 1000)::float8 as polled_through_ms,
  (extract(epoch from i.last_polled_at) * 1000)::float8 as last_polled_at_ms,
  (select json_agg(json_build_object('n8nWorkflowId', d.n8n_workflow_id, 'reportsSuccess', d.report_success,
      'reportsErrors', d.reports_errors or d.status = 'inactive',
      'valueBytes', (select s.max_bytes from value_storage s where s.user_id = d.user_id and s.workflow_id = d.workflow_id),
      'sinceMs', (extract(epoch from d.created_at) * 1000)::float8) order by d.id)
    from deployments d where d.instance_id = i.id and d.n8n_workflow_id is not null) as tracked`

export class PollSchedule {
  readonly #db: Db
  readonly #now: () => Date
  readonly #random: () => number

  /** @param random 0 to 1, spreads the retries of instances that failed together */
  constructor(db: Db, now: () => Date, random: () => number = Math.random) {
    this.#db = db
    this.#now = now
    this.#random = random
  }

  /**
   * Claims due instances of all owners, the longest overdue first. Empty when none is due. Skips locked rows and reschedules
   * instances without a deployment.
   */
  async claimDue(limit: number): Promise<Claim[]> {
    const now = this.#now()
    const leaseUntil = new Date(now.getTime() + leaseMs)
    const at = sql`${now.toISOString()}::timestamptz`
    for (;;) {
      const { rows } = await this.#db.execute<Row & { due: number; idle: number }>(sql`
        with due as (
          select i.id, i.next_poll_at, ${isPolled} as is_tracked
          from instances i
          where i.next_poll_at <= ${at} and (i.poll_lease_until is null or i.poll_lease_until <= ${at})
            and ${isHere}
          order by i.next_poll_at
          limit ${limit}
          for update skip locked
        ), idle as (
          update instances i set next_poll_at = ${later(now, idleIntervalMs)}
          from due where due.id = i.id and not due.is_tracked
          returning i.id
        ), selected as (
          update instances i set poll_lease_until = ${leaseUntil.toISOString()}::timestamptz
          from due where due.id = i.id and due.is_tracked
          returning due.next_poll_at, ${claimed}
        )
        select selected.*, (select count(*) from idle)::integer as idle
        from (select 1) one left join selected on true
        order by selected.next_poll_at, selected.id`)
      const claims = rows.filter((row) => row.id !== null)
      // A page with only idle instances may be followed by due ones.
      if (claims.length > 0 || (rows[0]?.idle ?? 0) < limit)
        return claims.map((row) => toClaim(row, leaseUntil))
    }
  }

  /** Claims an instance even if it is not due. Null when it does not exist; seconds to wait when it is too soon. */
  async claim(userId: string, instanceId: string): Promise<Claim | number | null> {
    const now = this.#now()
    const leaseUntil = new Date(now.getTime() + leaseMs)
    const { rows } = await this.#db.execute<Row & { free_at_ms: number | null }>(sql`
      with found as (
        select id, greatest(poll_lease_until, last_polled_at + ${onDemandIntervalMs} * interval '1 ms') as free_at
        from instances where user_id = ${userId} and id = ${instanceId}
        for update
      ), selected as (
        update instances i set poll_lease_until = ${leaseUntil.toISOString()}::timestamptz
        from found
        where i.id = found.id and (found.free_at is null or found.free_at <= ${now.toISOString()}::timestamptz)
        returning ${claimed}
      )
      select selected.*, (extract(epoch from found.free_at) * 1000)::float8 as free_at_ms
      from found left join selected on true`)
    const [row] = rows
    if (!row) return null
    if (row.id !== null) return toClaim(row, leaseUntil)
    return Math.max(1, Math.ceil(((row.free_at_ms ?? 0) - now.getTime()) / 1000))
  }

  /** Saves where to resume if this poll crashes. Everything before the cursor must be committed. */
  async saveCursor({ id, leaseUntil, epoch }: Claim, cursor: PollCursor): Promise<void> {
    await this.#db.execute(sql`
      update instances set poll_cursor = ${JSON.stringify(cursor)}::jsonb
      where id = ${id} and poll_lease_until = ${leaseUntil.toISOString()}::timestamptz and epoch = ${epoch}::integer`)
  }

  /** Saves the progress and keeps the lease. Everything in `progress` must be committed. */
  async saveProgress({ id, leaseUntil, epoch }: Claim, progress: PollProgress): Promise<void> {
    await this.#db.execute(sql`
      update instances set ${advance(progress, epoch, this.#now())}
      where id = ${id} and poll_lease_until = ${leaseUntil.toISOString()}::timestamptz`)
  }

  /** Releases the lease. Everything in `progress` must be committed. Ignored when the lease has expired. */
  async succeed(
    { id, leaseUntil, version, epoch }: Claim,
    progress: PollProgress,
    intervalMs: number,
  ): Promise<void> {
    const now = this.#now()
    const isBack = sql`version = ${version} and status in ('unreachable', 'refused')`
    await this.#db.execute(sql`
      update instances set ${advance(progress, epoch, now)},
        poll_lease_until = null,
        next_poll_at = case when epoch = ${epoch}::integer
          then ${later(now, progress.isComplete ? intervalMs : 0)} else ${later(now, 0)} end,
        poll_failures = 0,
        status_detail = case when ${isBack} then capabilities -> 'cannot' ->> 0 else status_detail end,
        status = case when not (${isBack}) then status
          when jsonb_array_length(capabilities -> 'cannot') > 0 then 'limited' else 'ok' end
      where id = ${id} and poll_lease_until = ${leaseUntil.toISOString()}::timestamptz`)
  }

  /** Backs off: 1 minute, doubled after each further failure, up to an hour, minus a random part of up to a quarter. */
  async fail({ id, leaseUntil, version, failures }: Claim, failure: PollFailure): Promise<void> {
    const exponent = failure.isOurs ? 0 : Math.min(failures, 16)
    const backoffMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** exponent)
    const requestedMs = Math.min((failure.retryAfterSeconds ?? 0) * 1000, maxBackoffMs)
    const delayMs = Math.max(backoffMs * (1 - this.#random() / 4), requestedMs)
    const { status = null, detail = null } = failure
    // An undeployed workflow looks like a hidden one, and nothing would set the status back.
    const isReported = sql`i.version = ${version} and ${status}::text is not null and ${keepsDeployment}`
    await this.#db.execute(sql`
      update instances i set
        poll_lease_until = null,
        next_poll_at = ${later(this.#now(), delayMs)},
        poll_failures = poll_failures + ${failure.isOurs ? 0 : 1}::integer,
        status = case when ${isReported} then ${status}::text else status end,
        status_detail = case when ${isReported} then ${detail}::text else status_detail end
      where id = ${id} and poll_lease_until = ${leaseUntil.toISOString()}::timestamptz`)
  }

  /** Releases claims without polling; they stay due. */
  async release(claims: Claim[]): Promise<void> {
    const [first] = claims
    if (!first) return
    const ids = JSON.stringify(claims.map(({ id }) => id))
    await this.#db.execute(sql`
      update instances set poll_lease_until = null
      where id in (select value::uuid from jsonb_array_elements_text(${ids}::jsonb))
        and poll_lease_until = ${first.leaseUntil.toISOString()}::timestamptz`)
  }

  /** Backlog of the job: instances overdue by 10 minutes, and instances without a complete poll for `lagMs`. */
  async backlog(lagMs: number): Promise<{ overdue: number; lagging: number }> {
    const now = this.#now()
    const { rows } = await this.#db.read.execute<{ overdue: number; lagging: number }>(sql`
      select count(*) filter (where i.next_poll_at < ${later(now, -10 * 60 * 1000)})::integer as overdue,
        count(*) filter (where coalesce(i.last_polled_at, i.created_at) < ${later(now, -lagMs)})::integer as lagging
      from instances i
      where (i.next_poll_at < ${later(now, -10 * 60 * 1000)}
          or coalesce(i.last_polled_at, i.created_at) < ${later(now, -lagMs)})
        and ${isPolled}`)
    return rows[0] ?? { overdue: 0, lagging: 0 }
  }
}

/** If n8n started a new epoch meanwhile, the next poll starts from the top. */
function advance({ polledThroughMs, cursor, isComplete }: PollProgress, epoch: number, now: Date) {
  const through = isoOf(polledThroughMs)
  return sql`
    poll_cursor = case when epoch = ${epoch}::integer
      then ${cursor === null ? null : JSON.stringify(cursor)}::jsonb else poll_cursor end,
    polled_through = case when epoch = ${epoch}::integer
      then greatest(polled_through, ${through}::timestamptz) else polled_through end,
    last_polled_at = case when ${isComplete}::boolean then ${now.toISOString()}::timestamptz else last_polled_at end`
}

const later = (from: Date, byMs: number) => sql`${new Date(from.getTime() + byMs).toISOString()}::timestamptz`

const toClaim = (row: Row, leaseUntil: Date): Claim => ({
  id: row.id,
  userId: row.user_id,
  leaseUntil,
  version: row.version,
  polledThroughMs: row.polled_through_ms,
  lastPolledAtMs: row.last_polled_at_ms,
  cursor: row.poll_cursor,
  failures: row.poll_failures,
  epoch: row.epoch,
  tracked: row.tracked ?? [],
})
