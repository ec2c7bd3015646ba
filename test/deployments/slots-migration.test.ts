/** Migrates a database with bindings by type to bindings by slot, without changing any deployment's credentials. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../src/db/client.ts'
import {
  createDatabaseBefore,
  createPostgresDatabaseBefore,
  type EarlierDatabase,
} from '../harness/database.ts'

const [team, other] = [uuidv7(), uuidv7()]
const slack = (name: string, more: object = {}) => ({
  name,
  type: 'n8n-nodes-base.slack',
  parameters: {},
  ...more,
})
const named = { credentials: { slackApi: { id: '1', name: 'Team' } } }
const http = (name: string, parameters: object) => ({ name, type: 'n8n-nodes-base.httpRequest', parameters })

const cases: {
  what: string
  nodes: unknown
  before: object
  after: object[]
  intent?: { action: 'deploy'; version: number }
  intended?: unknown
  status?: string
}[] = [
  {
    what: 'nodes that reference the type, and nodes of the same type without a reference',
    nodes: [
      slack('A', named),
      slack('B'),
      slack('Off', { ...named, disabled: true }),
      { name: 'Set', type: 'set' },
    ],
    before: { slackApi: team },
    after: [
      { node: 'A', type: 'slackApi', credentialId: team },
      { node: 'B', type: 'slackApi', credentialId: team },
    ],
  },
  {
    what: 'nodes that select the type by a parameter, but no node of another type',
    nodes: [
      http('Generic', { genericAuthType: 'httpHeaderAuth' }),
      http('Predefined', { nodeCredentialType: '=slackApi' }),
      http('Basic', { genericAuthType: 'httpBasicAuth' }),
    ],
    before: { httpHeaderAuth: { n8nCredentialId: 'inN8n' }, slackApi: team },
    after: [
      { node: 'Generic', type: 'httpHeaderAuth', n8nCredentialId: 'inN8n' },
      { node: 'Predefined', type: 'slackApi', credentialId: team },
    ],
  },
  {
    what: 'nodes that select their type by an expression, for each type',
    nodes: [http('Open', { nodeCredentialType: '={{ $json.type }}' }), slack('A', named)],
    before: { slackApi: team, acmeApi: other },
    after: [
      { node: 'A', type: 'acmeApi', credentialId: other },
      { node: 'A', type: 'slackApi', credentialId: team },
      { node: 'Open', type: 'acmeApi', credentialId: other },
      { node: 'Open', type: 'slackApi', credentialId: team },
    ],
  },
  {
    what: 'every node, for a type without references',
    nodes: [slack('A'), { type: 'n8n-nodes-base.set' }, { name: 7, type: 'set' }],
    before: { slackApi: team },
    after: ['#1', '7', 'A'].map((node) => ({ node, type: 'slackApi', credentialId: team })),
  },
  {
    what: 'the nodes of the version in progress',
    nodes: [slack('Before', named)],
    intended: [slack('After', named)],
    intent: { action: 'deploy', version: 2 },
    before: { slackApi: team },
    after: [
      { node: 'After', type: 'slackApi', credentialId: team },
      { node: 'Before', type: 'slackApi', credentialId: team },
    ],
    status: 'failed',
  },
  { what: 'nothing without bindings', nodes: [slack('A')], before: {}, after: [] },
  { what: 'nothing without nodes', nodes: 'none', before: { slackApi: team }, after: [] },
]

async function fill(sql: Sql): Promise<string[]> {
  const [user, instance] = [uuidv7(), uuidv7()]
  await sql`insert into users (id, email, password_hash, pepper_id) values (${user}, ${`${user}@example.com`}, 'none', 'p1')`
  await sql`insert into instances (id, user_id, name, base_url, api_key)
    values (${instance}, ${user}, 'i', 'https://n8n.example.com', '{"header":{"kid":"k1"}}')`
  const ids: string[] = []
  for (const { nodes, intended = nodes, before, intent = null, status = 'active' } of cases) {
    const [workflow, deployment] = [uuidv7(), uuidv7()]
    await sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
        trigger_types, webhook_paths, warnings, workflow_data, content_hash, version)
      values (${workflow}, ${user}, 'w', '{}', 0, '{}', '{}', '{}', '{}', '[]', '{}', 'h', 2)`
    for (const [version, content] of [
      [1, nodes],
      [2, intended],
    ]) {
      await sql`insert into workflow_versions (workflow_id, version, user_id, name, tags, node_count, node_types,
          required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash)
        values (${workflow}, ${version}, ${user}, 'w', '{}', 0, '{}', '{}', '{}', '{}',
          ${JSON.stringify({ nodes: content })}::jsonb, 'h')`
    }
    await sql`insert into deployments (id, user_id, workflow_id, instance_id, version, status, bindings, intent, updated_at)
      values (${deployment}, ${user}, ${workflow}, ${instance}, 1, ${status}, ${JSON.stringify(before)}::jsonb,
        ${intent && JSON.stringify(intent)}::jsonb, '2026-01-01')`
    for (const [sequence, version] of [1, 2, 1].entries()) {
      await sql`insert into deployment_versions (deployment_id, sequence, user_id, version, created_at)
        values (${deployment}, ${sequence + 1}, ${user}, ${version}, '2026-01-01')`
    }
    ids.push(deployment)
  }
  return ids
}

describe.each([
  ['PGlite', createDatabaseBefore],
  ['Postgres', createPostgresDatabaseBefore],
])('the migration to slots, on %s', (_, create) => {
  let database: EarlierDatabase
  let ids: string[] = []
  beforeAll(async () => {
    database = await create('_slots')
    ids = await fill(database.sql)
    await database.migrate()
  })
  afterAll(() => database.close())

  test.each(cases.map((each, index) => [each.what, index] as const))('binds %s', async (__, index) => {
    const { sql } = database
    const [row] = await sql`select bindings, updated_at::text like '2026-01-01%' as untouched from deployments
      where id = ${ids[index]}`
    const { after, intent } = cases[index] ?? { after: [] }
    expect(row).toEqual({ bindings: after, untouched: true })
    const history =
      await sql`select sequence, bindings from deployment_versions where deployment_id = ${ids[index]}
      order by sequence`
    // The live bindings are known unless another version is in progress. Earlier bindings are unknown.
    expect(Array.from(history)).toEqual([
      { sequence: 1, bindings: null },
      { sequence: 2, bindings: null },
      { sequence: 3, bindings: intent ? null : after },
    ])
  })
})
