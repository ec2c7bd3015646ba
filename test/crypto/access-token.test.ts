import { base64url, type JWTHeaderParameters, SignJWT } from 'jose'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { createAccessTokens } from '../../src/crypto/access-token.ts'
import { keyOf, randomRing } from './rings.ts'

const ring = randomRing('k1', 'k2')
const issuer = 'https://flowkeep.test'
const audience = 'flowkeep'
const userId = uuidv7()
const sessionId = uuidv7()
const claim = { userId, sessionId }
const at = new Date('2026-05-01T12:00:00Z')
const seconds = at.getTime() / 1000
const tokens = createAccessTokens(ring, { issuer, audience, now: () => at })

const goodHeader = { alg: 'HS256', kid: 'k2', typ: 'at+jwt' }
const goodClaims = {
  iss: issuer,
  aud: audience,
  sub: userId,
  sid: sessionId,
  jti: 'x',
  iat: seconds,
  exp: seconds + 300,
}

/** Signs any content with the right key. */
function signed(
  claims: object,
  header: JWTHeaderParameters = goodHeader,
  key = keyOf(ring, 'k2'),
): Promise<string> {
  return new SignJWT({ ...goodClaims, ...claims }).setProtectedHeader(header).sign(key)
}

const part = (value: unknown) => base64url.encode(JSON.stringify(value))

const later = (ms: number) =>
  createAccessTokens(ring, { issuer, audience, now: () => new Date(at.getTime() + ms) })

test('a token that was verified before is valid just as long', async () => {
  let ms = 0
  const remembering = createAccessTokens(ring, { issuer, audience, now: () => new Date(at.getTime() + ms) })
  for (const claims of [{}, { iat: seconds - 600, exp: seconds + 100 }, { exp: seconds + 0.5 }]) {
    const token = await signed(claims)
    ms = 0
    expect(await remembering.verify(token)).toEqual(claim)
    for (ms = -8000; ms < 1_000_000; ms += ms > 20_000 && ms < 280_000 ? 7000 : 500)
      expect(await remembering.verify(token), String(ms)).toEqual(await later(ms).verify(token))
  }
})

