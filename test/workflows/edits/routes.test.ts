/** Edits over HTTP: versions, conflicts, rebase, findings and history. */
import { describe, expect, test } from 'vitest'
import { type TestUser, useTestApp } from '../../harness/app.ts'

const world = useTestApp()

const node = (name: string, type: string, parameters: object, x: number) => ({
  id: name,
  name,
  type: `n8n-nodes-base.${type}`,
  typeVersion: type === 'httpRequest' ? 4.2 : 1.2,
  position: [x, 0],
  parameters,
})
const workflow = {
  name: 'Sample',
  nodes: [
    node('Daily', 'scheduleTrigger', { rule: { interval: [{ field: 'days' }] } }, 0),
    node('Fetch', 'httpRequest', { url: 'https://example.com' }, 220),
    node('Report', 'httpRequest', { url: "={{ $('Fetch').item.json.url }}" }, 440),
  ],
  connections: {
    Daily: { main: [[{ node: 'Fetch', type: 'main', index: 0 }]] },
    Fetch: { main: [[{ node: 'Report', type: 'main', index: 0 }]] },
  },
  settings: {},
}

interface Saved {
  id: string
  user: TestUser
  edit: (operations: object[], more?: object, ifMatch?: string) => ReturnType<TestUser['call']>
  // oxlint-disable-next-line no-explicit-any -- tests read what they expect
  read: () => Promise<any>
}

async function saved(): Promise<Saved> {
  const user = await world.user()
  const { json } = await user.call('POST', '/v1/workflows', {
    body: { workflow, prompt: 'Report daily', model: 'gpt-5' },
  })
  const path = `/v1/workflows/${json.id}`
  return {
    id: json.id,
    user,
    edit: (operations, more = {}, ifMatch = '"1"') =>
      user.call('POST', `${path}/edits`, {
        body: { operations, ...more },
        headers: { 'If-Match': ifMatch },
      }),
    read: async () => (await user.call('GET', path)).json,
  }
}

const url = (value: string, name = 'Fetch') => ({ op: 'setParameter', node: name, pointer: '/url', value })

