/** Who can read `/metrics`, and what it returns under load and without a database. Each test sets recording as its app does. */
import { describe, expect, test } from 'vitest'
import { createTestApp, testEnvironment, useTestApp } from '../harness/app.ts'
import { parseOpenMetrics } from '../telemetry/parse-openmetrics.ts'

const token = 'planted-metrics-token-0123456789'
/** A token is required from this machine too. */
const app = useTestApp({
  env: { METRICS_TOKEN: token, LOG_LEVEL: 'error' },
  runtime: { isLocal: () => true },
})

describe('access', () => {
  test.each([
    ['no token', {}],
    ['another token', { Authorization: 'Bearer planted-metrics-token-012345678x' }],
    ['a prefix of the token', { Authorization: `Bearer ${token.slice(0, -1)}` }],
    ['the token without Bearer', { Authorization: token }],
    ['the token as a password', { Authorization: `Basic ${btoa(`x:${token}`)}` }],
  ])('with %s it does not exist', async (_, headers) => {
    const answer = await app.call('GET', '/metrics', { headers })
    expect([answer.status, answer.json.code]).toEqual([404, 'not-found'])
  })

  test("a user's session token does not open it", async () => {
    const user = await app.user()
    expect((await user.call('GET', '/metrics')).status).toBe(404)
    expect((await user.call('GET', `/metrics?token=${token}`)).status).toBe(404)
  })

  test('without a token, only a local request can read it', async () => {
    let isLocal = false
    const open = await createTestApp({ runtime: { isLocal: () => isLocal } })
    try {
      expect((await open.call('GET', '/metrics')).status).toBe(404)
      isLocal = true
      expect((await open.call('GET', '/metrics')).status).toBe(200)
    } finally {
      await open.close()
    }
    const shut = await createTestApp()
    try {
      expect((await shut.call('GET', '/metrics')).status).toBe(404)
    } finally {
      await shut.close()
    }
  })
})

test('while the database does not answer, the metrics of the process are available', async () => {
  const down = await createTestApp({
    env: testEnvironment({ METRICS_TOKEN: token }),
    runtime: { databaseFetch: () => Promise.reject(new TypeError('fetch failed')) },
  })
  try {
    const { status, text } = await down.call('GET', '/metrics', { token })
    expect(status).toBe(200)
    const found = parseOpenMetrics(text)
    expect(found.get('flowkeep_database_up')?.samples[0]?.value).toBe(0)
    expect(found.has('flowkeep_deployments')).toBe(false)
    expect(found.get('flowkeep_http_requests')).toBeDefined()
    expect(
      found.get('flowkeep_database_errors')?.samples.find(({ labels }) => labels['class'] === 'connection')
        ?.value,
    ).toBeGreaterThan(0)
  } finally {
    await down.close()
  }
})

test('a secret of a key that the server lacks counts as a missing key', async () => {
  const other = await createTestApp({ env: { METRICS_TOKEN: token } })
  try {
    const owner = await other.user()
    const body = { type: 'slackApi', name: 'Bot', data: { accessToken: 'x' } }
    expect((await owner.call('POST', '/v1/credentials', { body })).status).toBe(201)
    await other.database.sql`update credentials set
      credential_data = jsonb_set(credential_data, '{header,kid}', '"lost"')`
    const { text } = await other.call('GET', '/metrics', { token })
    const found = parseOpenMetrics(text)
    expect(found.get('flowkeep_keys_missing')?.samples[0]?.value).toBe(1)
    expect(found.get('flowkeep_secrets')?.samples).toEqual([
      { name: 'flowkeep_secrets', labels: { table: 'credentials', key: 'lost' }, value: 1 },
    ])
  } finally {
    await other.close()
  }
})

test('the output does not grow with the number of paths and methods', async () => {
  const busy = await createTestApp({ env: { METRICS_TOKEN: token, LOG_LEVEL: 'error' } })
  try {
    const scrape = async () => (await busy.call('GET', '/metrics', { token })).text
    const before = await scrape()
    for (let index = 0; index < 10_000; index += 1) {
      await busy.app.request(`/v1/planted-${index}/${index}?x=${index}`, {
        method: ['GET', 'PUT', `X-PLANTED-${index}`][index % 3] ?? 'GET',
      })
    }
    const text = await scrape()
    const requests = parseOpenMetrics(text).get('flowkeep_http_requests')?.samples ?? []
    expect(requests.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(10_000)
    expect(text).not.toMatch(/planted/i)
    expect(text.split('\n').length - before.split('\n').length).toBeLessThan(100)
  } finally {
    await busy.close()
  }
})
