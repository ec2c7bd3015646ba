/** The analysis that proves the owner filter: what it must find, and what it must accept. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { unownedIn } from '../harness/owner-filter/analysis.ts'
import { type Catalog, readCatalog } from '../harness/owner-filter/catalog.ts'

const me = '01890000-0000-7000-8000-000000000001'
const instance = '01890000-0000-7000-8000-000000000002'
let database: TestDatabase
let catalog: Catalog

beforeAll(async () => {
  database = await createTestDatabase()
  catalog = await readCatalog(database.sql)
})
afterAll(() => database.close())

const found = (query: string, params: unknown[] = [me]) =>
  unownedIn({ query, params }, { userIds: new Set([me]) }, catalog)

test.each([
  ['no condition', 'select * from workflows', ['workflows: read']],
  ['only an ID', 'select * from workflows where id = $1', ['workflows: read'], ['x']],
  ['a column that equals itself', 'select * from workflows w where w.user_id = user_id', ['workflows: read']],
  [
    'an inner column of the same name',
    'select (select count(*) from workflows w where w.user_id = "user_id") from releases where releases.user_id = $1',
    ['workflows: read'],
  ],
  [
    'one branch of an OR',
    "select * from workflows where user_id = $1 or name = 'shared'",
    ['workflows: read'],
  ],
  [
    'a condition on the other side of an outer join',
    'select * from workflows w left join instances i on i.user_id = $1 and w.user_id = $1',
    ['workflows: read'],
  ],
  [
    'a join without a key',
    'select * from workflows w join instances i on i.name = w.name where w.user_id = $1',
    ['instances: read'],
  ],
  ['a subquery', 'select (select count(*) from instances) from users where id = $1', ['instances: read']],
  [
    'one part of a union',
    'select id from workflows where user_id = $1 union all select id from workflows',
    ['workflows: read'],
  ],
  ["another user's ID", 'select * from workflows where user_id = $1', ['workflows: read'], ['someone']],
  ['an update', "update workflows set name = 'x' where id = $1", ['workflows: update'], ['x']],
  ['a deletion', 'delete from workflows using users u where u.id = $1', ['workflows: delete']],
  [
    'an insert of another owner',
    "insert into environments (user_id, name) select id, 'x' from users",
    ['users: read', 'environments: insert'],
  ],
  [
    'a conflict on a key without the owner',
    "insert into users (id, email, password_hash, pepper_id) values ($1, 'a', 'b', 'c') on conflict (email) do update set name = 'x'",
    ['users: update on conflict'],
  ],
  [
    'a CTE that changes rows',
    'with gone as (delete from workflows where id = $2 returning id) select * from users where id = $1',
    ['workflows: delete'],
    [me, 'x'],
  ],
] as [string, string, string[], unknown[]?][])('finds %s', async (_, query, expected, params) => {
  expect(await found(query, params)).toEqual(expected)
})

test.each([
  ['the owner', 'select * from workflows where user_id = $1::uuid and id = $2'],
  [
    'a foreign key with the owner',
    'select * from deployments d join workflows w on w.id = d.workflow_id where d.user_id = $1',
  ],
  [
    'two rows that refer to one workflow',
    'select * from deployments d join workflow_versions v on v.workflow_id = d.workflow_id where d.user_id = $1',
  ],
  [
    'the same row twice',
    "update workflows w set name = 'x' from (select id from workflows where user_id = $1 for update) mine where w.id = mine.id",
  ],
  [
    'a correlated subquery',
    'select (select count(*) from deployments d where d.user_id = w.user_id) from workflows w where w.user_id = $1',
  ],
  [
    'a lateral subquery before the condition',
    'select * from workflows w cross join lateral (select 1 from deployments d where d.user_id = w.user_id) x where w.user_id = $1',
  ],
  [
    'a CTE',
    'with mine as (select * from workflows where user_id = $1) select * from mine m join deployments d on d.workflow_id = m.id',
  ],
  [
    'an outer join',
    'select * from workflows w left join instances i on i.user_id = w.user_id left join deployments d on d.user_id = i.user_id where w.user_id = $1',
  ],
  [
    'every branch of an OR',
    "select * from workflows where (user_id = $1 and name = 'a') or (user_id = $1 and name = 'b')",
  ],
  [
    'an IN list of a subquery',
    'select * from deployments where workflow_id in (select id from workflows where user_id = $1)',
  ],
  [
    'an insert',
    "insert into environments (user_id, name) values ($1, 'x') on conflict (user_id, name) do update set name = 'y'",
  ],
] as [string, string][])('accepts %s', async (_, query) => {
  expect(await found(query, [me, 'x'])).toEqual([])
})

test('accepts rows of an instance that the request named with a secret', async () => {
  const statement = { query: 'select * from deployments where instance_id = $1', params: [instance] }
  const owner = { userIds: new Set([me]) }
  expect(await unownedIn(statement, owner, catalog)).toEqual(['deployments: read'])
  const verified = [{ table: 'instances', id: instance }]
  expect(await unownedIn(statement, { ...owner, verified }, catalog)).toEqual([])
})
