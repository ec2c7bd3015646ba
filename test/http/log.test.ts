import { describe, expect, test } from 'vitest'
import { createLog, type LogFields } from '../../src/http/log.ts'

function logged(fields: LogFields): string {
  const lines: string[] = []
  createLog(
    'debug',
    (line) => lines.push(line),
    () => new Date(0),
  )('info', 'tested', fields)
  return lines.join('\n')
}

test.each([
  ['a bearer token', { detail: 'sent Bearer abc.def-123' }, 'abc.def-123'],
  ['an API key', { detail: 'key sk-live-12345678' }, '12345678'],
  ['a webhook token', { detail: 'whk_c2VjcmV0' }, 'c2VjcmV0'],
  ['a refresh token', { detail: 'fkr_k1.abcdef' }, 'k1.abcdef'],
  ['a JWT', { detail: 'eyJhbGciOi.eyJzdWIi.c2ln' }, 'eyJzdWIi'],
  ['a password in a URL', { detail: 'postgres://user:hunter2@host/db' }, 'hunter2'],
  ['a field with a secret name', { apiKey: 'plain' }, 'plain'],
  ['a private key', { detail: '-----BEGIN PRIVATE KEY-----' }, 'PRIVATE KEY'],
])('redacts %s', (_, fields, secret) => {
  expect(logged(fields)).toContain('[redacted]')
  expect(logged(fields)).not.toContain(secret)
})

test('escapes line breaks in fields', () => {
  const line = logged({ name: 'x\r\n{"level":"fatal"}\u001b[31m' })
  expect(line.split('\n')).toHaveLength(1)
  expect(JSON.parse(line)).toMatchObject({ level: 'info', name: 'x\r\n{"level":"fatal"}\u001b[31m' })
})

test('truncates fields over 2 KB', () => {
  expect(logged({ name: 'x'.repeat(100_000) }).length).toBeLessThan(2300)
})

describe('a secret across a cut', () => {
  // Without its end, nothing shows that it is one.
  const url = 'postgres://user:hunter2hunter2@host/db'
  const key = `-----BEGIN PRIVATE KEY-----\n${'aB3+'.repeat(4000)}\n-----END PRIVATE KEY-----`
  const ofLength = (text: string, chars: number) => text + ' x'.repeat(chars).slice(0, chars - text.length)

  test.each([
    ['at the end of a field', ofLength('', 2020)],
    ['at the end of what is scanned', ofLength(key, 16 * 1024 - 28)],
  ])('is not in the log: %s', (_, before) => {
    const line = logged({ detail: `${before} ${url} ${'x '.repeat(200)}` })
    expect(line).not.toContain('hunter')
    expect(line).not.toContain(key.slice(40, 60))
  })
})

test('omits lines below the minimum level', () => {
  const lines: string[] = []
  const log = createLog(
    'warn',
    (line) => lines.push(line),
    () => new Date(0),
  )
  log('info', 'quiet')
  log('error', 'loud')
  expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['loud'])
})
