/** A production server with the 128 MB of heap of an isolate survives the largest bodies, three at a time. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bodyLimits } from '../../src/http/validate.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { createResources, type Resources } from '../harness/target-resources.ts'
import {
  randomAddress,
  startTarget,
  type Target,
  type TargetAnswer,
  type TargetUser,
} from '../harness/target.ts'
import { origin } from '../web/browser.ts'
import { range } from './hostile.ts'
import { workflowKinds } from './workflows.ts'

const apiKey = 'planted-api-key'
/** Prints the largest use of memory, in megabytes, while the server runs. */
const watchMemory = `--import=data:text/javascript,${encodeURIComponent(`
  const most = { heapUsed: 0, rss: 0 }
  setInterval(() => {
    const now = process.memoryUsage()
    let isMore = false
    for (const name in most) {
      const megabytes = Math.round(now[name] / 2 ** 20)
      isMore ||= megabytes > most[name]
      most[name] = Math.max(most[name], megabytes)
    }
    if (isMore) process.stderr.write('memory heapUsed ' + most.heapUsed + ' MB, rss ' + most.rss + ' MB\\n')
  }, 20).unref()`)}`

let n8n: Awaited<ReturnType<typeof createN8nStub>>
let listening: { baseUrl: string; close: () => Promise<void> }
let target: Target
let user: TargetUser
let owned: Resources
beforeAll(async () => {
  n8n = await createN8nStub({ apiKey })
  listening = await n8n.listen()
  target = await startTarget({ runtime: 'node', nodeOptions: `--max-old-space-size=128 ${watchMemory}` })
  user = await target.user()
  const server = { stub: n8n, baseUrl: listening.baseUrl }
  owned = await createResources(target, user, server, { credential: 'xoxb-1', apiKey })
})
afterAll(async () => {
  console.log(`128 MB of heap: largest ${/.*memory (.+)/s.exec(target.logs())?.[1]?.trim()}`)
  await target.close()
  await listening.close()
})

/**
 * The largest workflow of a kind that a request may contain: notes fill what the limits of nodes (5,000)
 * and of values (200,000) leave.
 */
