/** Edited workflows run in a real n8n: any name of a node works in expressions and code, and new nodes have a place. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chain, node } from './workflows.ts'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const suffix = randomBytes(5).toString('hex')

/** Webhook → fields → code that reads them → response with what the code and an expression read. */
const workflow = (path: string) => ({
  name: `test edits ${path}`,
  nodes: [
    {
      ...node('Hook', 'webhook', 2, [0, 0], { path, responseMode: 'responseNode', options: {} }),
      webhookId: path,
    },
    node('Source', 'set', 3.4, [220, 0], {
      assignments: { assignments: [{ id: 'a', name: 'word', value: 'read', type: 'string' }] },
      options: {},
    }),
    node('Script', 'code', 2, [440, 0], {
      jsCode: [
        "const a = $('Source').first().json.word // $('Source')",
        'const b = $node["Source"].json.word',
        "const c = $items('Source')[0].json.word",
        "return [{ json: { all: [a, b, c].join(' ') } }]",
      ].join('\n'),
    }),
    node('Answer', 'respondToWebhook', 1.1, [660, 0], {
      respondWith: 'text',
      responseBody:
        "={{ $('Script').item.json.all }} {{ $('Source').item.json.word }} {{ $node.Source.json.word }} {{ $node[\"Source\"].json.word }}",
      options: {},
    }),
  ],
  connections: chain('Hook', 'Source', 'Script', 'Answer'),
  settings: { executionOrder: 'v1' },
})

const names: readonly [title: string, name: string][] = [
  ['quotes', `It's a "source"`],
  ['backslashes', String.raw`C:\temp\new`],
  ['braces', 'a }} b {{ c }'],
  ['a template', 'Cost `${x}` $1 $&'],
  ['comments', '*/ // /*'],
  ['other scripts', 'Źródło データ 🚀'],
  ['a line break', 'two\nlines'],
]

onRealN8n()('edits on a real n8n', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close())

  async function answerOf(workflowId: string, path: string): Promise<string> {
    const made = await world.call('POST', '/v1/deployments', { workflowId, instanceId: world.instanceId })
    expect([made.status, made.json.detail]).toEqual([201, undefined])
    const { json } = await until(
      () => world.call('GET', `/v1/deployments/${made.json.id}`),
      (answer) => answer.json.intent === null,
      90_000,
    )
    expect(json).toMatchObject({ status: 'active', error: null })
    return (await fetch(`${n8nUrl}/webhook/${path}`)).text()
  }

  const save = async (path: string): Promise<string> =>
    (await world.call('POST', '/v1/workflows', { workflow: workflow(path) })).json.id

  test.for(names.map(([title, name], index) => [title, name, index] as const))(
    'a node whose name contains %s is found by expressions and code',
    async ([, name, index]) => {
      const path = `edits-${suffix}-${index}`
      const id = await save(path)
      const operations = [{ op: 'renameNode', node: 'Source', name }]
      const edited = await world.call(
        'POST',
        `/v1/workflows/${id}/edits`,
        { operations },
        { 'If-Match': '"1"' },
      )
      expect(edited.json).toMatchObject({ version: 2, findings: [] })
      expect(await answerOf(id, path)).toBe('read read read read read read')
    },
  )

  test('a node that edits add and connect runs', async () => {
    const path = `edits-${suffix}-added`
    const id = await save(path)
    const value = "={{ $json.all.split(' ')[0] }}!"
    const operations = [
      { op: 'addNode', node: { name: 'Mark', type: 'n8n-nodes-base.set' } },
      {
        op: 'setParameter',
        node: 'Mark',
        pointer: '/assignments/assignments/-',
        value: { id: 'm', name: 'marked', value, type: 'string' },
      },
      { op: 'disconnect', from: 'Script', to: 'Answer' },
      { op: 'connect', from: 'Script', to: 'Mark' },
      { op: 'connect', from: 'Mark', to: 'Answer' },
      { op: 'setParameter', node: 'Answer', pointer: '/responseBody', value: '={{ $json.marked }}' },
      { op: 'replaceText', node: 'Script', pointer: '/jsCode', find: "join(' ')", replace: "join('  ')" },
    ]
    const edited = await world.call(
      'POST',
      `/v1/workflows/${id}/edits`,
      { operations },
      { 'If-Match': '"1"' },
    )
    expect(edited.json).toMatchObject({ version: 2, findings: [] })
    expect(await answerOf(id, path)).toBe('read!')
  })
})
