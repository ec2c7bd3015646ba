import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { createRefreshTokens } from '../../src/crypto/refresh-token.ts'
import { redact } from '../../src/lib/secrets/redact.ts'
import { randomRing } from './rings.ts'

const ring = randomRing('k1', 'k2')
const tokens = createRefreshTokens(ring)

describe('refresh tokens', () => {
  test('a token round-trips to its claim', async () => {
    for (const generation of [1, 2, 999_999_999]) {
      const claim = { sessionId: uuidv7(), generation }
      expect(await tokens.read(await tokens.issue(claim))).toEqual(claim)
    }
  })

  test('the same claim gives the same token, so a lost response can be repeated', async () => {
    const claim = { sessionId: uuidv7(), generation: 3 }
    expect(await tokens.issue(claim)).toBe(await createRefreshTokens(ring).issue(claim))
  })

  test('reads tokens of inactive keys', async () => {
    const claim = { sessionId: uuidv7(), generation: 1 }
    const old = createRefreshTokens({ ...ring, active: 'k1' })
    expect(await tokens.read(await old.issue(claim))).toEqual(claim)
    expect(await createRefreshTokens(randomRing('k1')).read(await old.issue(claim))).toBeNull()
  })

  test('one for a session is not valid for a connected app, and vice versa', async () => {
    const claim = { sessionId: uuidv7(), generation: 1 }
    const ofApps = createRefreshTokens(ring, 'app-refresh-token')
    expect(await ofApps.read(await tokens.issue(claim))).toBeNull()
    expect(await tokens.read(await ofApps.issue(claim))).toBeNull()
    expect(await ofApps.read(await ofApps.issue(claim))).toEqual(claim)
  })

  test('rejects every one-character substitution', async () => {
    const token = await tokens.issue({ sessionId: uuidv7(), generation: 12 })
    const survivors: string[] = []
    for (let at = 0; at < token.length; at += 1) {
      for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        if (char === token[at]) continue
        const changed = token.slice(0, at) + char + token.slice(at + 1)
        if (await tokens.read(changed)) survivors.push(changed)
      }
    }
    expect(survivors).toEqual([])
  })

  test.each(['', 'fkr_', 'fkr_k2___', 'x'.repeat(100_000), 'fkr___proto___1_1'])(
    'rejects an invalid token: %#',
    async (text) => {
      expect(await tokens.read(text)).toBeNull()
    },
  )

  test('the log redacts the whole token', async () => {
    const token = await tokens.issue({ sessionId: uuidv7(), generation: 1 })
    expect(redact(`refreshing ${token} failed`)).toBe('refreshing [redacted] failed')
  })
})
