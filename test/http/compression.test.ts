import { createAdaptorServer } from '@hono/node-server'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { acceptsGzip, compressed } from '../../src/http/compression.ts'

const text = 'abcdefgh'.repeat(1000)

interface Sent {
  body?: BodyInit | null
  headers?: Record<string, string>
  status?: number
  method?: string
  request?: Record<string, string>
}

const html = { 'Content-Type': 'text/html; charset=UTF-8' }

async function send({ body = text, headers = html, status = 200, method = 'GET', request = {} }: Sent) {
  const fetch = compressed(() => new Response(body, { status, headers }))
  return fetch(new Request('http://x/', { method, headers: { 'Accept-Encoding': 'gzip, br', ...request } }))
}

async function unzipped(response: Response): Promise<string> {
  return gunzipSync(Buffer.from(await response.arrayBuffer())).toString()
}

describe('compression', () => {
  test.each([
    'text/html; charset=UTF-8',
    'text/css',
    'text/csv; charset=utf-8; header=present',
    'application/json',
    'application/problem+json',
    'application/x-ndjson; charset=utf-8',
    'image/svg+xml',
  ])('gzips %s', async (type) => {
    const response = await send({ headers: { 'Content-Type': type, 'Content-Length': String(text.length) } })
    expect(response.headers.get('Content-Encoding')).toBe('gzip')
    expect(response.headers.get('Vary')).toBe('Accept-Encoding')
    expect(response.headers.get('Content-Length')).toBeNull()
    expect(await unzipped(response)).toBe(text)
  })

  test.each<[string, Sent]>([
    ['a short body', { body: 'x'.repeat(1023) }],
    ['a font', { headers: { 'Content-Type': 'font/woff2' } }],
    ['an event stream', { headers: { 'Content-Type': 'text/event-stream' } }],
    ['an encoded body', { headers: { ...html, 'Content-Encoding': 'br' } }],
    ['a body that must stay as it is', { headers: { ...html, 'Cache-Control': 'no-transform' } }],
    ['the response to a POST, which may show a token', { method: 'POST' }],
    ['no body', { status: 304, body: null }],
    ['a client without gzip', { request: { 'Accept-Encoding': 'br, gzip;q=0' } }],
    [
      'a request of another site with cookies',
      { request: { Cookie: 'flowkeep=x', 'Sec-Fetch-Site': 'cross-site' } },
    ],
    [
      'a request of a sibling domain with cookies',
      { request: { Cookie: 'flowkeep=x', 'Sec-Fetch-Site': 'same-site' } },
    ],
  ])('leaves %s as it is', async (_, sent) => {
    const response = await send(sent)
    expect(response.status).toBe(sent.status ?? 200)
    expect(response.headers.get('Content-Encoding')).toBe(sent.headers?.['Content-Encoding'] ?? null)
    expect(await response.text()).toBe(sent.body === null ? '' : (sent.body ?? text))
  })

  test('gzips responses that another site reads without cookies, such as a frontend with a session token', async () => {
    const response = await send({ request: { 'Sec-Fetch-Site': 'cross-site', Authorization: 'Bearer x' } })
    expect(response.headers.get('Content-Encoding')).toBe('gzip')
  })

  test('adds to Vary even if the client gets the body uncompressed', async () => {
    const response = await send({ headers: { ...html, Vary: 'Origin' }, request: { 'Accept-Encoding': '' } })
    expect(response.headers.get('Content-Encoding')).toBeNull()
    expect(response.headers.get('Vary')).toBe('Origin, Accept-Encoding')
  })

  test.each([
    ['"3"', 'W/"3"'],
    ['W/"3"', 'W/"3"'],
  ])('makes the tag %s weak', async (tag, sent) => {
    expect((await send({ headers: { ...html, ETag: tag } })).headers.get('ETag')).toBe(sent)
  })

  test('passes pieces on without waiting for the end, and a failure as a broken connection', async () => {
    let failing: ReadableStreamDefaultController<Uint8Array> | undefined
    const noise = Uint8Array.from({ length: 400_000 }, (_, at) => (at * 7919 + ((at * at) >> 7)) % 251)
    const fetch = compressed(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(controller) {
              failing = controller
              controller.enqueue(noise)
            },
          }),
          { headers: { 'Content-Type': 'text/csv' } },
        ),
    )
    const server = createAdaptorServer({ fetch }) as Server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const response = await globalThis.fetch(`http://127.0.0.1:${port}/`)
      const reader = response.body?.getReader()
      expect((await reader?.read())?.value?.length).toBeGreaterThan(0)
      failing?.error(new Error('the database went away'))
      const rest = async () => {
        while (!(await reader?.read())?.done);
      }
      await expect(rest()).rejects.toThrow(/./)
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('cancels its source when the client leaves', async () => {
    const cancelled = Promise.withResolvers<void>()
    const fetch = compressed(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
            cancel: () => cancelled.resolve(),
          }),
          { headers: html },
        ),
    )
    const response = await fetch(new Request('http://x/', { headers: { 'Accept-Encoding': 'gzip' } }))
    await response.body?.cancel()
    await expect(cancelled.promise).resolves.toBeUndefined()
  })
})

test.each([
  [null, false],
  ['', false],
  ['br', false],
  ['gzip', true],
  ['br;q=1, GZIP;q=0.5', true],
  ['*', true],
  ['*;q=0', false],
  ['*, gzip;q=0', false],
  ['gzip;q=x', false],
])('accepts gzip: %j → %s', (header, accepted) => {
  expect(acceptsGzip(header)).toBe(accepted)
})
