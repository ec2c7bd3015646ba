import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import type { FailedRun } from '../../src/credentials/health.ts'
import { createN8nWorld, type N8nWorld, orders, secret } from '../deployments/n8n-world.ts'

let world: N8nWorld
beforeAll(async () => {
  world = await createN8nWorld()
})
afterAll(() => world.close())

/** A credential that a deployment has sent to n8n. */
async function pushed(workflow: object = orders) {
  const setting = await world.setting(workflow)
  const deployment = await setting.deploy()
  expect(deployment.error).toBe(null)
  const remote = [...world.stub.state.credentials.values()].find(({ name }) => name === 'CRM header')
  const path = `/v1/credentials/${setting.credentialId}`
  const test = (body: object = {}) => setting.user.call('POST', `${path}/test`, { body })
  const find = async () => (await setting.user.call('GET', path)).json
  const change = async (body: object) => {
    const answer = await setting.user.call('PATCH', path, { body, headers: { 'If-Match': '*' } })
    expect(answer.status).toBe(200)
  }
  return { ...setting, deployment, remote, test, find, change }
}

/** n8n's response to the next credential test. */
const answering = (answer: { status: string; message: string }) => {
  const { fetch } = world.stub
  world.stub.state.workingCredentials.clear()
  world.n8nFetch.fetch = async (input, init) => {
    if (!new Request(input).url.endsWith('/test')) return fetch(input, init)
    world.n8nFetch.fetch = fetch
    return Response.json(answer)
  }
}

describe('POST /v1/credentials/{id}/test', () => {
  test('stores that n8n signed in with it', async () => {
    const { test, find, remote, instanceId } = await pushed()
    world.stub.state.workingCredentials.add(remote?.id ?? '')
    const { status, json } = await test()
    expect([status, json]).toEqual([
      200,
      { status: 'valid', message: expect.any(String), testedAt: expect.any(String), instanceId },
    ])
    expect(await find()).toMatchObject({
      status: 'valid',
      lastValidatedAt: json.testedAt,
      validationError: null,
      version: 1,
    })
  })

  test('stores why it failed, without values of the data', async () => {
    const { test, find } = await pushed()
    answering({ status: 'Error', message: `Header ${secret} was refused with 401` })
    const { json } = await test()
    expect(json).toMatchObject({ status: 'invalid', message: 'Header [redacted] was refused with 401' })
    expect(await find()).toMatchObject({ status: 'invalid', validationError: json.message, version: 1 })
  })

  test('stores nothing when n8n has no test for the type', async () => {
    const { test, find } = await pushed()
    expect((await test()).json).toMatchObject({ status: 'untested' })
    expect(await find()).toMatchObject({ status: 'untested', lastValidatedAt: null, validationError: null })
  })

  test('rejects a credential that is in no n8n, or is outdated there', async () => {
    const setting = await world.setting()
    const path = `/v1/credentials/${setting.credentialId}/test`
    const early = await setting.user.call('POST', path, { body: {} })
    expect([early.status, early.json.code]).toEqual([409, 'conflict'])
    const { test, change } = await pushed()
    await change({ data: { name: 'X-Key', value: 'another-secret' } })
    const calls = world.stub.calls('test').length
    const stale = await test()
    expect([stale.status, stale.json.code]).toEqual([409, 'conflict'])
    expect(world.stub.calls('test').length).toBe(calls)
  })

  test('rejects an instance that does not have it or belongs to another user', async () => {
    const { test, instanceId } = await pushed()
    expect((await test({ instanceId })).status).toBe(200)
    expect((await test({ instanceId: uuidv7() })).status).toBe(409)
    expect((await test({ instanceId: 'x' })).json.errors[0].pointer).toBe('/instanceId')
    expect((await test({ instance: instanceId })).status).toBe(422)
  })

  test.each([
    ['reset', 'instance-unreachable'],
    ['leak', 'instance-unreachable'],
    ['4xx', 'instance-rejected'],
  ] as const)('changes nothing when n8n fails by %s', async (mode, code) => {
    const { test, find } = await pushed()
    world.stub.failNext({ step: 'test', mode })
    const answer = await test()
    expect(answer.json.code).toBe(code)
    expect(await find()).toMatchObject({ status: 'untested' })
  })

  test('reports that this n8n cannot test credentials', async () => {
    const { test } = await pushed()
    world.stub.state.generation = '1.x'
    const { status, json } = await test().finally(() => {
      world.stub.state.generation = '2.41'
    })
    expect([status, json.code]).toEqual([422, 'instance-rejected'])
  })
})

