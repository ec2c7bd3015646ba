/** @module Draws the graph of any workflow JSON. FLOWKEEP_CORPUS may name a folder with more workflows to draw. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { GraphCard } from '../../../src/web/workflows/graph/graph.tsx'
import { drawEdges } from '../../../src/web/workflows/graph/edges.ts'
import { textWidth, wrapLabel } from '../../../src/web/workflows/graph/label.ts'
import { extent, placeLabels } from '../../../src/web/workflows/graph/labels.ts'
import { layOut } from '../../../src/web/workflows/graph/layout.ts'
import type { NodeMark } from '../../../src/web/workflows/graph/marks.ts'
import { readGraph } from '../../../src/web/workflows/graph/model.ts'
import { type Dom, parsePage } from '../../harness/dom.ts'
import { outputLabels } from '../../../src/web/workflows/graph/node-outputs.ts'
import type { GraphState } from '../../../src/web/workflows/graph/view-state.ts'

type Json = Record<string, unknown>

const node = (name: string, type: string, position: unknown = [0, 0], more: Json = {}) => ({
  id: `id-${name}`,
  name,
  type: type.includes('.') ? type : `n8n-nodes-base.${type}`,
  typeVersion: 1,
  position,
  parameters: {},
  ...more,
})
const ai = (short: string) => `@n8n/n8n-nodes-langchain.${short}`
const to = (name: string, index = 0, type = 'main') => ({ node: name, type, index })

/** The drawn elements with the class. */
const drawn = ({ document }: Dom, className: string) => [...document.querySelectorAll(`svg .${className}`)]
/** The number of separate lines in the only path with the class. */
const linesIn = (page: Dom, selector: string) => {
  const [path, ...others] = page.document.querySelectorAll(selector)
  expect(others).toEqual([])
  return path?.getAttribute('d')?.match(/M/g)?.length ?? 0
}
const listIn = ({ table, allByRole }: Dom) =>
  allByRole('table').length === 0 ? [] : table('Nodes, from left to right').slice(1)

const initial: GraphState = { path: '/workflows/1', zoom: 'auto', node: null, find: '' }

function render(
  workflow: Json,
  marks = new Map<string, NodeMark[]>(),
  state: Partial<GraphState> = {},
): string {
  const element: { toString: () => string } = (
    <GraphCard
      id="g"
      note="v1"
      title="Test"
      graph={readGraph(workflow)}
      marks={marks}
      state={{ ...initial, ...state }}
      workflow={workflow}
    />
  )
  return element.toString()
}

/** Pairs of boxes that overlap by more than the rounding of positions. */
function overlapsIn(boxes: { x: number; y: number; width: number; height: number }[]): number {
  const sorted = boxes.toSorted((a, b) => a.x - b.x)
  let overlaps = 0
  for (const [index, a] of sorted.entries()) {
    for (const b of sorted.slice(index + 1)) {
      if (b.x >= a.x + a.width - 1) break
      if (a.y < b.y + b.height - 1 && b.y < a.y + a.height - 1) overlaps += 1
    }
  }
  return overlaps
}

/** Expects that every node is inside the graph, no number is NaN, and no two nodes or names overlap. */
function expectSound(workflow: Json) {
  const graph = readGraph(workflow)
  const layout = layOut(graph)
  const drawn = drawEdges(graph, layout)
  expect(layout.nodes).toHaveLength(graph.nodes.length)
  for (const box of [...layout.nodes, ...layout.notes]) {
    expect(Object.values(box).every((value) => Number.isFinite(value))).toBe(true)
    expect(box.x).toBeGreaterThanOrEqual(0)
    expect(box.y).toBeGreaterThanOrEqual(0)
    expect(box.x + box.width).toBeLessThanOrEqual(drawn.width)
    expect(box.y + box.height).toBeLessThanOrEqual(drawn.height)
  }
  expect(overlapsIn(layout.nodes)).toBe(0)
  const names = placeLabels(graph, layout).flatMap(({ name }, index) =>
    name && graph.nodes[index]?.shape !== 'root' ? [extent(name)] : [],
  )
  expect(overlapsIn([...layout.nodes, ...names])).toBe(0)
  const html = render(workflow)
  expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/)
  const page = parsePage(html)
  expect(page.injected).toEqual([])
  return { graph, layout, page }
}

