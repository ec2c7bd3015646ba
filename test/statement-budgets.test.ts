/**
 * Statements and database round trips of every route: pages, forms, the API and the webhook, over an account that has one of
 * each resource. A number may fall; raise one only with a reason in the commit.
 */
import { beforeAll, expect, test } from 'vitest'
import { rateClassOf } from '../src/http/rate-classes.ts'
import { evaluateRules } from '../src/alerts/evaluate.ts'
import { type TestUser, useTestApp } from './harness/app.ts'
import { spansOf, tracesJson } from './harness/otlp.ts'
import { pkce } from './oauth/app-client.ts'
import { totpCode, totpStep } from '../src/users/factors/totp.ts'
import { Authenticator } from './users/factors/authenticator.ts'
import { createN8nStub } from './harness/n8n-stub.ts'
import { parsePage } from './harness/dom.ts'
import { unownedIn } from './harness/owner-filter/analysis.ts'
import { readCatalog } from './harness/owner-filter/catalog.ts'
import { exceptions, tablesWithoutOwner } from './harness/owner-filter/exceptions.ts'
import { browser, type Browser } from './web/browser.ts'

interface Cost {
  statements: number
  requests: number
  /** Requests to n8n and to channels. */
  calls: number
}

const cost: Cost = { statements: 0, requests: 0, calls: 0 }
const calling = new Set<string>()
/** Work that continues after a response. Its statements count too. */
const deferred: Promise<unknown>[] = []
/** Statement → parameters of one use. */
const sent = new Map<string, readonly unknown[]>()
const stub = await createN8nStub({ apiKey: 'planted-api-key' })
const mails: string[] = []
const app = useTestApp({
  runtime: {
    sendMail: async ({ text }) => void mails.push(text),
    instanceFetch: (input, init) => {
      cost.calls += 1
      return stub.fetch(input, init)
    },
    wait: async () => undefined,
    isLocal: () => true,
    defer: (work) => void deferred.push(work.catch(() => undefined)),
  },
  onDatabaseRequest: (body) => {
    // Once in five seconds for each session, so it would depend on the clock.
    if ('query' in body && /^\s*select 1 from "sessions" s join/.test(body.query)) return
    cost.requests += 1
    for (const { query, params } of 'queries' in body ? body.queries : [body]) sent.set(query, params)
    cost.statements += 'queries' in body ? body.queries.length : 1
  },
})

interface Answer {
  status: number
  text: string
}

async function settled(): Promise<void> {
  while (deferred.length > 0) await deferred.pop()
}

/** The token of the newest emailed link to a page. */
const emailed = (page: string): string =>
  mails.flatMap((text) => new RegExp(`/${page}#(\\S+)`).exec(text)?.[1] ?? []).at(-1) ?? ''

async function measured(name: string, work: () => Promise<Answer>): Promise<Cost> {
  await settled()
  Object.assign(cost, { statements: 0, requests: 0, calls: 0 })
  const { status, text } = await work()
  await settled()
  if (status >= 400) throw new Error(`${name}: ${status} ${text.slice(0, 2000)}`)
  if (cost.calls > 0) calling.add(name.startsWith('/') ? `GET ${name}` : name)
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

const runData = {
  resultData: {
    runData: {
      Hook: [{ executionIndex: 0, source: [], data: { main: [[{ json: { order: 1 } }]] } }],
      Slack: [{ executionIndex: 1, source: [{ previousNode: 'Hook' }], error: { message: 'No' } }],
    },
  },
}

/** Creates a workflow in n8n. */
async function inN8n(name: string): Promise<string> {
  const { nodes, connections } = workflow
  const answer = await stub.fetch('https://n8n.example.com/api/v1/workflows', {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': 'planted-api-key', 'Content-Type': 'application/json' },
    body: JSON.stringify({
      name,
      nodes: nodes.map((node) => ({ ...node, credentials: {} })),
      connections,
      settings: {},
    }),
  })
  const made: { id?: string } = await answer.json()
  if (made.id === undefined) throw new Error(JSON.stringify(made))
  return made.id
}

let user: TestUser
/** Changes its own account. */
let other: TestUser
/** Deletes its own account. */
let leaving: TestUser
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
  const stored = await user.call('PUT', `/v1/workflows/${saved.id}/value-storage`, { body: {} })
  expect(stored.status).toBe(200)
  const tested = await user.call('POST', `/v1/workflows/${saved.id}/test`, {
    body: { instanceId: instance.id },
  })
  const report = (workflowId: string, status: string, executionId: string) =>
    app.call('POST', `/hooks/n8n/${instance.id}`, {
      token: instance.webhookToken,
      body: {
        executionId,
        workflowId,
        status,
        startedAt: new Date().toISOString(),
        error: { message: 'No' },
        data: runData,
      },
    })
  const run = await report(deployed.json.n8nWorkflowId, 'error', '1')
  for (const [index, id] of ['elsewhere', 'elsewhere', 'elsewhere', 'elsewhere'].entries()) {
    await report(id, 'success', String(index + 2))
  }
  const channel = await post('/v1/alerts/channels', {
    kind: 'slack',
    name: 'Slack',
    url: 'https://hooks.example.com/slack',
  })
  const hook = await post('/v1/alerts/channels', {
    kind: 'webhook',
    name: 'Hook',
    url: 'https://hooks.example.com/hook',
  })
  const rule = await post('/v1/alerts/rules', { kind: 'drift', channelIds: [channel.id] })
  await app.database.sql`update deployments set drifted_since = now() where id = ${deployment.id}`
  await evaluateRules(app.deps.db, new Date(), 100)
  await app.database.sql`update deployments set drifted_since = null where id = ${deployment.id}`
  const formHook = await post('/v1/alerts/channels', {
    kind: 'webhook',
    name: 'Form hook',
    url: 'https://hooks.example.com/form-hook',
  })
  const data2 = { accessToken: '1:a' }
  const refused = await post('/v1/credentials', { type: 'telegramApi', name: 'Refused', data: data2 })
  const formRule = await post('/v1/alerts/rules', {
    kind: 'credential-rejected',
    credentialId: refused.id,
    channelIds: [formHook.id],
  })
  await app.database.sql`update credentials set status = 'invalid' where id = ${refused.id}`
  await evaluateRules(app.deps.db, new Date(), 100)
  await app.database.sql`update credentials set status = 'untested' where id = ${refused.id}`
  const sent = await user.call('GET', '/v1/alerts/deliveries')
  const letters = await user.call('GET', '/v1/dead-letters')
  const errors = await user.call('GET', '/v1/analytics/errors')
  const environment = await post('/v1/environments', { name: 'staging' })
  const formEnvironment = await post('/v1/environments', { name: 'form' })
  const spareEnvironment = await post('/v1/environments', { name: 'spare' })
  const formToken = await post('/v1/tokens', { name: 'Form', scopes: ['admin'] })
  const token = await post('/v1/tokens', { name: 'Agent', scopes: ['admin'], requestsPerMinute: 6000 })
  const asking = await post('/v1/tokens', { name: 'Asking', scopes: ['workflows:write'] })
  for (const index of [1, 2, 3, 4]) {
    const asked = await post('/v1/workflows', { workflow: { ...workflow, name: `Asked ${index}` } })
    const answer = await app.call('DELETE', `/v1/workflows/${asked.id}`, { token: asking.token })
    ids[`approval-${index}`] = answer.json.approvalId
  }
  Object.assign(ids, {
    workflows: saved.id,
    credentials: credential.id,
    instances: instance.id,
    deployments: deployment.id,
    executions: run.json.id,
    'alert-rule': rule.id,
    'alert-channel': channel.id,
    'alert-hook': hook.id,
    'alert-delivery': sent.json.items[1].id,
    'form-delivery': sent.json.items[0].id,
    'form-rule': formRule.id,
    'form-channel': formHook.id,
    errors: errors.json.items[0]?.fingerprint,
    'webhook-token': instance.webhookToken,
    tokens: token.id,
    environments: environment.id,
    'spare-environment': spareEnvironment.id,
    'test-runs': tested.json.id,
    'form-environment': formEnvironment.id,
    'form-token': formToken.id,
    'n8n-workflow': deployed.json.n8nWorkflowId,
    password: user.password,
    email: user.email,
  })
  const release = { workflows: [{ workflowId: saved.id }], instanceIds: [instance.id], dryRun: true }
  for (const prefix of ['', 'form-']) {
    const planned = await post('/v1/releases', release)
    const observing = await post('/v1/releases', release)
    await app.database.sql`update releases set status = 'running', phase = 'observing', started_at = now(),
      observed_from = now(), observe_seconds = 86400 where id = ${observing.id}`
    ids[`${prefix}release`] = planned.id
    ids[`${prefix}plan-hash`] = planned.planHash
    ids[`${prefix}observing`] = observing.id
  }
  for (const [index, { id }] of letters.json.items.entries()) ids[`dead-letter-${index + 1}`] = id
  other = await app.user()
  leaving = await app.user()
  for (const index of [1, 2]) {
    const moving = await app.user()
    const [email, currentPassword] = [`moved-${index}@example.com`, moving.password]
    await moving.call('PATCH', '/v1/me', { body: { email, currentPassword } })
    await settled()
    await app.call('POST', '/v1/auth/confirm-email', { body: { token: emailed('confirm-email') } })
    await settled()
    ids[`undo-${index}`] = emailed('undo-email-change')
  }
  ids['leaving-password'] = leaving.password
  Object.assign(ids, { 'other-email': other.email, 'other-password': other.password })
  const login = () => post('/v1/auth/login', { email: other.email, password: other.password })
  await login()
  const live = await other.call('GET', '/v1/me/sessions')
  ids['spare-session'] = live.json.items[0].id
  ids['refresh-token'] = other.refreshToken
  ids['sign-out-token'] = (await login()).refreshToken
  ids['workflow-json'] = JSON.stringify({ ...workflow, name: 'From a form' })
  const formWorkflow = JSON.parse(JSON.stringify(workflow).replace('budget', 'form'))
  // What an operation deletes is a spare one.
  for (const index of [1, 2]) {
    ids[`spare-workflow-${index}`] = (
      await post('/v1/workflows', { workflow: { ...workflow, name: `Spare ${index}` } })
    ).id
    ids[`spare-credential-${index}`] = (
      await post('/v1/credentials', {
        type: 'telegramApi',
        name: `Spare ${index}`,
        data: { accessToken: '1:a' },
      })
    ).id
    ids[`form-workflow-${index}`] = (
      await post('/v1/workflows', { workflow: { ...formWorkflow, name: `Form ${index}` } })
    ).id
    ids[`form-credential-${index}`] = (
      await post('/v1/credentials', {
        type: 'telegramApi',
        name: `Form ${index}`,
        data: { accessToken: '1:a' },
      })
    ).id
    ids[`form-instance-${index}`] = (
      await post('/v1/instances', {
        name: `Form ${index}`,
        baseUrl: `https://n8n-form-${index}.example.com`,
        apiKey: 'planted-api-key',
      })
    ).id
    ids[`spare-instance-${index}`] = (
      await post('/v1/instances', {
        name: `Spare ${index}`,
        baseUrl: `https://n8n-${index}.example.com`,
        apiKey: 'planted-api-key',
      })
    ).id
    ids[`n8n-there-${index}`] = await inN8n(`There ${index}`)
    ids[`n8n-import-${index}`] = await inN8n(`Imported ${index}`)
  }
  for (const name of ['from', 'to']) await post('/v1/environments', { name })
  await app.database.sql`update instances set environment = 'from' where id = ${instance.id}`
  await app.database.sql`update instances set environment = 'to' where id = ${ids['spare-instance-2'] ?? ''}`
  tab = browser(app.app)
  const signedIn = await tab.post('/sign-in', { email: user.email, password: user.password })
  expect(signedIn.status).toBe(303)
  await post('/v1/auth/login', { email: user.email, password: user.password })
  ids['form-session'] = (await user.call('GET', '/v1/me/sessions')).json.items[0].id
  const { verifier, challenge } = pkce()
  const { client_id: clientId } = (
    await app.call('POST', '/oauth/register', { body: { redirect_uris: [appRedirectUri] } })
  ).json
  Object.assign(ids, { user: user.id, verifier, app: clientId })
  ids['app-request'] = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: appRedirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }).toString()
})

