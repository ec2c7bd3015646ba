/** @module A database of a size with Flowkeep and the floor on it, on Node and in workerd. */
import { resolve } from 'node:path'
import { Client } from 'pg'
import { rolldown } from 'rolldown'
import { generateKeys } from '../../src/cli/server/state.ts'
import { openDatabase } from '../../src/cli/operate/database.ts'
import { postgresBackend } from '../../src/db/gateway/postgres.ts'
import { createGateway, type Gateway } from '../../src/db/gateway/protocol.ts'
import { startGatewayServer } from '../../src/db/gateway/server.ts'
import { fillHistory, type HistoryOwners, rollupDifferences } from '../../test/harness/bulk-history.ts'
import { createN8nStub } from '../../test/harness/n8n-stub.ts'
import { type Server, startNode, startProgram } from '../servers.ts'
import { type Modules, startWorkerd } from '../workerd.ts'
import type { Statement } from './floor.ts'
import { type Scale, scales } from './settings.ts'

export const runtimes = ['workerd', 'node'] as const
export type Runtime = (typeof runtimes)[number]

export interface Account {
  id: string
  email: string
  password: string
}

/** An instance of the second user that tracks a workflow for reports. */
export interface Tracked {
  instanceId: string
  webhookToken: string
  n8nWorkflowId: string
}

export interface World {
  scale: Scale
  postgresUrl: string
  client: Client
  owners: { many: Account; few: Account }
  tracked: Tracked
  flowkeep: Record<Runtime, Server>
  floor: Record<Runtime, Server>
  /** Runs `work` and returns the statements that the worker sent meanwhile, by round trip. */
  recorded: (work: () => Promise<unknown>) => Promise<Statement[][]>
  close: () => Promise<void>
}

const publicUrl = 'http://127.0.0.1:8787'
/** The limits of requests would stop the load, and the quotas the user with many workflows. */
const unlimited = {
  RATE_READS_PER_MINUTE: '0',
  RATE_WRITES_PER_MINUTE: '0',
  RATE_HEAVY_PER_MINUTE: '0',
  RATE_OUTGOING_PER_MINUTE: '0',
  QUOTA_WORKFLOWS: '10000000',
  QUOTA_DEPLOYMENTS: '10000000',
  QUOTA_STORED_MIB: '10000000',
  // Filling takes minutes, in which the data of the oldest runs would expire.
  EXECUTION_DATA_RETENTION_DAYS: '365',
}

export async function floorModules(): Promise<Modules> {
  await using bundle = await rolldown({
    cwd: resolve(import.meta.dirname, '../..'),
    input: { worker: 'bench/fast/floor-worker.ts' },
    platform: 'browser',
    resolve: { conditionNames: ['workerd', 'worker', 'browser', 'import'] },
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true, entryFileNames: '[name].js' })
  return [output[0]]
}

/** Members of the responses that the benchmark reads. */
export interface Answer {
  id: string
  accessToken: string
  webhookToken: string
  user: { id: string }
  items: { id: string }[]
}

/** @returns the parsed response @throws if it is not a success */
export async function call(
  { url }: Pick<Server, 'url'>,
  method: string,
  path: string,
  { token, body }: { token?: string; body?: unknown } = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
  return JSON.parse(text)
}

/** A session token, which is valid for five minutes. */
export const signIn = async (server: Server, { email, password }: Account): Promise<string> =>
  (await call(server, 'POST', '/v1/auth/login', { body: { email, password } })).accessToken

