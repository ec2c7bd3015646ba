/** Tests every path with an ID in the OpenAPI document, so that new paths are included. */
import { v7 } from 'uuid'
import { beforeAll, describe, expect, test } from 'vitest'
import { evaluateRules } from '../src/alerts/evaluate.ts'
import { readWorkflowList } from '../src/workflows/list-queries.ts'
import { type Answer, type TestUser, useTestApp } from './harness/app.ts'
import { Authenticator } from './users/factors/authenticator.ts'
import { withoutRequestCounts } from './harness/database.ts'
import { createN8nStub } from './harness/n8n-stub.ts'

const stub = await createN8nStub({ apiKey: 'planted-api-key' })
const app = useTestApp({ runtime: { instanceFetch: (input, init) => stub.fetch(input, init) } })
let owner: TestUser
let stranger: TestUser
let owned: Record<string, string>

const workflow = {
  name: 'Owned',
  nodes: [
    {
      id: 'n1',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      webhookId: 'w1',
      parameters: { path: 'owned' },
    },
  ],
  connections: {},
}

/** Feature → creates a resource of the user. */
async function createAll(user: TestUser): Promise<Record<string, string>> {
  const post = async (path: string, body: unknown) => {
    const answer = await user.call('POST', path, { body })
    expect(answer.status).toBe(201)
    return answer.json
  }
  const { id: workflows } = await post('/v1/workflows', { workflow })
  const { id: credentials } = await post('/v1/credentials', {
    type: 'slackApi',
    name: 'Owned',
    data: { accessToken: 'planted-secret' },
  })
  const instance = await post('/v1/instances', {
    name: 'Owned',
    baseUrl: 'https://n8n.example.com',
    apiKey: 'planted-api-key',
  })
  const inN8n = await stub.fetch('https://n8n.example.com/api/v1/workflows', {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': stub.apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ settings: {}, ...workflow }),
  })
  const { id: n8nWorkflowId } = (await inN8n.json()) as { id: string }
  const { id: deployments } = await post('/v1/deployments', {
    workflowId: workflows,
    instanceId: instance.id,
    n8nWorkflowId,
  })
  expect((await user.call('PUT', `/v1/workflows/${workflows}/value-storage`, { body: {} })).status).toBe(200)
  const runData = { Hook: [{ source: [], data: { main: [[{ json: { order: 1 } }]] } }] }
  const report = (workflowId: string) => ({
    body: {
      executionId: '1',
      workflowId,
      status: 'success',
      startedAt: new Date().toISOString(),
      data: { resultData: { runData } },
    },
    token: instance.webhookToken as string,
  })
  const recorded = await app.call('POST', `/hooks/n8n/${instance.id}`, report(n8nWorkflowId))
  const unmatched = await app.call('POST', `/hooks/n8n/${instance.id}`, report('elsewhere'))
  expect(unmatched.json).toEqual({ created: false, code: 'unknown-workflow' })
  const letters = await user.call('GET', '/v1/dead-letters')
  const channel = { kind: 'webhook', name: 'Hook', url: 'https://hooks.example.com/alerts' }
  const { id: channelId } = await post('/v1/alerts/channels', channel)
  const { id: ruleId } = await post('/v1/alerts/rules', { kind: 'drift', channelIds: [channelId] })
  await app.database.sql`update deployments set drifted_since = now() where id = ${deployments}`
  await evaluateRules(app.deps.db, new Date(), 100)
  const delivered = await user.call('GET', '/v1/alerts/deliveries')
  const { id: environments } = await post('/v1/environments', { name: 'Owned' })
  const { id: releases } = await post('/v1/releases', {
    workflows: [{ workflowId: workflows }],
    instanceIds: [instance.id],
    dryRun: true,
  })
  const tested = await user.call('POST', `/v1/workflows/${workflows}/test`, {
    body: { instanceId: instance.id },
  })
  expect(tested.json).toMatchObject({ status: 'passed', removedAt: expect.any(String) })
  const { id: tokens } = await post('/v1/tokens', { name: 'Owned', scopes: ['admin'] })
  const asking = await post('/v1/tokens', { name: 'Asking', scopes: ['workflows:write'] })
  const { password } = user
  const { json: creation } = await user.call('POST', '/v1/me/factors/passkeys/options', {
    body: { password },
  })
  const passkey = await new Authenticator('https://flowkeep.example.com').create(creation.options)
  const added = await post('/v1/me/factors/passkeys', { name: 'Owned', passkey })
  const spare = await post('/v1/workflows', { workflow: { ...workflow, name: 'Spare' } })
  const asked = await app.call('DELETE', `/v1/workflows/${spare.id}`, { token: asking.token })
  const sessions = await user.call('GET', '/v1/me/sessions')
  return {
    'me/sessions': sessions.json.items[0].id,
    approvals: asked.json.approvalId,
    'alerts/rules': ruleId,
    'alerts/channels': channelId,
    'alerts/deliveries': delivered.json.items[0].id,
    tokens,
    releases,
    environments,
    'test-runs': tested.json.id,
    workflows,
    credentials,
    instances: instance.id,
    deployments,
    executions: recorded.json.id,
    'dead-letters': letters.json.items[0].id,
    'me/factors/passkeys': added.passkey.id,
  }
}