const appRedirectUri = 'https://agent.example.com/callback'

/** Page → its maximum number of statements and requests. */
const pages: Record<string, [statements: number, requests: number]> = {
  '/': [17, 3],
  '/executions': [5, 2],
  '/executions/{executions}': [11, 2],
  '/errors': [3, 2],
  '/models': [6, 2],
  '/models/prices': [3, 2],
  '/workflows': [4, 2],
  '/workflows/new': [2, 2],
  '/workflows/{workflows}': [16, 3],
  '/workflows/{workflows}/deployments': [6, 2],
  '/workflows/{workflows}/tests': [7, 3],
  '/workflows/{workflows}/tests/{test-runs}': [8, 4],
  '/workflows/{workflows}/edit': [5, 2],
  '/workflows/{workflows}/values': [4, 2],
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
  '/deployments/new?workflow={workflows}&instance={instances}': [13, 4],
  '/releases': [3, 2],
  '/releases/new': [5, 2],
  '/releases/promote': [3, 2],
  '/releases/{release}': [7, 2],
  '/environments': [3, 2],
  '/environments/new': [3, 2],
  '/environments/{environments}': [5, 2],
  '/instances': [4, 2],
  '/instances/new': [2, 2],
  '/instances/{instances}': [5, 3],
  '/instances/{instances}/settings': [5, 2],
  '/instances/{instances}/import': [5, 3],
  '/instances/{instances}/dead-letters': [4, 3],
  '/alerts': [6, 2],
  '/alerts/new': [2, 2],
  '/alerts/new?kind=drift': [4, 2],
  '/alerts/{alert-rule}': [4, 2],
  '/alerts/channels/new': [2, 2],
  '/workflows/{workflows}/alerts': [2, 2],
  '/audit': [3, 2],
  '/search?q=budget': [3, 2],
  '/search/suggestions?q=budget': [2, 2],
  '/executions/news?than={executions}': [2, 2],
  '/executions/export': [3, 3],
  '/audit/export.csv': [3, 3],
  '/help': [2, 2],
  '/account': [4, 2],
  '/account/export': [41, 41],
  '/account/usage': [3, 2],
  '/account/security': [6, 2],
  '/account/security/change?do=totp': [6, 2],
  '/account/tokens': [3, 2],
  '/account/tokens/new': [2, 2],
  '/account/tokens/{tokens}': [3, 2],
  '/account/tokens/{tokens}/scopes': [3, 2],
  '/approvals': [4, 2],
  '/approvals/{approval-1}': [3, 2],
  '/more': [2, 2],
  '/errors/{errors}': [5, 2],
  '/workflows/{workflows}/delete': [5, 2],
  '/workflows/{workflows}/diff?from=1&to=1': [2, 2],
  '/workflows/{workflows}/diff/1..1': [7, 2],
  '/deployments/continue?workflow={workflows}': [4, 3],
  '/deployments/track': [4, 2],
  '/deployments/{deployments}/rollback?version=1': [8, 3],
  '/deployments/{deployments}/overwrite': [7, 2],
  '/deployments/{deployments}/undeploy': [7, 2],
  '/deployments/{deployments}/delete': [7, 2],
  '/instances/{instances}/remove': [4, 3],
  '/instances/{instances}/dead-letters/{dead-letter-1}/drop': [3, 2],
  '/settings': [0, 0],
  '/me': [0, 0],
  '/profile': [0, 0],
  '/sign-in': [1, 1],
  '/register': [1, 1],
  '/signed-out': [0, 0],
  '/forgot-password': [0, 0],
  '/reset-password': [0, 0],
  '/confirm-email': [0, 0],
  '/undo-email-change': [0, 0],
  '/health/live': [0, 0],
  '/health/ready': [3, 2],
  '/openapi.json': [0, 0],
  // Read at most every 15 seconds.
  '/metrics': [14, 1],
  '/docs': [0, 0],
  '/oauth/authorize?{app-request}': [3, 2],
  '/.well-known/oauth-protected-resource': [0, 0],
  '/.well-known/oauth-protected-resource/mcp': [0, 0],
  '/.well-known/oauth-authorization-server': [0, 0],
}

