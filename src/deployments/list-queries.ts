/** @module The list of deployments, sorted by state and failure rate, worst first. */
import { happenedAtOfE } from '../runs/order.ts'
import { toStorable } from '../lib/storable-text.ts'
import { likePattern } from '../db/search.ts'
import { type SQL, sql } from 'drizzle-orm'
import * as uuid from 'uuid'
import {
  type DeploymentListState,
  deploymentListStates,
  deploymentState,
  recentSums,
} from '../runs/deployment-state.ts'
import { type CutList, cutList } from '../lib/cut-list.ts'
import type { Reader } from '../db/client.ts'
import { type DeploymentStatus, deploymentStatuses } from '../db/schema/deployments.ts'
import { failedList } from '../runs/meaning.ts'
import { isoOf, last24Hours } from '../lib/time.ts'

export interface DeploymentListFilter {
  state?: DeploymentListState | undefined
  workflowId?: string | undefined
  instanceId?: string | undefined
  /** Part of the workflow's name. */
  q?: string | undefined
}

export type DeploymentListRow = {
  id: string
  state: DeploymentListState
  status: DeploymentStatus
  workflowId: string
  workflowName: string
  /** The workflow's current version. */
  newestVersion: number
  triggerType: string | null
  instanceId: string
  instanceName: string
  version: number
  /** ISO; when the version went live, else when the deployment last changed. */
  since: string
  /** ISO; when the drift was first detected. */
  driftedSince: string | null
  step: string | null
  error: string | null
  /** Runs of this version in the last 24 h that ended in success, and in error or a crash. */
  succeeded: number
  failed: number
  /** The newest run that failed within 24 h. */
  runError: string | null
  runNode: string | null
  runId: string | null
}

export interface DeploymentList {
  rows: DeploymentListRow[]
  /** The next value of `after`; null on the last page. */
  nextCursor: string | null
}

const pageRows = 50

const rankOf = sql`array_position(array[${sql.join(
  deploymentListStates.map((state) => sql`${state}`),
  sql`, `,
)}]::text[], state)`

/**
 * IDs of all deployments that can be on the first page without a filter: the newest of each status, the newest that drifted,
 * and those with failed runs. Any other is after 51 of these.
 */
const ofFirstPage = (userId: string): SQL => {
  const newest = sql`order by id desc limit ${pageRows + 1}`
  return sql`
    select newest.id from unnest(${`{${deploymentStatuses.join(',')}}`}::text[]) each (status)
    cross join lateral (select id from deployments where user_id = ${userId} and status = each.status ${newest}) newest
    union all (select id from deployments where user_id = ${userId} and drifted_since is not null
      and status in ('active', 'inactive', 'tracking') ${newest})
    union all select deployment_id from sums where failed > 0`
}

/** CTE `listed`: the user's deployments, or those in `ids`, with their state and their runs in the last 24 hours. */
function listed(
  userId: string,
  now: Date,
  { workflowId, instanceId, q }: DeploymentListFilter,
  ids?: SQL,
): SQL {
  return sql`
    ${recentSums(userId, { workflowId, instanceId }, now)},
    listed as (
      select d.id, d.status, ${deploymentState} as state, d.workflow_id, d.instance_id, d.version, d.step, d.error,
        coalesce(d.live_since, d.updated_at) as since, d.drifted_since,
        coalesce(s.succeeded, 0) as succeeded, coalesce(s.failed, 0) as failed
      from (
        select * from deployments
        where user_id = ${userId} ${ids === undefined ? sql`` : sql`and id = any(array(${ids}))`}
      ) d
      -- A left join, but never a nested loop, which would compare every deployment with every sum.
      full join sums s on s.deployment_id = d.id and s.workflow_version = d.version
      where coalesce(d.id, ${uuid.NIL}::uuid) <> ${uuid.NIL}::uuid
        ${workflowId === undefined ? sql`` : sql`and d.workflow_id = ${workflowId}`}
        ${instanceId === undefined ? sql`` : sql`and d.instance_id = ${instanceId}`}
        ${
          q === undefined
            ? sql``
            : sql`and exists (select 1 from workflows w where w.user_id = ${userId} and w.id = d.workflow_id
                and w.name ilike ${likePattern(toStorable(q))})`
        }
    )`
}

