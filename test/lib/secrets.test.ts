import { expect, test } from 'vitest'
import { redact } from '../../src/lib/secrets.ts'
import { contexts, plantedSecrets, seeded } from './planted-secrets.ts'

const pieceChars = 8

/** A piece of the secret that stayed. */
function leftOf(secret: string, text: string): string | undefined {
  for (let at = 0; at + pieceChars <= secret.length; at += 1) {
    const piece = secret.slice(at, at + pieceChars)
    if (text.includes(piece)) return piece
  }
  return undefined
}

const rounds = 5

test('nothing of a planted secret stays', () => {
  const random = seeded(20261129)
  const left: string[] = []
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, text, secret } of plantedSecrets(random)) {
      for (const context of contexts) {
        const clean = redact(context.wrap(text))
        const piece = leftOf(secret, clean) ?? (context.form && leftOf(context.form(secret), clean))
        if (piece !== undefined) left.push(`${name}, ${context.name}: ${piece} in ${clean.slice(-300)}`)
        else if (redact(clean) !== clean)
          left.push(`${name}, ${context.name}: not idempotent: ${clean.slice(-300)}`)
      }
    }
  }
  expect(left).toEqual([])
})
