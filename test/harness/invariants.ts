/** @module What always holds in the database, after any fault and any crash. */
import { expect } from 'vitest'
import type { Sql } from '../../src/db/client.ts'

interface Relation {
  table: string
  columns: string[]
  target: string
  targets: string[]
}

/** Condition of a row that breaks the invariant → the query that selects such rows. */
const queries: Record<string, string> = {
  'finished before it started': `select from executions where finished_at < started_at`,
  'negative duration': `select from executions where active_ms < 0 or previous_duration_ms < 0`,
  'execution without its key': `select from executions e left join execution_keys k
    on k.id = e.id and k.instance_id = e.instance_id and k.n8n_execution_id = e.n8n_execution_id
    where k.id is null or k.user_id <> e.user_id or k.status <> e.status`,
  'key without its execution': `select from execution_keys k where not exists (select from executions e where e.id = k.id)`,
  'execution recorded twice': `select from executions e join execution_keys k on k.id = e.id
    group by k.instance_id, k.epoch, k.n8n_execution_id having count(*) > 1`,
  'active without an n8n workflow': `select from deployments where status = 'active' and n8n_workflow_id is null`,
  'two live deployments of a workflow on an instance': `select from deployments where status <> 'undeployed'
    group by workflow_id, instance_id having count(*) > 1`,
  'settled with an intent or a lease': `select from deployments where status in ('active', 'inactive', 'undeployed', 'tracking')
    and (intent is not null or lease_owner is not null)`,
  'unsettled without an intent': `select from deployments where status in ('pending', 'deploying', 'failed') and intent is null`,
  'failed without a reason': `select from deployments where status = 'failed'
    and (error is null or step is null or lease_until is not null)`,
  'active since never': `select from deployments where status = 'active' and managed and live_since is null`,
  'active with another version than its history': `select from deployments d where status = 'active' and managed
    and d.version is distinct from (select h.version from deployment_versions h
      where h.deployment_id = d.id order by sequence desc limit 1)`,
  'session of generation 0': `select from sessions where generation < 1`,
  'secret that is not sealed': [
    ['credentials', 'credential_data'],
    ['instances', 'api_key'],
    ['alert_channels', 'target'],
    ['execution_values', 'sealed'],
  ]
    .map(
      ([table, column]) => `select from ${table} where ${column} is not null and (${column} ? 'aad'
        or not ${column} ?& array['protected', 'header', 'encrypted_key', 'iv', 'ciphertext', 'tag'])`,
    )
    .join(' union all '),
  'idempotency key without its resource': `select from idempotency_keys k where not exists (
      select from audit_events a where a.user_id = k.user_id and a.subject_id = k.resource_id)`,
  'created without an audit event': ['credential', 'workflow', 'instance', 'deployment']
    .map(
      (kind) => `select from ${kind}s r where exists (select from audit_events a where a.user_id = r.user_id)
        and not exists (select from audit_events a where a.user_id = r.user_id and a.subject_id = r.id)`,
    )
    .join(' union all '),
  'version without its workflow or the reverse': `select from workflows w where exists (
      select from workflow_versions v where v.workflow_id = w.id) and not exists (
      select from workflow_versions v where v.workflow_id = w.id and v.version = w.version)`,
}

/** Checks on the references and owners of every table, from the catalogue of the database. */
async function structuralQueries(sql: Sql): Promise<Record<string, string>> {
  const relations = (await sql`
    select c.conrelid::regclass::text as table, c.confrelid::regclass::text as target,
      (select json_agg(a.attname order by k.ord) from unnest(c.conkey) with ordinality k (num, ord)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num) as columns,
      (select json_agg(a.attname order by k.ord) from unnest(c.confkey) with ordinality k (num, ord)
        join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num) as targets
    from pg_constraint c where c.contype = 'f' and c.connamespace = 'public'::regnamespace`) as unknown as Relation[]
  const owned =
    await sql`select c.oid::regclass::text as table from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'user_id'`
  const orphans = relations.map(({ table, columns, target, targets }) => {
    const isSet = columns.map((column) => `r.${column} is not null`).join(' and ')
    const matches = columns.map((column, index) => `t.${targets[index]} = r.${column}`).join(' and ')
    return `select from ${table} r where ${isSet} and not exists (select from ${target} t where ${matches})`
  })
  return {
    'reference to nothing': orphans.join(' union all '),
    'row without an owner': owned
      .map(({ table }) => `select from ${String(table)} where user_id is null`)
      .join(' union all '),
  }
}

const statements = new WeakMap<Sql, Promise<string>>()

async function statementOf(sql: Sql): Promise<string> {
  const all = { ...(await structuralQueries(sql)), ...queries }
  return Object.entries(all)
    .map(([name, query]) => `select '${name}' as name, count(*)::integer as rows from (${query}) q`)
    .join(' union all ')
}

/** Invariant → the number of rows that break it. Empty when all hold. */
export async function brokenInvariants(sql: Sql): Promise<Record<string, number>> {
  if (!statements.has(sql)) statements.set(sql, statementOf(sql))
  const found = await sql.query((await statements.get(sql)) ?? '')
  return Object.fromEntries(
    found.filter(({ rows }) => Number(rows) > 0).map(({ name, rows }) => [String(name), Number(rows)]),
  )
}

export async function expectInvariants(sql: Sql): Promise<void> {
  expect(await brokenInvariants(sql)).toEqual({})
}
