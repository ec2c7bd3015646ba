import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { assets } from '../../src/lib/assets.generated.ts'
import { useTestApp } from '../harness/app.ts'
import { parsePage } from '../harness/dom.ts'
import { type Browser, browser, signedInBrowser } from './browser.ts'

const app = useTestApp()
const openPages = ['/sign-in', '/register', '/signed-out']
const pages = [
  '/',
  '/executions',
  '/workflows',
  '/credentials',
  '/deployments',
  '/instances',
  '/models',
  '/models/prices',
  '/audit',
  '/search',
  '/search?q=nothing',
  '/help',
  '/more',
]
const markup = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>'

describe('every page', () => {
  test.each([...openPages, ...pages])('%s allows its own styles, scripts and forms only', async (path) => {
    const tab = await signedInBrowser(app)
    if (openPages.includes(path)) tab.cookies.clear()
    const page = await tab.get(path)
    expect(page.status).toBe(200)
    expect(page.headers.get('Content-Type')).toBe('text/html; charset=UTF-8')
    expect(page.headers.get('Content-Security-Policy')).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types page suggestions",
    )
    expect(page.headers.get('Cache-Control')).toBe('no-store')
    expect(page.headers.get('Referrer-Policy')).toBe('same-origin')
    const { document } = parsePage(page.text)
    expect(document.querySelectorAll('[style], style')).toHaveLength(0)
    expect(document.querySelectorAll('script:not([type=module][src^="/assets/"])')).toHaveLength(0)
    const attributes = [...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames())
    expect(attributes.filter((name) => name.startsWith('on'))).toEqual([])
    const headings = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(
      ({ localName }) => localName,
    )
    expect(headings[0]).toBe('h1')
    expect(headings.filter((name) => name === 'h1')).toHaveLength(1)
    expect(page.text.slice(0, 15)).toBe('<!doctype html>')
    expect(document.documentElement.getAttribute('lang')).toBe('en')
  })

  test('requires a session', async () => {
    for (const path of pages) {
      const { status, location } = await browser(app.app).get(path)
      expect({ path, status }).toEqual({ path, status: 303 })
      expect(location).toMatch(/^\/sign-in/)
    }
  })

  test('links to existing, immutable assets', async () => {
    const tab = await signedInBrowser(app)
    const { text } = await tab.get('/help')
    const { text: style } = await tab.get(assets.style.path)
    const linked = [...parsePage(text).document.querySelectorAll('*')]
      .flatMap((element) => ['href', 'src', 'data-palette'].map((name) => element.getAttribute(name) ?? ''))
      .filter((path) => path.startsWith('/assets/'))
    const imported = [...style.matchAll(/url\("([^"]+)"\)/g)].map(([, url = '']) => url)
    const paths = new Set([...linked, ...imported])
    expect(paths).toEqual(new Set(Object.values(assets).map(({ path }) => path)))
    for (const path of paths) {
      const file = await tab.get(path)
      expect({ path, status: file.status }).toEqual({ path, status: 200 })
      expect(file.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
      expect(file.headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(file.text.length).toBeGreaterThan(200)
    }
  })

  test('escapes user input', async () => {
    const tab = await signedInBrowser(app, markup)
    for (const path of [...pages, `/search?q=${encodeURIComponent(markup)}`]) {
      const { text } = await tab.get(path)
      const { document } = parsePage(text)
      const planted = [...document.querySelectorAll('script:not([src]), img, [onerror]')]
      expect({ path, planted: planted.map(String) }).toEqual({ path, planted: [] })
      expect(document.body.textContent).toContain(markup)
    }
    const refused = await browser(app.app).post('/sign-in', { email: markup, password: 'x' })
    const { document } = parsePage(refused.text)
    expect(document.querySelectorAll('script:not([src]), img')).toHaveLength(0)
    expect(document.querySelector('[name=email]')?.getAttribute('value')).toBe(markup)
  })
})

describe('the focus', () => {
  const focused = (text: string) => [...parsePage(text).document.querySelectorAll('[autofocus]')]

  test('is on the first field', async () => {
    const [field, ...others] = focused((await browser(app.app).get('/sign-in')).text)
    expect(field?.getAttribute('name')).toBe('email')
    expect(others).toEqual([])
  })

  test('is on the form error before any field', async () => {
    const page = await browser(app.app).post('/sign-in', { email: 'nobody@example.com', password: 'wrong' })
    expect(page.status).toBe(401)
    const [summary, ...others] = focused(page.text)
    expect(summary?.className).toBe('form-error')
    expect(summary?.getAttribute('role')).toBe('alert')
    expect(summary?.getAttribute('tabindex')).toBe('-1')
    expect(others).toEqual([])
  })

  test('is on the invalid field', async () => {
    const page = await browser(app.app).post('/register', { email: 'nobody', name: '', password: 'short' })
    expect(page.status).toBe(422)
    expect(focused(page.text)[0]?.getAttribute('name')).toBe('email')
  })
})

test('an active filter is readable with spaces between its words', async () => {
  const tab = await signedInBrowser(app)
  const { text } = await tab.get('/executions?status=failed&v=3')
  const chips = [...parsePage(text).document.querySelectorAll('a.chip.set')]
  expect(chips.map(({ textContent }) => textContent)).toEqual([
    'Failed Remove filter',
    'Version v3 Remove filter',
  ])
})

describe('the viewer', () => {
  const attributeOf = async (tab: Browser, path: string, name: string) =>
    parsePage((await tab.get(path)).text)
      .document.querySelector(`[${name}]`)
      ?.getAttribute(name)
  const zoneOf = (tab: Browser) => attributeOf(tab, '/', 'data-time-zone')
  const themeOf = (tab: Browser, path: string) => attributeOf(tab, path, 'data-theme')

  test("sees times in the browser's zone, or in UTC without one", async () => {
    const tab = await signedInBrowser(app)
    expect((await tab.get('/')).text).toContain('Times in UTC')
    tab.cookies.set('tz', 'Europe/Berlin')
    expect((await tab.get('/')).text).toContain('Times in Europe/Berlin')
  })

  test.each(['Asia/Calcutta', 'Asia/Kolkata', 'US/Pacific'])(
    "keeps the browser's name for the zone %s, to avoid a second reload",
    async (zone) => {
      const tab = await signedInBrowser(app)
      tab.cookies.set('tz', zone)
      expect(await zoneOf(tab)).toBe(zone)
    },
  )

  test.each(['Mars/Phobos', '+02:00', '"><script>', 'a'.repeat(200)])(
    'falls back to UTC for the zone %s',
    async (zone) => {
      const tab = await signedInBrowser(app)
      tab.cookies.set('tz', zone)
      expect(await zoneOf(tab)).toBe('UTC')
    },
  )

  test('can change the theme without a script and stay on the page', async () => {
    const tab = await signedInBrowser(app)
    expect(await themeOf(tab, '/')).toBeUndefined()
    expect(await tab.post('/theme', { theme: 'dark', return: '/help' })).toMatchObject({
      status: 303,
      location: '/help',
    })
    expect(await themeOf(tab, '/help')).toBe('dark')
    await tab.post('/theme', { theme: '"><script>', return: '//evil.example' })
    expect(await themeOf(tab, '/help')).toBe('dark')
  })
})

describe('a missing path', () => {
  test('is a page for browsers and a problem document for other clients', async () => {
    const tab = await signedInBrowser(app)
    const page = await tab.get('/nowhere')
    expect(page.status).toBe(404)
    expect(page.text).toContain('Page not found')
    expect((await tab.get('/nowhere', { Accept: '*/*' })).headers.get('Content-Type')).toBe(
      'application/problem+json',
    )
  })

  test.each(['/v1/nowhere', '/hooks/nowhere', '/health/nowhere'])(
    '%s is always a problem document',
    async (path) => {
      const answer = await (await signedInBrowser(app)).get(path)
      expect(answer.status).toBe(404)
      expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
    },
  )
})

test('a server error shows the request and its ID without internal details', async () => {
  const tab = await signedInBrowser(app)
  const read = new Proxy(app.deps.db.read, {
    get: (target, name) =>
      name === 'execute' ? () => Promise.reject(new Error('secret detail')) : Reflect.get(target, name),
  })
  const db = new Proxy(app.deps.db, {
    get: (target, name) => (name === 'read' ? read : Reflect.get(target, name)),
  })
  const broken = browser(createApp({ ...app.deps, db }))
  for (const [name, value] of tab.cookies) broken.cookies.set(name, value)
  const page = await broken.get('/search?q=x')
  expect(page.status).toBe(500)
  expect(page.text).toContain('Internal server error')
  expect(page.text).toContain(page.headers.get('X-Request-Id'))
  expect(page.text).not.toContain('secret detail')
  expect(parsePage(page.text).links).toContain('/search?q=x')
})

describe('search', () => {
  test("opens a single match, lists several, and excludes other users' data", async () => {
    const tab = await signedInBrowser(app)
    const { email, password } = tab
    const token = (await app.call('POST', '/v1/auth/login', { body: { email, password } })).json
      .accessToken as string
    const create = async (name: string): Promise<string> => {
      const body = { type: 'slackApi', name, data: { accessToken: 'xoxb-1' } }
      return (await app.call('POST', '/v1/credentials', { token, body })).json.id
    }
    const [ops, other] = [await create('Slack ops_bot'), await create('Slack other')]
    expect((await tab.get('/search?q=slack%20OPS_bot')).location).toBe(`/credentials/${ops}`)
    expect((await tab.get(`/search?q=${other}`)).location).toBe(`/credentials/${other}`)
    const several = await tab.get('/search?q=slack')
    expect(several.text).toContain('2 results')
    expect(parsePage(several.text).links).toContain(`/credentials/${ops}`)
    expect((await tab.get('/search?q=opsXbot')).text).toContain('No results for')
    const stranger = await signedInBrowser(app)
    for (const query of ['slack', ops, 'Slack ops_bot']) {
      const page = await stranger.get(`/search?q=${encodeURIComponent(query)}`)
      expect({ query, status: page.status }).toEqual({ query, status: 200 })
      expect(page.text).toContain('No results for')
    }
  })

  test('always includes exact matches, even among many partial matches', async () => {
    const tab = await signedInBrowser(app)
    for (let number = 10; number < 35; number += 1) {
      await app.deps.credentials.create(tab.userId, {
        type: 'slackApi',
        name: `Slack ops ${number}`,
        data: { accessToken: 'xoxb-1' },
      })
    }
    const ops = { type: 'slackApi', name: 'Slack OPS', data: { accessToken: 'xoxb-1' } }
    const exact = await app.deps.credentials.create(tab.userId, ops)
    expect((await tab.get('/search?q=slack%20ops')).location).toBe(`/credentials/${exact?.id}`)
    const names = [...(await tab.get('/search?q=ops')).text.matchAll(/Slack ops (\d+)/g)].map(([, n]) => n)
    expect(names).toEqual(Array.from({ length: 19 }, (_, index) => String(index + 10)))
  })

  test.each(['%', "'", '\\', '\0', '#4821', 'ü'.repeat(300)])('treats %j as text', async (query) => {
    const tab = await signedInBrowser(app)
    expect((await tab.get(`/search?q=${encodeURIComponent(query)}`)).status).toBe(200)
  })
})

test('the help page explains export and import', async () => {
  const { text } = await (await signedInBrowser(app)).get('/more')
  for (const command of ['export', 'import'])
    expect(text).toContain(`npm run flowkeep -- ${command} ./backup`)
})
