/** @module The application on a real Postgres, behind an endpoint that fails at random, and a client that retries. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { postgresBackend } from '../../src/db/gateway/postgres.ts'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { createTestApp, type Answer, type TestApp, type TestUser } from '../harness/app.ts'
import { createTestDatabase, type TestDatabase, testDatabaseOn } from '../harness/database.ts'
import { failingAtRandom, type FaultyEndpoint } from '../harness/database-faults.ts'
import { MIGRATIONS_DIR, migrated, withDatabase } from '../harness/global-setup.ts'
import { NOBODY, type PostgresServer, startPostgres } from '../harness/postgres-server.ts'
import { seeded } from '../harness/random.ts'
import { orders } from '../deployments/orders.ts'

export const isFull = process.env['FLOWKEEP_FULL'] === '1'
/** The size of a test in `npm run test:faults`, and in `npm test`. */
export const scaled = (full: number, short: number): number => (isFull ? full : short)

export interface FaultWorld extends TestApp {
  endpoint: FaultyEndpoint
}

/**
 * @param database by default one with the timeouts of production
 * @param env with the keys of the servers that share the database
 */
export async function createFaultWorld(
  seed: number,
  database?: TestDatabase,
  env: Record<string, string> = {},
): Promise<FaultWorld> {
  const base =
    database ??
    (await createTestDatabase({
      connectTimeoutMs: 2000,
      lockTimeoutMs: 2000,
      statementTimeoutMs: 8000,
    }))
  const endpoint = failingAtRandom(base.gateway.fetch, seeded(seed))
  const app = await createTestApp({
    database: base,
    // At full size, one user creates more credentials than the default quota.
    env: { QUOTA_CREDENTIALS: '100000', ...env, DATABASE_URL: base.url, LOG_LEVEL: 'warn' },
    runtime: { databaseFetch: endpoint.fetch },
  })
  return { ...app, endpoint }
}

/** A server of its own, that survives `kill` with everything it acknowledged. */
export async function startOwnPostgres(
  settings: Record<string, string> = {},
): Promise<{ server: PostgresServer; url: string }> {
  // Without it, a commit is acknowledged before it is in the log.
  const server = await startPostgres(undefined, { synchronous_commit: 'on', ...settings })
  const url = withDatabase(server.url, 'postgres')
  await migrated(postgresBackend(url), await readMigrations(MIGRATIONS_DIR))
  return { server, url }
}

export const onPostgres = (url: string, maxConnections = 10): TestDatabase =>
  testDatabaseOn(postgresBackend(url, { maxConnections }))

export interface SmallDisk {
  folder: string
  remove: () => Promise<void>
}

/** A file system in memory for a tablespace. Null where this process must not mount one. */
export async function mountSmallDisk(mebibytes: number): Promise<SmallDisk | null> {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-disk-'))
  const run = promisify(execFile)
  const options = `size=${mebibytes}m,uid=${NOBODY},gid=${NOBODY},mode=700`
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).then(
    () => true,
    () => false,
  )
  if (!mounted) {
    await rm(folder, { recursive: true })
    return null
  }
  return {
    folder,
    remove: async () => {
      await run('umount', ['--lazy', folder])
      await rm(folder, { recursive: true })
    },
  }
}

/** What a client may see while the database fails: success, or an error that says when to retry. */
export function expectRetriable(answer: Answer, where: string): void {
  const { status, headers, text } = answer
  if (status >= 200 && status < 300) return
  expect({ where, status, text }).toMatchObject({ status: expect.toBeOneOf([429, 503]) })
  expect(headers.get('Retry-After')).toMatch(/^\d+$/)
  expect(text).not.toContain('planted')
}

export interface Operation {
  name: string
  /** Unchanged in every retry. */
  send: () => Promise<Answer>
}

/** Creations with idempotency keys, reports, changes and reads of a user, in turn. */
export function mixedOperations(user: TestUser, count: number, label: string): Operation[] {
  const key = (index: number) => ({ 'Idempotency-Key': `${label} ${index}` })
  return Array.from({ length: count }, (_, index) => {
    switch (index % 4) {
      case 0: {
        const body = { workflow: orders({ path: `${label}-${index}`, name: `${label} ${index}` }) }
        return {
          name: 'workflow',
          send: () => user.call('POST', '/v1/workflows', { body, headers: key(index) }),
        }
      }
      case 1: {
        const body = { type: 'slackApi', name: `${label} ${index}`, data: { accessToken: `xoxb-${index}` } }
        return {
          name: 'credential',
          send: () => user.call('POST', '/v1/credentials', { body, headers: key(index) }),
        }
      }
      case 2:
        return { name: 'list', send: () => user.call('GET', '/v1/workflows?limit=5') }
      default:
        return { name: 'summary', send: () => user.call('GET', '/v1/analytics/summary') }
    }
  })
}

export interface Outcome {
  answers: number
  refused: number
  /** IDs by the name of the operation. */
  created: Map<string, string[]>
  /** Milliseconds of every answer, ascending. */
  times: number[]
}

/** Sends every operation until it succeeds, `width` at a time. Every answer must be a success or retriable. */
export async function untilDone(operations: readonly Operation[], width: number): Promise<Outcome> {
  const outcome: Outcome = { answers: 0, refused: 0, created: new Map(), times: [] }
  const queue = [...operations]
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const startedAt = performance.now()
      const answer = await next.send()
      outcome.times.push(performance.now() - startedAt)
      outcome.answers += 1
      expectRetriable(answer, next.name)
      if (answer.status >= 300) {
        outcome.refused += 1
        queue.push(next)
      } else if (answer.status === 201) {
        const ids = outcome.created.get(next.name) ?? []
        outcome.created.set(next.name, [...ids, String(answer.json.id)])
      }
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  outcome.times.sort((one, other) => one - other)
  return outcome
}

/** Every creation that was acknowledged is stored, exactly once. */
export async function expectStored(
  { database }: TestApp,
  user: TestUser,
  { created }: Outcome,
): Promise<number> {
  let rows = 0
  for (const [kind, ids] of created) {
    const stored = await database.sql.query(`select id from ${kind}s where user_id = $1`, [user.id])
    expect(stored.map(({ id }) => String(id)).toSorted()).toEqual(ids.toSorted())
    rows += ids.length
  }
  return rows
}
