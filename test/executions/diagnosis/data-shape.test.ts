import { describe, expect, test } from 'vitest'
import { shapeOf } from '../../../src/executions/record/data-shape.ts'
import { summariseRun } from '../../../src/executions/record/node-runs.ts'
import { cleanJson } from '../../../src/executions/record/run-data.ts'
import { seeded } from '../../harness/random.ts'

const items = (...json: unknown[]) => json.map((each) => ({ json: each }))

describe('the shape of items', () => {
  test.each<[string, unknown[], string | null]>([
    ['no items', [], null],
    [
      'types and lengths',
      items({ id: 7, name: 'Ada', ok: true, none: null }),
      '{ id: number, name: string(3), ok: boolean, none: null }',
    ],
    ['a range of lengths', items({ name: '' }, { name: 'Grace' }), '{ name: string(0–5) }'],
    [
      'a key that some items lack',
      items({ id: 1, email: 'a@b.de' }, { id: 2 }),
      '{ id: number, email?: string(6) }',
    ],
    ['several types', items({ at: null }, { at: 'now' }, { at: 3 }), '{ at: string(3) | null | number }'],
    [
      'lists',
      items({ tags: ['a', 'bc'], none: [], all: [{ x: 1 }, { x: 2, y: 3 }] }),
      '{ tags: string(1–2)[], none: never[], all: { x: number, y?: number }[] }',
    ],
    ['a list of several types', items({ list: [1, 'a'] }), '{ list: (string(1) | number)[] }'],
    ['keys that are data', items({ 'ada@example.com': 1, '2026-01-02': 2, '4711': 3 }), '{ <key>: number }'],
    ['keys that need quotes', items({ 'First name': 'Ada' }), '{ "First name": string(3) }'],
    [
      'prototype members',
      items(JSON.parse('{"__proto__":{"a":1},"constructor":2}')),
      '{ __proto__: { a: number }, constructor: number }',
    ],
    ['items that are not objects', [1, null, 'x'], 'null'],
  ])('%s', (_what, given, shape) => {
    expect(shapeOf(given)).toBe(shape)
  })

  test('counts the keys that it leaves out, and stays short and flat for large items', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`field${'x'.repeat(index)}`, index]),
    )
    expect(shapeOf(items(wide))).toMatch(/<key>: number|… \d+ more/)
    const deep = (depth: number): unknown =>
      depth === 0
        ? 'end'
        : Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`key${index}`, deep(depth - 1)]))
    const shape = shapeOf(items(deep(5)))
    expect(shape?.length).toBeLessThanOrEqual(2000)
    expect(shape).toContain('key7: object')
  })

  test('never holds a value', () => {
    const random = seeded(41)
    const canary = 'canary'
    const value = (depth: number): unknown => {
      const kind = Math.floor(random() * (depth > 0 ? 6 : 4))
      if (kind === 4) return Array.from({ length: 3 }, () => value(depth - 1))
      if (kind === 5) return { [`${canary}@example.com`]: value(depth - 1), list: value(depth - 1) }
      return [canary, 987_654_321, true, null][kind]
    }
    for (let round = 0; round < 300; round += 1) {
      expect(shapeOf(items(value(4), value(3)))).not.toMatch(/canary|987/)
    }
  })
})

describe('the shapes of an execution', () => {
  const ran = (index: number, output: unknown[][], more = {}) => ({
    startTime: 1_790_000_000_000 + index,
    executionTime: 5,
    executionIndex: index,
    executionStatus: 'success',
    data: { main: output },
    ...more,
  })
  const error = { message: 'No channel', name: 'NodeOperationError' }
  const data = (isFailed: boolean) => ({
    resultData: {
      runData: {
        Webhook: [ran(0, [items({ body: { text: 'hello', password: 'x' } })])],
        If: [ran(1, [items(), items({ text: 'hi' }, { text: 'hello', to: null })])],
        Post: [
          ran(2, [items({ ok: true })], {
            source: [{ previousNode: 'If', previousNodeOutput: 1, previousNodeRun: 0 }],
            ...(isFailed && { error }),
          }),
        ],
      },
    },
  })

  test('says what the failed node received, and what each node returned', () => {
    const nodes = summariseRun(data(true), undefined)?.nodes ?? []
    expect(nodes.find(({ name }) => name === 'Post')).toMatchObject({
      input: [{ node: 'If', output: 1, items: 2, shape: '{ text: string(2–5), to?: null }' }],
      output: ['{ ok: boolean }'],
    })
    expect(nodes.find(({ name }) => name === 'If')).toMatchObject({
      output: [null, '{ text: string(2–5), to?: null }'],
    })
    expect(nodes.find(({ name }) => name === 'Webhook')).not.toHaveProperty('input')
  })

  test('is absent from an execution without a failed node', () => {
    for (const node of summariseRun(data(false), undefined)?.nodes ?? []) {
      expect(node).not.toHaveProperty('input')
      expect(node).not.toHaveProperty('output')
    }
  })

  test('stays readable when secrets are redacted', () => {
    const stored = cleanJson(summariseRun(data(true), undefined))
    expect(stored).toMatchObject({
      nodes: [{ output: ['{ body: { text: string(5), password: string(1) } }'] }, {}, {}],
    })
  })

  test.each<[string, unknown]>([
    ['no source', {}],
    ['a source that did not run', { source: [{ previousNode: 'Gone' }] }],
    ['a source without a node', { source: [null, {}, 'x', { previousNode: 3 }] }],
    ['an output that does not exist', { source: [{ previousNode: 'If', previousNodeOutput: 'a' }] }],
  ])('accepts %s', (_what, source) => {
    const { resultData } = data(false)
    const runData = { ...resultData.runData, Post: [{ ...ran(2, []), error, ...(source as object) }] }
    const nodes = summariseRun({ resultData: { runData } }, undefined)?.nodes ?? []
    expect(nodes).toHaveLength(3)
  })

  test('is bounded', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        `column_${String.fromCodePoint(97 + (index % 26))}${'y'.repeat(index)}`,
        'text',
      ]),
    )
    const runData = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [
        `Node ${index}`,
        [ran(index, [items(wide)], index === 299 && { error, source: [{ previousNode: 'Node 298' }] })],
      ]),
    )
    const summary = summariseRun({ resultData: { runData } }, undefined)
    expect(JSON.stringify(summary).length).toBeLessThan(100_000)
    expect(summary?.nodes.at(-1)?.input).toHaveLength(1)
    expect(summary?.nodes[0]).not.toHaveProperty('output')
  })
})