describe('POST /v1/workflows/{id}/edits', () => {
  test('creates a version with the edits, the prompt and the model', async () => {
    const { id, user, edit, read } = await saved()
    const operations = [
      url('https://example.org'),
      { op: 'addNode', node: { name: 'Note', type: 'n8n-nodes-base.set' } },
      { op: 'connect', from: 'Report', to: 'Note' },
    ]
    const answer = await edit(operations, { prompt: 'Add a note', model: 'claude' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('ETag')).toBe('"2"')
    expect(answer.json).toMatchObject({
      version: 2,
      stored: true,
      diff: {
        from: 1,
        to: 2,
        added: ['Note'],
        removed: [],
        changed: [{ node: 'Fetch', paths: ['parameters.url'] }],
        connections: {
          added: [{ from: 'Report', to: 'Note', output: 0, input: 0, type: 'main' }],
          removed: [],
        },
        fields: ['prompt', 'model'],
      },
    })
    const stored = await read()
    expect(stored).toMatchObject({ version: 2, prompt: 'Add a note', model: 'claude', nodeCount: 4 })
    expect(stored.workflow.nodes[3]).toMatchObject({ name: 'Note', position: [664, 0], parameters: {} })
    expect(stored.workflow.nodes[3].typeVersion).toBeGreaterThan(3)
    const versions = await user.call('GET', `/v1/workflows/${id}/versions`)
    expect(versions.json.items.map(({ edits }: { edits: unknown }) => edits)).toEqual([
      ['Set url of Fetch', 'Added Note (set)', 'Connected Report to Note'],
      null,
    ])
    const version = await user.call('GET', `/v1/workflows/${id}/versions/2`)
    expect(version.json).toMatchObject({ operations, parent: 1 })
    expect((await user.call('GET', `/v1/workflows/${id}/versions/1`)).json.operations).toBeNull()
  })

  test('stores nothing if one operation fails, and names it', async () => {
    const { edit, read } = await saved()
    const answer = await edit([url('https://example.org'), url('https://example.org', 'Fetc')])
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({
      code: 'invalid-edit',
      operation: { index: 1, code: 'unknown-node' },
      errors: [{ pointer: '/operations/1/node', detail: 'No node is named "Fetc". Did you mean "Fetch"?' }],
    })
    expect(await read()).toMatchObject({ version: 1, workflow })
  })

  test('does not store a dry run', async () => {
    const { edit, read } = await saved()
    const answer = await edit([{ op: 'removeNode', node: 'Fetch' }], { dryRun: true })
    expect(answer.json).toMatchObject({
      version: 1,
      stored: false,
      diff: { from: 1, to: 2, removed: ['Fetch'] },
    })
    expect(answer.json.findings[0]).toMatchObject({
      code: 'unknown-node-reference',
      node: 'Report',
      isNew: true,
    })
    expect(await read()).toMatchObject({ version: 1, workflow })
  })

  test('marks only the findings that the edits caused', async () => {
    const { edit } = await saved()
    expect((await edit([url('', 'Report')])).json.findings).toMatchObject([{ node: 'Report', isNew: true }])
    const later = await edit([url('', 'Fetch'), { op: 'removeNode', node: 'Daily' }], {}, '"2"')
    const marks = later.json.findings.map((each: { code: string; node?: string; isNew: boolean }) => [
      each.node,
      each.code,
      each.isNew,
    ])
    expect(marks).toContainEqual(['Fetch', 'missing-parameter', true])
    expect(marks).toContainEqual(['Report', 'missing-parameter', false])
  })

  test('creates no version for edits that change nothing', async () => {
    const { edit } = await saved()
    const answer = await edit([url('https://example.com')])
    expect(answer.json).toMatchObject({ version: 1, stored: false, diff: { from: 1, to: 1 } })
  })

  test('requires If-Match', async () => {
    const { id, user } = await saved()
    const { status, json } = await user.call('POST', `/v1/workflows/${id}/edits`, {
      body: { operations: [url('https://example.org')] },
    })
    expect([status, json.code]).toEqual([428, 'precondition-required'])
  })

  test('rejects an unknown operation with the list of operations', async () => {
    const { edit } = await saved()
    const { status, json } = await edit([{ op: 'updateNode', node: 'Fetch' }])
    expect([status, json.code]).toEqual([422, 'invalid'])
    expect(json.errors).toEqual([
      { pointer: '/operations/0/op', detail: expect.stringContaining('Use one of addNode, removeNode') },
    ])
  })

  test.each([[[]], [Array.from({ length: 201 }, () => url('x'))]])(
    'takes 1 to 200 operations',
    async (list) => {
      const { edit } = await saved()
      expect((await edit(list)).status).toBe(422)
    },
  )
})

describe('edits of an earlier version', () => {
  const other = { op: 'setNodeProperty', node: 'Report', property: 'retryOnFail', value: true }

  test('are refused with the current version and whether they apply', async () => {
    const { edit } = await saved()
    await edit([url('https://example.org')])
    const applies = await edit([other])
    expect(applies.status).toBe(412)
    expect(applies.json).toMatchObject({
      code: 'version-conflict',
      currentVersion: 2,
      applies: true,
      reason: null,
    })
    const touching = await edit([url('https://example.net')])
    expect(touching.json).toMatchObject({
      currentVersion: 2,
      applies: false,
      reason: 'The node "Fetch" changed since then',
    })
  })

  test('are applied to the current version with rebase', async () => {
    const { edit, read } = await saved()
    await edit([url('https://example.org')])
    const answer = await edit([other], { rebase: true })
    expect(answer.json).toMatchObject({ version: 3, rebasedFrom: 1, diff: { from: 2, to: 3 } })
    const { nodes } = (await read()).workflow
    expect([nodes[1].parameters.url, nodes[2].retryOnFail]).toEqual(['https://example.org', true])
  })

  test.each<[string, object[], object[], string]>([
    ['a node', [url('https://a.example')], [url('https://b.example')], 'node "Fetch"'],
    [
      'a value that they set to what it was',
      [url('https://a.example')],
      [url('https://example.com')],
      'node "Fetch"',
    ],
    [
      'a connection of a node',
      [{ op: 'disconnect', from: 'Fetch', to: 'Report' }],
      [url('https://b.example', 'Report')],
      'node "Report"',
    ],
    [
      'a name',
      [{ op: 'renameNode', node: 'Fetch', name: 'Get' }],
      [url('https://b.example')],
      'node "Fetch"',
    ],
    [
      'a node that refers to a renamed one',
      [url('=x', 'Report')],
      [{ op: 'renameNode', node: 'Fetch', name: 'Get' }],
      'node "Report"',
    ],
    [
      'a node to which a new expression refers',
      [{ op: 'renameNode', node: 'Daily', name: 'Hourly' }],
      [{ op: 'setParameter', node: 'Report', pointer: '/url', value: "={{ $('Daily').item.json.a }}" }],
      'node "Daily"',
    ],
    [
      'settings',
      [{ op: 'setSettings', settings: { timezone: 'UTC' } }],
      [{ op: 'setSettings', settings: { timezone: 'Europe/Berlin' } }],
      'settings of the workflow',
    ],
    [
      'a position',
      [{ op: 'moveNode', node: 'Fetch', position: [0, 100] }],
      [{ op: 'moveNode', node: 'Fetch', position: [0, 200] }],
      'position of node "Fetch"',
    ],
  ])('are refused if the versions since then changed %s', async (_, theirs, mine, what) => {
    const { edit, read } = await saved()
    expect((await edit(theirs)).status).toBe(200)
    const before = await read()
    const { status, json } = await edit(mine, { rebase: true })
    expect(status).toBe(412)
    expect(json.reason).toContain(`${what} changed since then`)
    expect(await read()).toEqual(before)
  })

  test('apply if the versions since then only moved the node', async () => {
    const { edit, read } = await saved()
    await edit([{ op: 'moveNode', node: 'Fetch', position: [0, 100] }])
    expect((await edit([url('https://b.example')], { rebase: true })).status).toBe(200)
    expect((await read()).workflow.nodes[1]).toMatchObject({
      position: [0, 100],
      parameters: { url: 'https://b.example' },
    })
  })

  test('do not apply if an operation fails on the current version', async () => {
    const { edit } = await saved()
    await edit([{ op: 'addNode', node: { name: 'New', type: 'n8n-nodes-base.set' } }])
    const { json } = await edit([{ op: 'addNode', node: { name: 'New', type: 'n8n-nodes-base.wait' } }], {
      rebase: true,
    })
    expect(json).toMatchObject({ code: 'version-conflict', applies: false })
  })

  test('apply to any version with If-Match: *', async () => {
    const { edit } = await saved()
    await edit([url('https://a.example')])
    expect((await edit([url('https://b.example')], {}, '*')).json).toMatchObject({ version: 3, stored: true })
  })
})