function largest(kind: string) {
  const make = workflowKinds[kind] ?? (() => ({ nodes: [] }))
  let size = 100_000
  const built = () => ({ ...make(size), name: 'Large' }) as { name: string; nodes: object[] }
  const limit = bodyLimits.workflow * 0.95
  let workflow = built()
  const isOver = (text: string) => text.length > limit || text.split(/[[{,]/).length > 190_000
  while (workflow.nodes.length > 4900 || isOver(JSON.stringify(workflow))) {
    size = Math.floor(size * 0.8)
    workflow = built()
  }
  const left = Math.floor((limit - JSON.stringify(workflow).length) / workflow.nodes.length) - 20
  const nodes = workflow.nodes.map((node) => ({ ...node, notes: 'x'.repeat(Math.max(0, left)) }))
  return { ...workflow, nodes }
}
const bytesOf = (unit: string, limit: number) => unit.repeat(Math.floor((limit * 0.95) / unit.length))

/** The server may refuse the requests; it must answer them, and its probe in the meantime. */
async function flood(count: number, send: (at: number) => Promise<TargetAnswer>): Promise<TargetAnswer[]> {
  const [live, ...answers] = await Promise.all([target.call('GET', '/health/live'), ...range(count, send)])
  expect(live?.status).toBe(200)
  expect((await target.call('GET', '/health/live')).status).toBe(200)
  const failed = answers.filter(({ status }) => status >= 500 && status !== 503)
  expect(failed.map(({ status, text }) => `${status} ${text.slice(0, 300)}`)).toEqual([])
  return answers
}

const three = (
  method: string,
  path: string,
  options: { body?: unknown; token?: string; headers?: Record<string, string> } = {},
) =>
  flood(3, () =>
    user.call(method, path, { ...options, headers: { 'If-Match': '*', ...options.headers }, isFinal: true }),
  )

test.each(['bare', 'chain', 'fanOut', 'oneId', 'wide', 'longText', 'references', 'deep'])(
  'workflows: %s',
  async (kind) => {
    await user.renew()
    const workflow = largest(kind)
    await three('POST', '/v1/workflows/check', { body: { workflow, fix: true } })
    const created = await three('POST', '/v1/workflows', { body: { workflow } })
    const id = created.find(({ status }) => status === 201)?.json.id
    expect(id, created[0]?.text.slice(0, 500)).toBeDefined()
    const path = `/v1/workflows/${id}`
    await three('PATCH', path, { body: { workflow: { ...workflow, connections: {} } } })
    for (const each of ['', '/versions/1', '/check', '/diff?from=1&to=2']) await three('GET', path + each)
    await three('POST', `${path}/fix`, { body: { fixes: 'all' } })
  },
)

test.each<[string, string]>([
  ['numbers', `[${bytesOf('0,', bodyLimits.workflow)}0]`],
  ['members', `{${range(110_000, (at) => `"member ${at}":1`).join(',')}}`],
  ['arrays', `[${bytesOf('[],', bodyLimits.workflow / 4)}[]]`],
  ['objects', `[${bytesOf('{},', bodyLimits.workflow / 4)}{}]`],
  ['text', `"${bytesOf('é', bodyLimits.workflow / 2)}"`],
  ['escapes', `"${bytesOf('\\u0041', bodyLimits.workflow)}"`],
])('bodies that contracts refuse: %s', async (_, value) => {
  await user.renew()
  const workflowId = owned.ids['workflows']
  const path = `/v1/workflows/${workflowId}`
  const bodies: [path: string, body: string][] = [
    ['/v1/workflows', `{"workflow":${value}}`],
    ['/v1/workflows', value],
    ['/v1/workflows/check', `{"workflow":{"nodes":${value},"connections":{}}}`],
    [`${path}/edits`, `{"operations":${value}}`],
    [`${path}/fix`, `{"fixes":${value}}`],
    ['/v1/deployments/plan', `{"workflowId":"${workflowId}","bindings":${value}}`],
  ]
  for (const [url, body] of bodies) {
    const statuses = (await three('POST', url, { body })).map(({ status }) => status)
    expect(Math.min(...statuses), url).toBeGreaterThanOrEqual(400)
  }
})

test('batches of reports', async () => {
  await user.renew()
  const hook = `/hooks/n8n/${owned.ids['instances']}`
  const token = owned.webhookToken
  const report = (at: number, data: unknown) => ({
    executionId: `batch-${at}`,
    workflowId: owned.n8nWorkflowId,
    status: 'error',
    error: { message: 'Failed', node: 'Slack' },
    data,
  })
  const run = { source: [], data: { main: [[{ json: { text: 'x'.repeat(1000) } }]] } }
  const bodies = [
    range(500, (at) => report(at, { resultData: { runData: { Slack: range(6, () => run) } } })),
    report(0, { resultData: { runData: { Slack: range(3500, () => run) } } }),
    report(1, {
      resultData: { runData: Object.fromEntries(range(40_000, (at) => [`N${at}`, [{ source: [] }]])) },
    }),
    `[${bytesOf('0,', bodyLimits.hook)}0]`,
    `[${bytesOf('{},', bodyLimits.hook / 8)}{}]`,
  ]
  for (const body of bodies) {
    await three('POST', hook, { body, token })
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    await three('POST', hook, {
      body: gzipSync(text),
      token,
      headers: { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' },
    })
  }
  expect((await three('GET', '/v1/executions/export'))[0]?.status).toBe(200)
})

test('an import, the drift and the pages of the largest workflow', async () => {
  await user.renew()
  const inN8n = await n8n.fetch(`${listening.baseUrl}/api/v1/workflows`, {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ settings: {}, ...largest('chain') }),
  })
  const { id } = (await inN8n.json()) as { id: string }
  const imported = await three('POST', `/v1/instances/${owned.ids['instances']}/workflows/${id}/import`, {
    body: {},
  })
  const deployment = imported.find(({ status }) => status < 300)?.json
  expect(deployment, imported[0]?.text.slice(0, 500)).toBeDefined()
  const workflowId = deployment.workflowId ?? deployment.workflow?.id
  await three(
    'GET',
    `/v1/deployments/${deployment.deploymentId ?? deployment.deployment?.id ?? deployment.id}/drift`,
  )
  const cookies = new Map<string, string>()
  const form = (path: string, fields: Record<string, string>) =>
    three('POST', path, {
      body: new URLSearchParams(fields).toString(),
      headers: {
        Origin: origin,
        'Sec-Fetch-Site': 'same-origin',
        'Content-Type': 'application/x-www-form-urlencoded',
        Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
  const [signedIn] = await form('/sign-in', { email: user.email, password: user.password })
  for (const header of signedIn?.headers.getSetCookie() ?? []) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
    cookies.set(name, value)
  }
  await form('/workflows/new', { workflow: JSON.stringify(largest('references')) })
  const headers = { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
  for (const page of ['', '/edit', '/versions/1', '/diff/1..1']) {
    const answers = await three('GET', `/workflows/${workflowId}${page}`, { headers })
    expect(answers[0]?.status).toBe(200)
  }
})

test('sign-ins from many addresses', async () => {
  const password = 'p'.repeat(200)
  const from = () => ({ from: randomAddress(), isFinal: true })
  const attempts = await flood(300, (at) =>
    target.call('POST', '/v1/auth/login', {
      body: { email: at % 2 ? user.email : `nobody-${at}@example.com`, password },
      ...from(),
    }),
  )
  const statuses = new Set(attempts.map(({ status }) => status))
  expect([401, 429, 503]).toEqual(expect.arrayContaining([...statuses]))
  expect(statuses).toContain(401)
  await flood(100, (at) =>
    target.call('POST', '/v1/auth/register', {
      body: { email: `new-${at}@example.com`, password },
      ...from(),
    }),
  )
})

test('long lists', async () => {
  await user.renew()
  const body = { workflow: largest('longText') }
  for (let at = 0; at < 4; at += 1) await three('POST', '/v1/workflows', { body })
  const [list] = await three('GET', '/v1/workflows?limit=100')
  expect(list?.json.items.length).toBeGreaterThan(12)
  for (const path of ['workflows', 'executions', 'dead-letters', 'deployments', 'audit-events']) {
    const [answer] = await three('GET', `/v1/${path}?limit=100`)
    expect(answer?.status, path).toBe(200)
  }
  await three('GET', '/v1/me/export')
  for (const path of ['/v1/executions/export', '/openapi.json']) {
    expect((await flood(20, () => user.call('GET', path, { isFinal: true })))[0]?.status, path).toBe(200)
  }
})
