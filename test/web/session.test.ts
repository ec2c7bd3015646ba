import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { createAccessTokens } from '../../src/crypto/access-token.ts'
import { useTestApp } from '../harness/app.ts'
import { parsePage } from '../harness/dom.ts'
import { browser, origin, signedInBrowser } from './browser.ts'

const app = useTestApp()
const sessionCookie = '__Host-flowkeep'

describe('the session cookie', () => {
  test('is limited to this host and https, and hidden from scripts and other sites', async () => {
    const tab = await signedInBrowser(app)
    const header = tab.setCookies.find((each) => each.startsWith(`${sessionCookie}=`)) ?? ''
    const attributes = header.split('; ').slice(1)
    expect(attributes).toEqual(
      expect.arrayContaining(['Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax', 'Max-Age=2592000']),
    )
    expect(attributes.some((each) => each.startsWith('Domain'))).toBe(false)
  })

  test('has no Secure attribute and no prefix when the server uses http', async () => {
    const deps = { ...app.deps, config: { ...app.deps.config, publicUrl: 'http://127.0.0.1:8787' } }
    const tab = browser(createApp(deps))
    const email = `${randomBytes(8).toString('hex')}@example.com`
    await tab.post('/register', { email, name: '', password: 'correct horse battery 9' })
    const header = tab.setCookies.find((each) => each.startsWith('flowkeep=')) ?? ''
    expect(header).toContain('HttpOnly')
    expect(header).toContain('SameSite=Lax')
    expect(header).not.toContain('Secure')
  })

  test('authenticates the pages but not the JSON API', async () => {
    const tab = await signedInBrowser(app)
    expect((await tab.get('/')).status).toBe(200)
    const token = tab.cookies.get(sessionCookie) ?? ''
    expect((await tab.get('/v1/me')).status).toBe(401)
    expect((await app.call('GET', '/v1/me', { token })).status).toBe(401)
  })

  test('cannot be replaced by a session token', async () => {
    const user = await app.user()
    const tab = browser(app.app)
    tab.cookies.set(sessionCookie, user.accessToken)
    expect((await tab.get('/')).location).toBe('/sign-in')
  })

  test('is rejected with another audience, issuer or type', async () => {
    const tab = await signedInBrowser(app)
    const claim = await app.deps.dashboardTokens.verify(tab.cookies.get(sessionCookie) ?? '')
    if (!claim) throw new Error('The cookie is not readable')
    const forge = (change: object) =>
      createAccessTokens(app.deps.config.accessTokenKeys, {
        issuer: app.deps.config.publicUrl,
        audience: 'flowkeep-dashboard',
        type: 'session+jwt',
        now: () => new Date(),
        ...change,
      }).sign(claim)
    tab.cookies.set(sessionCookie, (await forge({})).accessToken)
    expect((await tab.get('/')).status).toBe(200)
    for (const change of [{ audience: 'flowkeep' }, { issuer: 'https://evil.example' }, { type: 'at+jwt' }]) {
      tab.cookies.set(sessionCookie, (await forge(change)).accessToken)
      expect((await tab.get('/')).location).toBe('/sign-in')
    }
  })
})

describe('an ended session is rejected on the next request', () => {
  test('after signing out', async () => {
    const tab = await signedInBrowser(app)
    const stolen = tab.cookies.get(sessionCookie) ?? ''
    const answer = await tab.post('/sign-out')
    expect(answer).toMatchObject({ status: 303, location: '/signed-out' })
    expect(tab.cookies.has(sessionCookie)).toBe(false)
    tab.cookies.set(sessionCookie, stolen)
    expect((await tab.get('/')).location).toBe('/sign-in')
  })

  test('after changing the password, ending all sessions or deleting the account', async () => {
    const ways: [string, (password: string) => object][] = [
      [
        '/v1/me/password',
        (password) => ({ currentPassword: password, newPassword: 'another horse battery 9' }),
      ],
      ['/v1/auth/logout-all', () => ({})],
      ['/v1/me/delete', (password) => ({ password })],
    ]
    for (const [path, body] of ways) {
      const tab = await signedInBrowser(app)
      const { email, password } = tab
      const login = await app.call('POST', '/v1/auth/login', { body: { email, password } })
      expect((await tab.get('/')).status).toBe(200)
      const token = login.json.accessToken as string
      const answer = await app.call('POST', path, { token, body: body(password) })
      expect({ path, status: answer.status }).toEqual({ path, status: 204 })
      expect((await tab.get('/')).location).toBe('/sign-in')
    }
  })

  test('does not end the sessions of other users', async () => {
    const [one, other] = [await signedInBrowser(app), await signedInBrowser(app)]
    await one.post('/sign-out')
    expect((await other.get('/')).status).toBe(200)
  })

  test('is looked up by its primary key in one statement', async () => {
    const { rows } = await app.deps.db.execute<{ 'QUERY PLAN': string }>(
      `explain select users.id from sessions join users on users.id = sessions.user_id where sessions.id = '0190a000-0000-7000-8000-000000000000' and revoked_at is null`,
    )
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('sessions_pkey')
  })
})

