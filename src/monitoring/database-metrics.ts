/**
 * @module Metrics that the database knows: backlogs, states and sizes. Their cost is bounded at any size of the database: a
 * count stops at a limit, and states of large tables are counted in a sample.
 */
import { sealedTables } from '../db/sealed-columns.ts'
import { type SQL, sql } from 'drizzle-orm'
import type { KeyRing } from '../crypto/key-ring.ts'
import type { Reader } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import { asOneRequest } from '../db/read-batching.ts'
import { isPolled } from '../executions/poll/schedule.ts'
import { Metric } from '../telemetry/registry.ts'

interface Row extends Record<string, unknown> {
  /** Label values. */
  of: string[] | null
  value: number | null
}

interface Figure {
  name: string
  help: string
  labels?: string[]
  rows: SQL
}

/** Backlogs are counted up to this number. */
const maxCount = 100_000
const samplePages = 2000

const count = (rows: SQL, limit = maxCount) =>
  sql`select count(*)::integer as value from (select 1 ${rows} limit ${limit}::integer) counted`

/** Exact up to 16 MB. */
function byStatus(table: string): SQL {
  const pages = sql`pg_relation_size(${table}::regclass) / 8192.0`
  const share = sql`least(1, ${samplePages} / greatest(1, ${pages}))`
  return sql`select array[status] as of, (count(*) / (select ${share}))::float8 as value
    from ${sql.identifier(table)} tablesample system (100 * ${share}) group by status`
}

/** Rows per key, found by one index entry per key. */
const byKey = (table: string) => sql`
  (with recursive keys(id) as (
    select min(key_id) from ${sql.identifier(table)}
    union all
    select (select min(key_id) from ${sql.identifier(table)} t where t.key_id > k.id) from keys k where k.id is not null)
  select array[${table}, id] as of, (select count(*) from (
      select 1 from ${sql.identifier(table)} t where t.key_id = keys.id limit ${maxCount}::integer) counted)::integer as value
    from keys where id is not null limit 20)`

const secretsOfKeys = 'flowkeep_secrets'

const figures: Figure[] = [
  {
    name: 'flowkeep_reconciliation_lag_seconds',
    help: 'How long the most overdue n8n server has been waiting to be polled',
    rows: sql`select coalesce(extract(epoch from now() - (select i.next_poll_at from instances i
      where i.next_poll_at <= now() and (i.poll_lease_until is null or i.poll_lease_until <= now()) and ${isPolled}
      order by i.next_poll_at limit 1)), 0)::float8 as value`,
  },
  {
    name: 'flowkeep_reconciliation_due_instances',
    help: 'n8n servers that are due to be polled',
    rows: count(sql`from instances i where i.next_poll_at <= now() and ${isPolled}`),
  },
  {
    name: 'flowkeep_rollup_backlog_changes',
    help: 'Changes of executions that are not rolled up yet, up to 100000',
    rows: count(sql`from execution_changes`),
  },
  {
    name: 'flowkeep_executions_open',
    help: 'Executions that have not finished, up to 100000',
    rows: count(sql`from execution_keys where status in ('new', 'running', 'waiting')`),
  },
  {
    name: 'flowkeep_execution_partitions_ahead',
    help: 'Months with a partition, from this month on, up to 3',
    rows: sql`select count(to_regclass('public.executions_' || to_char(month, 'YYYY_MM')))::integer as value
      from generate_series(date_trunc('month', now() at time zone 'UTC'),
        date_trunc('month', now() at time zone 'UTC') + interval '2 months', interval '1 month') month`,
  },
  {
    name: 'flowkeep_dead_letters',
    help: 'Stored dead letters by code, of the latest 10000',
    labels: ['code'],
    rows: sql`select array[code] as of, count(*)::integer as value
      from (select code from dead_letters order by created_at desc limit 10000) latest group by code`,
  },
  {
    name: 'flowkeep_deployments',
    help: 'Deployments by status; estimated from a sample if there are many',
    labels: ['status'],
    rows: byStatus('deployments'),
  },
  {
    name: 'flowkeep_deployments_stuck',
    help: 'Unfinished deployments that no server has resumed for 10 minutes',
    rows: count(
      sql`from deployments where intent is not null and lease_until < now() - interval '10 minutes'`,
    ),
  },
  {
    name: 'flowkeep_instances',
    help: 'n8n servers by status; estimated from a sample if there are many',
    labels: ['status'],
    rows: byStatus('instances'),
  },
  {
    name: secretsOfKeys,
    help: 'Stored secrets by the ID of the key that wraps them, up to 100000',
    labels: ['table', 'key'],
    rows: sql.join(sealedTables.map(byKey), sql` union all `),
  },
  {
    name: 'flowkeep_database_table_bytes',
    help: 'Size of a table with its indexes and partitions',
    labels: ['table'],
    rows: tables(sql`pg_total_relation_size(c.oid)`),
  },
  {
    name: 'flowkeep_database_table_rows',
    help: 'Rows of a table, as estimated by the last analyze',
    labels: ['table'],
    rows: tables(sql`case when c.relkind = 'p' then 0 else greatest(c.reltuples, 0) end`),
  },
  {
    name: 'flowkeep_database_connections',
    help: 'Connections of all clients to the database',
    rows: sql`select numbackends as value from pg_stat_database where datname = current_database()`,
  },
  {
    name: 'flowkeep_database_connections_max',
    help: 'Connections that the Postgres server allows',
    rows: sql`select current_setting('max_connections')::integer as value`,
  },
]

/** The largest 50 tables; partitions count for their parent. */
function tables(value: SQL): SQL {
  return sql`select array[coalesce(p.relname, c.relname)::text] as of, sum(${value})::float8 as value
    from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') group by 1 order by 2 desc limit 50`
}

export function databaseUp(isUp: boolean): Metric {
  const up = new Metric('gauge', 'flowkeep_database_up', 'Whether the database responded')
  up.set(isUp ? 1 : 0)
  return up
}

/**
 * Reads everything in one batch. A statement that fails alone omits its metric.
 * @param ring whose keys should open every stored secret
 */
export async function readDatabaseMetrics(db: Reader, ring: KeyRing): Promise<Metric[]> {
  const answers = await asOneRequest(() =>
    Promise.allSettled(figures.map(async ({ rows }) => (await db.execute<Row>(rows)).rows)),
  )
  const missing = new Metric(
    'gauge',
    'flowkeep_keys_missing',
    'Keys that stored secrets need but CREDENTIAL_KEYS does not contain',
  )
  const isDown = answers.some(
    (answer) => answer.status === 'rejected' && databaseError(answer.reason).sqlState === undefined,
  )
  const found = figures.flatMap(({ name, help, labels }, at) => {
    const answer = answers[at]
    if (answer?.status !== 'fulfilled') return []
    const metric = new Metric('gauge', name, help, labels)
    for (const row of answer.value) metric.set(row.value ?? 0, ...(row.of ?? []))
    if (name === secretsOfKeys) {
      missing.set(
        new Set(answer.value.flatMap(({ of }) => of?.[1] ?? []).filter((id) => !ring.keys.has(id))).size,
      )
    }
    return [metric]
  })
  return [databaseUp(!isDown), ...(missing.series.size > 0 ? [missing] : []), ...found]
}
