/** The limit of an access token on two servers that share a real Postgres. */
import { expect, test } from 'vitest'
import { type TestApp, useTestApp } from '../harness/app.ts'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config.ts'
import { createDeps } from '../../src/deps.ts'
import { testEnvironment } from '../harness/app.ts'

/** The same time, so that all requests fall into one minute. */
const now = () => new Date('2026-05-04T10:00:20Z')
const app = useTestApp({ runtime: { now } })

/** Another server on the database. */
const anotherServer = ({ database }: TestApp) =>
  createApp(
    createDeps(parseConfig(testEnvironment({ DATABASE_URL: database.url })), {
      name: 'node',
      compareBcrypt: async () => false,
      maxHashesInFlight: 1,
      defer: () => undefined,
      clientIp: () => '203.0.113.9',
      writeLog: () => undefined,
      now,
      instanceFetch: () => Promise.reject(new Error('No n8n')),
      publicFetch: fetch,
      databaseFetch: (request) => database.gateway.fetch(request),
    }),
  )

test.each([1, 40, 200])('a limit of %i is exceeded by at most 5% for each server', async (limit) => {
  const user = await app.user()
  const body = { name: 'Agent', scopes: ['workflows:read'], requestsPerMinute: limit }
  const { token, id } = (await user.call('POST', '/v1/tokens', { body })).json
  const servers = [app.app, anotherServer(app)]
  const init = { headers: { Authorization: `Bearer ${token}` } }
  const statuses: number[] = []
  for (let round = 0; round < 4; round++) {
    const sent = servers.flatMap((server) =>
      Array.from({ length: Math.ceil(limit / 4) }, () =>
        Promise.resolve(server.request('/v1/workflows', init)),
      ),
    )
    statuses.push(...(await Promise.all(sent)).map(({ status }) => status))
  }
  const passed = statuses.filter((status) => status === 200).length
  expect(new Set(statuses)).toEqual(new Set([200, 429]))
  expect(passed).toBeGreaterThanOrEqual(limit)
  expect(passed).toBeLessThanOrEqual(limit + servers.length * Math.floor(limit / 20))
  const [{ last_used_at: lastUsed } = {}] = await app.database
    .sql`select last_used_at = ${now().toISOString()}::timestamptz as last_used_at from api_token_uses where token_id = ${id}`
  expect(lastUsed).toBe(true)
})
