/** @module Only the workflow routes, on a test database. A header identifies the caller. */
import { sql } from 'drizzle-orm'
import { checkWorkflow } from '../../src/check/run.ts'
import { summarizeCheck } from '../../src/check/summary.ts'
import { Hono } from 'hono'
import { v7 as uuidv7 } from 'uuid'
import { AvailableCredentials } from '../../src/credentials/available.ts'
import { createFingerprint } from '../../src/crypto/fingerprint.ts'
import type { Db } from '../../src/db/client.ts'
import { credentials } from '../../src/db/schema/credentials.ts'
import type { AuthEnv } from '../../src/http/auth.ts'
import { problem, toAppError } from '../../src/http/problem.ts'
import { readinessRoutes } from '../../src/deployments/plan/readiness-routes.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { WorkflowEdits } from '../../src/workflows/edits/edits.ts'
import { workflowEditRoutes } from '../../src/workflows/edits/routes.ts'
import { WorkflowRepository } from '../../src/workflows/repository.ts'
import { CredentialRequirements } from '../../src/workflows/requirements.ts'
import { missingCredentialRoutes, workflowRoutes } from '../../src/workflows/routes.ts'
import { permitAll } from '../harness/permit-all.ts'

export function createWorkflowServer(db: Db, quota = 10_000) {
  const workflows = new WorkflowRepository(
    db,
    () => new Date(),
    loadCatalogue,
    { workflows: quota },
    permitAll,
  )
  const available = new AvailableCredentials(db, { open: async () => null }, loadCatalogue)
  const requirements = new CredentialRequirements(db, available, loadCatalogue)
  const app = new Hono<AuthEnv>()
  app.use(async (c, next) => {
    c.set('requestId', 'test')
    c.set('userId', c.req.header('X-Test-User') ?? '')
    await next()
  })
  app.route('/v1/workflows', workflowRoutes(workflows, createFingerprint(new Uint8Array(32).fill(7))))
  app.route('/v1/workflows', workflowEditRoutes(workflows, new WorkflowEdits(workflows)))
  app.route(
    '/v1/workflows',
    readinessRoutes({
      find: async (userId, workflowId) => {
        const slots = await requirements.readiness(userId, workflowId)
        const found = slots && (await requirements.resolve(userId, workflowId))
        const check = found && summarizeCheck(await checkWorkflow(found.workflow))
        return check && { ...slots, variables: [], check }
      },
    }),
  )
  app.route('/v1/credentials/missing', missingCredentialRoutes(requirements))
  app.onError((error, c) => problem(c, toAppError(error)))
  return { app, workflows, requirements }
}

type App = ReturnType<typeof createWorkflowServer>['app']

export interface Answer {
  status: number
  headers: Headers
  // oxlint-disable-next-line no-explicit-any -- tests read what they expect
  body: any
}

/** `caller(app, userId)('PATCH', '/v1/workflows/…', body, headers)` */
export const caller =
  (app: App, userId: string) =>
  async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await app.request(path, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { 'X-Test-User': userId, 'Content-Type': 'application/json', ...headers },
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) }
  }

/** In SQL, because it also runs on earlier schemas. */
export async function createUser(db: Db): Promise<string> {
  const id = uuidv7()
  await db.execute(
    sql`insert into users (id, email, password_hash, pepper_id) values (${id}, ${`${id}@example.com`}, 'x', 'p1')`,
  )
  return id
}

export async function createCredential(
  db: Db,
  userId: string,
  type: string,
  more: { name?: string; status?: 'untested' | 'valid' | 'invalid' } = {},
): Promise<string> {
  const id = uuidv7()
  const header = { alg: 'A256KW', kid: 'k1' } as const
  const sealed = { protected: 'x', header, encrypted_key: 'x', iv: 'x', ciphertext: 'x', tag: 'x' }
  const row = {
    id,
    userId,
    service: type,
    type,
    name: more.name ?? id,
    data: sealed,
    fields: [],
    known: true,
  }
  await db.insert(credentials).values({ ...row, status: more.status ?? 'untested' })
  return id
}

export const node = (name: string, type: string, more: Record<string, unknown> = {}) => ({
  id: `id-${name}`,
  name,
  type: `n8n-nodes-base.${type}`,
  typeVersion: 1,
  position: [0, 0],
  parameters: {},
  ...more,
})

export const workflowOf = (name: string, ...nodes: object[]) => ({
  name,
  nodes,
  connections: {},
  settings: {},
})

/** A Slack node that needs `slackApi`. */
export const slackNode = (name: string, more: Record<string, unknown> = {}) =>
  node(name, 'slack', { typeVersion: 2.3, parameters: { authentication: 'accessToken' }, ...more })
