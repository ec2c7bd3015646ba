/**
 * @module The state of a release in the database. Workers claim one target at a time by a lease, so that several of them
 * and the next process after a crash share the work. Every change locks the release first.
 */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import type { DeploymentIntent, DeploymentStatus } from '../db/schema/deployments.ts'
import type {
  ReleasedWorkflow,
  ReleasePhase,
  ReleaseStatus,
  TargetBefore,
  TargetPlan,
} from '../db/schema/releases.ts'
import { decisiveStatuses, failedList, statusList } from '../runs/meaning.ts'
import { happenedAtOfE } from '../runs/order.ts'

const leaseMs = 60_000

/** A release with how many of its targets are in which state. */
export interface Look extends Record<string, unknown> {
  id: string
  userId: string
  status: ReleaseStatus
  phase: ReleasePhase
  autoStart: boolean
  workflows: ReleasedWorkflow[]
  observeSeconds: number
  observeMinRuns: number
  maxFailureRate: number
  maxFailedTargets: number
  concurrency: number
  canary: number
  tokenId: string | null
  tokenName: string | null
  scopes: string[] | null
  /** Null: not observed yet. */
  observedMs: number | null
  total: number
  unplanned: number
  blocked: number
  openCanary: number
  open: number
  deployedCanary: number
  failedCanary: number
  rollingBack: number
  rollbackFailed: number
}

/** The deployment of a target as it is now. */
export interface CurrentDeployment {
  id: string
  version: number
  status: DeploymentStatus
  intent: DeploymentIntent | null
  /** Deactivated on purpose. */
  unpublished: boolean
  n8nWorkflowId: string | null
  deployedHash: string | null
}

export interface ClaimedTarget extends Record<string, unknown> {
  owner: string
  releaseId: string
  userId: string
  position: number
  workflowId: string
  instanceId: string
  version: number
  plan: TargetPlan | null
  before: TargetBefore | null
  deploymentId: string | null
  attempts: number
  current: CurrentDeployment | null
  /** Whether the release has finished its deployment. */
  hasAfter: boolean
  /** Whether someone changed the deployment after the release. */
  isChanged: boolean
}

export type TargetEnd = 'deployed' | 'rolled-back' | 'rollback-failed' | 'kept'

/** What the release leaves behind in a deployment `d`. */
const stateOf = sql`jsonb_build_object('version', d.version, 'status', d.status, 'n8nWorkflowId', d.n8n_workflow_id,
  'deployedHash', d.deployed_hash, 'bindings', d.bindings)`

const isFree = (now: string) => sql`(n.lease_until is null or n.lease_until <= ${now}::timestamptz)`

/** Working statuses → which targets `n` of a release `r` are next. */
const todo = {
  planning: sql`n.plan_hash is null`,
  running: sql`n.status in ('pending', 'deploying') and (r.phase = 'rest' or n.is_canary) and not exists (
    select 1 from release_targets e where e.release_id = n.release_id and e.instance_id = n.instance_id
      and e.position < n.position and e.status in ('pending', 'deploying'))`,
  // Callers before the workflows that they call.
  'rolling-back': sql`n.status = 'rolling-back' and not exists (
    select 1 from release_targets e where e.release_id = n.release_id and e.instance_id = n.instance_id
      and e.position > n.position and e.status = 'rolling-back')`,
} satisfies Partial<Record<ReleaseStatus, SQL>>
export type WorkingStatus = keyof typeof todo

export const isWorking = (status: ReleaseStatus): status is WorkingStatus => status in todo

