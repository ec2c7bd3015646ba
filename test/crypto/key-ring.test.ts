import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAccessTokens } from '../../src/crypto/access-token.ts'
import { createFingerprint } from '../../src/crypto/fingerprint.ts'
import { type KeyRing, KeyRingText, loadRings, openKey, openRing } from '../../src/crypto/key-ring.ts'
import { kmsNames } from '../../src/crypto/kms/wrapped-key.ts'
import { createSecretBox } from '../../src/crypto/secret-box.ts'
import { type FakeKms, fakeKms, wrapWith } from '../harness/kms/services.ts'
import { keyOf, randomRing } from './rings.ts'

const ringName = 'CREDENTIAL_KEYS'
const context = { purpose: 'n8n-credential', userId: 'u', rowId: 'r', type: 't' } as const

/** The variable of a ring whose active key is wrapped. */
async function wrappedText(fake: FakeKms, ring: KeyRing, name = ringName): Promise<string> {
  const wrapped = await wrapWith(fake, keyOf(ring, ring.active), { ring: name, id: ring.active })
  const plain = [...ring.keys.keys()].map((id) => [id, Buffer.from(keyOf(ring, id)).toString('base64')])
  return JSON.stringify({
    active: ring.active,
    keys: { ...Object.fromEntries(plain), [ring.active]: wrapped },
  })
}

describe.each(kmsNames)('a ring wrapped by %s', (kms) => {
  let fake: FakeKms
  let plain: KeyRing
  let ring: KeyRing
  beforeEach(async () => {
    fake = await fakeKms(kms)
    plain = randomRing('k1', 'k2')
    ring = openRing(ringName, KeyRingText.parse(await wrappedText(fake, plain)), fake.settings)
    fake.requests.length = 0
  })
  afterEach(() => fake.close())

  test('opens what the plain ring sealed, and the other way around', async () => {
    const [wrappedBox, plainBox] = [createSecretBox(ring), createSecretBox(plain)]
    expect(await wrappedBox.open(context, await plainBox.seal(context, 'a'))).toBe('a')
    expect(await plainBox.open(context, await wrappedBox.seal(context, 'b'))).toBe('b')
  })

  test('is unwrapped once, on first use, for all concurrent callers', async () => {
    const box = createSecretBox(ring)
    const tokens = createAccessTokens(ring, { issuer: 'i', audience: 'a', now: () => new Date() })
    expect(fake.requests).toEqual([])
    await Promise.all([
      ...Array.from({ length: 20 }, (_, i) => box.seal(context, i)),
      tokens.sign({ userId: 'u', sessionId: 's' }),
      loadRings([ring]),
    ])
    await box.seal(context, 'later')
    const decryptions = fake.requests.filter((path) => !/token|login/.test(path))
    expect(decryptions).toHaveLength(1)
  })

  test('does not ask the service for plain keys', async () => {
    const box = createSecretBox({ ...ring, active: 'k1' })
    await box.open(context, await box.seal(context, 'a'))
    expect(fake.requests).toEqual([])
  })
})

describe('while the service is unavailable', () => {
  let fake: FakeKms
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    fake = await fakeKms('vault')
  })
  afterEach(async () => {
    vi.useRealTimers()
    await fake.close()
  })

  test('requests fail with 503 and Retry-After, ask again only after a pause, and then succeed', async () => {
    const text = await wrappedText(fake, randomRing('k1'))
    const box = createSecretBox(openRing(ringName, KeyRingText.parse(text), fake.settings))
    fake.requests.length = 0
    fake.faults.push(null, null, null)
    const unavailable = { code: 'key-unavailable', retryAfterSeconds: 5 }
    await expect(box.seal(context, 'a')).rejects.toMatchObject(unavailable)
    await expect(box.seal(context, 'a')).rejects.toMatchObject({
      ...unavailable,
      cause: { message: `Key k1 of ${ringName} cannot be unwrapped: Vault is unreachable` },
    })
    expect(fake.requests).toHaveLength(3)
    vi.setSystemTime(Date.now() + 5_001)
    expect(await box.open(context, await box.seal(context, 'a'))).toBe('a')
  })

  test('a session token is not reported as invalid', async () => {
    const text = await wrappedText(fake, randomRing('k1'), 'ACCESS_TOKEN_KEYS')
    const open = () => openRing('ACCESS_TOKEN_KEYS', KeyRingText.parse(text), fake.settings)
    const options = { issuer: 'i', audience: 'a', now: () => new Date() }
    const { accessToken } = await createAccessTokens(open(), options).sign({
      userId: crypto.randomUUID(),
      sessionId: crypto.randomUUID(),
    })
    expect(await createAccessTokens(open(), options).verify(accessToken)).not.toBeNull()
    fake.faults.push(null, null, null)
    await expect(createAccessTokens(open(), options).verify(accessToken)).rejects.toMatchObject({
      code: 'key-unavailable',
    })
  })
})

test('a wrapped key that is too short or not random is rejected', async () => {
  const fake = await fakeKms('aws')
  try {
    for (const bytes of [new Uint8Array(31).map((_, i) => i), new Uint8Array(32)]) {
      const wrapped = await wrapWith(fake, bytes, { ring: ringName, id: 'k1' })
      const ring = openRing(ringName, { active: 'k1', keys: new Map([['k1', wrapped]]) }, fake.settings)
      await expect(loadRings([ring])).rejects.toMatchObject({ code: 'key-unavailable' })
    }
  } finally {
    await fake.close()
  }
})

test('the fingerprint key can be wrapped', async () => {
  const fake = await fakeKms('gcp')
  try {
    const key = crypto.getRandomValues(new Uint8Array(32))
    const binding = { ring: 'FINGERPRINT_KEY', id: 'key' }
    const lazy = openKey(binding, await wrapWith(fake, key, binding), fake.settings)
    expect(await createFingerprint(lazy)('label', 'text')).toBe(await createFingerprint(key)('label', 'text'))
  } finally {
    await fake.close()
  }
})
