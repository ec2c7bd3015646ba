/**
 * Statements and database round trips of every page and every `GET` of the API, over an account that has one of each
 * resource. A number may fall; raise one only with a reason in the commit.
 */
import { beforeAll, expect, test } from 'vitest'
import { type TestUser, useTestApp } from './harness/app.ts'
import { createN8nStub } from './harness/n8n-stub.ts'
import { browser, type Browser } from './web/browser.ts'

interface Cost {
  statements: number
  requests: number
}

const cost: Cost = { statements: 0, requests: 0 }
const stub = await createN8nStub({ apiKey: 'planted-api-key' })
const app = useTestApp({
  runtime: { instanceFetch: (input, init) => stub.fetch(input, init), wait: async () => undefined },
  onDatabaseRequest: (body) => {
    cost.requests += 1
    cost.statements += 'queries' in body ? body.queries.length : 1
  },
})

async function measured(name: string, work: () => Promise<{ status: number }>): Promise<Cost> {
  Object.assign(cost, { statements: 0, requests: 0 })
  const { status } = await work()
  expect({ name, isFine: status < 400 }).toEqual({ name, isFine: true })
  return { ...cost }
}

const workflow = {
  name: 'Budget',
  nodes: [
    {
      id: 'n1',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: 'budget' },
    },
    {
      id: 'n2',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.2,
      position: [200, 0],
      parameters: { select: 'channel', channelId: { mode: 'name', value: '#a' }, text: 'Hello' },
      credentials: { slackApi: { name: 'Team bot' } },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
}

let user: TestUser
let tab: Browser
const ids: Record<string, string> = {}

beforeAll(async () => {
  user = await app.user()
  const post = async (path: string, body: unknown) => {
    const { status, json, text } = await user.call('POST', path, { body })
    if (status >= 300) throw new Error(`${path}: ${status} ${text}`)
    return json
  }
  const saved = await post('/v1/workflows', { workflow, prompt: 'Post to Slack' })
  const data = { accessToken: 'xoxb-planted' }
  const credential = await post('/v1/credentials', { type: 'slackApi', name: 'Team bot', data })
  const instance = await post('/v1/instances', {
    name: 'prod',
    baseUrl: 'https://n8n.example.com',
    apiKey: 'planted-api-key',
  })
  const deployment = await post('/v1/deployments', { workflowId: saved.id, instanceId: instance.id })
  const deployed = await user.call('POST', `/v1/deployments/${deployment.id}/deploy`, { body: {} })
  expect(deployed.json.status).toBe('active')
  const report = (workflowId: string, status: string, executionId: string) =>
    app.call('POST', `/hooks/n8n/${instance.id}`, {
      token: instance.webhookToken,
      body: {
        executionId,
        workflowId,
        status,
        startedAt: new Date().toISOString(),
        error: { message: 'No' },
      },
    })
  const run = await report(deployed.json.n8nWorkflowId, 'error', '1')
  await report('elsewhere', 'success', '2')
  const letters = await user.call('GET', '/v1/dead-letters')
  const errors = await user.call('GET', '/v1/analytics/errors')
  Object.assign(ids, {
    workflows: saved.id,
    credentials: credential.id,
    instances: instance.id,
    deployments: deployment.id,
    executions: run.json.id,
    'dead-letters': letters.json.items[0].id,
    errors: errors.json.items[0]?.fingerprint,
  })
  tab = browser(app.app)
  const signedIn = await tab.post('/sign-in', { email: user.email, password: user.password })
  expect(signedIn.status).toBe(303)
})

/** Page → its maximum number of statements and requests. */
const pages: Record<string, [statements: number, requests: number]> = {
  '/': [18, 3],
  '/executions': [6, 2],
  '/executions/{executions}': [9, 2],
  '/errors': [3, 2],
  '/workflows': [4, 2],
  '/workflows/new': [2, 2],
  '/workflows/{workflows}': [16, 3],
  '/workflows/{workflows}/deployments': [6, 2],
  '/workflows/{workflows}/edit': [5, 2],
  '/workflows/{workflows}/versions': [8, 2],
  '/workflows/{workflows}/versions/1': [6, 2],
  '/credentials': [7, 2],
  '/credentials/new': [3, 2],
  '/credentials/new/slackApi': [3, 2],
  '/credentials/{credentials}': [13, 3],
  '/credentials/{credentials}/edit': [4, 3],
  '/credentials/{credentials}/replace': [4, 3],
  '/deployments': [6, 2],
  '/deployments/{deployments}': [9, 2],
  '/deployments/{deployments}/drift': [11, 3],
  '/deployments/new?workflowId={workflows}&instanceId={instances}': [5, 3],
  '/instances': [4, 2],
  '/instances/new': [2, 2],
  '/instances/{instances}': [5, 3],
  '/instances/{instances}/settings': [3, 2],
  '/instances/{instances}/import': [5, 3],
  '/instances/{instances}/dead-letters': [4, 3],
  '/audit': [3, 2],
  '/search?q=budget': [3, 2],
  '/search/suggestions?q=budget': [2, 2],
  '/executions/news?than={executions}': [2, 2],
  '/executions/export': [2, 2],
  '/audit/export.csv': [2, 2],
  '/help': [2, 2],
  '/account': [2, 2],
  '/more': [2, 2],
}

/** Operation → its maximum number of statements and requests. Writes run once, in this order. */
const operations: Record<string, [statements: number, requests: number]> = {
  'GET /v1/me': [1, 1],
  'GET /v1/credentials/missing': [1, 1],
  'GET /v1/credentials': [1, 1],
  'GET /v1/credentials/{credentials}': [1, 1],
  'GET /v1/credentials/{credentials}/usage': [3, 1],
  'GET /v1/credential-types': [0, 0],
  'GET /v1/credential-types/slackApi': [0, 0],
  'GET /v1/node-types': [0, 0],
  'GET /v1/node-types/n8n-nodes-base.slack': [0, 0],
  'GET /v1/workflows': [1, 1],
  'GET /v1/workflows?q=budget': [1, 1],
  'GET /v1/workflows/{workflows}': [1, 1],
  'GET /v1/workflows/{workflows}/versions': [1, 1],
  'GET /v1/workflows/{workflows}/versions/1': [1, 1],
  'GET /v1/workflows/{workflows}/diff?from=1&to=1': [1, 1],
  'GET /v1/workflows/{workflows}/readiness': [6, 4],
  'GET /v1/instances': [1, 1],
  'GET /v1/instances/{instances}': [1, 1],
  'GET /v1/instances/{instances}/workflows': [2, 2],
  'GET /v1/deployments': [1, 1],
  'GET /v1/deployments/{deployments}': [1, 1],
  'GET /v1/deployments/{deployments}/versions': [1, 1],
  'GET /v1/deployments/{deployments}/drift': [4, 2],
  'GET /v1/executions': [1, 1],
  'GET /v1/executions/export': [1, 1],
  'GET /v1/executions/{executions}': [1, 1],
  'GET /v1/dead-letters': [1, 1],
  'GET /v1/dead-letters/{dead-letters}': [1, 1],
  'GET /v1/incidents': [1, 1],
  'GET /v1/analytics/summary': [1, 1],
  'GET /v1/analytics/series': [1, 1],
  'GET /v1/analytics/workflows': [1, 1],
  'GET /v1/analytics/node-types': [1, 1],
  'GET /v1/analytics/nodes?workflowId={workflows}': [1, 1],
  'GET /v1/analytics/credentials': [2, 1],
  'GET /v1/analytics/prompts?workflowId={workflows}': [1, 1],
  'GET /v1/analytics/models': [1, 1],
  'GET /v1/analytics/errors': [1, 1],
  'GET /v1/analytics/errors/{errors}': [3, 1],
  'GET /v1/audit-events': [1, 1],
  'GET /v1/audit-events/export': [1, 1],
  'POST /v1/workflows': [4, 1],
  'PATCH /v1/workflows/{workflows}': [2, 1],
  'POST /v1/credentials': [4, 2],
  'PATCH /v1/credentials/{credentials}': [4, 4],
  'POST /v1/credentials/{credentials}/push': [9, 8],
  'POST /v1/deployments/plan': [7, 4],
  'POST /v1/deployments/{deployments}/deploy': [13, 9],
  'POST /v1/deployments/{deployments}/deactivate': [8, 7],
  'POST /v1/deployments/{deployments}/activate': [11, 7],
  'POST /v1/executions/poll': [7, 7],
  'POST /v1/deployments/{deployments}/undeploy': [16, 15],
}

const bodies: Record<string, unknown> = {
  'POST /v1/workflows': { workflow: { ...workflow, name: 'Another' } },
  'PATCH /v1/workflows/{workflows}': { workflow: { ...workflow, name: 'Changed' } },
  'POST /v1/credentials': { type: 'slackApi', name: 'Second bot', data: { accessToken: 'xoxb-planted-2' } },
  'PATCH /v1/credentials/{credentials}': { data: { accessToken: 'xoxb-planted-3' } },
  'POST /v1/credentials/{credentials}/push': {},
  'POST /v1/deployments/plan': { workflowId: '{workflows}', instanceId: '{instances}' },
  'POST /v1/deployments/{deployments}/deploy': {},
  'POST /v1/executions/poll': { instanceId: '{instances}' },
}

const filled = (path: string) => path.replaceAll(/\{([a-z-]+)\}/g, (_, name: string) => ids[name] ?? name)

function table(rows: [string, Cost][]): string {
  const lines = rows.map(
    ([name, { statements, requests }]) =>
      `${String(statements).padStart(4)} ${String(requests).padStart(4)}  ${name}`,
  )
  return ['stmt  req', ...lines].join('\n')
}

type Budgets = Record<string, [statements: number, requests: number]>

/** @param visit called twice, because the first call may fill caches of the isolate */
async function overBudget(budgets: Budgets, visit: (name: string) => Promise<{ status: number }>) {
  const rows: [string, Cost][] = []
  for (const name of Object.keys(budgets)) {
    if (name.startsWith('/') || name.startsWith('GET')) await visit(name)
    rows.push([name, await measured(name, () => visit(name))])
  }
  console.log(table(rows))
  return rows.filter(([name, { statements, requests }]) => {
    const [most, mostRequests] = budgets[name] ?? [0, 0]
    return statements > most || requests > mostRequests
  })
}

test('a page needs no more statements and round trips than its budget', async () => {
  expect(await overBudget(pages, (path) => tab.get(filled(path)))).toEqual([])
})

test('an operation of the API needs no more statements and round trips than its budget', async () => {
  const visit = (name: string) => {
    const [method = '', path = ''] = name.split(' ')
    const template = bodies[name]
    const body = template === undefined ? undefined : JSON.parse(filled(JSON.stringify(template)))
    return user.call(method, filled(path), {
      headers: { 'If-Match': '*' },
      ...(body !== undefined && { body }),
    })
  }
  expect(await overBudget(operations, visit)).toEqual([])
})

test('every GET of the API has a budget', async () => {
  const { json } = await app.call('GET', '/openapi.json')
  const paths = Object.entries(json.paths as Record<string, object>)
  const reads = paths.flatMap(([path, item]) => ('get' in item && path.startsWith('/v1/') ? [path] : []))
  const budgeted = Object.keys(operations).map((name) => name.replace(/^\w+ |\?.*$/g, ''))
  const covers = (path: string) => {
    const pattern = new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)
    return budgeted.some((each) => pattern.test(each))
  }
  expect(reads.filter((path) => !covers(path))).toEqual([])
})
