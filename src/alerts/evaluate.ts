/**
 * @module Evaluates alert rules: one statement per kind opens and resolves the incidents of all claimed rules and queues
 * their messages. A unique index allows one open incident per rule and subject, and only the statement that inserts an
 * incident queues its messages, so concurrent jobs send nothing twice.
 */
import { type SQL, sql } from 'drizzle-orm'
import { currentState } from '../analytics/error-states.ts'
import type { Db } from '../db/client.ts'
import type { AlertParameters, AlertRuleKind } from '../db/schema/alerts.ts'
import { newUuidAt } from '../db/uuid.ts'
import { dayMs, minuteMs } from '../lib/time.ts'
import { decisiveStatuses, failedList, failedSum, statusList } from '../runs/meaning.ts'
import { costOf } from '../runs/usage.ts'
import { ruleKinds } from './contract.ts'
import { nextDue, scheduleTypes } from './schedules.ts'
import { durationText } from './sentence.ts'

/** A rule is evaluated at most this often. */
const everyMs = 30_000
/** An incident resolves when its condition has been false for this long, so that a flapping one stays open. */
export const clearMs = 5 * minuteMs
/** An error group without failures for this long is quiet, which resolves its incident. */
const quietMs = dayMs
/** Incidents that one rule can have open. */
const openPerRule = 100
const schedulesPerRun = 1000

/** Consecutive failed polls after which an instance counts as unreachable. They take about three minutes. */
const failedPolls = 2

export interface Evaluation {
  rules: number
  opened: number
  queued: number
}