/** Operation → its maximum number of statements and requests. Writes run once, in this order. */
const operations: Record<string, [statements: number, requests: number]> = {
  'GET /v1/me': [1, 1],
  'GET /v1/me/sessions': [1, 1],
  'GET /v1/me/sign-ins': [1, 1],
  'GET /v1/me/usage': [1, 1],
  'GET /v1/me/export': [40, 40],
  'GET /v1/credentials/missing': [1, 1],
  'GET /v1/credentials': [1, 1],
  'GET /v1/credentials/{credentials}': [1, 1],
  'GET /v1/credentials/{credentials}/usage': [3, 1],
  'GET /v1/credential-types': [0, 0],
  'GET /v1/credential-types/slackApi': [0, 0],
  'GET /v1/node-types': [0, 0],
  'GET /v1/node-types/n8n-nodes-base.slack': [0, 0],
  'GET /v1/node-types/n8n-nodes-base.slack/shape': [0, 0],
  'GET /v1/node-types/n8n-nodes-base.slack/schema': [0, 0],
  'GET /v1/node-types/n8n-nodes-base.slack/example': [0, 0],
  'GET /v1/workflows': [1, 1],
  'GET /v1/workflows?q=budget': [1, 1],
  'GET /v1/workflows/{workflows}': [1, 1],
  'GET /v1/workflows/{workflows}/versions': [1, 1],
  'GET /v1/workflows/{workflows}/versions/1': [1, 1],
  'GET /v1/workflows/{workflows}/diff?from=1&to=1': [1, 1],
  'GET /v1/workflows/{workflows}/check': [1, 1],
  'GET /v1/workflows/{workflows}/readiness': [6, 4],
  'GET /v1/environments': [1, 1],
  'GET /v1/environments/{environments}': [1, 1],
  'GET /v1/workflows/{workflows}/value-storage': [1, 1],
  'GET /v1/instances': [1, 1],
  'GET /v1/instances/{instances}': [1, 1],
  'GET /v1/instances/{instances}/workflows': [2, 2],
  'GET /v1/deployments': [1, 1],
  'GET /v1/deployments/{deployments}': [1, 1],
  'GET /v1/deployments/{deployments}/versions': [1, 1],
  'GET /v1/deployments/{deployments}/drift': [4, 2],
  'GET /v1/releases': [1, 1],
  'GET /v1/releases/{release}': [3, 1],
  'GET /v1/releases/{release}/targets': [2, 1],
  'GET /v1/executions': [1, 1],
  'GET /v1/executions/export': [2, 2],
  'GET /v1/executions/{executions}': [1, 1],
  'GET /v1/executions/{executions}/diagnosis': [7, 1],
  'GET /v1/executions/{executions}/values': [1, 1],
  'GET /v1/dead-letters': [1, 1],
  'GET /v1/dead-letters/{dead-letter-1}': [1, 1],
  'GET /v1/incidents': [1, 1],
  'GET /v1/analytics/summary': [1, 1],
  'GET /v1/analytics/series': [1, 1],
  'GET /v1/analytics/workflows': [1, 1],
  'GET /v1/analytics/node-types': [1, 1],
  'GET /v1/analytics/nodes?workflowId={workflows}': [1, 1],
  'GET /v1/analytics/credentials': [2, 1],
  'GET /v1/analytics/prompts?workflowId={workflows}': [1, 1],
  'GET /v1/analytics/models': [1, 1],
  'GET /v1/analytics/costs': [1, 1],
  'GET /v1/model-prices': [1, 1],
  'GET /v1/analytics/errors': [1, 1],
  'GET /v1/analytics/errors/{errors}': [3, 1],
  'GET /v1/alerts/rules': [1, 1],
  'GET /v1/alerts/rules/{alert-rule}': [1, 1],
  'GET /v1/alerts/channels': [1, 1],
  'GET /v1/alerts/incidents': [1, 1],
  'GET /v1/alerts/deliveries': [1, 1],
  'GET /v1/test-runs': [1, 1],
  'GET /v1/test-runs/{test-runs}': [1, 1],
  'GET /v1/tokens': [1, 1],
  'GET /v1/tokens/{tokens}': [1, 1],
  'GET /v1/approvals': [1, 1],
  'GET /v1/approvals/{approval-1}': [1, 1],
  'GET /v1/audit-events': [1, 1],
  'GET /v1/audit-events/export': [2, 2],
  // These send email after the response, which takes three statements.
  'POST /v1/auth/register': [7, 5],
  'POST /v1/auth/login': [4, 4],
  'POST /v1/auth/refresh': [1, 1],
  'POST /v1/auth/logout': [1, 1],
  'POST /v1/auth/forgot-password': [5, 5],
  'POST /v1/auth/reset-password': [5, 5],
  'POST /v1/auth/undo-email-change': [3, 3],
  'POST /v1/me/verify-email': [5, 5],
  'POST /v1/auth/confirm-email': [2, 2],
  'PATCH /v1/me': [2, 1],
  'DELETE /v1/me/sessions/{spare-session}': [1, 1],
  'POST /v1/me/sessions/end-others': [2, 1],
  'POST /v1/me/password': [9, 7],
  'POST /v1/auth/logout-all': [2, 1],
  'POST /v1/me/delete': [19, 17],
  'POST /hooks/n8n/{instances}': [2, 2],
  'POST /hooks/n8n/{instances}?values': [3, 3],
  'POST /hooks/n8n/{instances}?batch': [2, 2],
  'POST /hooks/n8n/{instances}?unknown': [6, 4],
  'POST /hooks/n8n/{instances}/otlp/v1/traces': [4, 4],
  'POST /v1/tokens': [8, 4],
  'PATCH /v1/tokens/{tokens}': [4, 3],
  'POST /v1/tokens/{tokens}/rotate': [2, 2],
  'POST /v1/approvals/{approval-1}/approve': [2, 2],
  'POST /v1/approvals/{approval-2}/deny': [2, 2],
  'POST /v1/workflows/check': [0, 0],
  // Reads a workflow and its deployments.
  'POST /mcp': [2, 1],
  'POST /oauth/register': [2, 2],
  // The last statement of a batch that stores a version or a credential checks the quotas.
  'POST /v1/workflows': [5, 1],
  'PATCH /v1/workflows/{workflows}': [4, 1],
  'POST /v1/workflows/{workflows}/fix': [5, 2],
  'POST /v1/workflows/{spare-workflow-1}/edits': [5, 2],
  'POST /v1/workflows/{workflows}/versions/compact': [1, 1],
  'POST /v1/workflows/{workflows}/versions/1/restore': [5, 2],
  'DELETE /v1/workflows/{spare-workflow-1}': [2, 1],
  'POST /v1/credentials': [5, 2],
  'PATCH /v1/credentials/{credentials}': [4, 4],
  'POST /v1/credentials/{credentials}/push': [9, 8],
  'POST /v1/credentials/{credentials}/test': [3, 3],
  'POST /v1/credentials/{spare-credential-1}/replace': [4, 3],
  'DELETE /v1/credentials/{spare-credential-1}': [2, 1],
  'POST /v1/environments': [3, 1],
  'PATCH /v1/environments/{environments}': [3, 3],
  'DELETE /v1/environments/{spare-environment}': [2, 2],
  'POST /v1/instances': [4, 1],
  'PATCH /v1/instances/{spare-instance-1}': [3, 3],
  'POST /v1/instances/{spare-instance-1}/test': [2, 2],
  'POST /v1/instances/{spare-instance-1}/reporter': [7, 7],
  'PUT /v1/instances/{spare-instance-1}/otel': [6, 6],
  'POST /v1/instances/{spare-instance-1}/webhook-token': [14, 11],
  'DELETE /v1/instances/{spare-instance-1}/otel': [4, 4],
  'DELETE /v1/instances/{spare-instance-1}': [5, 4],
  'POST /v1/instances/{instances}/workflows/{n8n-import-1}/import': [14, 6],
  'POST /v1/deployments/plan': [7, 3],
  'POST /v1/deployments': [23, 17],
  'POST /v1/deployments?track': [8, 5],
  'PATCH /v1/deployments/{tracked}': [4, 2],
  'DELETE /v1/deployments/{tracked}': [2, 2],
  'POST /v1/deployments/{deployments}/deploy': [13, 9],
  'POST /v1/deployments/{deployments}/rollback': [14, 9],
  'POST /v1/deployments/{deployments}/deactivate': [8, 7],
  'POST /v1/deployments/{deployments}/activate': [11, 7],
  'POST /v1/deployments/{deployments}/retry': [10, 8],
  'POST /v1/deployments/{deployments}/overwrite': [8, 6],
  'POST /v1/deployments/{deployments}/adopt': [7, 3],
  // Plans the target and deploys it.
  'POST /v1/releases': [72, 46],
  'POST /v1/promotions': [35, 19],
  'POST /v1/releases/{release}/start': [14, 9],
  'POST /v1/releases/{observing}/halt': [8, 3],
  'POST /v1/releases/{observing}/resume': [12, 7],
  'POST /v1/releases/{observing}/rollback': [11, 6],
  'POST /v1/workflows/{workflows}/test': [12, 11],
  'POST /v1/executions/poll': [7, 7],
  'PUT /v1/workflows/{workflows}/value-storage': [4, 2],
  'DELETE /v1/workflows/{workflows}/value-storage': [1, 1],
  'POST /v1/dead-letters/{dead-letter-1}/replay': [3, 3],
  'DELETE /v1/dead-letters/{dead-letter-1}': [1, 1],
  'PATCH /v1/analytics/errors/{errors}': [1, 1],
  'POST /v1/deployments/{deployments}/undeploy': [11, 10],
  'POST /v1/alerts/channels': [3, 1],
  'POST /v1/alerts/channels/{alert-channel}/test': [1, 1],
  'POST /v1/alerts/channels/{alert-hook}/secret': [2, 2],
  'POST /v1/alerts/rules': [5, 3],
  'PATCH /v1/alerts/rules/{alert-rule}': [3, 3],
  'PUT /v1/model-prices': [2, 2],
  'POST /v1/alerts/deliveries/{alert-delivery}/replay': [5, 5],
  'DELETE /v1/alerts/channels/{alert-hook}': [1, 1],
  'DELETE /v1/alerts/rules/{alert-rule}': [1, 1],
  'DELETE /v1/tokens/{tokens}': [1, 1],
}

