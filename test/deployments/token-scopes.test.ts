/** What access tokens may do on an instance: production needs a scope of its own, and so does binding a credential. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestUser } from '../harness/app.ts'
import { createN8nWorld, type N8nWorld, orders } from './n8n-world.ts'

let world: N8nWorld
beforeAll(async () => {
  world = await createN8nWorld()
})
afterAll(() => world.close())

async function tokenOf(user: TestUser, scopes: string[]): Promise<TestUser['call']> {
  const { json } = await user.call('POST', '/v1/tokens', { body: { name: 'Agent', scopes } })
  return (method, path, options = {}) => world.call(method, path, { token: json.token, ...options })
}

const denied = (scope: string) => ({
  status: 403,
  json: { code: 'insufficient-scope', requiredScope: scope },
})

/** A person can lend the scopes for this request. */
const mustAsk = (...scopes: string[]) => ({
  status: 403,
  json: { code: 'approval-required', requiredScopes: scopes },
})

async function markProduction(user: TestUser, instanceId: string) {
  const answer = await user.call('PATCH', `/v1/instances/${instanceId}`, {
    body: { environment: 'production' },
    headers: { 'If-Match': '*' },
  })
  expect(answer.json).toMatchObject({ environment: 'production', status: 'untested', version: 2 })
}

