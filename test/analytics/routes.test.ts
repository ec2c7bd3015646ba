import { v7 } from 'uuid'
import { beforeAll, describe, expect, test } from 'vitest'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { type TestUser, useTestApp } from '../harness/app.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'

const stub = await createN8nStub({ apiKey: 'planted-api-key' })
const app = useTestApp({ runtime: { instanceFetch: (input, init) => stub.fetch(input, init) } })

const paths = [
  'summary',
  'series',
  'workflows',
  'node-types',
  'credentials',
  'prompts',
  'models',
  'errors',
] as const

let owner: TestUser
let owned: { workflowId: string; deploymentId: string; instanceId: string }

const workflow = {
  name: 'Owned',
  nodes: [
    {
      id: 'n1',
      name: 'Post',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2,
      position: [0, 0],
      parameters: {},
    },
  ],
  connections: {},
}

beforeAll(async () => {
  owner = await app.user()
  const post = async (path: string, body: unknown) => (await owner.call('POST', path, { body })).json
  const made = await post('/v1/workflows', {
    workflow,
    prompt: 'Post to Slack',
    model: 'opus',
    tags: ['sales'],
  })
  await post('/v1/credentials', { type: 'slackApi', name: 'Owned', data: { accessToken: 'planted-secret' } })
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
  const deployment = await post('/v1/deployments', {
    workflowId: made.id,
    instanceId: instance.id,
    n8nWorkflowId,
  })
  owned = { workflowId: made.id, deploymentId: deployment.id, instanceId: instance.id }
  const startedAt = new Date(Date.now() - 60_000).toISOString()
  const finishedAt = new Date().toISOString()
  const nodes = [
    {
      name: 'Post',
      type: 'n8n-nodes-base.slack',
      startedAt,
      durationMs: 40,
      items: 1,
      runs: 1,
      error: { message: 'x' },
    },
  ]
  const report = { workflowId: n8nWorkflowId, startedAt, finishedAt, data: { nodes } }
  const failed = { message: 'No channel 123', node: 'Post', httpStatus: 404 }
  await app.call('POST', `/hooks/n8n/${instance.id}`, {
    token: instance.webhookToken,
    body: [
      { executionId: '1', status: 'success', ...report },
      { executionId: '2', status: 'error', ...report, error: failed },
    ],
  })
})

const get = (user: TestUser, path: string) => user.call('GET', `/v1/analytics/${path}`)

describe.each(['before', 'after'])('%s the changes are rolled up', (when) => {
  beforeAll(async () => {
    if (when === 'after') expect(await rollUpChanges(app.deps.db)).toBeGreaterThan(0)
  })

  test('every endpoint returns the two runs', async () => {
    const { workflowId } = owned
    expect((await get(owner, 'summary')).json).toMatchObject({ total: 2, successRate: 50 })
    const series = (await get(owner, 'series?interval=hour&timeZone=Europe/Berlin')).json
    expect(series.items).toHaveLength(721)
    expect(series.items.reduce((sum: number, { total }: { total: number }) => sum + total, 0)).toBe(2)
    const runs = { runs: 2, failed: 1, successRate: 50 }
    expect((await get(owner, 'workflows')).json).toMatchObject({
      total: 1,
      items: [{ workflowId, name: 'Owned', ...runs }],
    })
    const node = { executions: 2, runs: 2, failures: 2, failureRate: 100, items: 2, totalMs: 80 }
    expect((await get(owner, 'node-types')).json.items).toMatchObject([
      { nodeType: 'n8n-nodes-base.slack', workflows: 1, ...node },
    ])
    expect((await get(owner, `nodes?workflowId=${workflowId}`)).json.items).toMatchObject([
      { name: 'Post', nodeType: 'n8n-nodes-base.slack', ...node },
    ])
    expect((await get(owner, 'credentials')).json.items).toMatchObject([
      { name: 'Owned', deployments: 0, runs: 0 },
    ])
    expect((await get(owner, 'prompts')).json.items).toMatchObject([
      { workflowId, prompt: 'Post to Slack', model: 'opus', ...runs },
    ])
    expect((await get(owner, 'models')).json.items).toMatchObject([
      { model: 'opus', workflows: 1, versions: 1, ...runs },
    ])
    const [group] = (await get(owner, 'errors')).json.items
    expect(group).toMatchObject({
      node: 'Post',
      httpStatus: 404,
      message: 'No channel <number>',
      runs: 1,
      workflows: 1,
    })
    const detail = await get(owner, `errors/${group.fingerprint}`)
    expect(detail.json).toMatchObject({
      byWorkflow: [{ workflowId, runs: 1 }],
      executions: [{ status: 'error' }],
    })
    const listed = await owner.call('GET', `/v1/executions?errorFingerprint=${group.fingerprint}`)
    expect(listed.json.items).toMatchObject([{ n8nExecutionId: '2' }])
  })

  test.each(['tag=sales', 'nodeType=n8n-nodes-base.slack'])(
    '?%s selects the workflow, and another value does not',
    async (query) => {
      for (const path of paths.filter((each) => each !== 'node-types' && each !== 'credentials')) {
        const found = (await get(owner, `${path}?${query}`)).text
        expect({ path, found }).toEqual({
          path,
          found: (await get(owner, `${path}?workflowId=${owned.workflowId}`)).text.replace(
            /"period":\{[^}]*\}/,
            /"period":\{[^}]*\}/.exec(found)?.[0] ?? '',
          ),
        })
      }
      expect((await get(owner, `summary?${query}x`)).json.total).toBe(0)
    },
  )
})

