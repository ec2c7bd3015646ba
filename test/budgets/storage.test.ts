/** The quotas of versions and bytes, and what compacting keeps. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const app = useTestApp({
  env: { QUOTA_STORED_MIB: '1', QUOTA_VERSIONS_PER_WORKFLOW: '5' },
})

const randomText = (chars: number) => randomBytes(chars).toString('base64').slice(0, chars)
/** Noise hardly compresses. */
const noisy = (chars: number) => ({ nodes: [], connections: {}, meta: { noise: randomText(chars) } })
const small = (index: number) => ({ name: `v${index}` })

async function saved(user: Awaited<ReturnType<typeof app.user>>, workflow: object = noisy(10)) {
  const { status, json } = await user.call('POST', '/v1/workflows', { body: { workflow } })
  expect(status).toBe(201)
  return json.id as string
}
const headers = { 'If-Match': '*' }

describe('bytes', () => {
  test('of concurrent writes at the limit, as many pass as fit', async () => {
    const user = await app.user()
    await saved(user, noisy(600_000))
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        user.call('POST', '/v1/workflows', { body: { workflow: noisy(300_000) } }),
      ),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(1)
    const refused = answers.find(({ status }) => status !== 201)
    expect(refused?.json).toMatchObject({ status: 403, code: 'quota-exceeded' })
    expect(refused?.json.detail).toContain('1 MiB')
    const usage = (await user.call('GET', '/v1/me/usage')).json
    expect(usage.workflows.used).toBe(2)
    expect(usage.storedBytes.limit).toBe(1024 * 1024)
    expect(usage.storedBytes.used).toBeGreaterThan(800_000)
    expect(usage.storedBytes.used).toBeLessThanOrEqual(1024 * 1024)
  })

  test('a refused version changes nothing, and deleting a workflow makes room', async () => {
    const user = await app.user()
    const first = await saved(user, noisy(500_000))
    const other = await saved(user)
    const change = () =>
      user.call('PATCH', `/v1/workflows/${other}`, { headers, body: { workflow: noisy(700_000) } })
    expect((await change()).status).toBe(403)
    expect((await user.call('GET', `/v1/workflows/${other}`)).json.version).toBe(1)
    expect((await user.call('DELETE', `/v1/workflows/${first}`)).status).toBe(204)
    expect((await change()).status).toBe(200)
  })

  test('credentials count', async () => {
    const user = await app.user()
    const before = (await user.call('GET', '/v1/me/usage')).json.storedBytes.used
    const { status } = await user.call('POST', '/v1/credentials', {
      body: { type: 'slackApi', name: 'Bot', data: { accessToken: randomText(10_000) } },
    })
    expect(status).toBe(201)
    expect((await user.call('GET', '/v1/me/usage')).json.storedBytes.used).toBeGreaterThan(before + 9000)
  })
})

describe('versions', () => {
  test('of concurrent changes at one below the limit, exactly one passes', async () => {
    const user = await app.user()
    const id = await saved(user)
    for (let index = 2; index <= 4; index++) {
      expect((await user.call('PATCH', `/v1/workflows/${id}`, { headers, body: small(index) })).status).toBe(
        200,
      )
    }
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        user.call('PATCH', `/v1/workflows/${id}`, { headers, body: small(index + 10) }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(403)])
    expect(answers.find(({ status }) => status === 403)?.json.detail).toContain('Compact them')
    const usage = (await user.call('GET', '/v1/me/usage')).json
    expect(usage.versionsPerWorkflow).toEqual({ used: 5, limit: 5, workflowId: id })
  })

  test('compacting deletes the oldest that nothing refers to, and makes room', async () => {
    const user = await app.user()
    const id = await saved(user)
    for (let index = 2; index <= 5; index++) {
      await user.call('PATCH', `/v1/workflows/${id}`, { headers, body: small(index) })
    }
    const instance = await user.call('POST', '/v1/instances', {
      body: { name: 'prod', baseUrl: 'https://n8n.example.com', apiKey: 'planted-api-key' },
    })
    await app.database.sql`
      insert into test_runs (id, user_id, workflow_id, instance_id, version, status, trigger, request)
      values (gen_random_uuid(), ${user.id}, ${id}, ${instance.json.id}, 2, 'passed', 'T', '{}')`
    const compact = (body: object) => user.call('POST', `/v1/workflows/${id}/versions/compact`, { body })
    const before = (await user.call('GET', '/v1/me/usage')).json.storedBytes.used
    expect((await compact({ keep: 2 })).json).toEqual({ versions: [1, 3] })
    expect((await compact({ keep: 2 })).json).toEqual({ versions: [] })
    expect((await user.call('GET', '/v1/me/usage')).json.storedBytes.used).toBeLessThan(before)
    const { items } = (await user.call('GET', `/v1/workflows/${id}/versions`)).json
    expect(items.map(({ version }: { version: number }) => version)).toEqual([5, 4, 2])
    const next = await user.call('PATCH', `/v1/workflows/${id}`, { headers, body: small(6) })
    expect(next.json.version).toBe(6)
    const events = (await user.call('GET', '/v1/audit-events')).json.items
    const compacted = events.filter(
      ({ action }: { action: string }) => action === 'workflow.versions-compacted',
    )
    expect(compacted).toHaveLength(1)
    expect(compacted[0]).toMatchObject({ subjectId: id, details: { versions: [1, 3] } })
  })

  test('only the owner can compact, in a session', async () => {
    const [user, stranger] = [await app.user(), await app.user()]
    const path = `/v1/workflows/${await saved(user)}/versions/compact`
    expect((await stranger.call('POST', path, { body: {} })).status).toBe(404)
    const { token } = (await user.call('POST', '/v1/tokens', { body: { name: 'A', scopes: ['admin'] } })).json
    expect((await app.call('POST', path, { token, body: {} })).status).toBe(403)
  })
})
