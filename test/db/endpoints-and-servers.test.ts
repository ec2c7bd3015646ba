/** Migrates a database from before endpoints were stored and servers were unique. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'

const database = await createDatabaseBefore('_endpoints_and_servers')
afterAll(() => database.close())

test('endpoints are derived from the JSON, the first instance of a server gets its key, and no version changes', async () => {
  const { sql } = database
  const [user, workflow, first, second] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()]
  await sql`insert into users (id, email, password_hash, pepper_id) values (${user}, 'a@example.com', 'none', 'p1')`
  const nodes = [
    { type: 'n8n-nodes-base.formTrigger', typeVersion: 2, parameters: { path: 'f' } },
    { type: 'n8n-nodes-base.formTrigger', typeVersion: 2.2, parameters: { options: { path: '/g/' } } },
    { type: 'n8n-nodes-base.formTrigger', typeVersion: 1, parameters: { path: 'old' } },
    { type: 'n8n-nodes-base.formTrigger', typeVersion: 2.5, webhookId: 'w-1', parameters: {} },
    { type: '@n8n/n8n-nodes-langchain.mcpTrigger', typeVersion: 1, parameters: { path: 'm' } },
    { type: 'n8n-nodes-base.formTrigger', typeVersion: 2, disabled: true, parameters: { path: 'hook' } },
    { type: 'n8n-nodes-base.webhook', typeVersion: 2, parameters: { path: 'hook' } },
  ]
  const paths = ['f', 'g', 'hook', 'm', 'm/messages', 'm/sse', 'old/n8n-form', 'w-1']
  const data = JSON.stringify({ nodes })
  await sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
      trigger_types, webhook_paths, warnings, workflow_data, content_hash, version)
    values (${workflow}, ${user}, 'w', '{}', 7, '{}', '{}', '{}', ${paths}, '[]', ${data}, 'h', 1)`
  await sql`insert into workflow_versions (workflow_id, version, user_id, name, tags, node_count, node_types,
      required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash)
    select id, version, user_id, name, tags, node_count, node_types, required_credential_types, trigger_types,
      webhook_paths, workflow_data, content_hash from workflows`
  for (const [id, name, baseUrl] of [
    [first, 'first', 'https://n8n.example.com/team/api/v1'],
    [second, 'second', 'https://n8n.example.com/team'],
    [uuidv7(), 'third', 'https://other.example.com'],
  ] as const) {
    await sql`insert into instances (id, user_id, name, base_url, api_key, created_at)
      values (${id}, ${user}, ${name}, ${baseUrl}, '{"header":{"kid":"k1"}}', now() + ${`${name.length} s`}::interval)`
  }
  const changed =
    await sql`select updated_at from workflows union all select updated_at from instances order by 1`

  await database.migrate()
  const endpoints = [
    'form/f',
    'form/g',
    'form/w-1',
    'mcp/m',
    'mcp/m/messages',
    'mcp/m/sse',
    'webhook/hook',
    'webhook/old/n8n-form',
  ]
  expect(await sql`select endpoints from workflow_versions`).toEqual([{ endpoints }])
  expect(await sql`select endpoints from workflows`).toEqual([{ endpoints }])
  expect(await sql`select name, base_url, server_key from instances order by id`).toEqual([
    { name: 'first', base_url: 'https://n8n.example.com/team', server_key: 'https://n8n.example.com/team' },
    { name: 'second', base_url: 'https://n8n.example.com/team', server_key: null },
    { name: 'third', base_url: 'https://other.example.com', server_key: 'https://other.example.com' },
  ])
  expect(
    await sql`select updated_at from workflows union all select updated_at from instances order by 1`,
  ).toEqual(changed)
})
