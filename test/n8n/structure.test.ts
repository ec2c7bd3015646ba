import type { JsonObject } from '../../src/lib/json-object.ts'
import { describe, expect, test } from 'vitest'
import { checkStructure } from '../../src/n8n/structure/structure.ts'
import { toN8nWorkflow } from '../../src/n8n/sendable/workflow.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'

const node = (name: string, more: object = {}) => ({
  id: `id-${name}`,
  name,
  type: 'n8n-nodes-base.noOp',
  typeVersion: 1,
  position: [0, 0],
  parameters: {},
  ...more,
})
const to = (target: string) => ({ node: target, type: 'main', index: 0 })
const wired = (connections: unknown, ...more: object[]): JsonObject => ({
  name: 'W',
  nodes: [node('A'), node('B'), ...more],
  connections,
  settings: {},
})
const nodes = (...given: unknown[]): JsonObject => ({
  name: 'W',
  nodes: given,
  connections: {},
  settings: {},
})
const aToB = { A: { main: [[to('B')]] } }

/** Structures that n8n rejects, by code and pointer, with the repaired workflow. */
const fixable: [string, JsonObject, [code: string, pointer: string][], JsonObject][] = [
  [
    'connections by node IDs',
    wired({ 'id-A': { main: [[to('id-B')]] } }),
    [
      ['connection-by-id', '/connections/id-A'],
      ['connection-by-id', '/connections/id-A/main/0/0/node'],
    ],
    wired(aToB),
  ],
  [
    'a node connected by its name and by its ID',
    wired(
      { A: { main: [[to('B')]] }, 'id-A': { main: [[to('id-B'), to('C')]], ai_tool: [[to('B')]] } },
      node('C'),
    ),
    [
      ['connection-by-id', '/connections/id-A'],
      ['connection-by-id', '/connections/id-A/main/0/0/node'],
    ],
    wired({ A: { main: [[to('B'), to('C')]], ai_tool: [[to('B')]] } }, node('C')),
  ],
  [
    'numeric ids',
    {
      ...wired({ 1: { main: [[{ ...to(''), node: 2 }]] } }),
      nodes: [node('A', { id: 1 }), node('B', { id: 2 })],
    },
    [
      ['connection-by-id', '/connections/1'],
      ['connection-by-id', '/connections/1/main/0/0/node'],
    ],
    { ...wired(aToB), nodes: [node('A', { id: 1 }), node('B', { id: 2 })] },
  ],
  [
    'names that differ in case and surrounding spaces',
    wired({ ' a': { main: [[to('b ')]] } }),
    [
      ['connection-name-mismatch', '/connections/ a'],
      ['connection-name-mismatch', '/connections/ a/main/0/0/node'],
    ],
    wired(aToB),
  ],
  [
    'a flat array',
    wired({ A: { main: [to('B')] } }),
    [['invalid-connection', '/connections/A/main/0']],
    wired(aToB),
  ],
  [
    'one flat output among others',
    wired({ A: { main: [[to('B')], to('A')] } }),
    [['invalid-connection', '/connections/A/main/1']],
    wired({ A: { main: [[to('B')], [to('A')]] } }),
  ],
  [
    'outputs without a type',
    wired({ A: [[to('B')]] }),
    [['invalid-connection', '/connections/A']],
    wired(aToB),
  ],
  ['a single target', wired({ A: to('B') }), [['invalid-connection', '/connections/A']], wired(aToB)],
  ['a name only', wired({ A: { main: 'B' } }), [['invalid-connection', '/connections/A/main']], wired(aToB)],
  [
    'a target as text, and as an ID',
    wired({ A: { main: [['B', 'id-B']] } }),
    [
      ['invalid-connection', '/connections/A/main/0/0'],
      ['invalid-connection', '/connections/A/main/0/1'],
    ],
    wired({ A: { main: [[to('B'), to('B')]] } }),
  ],
  [
    'a target without type and index',
    wired({ A: { ai_tool: [[{ node: 'B' }]] } }),
    [
      ['invalid-connection', '/connections/A/ai_tool/0/0/index'],
      ['invalid-connection', '/connections/A/ai_tool/0/0/type'],
    ],
    wired({ A: { ai_tool: [[{ node: 'B', index: 0, type: 'ai_tool' }]] } }),
  ],
  [
    'an index as text',
    wired({ A: { main: [[{ ...to('B'), index: '1' }]] } }),
    [['invalid-connection', '/connections/A/main/0/0/index']],
    wired({ A: { main: [[{ ...to('B'), index: 1 }]] } }),
  ],
  [
    'a null target',
    wired({ A: { main: [[null, to('B')]] } }),
    [['empty-connection', '/connections/A/main/0/0']],
    wired(aToB),
  ],
  [
    'an empty entry of a missing node',
    wired({ ...aToB, Gone: { main: [[], null] } }),
    [['empty-connection', '/connections/Gone']],
    wired(aToB),
  ],
  ['connections as an empty array', wired([]), [['invalid-connection', '/connections']], wired({})],
  [
    'a duplicate ID',
    nodes(node('A'), node('B', { id: 'id-A' })),
    [['duplicate-node-id', '/nodes/1/id']],
    nodes(node('A'), node('B', { id: 'node-2' })),
  ],
  [
    'a node without a name',
    nodes(node('A'), { type: 't' }),
    [['missing-node-name', '/nodes/1/name']],
    nodes(node('A'), { type: 't', name: 'Node 2' }),
  ],
  [
    'a sticky note with the name of a node',
    nodes(node('A', { type: 'n8n-nodes-base.stickyNote', id: 's' }), node('A')),
    [['duplicate-node-name', '/nodes/0/name']],
    nodes(node('A (2)', { type: 'n8n-nodes-base.stickyNote', id: 's' }), node('A')),
  ],
  [
    'fields of another type',
    nodes(node('A', { typeVersion: '1.2', disabled: 'false', notes: { a: 1 }, maxTries: '3' })),
    [
      ['invalid-node-field', '/nodes/0/typeVersion'],
      ['invalid-node-field', '/nodes/0/disabled'],
      ['invalid-node-field', '/nodes/0/notes'],
      ['invalid-node-field', '/nodes/0/maxTries'],
    ],
    nodes(node('A', { typeVersion: 1.2, disabled: false, maxTries: 3 })),
  ],
  [
    'parameters as an empty array',
    nodes(node('A', { parameters: [] })),
    [['invalid-parameters', '/nodes/0/parameters']],
    nodes(node('A')),
  ],
  [
    'settings as text',
    { ...nodes(node('A')), settings: '{"executionOrder":"v1"}' },
    [['invalid-settings', '/settings']],
    { ...nodes(node('A')), settings: { executionOrder: 'v1' } },
  ],
  [
    'settings of another type',
    { ...nodes(node('A')), settings: { executionTimeout: '60', saveManualExecutions: 'true' } },
    [
      ['invalid-setting', '/settings/executionTimeout'],
      ['invalid-setting', '/settings/saveManualExecutions'],
    ],
    { ...nodes(node('A')), settings: { executionTimeout: 60, saveManualExecutions: true } },
  ],
  [
    'a name that is too long',
    { ...nodes(node('A')), name: '😀'.repeat(129) },
    [['workflow-name-too-long', '/name']],
    { ...nodes(node('A')), name: '😀'.repeat(128) },
  ],
]