export class ReleaseProgress {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  async look(userId: string, id: string): Promise<Look | null> {
    const { rows } = await this.#db.read.execute<Look>(sql`
      select r.id, r.user_id as "userId", r.status, r.phase, r.auto_start as "autoStart", r.workflows,
        r.observe_seconds as "observeSeconds", r.observe_min_runs as "observeMinRuns",
        r.max_failure_rate as "maxFailureRate", r.max_failed_targets as "maxFailedTargets", r.concurrency, r.canary,
        r.token_id as "tokenId", r.token_name as "tokenName", to_jsonb(r.scopes) as scopes,
        (extract(epoch from r.observed_from) * 1000)::float8 as "observedMs", c.*
      from releases r, lateral (
        select count(*)::integer as total, count(*) filter (where t.plan_hash is null)::integer as unplanned,
          count(*) filter (where t.plan @> '{"problems":[{"blocks":true}]}')::integer as blocked,
          count(*) filter (where t.is_canary and t.status in ('pending', 'deploying'))::integer as "openCanary",
          count(*) filter (where t.status in ('pending', 'deploying'))::integer as open,
          count(*) filter (where t.is_canary and t.status = 'deployed')::integer as "deployedCanary",
          count(*) filter (where t.is_canary and t.status = 'failed')::integer as "failedCanary",
          count(*) filter (where t.status = 'rolling-back')::integer as "rollingBack",
          count(*) filter (where t.status = 'rollback-failed')::integer as "rollbackFailed"
        from release_targets t where t.user_id = r.user_id and t.release_id = r.id
      ) c
      where r.user_id = ${userId} and r.id = ${id}`)
    return rows[0] ?? null
  }

  /** At most one release of each user, the one that has waited longest first. @param except IDs to leave out */
  async due(limit: number, except: readonly string[]): Promise<{ userId: string; id: string }[]> {
    const { rows } = await this.#db.read.execute<{ userId: string; id: string }>(sql`
      select user_id as "userId", id from (
        select distinct on (r.user_id) r.user_id, r.id, r.worked_at from releases r
        where r.status in ('planning', 'running', 'rolling-back') and r.id <> all(${sql.param(except)}::uuid[])
          and not exists (select 1 from user_routes u where u.user_id = r.user_id)
        order by r.user_id, r.worked_at nulls first, r.id
      ) waiting order by worked_at nulls first, id limit ${limit}::integer`)
    return rows
  }

  /** Notes that a worker has looked at the release, so that the job takes others first. */
  async touch(userId: string, id: string): Promise<void> {
    const now = this.#now().toISOString()
    await this.#db.execute(
      sql`update releases set worked_at = ${now}::timestamptz where user_id = ${userId} and id = ${id}`,
    )
  }

  /** The next target, for one worker. Null when there is none now, or enough workers are busy. */
  async claim({ userId, id }: Look, status: WorkingStatus): Promise<ClaimedTarget | null> {
    const owner = uuidv7()
    const at = this.#now()
    const now = at.toISOString()
    const until = new Date(at.getTime() + leaseMs).toISOString()
    // The lock comes first: the next statement then counts the workers that are busy by then.
    const [, { rows }] = await this.#db.batch([
      this.#db.execute(sql`update releases set worked_at = ${now}::timestamptz
        where user_id = ${userId} and id = ${id} and status = ${status}`),
      this.#db.execute<ClaimedTarget>(sql`
        update release_targets t set lease_owner = ${owner}, lease_until = ${until}::timestamptz, attempts = t.attempts + 1,
          status = case when ${status} = 'running' then 'deploying' else t.status end
        from releases r
        where r.user_id = ${userId} and r.id = ${id} and r.status = ${status} and t.release_id = r.id and t.position = (
          select n.position from release_targets n
          where n.release_id = r.id and ${isFree(now)} and ${todo[status]} order by n.position limit 1)
          and (select count(*) from release_targets b where b.release_id = r.id and b.lease_owner is not null
            and b.lease_until > ${now}::timestamptz) < r.concurrency
        returning ${owner} as owner, t.release_id as "releaseId", t.user_id as "userId", t.position,
          t.workflow_id as "workflowId", t.instance_id as "instanceId", t.version, t.plan, t.before,
          t.deployment_id as "deploymentId", t.attempts,
          (select jsonb_build_object('id', d.id, 'version', d.version, 'status', d.status, 'intent', d.intent,
              'unpublished', d.status = 'inactive' and d.error is null, 'n8nWorkflowId', d.n8n_workflow_id,
              'deployedHash', d.deployed_hash)
            from deployments d where d.user_id = t.user_id and d.workflow_id = t.workflow_id
              and d.instance_id = t.instance_id and d.status <> 'undeployed'
            order by d.status = 'tracking', d.id desc limit 1) as current,
          t.after is not null as "hasAfter",
          (t.after is not null and t.after is distinct from (
            select ${stateOf} from deployments d where d.user_id = t.user_id and d.id = t.deployment_id)) as "isChanged"`),
    ])
    return rows[0] ?? null
  }

  /** Every method below does nothing when another worker has taken the target. */
  async savePlan(target: ClaimedTarget, plan: TargetPlan, planHash: string): Promise<void> {
    const status = plan.action === 'none' ? 'unchanged' : 'pending'
    await this.#release(
      target,
      sql`plan = ${JSON.stringify(plan)}::jsonb, plan_hash = ${planHash}, status = ${status}, attempts = 0`,
    )
  }

  /** Before the deployment changes. @returns false when another worker has the target */
  async saveBefore(target: ClaimedTarget, before: TargetBefore): Promise<boolean> {
    return this.#update(target, sql`before = ${JSON.stringify(before)}::jsonb`)
  }

  /** Before the rollback changes anything, so that its own changes do not count as someone else's. */
  async beginRollback(target: ClaimedTarget): Promise<boolean> {
    return this.#update(target, sql`after = null`)
  }

  async end(
    target: ClaimedTarget,
    status: TargetEnd,
    { deploymentId, error = null }: { deploymentId: string | null; error?: string | null },
  ): Promise<void> {
    const isDeployed = status === 'deployed'
    const from = isDeployed ? 'deploying' : 'rolling-back'
    await this.#release(
      target,
      sql`status = case when status = ${from} then ${status} else status end, error = ${error},
        deployment_id = ${deploymentId}::uuid, finished_at = ${this.#now().toISOString()}::timestamptz,
        after = ${
          isDeployed
            ? sql`(select ${stateOf} from deployments d where d.user_id = release_targets.user_id
                and d.id = ${deploymentId}::uuid)`
            : sql`after`
        }`,
    )
  }

  /** Fails the target and those that follow on the same instance. Halts the release when too many have failed. */
  async fail(target: ClaimedTarget, deploymentId: string | null, error: string): Promise<void> {
    const { userId, releaseId, position, instanceId, owner } = target
    const now = this.#now().toISOString()
    const ofRelease = sql`user_id = ${userId} and release_id = ${releaseId}`
    await this.#db.batch([
      this.#db.execute(
        sql`update releases set worked_at = ${now}::timestamptz where user_id = ${userId} and id = ${releaseId}`,
      ),
      this.#db.execute(sql`
        with failed as (
          update release_targets set status = 'failed', error = ${error}, finished_at = ${now}::timestamptz,
            deployment_id = coalesce(${deploymentId}::uuid, deployment_id), lease_owner = null, lease_until = null
          where ${ofRelease} and position = ${position} and lease_owner = ${owner} and status = 'deploying'
          returning instance_id, position
        )
        update release_targets set status = 'failed', finished_at = ${now}::timestamptz,
          error = 'Not deployed: a workflow that comes first on this instance failed. Fix it, then resume the release'
        where ${ofRelease} and instance_id = ${instanceId} and status = 'pending'
          and position > (select position from failed)`),
      this.#db.execute(
        halting(
          userId,
          releaseId,
          sql`status = 'running' and (select count(*) from release_targets where ${ofRelease} and status = 'failed')
            > max_failed_targets`,
          sql`(select count(*) from release_targets where ${ofRelease} and status = 'failed')
            || ' of ' || (select count(*) from release_targets where ${ofRelease})
            || ' targets failed. Fix their errors and resume the release, or roll it back'`,
          now,
        ),
      ),
      // A rollback that began meanwhile owns the status.
      this.#db.execute(sql`update release_targets set lease_owner = null, lease_until = null,
          deployment_id = coalesce(${deploymentId}::uuid, deployment_id)
        where ${ofRelease} and position = ${position} and lease_owner = ${owner}`),
    ])
  }

  /** Lets a worker try again later. */
  async reschedule(target: ClaimedTarget, waitMs: number, note: string | null): Promise<void> {
    const until = new Date(this.#now().getTime() + waitMs).toISOString()
    await this.#db.execute(sql`update release_targets set lease_owner = null, lease_until = ${until}::timestamptz,
      error = ${note} where ${own(target)}`)
  }

  /** Finished and failed production runs of the deployed targets since the observation began. */
  async runs(userId: string, id: string): Promise<{ finished: number; failed: number }> {
    const { rows } = await this.#db.read.execute<{ finished: number; failed: number }>(countRuns(userId, id))
    return rows[0] ?? { finished: 0, failed: 0 }
  }

  async planHashes(userId: string, id: string): Promise<string[]> {
    const { rows } = await this.#db.read.execute<{ hash: string | null }>(sql`select plan_hash as hash
      from release_targets where user_id = ${userId} and release_id = ${id} order by position`)
    return rows.map(({ hash }) => String(hash))
  }

  /** Moves on, unless the release has moved on already. @param end frees the targets for other releases */
  async advance(
    { userId, id, status, phase }: Look,
    change: SQL,
    { action, end = false }: { action?: string; end?: boolean } = {},
  ): Promise<boolean> {
    const { rows } = await this.#db.execute(sql`
      with advanced as (
        update releases set ${change}
        where user_id = ${userId} and id = ${id} and status = ${status} and phase = ${phase} returning id, user_id
      )${end ? sql`, freed as (${freed(userId, 'advanced')})` : sql``}
      ${action === undefined ? sql`select id from advanced` : auditOf(action, 'advanced')}`)
    return rows.length > 0
  }

  async halt({ userId, id, status, phase }: Look, reason: string): Promise<boolean> {
    const now = this.#now().toISOString()
    const { rows } = await this.#db.execute(
      halting(userId, id, sql`status = ${status} and phase = ${phase}`, sql`${reason}::text`, now),
    )
    return rows.length > 0
  }

  async #update(target: ClaimedTarget, change: SQL): Promise<boolean> {
    const { rows } = await this.#db.execute(
      sql`update release_targets set ${change} where ${own(target)} returning position`,
    )
    return rows.length > 0
  }

  async #release(target: ClaimedTarget, change: SQL): Promise<void> {
    await this.#db.execute(
      sql`update release_targets set ${change}, lease_owner = null, lease_until = null where ${own(target)}`,
    )
  }
}

const own = ({ userId, releaseId, position, owner }: ClaimedTarget) => sql`user_id = ${userId}
  and release_id = ${releaseId} and position = ${position} and lease_owner = ${owner}`

/** Lets other releases have the targets of the release that the CTE `of` returns. */
export const freed = (userId: string, of: string): SQL => sql`update release_targets set active = false
  where user_id = ${userId} and active and release_id in (select id from ${sql.raw(of)}) returning position`

/** Halts the release, with an audit event. */
const halting = (userId: string, id: string, condition: SQL, reason: SQL, now: string): SQL => sql`
  with halted as (
    update releases set status = 'halted', reason = ${reason}, finished_at = ${now}::timestamptz
    where user_id = ${userId} and id = ${id} and ${condition} returning id, user_id, reason
  ), freed as (${freed(userId, 'halted')})
  ${auditOf('release.halted', 'halted', sql`jsonb_build_object('reason', reason)`)}`

/** An audit event about the release that the CTE `of` returns. */
export const auditOf = (action: string, of: string, details = sql`null::jsonb`): SQL => sql`
  insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
  select ${uuidv7()}, user_id, ${action}, id, ${details}, ${actorValues()} from ${sql.raw(of)} returning subject_id`

/** A row with `finished` and `failed`. */
export const countRuns = (userId: string, id: string): SQL => sql`
  select count(*)::integer as finished, count(*) filter (where e.status in ${failedList})::integer as failed
  from releases r
  join release_targets t on t.user_id = r.user_id and t.release_id = r.id and t.status = 'deployed'
  join executions e on e.user_id = t.user_id and e.workflow_id = t.workflow_id and e.deployment_id = t.deployment_id
    and e.recorded_at >= r.observed_from and e.kind = 'production' and e.status in ${statusList(decisiveStatuses)}
    and ${happenedAtOfE} >= greatest(t.finished_at, r.observed_from)
  where r.user_id = ${userId} and r.id = ${id}`

/** Whether the failure is that another release works on a target. */
export const isInUse = (error: unknown): boolean =>
  databaseError(error).constraint === 'release_targets_active_key'

/** Sets the columns of a release that starts. */
export const startOf = (canary: number, now: Date): SQL => {
  const at = now.toISOString()
  return sql`status = 'running', reason = null, started_at = ${at}::timestamptz,
    phase = ${canary === 0 ? 'rest' : 'canary'}, observed_from = ${canary === 0 ? at : null}::timestamptz`
}
