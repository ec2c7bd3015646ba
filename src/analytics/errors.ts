/** @module Error groups: failed runs, and failures without a run, by the fingerprint of their error. */
import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import { executions, incidents } from '../db/schema/executions.ts'
import { toIncident } from '../executions/reports/incidents.ts'
import { invalid } from '../errors.ts'
import { summaryColumns, toSummary } from '../executions/repository.ts'
import { nameHolds, textHolds, toSearchText } from '../db/search.ts'
import { countedKinds, failedList, hasErrorList } from '../runs/meaning.ts'
import { happenedAtOfE, newestFirst } from '../runs/order.ts'
import { dayMs, hourMs, isoOf } from '../lib/time.ts'
import {
  type ErrorGroup,
  type ErrorGroupDetail,
  type ErrorGroups,
  type ErrorState,
  type ErrorStateFilter,
  type errorSorts,
  maxBuckets,
} from './contract.ts'
import {
  type BoundedRange,
  type Interval,
  intervalStarts,
  partsOf,
  periodOf,
  rangeBefore,
} from '../runs/period.ts'
import { currentState, isInState } from './error-states.ts'
import { incidentFailures } from './incident-sources.ts'
import { type Filter, failuresIn } from '../runs/sources.ts'

type Sort = (typeof errorSorts)[number]

const newestExecutions = 20
/** Weeks begin on Monday. */
const aMonday = '2000-01-03Z'
const maximumDetails = 100
const maximumNamed = 3

interface GroupRow extends Record<string, unknown> {
  of_all: number
  fingerprint: string
  state: ErrorState
  changed_ms: number | null
  fixed_workflow_id: string | null
  fixed_version: number | null
  latest_message: string | null
  top_workflows: { workflowId: string; name: string | null }[] | null
  runs: number
  incidents: number
  previous_runs: number
  previous_incidents: number
  workflows: number
  versions: number
  node: string | null
  error_class: string | null
  http_status: number | null
  message: string
  first_ms: number | null
  last_ms: number | null
  series: [startMs: number, runs: number][] | null
}

interface GroupDetailRow extends GroupRow {
  /** Most runs first. */
  by_version:
    | {
        workflow_id: string
        workflow_version: number
        name: string | null
        current_version: number | null
        runs: number
        incidents: number
      }[]
    | null
}

export async function errorGroups(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  { limit, sort, state, q }: { limit: number; sort: Sort; state: ErrorStateFilter; q?: string | undefined },
): Promise<ErrorGroups> {
  const seriesInterval = intervalFor(range)
  const { rows } = await db.execute<GroupRow>(
    groupsOf(userId, filter, range, seriesInterval, { limit, sort, state, q }),
  )
  return {
    period: periodOf(range),
    total: rows[0]?.of_all ?? 0,
    seriesInterval,
    items: rows.map((row) => toGroup(row, range, seriesInterval)),
  }
}

/** Null when the user has no such group. A group without failures in the period has zeros. */
export async function errorGroup(
  db: Reader,
  userId: string,
  fingerprint: string,
  filter: Filter,
  range: BoundedRange,
  now: Date,
): Promise<ErrorGroupDetail | null> {
  const seriesInterval = intervalFor(range)
  const [{ rows }, newest, newestIncidents] = await db.batch([
    db.execute<GroupDetailRow>(
      groupsOf(userId, filter, range, seriesInterval, { limit: 1, sort: 'runs', state: 'all', fingerprint }),
    ),
    db
      .select(summaryColumns(now))
      .from(executions)
      .where(
        and(
          eq(executions.userId, userId),
          eq(executions.errorFingerprint, fingerprint),
          sql`${executions.status} in ${failedList}`,
          inArray(executions.kind, countedKinds(filter.include)),
        ),
      )
      .orderBy(...newestFirst)
      .limit(newestExecutions),
    db
      .select()
      .from(incidents)
      .where(and(eq(incidents.userId, userId), eq(incidents.fingerprint, fingerprint)))
      .orderBy(desc(incidents.occurredAt), desc(incidents.id))
      .limit(newestExecutions),
  ])
  const [row] = rows
  if (!row) return null
  const versions = row.by_version ?? []
  const byWorkflow = new Map<string, ErrorGroupDetail['byWorkflow'][number]>()
  for (const {
    workflow_id: workflowId,
    name,
    current_version: currentVersion,
    runs,
    incidents,
  } of versions) {
    const before = byWorkflow.get(workflowId) ?? { runs: 0, incidents: 0 }
    const sums = { runs: before.runs + runs, incidents: before.incidents + incidents }
    byWorkflow.set(workflowId, { workflowId, name, currentVersion, ...sums })
  }
  return {
    period: periodOf(range),
    seriesInterval,
    ...toGroup(row, range, seriesInterval),
    byWorkflow: [...byWorkflow.values()]
      .toSorted((a, b) => b.runs + b.incidents - a.runs - a.incidents)
      .slice(0, maximumDetails),
    byVersion: versions
      .slice(0, maximumDetails)
      .map(({ workflow_id, workflow_version, name, runs, incidents }) => ({
        workflowId: workflow_id,
        name,
        version: workflow_version,
        runs,
        incidents,
      })),
    newestIncidents: newestIncidents.map(toIncident),
    executions: newest.map(toSummary),
  }
}

