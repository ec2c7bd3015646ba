import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { SecretData } from '../../src/credentials/secret-data.ts'

const canary = 'cnry-7f3e"\\ü-91'

describe('opened data', () => {
  const data = new SecretData({ token: canary, nested: { list: [canary, 8_675_309_421] } })

  test.each([
    ['JSON', () => JSON.stringify({ data })],
    ['a template', () => `${data}`],
    ['String()', () => String(data)],
    ['inspect, as console.log does', () => inspect({ data }, { depth: 9, showHidden: true })],
    ['a spread', () => JSON.stringify({ ...data })],
    ['its own keys', () => JSON.stringify(Object.entries(data))],
    ['an error', () => inspect(new Error('failed', { cause: data }), { depth: 9 })],
  ])('is not in %s', (_, print) => {
    expect(print()).not.toContain('cnry-7f3e')
    expect(print()).not.toContain('8675309421')
  })

  test('is returned only by reveal', () => {
    expect(data.reveal()).toEqual({ token: canary, nested: { list: [canary, 8_675_309_421] } })
  })

  test.each([
    ['unchanged', canary],
    ['URL-encoded', encodeURIComponent(canary)],
    ['in base64', Buffer.from(canary).toString('base64').replace(/=+$/, '')],
    ['JSON-escaped', JSON.stringify(canary).slice(1, -1)],
    ['as a number', '8675309421'],
  ])('is redacted from a text that contains it %s', (_, form) => {
    expect(data.redact(`n8n said: <${form}>`)).toBe('n8n said: <[redacted]>')
  })

  test.each([
    ['a connection string', 'mongodb://user:p%40ss-word@db.example.test/', 'p@ss-word', 'p%40ss-word'],
    ['JSON stored as text', '{"headers":{"X-Key":"key-in-json"}}', 'key-in-json', '"key-in-json"'],
  ])('a secret within %s is redacted from a text too', (_, value, ...secrets) => {
    const within = new SecretData({ value })
    for (const secret of secrets) expect(within.redact(`said ${secret}.`)).not.toContain(secret.slice(2, -2))
  })

  test('values that only look like URLs or JSON are redacted as a whole', () => {
    for (const value of ['https://user:%E0%A4%A@host', '{"broken', '[[[[[[']) {
      expect(new SecretData({ value }).redact(`said ${value}`)).toBe('said [redacted]')
    }
  })

  test('a value within a longer one leaves no part of the longer one', () => {
    const both = new SecretData({ a: 'secret-one', b: 'secret-one-and-more' })
    expect(both.redact('x secret-one-and-more y secret-one')).toBe('x [redacted] y [redacted]')
  })

  test('short values such as a port stay readable in a text', () => {
    expect(new SecretData({ port: 5432, ssl: 'on' }).redact('refused on 5432')).toBe('refused on 5432')
  })
})