/** Structures that no repair preserves the meaning of. */
const unfixable: [string, JsonObject, [code: string, pointer: string][]][] = [
  [
    'a missing target',
    wired({ A: { main: [[to('Gone')]] } }),
    [['dangling-connection', '/connections/A/main/0/0/node']],
  ],
  [
    'a missing source',
    wired({ Gone: { main: [[to('A')]] } }),
    [['dangling-connection', '/connections/Gone']],
  ],
  [
    'a name shared by two nodes except for its case',
    wired({ x: { main: [[to('A')]] } }, node('X'), node('X ')),
    [['dangling-connection', '/connections/x']],
  ],
  [
    'an ID shared by two nodes',
    wired({ same: { main: [[to('A')]] } }, node('X', { id: 'same' }), node('Y', { id: 'same' })),
    [
      ['duplicate-node-id', '/nodes/3/id'],
      ['dangling-connection', '/connections/same'],
    ],
  ],
  [
    'several targets for one or several outputs',
    wired({ A: { main: [to('A'), to('B')] } }),
    [
      ['invalid-connection', '/connections/A/main/0'],
      ['invalid-connection', '/connections/A/main/1'],
    ],
  ],
  [
    'a target as an array of its three parts',
    wired({ A: { main: [['B', 'main', 0]] } }),
    [['invalid-connection', '/connections/A/main/0']],
  ],
  [
    'a negative index',
    wired({ A: { main: [[{ ...to('B'), index: -1 }]] } }),
    [['invalid-connection', '/connections/A/main/0/0/index']],
  ],
  [
    'a target without a node',
    wired({ A: { main: [[{ name: 'B' }]] } }),
    [['invalid-connection', '/connections/A/main/0/0']],
  ],
  ['connections as an array', wired([{ from: 'A', to: 'B' }]), [['invalid-connection', '/connections']]],
  ['connections as text', wired('A -> B'), [['invalid-connection', '/connections']]],
  ['a duplicate name', nodes(node('A'), node('A', { id: 'x' })), [['duplicate-node-name', '/nodes/1/name']]],
  ['a node without a type', nodes({ name: 'A' }), [['missing-node-type', '/nodes/0/type']]],
  [
    'parameters as text',
    nodes(node('A', { parameters: 'x' })),
    [['invalid-parameters', '/nodes/0/parameters']],
  ],
  [
    'an invalid version',
    nodes(node('A', { typeVersion: 'latest' })),
    [['invalid-node-field', '/nodes/0/typeVersion']],
  ],
  [
    'a setting that n8n rejects',
    { ...nodes(node('A')), settings: { callerPolicy: 'all' } },
    [['invalid-setting', '/settings/callerPolicy']],
  ],
]

