import { seeded } from '../harness/random.ts'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { redact } from '../../src/lib/secrets/redact.ts'
import { redactParameterStrings } from '../../src/lib/secrets/redact-json.ts'
import { contexts, plantedSecrets } from './planted-secrets.ts'

const pieceChars = 8

/** The part of the secret that was not redacted. */
function leftOf(secret: string, text: string): string | undefined {
  for (let at = 0; at + pieceChars <= secret.length; at += 1) {
    const piece = secret.slice(at, at + pieceChars)
    if (text.includes(piece)) return piece
  }
  return undefined
}

const rounds = 5

test('redacts planted secrets completely', () => {
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

const ordinary = [
  'Password reset',
  'token: required',
  'Invalid token: expired',
  'API key: not set',
  'max_tokens: 4096',
  'secretName: db',
  '={{ $json.token }}',
  '={{$credentials.apiKey}}',
  'Bearer {{ $json.token }}',
  'token={{ $json.token }}',
  'x?key=${key}',
  'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  'e657d3a9a7f1c0de1234567890abcdef12345678',
  'sha256:9f86d081884c7d659a2feaa0c55ad015',
  'https://shop.test/list?sort_key=name&page_token=abc',
  'https://host:8080/path@5',
  'https://medium.test/@maya/post',
  'const token = items[0].json.token;',
  'password: config.password',
  'apiKey: process.env.API_KEY',
  'return getToken()',
  'YOUR_API_KEY',
  'api_key=YOUR_API_KEY',
  'Authorization: Bearer <token>',
  'sk-xxxxxxxxxxxxxxxxxxxxxxxx',
  'sk-learn',
  '.sk-folding-cube { color: #ff6600; }',
  '# Basic information',
  'Bearer authentication is used',
  'maya@example.test',
  '+49 30 1234567',
  '2026-11-29T07:00:00Z',
  'git push -u origin main:main',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUg',
  '{"token":"={{ $json.t }}","limit":5}',
  '{"authentication":"headerAuth"}',
  'Get Access Token',
  'https://docs.test/#token',
]

test.each(ordinary)('leaves %s unchanged', (text) => {
  expect(redact(text)).toBe(text)
})

const whole = 'bad key -----BEGIN PRIVATE KEY-----\nAAAAfakeAAAA\n-----END PRIVATE KEY-----'

test.each([whole, whole.replaceAll('\n', '\\n'), whole.slice(0, -30)])(
  'redacts a whole PEM block',
  (text) => {
    expect(redact(text)).toBe('bad key [redacted]')
    const json = toRunData({ log: text, failed: { text }, stack: text })?.json
    expect(json).not.toContain('AAAAfake')
  },
)

const corpus = process.env['FLOWKEEP_CORPUS']
const stringsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(stringsIn)
      : []

test.skipIf(!corpus || !existsSync(corpus))(
  'leaves strings of real workflows unchanged, except for secrets',
  () => {
    const texts = readdirSync(corpus ?? '')
      .filter((file) => file.endsWith('.json') && file !== 'index.json')
      .map((file) => readFileSync(join(corpus ?? '', file), 'utf8'))
      .filter((text) => text.trim() !== '')
    const strings = [...new Set(texts.flatMap((text) => stringsIn(JSON.parse(text))))]
    expect(strings.length).toBeGreaterThan(5000)
    expect(strings.filter((text) => redact(text) !== text).length).toBeLessThanOrEqual(5)
  },
)

test.each(['name', 'key'])('redacts the value of a pair whose %s names a secret header', (member) => {
  const parameters = {
    headers: [{ [member]: 'Authorization', value: 'planted' }],
    other: [{ key: 'a', value: 'b' }],
  }
  expect(redactParameterStrings(parameters)).toEqual({
    headers: [{ [member]: 'Authorization', value: '[redacted]' }],
    other: [{ key: 'a', value: 'b' }],
  })
})
