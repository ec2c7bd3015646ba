import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StubMode } from '../harness/n8n-stub-faults.ts'
import { type Connected, createConnected } from './connected.ts'

let connected: Connected
beforeAll(async () => {
  connected = await createConnected()
})
afterAll(() => connected.close())

describe('a new API key is tested before it replaces the old one', () => {
  test('returns 422 at /apiKey and changes nothing when n8n rejects it', async () => {
    const { user, path } = await connected.world()
    await user.call('POST', `${path}/test`)
    const before = (await user.call('GET', path)).json
    const refused = await user.call('PATCH', path, {
      body: { apiKey: 'wrong-canary', name: 'New' },
      headers: { 'If-Match': '*' },
    })
    expect(refused.status).toBe(422)
    expect(refused.json.errors).toMatchObject([{ pointer: '/apiKey' }])
    expect(refused.text).not.toContain('wrong-canary')
    expect((await user.call('GET', path)).json).toEqual(before)
    expect((await user.call('POST', `${path}/test`)).json.status).toBe('ok')
  })

  test('stores a key that n8n accepts with the test result', async () => {
    const { stub, user, path } = await connected.world()
    const changed = await user.call('PATCH', path, {
      body: { apiKey: stub.apiKey },
      headers: { 'If-Match': '*' },
    })
    expect(changed.json).toMatchObject({ status: 'ok', version: 2, capabilities: { generation: 'current' } })
  })

  test.each<[StubMode]>([['refuse'], ['http502-html'], ['429']])(
    'stores a key that cannot be tested (%s) as unreachable',
    async (mode) => {
      const { stub, user, path } = await connected.world()
      stub.failNext({ step: 'discover', mode, times: 3 })
      const changed = await user.call('PATCH', path, {
        body: { apiKey: 'later' },
        headers: { 'If-Match': '*' },
      })
      expect([changed.status, changed.json.status, changed.json.version]).toEqual([200, 'unreachable', 2])
      stub.clearFaults()
      expect((await user.call('POST', `${path}/test`)).json.status).toBe('refused')
    },
  )

  test('sends the new key only to the new URL, and the old key to neither', async () => {
    const { stub, user, path } = await connected.world()
    const asked: string[] = []
    connected.n8n.fetch = (input, init) => {
      if (new Headers(init?.headers).has('x-n8n-api-key')) asked.push(new Request(input).url)
      return stub.fetch(input, init)
    }
    const body = { baseUrl: 'https://other.example.com/n8n', apiKey: 'new-key' }
    await user.call('PATCH', path, { body, headers: { 'If-Match': '*' } })
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.every((url) => url.startsWith('https://other.example.com/n8n/api/v1/'))).toBe(true)
    expect(stub.calls().map(({ apiKey }) => apiKey)).not.toContain(stub.apiKey)
  })
})

test('another path on the same server keeps the key, sends no request, and becomes untested', async () => {
  const { stub, user, path } = await connected.world()
  await user.call('POST', `${path}/test`)
  const calls = stub.calls().length
  const moved = await user.call('PATCH', path, {
    body: { baseUrl: 'https://n8n.example.com/n8n' },
    headers: { 'If-Match': '*' },
  })
  expect(moved.json).toMatchObject({ status: 'untested', testedAt: null })
  const renamed = await user.call('PATCH', path, { body: { name: 'Renamed' }, headers: { 'If-Match': '*' } })
  expect(renamed.json).toMatchObject({ status: 'untested', name: 'Renamed' })
  expect(stub.calls()).toHaveLength(calls)
})

test('discards the result of a test when the instance changed meanwhile', async () => {
  const { stub, user, path } = await connected.world()
  let changed: Promise<unknown> | undefined
  connected.n8n.fetch = async (input, init) => {
    changed ??= user.call('PATCH', path, {
      body: { baseUrl: 'https://n8n.example.com/moved' },
      headers: { 'If-Match': '*' },
    })
    await changed
    return stub.fetch(input, init)
  }
  expect((await user.call('POST', `${path}/test`)).json.status).toBe('ok')
  expect((await user.call('GET', path)).json.status).toBe('untested')
})

describe('removing an instance', () => {
  async function withDeployment(columns: { managed: boolean; status: string }) {
    const made = await connected.world()
    const { id, user } = made
    const { sql } = connected.app.database
    const workflow = { name: 'Invoices', nodes: [], connections: {} }
    const { json } = await user.call('POST', '/v1/workflows', { body: { workflow } })
    const deploymentId = uuidv7()
    await sql`
      insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status, managed)
      values (${deploymentId}, ${user.id}, ${json.id}, ${id}, 1, 'w1', ${columns.status}, ${columns.managed})`
    return { ...made, deploymentId, workflowId: json.id as string }
  }

  test('returns 409 with the dependents while workflows are deployed on it; force removes it anyway', async () => {
    const { user, path, deploymentId, workflowId } = await withDeployment({ managed: true, status: 'active' })
    const refused = await user.call('DELETE', path)
    expect([refused.status, refused.json.code]).toEqual([409, 'in-use'])
    expect(refused.json.dependents).toMatchObject([{ deploymentId, workflowId, status: 'active' }])
    expect((await user.call('GET', path)).status).toBe(200)
    expect((await user.call('DELETE', `${path}?force=true`)).status).toBe(204)
    expect((await user.call('GET', path)).status).toBe(404)
  })

  test.each([
    { managed: false, status: 'tracking' },
    { managed: true, status: 'undeployed' },
  ])('with only %o needs no force', async (columns) => {
    const { user, path } = await withDeployment(columns)
    expect((await user.call('DELETE', path)).status).toBe(204)
  })

  test('returns 422 when force is not true or false', async () => {
    const { user, path } = await connected.world()
    expect((await user.call('DELETE', `${path}?force=yes`)).status).toBe(422)
  })
})