/** Form → its maximum number of statements and requests. Each is submitted once, in this order. */
const forms: Record<string, [statements: number, requests: number]> = {
  'POST /sign-out': [2, 2],
  'POST /sign-in': [4, 4],
  'POST /theme': [0, 0],
  'POST /errors/{errors}/state': [2, 2],
  'POST /workflows/new': [6, 2],
  'POST /workflows/{workflows}/edit': [8, 3],
  'POST /workflows/{workflows}/tests': [14, 13],
  'POST /workflows/{workflows}/tests/setting': [6, 4],
  'POST /workflows/{workflows}/fix': [6, 3],
  'POST /workflows/{workflows}/versions/compact': [2, 2],
  'POST /workflows/{workflows}/versions/1/restore': [6, 3],
  'POST /workflows/{workflows}/values': [6, 4],
  'POST /workflows/{workflows}/values/delete': [3, 3],
  'POST /workflows/{form-workflow-1}/delete': [6, 3],
  'POST /credentials/new/slackApi': [6, 3],
  'POST /credentials/{credentials}/edit': [4, 4],
  'POST /credentials/{credentials}/push': [10, 9],
  'POST /credentials/{credentials}/validate': [4, 4],
  'POST /credentials/{form-credential-1}/replace': [8, 6],
  'POST /credentials/{form-credential-1}/delete': [4, 3],
  'POST /environments': [5, 3],
  'POST /environments/{form-environment}': [6, 6],
  'POST /environments/{form-environment}/delete': [4, 4],
  'POST /instances': [6, 3],
  'POST /instances/{form-instance-1}/settings': [5, 5],
  'POST /instances/{form-instance-1}/key': [6, 6],
  'POST /instances/{form-instance-1}/webhook-token': [7, 4],
  'POST /instances/{form-instance-1}/test': [4, 4],
  'POST /instances/{form-instance-1}/poll': [5, 5],
  'POST /instances/{form-instance-1}/reporter': [9, 9],
  'POST /instances/{form-instance-1}/otel': [8, 8],
  'POST /instances/{form-instance-1}/otel/remove': [6, 6],
  'POST /instances/{form-instance-1}/remove': [7, 6],
  'POST /instances/{instances}/import': [16, 8],
  'POST /instances/{instances}/dead-letters/{dead-letter-2}/replay': [5, 5],
  'POST /instances/{instances}/dead-letters/{dead-letter-2}/drop': [3, 3],
  'POST /models/prices': [4, 4],
  'POST /models/prices/delete': [4, 4],
  'POST /alerts/channels': [5, 3],
  'POST /alerts/channels/{form-channel}/test': [3, 3],
  'POST /alerts/channels/{form-channel}/secret': [4, 4],
  'POST /alerts': [6, 4],
  'POST /alerts/{form-rule}': [6, 6],
  'POST /alerts/{form-rule}/mute': [5, 5],
  'POST /alerts/deliveries/{form-delivery}/replay': [5, 5],
  'POST /alerts/{form-rule}/delete': [3, 3],
  'POST /alerts/channels/{form-channel}/delete': [3, 3],
  'POST /deployments': [31, 18],
  'POST /deployments/track': [11, 7],
  'POST /deployments/{form-deployment}/deactivate': [13, 9],
  'POST /deployments/{form-deployment}/activate': [16, 9],
  'POST /deployments/{form-deployment}/retry': [15, 10],
  'POST /deployments/{form-deployment}/rollback': [13, 7],
  'POST /deployments/{form-deployment}/overwrite': [13, 8],
  'POST /deployments/{form-deployment}/adopt': [8, 4],
  'POST /releases/new': [35, 19],
  'POST /releases/promote': [36, 20],
  'POST /releases/{form-release}/start': [15, 10],
  'POST /releases/{form-observing}/halt': [9, 4],
  'POST /releases/{form-observing}/resume': [13, 8],
  'POST /releases/{form-observing}/rollback': [12, 7],
  'POST /deployments/{form-deployment}/undeploy': [16, 12],
  'POST /deployments/{form-deployment}/delete': [8, 4],
  'POST /forgot-password': [5, 5],
  'POST /reset-password': [5, 5],
  'POST /undo-email-change': [3, 3],
  'POST /account/verify-email': [5, 5],
  'POST /confirm-email': [2, 2],
  'POST /account/profile': [3, 2],
  'POST /account/sessions/{form-session}/end': [2, 2],
  'POST /account/sessions/end-others': [3, 2],
  'POST /register': [9, 7],
  // One more: the browser has a device token that is revoked, or of another account.
  'POST /sign-in?again': [7, 7],
  'POST /account/password': [10, 8],
  'POST /oauth/authorize?{app-request}': [8, 4],
  'POST /oauth/token': [2, 2],
  'POST /oauth/revoke': [2, 2],
  'POST /account/tokens': [10, 6],
  'POST /account/tokens/{form-token}/rotate': [4, 4],
  'POST /account/tokens/{form-token}/scopes': [6, 5],
  'POST /approvals/{approval-3}/approve': [3, 3],
  'POST /approvals/{approval-4}/deny': [3, 3],
  'POST /account/tokens/{form-token}/revoke': [2, 2],
  'POST /account/sign-out-everywhere': [3, 2],
  'POST /sign-in?new': [5, 5],
  'POST /sign-in/passkey-options': [0, 0],
  'POST /account/security/passkey-check': [2, 2],
  'POST /account/security/passkeys': [1, 1],
  'POST /account/security/change?do=totp': [5, 5],
  'POST /account/security/totp': [8, 8],
  'POST /account/delete': [20, 18],
}