/** Groups with failures in the period, or the requested group. */
function groupsOf(
  userId: string,
  filter: Filter,
  range: BoundedRange,
  seriesInterval: Interval,
  {
    limit,
    sort,
    state,
    fingerprint,
    q = '',
  }: { limit: number; sort: Sort; state: ErrorStateFilter; fingerprint?: string; q?: string | undefined },
): SQL {
  const ofGroup = fingerprint === undefined ? sql`` : sql`where fingerprint = ${fingerprint}`
  const grains = seriesInterval === 'hour' ? (['hour'] as const) : undefined
  const before = rangeBefore(range)
  const failures = failuresIn(userId, filter, partsOf(range, grains), { earlier: partsOf(before) })
  // First and last occurrences are read for all groups only when the order depends on them.
  const withSeen = (groups: SQL) => sql`
    select g.*, least(oldest.at, without_run.first_at) as first_at, greatest(newest.at, without_run.last_at) as last_at,
      newest.message as latest_message
    from ${groups} g
    left join lateral (${seen(userId, 'asc')}) oldest on true
    left join lateral (${seen(userId, 'desc')}) newest on true
    cross join lateral (
      select min(occurred_at) as first_at, max(occurred_at) as last_at
      from incidents where user_id = ${userId} and fingerprint = g.fingerprint
    ) without_run`
  const orders = {
    runs: sql`runs + incidents desc, fingerprint`,
    lastSeen: sql`last_at desc nulls last, fingerprint`,
    newest: sql`first_at desc nulls last, fingerprint`,
  } satisfies Record<Sort, SQL>
  const first = sql`order by ${orders[sort]} limit ${limit}`
  return sql`
    with sums as materialized (
      select span, fingerprint, workflow_id, workflow_version, start, grouping(start) = 1 as is_version, sum(runs) as runs,
        sum(incidents) as incidents
      from (
        select span, fingerprint, workflow_id, workflow_version, runs, incidents,
          case span when 0 then date_bin(${`1 ${seriesInterval}`}::interval, at, ${aMonday}::timestamptz) end as start
        from (
          select *, 0 as incidents from (${failures}) f
          union all ${incidentFailures(userId, filter, range, before)}
        ) f ${ofGroup}
      ) failures
      group by grouping sets ((span, fingerprint, workflow_id, workflow_version), (span, fingerprint, start))
      having sum(runs) > 0 or sum(incidents) > 0
    ),
    earlier as materialized (
      select fingerprint, sum(runs) as previous_runs, sum(incidents) as previous_incidents from sums where span = 1 and is_version group by fingerprint
    ),
    by_version as (select * from sums where span = 0 and is_version),
    grouped as (
      select fingerprint, sum(runs) as runs, sum(incidents) as incidents, count(distinct workflow_id) as workflows, count(*) as versions
      from by_version group by fingerprint
    ),
    wanted as (
      ${
        fingerprint === undefined
          ? sql`select * from grouped`
          : sql`select requested.fingerprint, coalesce(runs, 0) as runs, coalesce(incidents, 0) as incidents,
              coalesce(workflows, 0) as workflows,
              coalesce(versions, 0) as versions
            from (select ${fingerprint}::text as fingerprint) requested left join grouped using (fingerprint)`
      }
    ),
    candidates as materialized (
      select * from (
        select wanted.*, ${currentState} as state, s.changed_at, s.fixed_workflow_id, s.fixed_version
        from wanted
        left join error_group_states s on s.user_id = ${userId} and s.fingerprint = wanted.fingerprint
      ) classified
      where ${isInState(state)} and ${q === '' ? sql`true` : mentions(userId, q)}
    ),
    top_groups as (
      ${
        sort === 'runs'
          ? withSeen(sql`(select *, count(*) over () as of_all from candidates ${first})`)
          : sql`select *, count(*) over () as of_all from (${withSeen(sql`candidates`)}) seen ${first}`
      }
    ),
    -- "is true" prevents a nested loop join, which would compare every row with every group.
    series as materialized (
      select fingerprint, json_agg(json_build_array(date_part('epoch', start) * 1000, runs + incidents)) as series
      from sums
      where span = 0 and not is_version and (fingerprint in (select fingerprint from top_groups)) is true
      group by fingerprint
    ),
    top_workflows as materialized (
      select fingerprint, json_agg(json_build_object('workflowId', workflow_id, 'name', name) order by place) as top_workflows
      from (
        select v.fingerprint, v.workflow_id, w.name, row_number() over (
          partition by v.fingerprint order by sum(v.runs + v.incidents) desc, v.workflow_id) as place
        from by_version v left join workflows w on w.user_id = ${userId} and w.id = v.workflow_id
        where (v.fingerprint in (select fingerprint from top_groups)) is true
        group by v.fingerprint, v.workflow_id, w.name
      ) ranked
      where place <= ${maximumNamed} group by fingerprint
    )
    select p.of_all::float8, p.fingerprint, p.runs::float8, p.incidents::float8,
      coalesce(e.previous_runs, 0)::float8 as previous_runs,
      coalesce(e.previous_incidents, 0)::float8 as previous_incidents,
      p.workflows::float8, p.versions::float8, g.node, g.error_class, g.http_status, g.message,
      extract(epoch from p.first_at)::float8 * 1000 as first_ms,
      extract(epoch from p.last_at)::float8 * 1000 as last_ms, s.series, p.state,
      extract(epoch from p.changed_at)::float8 * 1000 as changed_ms, p.fixed_workflow_id, p.fixed_version,
      coalesce(p.latest_message, g.latest_message) as latest_message, t.top_workflows
      ${
        fingerprint === undefined
          ? sql``
          : sql`, (
              select json_agg(json_build_object('workflow_id', workflow_id, 'workflow_version', workflow_version,
                'name', w.name, 'current_version', w.version, 'runs', runs, 'incidents', incidents) order by runs + incidents desc, workflow_id, workflow_version desc)
              from by_version v left join workflows w on w.user_id = ${userId} and w.id = v.workflow_id
            ) as by_version`
      }
    from top_groups p
    join lateral (
      select node, error_class, http_status, message, latest_message from (
        (select node, error_class, http_status, message, null as latest_message, 0 as rank from error_groups
        where user_id = ${userId} and fingerprint = p.fingerprint
          and recorded_month >= (select month from execution_horizon)
        order by recorded_month limit 1)
        union all
        (select node, error_class, http_status, message_pattern, message, 1 from incidents
        where user_id = ${userId} and fingerprint = p.fingerprint order by occurred_at desc limit 1)
      ) known
      order by rank limit 1
    ) g on true
    left join earlier e using (fingerprint)
    left join series s using (fingerprint)
    left join top_workflows t using (fingerprint)
    order by ${orders[sort]}`
}

