/**
 * Reports executions to the bundled worker with a queue, whose consumer dies in the middle of two batches, on a real
 * Postgres: `npx tsx bench/queue.ts [executions]`.
 */
import { randomBytes } from 'node:crypto'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { startGatewayServer } from '../src/db/gateway/server.ts'
import { migrate } from '../src/db/migrate.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { reportThroughQueue } from '../test/harness/queue-load.ts'

const key = () => randomBytes(32).toString('base64')
const ring = () => JSON.stringify({ active: 'k1', keys: { k1: key() } })
const executions = Number(process.argv[2] ?? 10_000)

const server = await startPostgres()
const backend = postgresBackend(server.url)
const gateway = createGateway(backend)
const listening = await startGatewayServer(gateway)
try {
  const db = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
  await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
  const figures = await reportThroughQueue({
    db,
    env: {
      DATABASE_URL: gateway.url,
      DATABASE_GATEWAY_URL: listening.endpoint,
      PUBLIC_URL: 'https://flowkeep.example.com',
      CREDENTIAL_KEYS: ring(),
      ACCESS_TOKEN_KEYS: ring(),
      REFRESH_TOKEN_KEYS: ring(),
      PASSWORD_PEPPERS: ring(),
      FINGERPRINT_KEY: key(),
    },
    executions,
    diesAt: [5, 20],
  })
  console.log(figures)
  if (figures.rows !== executions || figures.counted !== executions) process.exitCode = 1
} finally {
  await listening.close()
  await backend.close()
  await server.stop()
}
