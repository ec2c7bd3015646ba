/** @module The state in which every seed starts: a user with two instances, two workflows and a credential. */
import { createHash } from 'node:crypto'
import bcrypt from '@node-rs/bcrypt'
import { createApp } from '../../src/app.ts'
import { loadParser } from '../../src/check/code/parser.ts'
import { loadNodeIndex } from '../../src/check/facts/load.ts'
import { type Config, parseConfig } from '../../src/config.ts'
import { createDeps, type Runtime } from '../../src/deps.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { ensurePartitions } from '../../src/db/expired-rows.ts'
import { users } from '../../src/db/schema/users.ts'
import { testEnvironment } from '../harness/app.ts'
import { createPgliteTestDatabase, type TestDatabase } from '../harness/database.ts'
import { createN8nStub, type N8nStub } from '../harness/n8n-stub.ts'
import { orders } from '../deployments/orders.ts'
import { beDeterministic } from './determinism.ts'
import { v7 as uuidv7 } from './uuid.ts'

export const startMs = Date.parse('2026-05-04T10:00:00Z')

export interface Fixture {
  database: TestDatabase
  config: Config
  userId: string
  instances: { id: string; token: string }[]
  workflows: { id: string; path: string }[]
  /** Restores this state, also of the sources of randomness in the database. */
  begin: (seed: number) => Promise<void>
}

/** The n8n server of an instance, without any content. */
export const createSite = (number: number): Promise<N8nStub> =>
  createN8nStub({
    baseUrl: `https://n8n${number}.example.com`,
    apiKey: `key${number}`,
    now: () => new Date(Date.now()),
    publishDelayMs: 700,
    unpublishDelayMs: 200,
  })

export const runtimeOf = (
  more: Pick<Runtime, 'databaseFetch' | 'instanceFetch' | 'writeLog' | 'wait'>,
): Runtime => ({
  name: 'node',
  compareBcrypt: bcrypt.compare,
  maxHashesInFlight: 8,
  defer: (work) => void work.catch(() => undefined),
  clientIp: () => '203.0.113.7',
  now: () => new Date(),
  publicFetch: () => Promise.reject(new TypeError('fetch failed')),
  ...more,
})

const key = (name: string) => createHash('sha256').update(name).digest('base64')
const ring = (name: string) => JSON.stringify({ active: 'k1', keys: { k1: key(name) } })

export async function createFixture(): Promise<Fixture> {
  // The scheduler does not see that a module or a file is loading.
  await Promise.all([loadCatalogue(), loadParser(), loadNodeIndex()])
  const database = await createPgliteTestDatabase({ keepsPlans: true })
  const config = parseConfig(
    testEnvironment({
      DATABASE_URL: database.url,
      CREDENTIAL_KEYS: ring('credentials'),
      ACCESS_TOKEN_KEYS: ring('access'),
      REFRESH_TOKEN_KEYS: ring('refresh'),
      PASSWORD_PEPPERS: ring('peppers'),
      FINGERPRINT_KEY: key('fingerprint'),
    }),
  )
  const { quiet, restore } = beDeterministic(0, startMs)
  try {
    await ensurePartitions(database.db)
    return { database, config, ...(await createContent(database, config)), begin: await saveState(database) }
  } finally {
    await quiet()
    restore()
  }
}

async function createContent(database: TestDatabase, config: Config) {
  const stubs = await Promise.all([0, 1].map(createSite))
  const deps = createDeps(
    config,
    runtimeOf({
      databaseFetch: database.gateway.fetch,
      instanceFetch: (input, init) =>
        stubs.find(({ baseUrl }) => new Request(input).url.startsWith(baseUrl))!.fetch(input, init),
      writeLog: () => undefined,
    }),
  )
  const app = createApp(deps)
  const userId = uuidv7()
  await deps.db
    .insert(users)
    .values({ id: userId, email: `${userId}@example.com`, passwordHash: 'none', pepperId: 'p1' })
  const { accessToken } = await deps.accessTokens.sign({ userId, sessionId: userId })
  const headers = { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json' }
  const make = async (path: string, body: object) => {
    const answer = await app.request(path, { method: 'POST', headers, body: JSON.stringify(body) })
    const made: { id: string; webhookToken: string } = await answer.json()
    if (answer.status !== 201) throw new Error(JSON.stringify(made))
    return made
  }
  const instances = []
  for (const { baseUrl, apiKey } of stubs) {
    const made = await make('/v1/instances', { name: baseUrl.slice(8, 12), baseUrl, apiKey })
    instances.push({ id: made.id, token: made.webhookToken })
  }
  await make('/v1/credentials', { type: 'slackApi', name: 'Slack', data: { accessToken: 'xoxb-1' } })
  const workflows = []
  for (const path of ['path-0', 'path-1']) {
    const { id } = await make('/v1/workflows', { workflow: orders({ path, name: `Orders ${path}` }) })
    workflows.push({ id, path })
  }
  return { userId, instances, workflows }
}

/** Copies every row that the fixture consists of, and restores exactly these rows. */
async function saveState({ sql }: TestDatabase): Promise<Fixture['begin']> {
  const tables = await sql`select c.oid::regclass::text as name,
      string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.oid::regclass::text <> 'flowkeep_migrations'
    group by c.oid`
  // So that no statement depends on how often it ran before.
  await sql.query('set plan_cache_mode = force_generic_plan')
  await sql.query('create schema saved')
  const restoring: string[] = []
  const clearing: string[] = []
  for (const { name, columns } of tables) {
    clearing.push(`delete from ${String(name)};`)
    const [row] = await sql.query(`select exists (select from ${String(name)}) as filled`)
    if (row?.['filled'] !== true) continue
    await sql.query(`create table saved.${String(name)} as select ${String(columns)} from ${String(name)}`)
    restoring.push(
      `insert into ${String(name)} (${String(columns)}) overriding system value select ${String(columns)} from saved.${String(name)};`,
    )
  }
  await sql.query('create sequence saved.uuids')
  // The original reads from a buffer that outlives a seed.
  await sql.query(`create or replace function pg_catalog.gen_random_uuid() returns uuid volatile language sql
    as $$ select md5(nextval('saved.uuids')::text)::uuid $$`)
  await sql.query(`create function saved.clear() returns void language plpgsql as $$ begin
    set local session_replication_role = replica;
    ${clearing.join('\n')}
    end $$`)
  await sql.query(`create function saved.begin_seed(seed integer) returns void language plpgsql as $$ begin
    set local session_replication_role = replica;
    ${restoring.join('\n')}
    perform setval(pg_get_serial_sequence('execution_changes', 'id'), 1, false);
    perform setval('saved.uuids', seed * 100000::bigint + 1);
    perform setseed(1.0 / (seed + 1));
    end $$`)
  return async (seed) => {
    await sql.query('select saved.clear()')
    // Otherwise, the order of rows in a scan would depend on the space that earlier seeds left.
    await sql.query('vacuum (index_cleanup on, truncate on)')
    await sql`select saved.begin_seed(${seed})`
  }
}
