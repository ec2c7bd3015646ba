import { pointerTo } from '../../src/lib/json-object.ts'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { canonicalJson, contentHash, MAX_JSON_DEPTH } from '../../src/lib/canonical-json.ts'
import {
  checkJson,
  MAX_WORKFLOW_BYTES,
  parseWorkflow,
  unwrapWorkflowFile,
} from '../../src/n8n/reading/workflow-json.ts'

function refusal(act: () => unknown): AppError {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('was accepted')
}

function nested(depth: number): unknown {
  return JSON.parse('['.repeat(depth) + ']'.repeat(depth))
}

describe('a workflow', () => {
  test.each<[string, object]>([
    ['empty', { nodes: [] }],
    ['without name, settings or connections', { nodes: [{ type: 'x', name: 'A' }] }],
    ['with a node without id, name or type', { nodes: [{}] }],
    ['with duplicate names', { nodes: [{ name: 'A' }, { name: 'A' }] }],
    ['with null slots', { nodes: [], connections: { A: { main: [null, [null]] } } }],
    ['with connections as an array', { nodes: [], connections: [] }],
    ['with string targets', { nodes: [], connections: { A: { main: [['B']] } } }],
    ['with a string typeVersion', { nodes: [{ typeVersion: '4.2' }] }],
    ['with credentials as a string', { nodes: [{ credentials: 'slack' }] }],
    [
      'with credential entries of any shape',
      { nodes: [{ credentials: { a: 'x', b: {}, c: { id: null } } }] },
    ],
    ['with settings and staticData as strings', { nodes: [], settings: '{}', staticData: '{}' }],
    ['with a type that has a space', { nodes: [{ type: 'my node' }] }],
    ['with integer-like and empty keys', { nodes: [], connections: { 1: {}, '': {} } }],
    ['with the key __proto__', JSON.parse('{"nodes":[],"__proto__":{"isAdmin":true}}')],
  ])('%s is preserved', (_, value) => {
    const before = JSON.stringify(value)
    const parsed = parseWorkflow(value)
    expect(parsed.workflow).toBe(value)
    expect(JSON.stringify(parsed.workflow)).toBe(before)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test('returns its name, nodes and size', () => {
    const value = { name: 'Ü', nodes: [{ name: 'A' }] }
    const { canonical, ...parsed } = parseWorkflow(value)
    expect(parsed).toEqual({ workflow: value, name: 'Ü', nodes: value.nodes, sizeBytes: 36 })
    expect(new TextDecoder().decode(canonical)).toBe('{"name":"Ü","nodes":[{"name":"A"}]}')
    expect(parseWorkflow({ nodes: [], name: 5 }).name).toBeNull()
  })

  test.each<[unknown, string]>([
    [null, ''],
    ['text', ''],
    [[], ''],
    [{}, '/nodes'],
    [{ nodes: {} }, '/nodes'],
    [{ nodes: 'x' }, '/nodes'],
    [{ nodes: [{}, null] }, '/nodes/1'],
    [{ nodes: ['x'] }, '/nodes/0'],
    [{ nodes: [[]] }, '/nodes/0'],
  ])('rejects %j', (value, pointer) => {
    const error = refusal(() => parseWorkflow(value))
    expect(error.code).toBe('invalid-workflow')
    expect(error.errors?.map((each) => each.pointer)).toEqual([pointer])
    expect(refusal(() => parseWorkflow(value, { pointerPrefix: '/workflow' })).errors?.[0]?.pointer).toBe(
      `/workflow${pointer}`,
    )
  })

  test('may have up to 2 MB', () => {
    const overhead = JSON.stringify({ nodes: [], x: '' }).length
    const sized = (bytes: number) => ({ nodes: [], x: 'x'.repeat(bytes - overhead) })
    expect(parseWorkflow(sized(MAX_WORKFLOW_BYTES)).sizeBytes).toBe(MAX_WORKFLOW_BYTES)
    expect(refusal(() => parseWorkflow(sized(MAX_WORKFLOW_BYTES + 1))).code).toBe('too-large')
    const umlauts = { nodes: [], x: 'ü'.repeat(MAX_WORKFLOW_BYTES / 2) }
    expect(refusal(() => parseWorkflow(umlauts)).code).toBe('too-large')
    // jsonb prints each with 309 digits.
    expect(refusal(() => parseWorkflow({ nodes: [], x: Array(7_000).fill(1e308) })).code).toBe('too-large')
  })
})

describe('the JSON check', () => {
  test.each<[string, unknown, string]>([
    ['U+0000 in a string', { a: { b: 'x\0' } }, '/a/b'],
    ['U+0000 in a key', { a: { 'b\0': 1 } }, '/a'],
    ['an unpaired high surrogate', ['x', '\ud800'], '/1'],
    ['an unpaired low surrogate', ['\udc00x'], '/0'],
    ['an unpaired surrogate in a key', { '\ud800': 1 }, ''],
    ['a number that overflows', [JSON.parse('1e999')], '/0'],
    ['undefined', [undefined], '/0'],
    ['101 levels', nested(MAX_JSON_DEPTH + 1), '/0'.repeat(MAX_JSON_DEPTH)],
  ])('rejects %s with its location', (_, value, pointer) => {
    expect(checkJson(value).map((error) => error.pointer)).toEqual([pointer])
    const prefixed = checkJson(value, { pointerPrefix: '/data' })
    expect(prefixed.map((error) => error.pointer)).toEqual([`/data${pointer}`])
  })

  test.each<[string, unknown]>([
    ['100 levels', nested(MAX_JSON_DEPTH)],
    ['the largest and smallest numbers', [1e308, -1e22, 5e-324, 1e-300, 0, -0]],
    ['leftovers from dragging a node', [7.105427357601002e-15, -1.1e-16]],
    ['emoji and U+2028', ['🤖', '\u2028', '\ufeff', '\ufffd']],
    ['null and booleans', [null, true, false]],
    ['keys of Object.prototype', JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":1}}')],
  ])('accepts %s', (_, value) => {
    expect(checkJson(value)).toEqual([])
  })

  test('checks values below the key __proto__', () => {
    const value = JSON.parse('{"__proto__":{"a":"\\u0000"}}')
    expect(checkJson(value).map((error) => error.pointer)).toEqual(['/__proto__/a'])
  })

  test('does not overflow the stack', () => {
    const [error, ...others] = checkJson(nested(200_000))
    expect(error?.detail).toBe('is nested more than 100 levels deep')
    expect(others).toEqual([])
    const deep = { nodes: [{ parameters: nested(5000) }] }
    expect(refusal(() => parseWorkflow(deep)).code).toBe('invalid-workflow')
  })

  test('returns the first errors in document order, up to the limit', () => {
    const value = { a: ['\0', '\0'], b: '\0', c: '\0' }
    expect(checkJson(value, { maxErrors: 3 }).map((error) => error.pointer)).toEqual(['/a/0', '/a/1', '/b'])
    expect(checkJson(Array(1000).fill('\0'))).toHaveLength(20)
    expect(checkJson({ '\0': 1, '\0a': 1, '\0b': 1 }, { maxErrors: 2 })).toHaveLength(2)
  })

  test('never repeats a value or an unbounded key', () => {
    const errors = checkJson({ ['k'.repeat(100_000)]: 'canary\0' })
    expect(JSON.stringify(errors)).not.toContain('canary')
    expect(errors[0]?.pointer.length).toBeLessThan(400)
  })
})

test('escapes JSON pointers as RFC 6901 requires', () => {
  expect(pointerTo('/a', 'b/c~d')).toBe('/a/b~1c~0d')
})

describe('a file', () => {
  const a = { name: 'A', nodes: [] }
  const b = { name: 'B', nodes: [{}] }

  test.each<[unknown, unknown[]]>([
    [a, [a]],
    [
      [a, b],
      [a, b],
    ],
    [{ workflow: a }, [a]],
    [{ workflow: { workflow: b, views: 5 } }, [b]],
    [{ data: [a, b], nextCursor: null }, [a, b]],
    [{ workflows: [a] }, [a]],
    [
      [{ workflow: a }, b],
      [a, b],
    ],
    [{ data: { workflow: a } }, [a]],
  ])('%j is unwrapped', (file, expected) => {
    expect(unwrapWorkflowFile(file)).toEqual(expected)
  })

  test('that wraps a workflow with a data property contains that workflow', () => {
    const odd = { nodes: [], data: [a] }
    expect(unwrapWorkflowFile(odd)).toEqual([odd])
  })

  test.each<[string, unknown, string]>([
    [
      'facts about workflows',
      [{ file: 'a.json', nodes: 5 }],
      '/0 is not a workflow: its nodes are not an array',
    ],
    ['an object without nodes', { name: 'x' }, 'The file is not a workflow: it has no nodes'],
    ['nothing', [], 'The file is an empty array without a workflow'],
    ['null', null, 'The file is not a workflow: it must be an object with nodes'],
    ['a string in an array', [a, 'x'], '/1 is not a workflow: it must be an object with nodes'],
    ['endless wrapping', nested(50), '/0/0/0/0/0/0 is wrapped too deeply'],
    ['a wrapped null', { data: [{}] }, '/data/0 is not a workflow: it has no nodes'],
  ])('of %s is rejected with the reason', (_, file, message) => {
    const error = refusal(() => unwrapWorkflowFile(file))
    expect(error.code).toBe('invalid-workflow')
    expect(error.message).toBe(message)
  })
})

describe('the content hash', () => {
  test('is the SHA-256 of the canonical JSON', async () => {
    // printf '{"a":[1,{"b":null,"c":"ü"}]}' | sha256sum
    const expected = '586cebdfda05002f9dd40520a4c909565cf6aa79da626e68a50bc2742a8ae313'
    expect(canonicalJson({ a: [1, { c: 'ü', b: null }] })).toBe('{"a":[1,{"b":null,"c":"ü"}]}')
    expect(await contentHash({ a: [1, { c: 'ü', b: null }] })).toBe(expected)
  })

  test('ignores the order of keys but not of items', async () => {
    const hash = await contentHash({ nodes: [1, 2], name: 'x' })
    expect(await contentHash({ name: 'x', nodes: [1, 2] })).toBe(hash)
    expect(await contentHash({ name: 'x', nodes: [2, 1] })).not.toBe(hash)
  })

  test('distinguishes a missing key and keeps __proto__', () => {
    const odd = JSON.parse('{"__proto__":{"b":1,"a":2}}')
    expect(canonicalJson(odd)).toBe('{"__proto__":{"a":2,"b":1}}')
  })

  test('rejects deep nesting instead of overflowing', () => {
    expect(refusal(() => canonicalJson(nested(100_000))).code).toBe('invalid')
  })
})
