/** Which statements of a migration need a mark. */
import { describe, expect, test } from 'vitest'
import { expandOf, planMigrations, planText } from '../../../src/cli/migrate/plan.ts'
import { hazardsOf, objectionsTo } from '../../../src/cli/migrate/rules.ts'

const migration = (sql: string, name = '9000_change') => ({ name, sql })
const effects = async (sql: string) =>
  (await hazardsOf(migration(sql))).map(({ kind, effect }) => `${kind}: ${effect}`)

test.each([
  ['drop table "users"', 'destructive: Drops a table: "users"'],
  ['drop view a, b', 'destructive: Drops a view: "a", "b"'],
  ['drop function record(jsonb)', 'destructive: Drops a function: "record"'],
  ['drop index i', 'destructive: Drops an index: "i"'],
  ['drop trigger t on workflows', 'destructive: Drops a trigger: "workflows.t"'],
  ['DROP SCHEMA x CASCADE', 'destructive: Drops a schema: "x"'],
  ['truncate users', 'destructive: Empties a table'],
  ['delete from users where id is null', 'destructive: Deletes rows of "users"'],
  [
    'with gone as (delete from credentials returning id) select count(*) from gone',
    'destructive: Deletes rows of "credentials"',
  ],
  ['alter table users drop column name', 'destructive: Drops the column "name" of "users"'],
  ['alter table users drop constraint c', 'destructive: Drops the constraint "c" of "users"'],
  [
    'alter table users alter column name type varchar(3)',
    'destructive: Changes the type of the column "name" of "users", which rewrites the table',
  ],
  [
    'alter table users alter column name set not null',
    'destructive: Rejects rows of "users" without "name", which the running release may write',
  ],
  [
    'alter table users alter column name drop default',
    'destructive: Drops the default of the column "name" of "users"',
  ],
  ['alter table users rename column name to title', 'destructive: Renames a column to "title"'],
  ['alter table users rename to people', 'destructive: Renames a table to "people"'],
  ['alter table users set schema old', 'destructive: Moves a table to another schema or owner'],
  [
    'alter table users add column age integer not null',
    'destructive: Adds the column "age" to "users", which the running release does not fill',
  ],
  ['revoke select on users from app', 'destructive: Revokes a permission'],
  [
    "do $$ begin execute 'drop table users'; end $$",
    'destructive: Runs a code block that may change or remove data',
  ],
  [
    'alter table executions detach partition executions_2026_11',
    'destructive: Removes a partition, trigger or other property of "executions"',
  ],
  ['create index i on executions (status)', 'locks: Blocks writes to "executions" while it builds an index'],
  [
    'alter table executions add column at timestamptz default clock_timestamp()',
    'locks: Rewrites "executions" to fill the column "at"',
  ],
  [
    'alter table execution_keys add constraint c check (epoch > 0)',
    'locks: Checks all rows of "execution_keys" while it is locked; add the constraint as "not valid" and validate it in a later migration',
  ],
  [
    'alter table execution_keys add constraint u unique (n8n_execution_id)',
    'locks: Builds an index while "execution_keys" is locked',
  ],
  ["update executions set mode = 'x'", 'locks: Updates the large table "executions" in one statement'],
  [
    'merge into users u using sessions s on u.id = s.user_id when matched then delete',
    'destructive: Deletes rows of "users"',
  ],
  [
    "merge into executions e using sessions s on e.user_id = s.user_id when matched then update set mode = 'x'",
    'locks: Updates the large table "executions" in one statement',
  ],
  ['alter table executions add column n bigserial', 'locks: Rewrites "executions" to fill the column "n"'],
  ['lock table users', 'locks: Locks a table while it runs'],
])('finds the hazard of %j', async (sql, expected) => {
  expect(await effects(sql)).toEqual([expected])
})

test.each([
  'create table notes (id integer primary key, body text not null)',
  'alter table users add column note text',
  "alter table users add column note text not null default ''",
  'alter table executions add column seen_at timestamptz default now()',
  'alter table executions add constraint c check (status is not null) not valid',
  'alter table executions validate constraint c',
  'alter table users drop constraint users_plan_check',
  'alter table users alter column name drop not null',
  'create index concurrently if not exists i on execution_keys (epoch)',
  'create index i on users (name)',
  "update users set name = '' where name is null",
  "merge into users u using sessions s on u.id = s.user_id when matched then update set name = ''",
  'alter table users add column n serial',
  'alter index i rename to j',
  'create or replace function f() returns void language sql as $$ delete from users; drop table users $$',
  "comment on table users is 'drop table users; delete from users'",
  "insert into settings values ('drop table users')",
  'grant select on users to app',
  "do $$ begin perform 1; raise notice 'done'; end $$",
  'create or replace view v as select 1 as one',
])('finds no hazard in %j', async (sql) => {
  expect(await effects(sql)).toEqual([])
})

test('a table of the same migration is empty: building its indexes blocks no one', async () => {
  const statements = [
    'create table executions (id integer)',
    'create index i on executions (id)',
    'alter table executions add constraint u unique (id)',
  ]
  expect(await effects(statements.join('--> statement-breakpoint\n'))).toEqual([])
})

test('accepts a mark in the statement that it belongs to, with a reason and of the right kind', async () => {
  const objections = async (sql: string) => objectionsTo('9000_change', await hazardsOf(migration(sql)))
  expect(
    await objections('-- destructive: no release reads it since 0.2\nalter table users drop column a'),
  ).toEqual([])
  expect(await objections('-- destructive:\nalter table users drop column a')).toHaveLength(1)
  expect(await objections('-- locks: small\nalter table users drop column a')).toHaveLength(1)
  const two =
    '-- destructive: unused\nalter table users drop column a;--> statement-breakpoint\n\n\nalter table users drop column b;'
  expect(await objections(two)).toEqual([
    '9000_change.sql, line 5: Drops the column "b" of "users". Remove it in a later release than the code that uses it, and mark it with the comment "-- destructive: <reason>".',
  ])
})

test('rejects SQL that Postgres cannot parse', async () => {
  await expect(hazardsOf(migration('alter table'))).rejects.toThrow(
    'Migration 9000_change contains invalid SQL',
  )
})

describe('a plan', () => {
  const add = migration('alter table users add column a text', '9000_add')
  const drop = migration('-- destructive: unused\nalter table users drop column b', '9001_drop')
  const more = migration('alter table users add column c text', '9002_more')
  const plan = (...migrations: (typeof add)[]) =>
    planMigrations(
      migrations,
      migrations.map(({ name }) => name),
    )

  test('leaves migrations that remove something for after the deploy', async () => {
    expect(expandOf(await plan(add, drop))).toEqual(['9000_add'])
    expect(expandOf(await plan(add, more))).toEqual(['9000_add', '9002_more'])
    expect(expandOf(await plan(drop))).toEqual([])
  })

  test('cannot be split when something is added after something is removed', async () => {
    expect(expandOf(await plan(add, drop, more))).toBeNull()
  })

  test('prints the SQL with phases and marks', async () => {
    expect(planText(await plan(add, drop))).toBe(
      `-- 9000_add (expand)
alter table users add column a text;

-- 9001_drop (contract)
--   destructive, line 1: Drops the column "b" of "users". Reason: unused
-- destructive: unused
alter table users drop column b;
`,
    )
  })
})
