/** What is replaced by a value, what stays, and what becomes a reference again. */
import { describe, expect, test } from 'vitest'
import { withoutVariables, withVariables } from '../../src/environments/substitute.ts'

const values = { URL: 'https://a.example', EMPTY: '', HARD: 'a}}b {{c}} "q" \\ \u2028 .constructor', R: 'eu' }
const inSet = (value: unknown) => ({ name: 'N', type: 'n8n-nodes-base.set', parameters: { value } })
const inCode = (jsCode: string) => ({ name: 'N', type: 'n8n-nodes-base.code', parameters: { jsCode } })

const sentNode = async (node: object) => {
  const { workflow, reads, sent } = await withVariables({ nodes: [node] }, values)
  const [only] = workflow.nodes as { parameters: Record<string, unknown> }[]
  return { parameters: only?.parameters ?? {}, reads, sent }
}
const sentText = async (text: string) => (await sentNode(inSet(text))).parameters['value']
const sentCode = async (text: string) => (await sentNode(inCode(text))).parameters['jsCode']

test.each([
  ['={{ $vars.URL }}', '={{ "https://a.example" }}'],
  ['={{$vars.URL}}', '={{"https://a.example"}}'],
  ["={{ $vars['URL'] }}", '={{ "https://a.example" }}'],
  ['={{ $vars["URL"] }}', '={{ "https://a.example" }}'],
  ['={{ $vars[`URL`] }}', '={{ "https://a.example" }}'],
  ['={{ $vars?.URL }}', '={{ "https://a.example" }}'],
  ['={{ $vars?.["URL"]?.length }}', '={{ "https://a.example"?.length }}'],
  ['={{ ($vars).URL }}', '={{ "https://a.example" }}'],
  ['=a {{ $vars.URL }} b {{ $vars.R }} c', '=a {{ "https://a.example" }} b {{ "eu" }} c'],
  ['={{ `${$vars.URL}/x` }}', '={{ `${"https://a.example"}/x` }}'],
  ['={{ { "u": $vars.URL } }}', '={{ { "u": "https://a.example" } }}'],
  ['={{ { u: $vars.URL } }}', '={{ { u: "https://a.example" } }}'],
  ['={{ $vars.EMPTY || $vars.R }}', '={{ "" || "eu" }}'],
  [
    '={{ $json.a === $vars.R ? [$vars.URL] : $vars.MISSING }}',
    '={{ $json.a === "eu" ? ["https://a.example"] : $vars.MISSING }}',
  ],
  [String.raw`={{ "\}}" + $vars.R }}`, String.raw`={{ "\}}" + "eu" }}`],
  ['={{ /* $vars.URL */ $vars.R }}', '={{ /* $vars.URL */ "eu" }}'],
  ['={{ $vars.R', '={{ "eu"'],
])('%s is sent as %s', async (text, sent) => {
  expect(await sentText(text)).toBe(sent)
})

test.each([
  'Read $vars.URL',
  '{{ $vars.URL }}',
  '= $vars.URL outside',
  '={{ "$vars.URL" }}',
  '={{ "a" /* $vars.URL */ }}',
  '={{ `$vars.URL` }}',
  '={{ $json.$vars.URL }}',
  '={{ { $vars: 1 }.a }}',
  '={{ $vars.URL.. }}',
  '={{ $vars[$json.name] }}',
  '={{ (($vars) => $vars.URL)({}) }}',
  '={{ my$vars.URL }}',
  '={{ $vars.MISSING }}',
  '={{ $vars.url }}',
])('%s stays', async (text) => {
  expect(await sentText(text)).toBe(text)
})

test.each([
  [
    'const u = $vars.URL\nreturn [{ json: { u } }]',
    'const u = "https://a.example"\nreturn [{ json: { u } }]',
  ],
  ['// $vars.URL\nreturn $vars.R', '// $vars.URL\nreturn "eu"'],
  ["return '$vars.URL'", "return '$vars.URL'"],
  ['return `${$vars.R}-$vars.R`', 'return `${"eu"}-$vars.R`'],
  ['const $vars = { R: 1 }\nreturn $vars.R', 'const $vars = { R: 1 }\nreturn $vars.R'],
  ['$vars.R = 1\nreturn []', '$vars.R = 1\nreturn []'],
  ['return {{ $vars.R }}', 'return {{ $vars.R }}'],
  ['const { URL } = $vars\nreturn URL', 'const { URL } = $vars\nreturn URL'],
  ['if (typeof $vars !== "undefined") return $vars.R', 'if (typeof $vars !== "undefined") return "eu"'],
])('the code %j is sent as %j', async (text, sent) => {
  expect(await sentCode(text)).toBe(sent)
})

