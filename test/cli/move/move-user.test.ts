/** `flowkeep users move`: every row arrives unchanged, at whichever point the move is interrupted. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { abortMove, type MoveOptions, moveUser } from '../../../src/cli/move/move-user.ts'
import { readUserTables, sharedTables } from '../../../src/cli/move/user-tables.ts'
import { inTransaction } from '../../../src/cli/backup/transaction.ts'
import {
  type CatalogTable,
  contentOf,
  readTables,
  type TableContent,
} from '../../../src/db/backup/catalog.ts'
import { createKeyCheck } from '../../../src/db/key-check.ts'
import { toAppError } from '../../../src/http/problem.ts'
import { randomRing } from '../../crypto/rings.ts'
import { createPgliteTestDatabase, createTestDatabase, type TestDatabase } from '../../harness/database.ts'
import { insertOddRows, rings, userId } from '../backup/odd-rows.ts'

const email = 'odd@example.com'
const url = 'https://second.example.com'
const otherId = '01900000-0000-7000-8000-0000000000ff'
const keys = rings()

let source: TestDatabase
let target: TestDatabase

beforeAll(async () => {
  source = await createTestDatabase()
  target = await createTestDatabase()
  await insertOddRows(source, keys, 300)
  await insertMore(source)
  await createKeyCheck(target.db, keys.CREDENTIAL_KEYS).verified()
  await target.sql`insert into users (id, email, password_hash, pepper_id) values (${otherId}, 'there@example.com', 'h', 'p1')`
})
afterAll(async () => {
  await source.close()
  await target.close()
})

/** Rows of the tables that `insertOddRows` leaves empty, and of another user. */
async function insertMore({ sql }: TestDatabase): Promise<void> {
  await sql`insert into users (id, email, password_hash, pepper_id) values (${otherId}, 'other@example.com', 'h', 'p1')`
  await sql`insert into sessions (id, user_id, expires_at) select gen_random_uuid(), id, now() + interval '1 day' from users`
  await sql`insert into audit_events (id, user_id, action) select gen_random_uuid(), id, 'user.updated' from users, generate_series(1, 3)`
  await sql`insert into idempotency_keys (user_id, key, route, body_hash, resource_id) values (${userId}, 'k', 'r', 'h', gen_random_uuid())`
  await sql`insert into webhook_tokens (id, user_id, instance_id, label, hash)
    select gen_random_uuid(), user_id, id, 'token', 'hash' from instances`
  await sql`delete from execution_changes`
  await sql`insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at,
      sign, status, started_at, finished_at, node_names, node_counts)
    select user_id, deployment_id, workflow_id, instance_id, 1, recorded_at, 1, status, recorded_at, recorded_at, null, null
    from executions`
  await sql`insert into error_groups (user_id, fingerprint, recorded_month, message) values (${userId}, 'f', '2026-01-01', 'm')`
}

const options = (change: Partial<MoveOptions> = {}): MoveOptions => ({
  source: source.backend,
  target: target.backend,
  email,
  url,
  rings: keys,
  isResumed: false,
  ...change,
})

const contentOfUserIn = (database: TestDatabase, id = userId): Promise<Record<string, TableContent>> =>
  inTransaction(database.backend, 'snapshot', async (query) => {
    const contents: Record<string, TableContent> = {}
    for (const table of await readUserTables(query)) {
      const column = table.name === 'users' ? 'id' : 'user_id'
      contents[table.name] = await contentOf(query, table, `${column} = '${id}'`)
    }
    return contents
  })

const rowsIn = (content: Record<string, TableContent>) =>
  Object.values(content).reduce((sum, { rows }) => sum + rows, 0)

const triggersIn = async ({ sql }: TestDatabase) =>
  (await sql`select tgname from pg_trigger where tgname like 'move\_%'`).length

class Killed extends Error {}

/** Stops a move after the first step that matches. */
const killAt = (step: RegExp) => (done: string) => {
  if (step.test(done)) throw new Killed(done)
}

