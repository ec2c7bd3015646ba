/** The routes of instances, deployments, executions and analytics on a real database. A header identifies the user. */
import { WorkflowRepository } from '../../src/workflows/repository.ts'
import { Hono } from 'hono'
import { v7 as uuidv7 } from 'uuid'
import { ErrorGroupStates } from '../../src/analytics/error-states.ts'
import { AnalyticsRepository } from '../../src/analytics/repository.ts'
import { readFrom } from '../../src/db/replica.ts'
import { modelPriceRoutes } from '../../src/analytics/price-routes.ts'
import { ModelPriceRepository } from '../../src/analytics/prices.ts'
import { analyticsRoutes } from '../../src/analytics/routes.ts'
import { AvailableCredentials } from '../../src/credentials/available.ts'
import { createFingerprint } from '../../src/crypto/fingerprint.ts'
import { createSecretBox } from '../../src/crypto/secret-box.ts'
import { credentials } from '../../src/db/schema/credentials.ts'
import { users } from '../../src/db/schema/users.ts'
import { workflows, workflowVersions } from '../../src/db/schema/workflows.ts'
import { Deployer } from '../../src/deployments/deploy/deployer.ts'
import { DeploymentRepository } from '../../src/deployments/repository.ts'
import { deploymentRoutes } from '../../src/deployments/routes.ts'
import { AppError } from '../../src/errors.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { DeadLetterRepository } from '../../src/executions/reports/dead-letters.ts'
import { IncidentRepository } from '../../src/executions/reports/incidents.ts'
import { TraceReceiver } from '../../src/executions/otlp/receive.ts'
import { SpanRepository } from '../../src/executions/otlp/span-repository.ts'
import { queueReports, type ReportQueue } from '../../src/executions/reports/queue.ts'
import { ReportReceiver } from '../../src/executions/reports/receive.ts'
import { pollNow } from '../../src/executions/poll/reconcile.ts'
import { ExecutionRepository } from '../../src/executions/repository.ts'
import {
  deadLetterRoutes,
  executionRoutes,
  type HookLimits,
  hookRoutes,
  incidentRoutes,
} from '../../src/executions/routes.ts'
import type { AuthEnv } from '../../src/http/auth.ts'
import { NetworkLimit } from '../../src/http/network-limit.ts'
import { problem, toAppError } from '../../src/http/problem.ts'
import { InstanceConnections } from '../../src/instances/connections.ts'
import { OtelExport } from '../../src/instances/otel.ts'
import { ErrorReporter } from '../../src/instances/reporter.ts'
import { InstanceRepository } from '../../src/instances/repository.ts'
import { instanceRoutes } from '../../src/instances/routes.ts'
import type { PrivateNetworks } from '../../src/instances/url-guard.ts'
import type { TestDatabase } from '../harness/database.ts'
import { createClock } from '../harness/clock.ts'
import { permitAll } from '../harness/permit-all.ts'

export interface Call {
  user?: string
  /** Sent as JSON; a string is sent unchanged. */
  body?: unknown
  token?: string
  headers?: Record<string, string>
}

export interface Answer {
  status: number
  headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  body: any
  text: string
}

interface WorldOptions {
  quotas?: { instances: number; deployments: number }
  allowLoopbackInstances?: boolean
  privateNetworks?: PrivateNetworks
  hookLimits?: HookLimits
  reportQueue?: ReportQueue
  /** The n8n servers. By default, none responds. */
  fetch?: typeof fetch
}