test('a value with brackets, quotes and line separators is one literal without them', async () => {
  const text = String(await sentText('={{ $vars.HARD }}'))
  const inner = text.slice(3, -2)
  expect(inner).not.toMatch(/[{}\u2028]|\.\s*constructor/)
  expect(JSON.parse(inner)).toBe(values.HARD)
})

test('the stored workflow, other members and nodes without variables are unchanged', async () => {
  const workflow = {
    name: '={{ $vars.URL }}',
    nodes: [inSet('={{ $vars.URL }}'), { ...inSet('plain'), notes: '={{ $vars.URL }}' }],
    settings: { timezone: '$vars.R' },
  }
  const before = structuredClone(workflow)
  const { workflow: sent } = await withVariables(workflow, values)
  expect(workflow).toEqual(before)
  expect(sent).toMatchObject({ name: workflow.name, settings: workflow.settings })
  expect((sent.nodes as object[])[1]).toBe(workflow.nodes[1])
  const plain = { nodes: [inSet('plain')] }
  expect((await withVariables(plain, values)).workflow).toBe(plain)
})

test('nested parameters, sub-workflow tools and queries that evaluate templates are covered', async () => {
  const nodes = [
    {
      name: 'A',
      type: 'n8n-nodes-base.httpRequest',
      parameters: { q: { parameters: [{ name: 'r', value: '={{ $vars.R }}' }] } },
    },
    { name: 'B', type: 'n8n-nodes-base.postgres', parameters: { query: 'select {{ $vars.R }}' } },
    { name: 'C', type: '@n8n/n8n-nodes-langchain.toolCode', parameters: { jsCode: 'return $vars.R' } },
    {
      name: 'D',
      type: '@n8n/n8n-nodes-langchain.code',
      parameters: { code: { execute: { code: 'return $vars.R' } } },
    },
    { name: 'E', type: 'n8n-nodes-base.stickyNote', parameters: { content: '{{ $vars.R }}' } },
  ]
  const { workflow } = await withVariables({ nodes }, values)
  expect(JSON.stringify(workflow.nodes).match(/\\"eu\\"/g)).toHaveLength(4)
  expect((workflow.nodes as unknown[])[4]).toMatchObject({ parameters: { content: '{{ $vars.R }}' } })
})

test('reads name the variables, those without a value, and computed names', async () => {
  const { reads, sent } = await sentNode(inSet('={{ $vars.R + $vars.MISSING + $vars[$json.x] + $vars.R }}'))
  const at = { node: 'N', pointer: '/nodes/0/parameters/value' }
  expect(reads).toEqual([
    { name: 'R', ...at },
    { name: 'MISSING', ...at },
    { name: null, ...at },
  ])
  expect(sent).toEqual({ R: 'eu', MISSING: null })
})

describe('a node from n8n', () => {
  const node = {
    name: 'N',
    type: 'n8n-nodes-base.set',
    parameters: { a: '={{ $vars.R }}', b: '={{ $vars.SAME }}', list: ['={{ $vars.URL }}/x', 'old'] },
  }

  test('gets its references back where the text is as sent, even moved or renamed', async () => {
    const substituted = await withVariables({ nodes: [node] }, { ...values, SAME: 'eu' })
    const [sent] = substituted.workflow.nodes as (typeof node)[]
    const edited = structuredClone(sent ?? node)
    edited.parameters.list = ['new', '={{ "https://a.example" }}/x', '={{ "https://a.example" }}/y']
    expect(withoutVariables(edited, substituted).parameters).toEqual({
      a: '={{ $vars.R }}',
      b: '={{ $vars.SAME }}',
      list: ['new', '={{ $vars.URL }}/x', '={{ "https://a.example" }}/y'],
    })
    // Two variables had the same value, so the text alone does not tell which one.
    expect(withoutVariables({ ...edited, name: 'M' }, substituted).parameters).toMatchObject({
      a: '={{ "eu" }}',
      list: ['new', '={{ $vars.URL }}/x', '={{ "https://a.example" }}/y'],
    })
  })

  test('keeps a text that was written like the value of a variable', async () => {
    const written = { ...node, parameters: { a: '={{ $vars.R }}', b: '={{ "eu" }}' } }
    const substituted = await withVariables({ nodes: [written, { ...inSet('x'), name: 'O' }] }, values)
    const sent = { a: '={{ "eu" }}', b: '={{ "eu" }}', c: 'edited' }
    expect(withoutVariables({ ...node, parameters: sent }, substituted).parameters).toEqual({
      a: '={{ $vars.R }}',
      b: '={{ "eu" }}',
      c: 'edited',
    })
  })
})

test('a long template takes linear time', async () => {
  const text = `=${'{{ $vars.R }} '.repeat(20_000)}`
  expect(String(await sentText(text))).toHaveLength(1 + 20_000 * '{{ "eu" }} '.length)
})