/** Operation on second factors → its maximum, with three statements per email to the owner. Each needs what an earlier one returned. */
const factorOperations: Record<string, [statements: number, requests: number]> = {
  'GET /v1/me/factors': [3, 1],
  'POST /v1/me/factors/totp': [4, 4],
  'POST /v1/me/factors/totp/confirm': [7, 7],
  'POST /v1/me/factors/passkeys/options': [8, 8],
  'POST /v1/me/factors/passkeys': [4, 4],
  'POST /v1/me/factors/recovery-codes': [15, 13],
  'POST /v1/me/factors/passkey-check': [1, 1],
  'POST /v1/auth/passkey/options': [0, 0],
  'POST /v1/auth/passkey': [4, 4],
  'POST /v1/auth/second-factor': [8, 8],
  'POST /v1/me/factors/passkeys/{passkey}/remove': [13, 13],
  'POST /v1/me/factors/totp/remove': [13, 13],
}

const bodies: Record<string, unknown> = {
  'PUT /v1/model-prices': { items: [{ model: 'acme-*', inputPerMillion: 1, outputPerMillion: 2 }] },
  'POST /v1/alerts/channels': { kind: 'slack', name: 'Other', url: 'https://hooks.example.com/other' },
  'POST /v1/alerts/rules': { kind: 'drift', channelIds: ['{alert-channel}'] },
  'PATCH /v1/alerts/rules/{alert-rule}': { mutedUntil: '2099-01-01T00:00:00Z' },
  'POST /v1/tokens': { name: 'Another', scopes: ['workflows:read'] },
  'PATCH /v1/tokens/{tokens}': { name: 'Renamed' },
  'POST /v1/tokens/{tokens}/rotate': {},
  'POST /v1/workflows/check': { workflow },
  'POST /v1/workflows/{workflows}/versions/compact': {},
  'POST /oauth/register': { redirect_uris: [appRedirectUri] },
  'POST /mcp': {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'read_workflow', arguments: { workflowId: '{workflows}' } },
  },
  'PUT /v1/workflows/{workflows}/value-storage': { retentionDays: 3 },
  'POST /v1/workflows/{workflows}/fix': { fixes: 'all' },
  'POST /v1/workflows/{spare-workflow-1}/edits': {
    operations: [{ op: 'setNodeProperty', node: 'Slack', property: 'notes', value: 'Edited' }],
  },
  'POST /v1/workflows': { workflow: { ...workflow, name: 'Another' } },
  'PATCH /v1/workflows/{workflows}': { workflow: { ...workflow, name: 'Changed' } },
  'POST /v1/credentials': { type: 'slackApi', name: 'Second bot', data: { accessToken: 'xoxb-planted-2' } },
  'PATCH /v1/credentials/{credentials}': { data: { accessToken: 'xoxb-planted-3' } },
  'POST /v1/credentials/{credentials}/push': {},
  'POST /v1/deployments/plan': { workflowId: '{workflows}', instanceId: '{instances}' },
  'POST /v1/deployments/{deployments}/deploy': {},
  'POST /v1/workflows/{workflows}/test': { instanceId: '{instances}' },
  'POST /v1/executions/poll': { instanceId: '{instances}' },
  'POST /v1/auth/register': { email: 'new@example.com', password: '{password}' },
  'POST /v1/auth/login': { email: '{other-email}', password: '{other-password}' },
  'POST /v1/auth/refresh': { refreshToken: '{refresh-token}' },
  'POST /v1/auth/logout': { refreshToken: '{sign-out-token}' },
  'PATCH /v1/me': { name: 'Maya' },
  'POST /v1/me/password': { currentPassword: '{other-password}', newPassword: 'new-{other-password}' },
  'POST /v1/me/delete': { password: '{leaving-password}' },
  'POST /v1/auth/forgot-password': { email: 'moved-1@example.com' },
  'POST /v1/auth/reset-password': { token: '{reset-token}', newPassword: 'a password that nobody uses' },
  'POST /v1/auth/undo-email-change': { token: '{undo-1}' },
  'POST /v1/auth/confirm-email': { token: '{confirm-token}' },
  'POST /hooks/n8n/{instances}': {
    executionId: '9',
    workflowId: '{n8n-workflow}',
    status: 'error',
    startedAt: '2026-01-01T00:00:00Z',
    error: { message: 'No' },
  },
  'POST /hooks/n8n/{instances}?values': {
    executionId: '14',
    workflowId: '{n8n-workflow}',
    status: 'success',
    data: runData,
  },
  'POST /hooks/n8n/{instances}?batch': [
    { executionId: '10', workflowId: '{n8n-workflow}', status: 'success' },
    { executionId: '11', workflowId: '{n8n-workflow}', status: 'success' },
  ],
  'POST /hooks/n8n/{instances}?unknown': { executionId: '12', workflowId: 'elsewhere', status: 'success' },
  'POST /hooks/n8n/{instances}/otlp/v1/traces': tracesJson(
    spansOf({
      executionId: '13',
      workflowId: '{n8n-workflow}',
      startMs: Date.now(),
      nodes: [{ name: 'Hook' }, { name: 'Slack', error: 'No' }],
    }),
  ),
  'PUT /v1/instances/{spare-instance-1}/otel': {},
  'POST /v1/credentials/{credentials}/test': {},
  'POST /v1/credentials/{spare-credential-1}/replace': { with: '{spare-credential-2}' },
  'POST /v1/environments': { name: 'dev' },
  'PATCH /v1/environments/{environments}': { variables: { API_URL: 'https://api.example.com' } },
  'POST /v1/instances': { name: 'Third', baseUrl: 'https://n8n-3.example.com', apiKey: 'planted-api-key' },
  'PATCH /v1/instances/{spare-instance-1}': { name: 'Renamed' },
  'POST /v1/instances/{instances}/workflows/{n8n-import-1}/import': {},
  // Its webhook path is taken.
  'POST /v1/deployments': {
    workflowId: '{spare-workflow-2}',
    instanceId: '{spare-instance-2}',
    force: 'Budget',
  },
  'POST /v1/deployments?track': {
    workflowId: '{spare-workflow-2}',
    instanceId: '{instances}',
    n8nWorkflowId: '{n8n-there-1}',
  },
  'PATCH /v1/deployments/{tracked}': { version: 1 },
  'POST /v1/deployments/{deployments}/rollback': { version: 1 },
  'POST /v1/releases': {
    workflows: [{ workflowId: '{workflows}' }],
    instanceIds: ['{instances}'],
    observe: { seconds: 0 },
  },
  'POST /v1/promotions': { from: 'from', to: 'to', dryRun: true },
  'POST /v1/releases/{release}/start': { planHash: '{plan-hash}' },
  'POST /v1/releases/{observing}/resume': {},
  'PATCH /v1/analytics/errors/{errors}': { state: 'resolved' },
}

