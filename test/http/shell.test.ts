import { describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const app = useTestApp()
const problemKeys = ['code', 'detail', 'instance', 'requestId', 'status', 'title', 'type']

describe('every response', () => {
  test.each([
    ['found', 'GET', '/health/live', 200],
    ['missing', 'GET', '/nowhere', 404],
    ['not signed in', 'GET', '/v1/workflows', 401],
    ['wrong method', 'PUT', '/health/live', 405],
    ['unreadable', 'POST', '/v1/auth/login', 415],
  ])('has a request ID and security headers: %s', async (_, method, path, status) => {
    const answer = await app.call(method, path)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers.get('Strict-Transport-Security')).toBe('max-age=63072000; includeSubDomains')
    expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(answer.headers.get('Referrer-Policy')).toBe('no-referrer')
    expect(answer.headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin')
    expect(answer.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    expect(answer.headers.get('X-Powered-By')).toBeNull()
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
  })

  test.each([
    ['GET', '/nowhere', 'not-found'],
    ['DELETE', '/v1/auth/login', 'method-not-allowed'],
    ['GET', '/v1/me', 'unauthenticated'],
    ['POST', '/v1/auth/login', 'unsupported-media-type'],
  ])('is a problem document on errors: %s %s → %s', async (method, path, code) => {
    const answer = await app.call(method, path)
    expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
    expect(Object.keys(answer.json).sort()).toEqual(problemKeys)
    expect(answer.json).toMatchObject({ code, status: answer.status, instance: path })
    expect(answer.json.requestId).toBe(answer.headers.get('X-Request-Id'))
  })
})

describe('an unsupported method', () => {
  test.each([
    ['PUT', '/v1/auth/login', 'POST'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['PUT', '/hooks/n8n/0190a000-0000-7000-8000-000000000000', 'POST'],
  ])('%s %s returns 405 and allows %s', async (method, path, allow) => {
    const answer = await app.call(method, path)
    expect(answer.status).toBe(405)
    expect(answer.headers.get('Allow')).toBe(allow)
  })

  test('ignores method-override headers', async () => {
    const user = await app.user()
    const answer = await user.call('GET', '/v1/me', { headers: { 'X-HTTP-Method-Override': 'DELETE' } })
    expect(answer.status).toBe(200)
  })
})

describe('paths that resemble a route', () => {
  test.each(['//v1/me', '/v1//me', '/v1/me/', '/v1/me%00', '/V1/me'])(
    '%s reaches no handler',
    async (path) => {
      const user = await app.user()
      expect([404, 400]).toContain((await user.call('GET', path)).status)
    },
  )
})

describe('CORS', () => {
  const preflight = (origin: string) =>
    app.call('OPTIONS', '/v1/workflows', {
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    })

  test('allows the configured frontend to call the API and read its headers', async () => {
    const answer = await preflight('https://app.example.com')
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('https://app.example.com')
    const read = await app.call('GET', '/health/live', { headers: { Origin: 'https://app.example.com' } })
    expect(read.headers.get('Access-Control-Expose-Headers')).toBe(
      'ETag,Location,RateLimit,RateLimit-Policy,Retry-After,X-Request-Id',
    )
    expect(read.headers.get('Access-Control-Allow-Credentials')).toBeNull()
  })

  test.each([
    'https://evil.example',
    'null',
    'https://app.example.com.evil.com',
    'https://appXexample.com',
    'http://app.example.com',
  ])('sends no CORS headers to %s', async (origin) => {
    const answer = await preflight(origin)
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull()
    const read = await app.call('GET', '/health/live', { headers: { Origin: origin } })
    expect(read.headers.get('Access-Control-Allow-Origin')).toBeNull()
  })
})

describe('logs', () => {
  test('contain one JSON line per request, without the query, body or token', async () => {
    const user = await app.user()
    const before = app.logs.length
    const marker = 'needle-7f3a\r\n{"level":"fatal"}'
    await user.call('GET', `/v1/workflows?q=${encodeURIComponent(marker)}`)
    const lines = app.logs.slice(before).map((line) => JSON.parse(line) as Record<string, unknown>)
    const requests = lines.filter(({ event }) => event === 'request')
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({ method: 'GET', status: 200, userId: user.id })
    expect(app.logs.join('\n')).not.toContain('needle-7f3a')
    expect(app.logs.join('\n')).not.toContain(user.accessToken)
  })
})

describe('a current cached version', () => {
  test('returns 304 with the ETag and without a body', async () => {
    const user = await app.user()
    const workflow = { name: 'W', nodes: [], connections: {} }
    const made = await user.call('POST', '/v1/workflows', { body: { workflow } })
    const instance = { name: 'I', baseUrl: 'https://n8n.example.com', apiKey: 'key' }
    const added = await user.call('POST', '/v1/instances', { body: instance })
    const path = `/v1/workflows/${made.json.id}`
    for (const each of [path, `${path}/versions/1`, `/v1/instances/${added.json.id}`]) {
      const read = (tag: string) => user.call('GET', each, { headers: { 'If-None-Match': tag } })
      for (const tag of ['"1"', 'W/"1"', '"7", "1"', '*']) {
        const known = await read(tag)
        expect([each, known.status, known.text, known.headers.get('ETag')]).toEqual([each, 304, '', '"1"'])
        expect(known.headers.get('X-Request-Id')).not.toBeNull()
      }
      expect((await read('"2"')).status).toBe(200)
    }
  })
})
