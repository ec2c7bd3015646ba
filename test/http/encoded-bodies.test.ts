/** @module Bodies with a Content-Encoding are decoded while they are read, and limited by their decoded size. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { problem, toAppError } from '../../src/http/problem.ts'
import { readText } from '../../src/http/validate.ts'

const limitBytes = 100_000
const app = new Hono()
  .post('/', async (c) => c.text(await readText(c, limitBytes)))
  .onError((error, c) => problem(c, toAppError(error)))

const post = (body: Uint8Array, encoding: string) =>
  app.request('/', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Content-Encoding': encoding },
    body: new Uint8Array(body),
  })

const json = JSON.stringify({ text: 'ü'.repeat(1000) })

test.each([
  ['gzip', gzipSync(json)],
  ['GZIP', gzipSync(json)],
  ['x-gzip', gzipSync(json)],
  ['deflate', deflateSync(json)],
  ['br', brotliCompressSync(json)],
  ['gzip, deflate', deflateSync(gzipSync(json))],
  ['identity', Buffer.from(json)],
])('decodes %s', async (encoding, body) => {
  const answer = await post(body, encoding)
  expect(answer.status).toBe(200)
  expect(await answer.text()).toBe(json)
})

test.each([
  ['a bomb', 'gzip', gzipSync(Buffer.alloc(200_000_000)), 413, 'too-large'],
  ['one byte over the limit', 'gzip', gzipSync('x'.repeat(limitBytes + 1)), 413, 'too-large'],
  ['invalid gzip', 'gzip', Buffer.from(json), 400, 'malformed-json'],
  ['truncated gzip', 'gzip', gzipSync(json).subarray(0, 30), 400, 'malformed-json'],
  ['an unsupported encoding', 'zstd', Buffer.from(json), 415, 'unsupported-media-type'],
  ['a name of Object.prototype', 'constructor', Buffer.from(json), 415, 'unsupported-media-type'],
])('rejects %s', async (_, encoding, body, status, code) => {
  const answer = await post(body, encoding)
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code])
})

test('accepts a body at the limit', async () => {
  expect((await post(gzipSync('x'.repeat(limitBytes)), 'gzip')).status).toBe(200)
})