const fields: Record<string, Record<string, string>> = {
  'POST /sign-in': { email: '{email}', password: '{password}' },
  'POST /theme': { theme: 'dark', return: '/help' },
  'POST /errors/{errors}/state': { state: 'ignored' },
  'POST /workflows/new': { workflow: '{workflow-json}' },
  'POST /workflows/{workflows}/edit': { expected: '3', name: 'Edited' },
  'POST /workflows/{workflows}/tests': { instanceId: '{instances}', input: '{}' },
  'POST /workflows/{workflows}/tests/setting': {},
  'POST /workflows/{workflows}/versions/1/restore': { expected: '4' },
  'POST /workflows/{workflows}/values': { retentionDays: '3', maxBytes: '8192' },
  'POST /workflows/{form-workflow-1}/delete': { confirm: 'Form 1' },
  'POST /credentials/new/slackApi': { name: 'From a form', 'data.accessToken': 'x' },
  'POST /credentials/{credentials}/edit': { version: '2', name: 'Team bot', 'data.accessToken': 'y' },
  'POST /credentials/{form-credential-1}/replace': { with: '{form-credential-2}' },
  'POST /credentials/{form-credential-1}/delete': { confirm: 'Form 1' },
  'POST /instances': {
    name: 'From a form',
    baseUrl: 'https://n8n-9.example.com',
    apiKey: 'planted-api-key',
    test: 'yes',
  },
  'POST /environments': { name: 'qa', variables: 'REGION=eu' },
  'POST /environments/{form-environment}': { name: 'renamed', variables: 'REGION=us' },
  'POST /instances/{form-instance-1}/settings': {
    name: 'Form 1 renamed',
    baseUrl: 'https://n8n-form-1.example.com',
    version: '1',
  },
  'POST /instances/{form-instance-1}/key': { apiKey: 'planted-api-key', version: '2' },
  'POST /instances/{form-instance-1}/remove': { name: 'Form 1 renamed' },
  'POST /instances/{instances}/import': { id: '{n8n-import-2}' },
  'POST /deployments': { workflow: '{form-workflow-2}', instance: '{instances}' },
  'POST /deployments/track': {
    workflowId: '{form-workflow-2}',
    instanceId: '{form-instance-2}',
    n8nWorkflowId: '{n8n-there-2}',
  },
  'POST /deployments/{form-deployment}/rollback': { version: '1' },
  'POST /deployments/{form-deployment}/delete': { name: 'Form 2' },
  'POST /alerts/channels': { kind: 'slack', name: 'Form', url: 'https://hooks.example.com/form' },
  'POST /models/prices': { model: 'acme-*', inputPerMillion: '1', outputPerMillion: '2' },
  'POST /models/prices/delete': { model: 'acme-*' },
  'POST /releases/new': {
    workflowId: '{workflows}',
    instanceIds: '{instances}',
    canary: '1',
    seconds: '0',
    minRuns: '0',
    maxFailureRate: '10',
    maxFailedTargets: '0',
  },
  'POST /releases/promote': {
    from: 'from',
    to: 'to',
    canary: '1',
    seconds: '0',
    minRuns: '0',
    maxFailureRate: '10',
    maxFailedTargets: '0',
  },
  'POST /releases/{form-release}/start': { planHash: '{form-plan-hash}' },
  'POST /alerts': { kind: 'drift' },
  'POST /alerts/{form-rule}': { enabled: 'true', channelIds: '{form-channel}' },
  'POST /alerts/{form-rule}/mute': { hours: '24' },
  'POST /forgot-password': { email: 'moved-2@example.com' },
  'POST /reset-password': { token: '{reset-token}', newPassword: 'a password that nobody uses' },
  'POST /undo-email-change': { token: '{undo-2}' },
  'POST /confirm-email': { token: '{confirm-token}' },
  'POST /account/profile': { name: 'Maya', email: '{email}' },
  'POST /register': { email: 'form@example.com', name: 'Maya', password: 'correct horse battery 9' },
  'POST /sign-in?again': { email: '{email}', password: '{password}' },
  'POST /account/password': { currentPassword: '{password}', newPassword: 'new-{password}' },
  'POST /oauth/authorize?{app-request}': { _owner: '{user}', decision: 'allow', scopes: 'workflows:read' },
  'POST /oauth/token': {
    grant_type: 'authorization_code',
    code: '{code}',
    client_id: '{app}',
    redirect_uri: appRedirectUri,
    code_verifier: '{verifier}',
  },
  'POST /oauth/revoke': { token: '{access-token}', client_id: '{app}' },
  'POST /account/tokens': { name: 'From a form', kind: 'personal', days: '30', scopes: 'workflows:read' },
  'POST /account/tokens/{form-token}/rotate': { overlap: '3600' },
  'POST /account/tokens/{form-token}/scopes': { scopes: 'workflows:read' },
  'POST /sign-in?new': { email: '{email}', password: 'new-{password}' },
  'POST /account/security/passkeys': { name: 'Laptop', passkey: '{}' },
  'POST /account/security/change?do=totp': { password: 'new-{password}' },
  'POST /account/security/totp': { code: '{totp-code}' },
  'POST /account/delete': { confirm: '{email}', password: 'new-{password}' },
}

const filled = (path: string) => path.replaceAll(/\{([a-z0-9-]+)\}/g, (_, name: string) => ids[name] ?? name)

function table(rows: [string, Cost][]): string {
  const lines = rows.map(
    ([name, { statements, requests }]) =>
      `${String(statements).padStart(4)} ${String(requests).padStart(4)}  ${name}`,
  )
  return ['stmt  req', ...lines].join('\n')
}

type Budgets = Record<string, [statements: number, requests: number]>

/** The routes, and the one that the name of a budget stands for. */
function routeTable() {
  const routes = app.app.routes
    .filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/assets/'))
    .map(({ method, path }) => ({
      name: `${method} ${path}`,
      method,
      pattern: new RegExp(`^${path.replaceAll(/:\w+(\{[^}]+\})?/g, (_, rest) => (rest ? '.+' : '[^/]+'))}$`),
    }))
  // The first route that matches answers.
  const routeOf = (name: string) => {
    const [method, path = ''] = name.replace(/\?.*$/, '').split(' ')
    return routes.find((route) => route.method === method && route.pattern.test(path))?.name
  }
  return { routes, routeOf }
}

/** Name of a budget → the actions of the audit events that it caused. */
const audited = new Map<string, readonly string[]>()
const knownEvents = new Set<string>()

/** The actions of the audit events since the last call, of all accounts. */
async function newAuditActions(): Promise<string[]> {
  const events = await app.database.sql`
    select id, action from audit_events union all select id, action from erased_audit_events order by id`
  const added = events.filter(({ id }) => !knownEvents.has(id as string))
  for (const { id } of added) knownEvents.add(id as string)
  return [...new Set(added.map(({ action }) => action as string))].toSorted()
}

/** @param visit called twice, because the first call may fill caches of the isolate */
async function overBudget(budgets: Budgets, visit: (name: string) => Promise<Answer>) {
  const rows: [string, Cost][] = []
  for (const name of Object.keys(budgets)) {
    if (name.startsWith('/') || name.startsWith('GET')) await visit(name)
    await newAuditActions()
    rows.push([name, await measured(name, () => visit(name))])
    audited.set(name, await newAuditActions())
  }
  console.log(table(rows))
  const { routeOf } = routeTable()
  return rows.filter(([name, { statements, requests }]) => {
    const [most, mostRequests] = budgets[name] ?? [0, 0]
    const [method = '', path = ''] = (routeOf(name.startsWith('/') ? `GET ${name}` : name) ?? '').split(' ')
    // A statement counts requests of this class.
    const counting = rateClassOf(method, path) === 'outgoing' ? 1 : 0
    return statements > most + counting || requests > mostRequests + counting
  })
}

