/** Resolving, ignoring, reopening and regression of error groups. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type TestUser, useTestApp } from '../harness/app.ts'

const app = useTestApp()
const past = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
const soon = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString()

interface Tracked {
  workflowId: string
  deploymentId: string
  report: (message: string, startedAt: string, more?: Record<string, unknown>) => Promise<void>
}

async function track(user: TestUser, name: string): Promise<Tracked> {
  const post = async (path: string, body: unknown, token = user.accessToken) => {
    const answer = await app.call('POST', path, { body, token })
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.json
  }
  const hook = { id: 'n1', name: 'Hook', type: 'n8n-nodes-base.webhook', typeVersion: 2, position: [0, 0] }
  const nodes = [{ ...hook, parameters: { path: 'hook' } }]
  const workflow = await post('/v1/workflows', { workflow: { name, nodes, connections: {} } })
  const instance = await post('/v1/instances', {
    name: `n8n for ${name}`,
    baseUrl: `https://${name.toLowerCase()}.example.com`,
    apiKey: 'key',
  })
  const n8nWorkflowId = `${name}1`
  const deployment = await post('/v1/deployments', {
    workflowId: workflow.id,
    instanceId: instance.id,
    n8nWorkflowId,
  })
  let runs = 0
  return {
    workflowId: workflow.id,
    deploymentId: deployment.id,
    report: async (message, startedAt, more = {}) => {
      runs += 1
      const body = { executionId: String(runs), workflowId: n8nWorkflowId, status: 'error', startedAt }
      const error = { message, node: { name: 'Hook' } }
      await post(`/hooks/n8n/${instance.id}`, { ...body, error, ...more }, instance.webhookToken)
    },
  }
}

const list = async (user: TestUser, query = '') => {
  const { json } = await user.call('GET', `/v1/analytics/errors?to=${soon(120)}${query}`)
  const items = json.items as { message: string; state: string; fingerprint: string }[]
  return {
    total: json.total,
    states: items.map(({ message, state }) => `${message}: ${state}`).toSorted(),
    items,
  }
}

const change = (user: TestUser, fingerprint: string | undefined, body: unknown) =>
  user.call('PATCH', `/v1/analytics/errors/${fingerprint}`, { body })

describe('the state of an error group', () => {
  let user: TestUser
  let flow: Tracked
  beforeAll(async () => {
    user = await app.user()
    flow = await track(user, 'Orders')
  })

  test('filters the list, which excludes ignored and resolved groups by default', async () => {
    for (const message of ['Stays', 'Gets resolved', 'Gets ignored']) await flow.report(message, past(30))
    const { items } = await list(user)
    const of = (message: string) => items.find((each) => each.message === message)?.fingerprint
    const resolved = await change(user, of('Gets resolved'), { state: 'resolved' })
    expect(resolved.status).toBe(200)
    expect(resolved.json).toEqual({
      fingerprint: of('Gets resolved'),
      state: 'resolved',
      fixedIn: null,
      stateChangedAt: expect.any(String),
    })
    await change(user, of('Gets ignored'), { state: 'ignored' })
    expect(await list(user)).toMatchObject({ total: 1, states: ['Stays: open'] })
    expect((await list(user, '&state=open')).states).toEqual(['Stays: open'])
    expect((await list(user, '&state=resolved')).states).toEqual(['Gets resolved: resolved'])
    expect((await list(user, '&state=ignored')).states).toEqual(['Gets ignored: ignored'])
    expect((await list(user, '&state=regressed')).states).toEqual([])
    expect((await list(user, '&state=all')).total).toBe(3)
    const one = await user.call('GET', `/v1/analytics/errors/${of('Gets resolved')}`)
    expect(one.json).toMatchObject({ state: 'resolved', latestMessage: 'Gets resolved' })
    const events = (await user.call('GET', '/v1/audit-events?action=error')).json.items
    expect(events.map(({ action }: { action: string }) => action)).toEqual([
      'error.ignored',
      'error.resolved',
    ])
    expect(events[1].details).toEqual({ fingerprint: of('Gets resolved') })
  })

  test('stays resolved when an earlier failure without a start is delivered late', async () => {
    const withoutStart = (minutes: number) => ({
      startedAt: undefined,
      error: { message: 'Delivered late', node: { name: 'Hook' }, timestamp: Date.parse(past(minutes)) },
    })
    await flow.report('', '', withoutStart(30))
    const group = (await list(user)).items.find(({ message }) => message === 'Delivered late')
    await change(user, group?.fingerprint, { state: 'resolved' })
    await flow.report('', '', withoutStart(20))
    expect((await list(user, '&state=all')).states).toContain('Delivered late: resolved')
    await flow.report('Delivered late', soon(5))
    expect((await list(user)).states).toContain('Delivered late: regressed')
    await change(user, group?.fingerprint, { state: 'ignored' })
  })

  test('becomes regressed after a failure of a run that started after it was resolved', async () => {
    await flow.report('Comes back', past(20))
    const group = (await list(user)).items.find(({ message }) => message === 'Comes back')
    await change(user, group?.fingerprint, { state: 'resolved' })
    await flow.report('Comes back', past(10))
    expect((await list(user)).states).not.toContain('Comes back: regressed')
    await flow.report('Comes back', soon(5), { mode: 'manual' })
    expect((await list(user)).states).not.toContain('Comes back: regressed')
    await flow.report('Comes back', soon(5))
    expect((await list(user)).states).toContain('Comes back: regressed')
    expect((await list(user, '&state=regressed')).states).toEqual(['Comes back: regressed'])
    await change(user, group?.fingerprint, { state: 'open' })
    expect((await list(user)).states).toContain('Comes back: open')
    const again = await change(user, group?.fingerprint, { state: 'open' })
    expect(again.json).toEqual({
      fingerprint: group?.fingerprint,
      state: 'open',
      stateChangedAt: null,
      fixedIn: null,
    })
    const events = (await user.call('GET', '/v1/audit-events?action=error.reopened')).json.items
    expect(events).toHaveLength(1)
  })

  test('stays ignored, however often it fails', async () => {
    await flow.report('Flaky', past(20))
    const group = (await list(user)).items.find(({ message }) => message === 'Flaky')
    await change(user, group?.fingerprint, { state: 'ignored' })
    await flow.report('Flaky', soon(5))
    expect((await list(user)).states.join()).not.toContain('Flaky')
  })

  test('with a version that fixes it, failures of earlier versions do not reopen it', async () => {
    const other = await track(user, 'Invoices')
    await other.report('Fixed later', past(20))
    const group = (await list(user)).items.find(({ message }) => message === 'Fixed later')
    const fixedIn = { workflowId: other.workflowId, version: 2 }
    const tooEarly = await change(user, group?.fingerprint, { state: 'resolved', fixedIn })
    expect(tooEarly.status).toBe(422)
    const read = await user.call('GET', `/v1/workflows/${other.workflowId}`)
    const second = await user.call('PATCH', `/v1/workflows/${other.workflowId}`, {
      body: { prompt: 'Fix it' },
      headers: { 'If-Match': read.headers.get('ETag') ?? '' },
    })
    expect(second.json.version).toBe(2)
    const resolved = await change(user, group?.fingerprint, { state: 'resolved', fixedIn })
    expect(resolved.json).toMatchObject({ state: 'resolved', fixedIn })
    await other.report('Fixed later', soon(5))
    expect((await list(user, '&state=resolved')).states).toContain('Fixed later: resolved')
    await flow.report('Fixed later', soon(5))
    expect((await list(user, '&state=regressed')).states).toContain('Fixed later: regressed')
  })

  test('forgets the fixing workflow when it is deleted', async () => {
    const other = await track(user, 'Deleted')
    await other.report('Outlives', past(20))
    await flow.report('Outlives', past(20))
    const group = (await list(user)).items.find(({ message }) => message === 'Outlives')
    const fixedIn = { workflowId: other.workflowId, version: 1 }
    await change(user, group?.fingerprint, { state: 'resolved', fixedIn })
    const deleted = await user.call('DELETE', `/v1/workflows/${other.workflowId}?force=true`)
    expect(deleted.status).toBe(204)
    const { json } = await user.call('GET', `/v1/analytics/errors/${group?.fingerprint}`)
    expect(json).toMatchObject({ state: 'resolved', fixedIn: null })
  })

  test.each([
    ['an unknown state', { state: 'closed' }],
    ['a version for an ignored group', { state: 'ignored', fixedIn: null }],
    ['an unknown field', { state: 'open', note: 'x' }],
    [
      'version 0',
      { state: 'resolved', fixedIn: { workflowId: '018f4e5a-0000-7000-8000-000000000000', version: 0 } },
    ],
  ])('is not changed by %s', async (_, body) => {
    const [group] = (await list(user, '&state=all')).items
    expect((await change(user, group?.fingerprint, body)).status).toBe(422)
  })

  test('belongs to its owner only', async () => {
    const stranger = await app.user()
    const [group] = (await list(user)).items
    const missing = await change(stranger, '0123456789abcdef', { state: 'ignored' })
    const foreign = await change(stranger, group?.fingerprint, { state: 'ignored' })
    expect([missing.status, foreign.status]).toEqual([404, 404])
    const own = await track(stranger, 'Orders')
    await own.report(group?.message ?? '', past(20))
    const [same] = (await list(stranger)).items
    expect(same?.fingerprint).toBe(group?.fingerprint)
    await change(stranger, same?.fingerprint, { state: 'ignored' })
    expect((await list(stranger)).states).toEqual([])
    expect((await list(user)).states).toContain(`${group?.message}: ${group?.state}`)
    const workflow = { state: 'resolved', fixedIn: { workflowId: flow.workflowId, version: 1 } }
    expect((await change(stranger, same?.fingerprint, workflow)).status).toBe(422)
  })
})
