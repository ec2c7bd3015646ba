/** The engine of edits: every operation, what it refuses, renames, layout, and random workflows. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/lib/json-object.ts'
import { applyEdits } from '../../../src/workflows/edits/apply.ts'
import type { EditFailure } from '../../../src/workflows/edits/failure.ts'
import type { EditOperation } from '../../../src/workflows/edits/operations.ts'
import { sentencesOf } from '../../../src/workflows/edits/sentences.ts'
import { fuzzedWorkflow, randomJson } from '../../check/fuzz.ts'
import { pick } from '../../check/mutations.ts'
import { seeded } from '../../harness/random.ts'

interface TestNode extends JsonObject {
  name: string
  parameters: JsonObject
  position: [number, number]
}
interface TestWorkflow extends JsonObject {
  nodes: TestNode[]
  connections: Record<string, Record<string, ({ node: string; type: string; index: number }[] | null)[]>>
}

const node = (name: string, parameters: JsonObject = {}, more: JsonObject = {}): TestNode => ({
  id: `id-${name}`,
  name,
  type: 'n8n-nodes-base.set',
  typeVersion: 3,
  position: [0, 0],
  parameters,
  ...more,
})
const chain = (...nodes: TestNode[]): TestWorkflow => ({
  nodes,
  connections: Object.fromEntries(
    nodes
      .slice(0, -1)
      .map(({ name }, index) => [
        name,
        { main: [[{ node: nodes[index + 1]?.name ?? '', type: 'main', index: 0 }]] },
      ]),
  ),
})

function edited(workflow: JsonObject, ...operations: EditOperation[]): TestWorkflow {
  const result = applyEdits(workflow, operations, { newId: () => 'new' })
  if (result.failure) throw new Error(result.failure.message)
  return result.workflow as TestWorkflow
}

function failure(workflow: JsonObject, ...operations: EditOperation[]): EditFailure {
  const result = applyEdits(workflow, operations)
  if (!result.failure) throw new Error('The edits were applied')
  return result.failure
}

describe('setParameter', () => {
  const at = (parameters: JsonObject, pointer: string, value: unknown) =>
    edited(chain(node('A', parameters)), { op: 'setParameter', node: 'A', pointer, value }).nodes[0]
      ?.parameters

  test.each<[string, JsonObject, string, unknown, JsonObject]>([
    ['sets a member', { a: 1 }, '/a', 2, { a: 2 }],
    ['creates missing objects', {}, '/options/timeout', 5, { options: { timeout: 5 } }],
    ['creates missing lists', {}, '/values/-/name', 'x', { values: [{ name: 'x' }] }],
    ['appends to a list', { a: [1] }, '/a/-', 2, { a: [1, 2] }],
    ['replaces an item', { a: [1, 2] }, '/a/0', 3, { a: [3, 2] }],
    ['removes an item', { a: [1, 2, 3] }, '/a/1', null, { a: [1, 3] }],
    ['removes a member', { a: 1, b: 2 }, '/a', null, { b: 2 }],
    ['replaces all parameters', { a: 1 }, '', { b: 2 }, { b: 2 }],
    ['reads escaped members', { 'a/b~c': 1 }, '/a~1b~0c', 2, { 'a/b~c': 2 }],
    ['sets the empty member', {}, '/', 1, { '': 1 }],
  ])('%s', (_, before, pointer, value, after) => {
    expect(at(before, pointer, value)).toEqual(after)
  })

  test('treats __proto__ as any other member', () => {
    const parameters = at({}, '/__proto__/polluted', true)
    expect(JSON.stringify(parameters)).toBe('{"__proto__":{"polluted":true}}')
    expect(({} as JsonObject).polluted).toBeUndefined()
  })

  test.each<[string, string, unknown, string, string]>([
    ['a member of a text', '/url/x', 1, 'invalid-pointer', 'is a value without members'],
    ['an index beyond the list', '/list/5', 1, 'invalid-pointer', 'has 1 items'],
    ['the removal of a missing member', '/ulr', null, 'unknown-parameter', 'It has url, list'],
    ['a pointer that repeats parameters', '/parameters/url', 1, 'invalid-pointer', 'use /url'],
    ['a value for all parameters that is no object', '', 1, 'invalid-pointer', 'a JSON object'],
  ])('refuses %s', (_, pointer, value, code, message) => {
    const workflow = chain(node('A', { url: 'x', list: [1] }))
    const refused = failure(workflow, { op: 'setParameter', node: 'A', pointer, value })
    expect(refused.code).toBe(code)
    expect(refused.message).toContain(message)
  })
})

describe('replaceText', () => {
  const code = 'const total = 1\nreturn total * 2'
  const replaced = (find: string, replace: string, all?: boolean): EditOperation => ({
    op: 'replaceText',
    node: 'A',
    pointer: '/jsCode',
    find,
    replace,
    ...(all !== undefined && { all }),
  })
  const workflow = chain(node('A', { jsCode: code, count: 1 }))

  test('replaces the only occurrence, or every one', () => {
    expect(edited(workflow, replaced('* 2', '* $&')).nodes[0]?.parameters.jsCode).toBe(
      code.replace('2', () => '$&'),
    )
    const every = edited(workflow, replaced('total', 'sum', true))
    expect(every.nodes[0]?.parameters.jsCode).toBe('const sum = 1\nreturn sum * 2')
  })

  test('sees earlier renames, and later ones see the new text', () => {
    const naming = chain(node('A', { jsCode: "return $('B').all()" }), node('B'))
    const result = edited(
      naming,
      { op: 'renameNode', node: 'B', name: 'C' },
      replaced("$('C').all()", "[$('C').first()]"),
      { op: 'renameNode', node: 'C', name: 'D' },
    )
    expect(result.nodes[0]?.parameters.jsCode).toBe("return [$('D').first()]")
  })

  test('refuses a part that is missing or not unique, a value that is not text, and a text that grows too long', () => {
    expect(failure(workflow, replaced('sum', 'x')).code).toBe('text-not-found')
    expect(failure(workflow, replaced('total', 'x')).code).toBe('text-not-unique')
    expect(failure(workflow, { ...replaced('1', 'x'), pointer: '/count' } as EditOperation).code).toBe(
      'invalid-pointer',
    )
    expect(
      failure(workflow, { ...replaced('1', 'x'), pointer: '/jsCod' } as EditOperation).message,
    ).toContain('Did you mean "jsCode"?')
    const doubling = Array.from({ length: 60 }, () => replaced('a', 'aa', true))
    expect(failure(chain(node('A', { jsCode: 'a' })), ...doubling).code).toBe('invalid-structure')
  })
})

describe('renameNode', () => {
  const awkward = `It's "q" \\ \`\${x}\` }} */ {{ \n é 漢`

  test('follows in expressions, code, connections, pinned and static data', () => {
    const workflow = {
      ...chain(
        node('A'),
        node('B', {
          text: `={{ $('A').item.json.x + $node["A"].json.y + $node.A.json.z + $items("A")[0] }} and {{ $("A") }}`,
          nested: { list: ['={{ $(`A`).first() }}', "$('A') is text"] },
          jsCode: "return $('A').all() // $('AB')",
          pythonCode: 'return _("A").all()',
          html: "<b>{{ $('A').item.json.x }}</b>",
        }),
      ),
      pinData: { A: [{ json: {} }] },
      staticData: { 'node:A': { x: 1 } },
    }
    const { nodes, connections, ...rest } = edited(workflow, { op: 'renameNode', node: 'A', name: 'Z z' })
    expect(nodes[1]?.parameters).toEqual({
      text: `={{ $('Z z').item.json.x + $node["Z z"].json.y + $node["Z z"].json.z + $items("Z z")[0] }} and {{ $("Z z") }}`,
      nested: { list: ['={{ $(`Z z`).first() }}', "$('A') is text"] },
      jsCode: "return $('Z z').all() // $('AB')",
      pythonCode: 'return _("Z z").all()',
      html: "<b>{{ $('Z z').item.json.x }}</b>",
    })
    expect(Object.keys(connections)).toEqual(['Z z'])
    expect(rest).toEqual({ pinData: { 'Z z': [{ json: {} }] }, staticData: { 'node:Z z': { x: 1 } } })
  })

  test('keeps code valid with any name, and comes back', () => {
    const parameters = {
      jsCode: `const a = $('A').all() /* $('A') */; const b = "see $('A')"; return [{ json: { a, b, c: $node.A } }]`,
    }
    const workflow = chain(node('A'), node('B', parameters))
    const renamed = edited(workflow, { op: 'renameNode', node: 'A', name: awkward })
    const read: string[] = []
    // oxlint-disable-next-line typescript/no-implied-eval -- the code must run as n8n runs it
    const run = new Function('$', '$node', String(renamed.nodes[1]?.parameters.jsCode))
    const found = { all: () => read.push('all') }
    run(
      (name: string) => (name === awkward ? found : undefined),
      new Proxy({}, { get: (_, name) => read.push(String(name)) }),
    )
    expect(read).toEqual(['all', awkward])
    const back = edited(renamed, { op: 'renameNode', node: awkward, name: 'A' })
    expect(back).toEqual(
      edited(workflow, {
        op: 'setParameter',
        node: 'B',
        pointer: '/jsCode',
        value: parameters.jsCode.replace('$node.A', '$node["A"]'),
      }),
    )
  })

  test('swaps two names', () => {
    const workflow = chain(node('A'), node('B'), node('C', { x: "={{ $('A') }}{{ $('B') }}" }))
    const swapped = edited(
      workflow,
      { op: 'renameNode', node: 'A', name: 'T' },
      { op: 'renameNode', node: 'B', name: 'A' },
      { op: 'renameNode', node: 'T', name: 'B' },
    )
    expect(swapped.nodes.map(({ name }) => name)).toEqual(['B', 'A', 'C'])
    expect(swapped.nodes[2]?.parameters.x).toBe("={{ $('B') }}{{ $('A') }}")
    expect(swapped.connections.B?.main).toEqual([[{ node: 'A', type: 'main', index: 0 }]])
  })

  test('reads a new expression with the names at its place in the list', () => {
    const set = (value: string): EditOperation => ({ op: 'setParameter', node: 'C', pointer: '/x/0', value })
    const workflow = chain(node('A'), node('C', { x: ["={{ $('A') }}", "={{ $('A').b }}"] }))
    const result = edited(
      workflow,
      { op: 'renameNode', node: 'A', name: 'B' },
      set("={{ $('B').new }}"),
      { op: 'addNode', node: node('A', {}, { id: 'other' }) },
      { op: 'setParameter', node: 'C', pointer: '/y', value: "={{ $('A') }}" },
      { op: 'renameNode', node: 'B', name: 'D' },
    )
    expect(result.nodes[1]?.parameters).toEqual({
      x: ["={{ $('D').new }}", "={{ $('D').b }}"],
      y: "={{ $('A') }}",
    })
    const removed = edited(
      workflow,
      { op: 'renameNode', node: 'A', name: 'B' },
      { op: 'setParameter', node: 'C', pointer: '/x/0', value: null },
    )
    expect(removed.nodes[1]?.parameters.x).toEqual(["={{ $('B').b }}"])
  })

  test('refuses a taken name and a name that n8n does not allow', () => {
    const workflow = chain(node('A'), node('B'), node('B1'))
    expect(failure(workflow, { op: 'renameNode', node: 'A', name: 'B' })).toEqual({
      index: 0,
      code: 'name-taken',
      pointer: '/name',
      message: 'A node is already named "B". Use another name, such as "B2"',
    })
    expect(failure(workflow, { op: 'renameNode', node: 'A', name: 'Constructor' }).code).toBe(
      'restricted-name',
    )
  })
})

describe('nodes', () => {
  test('addNode keeps what is given and fills in what n8n requires', () => {
    const result = applyEdits(
      chain(node('A')),
      [{ op: 'addNode', node: { name: 'B', type: 't', onError: 'continueRegularOutput' } }],
      { newId: () => 'new', typeVersion: () => 7 },
    )
    expect(result.failure ?? (result.workflow as TestWorkflow).nodes[1]).toEqual({
      id: 'new',
      name: 'B',
      type: 't',
      typeVersion: 7,
      parameters: {},
      position: [0, 160],
      onError: 'continueRegularOutput',
    })
  })

  test('removeNode removes connections and pinned data, and reconnects on request', () => {
    const workflow = { ...chain(node('A'), node('B'), node('C')), pinData: { B: [] } }
    const removed = edited(workflow, { op: 'removeNode', node: 'B' })
    expect([removed.nodes.length, removed.connections, removed.pinData]).toEqual([
      2,
      { A: { main: [[]] } },
      {},
    ])
    const reconnected = edited(workflow, { op: 'removeNode', node: 'B', reconnect: true })
    expect(reconnected.connections).toEqual({ A: { main: [[{ node: 'C', type: 'main', index: 0 }]] } })
  })

  test('replaceNode keeps name, ID, position and connections', () => {
    const workflow = chain(
      node('A', { a: 1 }, { credentials: { x: { name: 'y' } }, position: [5, 5] }),
      node('B'),
    )
    const replaced = edited(workflow, {
      op: 'replaceNode',
      node: 'A',
      with: { type: 'other', typeVersion: 2, parameters: { b: 1 } },
    })
    expect(replaced.nodes[0]).toEqual({
      id: 'id-A',
      name: 'A',
      type: 'other',
      typeVersion: 2,
      position: [5, 5],
      parameters: { b: 1 },
    })
    expect(replaced.connections).toEqual(workflow.connections)
    const renamed = edited(workflow, { op: 'replaceNode', node: 'B', with: { name: 'C', type: 'other' } })
    expect(renamed.connections.A?.main).toEqual([[{ node: 'C', type: 'main', index: 0 }]])
  })

  test('enable, disable, properties, credentials, pinned data, settings and the name', () => {
    const workflow = { ...chain(node('A')), settings: { timezone: 'UTC', executionOrder: 'v1' } }
    const operations: EditOperation[] = [
      { op: 'disableNode', node: 'A' },
      { op: 'setNodeProperty', node: 'A', property: 'onError', value: 'continueErrorOutput' },
      { op: 'setNodeProperty', node: 'A', property: 'notes', value: null },
      { op: 'setCredential', node: 'A', type: 'slackApi', credential: { name: 'Bot' } },
      { op: 'setPinData', node: 'A', items: [{ json: { a: 1 } }] },
      { op: 'setSettings', settings: { timezone: null, timeout: 5 } },
      { op: 'setName', name: 'Renamed' },
    ]
    const result = applyEdits(workflow, operations)
    expect(result).toMatchObject({
      name: 'Renamed',
      workflow: {
        nodes: [
          {
            disabled: true,
            onError: 'continueErrorOutput',
            credentials: { slackApi: { id: null, name: 'Bot' } },
          },
        ],
        pinData: { A: [{ json: { a: 1 } }] },
        settings: { executionOrder: 'v1', timeout: 5 },
      },
    })
    const back = edited(result.failure ? {} : result.workflow, { op: 'enableNode', node: 'A' })
    expect(back.nodes[0]).not.toHaveProperty('disabled')
  })

  test('finds a node by its ID if names are not unique', () => {
    const workflow = chain(node('A'), node('A', {}, { id: 'second' }))
    expect(failure(workflow, { op: 'disableNode', node: 'A' }).code).toBe('ambiguous-node')
    expect(edited(workflow, { op: 'disableNode', node: 'second' }).nodes[1]?.disabled).toBe(true)
  })
})

describe('connections', () => {
  const workflow = chain(node('A'), node('B'), node('C'))

  test('connect and disconnect by type, output and input', () => {
    const more = edited(
      workflow,
      { op: 'connect', from: 'A', to: 'C', output: 1, input: 2 },
      { op: 'connect', from: 'C', to: 'A', type: 'ai_tool' },
    )
    expect(more.connections.A?.main).toEqual([
      [{ node: 'B', type: 'main', index: 0 }],
      [{ node: 'C', type: 'main', index: 2 }],
    ])
    expect(more.connections.C).toEqual({ ai_tool: [[{ node: 'A', type: 'ai_tool', index: 0 }]] })
    const less = edited(
      more,
      { op: 'disconnect', from: 'A', to: 'C' },
      { op: 'disconnect', from: 'A', to: 'B' },
    )
    expect(less.connections.A?.main).toEqual([[], []])
  })

  test('refuse a connection that exists, and the removal of one that does not', () => {
    expect(failure(workflow, { op: 'connect', from: 'A', to: 'B' }).code).toBe('already-connected')
    const reverse = failure(workflow, { op: 'disconnect', from: 'B', to: 'A' })
    expect([reverse.code, reverse.message]).toEqual([
      'not-connected',
      '"B" has no such connection to "A". The connection goes in the other direction: swap from and to',
    ])
    expect(failure({ nodes: [node('A')], connections: [] }, { op: 'connect', from: 'A', to: 'A' }).code).toBe(
      'invalid-structure',
    )
  })
})

test('places new nodes right of their source and below their agent, without overlaps', () => {
  const operations: EditOperation[] = ['B', 'C', 'D', 'Model', 'Alone'].map((name) => ({
    op: 'addNode',
    node: { name, type: 't' },
  }))
  operations.push(
    { op: 'connect', from: 'C', to: 'D' },
    { op: 'connect', from: 'A', to: 'B' },
    { op: 'connect', from: 'A', to: 'C' },
    { op: 'connect', from: 'Model', to: 'D', type: 'ai_languageModel' },
  )
  const { nodes } = edited(chain(node('A')), ...operations)
  expect(nodes.map(({ name, position }) => [name, ...position])).toEqual([
    ['A', 0, 0],
    ['B', 224, 0],
    ['C', 224, 160],
    ['D', 448, 160],
    ['Model', 448, 368],
    ['Alone', 0, 528],
  ])
})

/** Operations on nodes that may exist, with any value. */
function randomOperation(random: () => number): EditOperation {
  const name = () => pick(random, ['A', 'B', 'C', 'D', '__proto__', 'constructor', `a'b"c\\`])
  const value = () => randomJson(random)
  const json = () => ({ name: name(), type: 't', parameters: value() }) as JsonObject
  const pointer = () =>
    pick(random, ['', '/a', '/a/b', '/a/0', '/a/-', '/__proto__/x', '/url', '/options/-/x'])
  const index = () => pick(random, [undefined, 0, 1, 7])
  const type = () => pick(random, [undefined, 'main', 'ai_tool', '__proto__'])
  const link = () => ({ from: name(), to: name(), type: type(), output: index(), input: index() })
  return pick<() => EditOperation>(random, [
    () => ({ op: 'addNode', node: json() }),
    () => ({ op: 'removeNode', node: name(), reconnect: random() < 0.5 }),
    () => ({ op: 'replaceNode', node: name(), with: json() }),
    () => ({ op: 'renameNode', node: name(), name: name() }),
    () => ({ op: 'renameNode', node: name(), name: name() }),
    () => ({ op: 'moveNode', node: name(), position: [random() * 100, 0] }),
    () => ({ op: 'enableNode', node: name() }),
    () => ({ op: 'disableNode', node: name() }),
    () => ({ op: 'setParameter', node: name(), pointer: pointer(), value: value() }),
    () => ({ op: 'setParameter', node: name(), pointer: pointer(), value: `={{ $('${name()}').x }}` }),
    () => ({ op: 'replaceText', node: name(), pointer: pointer(), find: '=', replace: "={{ $('A') }}" }),
    () => ({ op: 'setNodeProperty', node: name(), property: 'notes', value: pick(random, [null, 'x', 1]) }),
    () => ({
      op: 'setCredential',
      node: name(),
      type: '__proto__',
      credential: pick(random, [null, { name: 'x' }]),
    }),
    () => ({ op: 'connect', ...link() }),
    () => ({ op: 'disconnect', ...link() }),
    () => ({ op: 'setPinData', node: name(), items: pick(random, [null, [{ json: {} }]]) }),
    () => ({ op: 'setSettings', settings: { a: value(), __proto__: value() } }),
    () => ({ op: 'setName', name: 'x' }),
  ])()
}

test('sentences name what each operation does', () => {
  expect(
    sentencesOf([
      { op: 'addNode', node: { name: 'Send', type: 'n8n-nodes-base.slack' } },
      { op: 'removeNode', node: 'A' },
      { op: 'replaceNode', node: 'A', with: { type: 'n8n-nodes-base.gmail' } },
      { op: 'renameNode', node: 'A', name: 'B' },
      { op: 'setParameter', node: 'HTTP Request', pointer: '/options/time~1out', value: 1 },
      { op: 'setParameter', node: 'A', pointer: '/url', value: null },
      { op: 'setParameter', node: 'A', pointer: '', value: {} },
      { op: 'setCredential', node: 'A', type: 'slackApi', credential: { name: 'Bot' } },
      { op: 'connect', from: 'If', to: 'B', output: 1 },
      { op: 'disconnect', from: 'Model', to: 'Agent', type: 'ai_languageModel' },
      { op: 'setSettings', settings: { timezone: 'UTC', timeout: null } },
    ]),
  ).toEqual([
    'Added Send (slack)',
    'Removed A',
    'Replaced A with gmail',
    'Renamed A to B',
    'Set options.time/out of HTTP Request',
    'Removed url of A',
    'Set all parameters of A',
    'Set the slackApi credential of A to Bot',
    'Connected If (output 1) to B',
    'Disconnected Model from Agent (ai_languageModel)',
    'Changed settings: timezone, timeout',
  ])
  const many = Array.from({ length: 25 }, (): EditOperation => ({ op: 'enableNode', node: 'A' }))
  expect(sentencesOf(many).slice(-2)).toEqual(['Enabled A', '5 more'])
})

test('several removals give the same workflow as one after the other', () => {
  const random = seeded(43)
  let applied = 0
  for (let round = 0; round < 500; round += 1) {
    const nodes = ['A', 'B', 'C', 'D', 'E', 'F'].map((name) => node(name))
    const link = () => ({ node: pick(random, nodes).name, type: 'main', index: Math.floor(random() * 2) })
    const workflow: TestWorkflow = {
      nodes,
      connections: Object.fromEntries(
        nodes.map(({ name }) => [name, { main: [[link()], random() < 0.5 ? [link(), link()] : null] }]),
      ),
    }
    const operations = nodes
      .filter(() => random() < 0.5)
      .map(({ name }): EditOperation => ({ op: 'removeNode', node: name, reconnect: random() < 0.8 }))
    let each: JsonObject | undefined = workflow
    for (const operation of operations) {
      const next: ReturnType<typeof applyEdits> | undefined = each && applyEdits(each, [operation])
      each = next?.failure ? undefined : next?.workflow
    }
    const result = applyEdits(workflow, operations)
    expect(result.failure ? undefined : result.workflow).toEqual(each)
    if (each) applied += 1
  }
  expect(applied).toBeGreaterThan(100)
})

test('never throws on any JSON, does not change its input, and gives the same result each time', () => {
  const random = seeded(41)
  let applied = 0
  for (let round = 0; round < 4_000; round += 1) {
    const workflow = fuzzedWorkflow(random, ['set', 'code', 'if'])
    const before = JSON.stringify(workflow)
    const operations = Array.from({ length: 1 + Math.floor(random() * 4) }, () => randomOperation(random))
    const options = { newId: () => 'new' }
    const result = applyEdits(workflow, operations, options)
    expect(JSON.stringify(workflow)).toBe(before)
    expect(applyEdits(workflow, operations, options)).toEqual(result)
    expect(sentencesOf(operations)).toHaveLength(operations.length)
    if (!result.failure) applied += 1
  }
  expect(applied).toBeGreaterThan(200)
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('200 renames rewrite 40,000 references in one pass', () => {
  const names = Array.from({ length: 200 }, (_, index) => `N${index}`)
  const text = names.map((name) => `{{ $('${name}').item.json.x }}`).join('')
  const workflow = chain(...names.map((name) => node(name, { text: `=${text}` })))
  const renames: EditOperation[] = names.map((name) => ({ op: 'renameNode', node: name, name: `${name}!` }))
  const { nodes } = edited(workflow, ...renames)
  expect(nodes.every(({ parameters }) => parameters.text === `=${text.replaceAll(/(N\d+)/g, '$1!')}`)).toBe(
    true,
  )
})