export function createWorld(database: TestDatabase, options: WorldOptions = {}) {
  const { db } = database
  const clock = createClock(new Date())
  const now = () => new Date(clock.now)
  const secretBox = createSecretBox({
    active: 'k1',
    keys: new Map([['k1', crypto.getRandomValues(new Uint8Array(32))]]),
  })
  const fingerprint = createFingerprint(crypto.getRandomValues(new Uint8Array(32)))
  const settings = {
    publicUrl: 'https://flowkeep.example',
    allowLoopbackInstances: options.allowLoopbackInstances ?? false,
    privateNetworks: options.privateNetworks,
    quotas: options.quotas ?? { instances: 100, deployments: 1000 },
    keysVerified: async () => {},
    fetch: options.fetch ?? (() => Promise.reject(new TypeError('fetch failed'))),
  }
  const instances = new InstanceRepository(db, now, secretBox, settings)
  const instanceDeps = {
    instances,
    connections: new InstanceConnections(db, now, secretBox, settings),
    reporter: new ErrorReporter(db, now, settings),
    otel: new OtelExport(db, now, settings),
    settingsRestorer: { onInstance: async () => async () => undefined },
    now,
    fingerprint,
    defer: (work: Promise<unknown>) => void work,
    permit: permitAll,
  }
  const deployments = new DeploymentRepository(
    db,
    now,
    options.quotas ?? { instances: 100, deployments: 1000 },
  )
  const closed = { open: async () => null }
  const deployer = new Deployer(db, now, {
    ...instanceDeps,
    deployments,
    fingerprint,
    loadCatalogue,
    workflows: new WorkflowRepository(db, now, loadCatalogue, { workflows: 1_000 }, permitAll),
    credentials: closed,
    availableCredentials: new AvailableCredentials(db, closed, loadCatalogue),
    publicUrl: settings.publicUrl,
    log: () => undefined,
    wait: async () => undefined,
  })
  const deadLetters = new DeadLetterRepository(db, now)
  const reports = new ReportReceiver(db, deadLetters, now)
  const traces = new TraceReceiver(new SpanRepository(db, now), reports, now)

  const app = new Hono<AuthEnv>()
  app.onError((error, c) => {
    const failure = toAppError(error)
    if (failure.code === 'internal') console.error(failure.cause)
    return problem(c, failure)
  })
  app.use('/hooks/*', async (c, next) => {
    c.set('clientIp', c.req.header('X-Test-Ip') ?? '192.0.2.1')
    await next()
  })
  app.use('/v1/*', async (c, next) => {
    const user = c.req.header('X-User')
    if (!user) throw new AppError('unauthenticated', 'Sign in')
    c.set('userId', user)
    await next()
  })
  app
    .route('/v1/instances', instanceRoutes(instanceDeps))
    .route(
      '/v1/deployments',
      deploymentRoutes(
        deployments,
        fingerprint,
        async (userId, { instanceId, n8nWorkflowId }) => {
          if (n8nWorkflowId !== null) await deadLetters.replayMatching(userId, instanceId, n8nWorkflowId)
        },
        {
          create: () => Promise.reject(new Error('Nothing is deployed here')),
          track: (...body) => deployer.track(...body),
          remove: (userId, id) => deployments.delete(userId, id),
          requireDeployTo: (...target) => deployer.requireDeployTo(...target),
        },
      ),
    )
    .route(
      '/v1/executions',
      executionRoutes(new ExecutionRepository(db.read, now), (userId, instanceId) =>
        pollNow({ ...instanceDeps, db, log: () => undefined }, userId, instanceId),
      ),
    )
    .route('/v1/dead-letters', deadLetterRoutes(deadLetters))
    .route('/v1/model-prices', modelPriceRoutes(new ModelPriceRepository(db)))
    .route(
      '/v1/analytics',
      analyticsRoutes(
        new AnalyticsRepository(readFrom(db), now, loadCatalogue),
        new ErrorGroupStates(db, now),
      ),
    )
    .route('/v1/incidents', incidentRoutes(new IncidentRepository(db.read)))
    .route(
      '/hooks',
      hookRoutes(
        {
          instances,
          reports,
          traces,
          networkLimit: new NetworkLimit(now),
          queuedReports:
            options.reportQueue &&
            queueReports({ queue: options.reportQueue, receiver: reports, now, log: () => undefined }),
        },
        options.hookLimits,
      ),
    )

  async function call(
    method: string,
    path: string,
    { user, body, token, headers }: Call = {},
  ): Promise<Answer> {
    const response = await app.request(path, {
      method,
      headers: {
        ...(user && { 'X-User': user }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text), text }
  }

  async function user(): Promise<string> {
    const id = uuidv7()
    await db.insert(users).values({ id, email: `${id}@example.com`, passwordHash: 'none', pepperId: 'p1' })
    return id
  }

  async function workflow(
    userId: string,
    { versions = 1, endpoints = [] as string[], nodes = [] as object[] } = {},
  ): Promise<string> {
    const id = uuidv7()
    const content = {
      name: 'Invoices',
      tags: [],
      nodeCount: 0,
      nodeTypes: [],
      requiredCredentialTypes: [],
      triggerTypes: [],
      webhookPaths: [],
      endpoints,
      data: { nodes, connections: {} },
      contentHash: id,
    }
    await db.insert(workflows).values({ id, userId, ...content, warnings: [], version: versions })
    for (let version = 1; version <= versions; version++) {
      await db.insert(workflowVersions).values({ workflowId: id, version, userId, ...content })
    }
    return id
  }

  async function credential(userId: string, type: string): Promise<string> {
    const id = uuidv7()
    const data = await secretBox.seal({ purpose: 'n8n-credential', userId, rowId: id, type }, { key: 'x' })
    await db
      .insert(credentials)
      .values({ id, userId, service: type, type, name: id, data, fields: ['key'], known: true })
    return id
  }

  async function instance(userId: string, name: string = uuidv7()): Promise<{ id: string; token: string }> {
    const body = { name, baseUrl: `https://n8n.example.com/${name}`, apiKey: 'n8n-api-key-canary' }
    const made = await call('POST', '/v1/instances', { user: userId, body })
    return { id: made.body.id, token: made.body.webhookToken }
  }

  /** A user with an instance and a deployment that tracks `n8nWorkflowId` there. */
  async function tracked(n8nWorkflowId = 'wf1') {
    const userId = await user()
    const workflowId = await workflow(userId)
    const { id: instanceId, token } = await instance(userId)
    const body = { workflowId, instanceId, n8nWorkflowId }
    const deployment = await call('POST', '/v1/deployments', { user: userId, body })
    const report = (payload: unknown) => call('POST', `/hooks/n8n/${instanceId}`, { token, body: payload })
    return { userId, workflowId, instanceId, token, deploymentId: String(deployment.body.id), report }
  }

  return {
    ...database,
    clock,
    secretBox,
    app,
    call,
    user,
    workflow,
    credential,
    instance,
    tracked,
    instances,
    deployments,
    deadLetters,
    reports,
  }
}

export type World = ReturnType<typeof createWorld>
