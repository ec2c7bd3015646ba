/**
 * Rotates 5,000 credentials under 4 writers, with 2 kills, with plain keys and with keys wrapped by a KMS:
 * `npx tsx bench/rotation.ts [rows]`.
 */
import { randomBytes } from 'node:crypto'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { fakeKms } from '../test/harness/kms/services.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { rotateUnderLoad } from '../test/harness/rotation.ts'

const rows = Number(process.argv[2] ?? 5_000)
const key = () => randomBytes(32).toString('base64')
const ring = () => JSON.stringify({ active: 'k1', keys: { k1: key() } })
const env = {
  PUBLIC_URL: 'https://flowkeep.example.com',
  ACCESS_TOKEN_KEYS: ring(),
  REFRESH_TOKEN_KEYS: ring(),
  PASSWORD_PEPPERS: ring(),
  FINGERPRINT_KEY: key(),
  FLOWKEEP_STATE: '/nonexistent',
}

for (const service of [null, 'aws', 'gcp', 'vault'] as const) {
  const server = await startPostgres()
  const backend = postgresBackend(server.url)
  const kms = service === null ? undefined : await fakeKms(service)
  try {
    const gateway = createGateway(backend)
    const db = createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 60_000 })
    await migrate({ sql: db.$client, migrations: await readMigrations('drizzle') })
    const figures = await rotateUnderLoad({
      db,
      postgresUrl: server.url,
      env,
      rows,
      writers: 4,
      kills: 2,
      ...(kms && { kms }),
    })
    console.log(`${service ?? 'plain keys'}: ${rows} credentials, ${JSON.stringify(figures)}`)
  } finally {
    await kms?.close()
    await backend.close()
    await server.stop()
  }
}
