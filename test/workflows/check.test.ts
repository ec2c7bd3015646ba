/** Checks and fixes over HTTP. */
import { describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const world = useTestApp()

const flow = (parameters: object, type = 'n8n-nodes-base.httpRequest') => ({
  name: 'Sample',
  nodes: [
    {
      id: 'a',
      name: 'Daily',
      type: 'n8n-nodes-base.scheduleTrigger',
      typeVersion: 1.2,
      position: [0, 0],
      parameters: { rule: { interval: [{ field: 'days' }] } },
    },
    { id: 'b', name: 'Fetch', type, typeVersion: 4.2, position: [200, 0], parameters },
  ],
  connections: { Daily: { main: [[{ node: 'Fetch', type: 'main', index: 0 }]] } },
  settings: {},
})
const good = flow({ url: 'https://example.com' })
const withoutUrl = flow({ url: '' })
const withoutEquals = flow({ url: 'https://example.com/{{ $now.toISODate() }}' })

describe('POST /v1/workflows/check', () => {
  test('returns findings and stores nothing', async () => {
    const user = await world.user()
    const { status, json } = await user.call('POST', '/v1/workflows/check', {
      body: { workflow: withoutUrl },
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      publishable: false,
      findings: [{ level: 'error', node: 'Fetch', pointer: '/nodes/1/parameters/url' }],
    })
    expect((await user.call('GET', '/v1/workflows')).json.items).toEqual([])
  })

  test('says which n8n version it checked for', async () => {
    const user = await world.user()
    const checked = (body: object) =>
      user.call('POST', '/v1/workflows/check', { body: { workflow: good, ...body } })
    expect((await checked({})).json).toMatchObject({ publishable: true, findings: [] })
    expect((await checked({ n8nVersion: '2.0.3' })).json.n8nVersion).toMatch(/^2\.0/)
    expect((await checked({ n8nVersion: 'latest' })).status).toBe(422)
  })

  test('returns the fixed workflow on request', async () => {
    const user = await world.user()
    const body = { workflow: withoutEquals, fix: true }
    const { json } = await user.call('POST', '/v1/workflows/check', { body })
    expect(json.findings).toHaveLength(1)
    expect(json.fixed).toMatchObject({ applied: [expect.any(String)], findings: [] })
    expect(json.fixed.workflow.nodes[1].parameters.url).toBe('=https://example.com/{{ $now.toISODate() }}')
  })

  test("does not read another user's instance", async () => {
    const [user, other] = [await world.user(), await world.user()]
    const { json: instance } = await other.call('POST', '/v1/instances', {
      body: { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'key-of-another-user' },
    })
    const body = { workflow: good, instanceId: instance.instance?.id ?? instance.id }
    expect((await user.call('POST', '/v1/workflows/check', { body })).status).toBe(404)
  })

  test.each([['{'], [{}], [{ nodes: 'none' }]])('rejects %j', async (workflow) => {
    const user = await world.user()
    const { status } = await user.call('POST', '/v1/workflows/check', { body: { workflow } })
    expect(status).toBe(422)
  })
})

describe('?check=strict', () => {
  test('does not save a workflow with errors, and returns the findings', async () => {
    const user = await world.user()
    const refused = await user.call('POST', '/v1/workflows?check=strict', { body: { workflow: withoutUrl } })
    expect(refused.status).toBe(422)
    expect(refused.json).toMatchObject({
      code: 'invalid-workflow',
      errors: [{ pointer: '/workflow/nodes/1/parameters/url' }],
      problems: [{ level: 'error', node: 'Fetch' }],
    })
    expect((await user.call('GET', '/v1/workflows')).json.items).toEqual([])
  })

  test('saves a workflow with warnings', async () => {
    const user = await world.user()
    const body = { workflow: withoutEquals }
    expect((await user.call('POST', '/v1/workflows?check=strict', { body })).status).toBe(201)
  })

  test('keeps the version when an update has errors', async () => {
    const user = await world.user()
    const { json: made } = await user.call('POST', '/v1/workflows', { body: { workflow: good } })
    const headers = { 'If-Match': '"1"' }
    const path = `/v1/workflows/${made.id}?check=strict`
    const { status } = await user.call('PATCH', path, { body: { workflow: withoutUrl }, headers })
    expect(status).toBe(422)
    expect((await user.call('GET', `/v1/workflows/${made.id}`)).json.version).toBe(1)
  })
})

describe('POST /v1/workflows/:id/fix', () => {
  const saved = async (workflow: object) => {
    const user = await world.user()
    const { json } = await user.call('POST', '/v1/workflows', { body: { workflow } })
    const path = `/v1/workflows/${json.id}`
    const fix = (body: object, version = 1) =>
      user.call('POST', `${path}/fix`, { body, headers: { 'If-Match': `"${version}"` } })
    return { user, path, fix }
  }

  test('creates a version with the fix of one finding', async () => {
    const { user, path, fix } = await saved(withoutEquals)
    const { json } = await user.call('GET', `${path}/check`)
    const [{ code, pointer }] = json.findings
    const fixed = await fix({ fixes: [{ code, pointer }] })
    expect(fixed.json).toMatchObject({ version: 2 })
    expect((await user.call('GET', `${path}/check`)).json.findings).toEqual([])
  })

  test('creates no version without anything to fix', async () => {
    const { fix } = await saved(good)
    expect((await fix({ fixes: 'all' })).json.version).toBe(1)
  })

  test('rejects a finding that does not exist, and an old version', async () => {
    const { fix } = await saved(withoutEquals)
    expect((await fix({ fixes: [{ code: 'no-such-code', pointer: '' }] })).json.code).toBe('invalid')
    expect((await fix({ fixes: 'all' }, 7)).json.code).toBe('version-conflict')
  })
})