test('a page needs no more statements and round trips than its budget', async () => {
  expect(await overBudget(pages, (path) => tab.get(filled(path)))).toEqual([])
})

/** Of pages. */
const filters: Record<string, string[]> = {
  '/': ['period=30d', 'include=manual'],
  '/executions': ['q=no', 'status=stuck', 'status=failed', 'workflow={workflows}', 'instance={instances}'],
  '/errors': ['q=no', 'state=all', 'workflow={workflows}'],
  '/workflows': ['q=budget', 'node=n8n-nodes-base.slack', 'credential=slackApi', 'tag=a'],
  '/deployments': ['q=budget', 'state=active', 'workflow={workflows}', 'instance={instances}'],
  '/credentials': ['q=bot', 'status=untested', 'type=slackApi'],
  '/audit': ['action=workflow'],
  '/models': ['period=30d'],
}

interface Parameter {
  in: string
  name: string
  schema: { type?: string; format?: string; enum?: string[]; default?: unknown; items?: { enum?: string[] } }
}

// The statements are compared with their owner below.
test('every query parameter of the API and every filter of a page can be used', async () => {
  const ofName: Record<string, string> = {
    workflowId: '{workflows}',
    instanceId: '{instances}',
    deploymentId: '{deployments}',
    credentialId: '{credentials}',
    tokenId: '{tokens}',
    interval: 'hour',
    limit: '5',
  }
  const valueOf = ({ name, schema }: Parameter): string =>
    ofName[name] ??
    schema.enum?.at(-1) ??
    schema.items?.enum?.at(-1) ??
    ((schema.format === 'date-time' ? new Date(Date.now() - 86_400_000).toISOString() : '') ||
      (schema.type === 'boolean' ? 'true' : schema.type === 'integer' ? '1' : 'slack'))
  const { json } = await user.call('GET', '/openapi.json')
  const paths: [string, { get?: { parameters?: Parameter[] } }][] = Object.entries(json.paths)
  let used = 0
  for (const [path, { get }] of paths) {
    if (path.includes('{')) continue
    for (const parameter of (get?.parameters ?? []).filter((each) => each.in === 'query')) {
      const query = `${parameter.name}=${encodeURIComponent(filled(valueOf(parameter)))}`
      const { status, text } = await user.call('GET', `${path}?${query}`)
      if (status >= 500) throw new Error(`${path}?${query}: ${text}`)
      if (status === 200) used += 1
    }
  }
  for (const [path, queries] of Object.entries(filters)) {
    for (const query of queries) {
      expect({ path, query, status: (await tab.get(`${path}?${filled(query)}`)).status }).toMatchObject({
        status: 200,
      })
    }
  }
  expect(used).toBeGreaterThan(100)
})

test('an access token costs one statement more than a session, and none at the next request', async () => {
  const read = (name: string, token?: string) =>
    measured(name, () => user.call('GET', filled(name), token === undefined ? {} : { token }))
  const reads = Object.entries(operations).filter(([name]) => name.startsWith('GET '))
  const rows: [string, Cost][] = []
  // A token sees only the approvals that it asked for.
  const isOwn = (name: string) => name.startsWith('GET /v1/me') || name.startsWith('GET /v1/approvals/')
  for (const [name] of reads.filter(([each]) => !isOwn(each))) {
    const path = name.slice('GET '.length)
    await read(path)
    const bySession = await read(path)
    const { json } = await user.call('POST', '/v1/tokens', { body: { name: 'Agent', scopes: ['admin'] } })
    const first = await read(path, json.token)
    const second = await read(path, json.token)
    const over = {
      statements: first.statements - bySession.statements,
      requests: first.requests - bySession.requests,
    }
    // Each read of stored values by an access token is an audit event.
    const events = /diagnosis|values/.test(path) ? 1 : 0
    expect({ path, ...over }).toEqual({ path, statements: 1 + events, requests: 1 + events })
    const { statements, requests } = bySession
    expect({ path, ...second }).toEqual({
      path,
      calls: second.calls,
      statements: statements + events,
      requests: requests + events,
    })
    rows.push([path, first])
    await user.call('DELETE', `/v1/tokens/${json.id}`)
  }
  expect(rows.length).toBeGreaterThan(40)
})

test('an operation of the API needs no more statements and round trips than its budget', async () => {
  const visit = async (name: string) => {
    const [method = '', path = ''] = name.split(' ')
    Object.assign(ids, {
      'reset-token': emailed('reset-password'),
      'confirm-token': emailed('confirm-email'),
    })
    const template = bodies[name]
    const body = template === undefined ? undefined : JSON.parse(filled(JSON.stringify(template)))
    const own = path === '/v1/me/delete' ? leaving : other
    const caller = /^\/v1\/(?:auth|me\b)/.test(path) ? own : user
    const answer = await caller.call(method, filled(path), {
      headers: { 'If-Match': '*', Accept: 'application/json, text/event-stream' },
      ...(path.startsWith('/hooks/') && { token: ids['webhook-token'] ?? '' }),
      ...(body !== undefined && { body }),
    })
    if (name === 'POST /v1/deployments?track') ids.tracked = answer.json.id
    return answer
  }
  expect(await overBudget(operations, visit)).toEqual([])
})

test('an operation on second factors needs no more statements and round trips than its budget', async () => {
  const person = await app.user()
  const { password, email } = person
  const authenticator = new Authenticator('https://flowkeep.example.com')
  const step = totpStep(new Date())
  let [secret, codes, passkeyId]: [string, string[], string] = ['', [], '']
  let options = { challenge: '' }
  const recoveryCode = () => codes.pop()
  const prepare: Record<string, () => Promise<unknown>> = {
    'POST /v1/me/factors/totp': async () => ({ password }),
    'POST /v1/me/factors/totp/confirm': async () => ({ code: await totpCode(secret, step - 1) }),
    'POST /v1/me/factors/passkeys/options': async () => ({ password, code: await totpCode(secret, step) }),
    'POST /v1/me/factors/passkeys': async () => ({
      name: 'Laptop',
      passkey: await authenticator.create(options),
    }),
    'POST /v1/me/factors/recovery-codes': async () => ({ password, recoveryCode: recoveryCode() }),
    'POST /v1/auth/passkey': async () => ({ passkey: await authenticator.get(options) }),
    'POST /v1/auth/second-factor': async () => {
      const { json } = await app.call('POST', '/v1/auth/login', { body: { email, password } })
      return { token: json.secondFactor.token, recoveryCode: recoveryCode() }
    },
    'POST /v1/me/factors/passkeys/{passkey}/remove': async () => ({ password, recoveryCode: recoveryCode() }),
    'POST /v1/me/factors/totp/remove': async () => ({ password, recoveryCode: recoveryCode() }),
  }
  const visit = async (name: string) => {
    const [method = '', path = ''] = name.replace('{passkey}', passkeyId).split(' ')
    const body = await prepare[name]?.()
    Object.assign(cost, { statements: 0, requests: 0 })
    const answer = await person.call(method, path, body === undefined ? {} : { body })
    secret = answer.json?.secret ?? secret
    codes = answer.json?.recoveryCodes ?? codes
    options = answer.json?.options ?? options
    passkeyId = answer.json?.passkey?.id ?? passkeyId
    return answer
  }
  expect(await overBudget(factorOperations, visit)).toEqual([])
})