/** A valid body, so that the response depends on the ID only. */
const bodies: Record<string, unknown> = {
  'PATCH /v1/alerts/rules/{id}': { enabled: false },
  'PATCH /v1/credentials/{id}': { name: 'Taken over' },
  'PATCH /v1/environments/{id}': { name: 'Taken over' },
  'PATCH /v1/tokens/{id}': { name: 'Taken over' },
  'POST /v1/tokens/{id}/rotate': {},
  'PATCH /v1/workflows/{id}': { name: 'Taken over' },
  'POST /v1/workflows/{id}/fix': { fixes: 'all' },
  'POST /v1/workflows/{id}/versions/compact': {},
  'POST /v1/workflows/{id}/edits': { operations: [{ op: 'setName', name: 'Taken over' }] },
  'POST /v1/workflows/{id}/test': { instanceId: '01890000-0000-7000-8000-000000000000' },
  'PATCH /v1/instances/{id}': { name: 'Taken over' },
  'PUT /v1/instances/{id}/otel': {},
  'PUT /v1/workflows/{id}/value-storage': {},
  'PATCH /v1/deployments/{id}': { version: 1 },
  'POST /v1/credentials/{id}/test': {},
  'POST /v1/credentials/{id}/push': {},
  'POST /v1/credentials/{id}/replace': { with: '01890000-0000-7000-8000-000000000000' },
  'POST /v1/deployments/{id}/deploy': {},
  'POST /v1/deployments/{id}/rollback': { version: 1 },
  'POST /v1/releases/{id}/start': { planHash: 'a1'.repeat(32) },
  'POST /v1/releases/{id}/resume': {},
}

async function routesWithIds(): Promise<{ method: string; path: string; feature: string }[]> {
  const { json } = await app.call('GET', '/openapi.json')
  return Object.entries(json.paths as Record<string, Record<string, unknown>>).flatMap(([path, item]) => {
    const feature = path.slice('/v1/'.length, path.indexOf('/{id}'))
    if (!path.startsWith('/v1/') || !path.includes('{id}')) return []
    return Object.keys(item).map((method) => ({ method: method.toUpperCase(), path, feature }))
  })
}

const call = (user: TestUser, method: string, path: string, id: string): Promise<Answer> => {
  const isFactor = path.startsWith('/v1/me/factors/')
  const body = isFactor ? { password: user.password } : bodies[`${method} ${path}`]
  const concrete = path.replace('{id}', id).replace(/\{\w+\}/g, '1')
  const query = path.endsWith('/diff') ? '?from=1&to=1' : ''
  return user.call(method, concrete + query, {
    headers: { 'If-Match': '"1"' },
    ...(body !== undefined && { body }),
  })
}

const comparable = ({ status, json }: Answer, id: string) => {
  const { requestId: _, instance, ...rest } = json as Record<string, unknown>
  return { status, ...rest, instance: String(instance).replace(id, '{id}') }
}

