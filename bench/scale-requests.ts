/** @module The cost of requests on Node and in workerd: statements, round trips, bytes and CPU time, with and without 304. */
import type { Client } from 'pg'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { startGatewayServer } from '../src/db/gateway/server.ts'
import { buildNode, builtWorker, type Server, startNode } from './servers.ts'
import { cpuTime, postgresCpuTime, startWorkerd } from './workerd.ts'

export interface Cost {
  name: string
  statements: number
  roundTrips: number
  bytes: number
  /** Milliseconds of CPU time per request: Node with its connection to Postgres, workerd, and Postgres itself. */
  node: number
  workerd: number
  postgres: number
  /** Of a request that is answered with 304, or null. */
  notModified: { statements: number; bytes: number; node: number; workerd: number } | null
}

interface Request_ {
  name: string
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: () => unknown
}

const rounds = 5

async function send(
  server: Server,
  { method, path, headers, body }: Request_,
  more: Record<string, string> = {},
) {
  const response = await fetch(server.url + path, {
    method,
    redirect: 'manual',
    headers: { ...headers, ...more, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body()) }),
  })
  const text = await response.text()
  if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
  return { status: response.status, etag: response.headers.get('ETag'), bytes: Buffer.byteLength(text), text }
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/**
 * @param client reads which processes of Postgres serve the database
 * @param account has history in the database; its session token is valid for 5 minutes and renewed here
 */
export async function measureRequests(options: {
  databaseUrl: string
  client: Client
  env: Record<string, string>
  account: { email: string; password: string }
  requests: number
}): Promise<Cost[]> {
  const { databaseUrl, client, env, account, requests } = options
  const { email, password } = account
  const backend = postgresBackend(databaseUrl)
  const gateway = createGateway(backend)
  const counts = { statements: 0, roundTrips: 0 }
  const counting = {
    ...gateway,
    fetch: async (request: Request) => {
      const body: { queries?: unknown[] } = await request.clone().json()
      counts.roundTrips += 1
      counts.statements += body.queries?.length ?? 1
      return gateway.fetch(request)
    },
  }
  const listening = await startGatewayServer(counting)
  await buildNode()
  const node = await startNode({ ...env, DATABASE_URL: databaseUrl })
  const workerd = await startWorkerd(
    await builtWorker(),
    { ...env, DATABASE_URL: gateway.url, DATABASE_GATEWAY_URL: listening.endpoint },
    'ignore',
  )
  try {
    const signIn = async () => {
      const { text } = await send(node, {
        name: 'sign in',
        method: 'POST',
        path: '/v1/auth/login',
        headers: {},
        body: () => ({ email, password }),
      })
      return { Authorization: `Bearer ${(JSON.parse(text) as { accessToken: string }).accessToken}` }
    }
    const cookie = await signInToDashboard(node, account, env['PUBLIC_URL'] ?? '')
    const list = await requestsOf(node, await signIn(), cookie)
    const costs: Cost[] = []
    for (const request of list) {
      if (request.headers['Authorization']?.startsWith('Bearer ey'))
        Object.assign(request.headers, await signIn())
      costs.push(await measure(request))
    }
    return costs

    async function measure(request: Request_): Promise<Cost> {
      const { etag } = await send(node, request)
      // Each server answers with its own ETag.
      const tags = new Map<Server, string>()
      for (const server of [node, workerd]) {
        const tag = (await send(server, request)).etag
        if (tag !== null) tags.set(server, tag)
      }
      const block = async (server: Server, isConditional: boolean) => {
        const more = isConditional ? { 'If-None-Match': tags.get(server) ?? '' } : {}
        Object.assign(counts, { statements: 0, roundTrips: 0 })
        const before = [cpuTime(server.pid), await postgresCpuTime(client)] as const
        let bytes = 0
        for (let index = 0; index < requests; index += 1) {
          const answer = await send(server, request, more)
          if (isConditional && answer.status !== 304) throw new Error(`${request.name}: ${answer.status}`)
          bytes += answer.bytes
        }
        return {
          cpu: (cpuTime(server.pid) - before[0]) / requests,
          postgres: ((await postgresCpuTime(client)) - before[1]) / requests,
          bytes: bytes / requests,
          statements: counts.statements / requests,
          roundTrips: counts.roundTrips / requests,
        }
      }
      await block(node, false)
      await block(workerd, false)
      const all = { node: [] as number[], workerd: [] as number[], postgres: [] as number[] }
      const less = { node: [] as number[], workerd: [] as number[] }
      let plain = { statements: 0, roundTrips: 0, bytes: 0 }
      let conditional = { statements: 0, bytes: 0 }
      for (let round = 0; round < rounds; round += 1) {
        const onNode = await block(node, false)
        all.node.push(onNode.cpu)
        all.postgres.push(onNode.postgres)
        plain = await block(workerd, false).then(({ cpu, ...rest }) => (all.workerd.push(cpu), rest))
        if (etag === null) continue
        less.node.push((await block(node, true)).cpu)
        conditional = await block(workerd, true).then(({ cpu, ...rest }) => (less.workerd.push(cpu), rest))
      }
      const { statements, roundTrips, bytes } = plain
      const figures = { node: median(all.node), workerd: median(all.workerd), postgres: median(all.postgres) }
      return {
        name: request.name,
        statements,
        roundTrips,
        bytes,
        ...figures,
        notModified:
          etag === null
            ? null
            : {
                statements: conditional.statements,
                bytes: conditional.bytes,
                node: median(less.node),
                workerd: median(less.workerd),
              },
      }
    }
  } finally {
    workerd.stop()
    node.stop()
    await listening.close()
    await backend.close()
  }
}

