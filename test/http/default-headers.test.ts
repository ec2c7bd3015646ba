/** Every response has the security headers, of every route and status. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTestApp, type TestApp, useTestApp } from '../harness/app.ts'
import { signedInBrowser } from '../web/browser.ts'

const app = useTestApp()
const required = {
  'Content-Security-Policy': /default-src 'none'.*frame-ancestors 'none'.*require-trusted-types-for 'script'/,
  'Cross-Origin-Opener-Policy': /^same-origin$/,
  'Cross-Origin-Resource-Policy': /^same-origin$/,
  'Referrer-Policy': /^(no-referrer|same-origin)$/,
  'Permissions-Policy': /camera=\(\)/,
  'Strict-Transport-Security': /^max-age=63072000; includeSubDomains$/,
  'X-Content-Type-Options': /^nosniff$/,
  'X-Frame-Options': /^DENY$/,
  'Cache-Control': /./,
}
const lacking = ({ headers }: { headers: Headers }) =>
  Object.entries(required).flatMap(([name, value]) =>
    value.test(headers.get(name) ?? '') ? [] : [`${name}: ${headers.get(name)}`],
  )

const id = '0190a000-0000-7000-8000-000000000000'
const operationsOf = async (of: TestApp) => {
  const { paths } = (await of.call('GET', '/openapi.json')).json as { paths: Record<string, object> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      path: path.replaceAll(/\{\w+\}/g, id),
      method: method.toUpperCase(),
    })),
  )
}

/** Status → number of responses without a header. */
async function tally(of: TestApp, token: string | undefined, more: Parameters<TestApp['call']>[2] = {}) {
  const statuses = new Set<number>()
  const faults: string[] = []
  for (const { method, path } of await operationsOf(of)) {
    const hasBody = !['GET', 'HEAD', 'DELETE'].includes(method)
    const answer = await of.call(method, path, {
      ...(token !== undefined && { token }),
      ...(hasBody && more),
    })
    statuses.add(answer.status)
    const missing = lacking(answer)
    if (missing.length > 0) faults.push(`${method} ${path} ${answer.status}: ${missing.join(', ')}`)
  }
  return { statuses, faults }
}

test.each([
  ['signed out', false, { body: {} }],
  ['signed in, with an empty body', true, { body: {} }],
  ['malformed JSON', true, { body: '{' }],
  ['another media type', true, { body: 'a', headers: { 'Content-Type': 'text/plain' } }],
  ['an oversized body', true, { body: 'x'.repeat(4_400_000) }],
])('every route: %s', async (_, signedIn, more) => {
  const token = signedIn ? (await app.user()).accessToken : undefined
  const { statuses, faults } = await tally(app, token, more)
  expect(faults).toEqual([])
  expect([...statuses].some((status) => status >= 400)).toBe(true)
})

test('wrong methods, preflights, unknown paths and pages', async () => {
  const user = await app.user()
  const tab = await signedInBrowser(app)
  const answers = [
    ...(await Promise.all(
      ['/v1/workflows', '/', '/executions', '/mcp', '/hooks/n8n/x', '/metrics'].map((path) =>
        user.call('PUT', path, { body: {} }),
      ),
    )),
    await app.call('OPTIONS', '/v1/workflows', {
      headers: { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'POST' },
    }),
    await app.call('GET', '/nowhere'),
    await tab.get('/nowhere'),
    await tab.get('/workflows'),
    await tab.get(`/workflows/${id}`),
    await app.call('GET', '/workflows'),
    await app.call('GET', '/openapi.json'),
    await app.call('GET', '/docs'),
  ]
  expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 204, 401, 404, 405]))
  expect(answers.flatMap(lacking)).toEqual([])
})

test('429', async () => {
  const { email } = await app.user()
  const attempt = () => app.call('POST', '/v1/auth/login', { body: { email, password: 'wrong password' } })
  let answer = await attempt()
  for (let i = 0; i < 60 && answer.status !== 429; i += 1) answer = await attempt()
  expect(answer.status).toBe(429)
  expect(lacking(answer)).toEqual([])
})

test('500 and 503', async () => {
  let broken: 'statement' | 'connection' | undefined
  const failing: TestApp = await createTestApp({
    runtime: {
      databaseFetch: async (request) => {
        if (broken === 'connection') throw new TypeError('fetch failed')
        if (broken === 'statement') {
          return Response.json({ message: 'syntax error', code: '42601', severity: 'ERROR' }, { status: 400 })
        }
        return failing.database.gateway.fetch(request)
      },
    },
  })
  try {
    const { accessToken } = await failing.user()
    for (const [status, part] of [
      [500, 'statement'],
      [503, 'connection'],
    ] as const) {
      broken = part
      const { statuses, faults } = await tally(failing, accessToken, { body: {} })
      expect(faults).toEqual([])
      expect(statuses).toContain(status)
    }
  } finally {
    broken = undefined
    await failing.close()
  }
})

test('assets and the guide on Workers: `public/_headers`', () => {
  const text = readFileSync(join(import.meta.dirname, '../../public/_headers'), 'utf8')
  for (const block of text.trim().split(/\n\n/)) {
    expect(block).toContain("require-trusted-types-for 'script'; trusted-types 'none'")
    for (const name of ['Cross-Origin-Resource-Policy', 'Referrer-Policy', 'Strict-Transport-Security'])
      expect(block).toContain(`${name}: `)
    expect(block).toContain('X-Content-Type-Options: nosniff')
  }
})
