import { describe, expect, test } from 'vitest'
import { ExpressionConstants } from '../../src/n8n/reading/expression-constants.ts'
import { WorkflowGraph } from '../../src/n8n/reading/workflow-graph.ts'

const set = (name: string, parameters: object, more: object = {}) => ({
  name,
  type: 'n8n-nodes-base.set',
  typeVersion: 3.4,
  parameters,
  ...more,
})
const assigned = (...list: [string, unknown, string?][]) => ({
  assignments: { assignments: list.map(([name, value, type = 'string']) => ({ name, value, type })) },
})
const base = assigned(['base', 'https://a.test'])
const call = { name: 'Call', type: 'n8n-nodes-base.httpRequest' }

function fillIn(expression: string, nodes: object[] = [set('Config', base)]): string {
  const all = [...nodes, call]
  const connections = Object.fromEntries(
    nodes.map((node) => [
      'name' in node ? String(node.name) : '',
      { main: [[{ node: 'Call', type: 'main', index: 0 }]] },
    ]),
  )
  return new ExpressionConstants(new WorkflowGraph({ nodes: all, connections })).fillIn(
    nodes.length,
    expression,
  )
}

describe('an expression that reads a constant of a Set node', () => {
  test.each([
    ["={{ $('Config').item.json.base }}/x", '=https://a.test/x'],
    ["={{$('Config').first().json['base']}}/x", '=https://a.test/x'],
    ['={{ $("Config").last().json.base }}/{{ $json.id }}', '=https://a.test/{{ $json.id }}'],
    ['={{ $(`Config`).all()[0].json.base }}', '=https://a.test'],
    ['={{ $node["Config"].json.base }}/x', '=https://a.test/x'],
    ['={{ $json.base }}/x', '=https://a.test/x'],
    ['={{ $json["base"] + "/x" }}', '={{ "https://a.test"+ "/x" }}'],
    ['={{ $input.item.json.base }}/x', '=https://a.test/x'],
    ['={{ `${$json.base}/x/${$json.id}` }}', '={{ `https://a.test/x/${$json.id}` }}'],
    ['={{ $json.id }}{{ $json.base }}', '={{ $json.id }}https://a.test'],
  ])('%s becomes %s', (expression, filled) => {
    expect(fillIn(expression)).toBe(filled)
  })

  test.each([
    '={{ $json.base.trim() }}',
    '={{ $json.other }}',
    '={{ $json.base.deeper }}',
    '={{ $json.base ?? $json.other }}',
    '={{ $json.base || "https://b.test" }}',
    '={{ !$json.base }}',
    "={{ $('Other').item.json.base }}",
    "={{ $('Config').item.binary.base }}",
    '={{ $vars.base }}/x',
    '{{ $json.base }}/x',
    '={{ $json.base',
  ])('%s stays unchanged', (expression) => {
    expect(fillIn(expression)).toBe(expression)
  })

  const expression = '={{ $json.base }}/x'
  test.each<[string, object, object?]>([
    ['computed', assigned(['base', '={{ $json.x }}'])],
    ['not a string', assigned(['base', 7, 'number'])],
    ['an expression itself', assigned(['base', '{{ x }}'])],
    ['set more than once', assigned(['base', 'https://a.test'], ['base', 'https://b.test'])],
    ['set below another field', assigned(['base', 'https://a.test'], ['base.x', 'b'])],
    ['below', assigned(['base.x', 'https://a.test'])],
    ['next to a computed name', assigned(['base', 'https://a.test'], ['={{ $json.name }}', 'b'])],
    ['next to a path', assigned(['base', 'https://a.test'], ['["base"]', 'b'])],
    ['from a disabled node', base, { disabled: true }],
    ['from a node that continues after an error', base, { onError: 'continueErrorOutput' }],
    ['from a node that always continues', base, { continueOnFail: true }],
    ['from a node with a computed mode', { ...base, mode: '={{ $json.mode }}' }],
    ['left over from another mode', { ...base, mode: 'raw', jsonOutput: '{}' }],
    ['without a typeVersion', base, { typeVersion: undefined }],
    ['from another node type', base, { type: 'n8n-nodes-base.code' }],
  ])('that is %s stays unchanged', (_, parameters, more) => {
    expect(fillIn(expression, [set('Config', parameters, more)])).toBe(expression)
  })

  test.each<[string, object, object?]>([
    [
      'version 3',
      { fields: { values: [{ name: 'base', stringValue: 'https://a.test' }] } },
      { typeVersion: 3.2 },
    ],
    ['version 1', { values: { string: [{ name: 'base', value: 'https://a.test' }] } }, { typeVersion: 1 }],
    ['JSON', { mode: 'raw', jsonOutput: '{"base":"https://a.test"}' }],
    ['JSON as an expression', { mode: 'raw', jsonOutput: '={"base":"https://a.test"}' }],
  ])('is resolved from a Set node of %s', (_, parameters, more) => {
    expect(fillIn(expression, [set('Config', parameters, more)])).toBe('=https://a.test/x')
  })

  test('is resolved from nested JSON', () => {
    const json = { mode: 'raw', jsonOutput: '{"api":{"base":"https://a.test"}}' }
    expect(fillIn('={{ $json.api.base }}/x', [set('Config', json)])).toBe('=https://a.test/x')
  })

  test('is resolved if all inputs agree', () => {
    const other = assigned(['base', 'https://b.test'])
    expect(fillIn(expression, [set('A', base), set('B', base)])).toBe('=https://a.test/x')
    expect(fillIn(expression, [set('A', base), set('B', other)])).toBe(expression)
    expect(fillIn("={{ $('A').item.json.base }}/x", [set('A', base), set('A', other)])).toBe(
      "={{ $('A').item.json.base }}/x",
    )
  })

  test('takes time linear in its length', () => {
    const parts = 50_000
    for (const part of ['{{ $json.base }}', "{{$('", '{{ ', '{{$json["', '{{ $json.a.a', '{{`${$json.base']) {
      expect(fillIn(`=${part.repeat(parts)}`).length).toBeGreaterThan(parts)
    }
  })
})
