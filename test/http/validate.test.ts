import { describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const app = useTestApp()
const post = (body: string | Uint8Array<ArrayBuffer>, contentType = 'application/json') =>
  app.app.request('/v1/auth/login', { method: 'POST', body, headers: { 'Content-Type': contentType } })
const codeOf = async (response: Response | Promise<Response>) =>
  ((await (await response).json()) as { code: string }).code
const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)),
  )
const login = '{"email":"a@example.com","password":"long enough"}'

describe('an unreadable body', () => {
  test.each([
    ['a lone brace', '{'],
    ['nothing', ''],
    ['a trailing comma', '{"email":"a@example.com",}'],
    ['NaN', '{"email":NaN}'],
    ['a byte order mark', bytes([0xef, 0xbb, 0xbf], login)],
    ['invalid UTF-8', bytes('{"email":"', [0xff], '"}')],
  ])('returns 400: %s', async (_, body) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await codeOf(response)).toBe('malformed-json')
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ])('returns 415 for another media type: %s', async (contentType) => {
    const response = await post(login, contentType)
    expect(response.status).toBe(415)
  })

  test('accepts a charset and capitals in the media type', async () => {
    expect(await codeOf(post(login, 'Application/JSON; charset=utf-8'))).toBe('bad-credentials')
  })
})

describe('a body over the limit', () => {
  const large = JSON.stringify({ email: 'a@example.com', password: 'x'.repeat(64 * 1024) })

  test('returns 413 with Content-Length', async () => {
    const response = await app.app.request('/v1/auth/login', {
      method: 'POST',
      body: large,
      headers: { 'Content-Type': 'application/json', 'Content-Length': String(large.length) },
    })
    expect(response.status).toBe(413)
  })

  test('returns 413 without Content-Length and stops reading', async () => {
    const longBytes = 16 * 1024 * 1024
    let sentBytes = 0
    // It ends, so that a server that reads all of it fails the test instead of reading forever.
    const long = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sentBytes >= longBytes) return controller.close()
        sentBytes += 16 * 1024
        controller.enqueue(new Uint8Array(16 * 1024).fill(0x20))
      },
    })
    const response = await app.app.request('/v1/auth/login', {
      method: 'POST',
      body: long,
      duplex: 'half',
      headers: { 'Content-Type': 'application/json' },
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(sentBytes).toBeLessThan(1024 * 1024)
  })
})

describe('a body that is valid JSON but cannot be stored', () => {
  test.each([
    ['NUL', '{"email":"a\\u0000@example.com","password":"long enough"}'],
    ['an unpaired surrogate', '{"email":"\\ud800","password":"long enough"}'],
    ['an unpaired surrogate in a key', '{"\\ud800":1}'],
    ['nesting of 5,000', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['1e308', '{"email":1e308}'],
  ])('returns 422: %s', async (_, body) => {
    const response = await post(body)
    expect(response.status).toBe(422)
    expect(await codeOf(response)).toBe('invalid')
  })
})

describe('a body that does not match the schema', () => {
  test('returns 422 with a pointer to every error', async () => {
    const response = await post('{"email":5,"extra":true,"a/b~c":1}')
    const { errors } = (await response.json()) as { errors: { pointer: string }[] }
    expect(response.status).toBe(422)
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/a~1b~0c', '/email', '/extra', '/password'])
  })

  test.each(['[]', '"text"', 'null', '7'])('returns 422 unless it is an object: %s', async (body) => {
    expect((await post(body)).status).toBe(422)
  })

  test('does not pollute prototypes through __proto__ or constructor', async () => {
    const response = await post('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}')
    expect(response.status).toBe(422)
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
  })
})

describe('a query', () => {
  test.each([
    ['limit=0'],
    ['limit=-1'],
    ['limit=101'],
    ['limit=1e9'],
    ['limit=NaN'],
    ['limit=1;drop'],
    ['limit=1&limit=2'],
    ['cursor=x'],
    ['cursor=%00'],
    ['unknown=1'],
  ])('returns 422 and names the invalid parameter: %s', async (query) => {
    const user = await app.user()
    const answer = await user.call('GET', `/v1/workflows?${query}`)
    expect(answer.status).toBe(422)
    expect(answer.json.errors[0].pointer).toBe(query.split('=')[0])
  })
})
