/** @module The cost of hostile workflows: work is linear in the body, and memory stays far below an isolate's 128 MB. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { describeChanges } from '../../src/web/workflows/versions/changes.ts'
import { layOut } from '../../src/web/workflows/graph/layout.ts'
import { readGraph } from '../../src/web/workflows/graph/model.ts'
import { remoteForm } from '../../src/deployments/remote/form.ts'
import { diffWorkflows } from '../../src/workflows/diff.ts'
import { hostileBodies } from './hostile-bodies.ts'

type Json = Record<string, unknown>

const run = promisify(execFile)
const child = fileURLToPath(new URL('hostile-child.ts', import.meta.url))

describe('with a heap of 64 MB', () => {
  const refused: Record<string, string> = {
    'empty nodes': '',
    'nodes with one id': '/nodes',
    'empty arrays': '',
    'arrays in arrays': '',
    'empty objects': '',
    'empty outputs': '',
    'numbers in an array': '',
    'many keys': '',
    'connections of one slot': '',
    'connections of one node, within the values': '/connections',
  }

  test.each(Object.keys(hostileBodies))('%s: accepted or rejected', async (name) => {
    const { stdout } = await run(process.execPath, ['--max-old-space-size=64', child, name])
    expect(stdout).toBe(refused[name] ?? 'accepted')
  })
})

/** Counts steps of array iterators and property reads of the nodes. */
function steps(act: (watch: (node: Json) => Json) => void): number {
  let count = 0
  const iterators = Object.getPrototypeOf([].values()) as { next: () => IteratorResult<unknown> }
  const { next } = iterators
  const watch = (node: Json) =>
    new Proxy(node, {
      get: (target, key, receiver) => {
        count += 1
        return Reflect.get(target, key, receiver) as unknown
      },
    })
  iterators.next = function step(this: unknown) {
    count += 1
    return next.call(this as never)
  }
  try {
    act(watch)
  } finally {
    iterators.next = next
  }
  return count
}

describe('takes time linear in the number of nodes', () => {
  const nodes = (count: number, make: (index: number) => Json) =>
    Array.from({ length: count }, (_, index) => make(index))
  const kinds: [string, (index: number) => Json][] = [
    ['without ID and name', () => ({})],
    ['with one ID', () => ({ id: 'a', name: 'a' })],
    ['with one name', (index) => ({ name: 'a', parameters: { index } })],
    ['with distinct names', (index) => ({ id: String(index), name: `n${index}`, parameters: { index } })],
  ]
  const works: [string, (older: Json, newer: Json) => unknown][] = [
    ['the diff', diffWorkflows],
    ['the described changes', describeChanges],
  ]
  const cases = works.flatMap(([name, work]) =>
    kinds.map(([kind, make]) => [name, kind, make, work] as const),
  )

  test.each(cases)('in %s of nodes %s', (_, __, make, work) => {
    const cost = (count: number) => {
      const [older, newer] = [nodes(count, make), nodes(count, (index) => make(index + 1))]
      return steps((watch) => work({ nodes: older.map(watch) }, { nodes: newer.map(watch) }))
    }
    expect(cost(4000) / cost(2000)).toBeLessThan(2.5)
  })
})

describe('a workflow from before the limits', () => {
  const nodes = Array.from({ length: 40_000 }, () => ({}))

  test('can be compared', () => {
    const diff = diffWorkflows({ nodes }, { nodes: nodes.slice(0, -1) })
    expect(diff).toEqual({
      added: [],
      removed: ['(unnamed)'],
      changed: [],
      connections: { added: [], removed: [] },
    })
  })

  test('is listed within limits, with all its nodes and its top-level fields', () => {
    const key = 'k'.repeat(900)
    const wide = (value: number) => ({
      [key]: Object.fromEntries(nodes.map((_, index) => [`p${index}`, value])),
    })
    const many = (value: number) =>
      nodes.slice(0, 3).map((_, index) => ({ id: String(index), name: `n${index}`, a: wide(value) }))
    const diff = diffWorkflows({ nodes: many(1) }, { nodes: many(2) })
    expect(diff.truncated).toBe(true)
    expect(diff.changed).toEqual(['n0', 'n1', 'n2'].map((node) => ({ node, paths: ['a'] })))
  })

  test('has its connections listed as far as their names permit', () => {
    const from = 'n'.repeat(10_000)
    const targets = Array.from({ length: 5_000 }, (_, index) => ({ node: 'b', index }))
    const workflow = { nodes: [{ name: from }], connections: { [from]: { main: [targets] } } }
    const { connections, truncated } = diffWorkflows({ nodes: [] }, workflow)
    expect(truncated).toBe(true)
    expect(connections.added.length).toBeGreaterThan(50)
    expect(JSON.stringify(connections).length).toBeLessThan(1_100_000)
    const form = remoteForm({ name: 'x', nodes: workflow.nodes, connections: workflow.connections })
    expect(form.connections).toHaveLength(5_000)
    expect(JSON.stringify(form.connections).length).toBeLessThan(300_000)
  })

  test('truncates a path that is too long once', () => {
    const deep = (value: unknown) => ({ ['k'.repeat(2_000)]: { a: { b: value, c: value } } })
    const { changed } = diffWorkflows(
      { nodes: [{ name: 'A', x: deep(1) }] },
      { nodes: [{ name: 'A', x: deep(2) }] },
    )
    expect(changed[0]?.paths).toEqual([`x.${'k'.repeat(998)}…`])
  })
})

test('boxes in a column that overlap are moved below each other', () => {
  const nodes = Array.from({ length: 1000 }, (_, index) => ({
    name: `n${index}`,
    position: [0, index * 110],
  }))
  const boxes = layOut(readGraph({ nodes })).nodes.toSorted((a, b) => a.y - b.y)
  const overlapping = boxes.filter((box, index) => {
    const next = boxes[index + 1]
    return next !== undefined && next.y < box.y + box.height
  })
  expect(overlapping).toEqual([])
})