describe('session tokens', () => {
  test('a signed token identifies its user for five minutes', async () => {
    const { accessToken, expiresIn } = await tokens.sign(claim)
    expect(expiresIn).toBe(300)
    expect(await tokens.verify(accessToken)).toEqual(claim)
    expect(await later(299_000).verify(accessToken)).toEqual(claim)
    expect(await later(306_000).verify(accessToken)).toBeNull()
  })

  test('the control token is valid, so each rejection below has a single cause', async () => {
    expect(await tokens.verify(await signed({}))).toEqual(claim)
  })

  test('a token signed by a retired key is valid until the key is removed', async () => {
    const old = createAccessTokens({ ...ring, active: 'k1' }, { issuer, audience, now: () => at })
    const { accessToken } = await old.sign(claim)
    expect(await tokens.verify(accessToken)).toEqual(claim)
    const without = { active: 'k2', keys: new Map([['k2', keyOf(ring, 'k2')]]) }
    expect(
      await createAccessTokens(without, { issuer, audience, now: () => at }).verify(accessToken),
    ).toBeNull()
  })

  test.each([
    ['alg none', async () => `${part({ ...goodHeader, alg: 'none' })}.${part(goodClaims)}.`],
    [
      'alg none with a signature',
      async () => `${part({ ...goodHeader, alg: 'none' })}.${part(goodClaims)}.AAAA`,
    ],
    ['alg None', async () => `${part({ ...goodHeader, alg: 'None' })}.${part(goodClaims)}.AAAA`],
    [
      'HS512',
      async () => {
        const long = new Uint8Array(64)
        long.set(keyOf(ring, 'k2'))
        return signed({}, { ...goodHeader, alg: 'HS512' }, long)
      },
    ],
    ['another key', async () => signed({}, goodHeader, crypto.getRandomValues(new Uint8Array(32)))],
    [
      'an embedded jwk',
      async () => {
        const own = crypto.getRandomValues(new Uint8Array(32))
        const jwk = { kty: 'oct', k: base64url.encode(own) }
        return signed({}, { alg: 'HS256', typ: 'at+jwt', jwk }, own)
      },
    ],
    ['a jwk next to the right key', async () => signed({}, { ...goodHeader, jwk: { kty: 'oct' } })],
    ['jku', async () => signed({}, { ...goodHeader, jku: 'https://evil.test/jwks' })],
    ['x5u', async () => signed({}, { ...goodHeader, x5u: 'https://evil.test/x5u' })],
    [
      'crit',
      async () => {
        const head = part({ ...goodHeader, crit: ['exp'] })
        return `${head}.${part(goodClaims)}.AAAA`
      },
    ],
    ['no kid', async () => signed({}, { alg: 'HS256', typ: 'at+jwt' })],
    ['a path as kid', async () => signed({}, { ...goodHeader, kid: '../../x' })],
    ['SQL as kid', async () => signed({}, { ...goodHeader, kid: "' or 1=1" })],
    ['a prototype name as kid', async () => signed({}, { ...goodHeader, kid: '__proto__' })],
    ['a kid that is not a string', async () => `${part({ ...goodHeader, kid: 7 })}.${part(goodClaims)}.AAAA`],
  ])('rejects a forged token: %s', async (_, forge) => {
    expect(await tokens.verify(await forge())).toBeNull()
  })

  test.each<[string, object, JWTHeaderParameters?]>([
    ['typ of a plain JWT', {}, { ...goodHeader, typ: 'JWT' }],
    ['no typ', {}, { alg: 'HS256', kid: 'k2' }],
    ['another issuer', { iss: 'https://other.test' }],
    ['another audience', { aud: 'other' }],
    ['no issuer', { iss: undefined }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['a subject that is not an ID', { sub: 'root' }],
    ['no session', { sid: undefined }],
    ['a session that is not an ID', { sid: '1' }],
    ['no jti', { jti: undefined }],
    ['no iat', { iat: undefined }],
    ['no exp', { exp: undefined }],
    ['issued in the future', { iat: seconds + 60, exp: seconds + 360 }],
    ['a lifetime of a year', { exp: seconds + 31_536_000 }],
    ['a lifetime of 15 minutes and a second', { exp: seconds + 901 }],
    ['expired 6 seconds ago', { iat: seconds - 300, exp: seconds - 6 }],
    ['expiry before issue', { iat: seconds + 2, exp: seconds + 1 }],
  ])('rejects a wrong claim signed with the right key: %s', async (_, claims, header) => {
    expect(await tokens.verify(await signed(claims, header))).toBeNull()
  })

  test('accepts a token that expired one second ago', async () => {
    expect(await tokens.verify(await signed({ iat: seconds - 300, exp: seconds - 1 }))).toEqual(claim)
  })

  test.each([
    ['a trailing =', (token: string) => `${token}=`],
    ['a trailing space', (token: string) => `${token} `],
    ['a newline', (token: string) => `${token}\n`],
    ['a fourth part', (token: string) => `${token}.AAAA`],
    ['two parts', (token: string) => token.split('.').slice(0, 2).join('.')],
    ['nothing', () => ''],
    ['dots', () => '..'],
    ['three megabytes', () => `${'a'.repeat(3_000_000)}.b.c`],
  ])('accepts only the canonical encoding: %s', async (_, spell) => {
    expect(await tokens.verify(spell((await tokens.sign(claim)).accessToken))).toBeNull()
  })

  test('rejects every one-character substitution', async () => {
    const { accessToken } = await tokens.sign(claim)
    const survivors: number[] = []
    for (let at = 0; at < accessToken.length; at += 1) {
      for (const char of 'AQgw') {
        if (char === accessToken[at]) continue
        const changed = accessToken.slice(0, at) + char + accessToken.slice(at + 1)
        if ((await tokens.verify(changed)) !== null) survivors.push(at)
      }
    }
    expect(survivors).toEqual([])
  })
})
