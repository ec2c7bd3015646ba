/**
 * The cost of matching deliveries to runs: `npx tsx bench/recording.ts [rounds]`. Measures the server's CPU time in
 * milliseconds per call of `record_executions`, and of the same function without the search for known runs, alternating
 * on one Postgres. Linux only.
 */
import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { createWorld } from '../test/executions/world.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const rounds = Number(process.argv[2] ?? 15)
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const server = await startPostgres()
const client = new Client({ connectionString: server.url })
const backend = postgresBackend(server.url)
try {
  const gateway = createGateway(backend)
  const db = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
  await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
  const world = createWorld({ db, sql: db.$client } as unknown as Parameters<typeof createWorld>[0])
  await client.connect()
  const { rows } = await client.query(`select pg_get_functiondef('record_executions'::regproc) as text`)
  const text = String(rows[0]?.text)
  const [from, to] = [text.indexOf('  loop\n'), text.indexOf('  end loop;\n')]
  if (from < 0 || to < from) throw new Error('The search is missing in record_executions')
  const fill = '  select array_fill(1, array[jsonb_array_length(items)]) as epochs into placed;\n'
  await client.query(
    `${text.slice(0, from)}${fill}${text.slice(to + '  end loop;\n'.length)}`.replace(
      'record_executions',
      'record_without_search',
    ),
  )

  const backendPid = (await client.query('select pg_backend_pid() as pid')).rows[0]?.pid
  /** CPU time, because other load on the machine does not affect it. */
  const cpuMs = async () =>
    Number((await readFile(`/proc/${backendPid}/schedstat`, 'utf8')).split(' ')[0]) / 1e6

  let made = 0
  const itemsOf = (ids: number[], status: string) =>
    JSON.stringify(
      ids.map((id) => {
        const now = Date.now()
        return {
          id: uuidv7({ msecs: now }),
          recorded_at: new Date(now).toISOString(),
          n8n_execution_id: String(id),
          n8n_workflow_id: 'wf1',
          status,
          stamp: `400${String(now).padStart(15, '0')}3${'0'.repeat(16)}`,
          mode: 'webhook',
          is_polled: true,
          waited: false,
          node_list: null,
          started_at: new Date(now - 9000).toISOString(),
          finished_at: new Date(now).toISOString(),
        }
      }),
    )
  const variants = ['record_executions', 'record_without_search'] as const
  const instances = Object.fromEntries(
    await Promise.all(variants.map(async (name) => [name, (await world.tracked()).instanceId] as const)),
  )
  for (const [size, calls] of [
    [1, 200],
    [20, 20],
    [200, 5],
  ] as const) {
    for (const isKnown of [false, true]) {
      const times: Record<string, number[]> = { record_executions: [], record_without_search: [] }
      for (let round = -1; round < rounds; round += 1) {
        for (const name of round % 2 === 0 ? variants : variants.toReversed()) {
          const batches = Array.from({ length: calls }, () => Array.from({ length: size }, () => (made += 1)))
          const call = async (ids: number[]) =>
            client.query({
              name,
              text: `select count(*) from ${name}($1, $2, '[]')`,
              values: [instances[name], itemsOf(ids, 'success')],
            })
          if (isKnown) for (const ids of batches) await call(ids)
          const startedAt = await cpuMs()
          for (const ids of batches) await call(ids)
          if (round >= 0) times[name]!.push(((await cpuMs()) - startedAt) / calls)
        }
      }
      const [full, floor] = variants.map((name) => median(times[name]!))
      console.log(
        `${size} ${isKnown ? 'known' : 'new'}: ${full!.toFixed(3)} ms, without the search ${floor!.toFixed(3)} ms`,
      )
    }
  }
} finally {
  await client.end()
  await backend.close()
  await server.stop()
}