describe('a production instance', () => {
  const both = ['deploy:production', 'destructive']
  const changes = (id: string): [string, string, object | undefined, string[]?][] => [
    ['POST', `/v1/deployments/${id}/deploy`, {}],
    ['POST', `/v1/deployments/${id}/rollback`, { version: 1 }],
    ['POST', `/v1/deployments/${id}/deactivate`, undefined],
    ['POST', `/v1/deployments/${id}/activate`, undefined],
    ['POST', `/v1/deployments/${id}/overwrite`, undefined],
    ['POST', `/v1/deployments/${id}/retry`, undefined],
    ['POST', `/v1/deployments/${id}/undeploy`, undefined, both],
    ['DELETE', `/v1/deployments/${id}`, undefined, both],
  ]

  test('rejects every change of a token without deploy:production, and nothing reaches n8n', async () => {
    const { user, instanceId, workflowId, deploy } = await world.setting()
    const { id } = await deploy()
    await markProduction(user, instanceId)
    const call = await tokenOf(user, ['deploy', 'credentials:use', 'deployments:read'])
    const writes = () => world.stub.calls().filter(({ method }) => method !== 'GET').length
    const before = writes()
    for (const [method, path, body, scopes = ['deploy:production']] of changes(id)) {
      const answer = await call(method, path, body === undefined ? {} : { body })
      expect({ path, answer }).toMatchObject({ path, answer: mustAsk(...scopes) })
    }
    const record = await call('PATCH', `/v1/deployments/${id}`, { body: { version: 1 } })
    expect(record).toMatchObject(denied('deploy:production'))
    const { json } = await user.call('POST', '/v1/workflows', { body: { workflow: orders } })
    const body = { workflowId, instanceId }
    const another = { ...body, workflowId: json.id }
    expect((await call('POST', '/v1/deployments', { body })).json.code).toBe('deployment-exists')
    expect((await call('POST', '/v1/deployments', { body: another })).json.code).toBe('deployment-blocked')
    const tracking = { ...body, n8nWorkflowId: 'x1' }
    expect(await call('POST', '/v1/deployments', { body: tracking })).toMatchObject(
      denied('deploy:production'),
    )
    expect((await call('POST', '/v1/deployments/plan', { body })).status).toBe(200)
    expect(writes()).toBe(before)
    const stored = await user.call('GET', `/v1/deployments/${id}`)
    expect(stored.json).toMatchObject({ status: 'active', version: 1 })
  })

  test('accepts the changes of a token with both scopes, and of a session', async () => {
    const { user, instanceId, workflowId } = await world.setting()
    await markProduction(user, instanceId)
    const call = await tokenOf(user, ['deploy', 'deploy:production', 'destructive', 'credentials:use'])
    const created = await call('POST', '/v1/deployments', { body: { workflowId, instanceId } })
    expect(created.json).toMatchObject({ status: 'active' })
    for (const [method, path, body] of changes(created.json.id).filter(([verb]) => verb === 'POST')) {
      const { status } = await call(method, path, body === undefined ? {} : { body })
      expect({ path, status }).toEqual({ path, status: 200 })
    }
    expect((await call('DELETE', `/v1/deployments/${created.json.id}`)).status).toBe(204)
    const again = await user.call('POST', '/v1/deployments', { body: { workflowId, instanceId } })
    expect(again.json).toMatchObject({ status: 'active' })
    const events = (await user.call('GET', '/v1/audit-events?action=deployment')).json.items
    const names = new Set(events.map((event: { token: { name: string } | null }) => event.token?.name))
    expect(names).toEqual(new Set(['Agent', undefined]))
  })

  test('stays a production instance: other tokens cannot change, push to or delete it', async () => {
    const { user, instanceId, credentialId, deploy } = await world.setting()
    await deploy()
    await markProduction(user, instanceId)
    const call = await tokenOf(user, ['instances:write', 'credentials:write', 'deploy', 'credentials:use'])
    const change = (body: object) =>
      call('PATCH', `/v1/instances/${instanceId}`, { body, headers: { 'If-Match': '*' } })
    expect(await change({ environment: null })).toMatchObject(denied('deploy:production'))
    expect(await change({ name: 'Renamed' })).toMatchObject(denied('deploy:production'))
    const deletion = await call('DELETE', `/v1/instances/${instanceId}?force=true`)
    expect(deletion).toMatchObject(mustAsk('deploy:production', 'destructive'))
    for (const [method, path, options] of [
      ['POST', 'webhook-token', {}],
      ['POST', 'reporter', {}],
      ['PUT', 'otel', { body: {} }],
      ['DELETE', 'otel', {}],
    ] as const) {
      const answer = await call(method, `/v1/instances/${instanceId}/${path}`, options)
      expect({ path, answer }).toMatchObject({ path, answer: denied('deploy:production') })
    }
    const push = await call('POST', `/v1/credentials/${credentialId}/push`, { body: {} })
    expect(push).toMatchObject(mustAsk('deploy:production'))
    const data = { name: 'X-Key', value: 'another-secret' }
    const other = await user.call('POST', '/v1/credentials', {
      body: { type: 'httpHeaderAuth', name: 'Other', data },
    })
    const replaced = await call('POST', `/v1/credentials/${credentialId}/replace`, {
      body: { with: other.json.id },
    })
    expect(replaced).toMatchObject(mustAsk('deploy:production', 'destructive'))
    expect((await user.call('GET', `/v1/instances/${instanceId}`)).json).toMatchObject({
      environment: 'production',
      name: 'Prod',
    })
    const all = await tokenOf(user, ['instances:write', 'deploy:production'])
    const unmarked = await all('PATCH', `/v1/instances/${instanceId}`, {
      body: { environment: null },
      headers: { 'If-Match': '*' },
    })
    expect(unmarked.json).toMatchObject({ environment: null })
  })

  test('is marked at its creation too, with the name of an existing environment', async () => {
    const user = await world.user()
    const create = (environment: unknown) =>
      user.call('POST', '/v1/instances', {
        body: {
          name: String(environment),
          baseUrl: 'https://n8n.example.com',
          apiKey: 'planted',
          environment,
        },
      })
    expect((await create('staging')).json).toMatchObject({
      status: 422,
      errors: [{ pointer: '/environment' }],
    })
    const { id } = (await create('production')).json
    expect((await user.call('GET', `/v1/instances/${id}`)).json.environment).toBe('production')
  })
})

