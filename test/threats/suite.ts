/** @module What the tests of threats share: a server, two users with secrets, and a search for these secrets after each test. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { leaks } from '../credentials/canaries.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { createResources, type N8nServer, type Resources } from '../harness/target-resources.ts'
import {
  startTarget,
  type Target,
  type TargetAnswer,
  targetRuntime,
  type TargetUser,
} from '../harness/target.ts'
import { type ThreatId, threats } from './rows.ts'

/** The full suite: `npm run test:threats`. Otherwise, tests that take long are skipped. */
export const isFull = process.env['FLOWKEEP_LONG'] === 'true'
export const isNode = targetRuntime === 'node'

export interface Party extends TargetUser {
  resources: Resources
  secret: string
  renewedAt: number
}

export interface World {
  target: Target
  n8n: N8nServer & { close: () => Promise<void> }
  owner: Party
  stranger: Party
  /** Texts that must not occur in any response, log line or row after the test. */
  secrets: string[]
}

/** The process on Node logs a line for each password hash. */
const hashCounter = `--import=data:text/javascript,${encodeURIComponent(`
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
const { scrypt } = crypto
crypto.scrypt = (...args) => {
  process.stderr.write(JSON.stringify({ level: 'info', event: 'password-hash' }) + '\\n')
  return scrypt(...args)
}
syncBuiltinESMExports()
`)}`

/** How many password hashes the server made. */
export const hashesOf = (target: Target): number => target.logs().split('"password-hash"').length - 1

/** Long before a session token expires. */
const renewAfterMs = 60_000

/** A secret that headers can contain. */
export const plainSecret = (): string => `cnry${crypto.randomUUID().replaceAll('-', '')}`

export function useWorld(): World {
  const world = { secrets: [] as string[] } as World
  let readLogs = 0
  beforeAll(async () => {
    const apiKey = plainSecret()
    const stub = await createN8nStub({ apiKey })
    world.n8n = { stub, ...(await stub.listen()) }
    world.target = await startTarget({ nodeOptions: hashCounter })
    world.secrets.push(apiKey)
    for (const name of ['owner', 'stranger'] as const) {
      const [secret, password] = [plainSecret(), plainSecret()]
      const user = await world.target.user({ password })
      world.secrets.push(secret, password)
      const resources = await createResources(world.target, user, world.n8n, { credential: secret, apiKey })
      // The token of a webhook is part of one response.
      world.target.answers.length = 0
      world[name] = Object.assign(user, { resources, secret, renewedAt: Date.now() })
    }
  })
  beforeEach(async () => {
    for (const user of [world.owner, world.stranger]) {
      if (Date.now() - user.renewedAt < renewAfterMs) continue
      await user.renew()
      user.renewedAt = Date.now()
    }
    world.target.answers.length = 0
  })
  afterEach(async () => {
    const { target, secrets, owner, stranger } = world
    const logs = target.logs()
    const written = `${logs.slice(readLogs)}\n${await target.database.dump()}`
    readLogs = logs.length
    const tokens = [owner, stranger].flatMap(({ accessToken, refreshToken, resources }) => [
      accessToken,
      refreshToken,
      resources.webhookToken,
    ])
    expect(leaks(written, [...secrets, ...tokens]), 'in the database or the log').toEqual([])
    expect(leaks(target.answers.join('\n'), secrets), 'in a response').toEqual([])
    target.answers.length = 0
  })
  afterAll(async () => {
    await world.target?.close()
    await world.n8n?.close()
  })
  return world
}

/** The tests of one threat. `isSlow`: only in the full suite. `part`: what this one tests, if there are several. */
export function threat(
  id: ThreatId,
  run: () => Promise<void>,
  { isSlow = false, on, part }: { isSlow?: boolean; on?: 'node' | 'workerd'; part?: string } = {},
): void {
  const isElsewhere = on !== undefined && on !== targetRuntime
  const name = `${id} ${threats[id]}${part === undefined ? '' : `: ${part}`}`
  test.skipIf(isElsewhere || (isSlow && !isFull))(name, async () => {
    expect.hasAssertions()
    await run()
  })
}

/** Headers that differ between two requests of one caller. */
const varying = new Set([
  'date',
  'x-request-id',
  'keep-alive',
  'connection',
  'content-length',
  'retry-after',
  'ratelimit',
])

/** Without what differs between any two responses. */
export function comparable({ status, headers, json }: TargetAnswer, id = ''): unknown {
  const { requestId: _, instance, ...rest } = (json ?? {}) as Record<string, unknown>
  return {
    status,
    ...rest,
    instance: String(instance).replace(id, '{id}'),
    headers: [...headers].filter(([name]) => !varying.has(name)),
  }
}

export const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
export const statusesOf = (answers: readonly TargetAnswer[]): number[] =>
  [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b)
