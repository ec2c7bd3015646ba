/** @module Bytes per row of every table: the account of `npm run demo -- --large`, multiplied, on a real Postgres. */
import type { Client } from 'pg'
import { seedLargeDemo } from '../demo/large/seed.ts'
import { openDatabase } from '../src/cli/operate/database.ts'
import { parseConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { nodeRuntime } from '../src/node.ts'

export const account = { email: 'maya@northwind.example', name: 'Maya Keller', password: 'a-demo-to-look-at' }

/** What the number of rows of a table depends on. */
export type Driver = 'user' | 'workflow' | 'run'

export interface TableSize {
  name: string
  rows: number
  /** Per row, in bytes. */
  heap: number
  toast: number
  indexes: number
  driver: Driver
  /** Rows of the account per user, per workflow or per run. */
  rowsPerDriver: number
}

export interface Sizes {
  tables: TableSize[]
  /** Of the account, before it was multiplied. */
  workflows: number
  runs: number
  /** Stored bytes of the node data of a run that has it. */
  dataBytes: number
  /** Part of all runs that have node data. */
  dataShare: number
  /** Part of the runs of the last `EXECUTION_DATA_RETENTION_DAYS` that have node data. */
  freshDataShare: number
}

const perRun = new Set([
  'dead_letters',
  'error_groups',
  'error_stats',
  'execution_keys',
  'execution_stats',
  'executions',
  'incidents',
  'node_stats',
])
const perWorkflow = new Set([
  'audit_events',
  'deployment_versions',
  'deployments',
  'remote_credentials',
  'slot_bindings',
  'workflow_versions',
  'workflows',
])

/** A few rows, however many users there are, or rows that are deleted within minutes. */
const ofInstallation = new Set([
  'execution_backfill',
  'execution_changes',
  'execution_horizon',
  'flowkeep_migrations',
  'job_runs',
  'key_checks',
])

/** Creates the account in an empty database. Takes half a minute. */
export async function seed(databaseUrl: string, env: Record<string, string>): Promise<void> {
  const database = openDatabase(databaseUrl)
  try {
    await database.migrate()
    const config = parseConfig({ ...env, DATABASE_URL: database.url, LOG_LEVEL: 'error' })
    const clock = { now: new Date() }
    const deps = createDeps(config, {
      ...nodeRuntime({ fetch: database.fetch, config }),
      now: () => clock.now,
    })
    await seedLargeDemo(deps, clock, account)
  } finally {
    await database.close()
  }
}

/**
 * Copies rows until each table has `target` rows. A copy has other IDs, in its keys, references and JSON. Copies are
 * interleaved in the order of the IDs, as the rows of many users are: indexes are as full as in production.
 */
async function multiply(client: Client, table: string, rows: number, target: number): Promise<void> {
  const copies = Math.min(Math.ceil(target / rows) - 1, 60_000)
  if (copies < 1) return
  const { rows: columns } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped
       and attgenerated = '' order by attnum`,
    [table],
  )
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  // The variant of a copy is one that no original has.
  const uuid = '([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-)[89ab]([0-9a-f]{3}-)[0-9a-f]{4}([0-9a-f]{8})'
  const email = table === 'users' ? `|| jsonb_build_object('email', n || '-' || (j ->> 'email'))` : ''
  await client.query(
    `insert into "${table}" (${names})
     select ${columns.map(({ name }) => `r."${name}"`).join(', ')}
     from (
       select n, regexp_replace(to_jsonb(t)::text, '${uuid}', '\\1f\\2' || lpad(to_hex(n), 4, '0') || '\\3', 'g')::jsonb as j
       from "${table}" t cross join generate_series(1, ${copies}) n
     ) copied
     cross join lateral jsonb_populate_record(null::"${table}", j ${email}) r
     order by (to_jsonb(r) ->> 'id')`,
  )
}

/** @param client of a superuser */
export async function measureSizes(client: Client, target: number, dataDays: number): Promise<Sizes> {
  const { rows: found } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  )
  const count = async (table: string) =>
    (await client.query<{ rows: number }>(`select count(*)::float8 as rows from "${table}"`)).rows[0]?.rows ??
    0
  const before = new Map<string, number>()
  for (const { name } of found) before.set(name, await count(name))
  const data = await client.query<Pick<Sizes, 'dataBytes' | 'dataShare' | 'freshDataShare'>>(
    `select coalesce(avg(pg_column_size(data)), 0)::float8 as "dataBytes", (count(data)::float8 / count(*)) as "dataShare",
       (count(data) filter (where is_fresh))::float8 / count(*) filter (where is_fresh) as "freshDataShare"
     from (select data, recorded_at > now() - make_interval(days => ${dataDays}) as is_fresh from executions) e`,
  )
  // Without triggers and foreign keys: only the sizes matter.
  await client.query("set session_replication_role = 'replica'")
  const grows = [...before].filter(([name, rows]) => rows > 0 && !ofInstallation.has(name))
  for (const [name, rows] of grows) await multiply(client, name, rows, target)
  await client.query('vacuum analyze')
  const workflows = before.get('workflows') ?? 1
  const runs = before.get('executions') ?? 1
  const drivers = { user: before.get('users') ?? 1, workflow: workflows, run: runs }
  const tables: TableSize[] = []
  for (const [name, original] of grows) {
    const { rows } = await client.query<{ heap: number; toast: number; indexes: number }>(
      `select sum(pg_relation_size(oid))::float8 as heap, sum(pg_indexes_size(oid))::float8 as indexes,
         sum(pg_table_size(oid) - pg_relation_size(oid))::float8 as toast
       from pg_class where oid in (select '"${name}"'::regclass union all select relid from pg_partition_tree('"${name}"'))`,
    )
    const total = await count(name)
    const driver = perRun.has(name) ? 'run' : perWorkflow.has(name) ? 'workflow' : 'user'
    const { heap = 0, toast = 0, indexes = 0 } = rows[0] ?? {}
    tables.push({
      name,
      rows: total,
      heap: heap / total,
      toast: toast / total,
      indexes: indexes / total,
      driver,
      rowsPerDriver: original / drivers[driver],
    })
  }
  return { tables, workflows, runs, ...data.rows[0]! }
}