test('every table has an owner, or is listed as shared', async () => {
  const tables = await inTransaction(source.backend, 'snapshot', readTables)
  const unknown = tables.filter(
    ({ name, columns }: CatalogTable) =>
      name !== 'users' && !sharedTables.has(name) && columns.every((column) => column.name !== 'user_id'),
  )
  expect(unknown.map(({ name }) => name)).toEqual([])
  // Copied IDs could collide with IDs that the target assigns.
  const identity = await source.sql`select table_name::text from information_schema.columns
    where table_schema = 'public' and is_identity = 'YES'`
  expect(identity.map(({ table_name: name }) => name)).toEqual(['execution_changes'])
})

test('moves every row of one user with its pending changes to another kind of database and back, and nothing of others', async () => {
  const total = (database: TestDatabase) =>
    database.sql`select sum(success)::integer as runs from execution_stats_now where user_id = ${userId} and grain = 'day'`
  const pending = await source.sql`select 1 from execution_changes where user_id = ${userId}`
  expect(pending).toHaveLength(300)
  const runs = await total(source)
  const others = await contentOfUserIn(source, otherId)
  const embedded = await createPgliteTestDatabase()
  try {
    await createKeyCheck(embedded.db, keys.CREDENTIAL_KEYS).verified()
    await moveUser(options({ target: embedded.backend }))
    expect(await total(embedded)).toEqual(runs)
    expect(rowsIn(await contentOfUserIn(source))).toBe(0)
    expect(await contentOfUserIn(source, otherId)).toEqual(others)
    expect(
      await source.sql`select state, email, url, cardinality(instance_ids) as instances from user_routes`,
    ).toEqual([{ state: 'moved', email, url, instances: 1 }])
    expect(await embedded.sql`select 1 from user_routes`).toEqual([])

    const before = await contentOfUserIn(embedded)
    const back = await moveUser(options({ source: embedded.backend, target: source.backend }))
    expect(await contentOfUserIn(source)).toEqual(before)
    expect(back.tables.reduce((sum, { rows }) => sum + rows, 0)).toBe(rowsIn(before))
    expect(rowsIn(await contentOfUserIn(embedded))).toBe(0)
    expect(await source.sql`select 1 from user_routes`).toEqual([])
    expect([await triggersIn(source), await triggersIn(embedded)]).toEqual([0, 0])
  } finally {
    await embedded.close()
  }
})

const beforeSwitch = [
  /^source read-only$/,
  /^target read-only$/,
  /^copied \d+ executions$/,
  /^copied$/,
  /^compared$/,
]
const afterSwitch = [/^switched$/, /^activated$/, /^deleted executions$/, /^deleted users$/]

test('interrupted at nine places, one move resumes each time, and loses nothing', async () => {
  const before = await contentOfUserIn(source)
  let resumed: Partial<MoveOptions> = {}
  for (const step of [...beforeSwitch, ...afterSwitch]) {
    await expect(moveUser(options({ ...resumed, onStep: killAt(step) }))).rejects.toThrow(Killed)
    await expect(moveUser(options())).rejects.toThrow(/--resume|was moved/)
    resumed = { isResumed: true, url: null }
    if (step !== afterSwitch[0]) continue
    const abort = abortMove({ source: source.backend, target: target.backend, email })
    await expect(abort).rejects.toThrow('Finish the move with --resume')
  }
  await moveUser(options(resumed))
  expect(await contentOfUserIn(target)).toEqual(before)
  expect(rowsIn(await contentOfUserIn(source))).toBe(0)
  expect([await triggersIn(source), await triggersIn(target)]).toEqual([0, 0])

  // An account that returns keeps its route until it is back.
  const back = { source: target.backend, target: source.backend, url: 'https://first.example.com' }
  await expect(moveUser(options({ ...back, onStep: killAt(/^copied$/) }))).rejects.toThrow(Killed)
  await abortMove({ ...back, email })
  expect(await source.sql`select state, url from user_routes`).toEqual([{ state: 'moved', url }])
  await moveUser(options(back))
  await target.sql`delete from user_routes`
  expect(await contentOfUserIn(source)).toEqual(before)
})