/** @param after the `nextCursor` of an earlier page; any other value returns the first page */
export async function readDeploymentList(
  db: Reader,
  userId: string,
  now: Date,
  filter: DeploymentListFilter,
  after: string | null,
): Promise<DeploymentList> {
  const cursor = readDeploymentCursor(after)
  const place = cursor && sql`(${cursor.rank}::integer, ${-cursor.trouble}::integer)`
  const from = last24Hours(now).from.toISOString()
  const isComplete = Object.values(filter).every((value) => value === undefined)
  const ids = isComplete && !cursor ? ofFirstPage(userId) : undefined
  const { rows } = await db.execute<
    Omit<DeploymentListRow, 'since' | 'driftedSince'> & {
      rank: number
      trouble: number
      since: number
      driftedSince: number | null
    }
  >(sql`
    with ${listed(userId, now, filter, ids)},
    ranked as (
      select *, ${rankOf} as rank, failed * 1000 / greatest(succeeded + failed, 1) as trouble from listed
      ${filter.state === undefined ? sql`` : sql`where state = ${filter.state}`}
    ),
    page as (
      select * from ranked
      ${
        cursor
          ? sql`where (rank, -trouble) > ${place} or ((rank, -trouble) = ${place} and id < ${cursor.id}::uuid)`
          : sql``
      }
      order by rank, trouble desc, id desc limit ${pageRows + 1}
    )
    select p.id, p.state, p.status, p.rank, p.trouble, p.workflow_id as "workflowId",
      w.name as "workflowName", w.version as "newestVersion", w.trigger_types[1] as "triggerType",
      p.instance_id as "instanceId", i.name as "instanceName", p.version, ${msOf(sql`p.since`)} as since,
      ${msOf(sql`p.drifted_since`)} as "driftedSince",
      p.step, p.error, p.succeeded, p.failed,
      e.error_message as "runError", e.error_node as "runNode", e.id as "runId"
    from page p
    join workflows w on w.user_id = ${userId} and w.id = p.workflow_id
    join instances i on i.user_id = ${userId} and i.id = p.instance_id
    left join lateral (
      select e.id, e.error_message, e.error_node from executions e
      where e.workflow_id = p.workflow_id and e.user_id = ${userId} and e.deployment_id = p.id
        and e.status in ${failedList}
        and ${happenedAtOfE} >= ${from}::timestamptz
      order by ${happenedAtOfE} desc, e.id desc limit 1
    ) e on p.failed > 0
    order by p.rank, p.trouble desc, p.id desc`)
  const shown = rows.slice(0, pageRows)
  const last = shown.at(-1)
  return {
    rows: shown.map((row) =>
      Object.assign({}, row, { since: isoOf(row.since) ?? '', driftedSince: isoOf(row.driftedSince) }),
    ),
    nextCursor: rows.length > pageRows && last ? `${last.rank}.${last.trouble}.${last.id}` : null,
  }
}

/** The number of deployments in each state. Ignores the state filter. */
export async function countDeploymentStates(
  db: Reader,
  userId: string,
  now: Date,
  filter: DeploymentListFilter,
): Promise<Map<DeploymentListState, number>> {
  const { rows } = await db.execute<{ state: DeploymentListState; count: number }>(sql`
    with ${listed(userId, now, filter)}
    select state, count(*)::integer as count from listed group by state`)
  return new Map(rows.map(({ state, count }) => [state, count]))
}

/** Milliseconds since the epoch, because Postgres formats times its own way. */
export const msOf = (time: SQL): SQL => sql`extract(epoch from ${time})::float8 * 1000`
export function readDeploymentCursor(
  text: string | null,
): { rank: number; trouble: number; id: string } | null {
  const [, rank, trouble, id = ''] = /^([1-9])\.(\d{1,4})\.([0-9a-f-]{36})$/.exec(text ?? '') ?? []
  return uuid.validate(id) ? { rank: Number(rank), trouble: Number(trouble), id } : null
}

export type Named = {
  id: string
  name: string
  /** The current version. */
  version: number
}

/** How many options a select offers. */
const choiceLimit = 500

/** The user's workflows and instances for selects: the chosen ones, then by name. */
export async function readOptions(
  db: Reader,
  userId: string,
  chosen: { workflowId?: string | null | undefined; instanceId?: string | null | undefined },
): Promise<{ workflows: CutList<Named>; instances: CutList<Named> }> {
  const chosenFirst = (id: string | null | undefined) => sql`(id = ${id ?? uuid.NIL}::uuid) desc`
  const [workflows, instances] = await db.batch([
    db.execute<Named>(sql`select id, name, version from workflows where user_id = ${userId}
      order by ${chosenFirst(chosen.workflowId)}, lower(name), id limit ${choiceLimit + 1}`),
    db.execute<Named>(sql`select id, name, version from instances where user_id = ${userId}
      order by ${chosenFirst(chosen.instanceId)}, lower(name), id limit ${choiceLimit + 1}`),
  ])
  return {
    workflows: cutList(workflows.rows, choiceLimit),
    instances: cutList(instances.rows, choiceLimit),
  }
}
