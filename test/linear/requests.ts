/** @module The application, with accounts whose content has a size, and the measured work of their requests. */
import { randomBytes } from 'node:crypto'
import { createTestApp, type TestApp } from '../harness/app.ts'
import { createN8nStub, type N8nStub } from '../harness/n8n-stub.ts'
import { createResources } from '../harness/target-resources.ts'
import { origin } from '../web/browser.ts'
import { range, type Scale } from './hostile.ts'
import { type Measured, superlinear, workOf } from './work.ts'
import { workflowKinds } from './workflows.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
type Json = any

export interface Sent {
  method: string
  path: string
  /** Sent as JSON, unless it is text or bytes. */
  body?: unknown
  headers?: Record<string, string>
}

export interface Received {
  status: number
  text: string
  json: Json
}

/** An account whose resources have contents of a size. */
export interface Account {
  scale: Scale
  /** Path of the collection, without /v1 → ID. */
  ids: Record<string, string>
  /** Of the workflow that is saved and deployed. */
  nodes: string[]
  n8nWorkflowId: string
  /** As the user, the webhook's sender, or the dashboard's session, by the path. */
  send: (request: Sent) => Promise<Received>
  /** Session tokens are valid for five minutes. */
  renew: () => Promise<void>
}

/** What continues after a response belongs to it. */
const deferred: Promise<unknown>[] = []
const stubs = new Map<string, N8nStub>()
const unlimited = '10000000'
let clients = 0

export const createMeasuredApp = (): Promise<TestApp> =>
  createTestApp({
    env: {
      LOG_LEVEL: 'error',
      RATE_READS_PER_MINUTE: unlimited,
      RATE_WRITES_PER_MINUTE: unlimited,
      RATE_HEAVY_PER_MINUTE: unlimited,
      RATE_OUTGOING_PER_MINUTE: unlimited,
      QUOTA_INSTANCES: unlimited,
      QUOTA_ALERT_CHANNELS: unlimited,
      QUOTA_ALERT_RULES: unlimited,
      QUOTA_ACCESS_TOKENS: unlimited,
    },
    runtime: {
      sendMail: async () => undefined,
      instanceFetch: async (input, init) => {
        const { host } = new URL(input instanceof Request ? input.url : input)
        return stubs.get(host)?.fetch(input, init) ?? Response.json({})
      },
      publicFetch: async () => Response.json({}),
      wait: async () => undefined,
      isLocal: () => true,
      // Each request has an address of its own, because the server limits what one address may do.
      clientIp: () => `100.${60 + (clients >> 16)}.${(clients >> 8) & 255}.${clients++ & 255}`,
      defer: (work) => void deferred.push(work.catch(() => undefined)),
    },
  })