/** Groups with this text in a message or in the name of the node, or with this HTTP status. */
function mentions(userId: string, q: string): SQL {
  const text = toSearchText(q)
  // Without a letter or digit, `nameHolds` matches everything.
  if (!/[\p{L}\p{N}]/u.test(text)) return sql`false`
  return sql`fingerprint = any(array(
    select fingerprint from error_groups where user_id = ${userId}
      and ${textHolds(text, sql`coalesce(http_status::text || ' ', '') || message`)}
    union all select fingerprint from error_groups where user_id = ${userId} and ${nameHolds(text, sql`node`)}
    union all select error_fingerprint from executions where user_id = ${userId} and status in ${hasErrorList}
      and error_message is not null and error_fingerprint is not null and ${textHolds(text, sql`error_message`)}
    union all select fingerprint from incidents where user_id = ${userId} and ${nameHolds(text, sql`message`)}))`
}

/** A group's first or last stored run: `at, message`. */
const seen = (userId: string, direction: 'asc' | 'desc') => sql`
  select ${happenedAtOfE} as at, e.error_message as message from executions e
  where e.user_id = ${userId} and e.error_fingerprint = g.fingerprint
    and e.status in ${failedList}
  order by ${happenedAtOfE} ${sql.raw(direction)}, e.id ${sql.raw(direction)} limit 1`

const toGroup = (row: GroupRow, range: BoundedRange, seriesInterval: Interval): ErrorGroup => {
  const runs = new Map(row.series)
  return {
    fingerprint: row.fingerprint,
    state: row.state,
    stateChangedAt: isoOf(row.changed_ms),
    fixedIn:
      row.fixed_workflow_id !== null && row.fixed_version !== null
        ? { workflowId: row.fixed_workflow_id, version: row.fixed_version }
        : null,
    node: row.node,
    errorClass: row.error_class,
    httpStatus: row.http_status,
    message: row.message,
    latestMessage: row.latest_message,
    runs: row.runs,
    incidents: row.incidents,
    previousRuns: row.previous_runs,
    previousIncidents: row.previous_incidents,
    firstSeenAt: isoOf(row.first_ms),
    lastSeenAt: isoOf(row.last_ms),
    workflows: row.workflows,
    topWorkflows: row.top_workflows ?? [],
    versions: row.versions,
    series: intervalStarts(range, seriesInterval).map((start) => runs.get(start.getTime()) ?? 0),
  }
}

/** @throws {AppError} `invalid` for a period of more than `maxBuckets` weeks */
function intervalFor({ from, to }: BoundedRange): Interval {
  const lengthMs = to.getTime() - from.getTime()
  if (lengthMs > maxBuckets * 7 * dayMs) throw invalid('from', `Request at most ${maxBuckets} weeks`)
  return lengthMs <= 72 * hourMs ? 'hour' : lengthMs <= 120 * dayMs ? 'day' : 'week'
}
