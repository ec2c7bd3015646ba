import { describe, expect, test } from 'vitest'
import { matchingStep, newTotpSecret, totpCode, totpStep, totpUri } from '../../../src/users/factors/totp.ts'

/** The secret of RFC 6238, Appendix B: "12345678901234567890" in base32. */
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

describe('time-based codes', () => {
  test.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('match RFC 6238, Appendix B, at %i seconds', async (seconds, code) => {
    expect(await totpCode(secret, totpStep(new Date(seconds * 1000)))).toBe(code.slice(2))
  })

  test('are accepted one step early and one step late, no more', async () => {
    const at = new Date(1_800_000_000_000)
    const step = totpStep(at)
    const matches = await Promise.all(
      [-2, -1, 0, 1, 2].map(async (off) => matchingStep(secret, await totpCode(secret, step + off), at)),
    )
    expect(matches).toEqual([null, step - 1, step, step + 1, null])
  })

  test('come from a new 160-bit secret each time', () => {
    const secrets = Array.from({ length: 50 }, newTotpSecret)
    expect(new Set(secrets).size).toBe(50)
    expect(secrets.every((each) => /^[A-Z2-7]{32}$/.test(each))).toBe(true)
  })

  test('have a URI that authenticator apps read', () => {
    const uri = new URL(totpUri(secret, 'Flowkeep', 'ada+1@example.com'))
    expect(uri.protocol).toBe('otpauth:')
    expect(decodeURIComponent(uri.pathname)).toMatch(/Flowkeep:ada\+1@example\.com$/)
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      secret,
      issuer: 'Flowkeep',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
  })
})