export async function createAccount(app: TestApp, scale: Scale): Promise<Account> {
  const user = await app.user()
  const apiKey = randomBytes(8).toString('hex')
  const stub = await createN8nStub({ apiKey })
  const host = `n8n-${apiKey}.example.com`
  stubs.set(host, stub)
  const cookies = new Map<string, string>()
  let { accessToken } = user
  let webhookToken = ''

  const send: Account['send'] = async ({ method, path, body, headers = {} }) => {
    const isText = typeof body === 'string' || body instanceof Uint8Array
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const isApi = /^\/(?:v1|mcp|hooks)\b/.test(path)
    const token = path.startsWith('/hooks') ? webhookToken : accessToken
    const response = await app.app.request(`${origin}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(isApi
          ? {
              Authorization: `Bearer ${token}`,
              'If-Match': '*',
              Accept: 'application/json, text/event-stream',
            }
          : { Accept: 'text/html', ...(cookie && { Cookie: cookie }) }),
        ...headers,
      },
      ...(body !== undefined && { body: isText ? (body as BodyInit) : JSON.stringify(body) }),
    })
    for (const header of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      if (/max-age=0/i.test(header)) cookies.delete(name)
      else cookies.set(name, value)
    }
    const text = await response.text()
    while (deferred.length > 0) await deferred.pop()
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get('Content-Type') ?? '')
    const json = isJson ? JSON.parse(text) : undefined
    return { status: response.status, text, json }
  }

  const renew: Account['renew'] = async () => {
    const body = { email: user.email, password: user.password }
    const answer = await send({ method: 'POST', path: '/v1/auth/login', body })
    const page = await send(formOf('/sign-in', Object.entries(body)))
    if (answer.status !== 200 || page.status !== 303) throw new Error(`${answer.text} ${page.text}`)
    accessToken = answer.json.accessToken
  }
  const post = async (path: string, body: unknown, method = 'POST') => {
    const { status, text, json } = await send({ method, path, body })
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
    return json
  }

  const content = workflowKinds['chain']?.(scale.size / 2) as {
    nodes: { name: string }[]
    connections: object
  }
  const nodes = content.nodes.map(({ name }) => name)
  const runData = Object.fromEntries(
    nodes.map((name) => [name, [{ source: [], data: { main: [[{ json: { name } }]] } }]]),
  )
  const resources = await createResources(
    app,
    user,
    { stub, baseUrl: `https://${host}` },
    { credential: 'xoxb-1', apiKey },
    {
      workflow: (name = 'Large') => ({ ...content, name }),
      runData,
      variables: Object.fromEntries(range(scale.size / 20, (at) => [`VARIABLE_${at}`, 'value'])),
    },
  )
  webhookToken = resources.webhookToken
  const { ids, n8nWorkflowId } = resources
  const workflow = `/v1/workflows/${ids['workflows']}`
  await post(
    workflow,
    { workflow: { ...content, name: 'Large', settings: { timezone: 'Europe/Berlin' } } },
    'PATCH',
  )
  await post(`${workflow}/value-storage`, {}, 'PUT')
  const stored = await post(`/hooks/n8n/${ids['instances']}`, {
    executionId: 'stored',
    workflowId: n8nWorkflowId,
    status: 'error',
    error: { message: 'Orders failed', node: nodes.at(-1) },
    data: { resultData: { runData } },
  })
  const spare = await post('/v1/credentials', { type: 'slackApi', name: 'Spare', data: { accessToken: 'x' } })
  const tested = await post(`${workflow}/test`, { instanceId: ids['instances'] })
  const edited = await post('/v1/workflows', { workflow: { ...content, name: 'Edited' } })
  const spareWorkflow = await post('/v1/workflows', { workflow: { ...content, name: 'Spare' } })
  // n8n returns each item once for each node, so its own answer would grow with the product.
  const small = workflowKinds['chain']?.(2)
  const testedWorkflow = await post('/v1/workflows', { workflow: { ...small, name: 'Tested' } })
  const errors = await send({ method: 'GET', path: '/v1/analytics/errors' })
  const inN8n = await stub.fetch(`https://${host}/api/v1/workflows`, {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...content, name: 'Importable', settings: {} }),
  })
  Object.assign(ids, {
    executions: stored.id,
    'spare credential': spare.id,
    'edited workflow': edited.id,
    'spare workflow': spareWorkflow.id,
    'tested workflow': testedWorkflow.id,
    importable: ((await inN8n.json()) as { id: string }).id,
    'test-runs': tested.id,
    'analytics/errors': errors.json.items[0].fingerprint,
  })
  return { scale, ids, nodes, n8nWorkflowId, send, renew }
}

/** As a browser submits a form. */
export const formOf = (path: string, fields: readonly [string, string][]): Sent => ({
  method: 'POST',
  path,
  body: new URLSearchParams(fields as [string, string][]).toString(),
  headers: {
    Origin: origin,
    'Sec-Fetch-Site': 'same-origin',
    'Content-Type': 'application/x-www-form-urlencoded',
  },
})

const sizeOf = (requests: readonly Sent[]): number =>
  requests.reduce((sum, { path, body }) => sum + path.length + (JSON.stringify(body)?.length ?? 0), 0)

export interface Outcome {
  statuses: Set<number>
  /** Answers with a failure of the server. */
  failures: string[]
}

/** n8n did not respond as n8n does: the server itself did not fail. */
const upstream = /^instance-(unreachable|timeout|refused|redirected|busy)$/

async function outcomeOf(account: Account, requests: readonly Sent[]): Promise<Outcome> {
  const outcome: Outcome = { statuses: new Set(), failures: [] }
  for (const request of requests) {
    const { status, text, json } = await account.send(request)
    outcome.statuses.add(status)
    if (status >= 500 && !upstream.test(json?.code)) {
      const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body)
      outcome.failures.push(
        `${request.method} ${request.path.slice(0, 200)} ${body?.slice(0, 200)}: ${status} ${text.slice(0, 300)}`,
      )
    }
  }
  return outcome
}

/** Accounts of which the last two are compared. The first fills what is loaded once. */
export const createAccounts = async (app: TestApp, size: number): Promise<Account[]> => {
  const accounts: Account[] = []
  for (const each of [8, size, 2 * size]) {
    accounts.push(await createAccount(app, { size: each, largest: 2 * size }))
  }
  return accounts
}

/**
 * Sends the same requests as each of the accounts.
 * @returns the functions whose work grows faster than the input, and what the largest requests returned
 */
export async function compare(
  accounts: readonly Account[],
  requestsOf: (account: Account) => readonly Sent[],
): Promise<Outcome & { faults: string[] }> {
  const measured: (Measured & { result: Outcome })[] = []
  const bytes: number[] = []
  for (const account of accounts) {
    const requests = requestsOf(account)
    await account.renew()
    bytes.push(sizeOf(requests))
    measured.push(await workOf(() => outcomeOf(account, requests)))
  }
  const [, once, twice] = measured
  if (!once || !twice) throw new Error('Two accounts are compared')
  const [, fewer = 1, more = 1] = bytes
  return { ...twice.result, faults: superlinear(once, twice, more / fewer) }
}
