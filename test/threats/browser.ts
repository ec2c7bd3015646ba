/** @module H1 to H5: the dashboard, headers, origins, methods and paths. `test/browser/payloads.test.ts` covers a real browser. */
import { expect } from 'vitest'
import { parsePage } from '../harness/dom.ts'
import { sampleWorkflow } from '../harness/target-resources.ts'
import { randomAddress, type TargetAnswer } from '../harness/target.ts'
import { threat, type World } from './suite.ts'

const form = 'application/x-www-form-urlencoded'

const payloads = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  "'-alert(1)-'",
  '</title><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  'javascript:alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '<iframe srcdoc="<script>alert(1)</script>">',
  '<a href="javascript:alert(1)">x</a>',
  '<style>*{display:none}</style>',
  '" autofocus onfocus=alert(1) x="',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '<!--<img src="--><img src=x onerror=alert(1)//">',
]

export function browserSurface(world: World): void {
  const call: World['target']['call'] = (...args) => world.target.call(...args)

  async function cookieOf(): Promise<string> {
    const { email, password } = world.owner
    const answer = await call('POST', '/sign-in', {
      body: new URLSearchParams({ email, password }).toString(),
      headers: { 'Content-Type': form, 'Sec-Fetch-Site': 'same-origin' },
      from: randomAddress(),
    })
    expect(answer.status).toBe(303)
    const cookie = answer.headers.getSetCookie().find((each) => each.includes('flowkeep=')) ?? ''
    world.target.answers.length = 0
    return cookie
  }

  threat('H1', async () => {
    const cookie = await cookieOf()
    const { owner, target } = world
    const made: string[] = []
    for (const payload of payloads) {
      const body = {
        workflow: sampleWorkflow(payload),
        name: payload,
        description: payload,
        prompt: payload,
        tags: [payload.slice(0, 30)],
      }
      const created = await owner.call('POST', '/v1/workflows', { body })
      if (created.status === 201) made.push(created.json.id)
      await owner.call('POST', '/v1/environments', { body: { name: payload } })
    }
    expect(made.length).toBeGreaterThan(10)
    await target.database
      .sql`update executions set error_message = ${payloads.join(' ')} where user_id = ${owner.id}`
    const pages = [
      '/',
      '/workflows',
      ...made.slice(0, 15).map((id) => `/workflows/${id}`),
      '/environments',
      '/executions',
      '/account',
    ]
    let shown = 0
    for (const path of pages) {
      const page = await call('GET', path, { headers: { Cookie: cookie.split(';')[0], Accept: 'text/html' } })
      expect({ path, status: page.status }).toEqual({ path, status: 200 })
      const { injected, text } = parsePage(page.text)
      expect({ path, injected }).toEqual({ path, injected: [] })
      if (payloads.some((payload) => text.includes(payload.slice(0, 20)))) shown += 1
      const policy = page.headers.get('Content-Security-Policy') ?? ''
      for (const directive of [
        "default-src 'none'",
        "script-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ])
        expect(policy).toContain(directive)
      expect(policy).not.toMatch(/unsafe-(inline|eval)|\*|data:(?!;)|https?:/)
    }
    expect(shown).toBeGreaterThan(5)
  })

  threat('H2', async () => {
    const answers: [string, TargetAnswer][] = [
      ['200', await call('GET', '/health/live')],
      ['page', await call('GET', '/sign-in', { headers: { Accept: 'text/html' } })],
      ['docs', await call('GET', '/docs')],
      ['401', await call('GET', '/v1/me')],
      ['404', await call('GET', '/nowhere')],
      ['405', await call('PUT', '/v1/me/password', { token: world.owner.accessToken })],
      ['413', await world.owner.call('POST', '/v1/credentials', { body: 'x'.repeat(70_000) })],
      ['422', await world.owner.call('POST', '/v1/credentials', { body: {} })],
    ]
    await world.target.database.sql`alter table environments rename to environments_renamed`
    try {
      answers.push(['500', await world.owner.call('GET', '/v1/environments')])
    } finally {
      await world.target.database.sql`alter table environments_renamed rename to environments`
    }
    for (const [name, { headers, status }] of answers) {
      if (/^\d/.test(name)) expect(status).toBe(Number(name))
      const found = {
        name,
        hsts:
          Number(
            /max-age=(\d+); includeSubDomains/.exec(headers.get('Strict-Transport-Security') ?? '')?.[1],
          ) >= 31_536_000,
        nosniff: headers.get('X-Content-Type-Options'),
        referrer: headers.get('Referrer-Policy'),
        resource: headers.get('Cross-Origin-Resource-Policy'),
        permissions: (headers.get('Permissions-Policy') ?? '') !== '',
        frames: headers.get('Content-Security-Policy')?.includes("frame-ancestors 'none'"),
        powered: headers.get('X-Powered-By') ?? headers.get('Server'),
      }
      expect(found).toEqual({
        name,
        hsts: true,
        nosniff: 'nosniff',
        // A form of a page needs its origin.
        referrer: name === 'page' ? 'same-origin' : 'no-referrer',
        resource: 'same-origin',
        permissions: true,
        frames: true,
        powered: null,
      })
    }
  })

  threat('H3', async () => {
    const allowed = 'https://app.example.com'
    const origins = [
      'https://evil.example.org',
      'null',
      'https://app.example.com.evil.com',
      'https://appXexample.com',
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://evil.app.example.com',
    ]
    for (const Origin of origins) {
      const read = await world.owner.call('GET', '/v1/me', { headers: { Origin } })
      const preflight = await call('OPTIONS', '/v1/credentials', {
        headers: {
          Origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'authorization',
        },
      })
      for (const { headers } of [read, preflight])
        expect({ Origin, allowed: headers.get('Access-Control-Allow-Origin') }).toEqual({
          Origin,
          allowed: null,
        })
    }
    const { headers } = await world.owner.call('GET', '/v1/me', { headers: { Origin: allowed } })
    expect(headers.get('Access-Control-Allow-Origin')).toBe(allowed)
    expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
  })

  threat('H4', async () => {
    const cookie = await cookieOf()
    const Cookie = cookie.split(';')[0]
    const before = await world.target.database.dump()
    const origins = [
      {},
      { Origin: 'https://evil.example.org' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ]
    for (const origin of origins) {
      for (const [path, body] of [
        ['/environments', 'name=Forged'],
        ['/account/delete', `password=${encodeURIComponent(world.owner.password)}`],
        ['/workflows', 'workflow=%7B%7D'],
        ['/sign-out', ''],
      ] as const) {
        const { status } = await call('POST', path, {
          body,
          headers: { Cookie, 'Content-Type': form, ...origin },
        })
        expect({ path, origin, status }).toEqual({ path, origin, status: 403 })
      }
      for (const type of ['text/plain', form, 'application/json']) {
        const answer = await call('POST', '/v1/environments', {
          body: '{"name":"Forged"}',
          headers: { Cookie, 'Content-Type': type, ...origin },
        })
        expect([401, 415]).toContain(answer.status)
      }
    }
    const { paths } = (await call('GET', '/openapi.json')).json
    const ids = world.owner.resources.ids
    for (const [path, item] of Object.entries<Record<string, unknown>>(paths)) {
      if (item['get']) continue
      const concrete = path
        .replace('{id}', ids[path.slice(4, path.indexOf('/{id}'))] ?? 'x')
        .replace(/\{\w+\}/g, '1')
      const { status } = await world.owner.call('GET', concrete)
      expect({ path, status: [404, 405].includes(status) }).toEqual({ path, status: true })
    }
    expect(await world.target.database.dump()).toBe(before)
  })

  threat('H5', async () => {
    const { accessToken, resources } = world.owner
    const id = resources.ids['environments']
    for (const [method, path] of [
      ['TRACE', '/v1/me'],
      ['PUT', '/v1/me'],
      ['DELETE', '/v1/credentials'],
      ['PROPFIND', '/v1/workflows'],
    ] as const) {
      const answer = await world.owner.call(method, path)
      expect({ method, status: [405, 501].includes(answer.status) }).toEqual({ method, status: true })
      if (answer.status === 405) expect(answer.headers.get('Allow')).toContain('GET')
    }
    for (const header of ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method']) {
      const headers = { [header]: 'DELETE' }
      expect((await world.owner.call('GET', `/v1/environments/${id}`, { headers })).status).toBe(200)
      expect((await world.owner.call('GET', `/v1/environments/${id}?_method=DELETE`)).status).toBe(200)
    }
    const odd = [
      '//v1/me',
      '/v1//me',
      '/v1/me/',
      '/v1/me%00',
      '/v1/me;x',
      '/V1/me',
      '/v1/./me/x',
      '/.env',
      '/.git/config',
      '/%2e%2e/%2e%2e/etc/passwd',
    ]
    for (const path of odd) {
      const { status, text } = await call('GET', path, { token: accessToken })
      expect({ path, status: [400, 404].includes(status) }).toEqual({ path, status: true })
      expect(text).not.toContain(world.owner.email)
    }
    // Dot segments are resolved before the request is authenticated.
    expect((await call('GET', '/v1/%2e%2e/v1/me')).status).toBe(401)
    const head = await world.owner.call('HEAD', '/v1/me')
    expect([head.status, head.text]).toEqual([200, ''])
  })
}
