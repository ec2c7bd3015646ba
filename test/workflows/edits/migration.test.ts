/** Migrates a database with workflows from before edits were stored. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../../harness/database.ts'
import { caller, createWorkflowServer } from '../workflow-server.ts'

const database = await createDatabaseBefore('_workflow_edits')
afterAll(() => database.close())

test('versions from before edits have none, and can be edited', async () => {
  const { db, sql } = database
  const [user, id] = [uuidv7(), uuidv7()]
  await sql`insert into users (id, email, password_hash, pepper_id) values (${user}, 'a@example.com', 'none', 'p1')`
  const workflow = JSON.stringify({
    nodes: [{ id: '1', name: 'A', type: 'n8n-nodes-base.set', parameters: {} }],
    connections: {},
  })
  const columns = sql`name, tags, version, node_count, node_types, required_credential_types, trigger_types,
    webhook_paths, workflow_data, content_hash`
  const values = sql`'Old', '{}', 1, 1, '{}', '{}', '{}', '{}', ${workflow}::jsonb, 'hash'`
  await sql`insert into workflows (id, user_id, warnings, ${columns}) values (${id}, ${user}, '[]', ${values})`
  await sql`insert into workflow_versions (workflow_id, user_id, ${columns}) values (${id}, ${user}, ${values})`

  await database.migrate()
  const call = caller(createWorkflowServer(db).app, user)
  const version = await call('GET', `/v1/workflows/${id}/versions/1`)
  expect(version.body).toMatchObject({ name: 'Old', edits: null, operations: null })
  const operations = [{ op: 'setParameter', node: 'A', pointer: '/a', value: 1 }]
  const edited = await call('POST', `/v1/workflows/${id}/edits`, { operations }, { 'If-Match': '"1"' })
  expect(edited.body).toMatchObject({
    version: 2,
    diff: { changed: [{ node: 'A', paths: ['parameters.a'] }] },
  })
  const versions = await call('GET', `/v1/workflows/${id}/versions`)
  expect(versions.body.items.map(({ edits }: { edits: unknown }) => edits)).toEqual([['Set a of A'], null])
})
