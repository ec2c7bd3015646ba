/** Migrates a database from before workflows could require a replay. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'

const database = await createDatabaseBefore('_require_replay')
afterAll(() => database.close())

test('earlier workflows require no replay, and earlier tests belong to none', async () => {
  const { sql } = database
  const [user, workflow, instance, run] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()]
  await sql`insert into users (id, email, password_hash, pepper_id) values (${user}, 'a@example.com', 'none', 'p1')`
  await sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
      trigger_types, webhook_paths, warnings, workflow_data, content_hash)
    values (${workflow}, ${user}, 'Orders', '{}', 0, '{}', '{}', '{}', '{}', '[]', '{"nodes":[]}', 'h')`
  await sql`insert into instances (id, user_id, name, base_url, server_key, api_key)
    values (${instance}, ${user}, 'n8n', 'https://n.example.com', 'https://n.example.com', '{"header":{"kid":"k1"}}')`
  await sql`insert into test_runs (id, user_id, workflow_id, instance_id, version, status, trigger, request)
    values (${run}, ${user}, ${workflow}, ${instance}, 1, 'passed', 'Hook', '{"writes":"pin","bindings":[]}')`
  const [old] = await sql`select * from test_runs`

  await database.migrate()
  expect(await sql`select name, require_replay from workflows`).toEqual([
    { name: 'Orders', require_replay: false },
  ])
  expect(await sql`select * from test_runs`).toEqual([{ ...old, replay_id: null }])
})
