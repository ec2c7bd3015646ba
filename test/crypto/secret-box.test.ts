import { base64url } from 'jose'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { createSecretBox, type SealedBox, type SecretContext } from '../../src/crypto/secret-box.ts'
import { AppError } from '../../src/errors.ts'
import { keyOf, randomRing } from './rings.ts'

const ring = randomRing('k1')
const box = createSecretBox(ring)
const context: SecretContext = {
  purpose: 'n8n-credential',
  userId: uuidv7(),
  rowId: uuidv7(),
  type: 'slackApi',
}
const undecryptable = {
  code: 'credential-undecryptable',
  message: 'The stored secret cannot be decrypted. Enter it again',
}

const segments = ['protected', 'encrypted_key', 'iv', 'ciphertext', 'tag'] as const

async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return { opened: await work }
  } catch (error) {
    if (!(error instanceof AppError)) return error
    return { code: error.code, message: error.message }
  }
}

describe('the secret box', () => {
  test.each([
    ['an object', { accessToken: 'xoxb-1', nested: { list: [1, null, true, 'ü🔑'] } }],
    ['a text', 'key'],
    ['an empty text', ''],
    ['null', null],
    ['an own __proto__', JSON.parse('{"__proto__":{"a":1}}')],
    ['64 KB', 'x'.repeat(65_536)],
  ])('opens a sealed value: %s', async (_, value) => {
    expect(await box.open(context, await box.seal(context, value))).toEqual(value)
  })

  test('stores flattened JWE JSON with the key ID in the header and without the authenticated data', async () => {
    const sealed = await box.seal(context, { a: 1 })
    expect(Object.keys(sealed).toSorted()).toEqual([...segments, 'header'].toSorted())
    expect(sealed.header).toEqual({ alg: 'A256KW', kid: 'k1' })
    expect(JSON.parse(new TextDecoder().decode(base64url.decode(sealed.protected)))).toEqual({
      enc: 'A256CBC-HS512',
      typ: 'flowkeep+jwe',
    })
    expect(await box.open(context, JSON.parse(JSON.stringify(sealed)))).toEqual({ a: 1 })
  })

  test('boxes of equal values share only the constant header', async () => {
    const [one, other] = [await box.seal(context, 'same'), await box.seal(context, 'same')]
    for (const name of segments.slice(1)) expect(one[name]).not.toBe(other[name])
  })

  test.each([[[1, 20, 60]], [[65, 90, 125]]])(
    'values of %j characters have boxes of equal length',
    async (chars) => {
      const lengths = await Promise.all(
        chars.map(async (length) => (await box.seal(context, 'x'.repeat(length))).ciphertext.length),
      )
      expect(new Set(lengths).size).toBe(1)
    },
  )

  test.each<[string, Partial<SecretContext>]>([
    ['owner', { userId: uuidv7() }],
    ['row', { rowId: uuidv7() }],
    ['type', { type: 'githubApi' }],
    ['purpose', { purpose: 'n8n-api-key' }],
    ['origin', { origin: 'https://n8n.test' }],
  ])('does not open a box that was moved to another %s', async (_, change) => {
    const sealed = await box.seal(context, 'secret')
    expect(await outcome(box.open({ ...context, ...change }, sealed))).toEqual(undecryptable)
    expect(await outcome(box.rewrap({ ...context, ...change }, sealed))).toEqual(undecryptable)
  })

  test('does not open a box for another origin', async () => {
    const bound = { ...context, origin: 'https://n8n.test' }
    const sealed = await box.seal(bound, 'secret')
    expect(await box.open(bound, sealed)).toBe('secret')
    expect(await outcome(box.open({ ...context, origin: 'https://evil.test' }, sealed))).toEqual(
      undecryptable,
    )
    expect(await outcome(box.open(context, sealed))).toEqual(undecryptable)
  })

  test('ignores authenticated data stored with a box', async () => {
    const sealed = await box.seal(context, 'secret')
    const aad = base64url.encode(
      JSON.stringify(['v1', context.purpose, context.userId, context.rowId, context.type]),
    )
    const moved = { ...context, rowId: uuidv7() }
    expect(await outcome(box.open(moved, { ...sealed, aad }))).toEqual(undecryptable)
  })

  test('rejects every single-bit change of every segment', async () => {
    const sealed = await box.seal(context, 'secret')
    const opened: string[] = []
    for (const name of segments) {
      const original = bytes(sealed[name])
      for (let bit = 0; bit < original.length * 8; bit += 1) {
        const changed = Uint8Array.from(original)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const result = await outcome(box.open(context, { ...sealed, [name]: base64url.encode(changed) }))
        if (JSON.stringify(result) !== JSON.stringify(undecryptable)) opened.push(`${name} ${bit}`)
      }
    }
    expect(opened).toEqual([])
  })

  test('rejects non-canonical last characters of segments', async () => {
    const sealed = await box.seal(context, 'secret')
    const opened: string[] = []
    for (const name of segments) {
      for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=') {
        const text = sealed[name].slice(0, -1) + char
        if (text === sealed[name]) continue
        const result = await outcome(box.open(context, { ...sealed, [name]: text }))
        if (JSON.stringify(result) !== JSON.stringify(undecryptable)) opened.push(`${name} ${char}`)
      }
    }
    expect(opened).toEqual([])
  })

  test.each<[string, (sealed: SealedBox) => unknown]>([
    ['null', () => null],
    ['a text', () => 'v1.k1.a.b.c.d.e'],
    ['an n8n ciphertext', () => 'U2FsdGVkX18='],
    ['an empty object', () => ({})],
    ['no tag', (sealed) => ({ ...sealed, tag: undefined })],
    ['a short tag', (sealed) => ({ ...sealed, tag: sealed.tag.slice(0, 4) })],
    ['an empty ciphertext', (sealed) => ({ ...sealed, ciphertext: '' })],
    ['a truncated ciphertext', (sealed) => ({ ...sealed, ciphertext: sealed.ciphertext.slice(0, 20) })],
    ['another member', (sealed) => ({ ...sealed, unprotected: {} })],
    ['alg dir', (sealed) => ({ ...sealed, header: { alg: 'dir', kid: 'k1' } })],
    ['alg A128KW', (sealed) => ({ ...sealed, header: { alg: 'A128KW', kid: 'k1' } })],
    ['enc A256GCM', (sealed) => ({ ...sealed, protected: base64url.encode('{"enc":"A256GCM"}') })],
    [
      'enc A128CBC-HS256',
      (sealed) => ({ ...sealed, protected: base64url.encode('{"enc":"A128CBC-HS256"}') }),
    ],
    ['a kid that is not a string', (sealed) => ({ ...sealed, header: { alg: 'A256KW', kid: 1 } })],
  ])('rejects an invalid box with the same error: %s', async (_, change) => {
    const sealed = await box.seal(context, 'secret')
    expect(await outcome(box.open(context, change(sealed)))).toEqual(undecryptable)
  })

  test.each(['k9', '__proto__', 'constructor'])('reports an unknown key as unavailable: %s', async (kid) => {
    const sealed = await box.seal(context, 'secret')
    const moved = { ...sealed, header: { alg: 'A256KW', kid } }
    await expect(box.open(context, moved)).rejects.toMatchObject({
      code: 'key-unavailable',
      retryAfterSeconds: 30,
    })
  })

  test('does not open with the wrong key under the right ID', async () => {
    const sealed = await box.seal(context, 'secret')
    expect(await outcome(createSecretBox(randomRing('k1')).open(context, sealed))).toEqual(undecryptable)
  })

  test('errors and their causes contain no plaintext', async () => {
    const sealed = await box.seal(context, 'canary-7f3a')
    const opening = box.open({ ...context, type: 'other' }, sealed)
    await expect(opening).rejects.toSatisfy((error: AppError) => error.cause === undefined)
  })

  test('rewraps to the active key, which alone opens the box afterwards', async () => {
    const both = createSecretBox({
      active: 'k2',
      keys: new Map([...ring.keys, ...randomRing('k2').keys]),
    })
    const sealed = await box.seal(context, { a: 1 })
    const rewrapped = await both.rewrap(context, sealed)
    expect(both.activeKeyId).toBe('k2')
    expect(rewrapped.header.kid).toBe('k2')
    expect(rewrapped.ciphertext).not.toBe(sealed.ciphertext)
    expect(await both.open(context, rewrapped)).toEqual({ a: 1 })
    expect(await both.open(context, sealed)).toEqual({ a: 1 })
    await expect(box.open(context, rewrapped)).rejects.toMatchObject({ code: 'key-unavailable' })
  })

  test('rejects values that JSON cannot represent', async () => {
    await expect(box.seal(context, undefined)).rejects.toThrow(TypeError)
  })

  test('an independent implementation of RFC 7518 §5.2.5 opens the box', async () => {
    for (const value of [{}, { key: 'ü'.repeat(500) }, [1, 2, 3], 'x'.repeat(4096)]) {
      const sealed = await box.seal(context, value)
      expect(await independentlyOpened(sealed)).toEqual(value)
    }
  })
})

