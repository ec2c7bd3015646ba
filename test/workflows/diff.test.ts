import { describe, expect, test } from 'vitest'
import { diffWorkflows, sameJson } from '../../src/workflows/diff.ts'

const node = (name: string, more: Record<string, unknown> = {}) => ({
  id: `id-${name}`,
  name,
  type: 'n8n-nodes-base.set',
  parameters: {},
  ...more,
})
const main = (...targets: string[]) => ({
  main: [targets.map((target) => ({ node: target, type: 'main', index: 0 }))],
})
const nothing = { added: [], removed: [], changed: [], connections: { added: [], removed: [] } }

describe('diffWorkflows', () => {
  test('finds no difference between copies with another key order', () => {
    const copy = { parameters: { b: 1, a: [{ x: 1, y: null }] }, type: 't', name: 'A', id: '1' }
    const other = { id: '1', name: 'A', type: 't', parameters: { a: [{ y: null, x: 1 }], b: 1 } }
    expect(diffWorkflows({ nodes: [copy], connections: {} }, { connections: {}, nodes: [other] })).toEqual(
      nothing,
    )
  })

  test('lists added and removed nodes', () => {
    const diff = diffWorkflows({ nodes: [node('A'), node('B')] }, { nodes: [node('C'), node('A')] })
    expect(diff).toEqual({ ...nothing, added: ['C'], removed: ['B'] })
  })

  test('lists the dotted path of every change in a node', () => {
    const before = node('A', {
      position: [0, 0],
      parameters: { url: 'a', list: [{ v: 1 }, { v: 2 }], gone: 1 },
    })
    const after = node('A', {
      position: [0, 9],
      parameters: { url: 'b', list: [{ v: 1 }, { v: 3 }], come: 1 },
    })
    expect(diffWorkflows({ nodes: [before] }, { nodes: [after] }).changed).toEqual([
      {
        node: 'A',
        paths: ['parameters.come', 'parameters.gone', 'parameters.list.1.v', 'parameters.url', 'position'],
      },
    ])
  })

  test('lists an array that grew as one path', () => {
    const before = node('A', { parameters: { list: [{ v: 1 }] } })
    const after = node('A', { parameters: { list: [{ v: 1 }, { v: 1 }] } })
    expect(diffWorkflows({ nodes: [before] }, { nodes: [after] }).changed).toEqual([
      { node: 'A', paths: ['parameters.list'] },
    ])
  })

  test('follows a renamed node by its ID and ignores its connections', () => {
    const before = { nodes: [node('A'), node('B')], connections: { A: main('B') } }
    const after = { nodes: [node('A2', { id: 'id-A' }), node('B')], connections: { A2: main('B') } }
    expect(diffWorkflows(before, after)).toEqual({ ...nothing, changed: [{ node: 'A2', paths: ['name'] }] })
  })

  test('follows a node with a new ID by its name', () => {
    const after = { nodes: [node('A', { id: 'other' })] }
    expect(diffWorkflows({ nodes: [node('A')] }, after)).toEqual({
      ...nothing,
      changed: [{ node: 'A', paths: ['id'] }],
    })
  })

  test('distinguishes connections by node, output, input and type', () => {
    const nodes = [node('A'), node('B')]
    const before = { nodes, connections: { A: main('B') } }
    const after = {
      nodes,
      connections: { A: { ai_tool: [null, [{ node: 'B', type: 'ai_tool', index: 2 }]] } },
    }
    expect(diffWorkflows(before, after).connections).toEqual({
      added: [{ from: 'A', output: 1, to: 'B', input: 2, type: 'ai_tool' }],
      removed: [{ from: 'A', output: 0, to: 'B', input: 0, type: 'main' }],
    })
  })

  test('counts every node of a duplicate name once', () => {
    const twins = [{ name: 'A' }, { name: 'A' }]
    expect(diffWorkflows({ nodes: twins }, { nodes: [...twins, { name: 'A' }] })).toEqual({
      ...nothing,
      added: ['A'],
    })
  })

  test.each([
    ['no nodes', {}],
    ['nodes that are not an array', { nodes: 'x' }],
    ['nodes without objects', { nodes: [null, 'x', 1] }],
    ['connections as an array', { nodes: [], connections: [] }],
    [
      'connections with null slots',
      { connections: { A: { main: [null, [null, 'B', 3]] }, B: null, C: { main: {} } } },
    ],
  ])('ignores %s', (_, untidy) => {
    expect(diffWorkflows(untidy, untidy)).toEqual(nothing)
    expect(diffWorkflows(untidy, { nodes: [node('A')] }).added).toEqual(['A'])
  })

  test('is immune to prototype pollution', () => {
    const before = node('A', { parameters: JSON.parse('{"__proto__":{"x":1}}') })
    const after = node('A', { parameters: JSON.parse('{"__proto__":{"x":2}}') })
    expect(diffWorkflows({ nodes: [before] }, { nodes: [after] }).changed).toEqual([
      { node: 'A', paths: ['parameters.__proto__.x'] },
    ])
  })
})

test.each([
  [undefined, undefined, true],
  [[], [], true],
  [[1, 2], [2, 1], false],
  [{}, [], false],
  [null, {}, false],
  [{ a: undefined }, {}, false],
])('sameJson(%j, %j) is %s', (a, b, same) => {
  expect(sameJson(a, b)).toBe(same)
})
