/** A backup that is read page by page over HTTP while the database changes, and its repair. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { restoreBackup } from '../../../src/cli/backup/restore-backup.ts'
import { folderStorage } from '../../../src/cli/backup/storage.ts'
import { writeBackup } from '../../../src/cli/backup/write-backup.ts'
import { createDb, type Sql } from '../../../src/db/client.ts'
import { createTestDatabase, type TestDatabase } from '../../harness/database.ts'
import { contentOfDatabase, idOf, insertOddRows, rings, targetOf, userId } from './odd-rows.ts'

let folder: string
let source: TestDatabase
let target: TestDatabase
const keys = rings()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-pages-'))
  source = await createTestDatabase()
  target = await createTestDatabase()
  await insertOddRows(source, keys, 30)
  // The odd rows have statistics without runs.
  await source.sql`delete from execution_stats`
  await source.sql`delete from execution_changes`
})
afterEach(async () => {
  await source.close()
  await target.close()
  await rm(folder, { recursive: true, force: true })
})

/** Runs `change` once, before the first page of `table` is read. */
function changing(table: string, change: () => Promise<unknown>): Sql {
  let pending: (() => Promise<unknown>) | null = change
  return createDb({
    databaseUrl: source.url,
    fetch: async (request) => {
      const body = await request.clone().text()
      if (pending && body.includes(`from \\"${table}\\"`)) {
        const run = pending
        pending = null
        await run()
      }
      return source.gateway.fetch(request)
    },
  }).$client
}

async function restored(sql: Sql) {
  const storage = folderStorage(folder)
  const manifest = await writeBackup({ source: { kind: 'pages', sql }, storage })
  expect(manifest.consistency).toBe('pages')
  const { tables, repairs } = await restoreBackup({ storage, target: targetOf(target), rings: keys })
  expect(tables.every(({ isEqual }) => isEqual)).toBe(true)
  return repairs.map(({ table, rows }) => `${table} ${rows}`)
}

const count = async ({ sql }: TestDatabase, table: string): Promise<number> => {
  const [row] = await sql.query(`select count(*)::integer as count from ${table}`)
  return Number(row?.['count'])
}

/** Runs in the statistics of hours, by status. */
const counted = ({ sql }: TestDatabase) => sql`
  select workflow_id, sum(success)::integer as success, sum(error)::integer as error, sum(running)::integer as running
  from execution_stats_now where grain = 'hour' and workflow_id::text <> '00000000-0000-0000-0000-000000000000'
  group by 1 having sum(success) + sum(error) + sum(running) > 0 order by 1`
const recounted = ({ sql }: TestDatabase) => sql`
  select workflow_id, count(*) filter (where status = 'success')::integer as success,
    count(*) filter (where status = 'error')::integer as error,
    count(*) filter (where status = 'running')::integer as running
  from executions group by 1 order by 1`

test('without changes, nothing is repaired and runs are counted', async () => {
  const sql = changing('users', async () => undefined)
  expect(await restored(sql)).toEqual(['instances 1'])
  expect(await count(target, 'executions')).toBe(30)
  expect(await counted(target)).toEqual(await recounted(target))
  const different = new Set(['instances', 'execution_stats'])
  const rest = (rows: string[]) => rows.filter((row) => !different.has(row.split(' ')[0] ?? ''))
  expect(rest(await contentOfDatabase(target))).toEqual(rest(await contentOfDatabase(source)))
})

test('rows of a user who is deleted during the backup are deleted', async () => {
  const sql = changing('users', () => source.sql`delete from users`)
  const repairs = await restored(sql)
  expect(repairs).toContain('workflows 1')
  expect(repairs).toContain('credentials 1')
  for (const table of ['users', 'workflows', 'workflow_versions', 'deployments', 'remote_credentials'])
    expect(await count(target, table)).toBe(0)
})

test('a workflow that is saved during the backup has its current version', async () => {
  const sql = changing('workflows', async () => {
    await source.sql`update workflows set version = 2, prompt = 'saved meanwhile'`
    await source.sql`insert into workflow_versions (workflow_id, version, user_id, name, prompt, tags, node_count, node_types,
        required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash)
      select id, 2, user_id, name, prompt, tags, node_count, node_types, required_credential_types, trigger_types,
        webhook_paths, workflow_data, content_hash from workflows`
  })
  expect(await restored(sql)).toContain('workflow_versions 1')
  expect(await target.sql`select version, prompt from workflow_versions order by version`).toEqual([
    { version: 1, prompt: null },
    { version: 2, prompt: 'saved meanwhile' },
  ])
})

test('runs that change during the backup are deleted and polled again; statistics equal a recount', async () => {
  await source.sql`update executions set status = 'running' where n8n_execution_id = '7'`
  await source.sql`update execution_keys set status = 'running' where n8n_execution_id = '7'`
  // `executions` is read before `execution_keys`.
  const sql = changing('execution_keys', async () => {
    await source.sql`update executions set status = 'error' where n8n_execution_id = '7'`
    await source.sql`update execution_keys set status = 'error' where n8n_execution_id = '7'`
    await source.sql`delete from executions where n8n_execution_id = '8'`
    await source.sql`delete from execution_keys where n8n_execution_id = '8'`
    await source.sql`insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
        n8n_execution_id, status)
      values (${idOf(77)}, '2026-03-01', ${userId}, ${userId}, ${userId}, 1, ${userId}, 'new', 'success')`
    await source.sql`insert into execution_keys (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp)
      select instance_id, n8n_execution_id, id, recorded_at, user_id, status, 's' from executions where n8n_execution_id = 'new'`
  })
  expect(await restored(sql)).toEqual(['execution_keys 2', 'executions 2', 'instances 1'])
  expect(await count(target, 'executions')).toBe(28)
  expect(await count(target, 'execution_keys')).toBe(28)
  expect(await counted(target)).toEqual(await recounted(target))
  const [instance] =
    await target.sql`select polled_through < now() - interval '4 minutes' as again from instances`
  expect(instance?.['again']).toBe(true)
})
