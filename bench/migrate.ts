/**
 * How long writers wait for a migration of a large table: `npx tsx bench/migrate.ts [rows]`, 1,000,000 by default. Prints
 * the longest write as a ratio to the longest without a migration, for forms that `db:check` accepts and rejects.
 */
import { Client } from 'pg'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { hazardsOf } from '../src/cli/migrate/rules.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
const cases: [name: string, sql: string][] = [
  ['add a column', 'alter table executions add column b1 text'],
  ['add a column with a default', "alter table executions add column b2 text not null default ''"],
  [
    'index, concurrently',
    '-- no-transaction\ncreate index concurrently if not exists b3 on execution_keys (epoch)',
  ],
  ['constraint, not valid', "alter table executions add constraint b4 check (status <> '') not valid"],
  ['validate the constraint', 'alter table executions validate constraint b4'],
  ['index', 'create index b5 on execution_keys (epoch)'],
  ['checked constraint', "alter table executions add constraint b6 check (status <> '')"],
  ['another type', 'alter table execution_keys alter column n8n_execution_id type varchar(300)'],
  [
    'column with a volatile default',
    'alter table executions add column b7 timestamptz default clock_timestamp()',
  ],
]

const server = await startPostgres()
const backend = postgresBackend(server.url, { statementTimeoutMs: 0 })
const setup = new Client({ connectionString: server.url })
const writer = new Client({ connectionString: server.url })
try {
  const gateway = createGateway(backend)
  const { $client: sql } = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 900_000 })
  const known = await readMigrations('drizzle')
  await migrate({ sql, migrations: known })
  await setup.connect()
  await writer.connect()
  // Without triggers and foreign keys: only the tables' sizes matter.
  await setup.query("set session_replication_role = 'replica'")
  await setup.query(
    `with runs as (
      insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id, n8n_execution_id, status)
      select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, now(), gen_random_uuid(), gen_random_uuid(),
        gen_random_uuid(), 1, gen_random_uuid(), n::text, 'success'
      from generate_series(1, ${rows}) n returning id, recorded_at, user_id, instance_id, n8n_execution_id, status)
    insert into execution_keys (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp)
      select instance_id, n8n_execution_id, id, recorded_at, user_id, status, '' from runs`,
  )
  await setup.query('create index bench_key on execution_keys (n8n_execution_id)')
  const longestWrite = async (signal: AbortSignal) => {
    let longest = 0
    while (!signal.aborted) {
      const id = String(1 + Math.floor(Math.random() * rows))
      const start = performance.now()
      await writer.query(
        `with k as (update execution_keys set epoch = epoch where n8n_execution_id = $1 returning id, recorded_at)
        update executions e set mode = 'webhook' from k where e.id = k.id and e.recorded_at = k.recorded_at`,
        [id],
      )
      longest = Math.max(longest, performance.now() - start)
    }
    return longest
  }
  const during = async (work: () => Promise<unknown>) => {
    const done = new AbortController()
    const writes = longestWrite(done.signal)
    await work()
    done.abort()
    return writes
  }
  const floor = await during(() => new Promise((resolve) => setTimeout(resolve, 5000)))
  console.log(`${rows} rows; longest write without a migration: ${floor.toFixed(0)} ms`)
  const migrations = [...known]
  for (const [name, text] of cases) {
    const migration = {
      name: `9${String(migrations.length).padStart(3, '0')}_${name.replaceAll(/\W+/g, '_')}`,
      sql: text,
    }
    const verdict = (await hazardsOf(migration)).length === 0 ? 'accepted' : 'rejected'
    migrations.push(migration)
    const start = performance.now()
    const longest = await during(() => migrate({ sql, migrations }))
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(
      `${verdict}  ${name.padEnd(32)} ${seconds.padStart(6)} s  longest write ${(longest / floor).toFixed(1)} ×`,
    )
  }
} finally {
  await Promise.allSettled([setup.end(), writer.end()])
  await backend.close()
  await server.stop()
}
