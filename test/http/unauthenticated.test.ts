/** Requests without a valid token: limited by network, and answered before their body is read. */
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { afterEach, describe, expect, test } from 'vitest'
import { NetworkLimit } from '../../src/http/network-limit.ts'
import { useTestApp } from '../harness/app.ts'

let ip = '203.0.113.1'
let time = Date.now()
let statements = 0
const app = useTestApp({
  runtime: { clientIp: () => ip, now: () => new Date(time) },
  onDatabaseRequest: () => {
    statements += 1
  },
})

let networks = 0
/** Each test has its own network. */
afterEach(() => {
  networks += 1
  ip = `203.0.113.${networks + 1}`
})

const hook = '/hooks/n8n/0198c0de-0000-7000-8000-000000000000'
const token = `whk_${'A'.repeat(43)}`

const statusesOf = async (count: number, send: () => Promise<{ status: number; headers: Headers }>) => {
  const answers = await Promise.all(Array.from({ length: count }, send))
  for (const { status, headers } of answers) {
    if (status === 429) expect(Number(headers.get('Retry-After'))).toBeGreaterThanOrEqual(1)
  }
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

describe('one network', () => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const refreshToken = 'fkr_k1_x'
  const sameOrigin = { Origin: 'https://flowkeep.example.com' }
  test.each([
    ['readiness', 200, () => app.call('GET', '/health/ready')],
    ['the OpenAPI document', 200, () => app.call('GET', '/openapi.json')],
    ['the reference', 200, () => app.call('GET', '/docs')],
    ['invalid refresh tokens', 401, () => app.call('POST', '/v1/auth/refresh', { body: { refreshToken } })],
    ['signing out', 204, () => app.call('POST', '/v1/auth/logout', { body: { refreshToken } })],
    ['invalid webhook tokens', 401, () => app.call('POST', hook, { token, body: {} })],
    ['reports without a token', 401, () => app.call('POST', hook, { body: {} })],
    ['traces without a token', 401, () => app.call('POST', `${hook}/otlp/v1/traces`, { body: {} })],
    [
      'options for passkeys',
      200,
      () => app.call('POST', '/sign-in/passkey-options', { headers: sameOrigin }),
    ],
    ['revoking', 400, () => app.call('POST', '/oauth/revoke', { headers: form, body: 'token=x' })],
    ['codes', 400, () => app.call('POST', '/oauth/token', { headers: form, body: 'grant_type=x' })],
  ])('has 100 requests and gets back 10 a second: %s', async (_, status, send) => {
    expect(await statusesOf(150, send)).toEqual({ [status]: 100, 429: 50 })
    time += 1000
    expect(await statusesOf(20, send)).toEqual({ [status]: 10, 429: 10 })
    ip = `198.51.100.${networks}`
    expect((await send()).status).toBe(status)
  })

  test('cannot use up the requests of an IPv6 neighbor, but those of its own /64', async () => {
    const send = () => app.call('POST', hook, { body: {} })
    ip = '2001:db8:0:1::1'
    await statusesOf(100, send)
    ip = '2001:db8:0:1::2'
    expect((await send()).status).toBe(429)
    ip = '2001:db8:0:2::1'
    expect((await send()).status).toBe(401)
  })

  test('too many wrong webhook tokens cost one statement each, because a right one is never held up', async () => {
    const send = () => app.call('POST', hook, { token, body: {} })
    await statusesOf(100, send)
    statements = 0
    expect(await statusesOf(200, send)).toEqual({ 429: 200 })
    expect(statements).toBe(200)
  })

  test('wrong tokens do not hold up a webhook and a session with the right ones', async () => {
    const user = await app.user()
    const body = { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'key' }
    const instance = await user.call('POST', '/v1/instances', { body })
    expect(instance.status).toBe(201)
    const { id, webhookToken } = instance.json
    const report = () => app.call('POST', `/hooks/n8n/${id}`, { token: webhookToken, body: {} })
    expect((await report()).status).toBe(202)
    await statusesOf(150, () => app.call('POST', hook, { token, body: {} }))
    expect((await report()).status).toBe(202)
    const refresh = await app.call('POST', '/v1/auth/refresh', { body: { refreshToken: user.refreshToken } })
    expect(refresh.status).toBe(200)
  })
})

test('the requests of the last 10,000 networks are remembered', () => {
  const limit = new NetworkLimit(() => new Date(0))
  for (let each = 0; each < 100; each += 1) limit.claim('203.0.113.1')
  const other = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
  for (let index = 1; index < 10_000; index += 1) limit.claim(other(index))
  expect(() => limit.check('203.0.113.1')).toThrow('Too many requests from this network')
  limit.claim(other(10_000))
  expect(() => limit.check('203.0.113.1')).not.toThrow()
})

describe('a report without a valid token', () => {
  test.each([
    ['a report', hook, 'application/json'],
    ['a trace', `${hook}/otlp/v1/traces`, 'application/x-protobuf'],
  ])('is answered before its body is read: %s', async (_, path, mediaType) => {
    for (const authorization of [undefined, `Bearer ${token}`]) {
      let reads = 0
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            reads += 1
            controller.enqueue(new Uint8Array(64 * 1024))
            if (reads === 100) controller.close()
          },
        },
        { highWaterMark: 0 },
      )
      const headers = { 'Content-Type': mediaType, ...(authorization && { Authorization: authorization }) }
      const request = new Request(`http://localhost${path}`, {
        method: 'POST',
        headers,
        body,
        duplex: 'half',
      } as RequestInit)
      expect((await app.app.request(request)).status).toBe(401)
      expect(reads).toBe(0)
    }
  })

  test('40 connections that announce 4 MB and send nothing get their 401', async () => {
    const server = createAdaptorServer(app.app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const head = [
      `POST ${hook} HTTP/1.1`,
      'Host: localhost',
      'Content-Type: application/json',
      `Content-Length: ${4 * 1024 * 1024}`,
      '\r\n',
    ].join('\r\n')
    const answers = await Promise.all(
      Array.from(
        { length: 40 },
        () =>
          new Promise<string>((resolve, reject) => {
            const socket = connect(port, '127.0.0.1', () => socket.write(head))
            socket.on('error', reject).once('data', (data) => {
              resolve(data.toString('latin1').slice(0, 12))
              socket.destroy()
            })
          }),
      ),
    ).finally(() => server.close())
    expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 401']))
  })
})
