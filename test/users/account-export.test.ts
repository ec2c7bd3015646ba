import { getTableName, is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { exportedKinds } from '../../src/users/account-export/kinds.ts'
import { readdirSync } from 'node:fs'
import { type TestUser, useTestApp } from '../harness/app.ts'

const app = useTestApp()

interface Exported {
  kind: string
  value: Record<string, unknown>
}

async function exportOf(user: TestUser): Promise<{ text: string; objects: Exported[] }> {
  const { status, text } = await user.call('GET', '/v1/me/export')
  expect(status).toBe(200)
  return { text, objects: lines(text) }
}

const lines = (text: string): Exported[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** Tables of the account that the export leaves out → why. */
const leftOut: Record<string, string> = {
  executions: 'a part of the export of its own',
  audit_events: 'a part of the export of its own',
  account_links: 'links that work for a day',
  account_mails: 'email that is about to be sent',
  api_token_secrets: 'digests of secrets',
  audit_anchors: 'signatures of the audit trail',
  audit_heads: 'the end of the audit trail',
  erased_audit_events: 'of deleted accounts',
  error_groups: 'computed from runs',
  error_stats: 'computed from runs',
  execution_changes: 'runs that are not in the statistics yet',
  execution_keys: 'identifies runs that n8n reports again',
  execution_stats: 'computed from runs',
  execution_values: 'sealed values',
  idempotency_keys: 'requests that can be retried for a day',
  node_stats: 'computed from runs',
  otel_spans: 'parts of traces that are not complete yet',
  recovery_codes: 'digests of secrets',
  request_counts: 'of the last minute',
  usage_stats: 'computed from runs',
  used_tickets: 'steps of a sign-in that were used',
  user_routes: 'of a move between databases',
  workflow_sizes: 'computed from versions',
}

describe('the kinds', () => {
  test('contain every table of an account, or the reason why not', async () => {
    const folder = new URL('../../src/db/schema/', import.meta.url)
    const modules = await Promise.all(readdirSync(folder).map((file) => import(new URL(file, folder).href)))
    const tables = modules.flatMap((module) => Object.values(module)).filter((value) => is(value, PgTable))
    const owned = tables
      .filter((table) => getTableConfig(table).columns.some(({ name }) => name === 'user_id'))
      .map(getTableName)
    const exported = exportedKinds.map(({ table }) => getTableName(table))
    expect(new Set([...exported, ...Object.keys(leftOut)])).toEqual(new Set(['users', ...owned]))
    expect(exported.filter((name) => name in leftOut)).toEqual([])
  })

  test('leave out what a key seals, digests and internal columns', () => {
    const names = exportedKinds.flatMap(({ kind, columns }) =>
      Object.entries(columns).map(([name, column]) => `${kind}.${name} ${column.name}`),
    )
    expect(
      names.filter((name) =>
        /hash|key_id|sealed|secret|lease_(until|owner)|salt|api_key|credential_data|channel\.target/.test(
          name,
        ),
      ),
    ).toEqual([])
  })
})

describe('an export', () => {
  test('contains each row of the account once, and none of another account', async () => {
    const [user, other] = [await app.user(), await app.user()]
    for (const owner of [user, other]) {
      const workflow = { name: 'Exported', nodes: [], connections: {} }
      const { json } = await owner.call('POST', '/v1/workflows', { body: { workflow } })
      await owner.call('PATCH', `/v1/workflows/${json.id}`, {
        body: { prompt: 'Second version' },
        headers: { 'If-Match': '"1"' },
      })
      await app.database.sql`insert into model_prices (user_id, model, input, output)
        select ${owner.id}::uuid, 'model-' || n, 1, 2 from generate_series(1, 1203) n`
    }
    const { objects, text } = await exportOf(user)
    for (const { kind, table } of exportedKinds) {
      const name = getTableName(table)
      const owner = name === 'users' ? 'id' : 'user_id'
      const [row] = await app.database.sql.query(
        `select count(*)::int as n from ${name} where ${owner} = $1`,
        [user.id],
      )
      const found = objects.filter((object) => object.kind === kind)
      expect([kind, found.length]).toEqual([kind, row?.n])
      expect(new Set(found.map(({ value }) => JSON.stringify(value))).size).toBe(found.length)
    }
    expect(objects.filter(({ kind }) => kind === 'model-price')).toHaveLength(1203)
    expect(
      objects.filter(({ kind }) => kind === 'workflow-version').map(({ value }) => value.version),
    ).toEqual([1, 2])
    expect(objects.find(({ kind }) => kind === 'workflow')?.value).toMatchObject({
      name: 'Exported',
      prompt: 'Second version',
      data: { nodes: [], connections: {} },
    })
    expect(text).not.toContain(other.id)
    expect(objects.at(-1)).toMatchObject({
      kind: 'audit-event',
      value: { action: 'user.registered', hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
  })

  test('contains large versions in full', async () => {
    const user = await app.user()
    const note = (size: number) => ({
      name: 'Large',
      nodes: [],
      connections: {},
      meta: { pad: 'x'.repeat(size) },
    })
    const { json } = await user.call('POST', '/v1/workflows', { body: { workflow: note(1_500_000) } })
    for (const version of [1, 2, 3, 4]) {
      const answer = await user.call('PATCH', `/v1/workflows/${json.id}`, {
        body: { workflow: note(1_500_000 + version) },
        headers: { 'If-Match': `"${version}"` },
      })
      expect(answer.status).toBe(200)
    }
    const { objects } = await exportOf(user)
    const pads = objects
      .filter(({ kind }) => kind === 'workflow-version')
      .map(({ value }) => (value.data as { meta: { pad: string } }).meta.pad.length - 1_500_000)
    expect(pads).toEqual([0, 1, 2, 3, 4])
  })

  test('is recorded, needs a session and has a button on the account page', async () => {
    const user = await app.user()
    const { json } = await user.call('POST', '/v1/tokens', { body: { name: 'CI', scopes: ['admin'] } })
    const refused = await app.call('GET', '/v1/me/export', { token: json.token })
    expect(refused.status).toBe(403)
    const asArray = await user.call('GET', '/v1/me/export?format=json')
    expect(asArray.json.map(({ kind }: Exported) => kind)).toContain('access-token')
    expect(JSON.stringify(asArray.json)).not.toContain(json.token)
    const events = await user.call('GET', '/v1/audit-events?action=user.exported')
    expect(events.json.items).toMatchObject([{ action: 'user.exported', details: { format: 'json' } }])
  })
})