/** Evaluates at most `limit` rules, starting with the ones that have waited longest. */
export async function evaluateRules(db: Db, now: Date, limit: number): Promise<Evaluation> {
  const claimed = await claim(db, now, limit)
  const done: Evaluation = { rules: 0, opened: 0, queued: 0 }
  const failures: unknown[] = []
  for (const [kind, ids] of claimed) {
    try {
      const firing = kind === 'missed-schedule' ? await missedSchedules(db, now, ids) : conditions[kind](now)
      const { opened, queued } = await settle(db, now, ids, firing)
      done.rules += ids.length
      done.opened += opened
      done.queued += queued
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return done
}

async function claim(db: Db, now: Date, limit: number): Promise<Map<AlertRuleKind, string[]>> {
  const { rows } = await db.execute<{ id: string; kind: AlertRuleKind }>(sql`
    update alert_rules set evaluated_at = ${at(now)}
    where id in (
      select r.id from alert_rules r join users u on u.id = r.user_id and u.deleted_at is null
      where r.enabled and (r.evaluated_at is null or r.evaluated_at <= ${at(now, -everyMs)})
      order by r.evaluated_at nulls first limit ${limit} for update of r skip locked)
    returning id, kind`)
  const byKind = new Map<AlertRuleKind, string[]>()
  for (const { id, kind } of rows) byKind.set(kind, [...(byKind.get(kind) ?? []), id])
  return byKind
}

const at = (time: Date, plusMs = 0): SQL =>
  sql`${new Date(time.getTime() + plusMs).toISOString()}::timestamptz`

/** @param firing selects `rule_id, subject, summary, link` of each condition that holds, from the CTE `rules` */
async function settle(db: Db, now: Date, ids: string[], firing: SQL) {
  const uuid = newUuidAt(now)
  const queuedState = sql`case when r.muted_until > ${at(now)} then 'muted' else 'pending' end`
  const { rows } = await db.execute<{ opened: number; queued: number }>(sql`
    with rules as materialized (select * from alert_rules where id = any(${uuids(ids)}) and enabled),
    found as materialized (
      select distinct on (rule_id, subject) rule_id, subject, summary, link from (${firing}) firing
      order by rule_id, subject
    ),
    firing as materialized (
      select * from (
        select f.*, o.id as open_id,
          row_number() over (partition by f.rule_id order by o.id is null, f.subject) as place
        from found f
        left join alert_incidents o
          on o.rule_id = f.rule_id and o.subject = f.subject and o.resolved_at is null
      ) numbered where place <= ${openPerRule}
    ),
    changed as (
      update alert_incidents i set
        clear_since = case when c.is_clear then coalesce(i.clear_since, ${at(now)}) end,
        resolved_at = case when c.is_clear and i.clear_since <= ${at(now, -clearMs)} then ${at(now)} end
      from (
        select o.id, f.open_id is null as is_clear
        from rules r join alert_incidents o on o.rule_id = r.id and o.resolved_at is null
        left join firing f on f.open_id = o.id
        where f.open_id is null or o.clear_since is not null
      ) c
      where i.id = c.id and i.resolved_at is null
      returning i.id, i.user_id, i.rule_id, i.resolved_at
    ),
    opened as (
      insert into alert_incidents (id, user_id, rule_id, subject, summary, link, opened_at)
      select ${uuid}, r.user_id, r.id, f.subject, left(f.summary, 500), f.link, ${at(now)}
      from firing f join rules r on r.id = f.rule_id where f.open_id is null
      on conflict (rule_id, subject) where resolved_at is null do nothing
      returning id, user_id, rule_id
    ),
    queued as (
      insert into alert_deliveries (id, user_id, incident_id, channel_id, event, state, started_at, next_attempt_at)
      select ${uuid}, user_id, incident_id, channel_id, event, state, ${at(now)}, ${at(now)} from (
        select o.user_id, o.id as incident_id, c.id as channel_id, 'opened' as event, ${queuedState} as state
        from opened o join rules r on r.id = o.rule_id
        join alert_channels c on c.user_id = r.user_id and c.id = any(r.channel_ids)
        union all
        select i.user_id, i.id, d.channel_id, 'resolved',
          case when d.state = 'muted' then 'muted' else ${queuedState} end
        from changed i join rules r on r.id = i.rule_id
        join alert_deliveries d on d.user_id = i.user_id and d.incident_id = i.id and d.event = 'opened'
        where i.resolved_at is not null
      ) messages
      on conflict (incident_id, channel_id, event) do nothing
      returning 1
    )
    select (select count(*) from opened)::integer as opened, (select count(*) from queued)::integer as queued`)
  return rows[0] ?? { opened: 0, queued: 0 }
}

const uuids = (ids: string[]): SQL => sql`${`{${ids.join(',')}}`}::uuid[]`

/** Condition: a row with these columns is in the scope of the rule `r`. */
const inScope = (workflow: SQL, instance: SQL): SQL => sql`
  (r.workflow_id is null or ${workflow} = r.workflow_id)
  and (r.instance_id is null or ${instance} = r.instance_id)`

const parameter = (
  kind: AlertRuleKind,
  name: keyof AlertParameters,
  type: 'integer' | 'float8' = 'integer',
): SQL =>
  sql`coalesce((r.parameters ->> ${name})::${sql.raw(type)}, ${ruleKinds[kind].defaults[name] ?? 0}::${sql.raw(type)})`

const quoted = (name: SQL): SQL => sql`'“' || left(${name}, 120) || '”'`

const conditions: Record<Exclude<AlertRuleKind, 'missed-schedule'>, (now: Date) => SQL> = {
  'error-rate': (now) => {
    const minutes = parameter('error-rate', 'windowMinutes')
    // Rollups of whole hours, and executions of the part of an hour before them.
    return sql`
      select r.id as rule_id, w.id::text as subject, '/workflows/' || w.id as link,
        t.failed || ' of ' || t.finished || ' runs of ' || ${quoted(sql`w.name`)} || ' failed within ' ||
          case when p.minutes % 60 = 0 then p.minutes / 60 || case p.minutes when 60 then ' hour' else ' hours' end
          else p.minutes || ' minutes' end as summary
      from rules r
      cross join lateral (select ${minutes} as minutes) p
      cross join lateral (
        select ${at(now)} - make_interval(mins => p.minutes) as starts
      ) b
      cross join lateral (
        select date_bin('1 hour', b.starts + interval '1 hour' - interval '1 ms', '2000-01-01Z') as whole_from
      ) h
      cross join lateral (
        select workflow_id, sum(failed)::bigint as failed, sum(finished)::bigint as finished from (
          select s.workflow_id, ${failedSum} as failed, ${failedSum} + success as finished
          from execution_stats_now s
          where s.user_id = r.user_id and s.kind = 'production' and s.grain = 'hour'
            and s.deployment_id <> '00000000-0000-0000-0000-000000000000'
            and s.at >= h.whole_from and ${inScope(sql`s.workflow_id`, sql`s.instance_id`)}
          union all
          select e.workflow_id, case when e.status in ${failedList} then e.runs else 0 end, e.runs
          from runs_between(r.user_id, array[b.starts], array[h.whole_from], false,
            case when r.workflow_id is not null then array[r.workflow_id] end, null, r.instance_id) e
          where e.kind = 'production' and e.status in ${statusList(decisiveStatuses)}
        ) parts group by workflow_id
      ) t
      join workflows w on w.user_id = r.user_id and w.id = t.workflow_id
      where t.finished >= ${parameter('error-rate', 'minRuns')}
        and t.failed * 100 > t.finished * ${parameter('error-rate', 'percent')}`
  },

  'new-error': (now) => {
    const recently = at(now, -quietMs)
    const ofGroup = sql`i.user_id = r.user_id and i.rule_id = r.id and i.subject = g.fingerprint`
    return sql`
      select r.id as rule_id, g.fingerprint as subject, '/errors/' || g.fingerprint as link,
        case t.state when 'regressed' then 'Resolved error is back: ' else 'New error: ' end ||
          left(coalesce(m.message, ''), 300) as summary
      from rules r
      cross join lateral (
        select e.fingerprint from error_stats_now e
        where e.user_id = r.user_id and e.grain = 'hour' and e.at >= date_bin('1 hour', ${recently}, '2000-01-01Z')
          and e.kind not in ('manual', 'superseded') and ${inScope(sql`e.workflow_id`, sql`e.instance_id`)}
        group by e.fingerprint having sum(e.runs) > 0
        union
        select i.fingerprint from incidents i
        where i.user_id = r.user_id and i.occurred_at >= ${recently}
          and ${inScope(sql`i.workflow_id`, sql`i.instance_id`)}
      ) g
      left join error_group_states s on s.user_id = r.user_id and s.fingerprint = g.fingerprint
      cross join lateral (select ${currentState} as state) t
      left join lateral (
        select message from error_groups e where e.user_id = r.user_id and e.fingerprint = g.fingerprint
        union all
        select message_pattern from incidents i where i.user_id = r.user_id and i.fingerprint = g.fingerprint
        limit 1
      ) m on true
      where t.state in ('open', 'regressed') and (
        exists (select from alert_incidents i where ${ofGroup} and i.resolved_at is null)
        or (t.state = 'regressed' and not exists (
          select from alert_incidents i where ${ofGroup} and i.opened_at >= s.changed_at))
        or (t.state = 'open'
          and not exists (select from alert_incidents i where ${ofGroup})
          and not exists (
            select from executions e
            where e.user_id = r.user_id and e.error_fingerprint = g.fingerprint and e.status in ${failedList}
              and coalesce(e.started_at, e.finished_at, e.recorded_at) < r.created_at)
          and not exists (
            select from incidents i
            where i.user_id = r.user_id and i.fingerprint = g.fingerprint and i.occurred_at < r.created_at)))`
  },

  'credential-rejected': () => sql`
    select r.id as rule_id, c.id::text as subject, '/credentials/' || c.id as link,
      'Credential ' || ${quoted(sql`c.name`)} || ' was rejected'
        || coalesce(': ' || left(c.validation_error, 300), '') as summary
    from rules r join credentials c on c.user_id = r.user_id and c.status = 'invalid'
      and (r.credential_id is null or c.id = r.credential_id)`,

  'instance-unreachable': () => sql`
    select r.id as rule_id, i.id::text as subject, '/instances/' || i.id as link,
      case i.status when 'refused' then 'Instance ' || ${quoted(sql`i.name`)} || ' rejects its API key'
        else 'Instance ' || ${quoted(sql`i.name`)} || ' is unreachable' end as summary
    from rules r join instances i on i.user_id = r.user_id
      and (i.status = 'refused' or i.poll_failures >= ${failedPolls})
      and (r.instance_id is null or i.id = r.instance_id)`,

  drift: () => sql`
    select r.id as rule_id, d.id::text as subject, '/deployments/' || d.id || '/drift' as link,
      ${quoted(sql`w.name`)} || ' drifted on ' || ${quoted(sql`i.name`)} as summary
    from rules r join deployments d on d.user_id = r.user_id and d.drifted_since is not null
      and d.status in ('active', 'inactive', 'tracking') and ${inScope(sql`d.workflow_id`, sql`d.instance_id`)}
    join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
    join instances i on i.user_id = d.user_id and i.id = d.instance_id`,

  spend: (now) => {
    const usage = sql.raw('model, input, cached, written, output')
    // One subject per rule: the workflow or instance that it is limited to, otherwise the account.
    return sql`
      select r.id as rule_id, coalesce(r.workflow_id, r.instance_id, r.user_id)::text as subject,
        coalesce('/workflows/' || r.workflow_id, '/models') as link,
        'AI nodes' || coalesce(' of ' || ${quoted(sql`w.name`)}, '') || coalesce(' on ' || ${quoted(sql`i.name`)}, '')
          || ' used ' || case when p.usd > 0 and t.cost > p.usd
            then '$' || trim_scale(round(t.cost::numeric, 4)) else t.tokens::bigint || ' tokens' end
          || ' within ' || p.hours || case p.hours when 1 then ' hour' else ' hours' end as summary
      from rules r
      cross join lateral (
        select ${parameter('spend', 'windowHours')} as hours, ${parameter('spend', 'usd', 'float8')} as usd,
          ${parameter('spend', 'tokens', 'float8')} as tokens
      ) p
      cross join lateral (select ${at(now)} - make_interval(hours => p.hours) as starts) b
      cross join lateral (
        select date_bin('1 hour', b.starts + interval '1 hour' - interval '1 ms', '2000-01-01Z') as whole_from
      ) h
      cross join lateral (
        select sum(${costOf('u')}) as cost, sum(u.input + u.output)::float8 as tokens
        from (
          select model, sum(input) as input, sum(cached) as cached, sum(written) as written, sum(output) as output
          from (
            select ${usage} from usage_stats_now s
            where s.user_id = r.user_id and s.grain = 'hour' and s.at >= h.whole_from
              and ${inScope(sql`s.workflow_id`, sql`s.instance_id`)}
            union all
            select ${usage} from usage_between(r.user_id, array[b.starts], array[h.whole_from]) e
            where ${inScope(sql`e.workflow_id`, sql`e.instance_id`)}
          ) parts group by model
        ) u
        left join lateral price_of_model(r.user_id, u.model) price on true
      ) t
      left join workflows w on w.user_id = r.user_id and w.id = r.workflow_id
      left join instances i on i.user_id = r.user_id and i.id = r.instance_id
      where p.usd > 0 and t.cost > p.usd or p.tokens > 0 and t.tokens > p.tokens`
  },
}

interface ScheduledDeployment extends Record<string, unknown> {
  rule_id: string
  tolerance: number
  deployment_id: string
  workflow_name: string
  instance_name: string
  nodes: unknown[]
  time_zone: string | null
  /** Milliseconds since 1970. */
  since_ms: number
  polled_ms: number
}

/**
 * Only looks at the time that polls cover: a run that is not polled yet is not missed. Skips workflows whose successful
 * runs n8n does not save.
 */
async function missedSchedules(db: Db, now: Date, ids: string[]): Promise<SQL> {
  const types = sql`${`{${scheduleTypes.join(',')}}`}::text[]`
  const ms = (time: SQL) => sql`(extract(epoch from ${time}) * 1000)::float8`
  const { rows } = await db.read.execute<ScheduledDeployment>(sql`
    select r.id as rule_id, ${parameter('missed-schedule', 'toleranceMinutes')} as tolerance,
      d.id as deployment_id, w.name as workflow_name, i.name as instance_name,
      jsonb_path_query_array(v.workflow_data, '$.nodes[*] ? (@.type == $types[*])',
        jsonb_build_object('types', to_jsonb(${types}))) as nodes,
      v.workflow_data #>> '{settings,timezone}' as time_zone,
      ${ms(sql`greatest(d.live_since, last.started_at)`)} as since_ms, ${ms(sql`i.polled_through`)} as polled_ms
    from alert_rules r
    join deployments d on d.user_id = r.user_id and d.status = 'active' and d.intent is null
      and ${inScope(sql`d.workflow_id`, sql`d.instance_id`)}
    join workflow_versions v on v.user_id = d.user_id and v.workflow_id = d.workflow_id and v.version = d.version
      and v.trigger_types && ${types}
      and (d.report_success
        or coalesce(v.workflow_data #>> '{settings,saveDataSuccessExecution}', '') <> 'none')
    join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
    join instances i on i.user_id = d.user_id and i.id = d.instance_id
    left join lateral (
      select e.started_at from executions e
      where e.workflow_id = d.workflow_id and e.user_id = d.user_id and e.deployment_id = d.id
        and coalesce(e.mode, 'trigger') = 'trigger' and e.started_at is not null
      order by coalesce(e.started_at, e.finished_at, e.recorded_at) desc, e.id desc limit 1
    ) last on true
    where r.id = any(${uuids(ids)}) and i.polled_through is not null
      and (d.live_since is not null or last.started_at is not null)
    order by r.id, d.id limit ${schedulesPerRun}`)
  const missed = rows.flatMap((row) => {
    const zone = row.time_zone === 'DEFAULT' ? null : row.time_zone
    const due = nextDue(row.nodes, zone, new Date(row.since_ms))
    const lateMs = Math.min(now.getTime(), row.polled_ms) - (due?.getTime() ?? Infinity)
    if (lateMs < row.tolerance * minuteMs) return []
    const since = new Date(row.since_ms).toISOString().slice(0, 16).replace('T', ' ')
    const summary =
      `“${row.workflow_name.slice(0, 120)}” on “${row.instance_name.slice(0, 120)}” missed its schedule: ` +
      `no run since ${since} UTC, and the next one is more than ${durationText(row.tolerance)} late`
    return [
      {
        rule_id: row.rule_id,
        subject: row.deployment_id,
        summary,
        link: `/deployments/${row.deployment_id}`,
      },
    ]
  })
  return sql`select * from jsonb_to_recordset(${JSON.stringify(missed)}::jsonb)
    as missed (rule_id uuid, subject text, summary text, link text)`
}
