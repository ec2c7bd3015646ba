import { Hono } from 'hono'
import { v7 as uuidv7 } from 'uuid'
import { createFingerprint } from '../../src/crypto/fingerprint.ts'
import type { KeyRing } from '../../src/crypto/key-ring.ts'
import { createSecretBox } from '../../src/crypto/secret-box.ts'
import { credentialTypeRoutes } from '../../src/credentials/catalogue-routes.ts'
import { nodeTypeRoutes } from '../../src/credentials/node-type-routes.ts'
import { CredentialHealth } from '../../src/credentials/health.ts'
import { CredentialRepository } from '../../src/credentials/repository.ts'
import { credentialRoutes } from '../../src/credentials/routes.ts'
import type { Db } from '../../src/db/client.ts'
import { createKeyCheck } from '../../src/db/key-check.ts'
import { instances } from '../../src/db/schema/instances.ts'
import { users } from '../../src/db/schema/users.ts'
import { requireUser } from '../../src/http/auth.ts'
import type { BaseEnv } from '../../src/http/env.ts'
import { createLog } from '../../src/http/log.ts'
import { handleFailures, shell } from '../../src/http/shell.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { randomRing } from '../crypto/rings.ts'
import { permitAll } from '../harness/permit-all.ts'

export interface FixtureOptions {
  ring?: KeyRing
  quota?: number
  keysVerified?: () => Promise<void>
}

/** The members of a response body that tests read. */
interface Answer {
  [member: string]: unknown
  id: string
  code: string
  items: { [member: string]: unknown; id: string; type: string }[]
  nextCursor: string | null
  errors: { pointer: string; detail: string }[]
}

interface Call {
  body?: unknown
  headers?: Record<string, string>
}

/** Only this feature, on a real database, with real routes, errors and logs. The token is the user's ID. */
export function fixture(db: Db, options: FixtureOptions = {}) {
  const ring = options.ring ?? randomRing()
  const secretBox = createSecretBox(ring)
  const keys = createKeyCheck(db, ring)
  const credentials = new CredentialRepository(db, () => new Date(), {
    secretBox,
    keysVerified: options.keysVerified ?? keys.verified,
    loadCatalogue,
    quota: options.quota ?? 1_000,
    permit: permitAll,
  })
  const health = new CredentialHealth(db, () => new Date(), {
    credentials,
    loadCatalogue,
    fingerprint: async () => 'none is deployed in these tests',
    test: async () => null,
  })
  const logs: string[] = []
  const log = createLog(
    'debug',
    (line) => logs.push(line),
    () => new Date(),
  )
  const app = new Hono<BaseEnv>()
  app.use(...shell({ log, corsOrigins: [], clientIp: () => '127.0.0.1' }))
  app.use(
    '/v1/*',
    requireUser({
      accessTokens: { verify: async (token: string) => ({ userId: token, sessionId: token }) },
      sessions: { isLive: async () => true },
      claimRequest: () => null,
    } as never),
  )
  handleFailures(app, log)
  app.route(
    '/v1/credentials',
    credentialRoutes(
      credentials,
      createFingerprint(crypto.getRandomValues(new Uint8Array(32))),
      health,
      async () => [],
    ),
  )
  app.route('/v1/credential-types', credentialTypeRoutes(loadCatalogue))
  app.route('/v1/node-types', nodeTypeRoutes(loadCatalogue))

  /** All responses as text, including headers. */
  const answers: string[] = []
  const call = async (userId: string | null, method: string, path: string, { body, headers }: Call = {}) => {
    const response = await app.request(path, {
      method,
      headers: {
        ...(userId !== null && { Authorization: `Bearer ${userId}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    answers.push(JSON.stringify([...response.headers]) + text)
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: (text === '' ? null : JSON.parse(text)) as Answer,
    }
  }
  return { db, ring, secretBox, credentials, keys, app, log, logs, answers, call, newUser: () => newUser(db) }
}

export type Fixture = ReturnType<typeof fixture>

export async function newUser(db: Db): Promise<string> {
  const id = uuidv7()
  await db.insert(users).values({ id, email: `${id}@example.test`, passwordHash: 'none', pepperId: 'p1' })
  return id
}

export async function newInstance(
  { db, secretBox }: Pick<Fixture, 'db' | 'secretBox'>,
  userId: string,
  baseUrl = 'https://n8n.example.test/prefix',
): Promise<string> {
  const id = uuidv7()
  const { origin } = new URL(baseUrl)
  const context = { purpose: 'n8n-api-key', userId, rowId: id, type: 'n8nApi', origin } as const
  const apiKey = await secretBox.seal(context, `key of ${id}`)
  await db.insert(instances).values({ id, userId, name: id, baseUrl, apiKey })
  return id
}

/** A type that is not built in accepts any data. */
export const communityCredential = (
  name: string,
  data: Record<string, unknown> = { token: 'x'.repeat(20) },
) => ({
  type: 'acmeCrmApi',
  name,
  data,
})
