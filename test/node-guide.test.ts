/** The guide as Node serves it. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withGuide } from '../src/node/guide.ts'

const fetch = withGuide(join(import.meta.dirname, '../public'), () => new Response('application'))
const get = (path: string, init?: RequestInit) => fetch(new Request(`http://flowkeep.example${path}`, init))

test.each([
  ['/docs/guide', 'text/html; charset=utf-8'],
  ['/docs/guide?q=1', 'text/html; charset=utf-8'],
  ['/docs/guide/keys', 'text/html; charset=utf-8'],
  ['/docs/guide/decisions', 'text/html; charset=utf-8'],
  ['/docs/guide/decisions/0004-credentials-as-jwe', 'text/html; charset=utf-8'],
  ['/docs/guide/guide.css', 'text/css; charset=utf-8'],
  ['/docs/guide/guide.js', 'text/javascript; charset=utf-8'],
  ['/docs/guide/icon.svg', 'image/svg+xml'],
  ['/docs/guide/search.json', 'application/json'],
])('serves %s as %s, with the headers of `_headers`', async (path, type) => {
  const response = await get(path)
  expect(response.status).toBe(200)
  const headers = Object.fromEntries(response.headers)
  expect(headers).toMatchObject({
    'content-type': type,
    'cache-control': 'public, max-age=0, must-revalidate',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringMatching(/^default-src 'none'; .*script-src 'self'/),
  })
  expect((await response.text()).length).toBeGreaterThan(100)
  const again = await get(path, { headers: { 'If-None-Match': headers['etag'] ?? '' } })
  expect(again.status).toBe(304)
  const head = await get(path, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test.each([
  '/',
  '/docs',
  '/docs/guidebook',
  '/docs/guide/nothing',
  '/docs/guide/keys.html',
  '/docs/guide/nothing.css',
  '/docs/guide/..%2f..%2f_headers',
  '/docs/guide/../../_headers',
  '/docs/guide/%2e%2e/%2e%2e/data/catalogue.json',
  '/docs/guide//keys',
  '/docs/guide/keys/',
])('passes %s on to the application', async (path) => {
  expect(await (await get(path)).text()).toBe('application')
})

test('passes other methods on', async () => {
  expect(await (await get('/docs/guide', { method: 'POST' })).text()).toBe('application')
})

test('redirects the path with a slash', async () => {
  const response = await get('/docs/guide/')
  expect([response.status, response.headers.get('Location')]).toEqual([307, '/docs/guide'])
})