/** @returns the cookies of a session in the dashboard */
export async function signInToDashboard(server: Server, { email, password }: Account): Promise<string> {
  const response = await fetch(`${server.url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Origin: publicUrl,
      'Sec-Fetch-Site': 'same-origin',
    },
    body: new URLSearchParams({ email, password }),
  })
  const cookies = response.headers.getSetCookie().map((each) => each.split(';')[0])
  if (cookies.length === 0) throw new Error(`No session cookie: ${response.status} ${await response.text()}`)
  return cookies.join('; ')
}

const password = 'plum lantern velvet orbit'

/** @param serverUrl of a superuser @param modules of the production worker and the floor */
export async function createWorld(
  serverUrl: string,
  scale: Scale,
  modules: { flowkeep: Modules; floor: Modules },
  log: (text: string) => void,
): Promise<World> {
  const closing: (() => unknown)[] = []
  const close = async () => {
    for (const each of closing.toReversed()) await each()
  }
  try {
    return await open()
  } catch (error) {
    await close()
    throw error
  }

  async function open(): Promise<World> {
    const admin = new Client({ connectionString: serverUrl })
    await admin.connect()
    await admin.query(`create database flowkeep_${scale}`)
    await admin.end()
    const postgresUrl = serverUrl.replace(/\/postgres$/, `/flowkeep_${scale}`)
    const database = openDatabase(postgresUrl)
    await database.migrate()
    await database.close()
    const client = new Client({ connectionString: postgresUrl })
    client.on('error', () => undefined)
    await client.connect()
    closing.push(() => client.end())

    const stub = await createN8nStub()
    const n8n = await stub.listen()
    closing.push(n8n.close)
    const env = {
      ...generateKeys(),
      ...unlimited,
      PUBLIC_URL: publicUrl,
      ALLOW_LOOPBACK_INSTANCES: 'true',
      LOG_LEVEL: 'error',
    }
    const node = await startNode({ ...env, DATABASE_URL: postgresUrl })
    closing.push(node.stop)
    const register = async (name: string): Promise<Account> => {
      const email = `${name}@example.com`
      const { user } = await call(node, 'POST', '/v1/auth/register', { body: { email, password } })
      return { id: user.id, email, password }
    }
    const owners = { many: await register('many'), few: await register('few') }
    const ids: HistoryOwners = { many: owners.many.id, few: owners.few.id }
    log(`${scale}: filling`)
    const startedAt = performance.now()
    await client.query('set synchronous_commit = off')
    await fillHistory(client, ids, scales[scale])
    const differences = await rollupDifferences(client)
    if (Object.values(differences).some((rows) => rows > 0))
      throw new Error(`Rollups differ from the executions: ${JSON.stringify(differences)}`)
    await client.query('reset synchronous_commit')
    await client.query('checkpoint')
    log(`${scale}: filled in ${Math.round((performance.now() - startedAt) / 1000)} s`)

    const token = await signIn(node, owners.few)
    const instance = await call(node, 'POST', '/v1/instances', {
      token,
      body: { name: 'Bench', baseUrl: n8n.baseUrl, apiKey: stub.apiKey },
    })
    const { items } = await call(node, 'GET', '/v1/workflows?limit=1', { token })
    const n8nWorkflowId = 'bench'
    await call(node, 'POST', '/v1/deployments', {
      token,
      body: { workflowId: items[0]?.id, instanceId: instance.id, n8nWorkflowId },
    })

    const backend = postgresBackend(postgresUrl, { ssl: false })
    closing.push(() => backend.close())
    const gateway = createGateway(backend)
    let recording: Statement[][] | null = null
    const listening = await startGatewayServer({
      ...gateway,
      fetch: (request) => (recording ? record(gateway, request, recording) : gateway.fetch(request)),
    })
    closing.push(listening.close)
    const onGateway = { DATABASE_URL: gateway.url, DATABASE_GATEWAY_URL: listening.endpoint }
    const workerd = await startWorkerd(modules.flowkeep, { ...env, ...onGateway }, 'ignore')
    closing.push(workerd.stop)
    const floorWorker = await startWorkerd(modules.floor, onGateway, 'ignore')
    closing.push(floorWorker.stop)
    const floorNode = await startProgram(
      ['--import', import.meta.resolve('tsx'), resolve(import.meta.dirname, 'floor-node.ts')],
      { DATABASE_URL: postgresUrl },
      '/ready',
    )
    closing.push(floorNode.stop)
    return {
      scale,
      postgresUrl,
      client,
      owners,
      tracked: { instanceId: instance.id, webhookToken: instance.webhookToken, n8nWorkflowId },
      flowkeep: { workerd, node },
      floor: { workerd: floorWorker, node: floorNode },
      recorded: async (work) => {
        const statements: Statement[][] = []
        recording = statements
        await work()
        recording = null
        return statements
      },
      close,
    }
  }
}

async function record(gateway: Gateway, request: Request, into: Statement[][]): Promise<Response> {
  const body: Statement | { queries: Statement[] } = await request.clone().json()
  into.push('queries' in body ? body.queries : [body])
  return gateway.fetch(request)
}