describe('another user’s resource', () => {
  beforeAll(async () => {
    owner = await app.user()
    stranger = await app.user()
    owned = await createAll(owner)
  })

  test('gets the same 404 as a missing resource on every route and stays unchanged', async () => {
    const routes = await routesWithIds()
    expect(new Set(routes.map(({ feature }) => feature))).toEqual(new Set(Object.keys(owned)))
    const dump = async () => withoutRequestCounts(await app.database.dump())
    const before = await dump()
    const calls = stub.calls().length
    for (const { method, path, feature } of routes) {
      const id = owned[feature] ?? ''
      const missing = v7()
      const answer = await call(stranger, method, path, id)
      expect({ method, path, status: answer.status }).toEqual({ method, path, status: 404 })
      expect(comparable(answer, id)).toEqual(comparable(await call(stranger, method, path, missing), missing))
    }
    expect(await dump()).toBe(before)
    expect(stub.calls().length).toBe(calls)
  })

  test('is available to its owner on read routes', async () => {
    const routes = (await routesWithIds()).filter(({ method }) => method === 'GET')
    expect(routes.length).toBeGreaterThan(8)
    for (const { method, path, feature } of routes) {
      const answer = await call(owner, method, path, owned[feature] ?? '')
      expect({ path, status: answer.status }).toEqual({ path, status: 200 })
    }
  })

  test('is not included in lists, searches or counts', async () => {
    for (const feature of Object.keys(owned).filter((each) => each !== 'me/factors/passkeys')) {
      const { items } = (await stranger.call('GET', `/v1/${feature}`)).json
      // Everyone has a session of their own.
      if (feature === 'me/sessions') expect(items).toMatchObject([{ current: true }])
      else expect(items).toEqual([])
    }
    expect((await stranger.call('GET', '/v1/me/factors')).json.passkeys).toEqual([])
    expect((await stranger.call('GET', '/v1/workflows?q=owned')).json.items).toEqual([])
    expect((await stranger.call('GET', '/v1/credentials/missing')).json.items).toEqual([])
    for (const filter of [`workflowId=${owned.workflows}`, `deploymentId=${owned.deployments}`]) {
      expect((await stranger.call('GET', `/v1/executions?${filter}`)).json.items).toEqual([])
      expect((await stranger.call('GET', `/v1/analytics/summary?${filter}`)).json.total).toBe(0)
    }
  })

  test('cannot be bound, deployed or deployed to', async () => {
    const own = await createAll(stranger)
    const attempts = [
      { workflowId: owned.workflows, instanceId: own.instances },
      { workflowId: own.workflows, instanceId: owned.instances },
      { workflowId: own.workflows, instanceId: own.instances, bindings: { slackApi: owned.credentials } },
    ]
    for (const attempt of attempts) {
      const answer = await stranger.call('POST', '/v1/deployments', {
        body: { ...attempt, n8nWorkflowId: 'x1' },
      })
      expect(answer.status).toBe(422)
    }
  })

  test('rejects reports with another instance’s token', async () => {
    const instance = await stranger.call('POST', '/v1/instances', {
      body: { name: 'Mine', baseUrl: 'https://n8n.example.net', apiKey: 'another-api-key' },
    })
    const answer = await app.call('POST', `/hooks/n8n/${owned.instances}`, {
      body: { executionId: '2', workflowId: 'tracked1', status: 'error' },
      token: instance.json.webhookToken,
    })
    expect(answer.status).toBe(401)
  })
})

test('the workflow list of the dashboard counts and pages only the user’s own workflows', async () => {
  const [many, one] = [await app.user(), await app.user()]
  const save = (user: TestUser, name: string) =>
    user.call('POST', '/v1/workflows', { body: { workflow: { nodes: [], connections: {} }, name } })
  await save(one, 'Orders of one')
  for (let number = 0; number < 3; number += 1) await save(many, `Orders of many ${number}`)
  for (const filter of [{}, { q: 'orders' }]) {
    const list = await readWorkflowList(app.deps.db.read, one.id, filter, null, new Date())
    expect(list).toMatchObject({ total: 1, rows: [{ name: 'Orders of one' }], nextCursor: null })
  }
})

describe('without a session', () => {
  test('every route except public ones returns 401', async () => {
    const { json } = await app.call('GET', '/openapi.json')
    const operations = Object.entries(
      json.paths as Record<string, Record<string, { security?: unknown[] }>>,
    ).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { security }]) => ({ method, path, security })),
    )
    const open = operations.filter(({ security }) => security?.length === 0).map(({ path }) => path)
    expect(new Set(open)).toEqual(
      new Set([
        '/health/live',
        '/health/ready',
        '/v1/auth/register',
        '/v1/auth/login',
        '/v1/auth/refresh',
        '/v1/auth/logout',
        '/v1/auth/forgot-password',
        '/v1/auth/reset-password',
        '/v1/auth/confirm-email',
        '/v1/auth/undo-email-change',
        '/v1/auth/second-factor',
        '/v1/auth/passkey',
        '/v1/auth/passkey/options',
      ]),
    )
    for (const { method, path, security } of operations) {
      if (security?.length === 0) continue
      const concrete = path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'id' ? v7() : '1'))
      // The size of a webhook's body is checked before its sender.
      const answer = await app.call(
        method.toUpperCase(),
        concrete,
        path.startsWith('/hooks') ? { body: {} } : {},
      )
      expect({ method, path, status: answer.status }).toEqual({ method, path, status: 401 })
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer')
    }
  })
})