describe('a run that a service rejected', () => {
  const failed = (
    { user, deployment }: { user: { id: string }; deployment: { id: string } },
    more: Partial<FailedRun> = {},
  ): FailedRun => ({
    userId: user.id,
    deploymentId: deployment.id,
    workflowVersion: 1,
    node: 'Tell',
    message: 'Authorization failed - please check your credentials',
    httpStatus: 401,
    failedAt: new Date(Date.now() + 1000),
    ...more,
  })
  const mark = (run: FailedRun) => world.deps.credentialHealth.markRefused([run])

  test('marks the credential of the node after a push from n8n’s error workflow', async () => {
    const it = await pushed()
    const { webhookToken } = (await it.user.call('POST', `/v1/instances/${it.instanceId}/webhook-token`)).json
    await world.call('POST', `/hooks/n8n/${it.instanceId}`, {
      token: webhookToken,
      body: {
        execution: {
          id: '9',
          lastNodeExecuted: 'Tell',
          error: {
            message: `No: ${secret}`,
            httpCode: '403',
            timestamp: Date.now() + 1000,
            node: { name: 'Tell' },
          },
        },
        workflow: { id: it.deployment.n8nWorkflowId },
      },
    })
    await expect.poll(it.find).toMatchObject({
      status: 'invalid',
      validationError: expect.stringMatching(/^The service responded with 403 .*Tell/),
    })
    expect((await it.find()).version).toBe(1)
  })

  test.each<[string, Partial<FailedRun>]>([
    ['status 403', { httpStatus: 403, message: '' }],
    ['n8n’s message for 401', { httpStatus: null }],
    ['n8n’s message for 403', { httpStatus: null, message: 'Forbidden - perhaps check your credentials?' }],
    ['the message of its HTTP library', { httpStatus: null, message: 'Request failed with status code 401' }],
  ])('marks it after %s', async (_, more) => {
    const it = await pushed()
    expect(await mark(failed(it, more))).toEqual([it.credentialId])
    expect((await it.find()).status).toBe('invalid')
  })

  test.each<[string, Partial<FailedRun>]>([
    ['another status with any message', { httpStatus: 500 }],
    [
      'a message that only mentions it',
      { httpStatus: null, message: 'Order 401 is unauthorized by the manager' },
    ],
    ['a node without a credential', { node: 'Hook' }],
    ['an unknown node', { node: 'Absent' }],
    ['no node', { node: null }],
    ['an unknown version', { workflowVersion: 9 }],
    ['a run from before the credential was sent', { failedAt: new Date(0) }],
    ['another user', { userId: uuidv7() }],
  ])('marks nothing after %s', async (_, more) => {
    const it = await pushed()
    expect(await mark(failed(it, more))).toEqual([])
    expect(await it.find()).toMatchObject({ status: 'untested', validationError: null })
  })

  test('marks nothing that has changed since or passed a later test', async () => {
    const changed = await pushed()
    await changed.change({ data: { name: 'X-Key', value: 'another-secret' } })
    expect(await mark(failed(changed))).toEqual([])
    const tested = await pushed()
    const run = failed(tested, { failedAt: new Date() })
    world.stub.state.workingCredentials.add(tested.remote?.id ?? '')
    await tested.test()
    expect(await mark(run)).toEqual([])
    expect((await tested.find()).status).toBe('valid')
    expect(await mark(failed(tested, { failedAt: new Date(Date.now() + 60_000) }))).toEqual([
      tested.credentialId,
    ])
  })

  test('marks it once, and it becomes valid again after a successful test', async () => {
    const it = await pushed()
    expect(await world.deps.credentialHealth.markRefused([failed(it), failed(it), failed(it)])).toEqual([
      it.credentialId,
    ])
    expect(await mark(failed(it))).toEqual([])
    world.stub.state.workingCredentials.add(it.remote?.id ?? '')
    expect((await it.test()).json.status).toBe('valid')
  })
})

test('returns 404 for another user’s credential without a request to n8n', async () => {
  const it = await pushed()
  const stranger = await world.user()
  const calls = world.stub.calls().length
  const answer = await stranger.call('POST', `/v1/credentials/${it.credentialId}/test`, { body: {} })
  expect([answer.status, answer.json.code]).toEqual([404, 'not-found'])
  expect(world.stub.calls().length).toBe(calls)
})

test('no response, log line or row of credentials or deployments contains a secret', async () => {
  const rows = await world.database.sql`
    select credentials::text from credentials union all select deployments::text from deployments
    union all select remote_credentials::text from remote_credentials`
  expect(rows.length).toBeGreaterThan(10)
  const texts = [...world.answers, ...world.logs, ...rows.map((row) => JSON.stringify(row))]
  expect(texts.filter((text) => text.includes(secret) || text.includes(world.stub.apiKey))).toEqual([])
})