describe('a state-changing request', () => {
  const signOut = async (headers: Record<string, string>) => {
    const tab = await signedInBrowser(app)
    const { status } = await tab.post('/sign-out', {}, headers)
    return { status, isSignedIn: (await tab.get('/')).status === 200 }
  }

  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
    ['a neighbouring host', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.example.com' }],
    ['another site, in a browser that sends only Origin', { Origin: 'https://evil.example' }],
    ['a page without an origin', { Origin: 'null' }],
    ['an unknown source', {}],
    ['an address bar', { 'Sec-Fetch-Site': 'none' }],
    ['a prefix of this origin', { Origin: 'https://flowkeep.example.com.evil.example' }],
  ])('is rejected from %s', async (_, headers) => {
    expect(await signOut(headers as Record<string, string>)).toEqual({ status: 403, isSignedIn: true })
  })

  test.each([
    ['Sec-Fetch-Site', { 'Sec-Fetch-Site': 'same-origin' }],
    ['Origin', { Origin: origin }],
  ])('is accepted from a page of this dashboard, identified by %s', async (_, headers) => {
    expect(await signOut(headers as Record<string, string>)).toEqual({ status: 303, isSignedIn: false })
  })

  test('from another site is rejected on every dashboard route', async () => {
    const tab = await signedInBrowser(app)
    const paths = app.app.routes
      .filter(
        ({ method, path }) => method === 'POST' && !/^\/(v1\/|hooks\/|mcp$|oauth\/(?!authorize))/.test(path),
      )
      .map(({ path }) => path.replaceAll(/:\w+/g, '0190a000-0000-7000-8000-000000000000'))
    expect(paths.length).toBeGreaterThanOrEqual(4)
    for (const path of new Set(paths)) {
      const { status } = await tab.post(path, {}, { 'Sec-Fetch-Site': 'cross-site' })
      expect({ path, status }).toEqual({ path, status: 403 })
    }
  })
})