const agent = {
  nodes: [
    node('Chat', ai('chatTrigger'), [0, 0]),
    node('Agent', ai('agent'), [220, 0]),
    node('Model', ai('lmChatOpenAi'), [180, 220]),
    node('Memory', ai('memoryBufferWindow'), [300, 220]),
    node('Search', ai('toolVectorStore'), [420, 220]),
    node('Reply', 'slack', [600, 0], { disabled: true }),
  ],
  connections: {
    Chat: { main: [[to('Agent')]] },
    Agent: { main: [[to('Reply')]] },
    Model: { ai_languageModel: [[to('Agent', 0, 'ai_languageModel')]] },
    Memory: { ai_memory: [[to('Agent', 0, 'ai_memory')]] },
    Search: { ai_tool: [[to('Agent', 0, 'ai_tool')]] },
  },
}

describe('the graph', () => {
  test('draws an agent as a wide node with a diamond for each kind of sub-node, and sub-nodes as circles', () => {
    const { graph, page } = expectSound(agent)
    expect(graph.nodes.map(({ shape }) => shape)).toEqual(['plain', 'root', 'sub', 'sub', 'sub', 'plain'])
    expect(graph.nodes[1]?.ports).toEqual(['ai_languageModel', 'ai_memory', 'ai_tool'])
    expect(linesIn(page, 'path.graph-diamonds')).toBe(3)
    expect(page.document.querySelectorAll('circle.graph-shape')).toHaveLength(3)
    expect(linesIn(page, '.graph-line.sub > path:not(.graph-arrow)')).toBe(3)
  })

  test('uses n8n’s positions, scaled by 0.6', () => {
    const { layout } = expectSound(agent)
    const [chat, , model] = layout.nodes
    expect(layout.fromN8n).toBe(true)
    expect((model?.x ?? 0) - (chat?.x ?? 0)).toBe(180 * 0.6)
    expect((model?.y ?? 0) - (chat?.y ?? 0)).toBe(220 * 0.6)
  })

  test('recognizes a trigger by its type or by the catalogue', () => {
    const workflow = { nodes: [node('Mail', 'emailReadImap'), node('Hook', 'webhook', [220, 0])] }
    expect(readGraph(workflow).nodes.map(({ trigger }) => trigger)).toEqual([false, true])
    const graph = readGraph(workflow, { triggerTypes: ['n8n-nodes-base.emailReadImap'] })
    expect(graph.nodes.map(({ trigger }) => trigger)).toEqual([true, true])
  })

  test('dims a disabled node and labels it in the list', () => {
    const { page } = expectSound(agent)
    expect(page.document.querySelectorAll('.graph-node.off')).toHaveLength(1)
    expect(listIn(page).flatMap(([name, , , state]) => (state === 'Disabled' ? [name] : []))).toEqual([
      expect.stringMatching(/Reply$/),
    ])
  })

  test('links to each zoom level and keeps the selected node', () => {
    const page = parsePage(render(agent, undefined, { zoom: '50', node: 'Reply', find: 'a' }))
    const hrefOf = (name: string) => page.getByRole('link', { name }).getAttribute('href')
    expect(page.getByRole('region', { name: 'Workflow graph' }).getAttribute('data-zoom')).toBe('50')
    expect(hrefOf('Fit')).toBe('?zoom=fit&node=Reply&find=a#graph')
    expect(hrefOf('Auto')).toBe('?node=Reply&find=a#graph')
    expect(page.getByRole('link', { name: '50%' }).getAttribute('aria-current')).toBe('true')
    const close = parsePage(render(agent, undefined, { node: 'Reply' })).getByRole('link', { name: 'Close' })
    expect(close.getAttribute('href')).toBe('/workflows/1#graph')
  })

  test('shows the parameters of the selected node without secrets, and its neighbors', () => {
    const token = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`
    const nodes = agent.nodes.map((each) =>
      each.name === 'Reply'
        ? {
            ...each,
            retryOnFail: true,
            maxTries: 4,
            parameters: {
              text: 'Hello\nthere',
              select: { value: '#general' },
              headers: { parameters: [{ name: 'Authorization', value: `Bearer ${token}` }] },
              note: `<b>the token is ${token}</b>`,
              empty: '',
            },
          }
        : each,
    )
    const html = render({ ...agent, nodes }, undefined, { node: 'Reply' })
    const page = parsePage(html)
    const inspector = page.getByRole('region', { name: /Reply$/ })
    const [type, value, text, retry, from, header] = [
      'Type',
      'select.value',
      'text',
      'Retry',
      'From',
      'headers.parameters.0.value',
    ].map((term) => page.valueOf(term))
    expect(type?.textContent).toBe('n8n-nodes-base.slack v1')
    expect(value?.textContent).toBe('#general')
    expect(text?.textContent).toBe('Hello\nthere')
    expect(retry?.textContent).toBe('up to 4 attempts')
    expect(from?.querySelector('a')?.getAttribute('href')).toBe('?node=Agent#graph')
    expect(header?.textContent).toBe('[redacted]')
    expect(inspector.querySelectorAll('b')).toHaveLength(0)
    expect(html).not.toContain(token)
    expect(drawn(page, 'graph-selected')).toHaveLength(1)
    const none = parsePage(render(agent, undefined, { node: 'Nobody' }))
    expect(none.document.querySelector('.graph-inspector')).toBeNull()
  })

  test('finds nodes by name or type', () => {
    const page = parsePage(render(agent, undefined, { find: 'SLACK' }))
    expect(drawn(page, 'graph-found')).toHaveLength(1)
    expect(page.document.querySelector('details')?.hasAttribute('open')).toBe(true)
    expect(listIn(page)).toEqual([[expect.stringMatching(/Reply$/), 'slack', '–', 'Disabled']])
  })

  test('draws sticky notes behind nodes, without Markdown', () => {
    const note = node('Note', 'stickyNote', [-50, -80], {
      parameters: {
        content: '## Read this\n[docs](https://example.com/a) <b>first</b>',
        width: 400,
        height: 200,
      },
    })
    const { page, layout } = expectSound({ ...agent, nodes: [...agent.nodes, note] })
    expect(layout.notes).toHaveLength(1)
    expect(drawn(page, 'note-h2').map(({ textContent }) => textContent)).toEqual(['Read this'])
    expect(drawn(page, 'graph-note')[0]?.textContent).toContain('docs first')
    const inOrder = page.document.querySelectorAll('.graph-note, .graph-shape')
    expect([...inOrder].map((each) => each.matches('.graph-note')).indexOf(true)).toBe(0)
  })

  test.each([
    [undefined, 1],
    [4, 4],
    ['6', 6],
    [0, 1],
    [8, 1],
    [{}, 1],
    ['#ff0000', 3],
    ['#2266cc', 5],
    ['#808080', 7],
    ['red;fill:url(x)', 1],
  ])('draws a note with the color %j as number %i', (color, number) => {
    const page = parsePage(
      render({
        nodes: [node('Note', 'stickyNote', [0, 0], { parameters: { color } }), node('A', 'noOp')],
      }),
    )
    expect(drawn(page, 'graph-note').map((each) => each.getAttribute('class'))).toEqual([
      `graph-note note-${number}`,
    ])
  })

  test('redacts secrets in notes', () => {
    const content = 'password: hunter2hunter2hunter2'
    expect(
      render({ nodes: [node('Note', 'stickyNote', [0, 0], { parameters: { content } }), node('A', 'noOp')] }),
    ).not.toContain('hunter2')
  })

  test('draws backward connections and loops below the nodes', () => {
    const workflow = {
      nodes: [node('A', 'noOp', [0, 0]), node('B', 'noOp', [220, 0]), node('C', 'noOp', [440, 0])],
      connections: {
        A: { main: [[to('B')]] },
        B: { main: [[to('C'), to('B')]] },
        C: { main: [[to('A')]] },
      },
    }
    const graph = readGraph(workflow)
    const layout = layOut(graph)
    const { lines } = drawEdges(graph, layout)
    const lowest = Math.max(...layout.nodes.map((box) => box.y + box.height))
    const isBack = (path: string) => path.includes('Q')
    expect(lines.map(({ path }) => isBack(path))).toEqual([false, false, true, true])
    for (const { path } of lines.filter((line) => isBack(line.path))) {
      const depths = [...path.matchAll(/V([\d.]+)/g)].map(([, y]) => Number(y))
      expect(Math.max(...depths)).toBeGreaterThan(lowest)
    }
    expectSound(workflow)
  })

  test('shows marks as a glyph, an outline and text in the list and the description', () => {
    const page = parsePage(
      render(
        agent,
        new Map([
          ['Reply', [{ kind: 'fails', note: '38 runs failed here' }]],
          ['Model', [{ kind: 'credential', note: 'No OpenAI credential' }]],
        ]),
      ),
    )
    expect(drawn(page, 'graph-fails')).toHaveLength(1)
    expect(drawn(page, 'mark-fails').length).toBeGreaterThan(0)
    const states = listIn(page).map(([name = '', , , state]) => [name.split(' ').at(-1), state])
    expect(Object.fromEntries(states)).toMatchObject({
      Reply: '38 runs failed here Disabled',
      Model: 'No OpenAI credential',
    })
    expect(page.document.querySelector('desc')?.textContent).toContain('Failing: Reply.')
    expect(page.document.querySelectorAll('.graph-focus')).toHaveLength(1)
  })

  test('escapes names', () => {
    const names = ['<script>alert(1)</script>', '"\'><img src=x>']
    const page = parsePage(
      render({ nodes: [node(names[0] ?? '', 'noOp'), node(names[1] ?? '', 'a<b', [300, 0])] }),
    )
    expect(page.injected).toEqual([])
    for (const name of names)
      expect(page.allByRole('link').map(({ textContent }) => textContent)).toContain(name)
  })
})

describe('output labels', () => {
  test.each<[string, Json, string, number, string[]]>([
    ['a plain node', {}, 'set', 1, ['']],
    ['an IF', {}, 'if', 1, ['true', 'false']],
    ['a current loop', { typeVersion: 3 }, 'splitInBatches', 2, ['done', 'loop']],
    ['an old loop', { typeVersion: 2 }, 'splitInBatches', 2, ['loop', 'done']],
    ['a Switch by number', {}, 'switch', 3, ['0', '1', '2']],
    [
      'a Switch with names and a fallback',
      {
        parameters: {
          rules: { values: [{ outputKey: 'paid' }, {}] },
          options: { fallbackOutput: 'extra' },
        },
      },
      'switch',
      1,
      ['paid', '1', 'fallback'],
    ],
    [
      'a node that continues on errors',
      { onError: 'continueErrorOutput' },
      'httpRequest',
      2,
      ['success', 'error'],
    ],
    ['rules that are not a list', { parameters: { rules: 'x' } }, 'switch', 0, ['']],
    ['a huge number of outputs', {}, 'switch', 1e9, Array.from({ length: 31 }, (_, index) => String(index))],
  ])('of %s', (_, more, short, connected, labels) => {
    expect(outputLabels(more, short, connected)).toEqual(labels)
  })
})

describe('a label', () => {
  test.each([
    ['Short', ['Short']],
    ['Create Linear issue', ['Create Linear', 'issue']],
    ['', ['']],
    ['   two\n words ', ['two words']],
    ['Communication Supervisor', ['Communica…', 'Supervisor']],
    ['send_customer_email', ['send_customer_', 'email']],
    ['sendCustomerEmail', ['sendCustomer', 'Email']],
  ])('%j breaks between words', (name, lines) => {
    expect(wrapLabel(name, name.length > 19 ? 80 : 100, 2)).toEqual(lines)
  })

  test.each([
    ['a'.repeat(256)],
    ['W'.repeat(256)],
    ['word '.repeat(60)],
    ['日本語の長い名前'.repeat(30)],
    ['👩‍👩‍👧‍👦'.repeat(64)],
    ['\u0000\u0007\u2028x'.repeat(60)],
  ])('of 256 characters has at most two lines that fit and end in an ellipsis (%#)', (name) => {
    const lines = wrapLabel(name, 110, 2)
    expect(lines.length).toBeLessThanOrEqual(2)
    expect(lines.at(-1)).toMatch(/…$/)
    for (const line of lines) expect(textWidth(line, 12)).toBeLessThanOrEqual(110 + 12)
  })
})

describe('malformed JSON', () => {
  const chain = (count: number, position: (index: number) => unknown) => ({
    nodes: Array.from({ length: count }, (_, index) => node(`N${index}`, 'noOp', position(index))),
    connections: Object.fromEntries(
      Array.from({ length: count - 1 }, (_, index) => [`N${index}`, { main: [[to(`N${index + 1}`)]] }]),
    ),
  })

  test.each<[string, Json]>([
    ['no nodes', {}],
    ['nodes that are not a list', { nodes: 'x', connections: [] }],
    ['nodes that are not objects', { nodes: [null, 1, 'x', [], node('A', 'noOp')] }],
    [
      'malformed connections',
      {
        nodes: [node('A', 'noOp')],
        connections: {
          A: { main: [null, 'x', [null, 3, { node: 4 }, { node: 'gone' }]], ai_tool: 7 },
          B: null,
        },
      },
    ],
    ['500 nodes at the same position', chain(500, () => [0, 0])],
    ['500 nodes without a position', chain(500, () => undefined)],
    ['500 unconnected nodes', { nodes: chain(500, () => undefined).nodes }],
    ['1,500 nodes in a row', chain(1500, (index) => [index * 200, 0])],
    [
      'positions that are not numbers',
      chain(20, (index) => [Number.NaN, ['x', null, Infinity, {}][index % 4]]),
    ],
    ['positions for half of the nodes', chain(30, (index) => (index % 2 ? [index * 200, 0] : null))],
    ['the largest valid positions', chain(10, (index) => [index * 1e6, -index * 1e6])],
    ['positions beyond the limit', chain(10, (index) => [index * 1e300, 0])],
    [
      'positions as strings and as an object',
      { nodes: [node('A', 'noOp', ['10', '20']), node('B', 'noOp', { x: 300, y: 5 })] },
    ],
    [
      'nodes with the same name',
      {
        nodes: Array.from({ length: 40 }, () => node('Same', 'noOp', [1, 1])),
        connections: { Same: { main: [[to('Same')]] } },
      },
    ],
    ['nodes without a name or type', { nodes: [{}, {}, { name: '' }, { type: 5 }] }],
    [
      'names of 256 characters',
      {
        nodes: Array.from({ length: 20 }, (_, index) =>
          node('n'.repeat(250) + String(index).padStart(6, '0'), 'noOp', [index * 30, 0]),
        ),
      },
    ],
    [
      'names of object properties',
      {
        nodes: ['__proto__', 'constructor', 'toString'].map((name, index) =>
          node(name, 'noOp', [index * 200, 0]),
        ),
        connections: { constructor: { main: [[to('toString')]] } },
      },
    ],
    [
      'every node connected to every node',
      {
        nodes: chain(40, () => undefined).nodes,
        connections: Object.fromEntries(
          Array.from({ length: 40 }, (_, index) => [
            `N${index}`,
            { main: [Array.from({ length: 40 }, (_, other) => to(`N${other}`))] },
          ]),
        ),
      },
    ],
    [
      'out-of-range outputs and inputs',
      {
        nodes: [node('A', 'switch'), node('B', 'merge', [400, 0])],
        connections: {
          A: {
            main: [...Array.from({ length: 500 }, () => null), [to('B', 1e9), to('B', -3), to('B', 0.5)]],
          },
        },
      },
    ],
    [
      'sub-nodes in a cycle',
      {
        nodes: [node('A', ai('toolCode'), null), node('B', ai('toolCode'), null)],
        connections: { A: { ai_tool: [[to('B', 0, 'ai_tool')]] }, B: { ai_tool: [[to('A', 0, 'ai_tool')]] } },
      },
    ],
    [
      'sixty tools for one agent',
      {
        nodes: [
          node('Agent', ai('agent'), null),
          ...Array.from({ length: 60 }, (_, index) => node(`T${index}`, ai('toolCode'), null)),
        ],
        connections: Object.fromEntries(
          Array.from({ length: 60 }, (_, index) => [`T${index}`, { ai_tool: [[to('Agent', 0, 'ai_tool')]] }]),
        ),
      },
    ],
    [
      'sub-nodes of sub-nodes, fifty deep',
      {
        nodes: [
          node('Agent', ai('agent'), null),
          ...Array.from({ length: 50 }, (_, index) => node(`T${index}`, ai('toolVectorStore'), null)),
        ],
        connections: Object.fromEntries(
          Array.from({ length: 50 }, (_, index) => [
            `T${index}`,
            { ai_tool: [[to(index === 0 ? 'Agent' : `T${index - 1}`, 0, 'ai_tool')]] },
          ]),
        ),
      },
    ],
    [
      'notes without nodes',
      { nodes: [node('N', 'stickyNote', null, { parameters: { content: 5, width: -3, height: 'x' } })] },
    ],
  ])('is drawn: %s', (_, workflow) => {
    const { graph, layout } = expectSound(workflow)
    expect(layout.nodes).toHaveLength(graph.nodes.length)
  })

  test('moves the few overlapping nodes and no others', () => {
    const { layout } = expectSound(chain(10, (index) => [Math.min(index, 8) * 200, 0]))
    expect(layout.fromN8n).toBe(true)
    expect(layout.nodes.slice(0, 8).every(({ y }) => y === layout.nodes[0]?.y)).toBe(true)
  })

  test('uses less than 700 bytes for a node of a large graph', () => {
    const size = (count: number) => render(chain(count, (index) => [(index % 20) * 200, index * 10])).length
    expect((size(300) - size(100)) / 200).toBeLessThan(700)
  })

  test('draws 1,000 nodes at most and counts the rest', () => {
    expect(readGraph(chain(1500, () => undefined))).toMatchObject({ omitted: 500 })
  })

  test('places each step to the right of its predecessor without positions', () => {
    const layout = layOut(readGraph(chain(6, () => undefined)))
    const lefts = layout.nodes.map(({ x }) => x)
    expect(layout.fromN8n).toBe(false)
    expect(lefts).toEqual(lefts.toSorted((a, b) => a - b))
    expect(new Set(lefts).size).toBe(6)
  })

  test('places sub-nodes below their root without positions', () => {
    const nodes = agent.nodes.map((each) => ({ ...each, position: null }))
    const { layout } = expectSound({ ...agent, nodes })
    const [, root, ...subs] = layout.nodes
    for (const sub of subs.slice(0, 3)) expect(sub.y).toBeGreaterThan((root?.y ?? 0) + (root?.height ?? 0))
  })
})

const corpus = process.env.FLOWKEEP_CORPUS ?? ''
const noCorpus = !existsSync(corpus)

describe.skipIf(noCorpus)(
  noCorpus ? 'a corpus of workflows (FLOWKEEP_CORPUS is not set)' : 'the workflows in FLOWKEEP_CORPUS',
  () => {
    const files = noCorpus ? [] : readdirSync(corpus).filter((file) => /^[ab]-.*\.json$/.test(file))

    test('are drawn without overlapping nodes', () => {
      expect(files.length).toBeGreaterThan(0)
      for (const file of files) {
        try {
          expectSound(JSON.parse(readFileSync(path.join(corpus, file), 'utf8')))
        } catch (error) {
          throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
        }
      }
    })
  },
)
