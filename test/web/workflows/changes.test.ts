/** @module Tests the description of changes: redacted values, no moves, short lines. */
import { describe, expect, test } from 'vitest'
import {
  countChanges,
  describeChanges,
  type ChangedLine,
} from '../../../src/web/workflows/versions/changes.ts'
import { plainValue, shownLines, valueAt } from '../../../src/web/components/shown-value.ts'

type Json = Record<string, unknown>

const node = (name: string, parameters: Json = {}, more: Json = {}) => ({
  id: `id-${name}`,
  name,
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  position: [0, 0],
  parameters,
  ...more,
})
const workflow = (...nodes: Json[]) => ({ nodes, connections: {} })
const linesOf = (older: Json, newer: Json): ChangedLine[] =>
  describeChanges(older, newer).blocks.flatMap(({ lines }) => lines)

describe('described changes', () => {
  test('show a changed parameter with its old and new value', () => {
    const lines = linesOf(
      workflow(node('A', { url: 'a', keep: 1 })),
      workflow(node('A', { url: 'b', keep: 1 })),
    )
    expect(lines).toEqual([
      { sign: '-', label: 'url', value: 'a' },
      { sign: '+', label: 'url', value: 'b' },
    ])
  })

  test('show a renamed node as changed, not as removed and added', () => {
    const changes = describeChanges(workflow(node('A')), workflow(node('B', {}, { id: 'id-A' })))
    expect(changes.blocks).toMatchObject([{ node: 'B', kind: 'changed' }])
    expect(changes.blocks[0]?.lines).toEqual([
      { sign: '-', label: 'name', value: 'A' },
      { sign: '+', label: 'name', value: 'B' },
    ])
  })

  test.each<[string, Json]>([
    ['moved', { position: [500, 300] }],
    ['imported again with another ID', { id: 'other' }],
    ['set to show its note', { notesInFlow: true }],
  ])('exclude a node that was only %s', (_, more) => {
    const [older, newer] = [workflow(node('A')), workflow(node('A', {}, more))]
    const changes = describeChanges(older, newer)
    expect(changes.blocks).toEqual([])
    expect(changes.moved).toBe(1)
    expect(countChanges(older, newer)).toEqual({ added: 0, removed: 0, changed: 0 })
  })

  test('show the type and parameters of an added or removed node', () => {
    const lines = linesOf(workflow(node('Old', { a: 1 })), workflow(node('New', { url: 'u', options: {} })))
    expect(lines).toEqual([
      { sign: '+', label: 'type', value: 'httpRequest v4.2' },
      { sign: '+', label: 'url', value: 'u' },
      { sign: '-', label: 'type', value: 'httpRequest v4.2' },
      { sign: '-', label: 'a', value: '1' },
    ])
  })

  test('show only the lines of a long text that differ', () => {
    const text = (middle: string) => ['first', 'second', middle, 'last'].join('\n')
    const lines = linesOf(workflow(node('A', { code: text('x') })), workflow(node('A', { code: text('y') })))
    expect(lines.map(({ sign, value }) => `${sign}${value}`)).toEqual(['-…', '-x', '-…', '+…', '+y', '+…'])
  })

  test('show only the difference in a long line and the text around it', () => {
    const before = 'word '.repeat(200)
    const [line = ''] = shownLines(`${before}new end`, `${before}old end`)
    expect(line).toMatch(/^…(word )+new end$/)
    expect(line.length).toBeLessThan(300)
  })

  test('cut a block of thousands of lines and show how many are left', () => {
    const lines = shownLines(Array.from({ length: 5000 }, (_, index) => `line ${index}`).join('\n'), null)
    expect(lines.length).toBeLessThan(20)
    expect(lines.at(-1)).toMatch(/^… 4,988 more lines$/)
  })

  test('exist for any stored JSON without an exception', () => {
    const odd = [
      {},
      { nodes: 5 },
      { nodes: [null, 1, {}] },
      { nodes: [{ parameters: [[]] }], connections: 3 },
    ]
    for (const older of odd) {
      for (const newer of odd) expect(describeChanges(older, newer).blocks).toBeInstanceOf(Array)
    }
  })
})

describe('a path', () => {
  test('resolves to its value, even if keys contain dots', () => {
    const root = { a: { 'b.c': [{ d: 1 }] }, 'a.b': 2 }
    expect(valueAt(root, 'a.b.c.0.d')?.value).toBe(1)
    expect(valueAt(root, 'a.b')?.value).toBe(2)
    expect(valueAt(root, 'a.x')).toBeUndefined()
    expect(valueAt(root, '__proto__')).toBeUndefined()
  })
})

const secret = 'kx9f2Lq8Zr4Tb7Wm3Yd6Pc1N'

describe('secrets are redacted', () => {
  test.each<[string, unknown, string]>([
    ['a bearer token in text', `Bearer ${secret}`, 'parameters.auth'],
    ['a parameter with a secret name', secret, 'parameters.apiKey'],
    ['an OpenAI key', `sk-${secret}`, 'parameters.note'],
    ['a password in a URL', `https://maya:${secret}@example.com`, 'parameters.url'],
    ['a private key', `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`, 'parameters.text'],
    ['an object that contains a password', { deep: [{ password: secret }] }, 'parameters.options'],
  ])('in %s, in old and new values', (_, value, path) => {
    const key = path.split('.').at(-1) ?? ''
    const other = typeof value === 'string' ? 'something else' : { other: 1 }
    const shown = [
      ...linesOf(workflow(node('A', { [key]: value })), workflow(node('A', { [key]: other }))),
      ...linesOf(workflow(node('A', { [key]: other })), workflow(node('A', { [key]: value }))),
      ...linesOf(workflow(), workflow(node('A', { [key]: value }))),
      ...linesOf(workflow(node('A', { [key]: value })), workflow()),
    ]
    expect(shown.length).toBeGreaterThan(0)
    expect(JSON.stringify(shown)).not.toContain(secret)
  })

  test('in a header, which n8n names next to its value', () => {
    const headers = (value: string) => ({ headerParameters: { parameters: [{ name: 'X-Api-Key', value }] } })
    const lines = linesOf(workflow(node('A', headers(secret))), workflow(node('A', headers(`${secret}2`))))
    expect(lines.length).toBe(2)
    expect(JSON.stringify(lines)).not.toContain(secret)
    expect(JSON.stringify(lines)).toContain('[redacted]')
  })

  test('in a cut line, with no part of them left', () => {
    const line = (token: string) => `${'word '.repeat(90)}Bearer ${token} and more ${'x'.repeat(20)}`
    const shown = shownLines(line(secret.slice(0, 12)), line(`${secret.slice(0, 11)}X`)).join('\n')
    expect(shown).not.toContain(secret.slice(0, 8))
  })

  test('but an expression is not', () => {
    const value = '={{ $json.token }}'
    expect(plainValue({ value, parent: { token: value }, key: 'token' })).toBe(value)
  })
})
