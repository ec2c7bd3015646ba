/**
 * What row-level security would cost: `npx tsx bench/row-security.ts [workflows]`, on a real Postgres. Each statement runs as
 * it does now, and in a batch after `set_config` under a role that the policies apply to. The rounds alternate.
 */
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb, type Sql } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { fillForSearch } from '../test/harness/search-fixtures.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const workflows = Number(process.argv[2] ?? 20_000)
const rounds = 9
const callsPerRound = 120

const tables = ['workflows', 'executions', 'error_groups', 'users']
const statements: Record<string, string> = {
  'one workflow': 'select * from workflows where user_id = $1 and id = $2',
  '50 workflows':
    'select id, name, version, node_types from workflows where user_id = $1 and id <> $2 order by id desc limit 50',
  'runs by status': `select status, count(*) from executions where user_id = $1 and workflow_id <> $2
    and recorded_at > now() - interval '1 day' group by status`,
  'change a name': `update workflows set name = name || '' where user_id = $1 and id = $2`,
}

const server = await startPostgres()
const admin = postgresBackend(server.url, { maxConnections: 2, statementTimeoutMs: 300_000 })
const asRole = new URL(server.url)
asRole.username = 'guarded'
asRole.password = 'guarded'
const guarded = postgresBackend(asRole.href, { maxConnections: 2, statementTimeoutMs: 300_000 })
const connect = (backend: typeof admin): Sql => {
  const gateway = createGateway(backend)
  return createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 300_000 }).$client
}

async function medianMs(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < callsPerRound; n++) {
    const startedAt = performance.now()
    await call()
    times.push(performance.now() - startedAt)
  }
  return middle(times)
}

function middle(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

try {
  const sql = connect(admin)
  await migrate({ sql, migrations: await readMigrations('drizzle') })
  const owners = await fillForSearch(sql, { workflows, runs: workflows * 5 })
  const [{ id } = { id: '' }] = await sql.query('select id from workflows where user_id = $1 limit 1', [
    owners.few,
  ])
  await sql.query("create role guarded login password 'guarded' nosuperuser nobypassrls")
  await sql.query('grant all on all tables in schema public to guarded')
  for (const table of tables) {
    const owner = table === 'users' ? 'id' : 'user_id'
    await sql.query(`create policy own on ${table} to guarded
      using (${owner} = nullif(current_setting('app.user_id', true), '')::uuid)`)
    await sql.query(`alter table ${table} enable row level security`)
  }
  const behind = connect(guarded)
  const setOwner = () => behind.query("select set_config('app.user_id', $1, true)", [owners.few])
  const [strangers] = await behind.transaction([behind.query('select count(*)::integer from workflows')])
  if (strangers?.[0]?.['count'] !== 0) throw new Error('The policies do not apply')

  const rows = []
  for (const [name, statement] of Object.entries(statements)) {
    const params = [owners.few, id]
    const figures: { now: number; secured: number }[] = []
    for (let round = 0; round < rounds; round++) {
      const now = () => medianMs(() => sql.query(statement, params))
      const secured = () => medianMs(() => behind.transaction([setOwner(), behind.query(statement, params)]))
      const isFirst = round % 2 === 0
      const one = isFirst ? await now() : 0
      const two = await secured()
      figures.push({ now: isFirst ? one : await now(), secured: two })
    }
    const ratios = figures.map((figure) => figure.secured / figure.now)
    rows.push({
      statement: name,
      'now, ms': middle(figures.map((figure) => figure.now)).toFixed(2),
      'secured, ms': middle(figures.map((figure) => figure.secured)).toFixed(2),
      'extra, %': Math.round((middle(ratios) - 1) * 100),
      'min … max, %': `${Math.round((Math.min(...ratios) - 1) * 100)} … ${Math.round((Math.max(...ratios) - 1) * 100)}`,
    })
  }
  console.table(rows)
} finally {
  await admin.close()
  await guarded.close()
  await server.stop()
}
