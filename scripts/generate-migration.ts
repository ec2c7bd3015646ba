/**
 * @module `npm run db:generate -- --name <what-changes>`: writes the next migration from the Drizzle schema and
 * `drizzle/functions/`, updates `src/db/schema-version.ts`, dumps the resulting schema to `drizzle/schema.sql`, and
 * deletes all drizzle-kit snapshots except the newest.
 */
import { spawnSync } from 'node:child_process'
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { planMigrations } from '../src/cli/migrate/plan.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { dumpSchema, functionChanges, type Query, readFunctions } from './schema-sql.ts'

const folder = 'drizzle'
const versionFile = 'src/db/schema-version.ts'
const drizzleKit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs')

function drizzleGenerate(...more: string[]): void {
  const args = [drizzleKit, 'generate', ...process.argv.slice(2), ...more]
  const { status } = spawnSync(process.execPath, args, { stdio: ['inherit', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error('drizzle-kit generate failed')
}

const newest = async () => (await readMigrations(folder)).at(-1)?.name ?? ''

async function withMigrated<T>(use: (query: Query) => Promise<T>): Promise<T> {
  const server = await startPostgres()
  const backend = postgresBackend(server.url, { statementTimeoutMs: 0 })
  const client = new Client({ connectionString: server.url })
  try {
    const gateway = createGateway(backend)
    const { $client: sql } = createDb({
      databaseUrl: gateway.url,
      fetch: gateway.fetch,
      timeoutMs: 600_000,
    })
    await migrate({ sql, migrations: await readMigrations(folder) })
    await client.connect()
    return await use(async (statement) => (await client.query<Record<string, unknown>>(statement)).rows)
  } finally {
    await client.end()
    await backend.close()
    await server.stop()
  }
}

const before = await newest()
drizzleGenerate()
const changes = await withMigrated(async (query) =>
  functionChanges(query, await readFunctions(join(folder, 'functions'))),
)
if (changes.length > 0) {
  if ((await newest()) === before) drizzleGenerate('--custom')
  const file = join(folder, `${await newest()}.sql`)
  const isCustom = (await readFile(file, 'utf8')).startsWith('-- Custom SQL')
  if (isCustom) await writeFile(file, '')
  const separator = isCustom ? '' : '\n--> statement-breakpoint\n'
  await appendFile(file, `${separator}${changes.join('\n--> statement-breakpoint\n')}\n`)
}
// drizzle-kit only compares with the newest snapshot.
const meta = join(folder, 'meta')
const snapshots = (await readdir(meta)).filter((name) => name.endsWith('_snapshot.json')).toSorted()
for (const name of snapshots.slice(0, -1)) await rm(join(meta, name))

const version = await newest()
const plan = await planMigrations(await readMigrations(folder), [version])
// A release can serve before the migrations that follow its deploy.
const required = plan.pending[0]?.phase === 'contract' ? null : version
const versionText = await readFile(versionFile, 'utf8')
if (required !== null)
  await writeFile(versionFile, versionText.replace(/schemaVersion = '.*'/, `schemaVersion = '${required}'`))
await writeFile(join(folder, 'schema.sql'), await withMigrated(dumpSchema))
for (const objection of plan.objections) console.warn(objection)
console.log(version === before ? 'No changes: no migration was written.' : `Wrote ${folder}/${version}.sql`)