describe('signing in', () => {
  test('returns to the requested page', async () => {
    const { email, password } = await signedInBrowser(app)
    const tab = browser(app.app)
    const refused = await tab.get('/executions?status=error&q=a%20b')
    expect(refused.location).toBe(`/sign-in?return=${encodeURIComponent('/executions?status=error&q=a%20b')}`)
    const page = await tab.get(refused.location ?? '')
    const action = parsePage(page.text).forms[0] ?? ''
    const answer = await tab.post(action, { email, password })
    expect(answer).toMatchObject({ status: 303, location: '/executions?status=error&q=a%20b' })
    expect((await tab.get('/')).status).toBe(200)
  })

  test('returns to a form submitted after the session ended and says that nothing changed', async () => {
    const { email, password } = await signedInBrowser(app)
    const tab = browser(app.app)
    const own = { Origin: origin, 'Sec-Fetch-Site': 'same-origin' }
    const refused = await tab.post(
      '/workflows/new',
      { prompt: 'What I entered' },
      { ...own, Referer: `${origin}/workflows/new?from=list` },
    )
    expect(refused).toMatchObject({
      status: 303,
      location: `/sign-in?return=${encodeURIComponent('/workflows/new?from=list')}`,
    })
    const page = await tab.get(refused.location ?? '')
    expect(page.text).toContain('Your session expired and your changes were not saved.')
    expect(page.text).not.toContain('What I entered')
    expect((await tab.get('/sign-in')).text).not.toContain('Your session expired')
    const answer = await tab.post(refused.location ?? '', { email, password })
    expect(answer).toMatchObject({ status: 303, location: '/workflows/new?from=list' })
  })

  test.each([
    undefined,
    'https://evil.example/workflows/new',
    `${origin}.evil.example/workflows/new`,
    `${origin}//evil.example/`,
    `${origin}/sign-in?return=/workflows`,
    'javascript:alert(1)',
    'no address',
  ])('does not return to a form submitted from %j', async (referer) => {
    const headers = { 'Sec-Fetch-Site': 'same-origin', ...(referer && { Referer: referer }) }
    const { status, location } = await browser(app.app).post('/workflows/new', {}, headers)
    expect({ status, location }).toEqual({ status: 303, location: '/sign-in' })
  })

  test.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '/sign-out',
    '/sign-in?return=/sign-in',
    '/v1/me',
    '',
  ])('never redirects to %j', async (path) => {
    const { email, password } = await signedInBrowser(app)
    const tab = browser(app.app)
    const answer = await tab.post(`/sign-in?return=${encodeURIComponent(path)}`, { email, password })
    expect(answer).toMatchObject({ status: 303, location: '/' })
  })

  test('responds the same to an unknown address and a wrong password, without a cookie', async () => {
    const { email } = await signedInBrowser(app)
    const attempt = async (address: string) => {
      const tab = browser(app.app)
      const page = await tab.post('/sign-in', { email: address, password: 'not this one' })
      expect(tab.cookies.has(sessionCookie)).toBe(false)
      expect(page.text).not.toContain('not this one')
      return { status: page.status, text: page.text.replaceAll(address, '').replaceAll(/[\d:]{8}/g, '') }
    }
    const [known, other] = [await attempt(email), await attempt(`x${email}`)]
    expect(known.status).toBe(401)
    expect(known).toEqual(other)
  })

  test('shares its rate limit with the API', async () => {
    const { email, password } = await signedInBrowser(app)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await browser(app.app).post('/sign-in', { email, password: 'wrong' })
      await app.call('POST', '/v1/auth/login', { body: { email, password: 'wrong' } })
    }
    const tab = browser(app.app)
    const page = await tab.post('/sign-in', { email, password })
    expect(page.status).toBe(429)
    expect(page.text).toContain('Too many attempts')
    expect(tab.cookies.has(sessionCookie)).toBe(false)
  })

  test('ends the previous session', async () => {
    const tab = await signedInBrowser(app)
    const before = tab.cookies.get(sessionCookie) ?? ''
    await tab.post('/sign-in', { email: tab.email, password: tab.password })
    expect(tab.cookies.get(sessionCookie)).not.toBe(before)
    tab.cookies.set(sessionCookie, before)
    expect((await tab.get('/')).location).toBe('/sign-in')
  })

  test('shows registration errors under their fields and keeps the input', async () => {
    const page = await browser(app.app).post('/register', { email: 'maya', name: 'Maya', password: 'short' })
    expect(page.status).toBe(422)
    const { document, form } = parsePage(page.text)
    expect(form('/register')).toMatchObject({ email: 'maya', name: 'Maya' })
    expect(page.text).not.toContain('short')
    const email = document.querySelector('[name=email]')
    expect(email?.getAttribute('aria-invalid')).toBe('true')
    expect(email?.getAttribute('aria-describedby')).toBe('field-email-error')
    expect(document.querySelector('#field-email-error')).not.toBeNull()
    expect(document.querySelector('#field-password-error')).not.toBeNull()
  })

  test('reports an email address that is taken', async () => {
    const { email } = await signedInBrowser(app)
    const page = await browser(app.app).post('/register', {
      email,
      name: '',
      password: 'correct horse battery 9',
    })
    expect(page.status).toBe(409)
    expect(page.text).toContain('An account with this email already exists')
  })
})

test('a script request without a session gets a 401 instead of a redirect', async () => {
  const answer = await browser(app.app).get('/executions', { Accept: 'application/json' })
  expect(answer.status).toBe(401)
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
})