const found = (workflow: JsonObject) =>
  checkStructure(workflow).findings.map(({ code, pointer }): [string, string] => [code, pointer])

/** n8n's response to the unchanged workflow. */
const n8n = await createN8nStub()
async function accepts(workflow: JsonObject): Promise<boolean> {
  const response = await n8n.fetch(`${n8n.baseUrl}/api/v1/workflows`, {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': n8n.apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify(workflow),
  })
  return response.status === 200
}

describe('the structure of a workflow', () => {
  test.each(fixable)('is repaired on request: %s', async (_, workflow, expected, repaired) => {
    const before = structuredClone(workflow)
    expect(found(workflow)).toEqual(expected)
    expect(checkStructure(workflow).workflow).toBe(workflow)
    const codes = expected.map(([code]) => code)
    const { workflow: made, left, applied } = checkStructure(workflow, codes)
    expect(made).toEqual(repaired)
    expect(left).toEqual([])
    expect(applied).toEqual([...new Set(codes)].toSorted())
    expect(found(made)).toEqual([])
    expect(workflow).toEqual(before)
    expect(await accepts(workflow)).toBe(false)
    expect(await accepts(toN8nWorkflow(made).body as unknown as JsonObject)).toBe(true)
  })

  test.each(fixable)('is unchanged without its code: %s', (_, workflow) => {
    expect(checkStructure(workflow, ['another-code']).workflow).toBe(workflow)
  })

  test.each(unfixable)('is an error without a fix: %s', async (_, workflow, expected) => {
    expect(found(workflow)).toEqual(expected)
    const { left } = checkStructure(workflow, 'all')
    expect(left.filter(({ fix }) => fix === undefined).length).toBeGreaterThan(0)
    expect(await accepts(workflow)).toBe(false)
  })

  test('reports the message of n8n', () => {
    const { findings } = checkStructure(wired({ 'id-A': { main: [[to('Gone')]] } }))
    expect(findings).toMatchObject([
      {
        node: 'A',
        fix: { label: 'Connect "A" by name' },
        n8n: 'Workflow structure is invalid. connections.id-A (unknown_connection_source): Connection source "id-A" does not reference an existing node',
      },
      {
        n8n: 'Workflow structure is invalid. connections.id-A.main[0][0].node (unknown_connection_target): Connection target "Gone" does not reference an existing node',
      },
    ])
    expect(findings[1]).not.toHaveProperty('fix')
  })

  test('never assigns a node name that connections already use', () => {
    const { workflow, left } = checkStructure(wired({ A: { main: [[to('Node 3')]] } }, { type: 't' }), 'all')
    expect(workflow.nodes).toMatchObject([{}, {}, { name: 'Node 3 (2)' }])
    expect(left.map(({ code }) => code)).toEqual(['dangling-connection'])
  })

  test('connects a node that was renamed by a repair only if that repair is applied', () => {
    const workflow = wired({ x: { main: [[to('A')]] } }, { type: 't', id: 'x' })
    expect(checkStructure(workflow, ['connection-by-id']).left.map(({ code }) => code)).toEqual([
      'missing-node-name',
      'connection-by-id',
    ])
    const { workflow: made, left } = checkStructure(workflow, ['connection-by-id', 'missing-node-name'])
    expect(made.connections).toEqual({ 'Node 3': { main: [[to('A')]] } })
    expect(left).toEqual([])
  })

  test.each([
    [
      'nulls',
      {
        ...wired(null),
        settings: null,
        nodes: [node('A', { disabled: null, notes: null, parameters: null })],
      },
    ],
    ['only nodes', { nodes: [node('A')] }],
    ['null outputs', wired({ A: { main: [null, [to('B')]], ai_tool: null }, B: null })],
    ['bookkeeping', nodes(node('A', { color: '#fff', position: undefined, id: undefined, foo: 1 }))],
    [
      'n8n’s value for an unset setting',
      { ...nodes(node('A')), settings: { timezone: 'DEFAULT', saveManualExecutions: 'DEFAULT' } },
    ],
    [
      'a node called __proto__',
      { ...wired(JSON.parse('{"__proto__":{"main":[[]]}}')), nodes: [node('__proto__')] },
    ],
  ])('accepts %s', (_, workflow) => {
    expect(found(workflow)).toEqual([])
  })

  test('checks a large workflow full of errors in one pass', () => {
    const count = 30_000
    const sticky = { name: 'S', type: 'n8n-nodes-base.stickyNote', id: 'same' }
    const many = Array.from({ length: count }, (_, index) => ({
      name: `N${index}`,
      id: `i${index}`,
      type: 't',
    }))
    const connections = Object.fromEntries(
      many.map(({ id }, index) => [id, { main: [[to(`i${count - 1 - index}`)]] }]),
    )
    const workflow = { nodes: [...many, ...many.map(() => ({ ...sticky }))], connections }
    const { findings, left, workflow: made } = checkStructure(workflow, 'all')
    expect(findings).toHaveLength(200)
    expect(left).toEqual([])
    expect(found(made)).toEqual([])
  })
})