const bytes = (text: string) => Uint8Array.from(base64url.decode(text))

/** AES-KW, HMAC-SHA-512 and AES-CBC, implemented from the RFC's text. */
async function independentlyOpened(sealed: SealedBox): Promise<unknown> {
  const aad = base64url.encode(
    JSON.stringify(['v1', context.purpose, context.userId, context.rowId, context.type]),
  )
  const wrappingKey = keyOf(ring, 'k1')
  const kek = await crypto.subtle.importKey('raw', wrappingKey, 'AES-KW', false, ['unwrapKey'])
  const hmac = { name: 'HMAC', hash: 'SHA-512' }
  const contentKey = await crypto.subtle.unwrapKey(
    'raw',
    bytes(sealed.encrypted_key),
    kek,
    'AES-KW',
    hmac,
    true,
    ['sign'],
  )
  const content = new Uint8Array(await crypto.subtle.exportKey('raw', contentKey))
  const macKey = await crypto.subtle.importKey('raw', content.slice(0, 32), hmac, false, ['sign'])
  const encKey = await crypto.subtle.importKey('raw', content.slice(32), 'AES-CBC', false, ['decrypt'])
  const authenticated = new TextEncoder().encode(`${sealed.protected}.${aad}`)
  const lengthBits = new Uint8Array(8)
  new DataView(lengthBits.buffer).setBigUint64(0, BigInt(authenticated.length * 8))
  const macInput = new Uint8Array([
    ...authenticated,
    ...bytes(sealed.iv),
    ...bytes(sealed.ciphertext),
    ...lengthBits,
  ])
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', macKey, macInput)).slice(0, 32)
  expect(base64url.encode(mac)).toBe(sealed.tag)
  const algorithm = { name: 'AES-CBC', iv: bytes(sealed.iv) }
  const plaintext = await crypto.subtle.decrypt(algorithm, encKey, bytes(sealed.ciphertext))
  return JSON.parse(new TextDecoder().decode(plaintext))
}