test('returns nothing to another user with any filter', async () => {
  const stranger = await app.user()
  const filters = [
    '',
    ...Object.entries(owned).map(([name, id]) => `?${name}=${id}`),
    '?tag=sales',
    '?nodeType=n8n-nodes-base.slack',
  ]
  for (const path of paths) {
    for (const filter of filters) {
      const { status, json } = await get(stranger, path + filter)
      expect(status).toBe(200)
      if (path === 'summary') expect(json.total).toBe(0)
      else if (path === 'series')
        expect(json.items.every(({ total }: { total: number }) => total === 0)).toBe(true)
      else expect({ path, filter, items: json.items }).toEqual({ path, filter, items: [] })
    }
  }
  const { workflowId } = owned
  expect((await get(stranger, `nodes?workflowId=${workflowId}`)).json.items).toEqual([])
  const [group] = (await get(owner, 'errors')).json.items
  const theirs = await get(stranger, `errors/${group.fingerprint}`)
  const nobodys = await get(stranger, `errors/${'0'.repeat(16)}`)
  expect([theirs.status, nobodys.status]).toEqual([404, 404])
  expect(theirs.json.detail).toBe(nobodys.json.detail)
})

test('requires authentication', async () => {
  for (const path of [...paths, 'nodes', `errors/${'0'.repeat(16)}`]) {
    expect((await app.call('GET', `/v1/analytics/${path}`)).status).toBe(401)
  }
})

describe.each([...paths, 'nodes'] as const)('%s', (path) => {
  const base = path === 'nodes' ? `nodes?workflowId=${v7()}&` : `${path}?`
  test.each([
    ['from=yesterday', 'from'],
    ['to=1999-01-01T00:00:00Z', 'to'],
    ['from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z', 'to'],
    ['deploymentId=1', 'deploymentId'],
    ['instanceId=00000000-0000-4000-8000-000000000000', 'instanceId'],
    ['tag=', 'tag'],
    ['tag=a%00b', 'tag'],
    ['nodeType=', 'nodeType'],
    ['unknown=1', 'unknown'],
    ['from=2026-11-23T00:00:00Z&from=2026-11-24T00:00:00Z', 'from'],
  ])('?%s returns 422 at %s', async (query, pointer) => {
    const { status, json } = await get(owner, base + query)
    expect(status).toBe(422)
    expect(json.errors[0].pointer).toBe(pointer)
  })
})

test.each([
  ['series?interval=minute'],
  ['series?timeZone=%2B02:00'],
  ['series?timeZone=CET'],
  ['series?timeZone=Europe/Nowhere'],
  ["series?timeZone=Europe/Berlin'"],
  ['series?interval=hour&from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z'],
  ['workflows?limit=0'],
  ['workflows?limit=101'],
  ['workflows?sort=name'],
  ['workflows?minRuns=-1'],
  ['node-types?sort=p95'],
  ['nodes'],
  ['nodes?workflowId=1'],
  ['credentials?sort=name'],
  ['prompts?sort=failed'],
  ['models?sort=newest'],
  ['errors?sort=failed'],
  ['errors/0000000000000000?limit=1'],
])('%s returns 422', async (path) => {
  expect((await get(owner, path)).status).toBe(422)
})

test.each(['errors/x', 'errors/0000000000000000', 'errors/00000000000000AA', 'nothing'])(
  '%s returns 404',
  async (path) => {
    expect((await get(owner, path)).status).toBe(404)
  },
)