test('a form needs no more statements and round trips than its budget', async () => {
  /** Form → the page whose hidden fields it repeats. */
  const plans: Record<string, string> = {
    '/deployments': '/deployments/new?workflow={form-workflow-2}&instance={instances}',
  }
  const visit = async (name: string) => {
    const path = name.replace('POST ', '')
    Object.assign(ids, {
      'reset-token': emailed('reset-password'),
      'confirm-token': emailed('confirm-email'),
    })
    const entered = Object.entries(fields[name] ?? {}).map(([field, value]) => [field, filled(value)])
    const shown = plans[path]
    const plan = shown === undefined ? {} : parsePage((await tab.get(filled(shown))).text).form(path)
    Object.assign(cost, { statements: 0, requests: 0, calls: 0 })
    const page = await tab.post(filled(path), { ...plan, ...Object.fromEntries(entered) })
    if (path.startsWith('/oauth/authorize')) {
      ids.code = new URL(page.location ?? '').searchParams.get('code') ?? ''
    }
    const key = /<code>([A-Z2-7 ]{39})<\/code>/.exec(page.text)?.[1]
    if (key) ids['totp-code'] = await totpCode(key.replaceAll(' ', ''), totpStep(new Date()))
    if (path === '/oauth/token') ids['access-token'] = JSON.parse(page.text).access_token
    if (path === '/deployments') ids['form-deployment'] = page.location?.split(/[/?]/)[2] ?? ''
    return page
  }
  expect(await overBudget(forms, visit)).toEqual([])
})

test('a route that calls another server counts as outgoing', () => {
  const { routeOf } = routeTable()
  const wrong = [...calling]
    .map((name) => routeOf(name) ?? name)
    .filter((route) => {
      const [method = '', path = ''] = route.split(' ')
      return rateClassOf(method, path) !== 'outgoing'
    })
  expect(wrong).toEqual([])
  expect(calling.size).toBeGreaterThan(50)
})

test('every route has a budget', () => {
  const { routes, routeOf } = routeTable()
  const budgeted = [
    ...Object.keys(pages).map((path) => `GET ${path}`),
    ...Object.keys(operations),
    ...Object.keys(factorOperations),
    ...Object.keys(forms),
  ]
  const covered = new Set(budgeted.map(routeOf))
  expect(covered).not.toContain(undefined)
  expect(routes.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([])
})

const reports = 'reports from n8n, which form the run history'
const testing = 'stores only the result of a test'
const polling = 'reads runs from n8n'
const asking = 'the next step has an event'

/** Operations and forms without an audit event → why. */
const unaudited: Record<string, string> = {
  'POST /v1/auth/refresh': 'continues a session',
  'POST /v1/me/verify-email': 'sends a link',
  'POST /account/verify-email': 'sends a link',
  'POST /v1/workflows/check': 'stores nothing',
  'POST /v1/deployments/plan': 'stores nothing',
  'POST /hooks/n8n/{instances}': reports,
  'POST /hooks/n8n/{instances}?values': reports,
  'POST /hooks/n8n/{instances}?batch': reports,
  'POST /hooks/n8n/{instances}?unknown': reports,
  'POST /hooks/n8n/{instances}/otlp/v1/traces': reports,
  'POST /v1/executions/poll': polling,
  'POST /instances/{form-instance-1}/poll': polling,
  'POST /v1/instances/{spare-instance-1}/test': testing,
  'POST /instances/{form-instance-1}/test': testing,
  'POST /v1/credentials/{credentials}/test': testing,
  'POST /credentials/{credentials}/validate': testing,
  'POST /v1/alerts/channels/{alert-channel}/test': 'sends a test message',
  'POST /alerts/channels/{form-channel}/test': 'sends a test message',
  'POST /v1/alerts/deliveries/{alert-delivery}/replay':
    'sends a message again, as the list of deliveries shows',
  'POST /alerts/deliveries/{form-delivery}/replay': 'sends a message again, as the list of deliveries shows',
  'POST /mcp': 'the tool that is called decides',
  'POST /oauth/register': 'belongs to no account',
  'POST /oauth/token': 'the approval of the app has an event',
  'POST /account/security/change?do=totp': asking,
  'POST /account/security/passkey-check': asking,
  'POST /account/security/passkeys': asking,
  'POST /sign-in/passkey-options': asking,
  'POST /v1/auth/passkey/options': asking,
  'POST /v1/me/factors/passkey-check': asking,
  'POST /v1/me/factors/passkeys/options': asking,
  'POST /v1/me/factors/totp': asking,
  'POST /theme': 'sets a cookie',
}

/** Operations and forms that find nothing to change in this account → their event otherwise. */
const unchanged: Record<string, string> = {
  'PATCH /v1/deployments/{tracked}': 'deployment.version-changed',
  'POST /v1/deployments/{deployments}/adopt': 'deployment.adopted',
  'POST /deployments/{form-deployment}/adopt': 'deployment.adopted',
  'POST /v1/deployments/{deployments}/overwrite': 'deployment.finished',
  'POST /deployments/{form-deployment}/overwrite': 'deployment.finished',
  'POST /deployments/{form-deployment}/rollback': 'deployment.finished',
  'POST /v1/workflows/{workflows}/fix': 'workflow.updated',
  'POST /workflows/{workflows}/fix': 'workflow.updated',
  'POST /workflows/{workflows}/tests/setting': 'workflow.replay-setting',
  'POST /v1/workflows/{workflows}/versions/compact': 'workflow.versions-compacted',
  'POST /workflows/{workflows}/versions/compact': 'workflow.versions-compacted',
  'POST /alerts/{form-rule}': 'alert.rule-updated',
  'POST /models/prices': 'model-prices.updated',
}

test('every change has an audit event, which the documentation names', async () => {
  const changes = [...audited].filter(([name]) => !name.startsWith('/') && !name.startsWith('GET '))
  expect(changes.length).toBeGreaterThan(100)
  const silent = changes.filter(([, actions]) => actions.length === 0).map(([name]) => name)
  expect(silent.toSorted()).toEqual([...Object.keys(unaudited), ...Object.keys(unchanged)].toSorted())
  const paths = (await app.call('GET', '/openapi.json')).json.paths as Record<string, object>
  const { routeOf } = routeTable()
  const rows = Object.entries(paths)
    .flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`))
    .flatMap((operation) => {
      const route = operation.replaceAll(/\{(\w+)\}/g, ':$1')
      const actions = [...audited, ...Object.entries(unchanged)].flatMap(([name, found]) =>
        routeOf(name) === route ? found : [],
      )
      const reason = Object.entries(unaudited).find(([name]) => routeOf(name) === route)?.[1]
      const events = [...new Set(actions)].toSorted().map((action) => `\`${action}\``)
      if (events.length === 0 && reason === undefined) return []
      return [`| \`${operation}\` | ${events.length > 0 ? events.join(', ') : `none: ${reason}`} |`]
    })
  const page = [
    '# Audit events by operation',
    '',
    'Generated by a test that calls every operation. Operations that only read have no event, except those listed.',
    '',
    '| Operation | Events |',
    '| --- | --- |',
    ...rows.toSorted(),
    '',
  ]
  await expect(page.join('\n')).toMatchFileSnapshot('../docs/audit-events.md')
})

test('a statement of a request reads and writes rows of its user only', async () => {
  const catalog = await readCatalog(app.database.sql)
  const users = await app.database.sql`select id from users`
  const owner = {
    // Also the users that the requests register.
    userIds: new Set([user.id, other.id, leaving.id, ...users.map(({ id }) => String(id))]),
    // The webhook token or the lease that the request has belongs to one of them.
    verified: Object.entries(ids)
      .filter(([name]) => name.includes('instance'))
      .map(([, id]) => ({ table: 'instances', id })),
  }
  const open: { query: string; unowned: string[] }[] = []
  const unused = new Set(exceptions)
  for (const [query, params] of sent) {
    const unowned = await unownedIn({ query, params }, owner, catalog)
    if (unowned.length === 0) continue
    const exception = exceptions.find(({ statement }) => statement.test(query.replaceAll(/\s+/g, ' ').trim()))
    if (exception) unused.delete(exception)
    else open.push({ query, unowned })
  }
  expect(open).toEqual([])
  expect([...unused]).toEqual([])
  expect([...catalog.tables.keys()].filter((table) => !catalog.owned.has(table)).toSorted()).toEqual(
    tablesWithoutOwner,
  )
})
