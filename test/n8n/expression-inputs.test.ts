import { describe, expect, test } from 'vitest'
import { createIntern, ExpressionInputs } from '../../src/n8n/reading/expression-inputs.ts'
import { WorkflowGraph } from '../../src/n8n/reading/workflow-graph.ts'

interface Node {
  name: string
  type?: string
  parameters?: object
  disabled?: boolean
}
type Link = [from: string, to: string, type?: string]

function graph(nodes: Node[], links: Link[]): WorkflowGraph {
  const connections: Record<string, Record<string, object[][]>> = {}
  for (const [from, to, type = 'main'] of links) {
    connections[from] ??= {}
    connections[from][type] ??= [[]]
    connections[from][type][0]?.push({ node: to, type, index: 0 })
  }
  return new WorkflowGraph({ nodes: nodes.map((node) => ({ type: 'x.code', ...node })), connections })
}

/** Whether the expression of the last node has the same inputs in both. */
function isSame(expression: string, before: [Node[], Link[]], after: [Node[], Link[]]): boolean {
  const intern = createIntern()
  const [a, b] = [before, after].map(([nodes, links]) =>
    new ExpressionInputs(graph(nodes, links), intern).signature(nodes.length - 1, [expression]),
  )
  return a === b
}

const links: Link[] = [
  ['Start', 'Config'],
  ['Config', 'Shape'],
  ['Shape', 'Call'],
  ['Call', 'After'],
]
function nodes(changed: Record<string, Partial<Node>> = {}): Node[] {
  const types: Record<string, string> = { Start: 'n8n-nodes-base.scheduleTrigger' }
  return ['Start', 'Config', 'Shape', 'After', 'Aside', 'Call'].map((name) => ({
    name,
    type: types[name] ?? 'n8n-nodes-base.code',
    parameters: { text: name },
    ...changed[name],
  }))
}
const other = { parameters: { text: 'other' } }

describe('the inputs of an expression', () => {
  test.each<[string, string, Record<string, Partial<Node>>, boolean]>([
    ['the previous node', '={{ $json.url }}', { Shape: other }, false],
    ['a node further up', '={{ $json.url }}', { Config: other }, false],
    ['a disabled node', '={{ $input.item.json.url }}', { Config: { disabled: true } }, false],
    ['nothing', '={{ $json.url }}', {}, true],
    ['the node itself', '={{ $json.url }}', { Call: other }, true],
    ['a node behind it', '={{ $json.url }}', { After: other }, true],
    ['a parallel node', '={{ $json.url }}', { Aside: other }, true],
    ['the schedule', '={{ $json.url }}', { Start: other }, true],
    ['a referenced node', "={{ $('Config').first().json.url.trim() }}", { Config: other }, false],
    ['a node without a reference', "={{ $('Config').first().json.url.trim() }}", { Shape: other }, true],
    ['a parallel node with a reference', '={{ $node["Aside"].json.url }}', { Aside: other }, false],
    ['a node referenced with a dot', '={{ $node.Aside.json.url }}', { Aside: other }, false],
    ['a node in $items', '={{ $items("Aside")[0].json.url }}', { Aside: other }, false],
    ['a node with a computed name', '={{ $($json.node).first().json.url }}', { Aside: other }, false],
    ['its own parameters', '={{ $parameter.text }}', { Call: other }, false],
    ['an unknown variable', '={{ $unknown.text }}', { Call: other }, false],
    ['only variables', '={{ $vars.base }}/{{ $env.PATH }}', { Shape: other, Config: other }, true],
    ['a placeholder that an agent fills in', 'https://{host}/x', { Shape: other }, false],
    ['no expression', 'api.test/x', { Shape: other }, true],
  ])('are compared: %s (%s)', (_, expression, changed, same) => {
    expect(isSame(expression, [nodes(), links], [nodes(changed), links])).toBe(same)
  })

  test('include the nodes that earlier nodes reference', () => {
    const code = { Shape: { parameters: { jsCode: "return $('Aside').all()" } } }
    const python = { Shape: { parameters: { code: 'return _("Aside").all()' } } }
    for (const named of [code, python]) {
      expect(
        isSame('={{ $json.url }}', [nodes(named), links], [nodes({ ...named, Aside: other }), links]),
      ).toBe(false)
    }
    const computed = { Shape: { parameters: { jsCode: 'return $(name).all()' } } }
    expect(
      isSame('={{ $json.url }}', [nodes(computed), links], [nodes({ ...computed, After: other }), links]),
    ).toBe(false)
  })

  test('are equal after a rename, but not with another source', () => {
    const renamed = nodes().map((node) => (node.name === 'Config' ? { ...node, name: 'Settings' } : node))
    const rewired: Link[] = [
      ['Start', 'Settings'],
      ['Settings', 'Shape'],
      ['Shape', 'Call'],
      ['Call', 'After'],
    ]
    expect(isSame('={{ $json.url }}', [nodes(), links], [renamed, rewired])).toBe(true)
    expect(isSame('={{ $json.url }}', [nodes(), links], [nodes(), [...links, ['Aside', 'Call']]])).toBe(false)
  })

  test('include loops and the inputs of an agent', () => {
    const loop: Link[] = [...links, ['After', 'Shape']]
    expect(isSame('={{ $json.url }}', [nodes(), loop], [nodes({ After: other }), loop])).toBe(false)
    expect(isSame('={{ $json.url }}', [nodes(), loop], [nodes({ Aside: other }), loop])).toBe(true)
    const tool: Link[] = [
      ['Config', 'Shape'],
      ['Call', 'Shape', 'ai_tool'],
    ]
    expect(isSame('={{ $fromAI("url") }}', [nodes(), tool], [nodes({ Config: other }), tool])).toBe(false)
    expect(isSame('={{ $fromAI("url") }}', [nodes(), tool], [nodes({ Aside: other }), tool])).toBe(true)
  })

  test('are found in a large workflow with many expressions', () => {
    const size = 5000
    const many = Array.from({ length: size }, (_, index) => ({ name: `N${index}`, parameters: { index } }))
    const chain: Link[] = many.slice(1).map(({ name }, index) => [`N${index}`, name])
    const inputs = new ExpressionInputs(graph(many, chain), createIntern())
    const found = many.map((_, index) => inputs.signature(index, ['={{ $json.url }}']))
    expect(new Set(found).size).toBe(size)
  })
})