test('interrupted at five places, a move can be aborted, and leaves nothing', async () => {
  const before = await contentOfUserIn(source)
  const abort = { source: source.backend, target: target.backend, email }
  for (const step of beforeSwitch) {
    await expect(moveUser(options({ onStep: killAt(step) }))).rejects.toThrow(Killed)
    await expect(abortMove({ ...abort, onStep: killAt(/./) })).rejects.toThrow(Killed)
    await expect(moveUser(options({ isResumed: true, url: null }))).rejects.toThrow('is being aborted')
    await abortMove(abort)
    expect(await contentOfUserIn(source)).toEqual(before)
    expect(rowsIn(await contentOfUserIn(target))).toBe(0)
    expect(await target.sql`select id from users`).toEqual([{ id: otherId }])
    for (const database of [source, target]) {
      expect(await triggersIn(database)).toBe(0)
      expect(await database.sql`select 1 from user_routes`).toEqual([])
    }
  }
  await source.sql`update users set name = 'writable' where id = ${userId}`
})

test('while it is copied, its writes fail, and jobs and other users are not affected', async () => {
  await expect(moveUser(options({ onStep: killAt(/^compared$/) }))).rejects.toThrow(Killed)
  const statements = [
    `insert into audit_events (id, user_id, action) values (gen_random_uuid(), '${userId}', 'x')`,
    `insert into sessions (id, user_id, expires_at) values (gen_random_uuid(), '${userId}', now())`,
    `update sessions set generation = 2 where user_id = '${userId}'`,
    `update users set name = 'x' where id = '${userId}'`,
    `delete from workflows where user_id = '${userId}'`,
    `insert into execution_keys (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp)
     values (gen_random_uuid(), 'x', gen_random_uuid(), now(), '${userId}', 'success', 's')`,
  ]
  for (const { sql } of [source, target]) {
    for (const statement of statements) {
      const error = toAppError(await sql.query(statement).catch((failure: unknown) => failure))
      expect(error, statement).toMatchObject({ code: 'account-moving', retryAfterSeconds: 30 })
    }
    await sql`update users set name = 'x' where id = ${otherId}`
  }
  const before = await contentOfUserIn(source)
  await source.sql`update executions set data = null`
  await source.sql`delete from sessions`
  await source.sql`delete from execution_stats`
  expect(await contentOfUserIn(source)).toEqual(before)
  expect(await source.sql`select 1 from sessions where user_id = ${otherId}`).toEqual([])
  await abortMove({ source: source.backend, target: target.backend, email })
})

test('refuses an unknown account, and one that is in the target', async () => {
  await expect(moveUser(options({ email: 'nobody@example.com' }))).rejects.toThrow('No account has')
  await expect(moveUser(options({ target: source.backend }))).rejects.toThrow('already has this account')
  await target.sql`update users set email = 'Odd@Example.com' where id = ${otherId}`
  await expect(moveUser(options())).rejects.toThrow('Another account in the target')
  await target.sql`update users set email = 'there@example.com' where id = ${otherId}`
})

test('refuses if the target does not have the keys, and names them', async () => {
  const { CREDENTIAL_KEYS: ring, PASSWORD_PEPPERS } = keys
  const k1 = { active: 'k1', keys: new Map([...ring.keys].filter(([id]) => id === 'k1')) }
  await expect(moveUser(options({ rings: { CREDENTIAL_KEYS: k1, PASSWORD_PEPPERS } }))).rejects.toThrow(
    'CREDENTIAL_KEYS is missing k2',
  )
  await expect(moveUser(options({ rings: { CREDENTIAL_KEYS: ring } }))).rejects.toThrow(
    'PASSWORD_PEPPERS is missing p1',
  )
  await target.sql`delete from key_checks where key_id = 'k2'`
  await expect(moveUser(options())).rejects.toThrow('the target has never used k2')
  await createKeyCheck(target.db, randomRing('k2')).verified()
  await expect(moveUser(options())).rejects.toThrow('the target has a different key under the ID k2')
  expect(await source.sql`select 1 from user_routes`).toEqual([])
})

test('refuses another schema', async () => {
  await target.sql`delete from flowkeep_migrations where position = (select max(position) from flowkeep_migrations)`
  await expect(moveUser(options())).rejects.toThrow('Migrate both to the same release')
})