describe('a request with a second effect requires its scope too', () => {
  test('fixes of a deployment need workflows:write', async () => {
    const { user, instanceId, workflowId } = await world.setting()
    const byId = { hook: { main: [[{ node: 'tell', type: 'main', index: 0 }]] } }
    await user.call('PATCH', `/v1/workflows/${workflowId}`, {
      body: { workflow: { ...orders, connections: byId, settings: { executionOrder: 'v1' } } },
      headers: { 'If-Match': '*' },
    })
    const body = { workflowId, instanceId, fixes: ['connection-by-id'] }
    const call = await tokenOf(user, ['deploy', 'credentials:use'])
    expect(await call('POST', '/v1/deployments', { body })).toMatchObject(denied('workflows:write'))
    const current = await user.call('GET', `/v1/workflows/${workflowId}`)
    expect(current.json.version).toBe(2)
    const both = await tokenOf(user, ['deploy', 'credentials:use', 'workflows:write'])
    expect((await both('POST', '/v1/deployments', { body })).json).toMatchObject({
      status: 'active',
      version: 3,
    })
  })

  test('deleting a deployed workflow with force needs deploy, and deploy:production on production', async () => {
    const { user, instanceId, workflowId, deploy } = await world.setting()
    await deploy()
    const path = `/v1/workflows/${workflowId}?force=true`
    const writer = await tokenOf(user, ['workflows:write', 'destructive'])
    expect(await writer('DELETE', path)).toMatchObject(denied('deploy'))
    await markProduction(user, instanceId)
    const deployer = await tokenOf(user, ['workflows:write', 'deploy', 'destructive'])
    expect(await deployer('DELETE', path)).toMatchObject(mustAsk('deploy:production'))
    expect((await user.call('GET', `/v1/workflows/${workflowId}`)).status).toBe(200)
    const { json } = await user.call('POST', '/v1/workflows', { body: { workflow: orders } })
    expect((await writer('DELETE', `/v1/workflows/${json.id}?force=true`)).status).toBe(204)
    const all = await tokenOf(user, ['workflows:write', 'deploy', 'deploy:production', 'destructive'])
    expect((await all('DELETE', path)).status).toBe(204)
  })
})

describe('a token without credentials:use', () => {
  test('deploys no new binding, but the bindings that a deployment has', async () => {
    const { user, instanceId, workflowId, credentialId } = await world.setting()
    const call = await tokenOf(user, ['deploy'])
    const body = { workflowId, instanceId }
    expect(await call('POST', '/v1/deployments', { body })).toMatchObject(denied('credentials:use'))
    const bindings = [{ type: 'httpHeaderAuth', credentialId }]
    const chosen = await call('POST', '/v1/deployments', { body: { ...body, bindings } })
    expect(chosen).toMatchObject(denied('credentials:use'))
    const tracked = await call('POST', '/v1/deployments', {
      body: { ...body, bindings, n8nWorkflowId: 'x1' },
    })
    expect(tracked).toMatchObject(denied('credentials:use'))
    expect(world.stub.state.credentials.size).toBe(0)
    const { id } = (await user.call('POST', '/v1/deployments', { body })).json
    expect((await call('POST', `/v1/deployments/${id}/deploy`, { body: {} })).json.status).toBe('active')
    const rebound = await call('POST', `/v1/deployments/${id}/deploy`, { body: { bindings } })
    expect(rebound).toMatchObject(denied('credentials:use'))
  })

  test('cannot send a bound credential to another host', async () => {
    const { user, workflowId, deploy } = await world.setting()
    const { id } = await deploy()
    const elsewhere = JSON.parse(JSON.stringify(orders).replaceAll('crm.example.com', 'attacker.example.net'))
    const call = await tokenOf(user, ['deploy', 'workflows:write'])
    const saved = await call('PATCH', `/v1/workflows/${workflowId}`, {
      body: { workflow: elsewhere },
      headers: { 'If-Match': '*' },
    })
    expect(saved.status).toBe(200)
    const answer = await call('POST', `/v1/deployments/${id}/deploy`, { body: {} })
    expect([403, 422]).toContain(answer.status)
    const live = [...world.stub.state.workflows.values()]
    expect(JSON.stringify(live)).not.toContain('attacker.example.net')
  })

  test('deploys a workflow without credentials', async () => {
    const { user, instanceId } = await world.setting()
    const [hook] = orders.nodes
    const workflow = {
      name: 'Plain',
      nodes: [{ ...hook, parameters: { path: 'plain', options: {} } }],
      connections: {},
    }
    const { id } = (await user.call('POST', '/v1/workflows', { body: { workflow } })).json
    const call = await tokenOf(user, ['deploy'])
    const answer = await call('POST', '/v1/deployments', { body: { workflowId: id, instanceId } })
    expect(answer.json).toMatchObject({ status: 'active' })
  })
})
