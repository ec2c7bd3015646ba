/** Checks without an account: off by default, limited by address. */
import { describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const path = '/v1/workflows/check'
const workflow = { name: 'Sample', nodes: [], connections: {} }

describe('checks without an account', () => {
  const off = useTestApp()

  test('are rejected by default', async () => {
    const { status, json } = await off.call('POST', path, { body: { workflow } })
    expect([status, json.code]).toEqual([401, 'unauthenticated'])
  })
})

describe('with ANONYMOUS_CHECKS_PER_MINUTE=3, checks without an account', () => {
  let at = new Date('2026-05-04T10:00:00Z')
  let clientIp = '203.0.113.1'
  const app = useTestApp({
    env: { ANONYMOUS_CHECKS_PER_MINUTE: '3' },
    runtime: { now: () => at, clientIp: () => clientIp },
  })
  const check = (body: object = { workflow }, more: object = {}) => app.call('POST', path, { body, ...more })

  test('return the findings and are limited per minute and address', async () => {
    expect((await check()).json).toMatchObject({
      publishable: false,
      findings: [{ code: 'no-trigger', level: 'error' }],
    })
    const answers = await Promise.all([check(), check(), check(), check()])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 429, 429])
    at = new Date(at.getTime() + 20_000)
    const limited = await check()
    expect([limited.status, limited.json.code]).toEqual([429, 'too-many-requests'])
    expect(limited.headers.get('Retry-After')).toBe('40')
    clientIp = '203.0.113.2'
    expect((await check()).status).toBe(200)
    clientIp = '203.0.113.1'
    at = new Date(at.getTime() + 40_000)
    expect((await check()).status).toBe(200)
  })

  test('have no instance, a smaller body and no other route', async () => {
    clientIp = '203.0.113.3'
    const instanceId = '01934f8e-7f00-7b21-8e4f-6a3b2c1d0e9f'
    const withInstance = await check({ workflow, instanceId })
    expect([withInstance.status, withInstance.json.code]).toEqual([422, 'invalid'])
    const large = await check({ workflow: { ...workflow, meta: 'x'.repeat(256 * 1024) } })
    expect([large.status, large.json.code]).toEqual([413, 'too-large'])
    expect((await app.call('GET', '/v1/workflows')).status).toBe(401)
    expect((await app.call('POST', '/v1/workflows', { body: { workflow } })).status).toBe(401)
  })

  test('leave requests with a token to the route, which does not limit them', async () => {
    clientIp = '203.0.113.4'
    const user = await app.user()
    for (let each = 0; each < 5; each += 1) {
      expect((await user.call('POST', path, { body: { workflow } })).status).toBe(200)
    }
    expect((await check({ workflow }, { token: 'wrong' })).status).toBe(401)
    expect((await app.call('GET', '/openapi.json')).status).toBe(200)
  })
})