async function signInToDashboard(
  server: Server,
  account: { email: string; password: string },
  origin: string,
): Promise<string> {
  const response = await fetch(`${server.url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Origin: origin,
      'Sec-Fetch-Site': 'same-origin',
    },
    body: new URLSearchParams({ email: account.email, password: account.password }),
  })
  const cookies = response.headers.getSetCookie().map((each) => each.split(';')[0])
  if (cookies.length === 0) throw new Error(`No session cookie: ${response.status} ${await response.text()}`)
  return cookies.join('; ')
}

/** The requests of a frontend, of the dashboard and of n8n. */
async function requestsOf(
  server: Server,
  token: Record<string, string>,
  cookie: string,
): Promise<Request_[]> {
  const api = (name: string, path: string): Request_ => ({ name, method: 'GET', path, headers: { ...token } })
  const page = (name: string, path: string): Request_ => ({
    name,
    method: 'GET',
    path,
    headers: { Cookie: cookie, Accept: 'text/html' },
  })
  const read = async (path: string) => JSON.parse((await send(server, api('', path))).text)
  const workflow = (await read('/v1/workflows?limit=1')).items[0]
  const execution = (await read('/v1/executions?limit=1')).items[0]
  const created = JSON.parse(
    (
      await send(server, {
        name: '',
        method: 'POST',
        path: '/v1/instances',
        headers: token,
        body: () => ({
          name: `Bench ${crypto.randomUUID()}`,
          baseUrl: `https://${crypto.randomUUID()}.example.com`,
          apiKey: 'k'.repeat(30),
        }),
      })
    ).text,
  )
  await send(server, {
    name: '',
    method: 'POST',
    path: '/v1/deployments',
    headers: token,
    body: () => ({ workflowId: workflow.id, instanceId: created.id, n8nWorkflowId: 'bench' }),
  })
  let runs = 0
  const report = (count: number): Request_ => ({
    name: `POST report of ${count} ${count === 1 ? 'run' : 'runs'}`,
    method: 'POST',
    path: `/hooks/n8n/${created.id}`,
    headers: { Authorization: `Bearer ${created.webhookToken}` },
    body: () =>
      Array.from({ length: count }, () => {
        runs += 1
        const at = new Date().toISOString()
        const run = { executionId: String(runs), workflowId: 'bench', startedAt: at, finishedAt: at }
        return runs % 20 === 0
          ? { ...run, status: 'error', error: { message: 'No such channel', node: 'Slack' } }
          : { ...run, status: 'success' }
      }),
  })
  return [
    { name: 'GET /health/live', method: 'GET', path: '/health/live', headers: {} },
    api('GET a workflow', `/v1/workflows/${workflow.id}`),
    api('GET workflows', '/v1/workflows'),
    api('GET executions', '/v1/executions'),
    api('GET an execution', `/v1/executions/${execution.id}`),
    api('GET deployments', '/v1/deployments'),
    api('GET analytics summary', '/v1/analytics/summary'),
    api('GET credential types', '/v1/credential-types'),
    api('GET a node type', '/v1/node-types/n8n-nodes-base.slack'),
    { name: 'GET /openapi.json', method: 'GET', path: '/openapi.json', headers: {} },
    page('Dashboard: overview', '/'),
    page('Dashboard: workflows', '/workflows'),
    report(1),
    report(50),
  ]
}
