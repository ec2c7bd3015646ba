import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contentHash } from '../../src/lib/canonical-json.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import {
  caller,
  createCredential,
  createUser,
  createWorkflowServer,
  node,
  slackNode,
  workflowOf,
} from './workflow-server.ts'

let database: TestDatabase
let server: ReturnType<typeof createWorkflowServer>
let userId: string
let call: ReturnType<typeof caller>

beforeAll(async () => {
  database = await createTestDatabase()
  server = createWorkflowServer(database.db)
})
afterAll(() => database.close())

beforeEach(async () => {
  userId = await createUser(database.db)
  call = caller(server.app, userId)
})

const start = node('Start', 'manualTrigger')
const keep = async (body: Record<string, unknown> = {}) => {
  const answer = await call('POST', '/v1/workflows', { workflow: workflowOf('W', start), ...body })
  expect(answer.status).toBe(201)
  return answer.body
}
const only = async (query: string) => ids(await call('GET', `/v1/workflows?${query}`))
const missing = async () => (await call('GET', '/v1/credentials/missing')).body.items
const ids = (answer: { body: { items: { id: string }[] } }) => answer.body.items.map((item) => item.id)

/** A workflow with two versions. */
const twoOf = async () => {
  const made = await keep({ prompt: 'one', tags: ['a'] })
  const change = { prompt: 'two', model: 'm', workflow: workflowOf('W2', start, slackNode('S')) }
  await call('PATCH', `/v1/workflows/${made.id}`, change, { 'If-Match': '"1"' })
  return { made, change, path: `/v1/workflows/${made.id}` }
}

describe('POST /v1/workflows', () => {
  test('stores the JSON and what it requires', async () => {
    const workflow = workflowOf(
      'Tell',
      start,
      slackNode('Tell all'),
      node('Hook', 'webhook', { parameters: { path: 'in' } }),
    )
    const body = { workflow, prompt: 'tell them', model: 'm-1', description: 'd', tags: [' b', 'a', 'b'] }
    const { status, headers, body: made } = await call('POST', '/v1/workflows', body)
    expect(status).toBe(201)
    expect(headers.get('Location')).toBe(`/v1/workflows/${made.id}`)
    expect(headers.get('ETag')).toBe('"1"')
    expect(made).toMatchObject({
      name: 'Tell',
      description: 'd',
      prompt: 'tell them',
      model: 'm-1',
      tags: ['a', 'b'],
      version: 1,
      nodeCount: 3,
      nodeTypes: ['n8n-nodes-base.manualTrigger', 'n8n-nodes-base.slack', 'n8n-nodes-base.webhook'],
      requiredCredentialTypes: ['slackApi'],
      triggerTypes: ['n8n-nodes-base.manualTrigger', 'n8n-nodes-base.webhook'],
      contentHash: await contentHash(workflow),
      workflow,
    })
    const read = await call('GET', `/v1/workflows/${made.id}`)
    expect(read.headers.get('ETag')).toBe('"1"')
    expect(read.body).toEqual(made)
  })

  test.each([
    ['the name in the body first', { name: ' Mine ' }, 'In JSON', 'Mine'],
    ['then the name in the n8n JSON', {}, ' In JSON ', 'In JSON'],
    ['the name truncated to the limit', {}, '😀'.repeat(300), '😀'.repeat(200)],
    ['a generated name as the last resort', {}, ' ', 'Untitled workflow'],
    ['a generated name where the JSON has a number', {}, 7, 'Untitled workflow'],
  ])('uses %s', async (_, body, own, name) => {
    const made = await keep({ ...body, workflow: { ...workflowOf('', start), name: own } })
    expect(made.name).toBe(name)
    expect(made.workflow.name).toBe(own)
  })

  test.each([
    ['no workflow', {}, 'invalid', '/workflow'],
    ['a workflow that is not an object', { workflow: [] }, 'invalid', '/workflow'],
    ['no nodes', { workflow: {} }, 'invalid-workflow', '/workflow/nodes'],
    ['a node that is not an object', { workflow: { nodes: [1] } }, 'invalid-workflow', '/workflow/nodes/0'],
    ['an unknown field', { workflow: workflowOf('W'), extra: 1 }, 'invalid', '/extra'],
    ['an empty name', { workflow: workflowOf('W'), name: ' ' }, 'invalid', '/name'],
    ['a long name', { workflow: workflowOf('W'), name: 'n'.repeat(201) }, 'invalid', '/name'],
    ['a null name', { workflow: workflowOf('W'), name: null }, 'invalid', '/name'],
    ['a long prompt', { workflow: workflowOf('W'), prompt: 'p'.repeat(100_001) }, 'invalid', '/prompt'],
    ['a long tag', { workflow: workflowOf('W'), tags: ['ok', 't'.repeat(65)] }, 'invalid', '/tags/1'],
    ['too many tags', { workflow: workflowOf('W'), tags: Array(51).fill('t') }, 'invalid', '/tags'],
    ['U+0000 in the prompt', { workflow: workflowOf('W'), prompt: 'a\0' }, 'invalid', '/prompt'],
    ['an unpaired surrogate in the JSON', { workflow: workflowOf('\ud800') }, 'invalid', '/workflow/name'],
  ])('rejects %s and stores nothing', async (_, body, code, pointer) => {
    const answer = await call('POST', '/v1/workflows', body)
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ code, errors: [expect.objectContaining({ pointer })] })
    expect(ids(await call('GET', '/v1/workflows'))).toEqual([])
  })

  test.each([
    [
      '5,001 nodes',
      { nodes: Array.from({ length: 5_001 }, () => ({})) },
      '/workflow/nodes',
      '5,001 nodes; the limit is 5,000',
    ],
    [
      '40,000 nodes',
      { nodes: Array.from({ length: 40_000 }, () => ({})) },
      '/workflow/nodes',
      '40,000 nodes; the limit is 5,000',
    ],
    ['200,001 values', { nodes: [], x: Array(200_000).fill(1) }, '/workflow', 'more than 200,000 values'],
    [
      '20,001 connections',
      { nodes: [], connections: { a: { main: [Array.from({ length: 20_001 }, () => ({ node: 'a' }))] } } },
      '/workflow/connections',
      '20,001 connections; the limit is 20,000',
    ],
  ])('rejects %s with the limit', async (_, workflow, pointer, detail) => {
    const answer = await call('POST', '/v1/workflows', { workflow })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-workflow' } })
    expect(answer.body.errors).toEqual([{ pointer, detail: expect.stringContaining(detail) }])
  })

  test('stores numbers as n8n reads them and reports changed ones', async () => {
    const body =
      '{"workflow":{"nodes":[{"name":"T","parameters":{"chatId":12345678901234567890,"huge":1e400,"big":1e308}}]}}'
    const made = await call('POST', '/v1/workflows', body)
    expect(made.status).toBe(201)
    const { body: stored } = await call('GET', `/v1/workflows/${made.body.id}`)
    expect(stored.workflow.nodes[0].parameters).toEqual({
      chatId: 12345678901234567000,
      huge: '1e400',
      big: 1e308,
    })
    const pointers = ['/nodes/0/parameters/chatId', '/nodes/0/parameters/huge']
    for (const { warnings } of [made.body, stored]) {
      const inexact = warnings.filter((each: { code: string }) => each.code === 'inexact-number')
      expect(inexact).toMatchObject(pointers.map((pointer) => ({ pointer, node: 'T' })))
    }
  })

  test('parses a workflow from text and reports once what it removed', async () => {
    const text = `Here it is:\n\`\`\`json\n${JSON.stringify(workflowOf('Fenced', start))}\n\`\`\`\nHope it helps`
    const made = await call('POST', '/v1/workflows', { workflow: text })
    expect(made).toMatchObject({ status: 201, body: { name: 'Fenced' } })
    const hint = { code: 'unwrapped-json', level: 'hint', message: expect.stringContaining('a code fence') }
    expect(made.body.warnings).toContainEqual(expect.objectContaining(hint))
    const path = `/v1/workflows/${made.body.id}`
    const read = await call('GET', path)
    expect(JSON.stringify(read.body.warnings)).not.toContain('unwrapped-json')
    const change = { workflow: { data: [workflowOf('Changed', start)] } }
    const changed = await call('PATCH', path, change, { 'If-Match': '"1"' })
    expect(changed.body).toMatchObject({ version: 2, workflow: { name: 'Changed' } })
    expect(changed.body.warnings).toContainEqual(expect.objectContaining({ code: 'unwrapped-json' }))
  })

  test.each([
    ['smart quotes', '{“nodes”: []}', '/workflow', 'replace the typographic quotes'],
    ['a trailing comma', '{"nodes": [],}', '/workflow', 'remove the trailing comma'],
    ['two workflows', [workflowOf('A'), workflowOf('B')], '/workflow', 'contains 2 workflows'],
  ])('rejects a workflow with %s and reports the position', async (_, workflow, pointer, detail) => {
    const answer = await call('POST', '/v1/workflows', { workflow })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-workflow' } })
    expect(answer.body.errors).toEqual([{ pointer, detail: expect.stringContaining(detail) }])
  })

  test('accepts 5,000 nodes', async () => {
    const nodes = Array.from({ length: 5_000 }, (_, index) => ({
      ...start,
      id: `${index}`,
      name: `n${index}`,
    }))
    expect(await keep({ workflow: { nodes, connections: {} } })).toMatchObject({ nodeCount: 5_000 })
  })

  test.each([
    ['invalid JSON', '{"workflow"', 400],
    ['300,000 arrays', `{"workflow":{"nodes":[],"x":[${Array(300_000).fill('[]').join(',')}]}}`, 422],
    ['more than 2 MB', `"${'x'.repeat(2 * 1024 * 1024)}"`, 413],
    ['deep nesting', `{"workflow":{"nodes":[],"x":${'['.repeat(5000)}${']'.repeat(5000)}}}`, 422],
  ])('returns the status for %s', async (_, body, status) => {
    expect((await call('POST', '/v1/workflows', body)).status).toBe(status)
  })

  test('stores nearly 2 MB of JSON with a long prompt in any script', async () => {
    const workflow = { ...workflowOf('Big', start), filler: 'x'.repeat(1_500_000) }
    const made = await keep({ workflow, prompt: '𠀀-𠀁 '.repeat(25_000) })
    expect((await call('GET', `/v1/workflows/${made.id}`)).body.workflow).toEqual(workflow)
  })

  test('returns the same workflow for a repeated request, and 422 for another body with the same key', async () => {
    const headers = { 'Idempotency-Key': 'k-1' }
    const body = { workflow: workflowOf('W', start) }
    const first = await call('POST', '/v1/workflows', body, headers)
    const again = await call('POST', '/v1/workflows', body, headers)
    expect(again).toMatchObject({ status: 201, body: first.body })
    const other = await call('POST', '/v1/workflows', { ...body, name: 'Other' }, headers)
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } })
    expect(ids(await call('GET', '/v1/workflows'))).toEqual([first.body.id])
    await call('DELETE', `/v1/workflows/${first.body.id}`)
    expect((await call('POST', '/v1/workflows', body, headers)).body.code).toBe('conflict')
  })

  test('rejects workflows over the quota', async () => {
    const small = caller(createWorkflowServer(database.db, 1).app, userId)
    const body = { workflow: workflowOf('W', start) }
    expect((await small('POST', '/v1/workflows', body)).status).toBe(201)
    expect(await small('POST', '/v1/workflows', body)).toMatchObject({
      status: 403,
      body: { code: 'quota-exceeded' },
    })
  })
})

describe('GET /v1/workflows', () => {
  test('lists pages newest first, without the JSON and the warnings', async () => {
    const made = []
    for (let i = 0; i < 5; i += 1) made.unshift((await keep()).id)
    const first = await call('GET', '/v1/workflows?limit=2')
    const second = await call('GET', `/v1/workflows?limit=2&cursor=${first.body.nextCursor}`)
    const third = await call('GET', `/v1/workflows?limit=2&cursor=${second.body.nextCursor}`)
    expect([...ids(first), ...ids(second), ...ids(third)]).toEqual(made)
    expect(third.body.nextCursor).toBeNull()
    expect(first.body.items[0]).not.toHaveProperty('workflow')
    expect(first.body.items[0]).not.toHaveProperty('warnings')
    expect(first.body.items[0]).toHaveProperty('nodeTypes')
  })

  test('ends at a limit that is met exactly', async () => {
    await keep()
    expect((await call('GET', '/v1/workflows?limit=1')).body.nextCursor).toBeNull()
  })

  test('ends a page early when the response would exceed the limit of the database', async () => {
    const made = []
    const prompt = `${'€'.repeat(600)} `.repeat(160)
    for (let i = 0; i < 20; i += 1) made.unshift((await keep({ prompt: prompt + i })).id)
    const found: string[] = []
    let cursor: string | null = ''
    let pages = 0
    while (cursor !== null) {
      const answer = await call('GET', `/v1/workflows?limit=100${cursor && `&cursor=${cursor}`}`)
      found.push(...ids(answer))
      cursor = answer.body.nextCursor
      pages += 1
    }
    expect(found).toEqual(made)
    expect(pages).toBeGreaterThan(1)
  })

  test('filters by node type, credential type, tag, content and words together', async () => {
    const slack = await keep({
      workflow: workflowOf('Slack digest', start, slackNode('S')),
      tags: ['team', "o'b\\r"],
    })
    const plain = await keep({ name: 'Plain', prompt: 'Sum up the daily news of n8n.io' })
    expect(await only('nodeType=n8n-nodes-base.slack')).toEqual([slack.id])
    expect(await only('nodeType=n8n-nodes-base.manualTrigger')).toEqual([plain.id, slack.id])
    expect(await only('nodeType=slack')).toEqual([])
    expect(await only('credentialType=slackApi')).toEqual([slack.id])
    expect(await only('tag=team')).toEqual([slack.id])
    expect(await only(`tag=${encodeURIComponent("o'b\\r")}`)).toEqual([slack.id])
    expect(await only(`contentHash=${slack.contentHash}`)).toEqual([slack.id])
    expect(await only('q=DIG')).toEqual([slack.id])
    expect(await only('q=news+dai')).toEqual([plain.id])
    expect(await only('q=n8n.io')).toEqual([plain.id])
    expect(await only('q=news+slack')).toEqual([])
    expect(await only('q=slack&nodeType=n8n-nodes-base.slack&tag=team')).toEqual([slack.id])
    expect(await only('q=plain&tag=team')).toEqual([])
  })

  test.each([
    "'",
    "''",
    "a'b",
    '\\',
    "\\'",
    "a\\' | 'b",
    '&',
    '|',
    '!',
    '<->',
    ':*',
    'a:*',
    'a:b',
    '(',
    ')',
    '((',
    '!!a',
    'a & | b',
    "'; drop table workflows; --",
    '%',
    '_',
    '$1',
    '?',
    '*',
    '"',
    '😀',
    'ß',
    '\u202e',
    '<b>',
    'a\tb\nc',
    '-',
    '--',
    'x-',
    '@@',
    '{}',
    '[',
    '1e9',
    "':*",
    "' & '",
    'http://x.y/z?a=b&c',
    'É',
    '日本',
  ])('finds only the workflow that contains %j, and never fails', async (q) => {
    const workflow = { nodes: [], connections: {} }
    await keep({ name: 'zzz', workflow })
    const holder = await keep({ name: `zz ${q} end`, workflow })
    const answer = await call('GET', `/v1/workflows?q=${encodeURIComponent(q)}`)
    expect(answer.status).toBe(200)
    // Punctuation is not indexed.
    const indexed = /[a-z1ß日É😀]/u.test(q)
    expect(ids(answer)).toEqual(indexed ? [holder.id] : [])
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=x',
    'q=',
    'q=%00',
    'tag=',
    'contentHash=x',
    'other=1',
    'q=a&q=b',
  ])('rejects ?%s', async (query) => {
    expect((await call('GET', `/v1/workflows?${query}`)).status).toBe(422)
  })
})

describe('PATCH /v1/workflows/{id}', () => {
  test('changes the given members, keeps the others and creates the next version', async () => {
    const made = await keep({ prompt: 'p', tags: ['a'], description: 'd' })
    const answer = await call(
      'PATCH',
      `/v1/workflows/${made.id}`,
      { prompt: 'q', description: null },
      { 'If-Match': '"1"' },
    )
    expect(answer.status).toBe(200)
    expect(answer.headers.get('ETag')).toBe('"2"')
    const { updatedAt, ...changed } = answer.body
    expect(changed).toEqual({ ...made, prompt: 'q', description: null, version: 2, updatedAt: undefined })
    expect(updatedAt >= made.createdAt).toBe(true)
    expect((await call('GET', `/v1/workflows/${made.id}`)).body).toEqual(answer.body)
  })

  test('extracts facts from new JSON and keeps the name', async () => {
    const made = await keep({ name: 'Mine' })
    const workflow = workflowOf('Other', slackNode('S'))
    const { body } = await call('PATCH', `/v1/workflows/${made.id}`, { workflow }, { 'If-Match': 'W/"1"' })
    expect(body).toMatchObject({
      name: 'Mine',
      version: 2,
      workflow,
      nodeCount: 1,
      nodeTypes: ['n8n-nodes-base.slack'],
      requiredCredentialTypes: ['slackApi'],
      triggerTypes: [],
      contentHash: await contentHash(workflow),
      warnings: [expect.objectContaining({ code: 'no-trigger' })],
    })
  })

  test.each([
    ['an empty change', {}],
    ['the same values', { name: 'W', prompt: null, tags: ['b', 'a', 'a'] }],
    [
      'the same JSON in another order',
      { workflow: { settings: {}, connections: {}, nodes: [start], name: 'W' } },
    ],
  ])('creates no version for %s', async (_, change) => {
    const made = await keep({ tags: ['a', 'b'] })
    const answer = await call('PATCH', `/v1/workflows/${made.id}`, change, { 'If-Match': '"1"' })
    expect(answer).toMatchObject({ status: 200, body: made })
    const versions = await call('GET', `/v1/workflows/${made.id}/versions`)
    expect(versions.body.items).toHaveLength(1)
    const stale = await call('PATCH', `/v1/workflows/${made.id}`, change, { 'If-Match': '"2"' })
    expect(stale.status).toBe(412)
  })

  test('rejects an outdated version and returns the current one', async () => {
    const { id } = await keep()
    await call('PATCH', `/v1/workflows/${id}`, { name: 'Two' }, { 'If-Match': '"1"' })
    const answer = await call('PATCH', `/v1/workflows/${id}`, { name: 'Lost' }, { 'If-Match': '"1"' })
    expect(answer).toMatchObject({ status: 412, body: { code: 'version-conflict', currentVersion: 2 } })
    expect((await call('GET', `/v1/workflows/${id}`)).body.name).toBe('Two')
  })

  test('accepts * for any version', async () => {
    const { id } = await keep()
    for (const name of ['Two', 'Three']) {
      expect((await call('PATCH', `/v1/workflows/${id}`, { name }, { 'If-Match': '*' })).status).toBe(200)
    }
    expect((await call('GET', `/v1/workflows/${id}`)).body).toMatchObject({ name: 'Three', version: 3 })
  })

  test.each([
    ['no If-Match', undefined, 428],
    ['an invalid If-Match', 'x', 412],
  ])('rejects %s', async (_, ifMatch, status) => {
    const { id } = await keep()
    const answer = await call(
      'PATCH',
      `/v1/workflows/${id}`,
      { name: 'X' },
      ifMatch === undefined ? {} : { 'If-Match': ifMatch },
    )
    expect(answer.status).toBe(status)
  })

  test.each([
    ['a null name', { name: null }, '/name'],
    ['a null workflow', { workflow: null }, '/workflow'],
    ['no nodes', { workflow: { nodes: {} } }, '/workflow/nodes'],
    ['an unknown field', { version: 7 }, '/version'],
  ])('rejects %s and creates no version', async (_, change, pointer) => {
    const { id } = await keep()
    const answer = await call('PATCH', `/v1/workflows/${id}`, change, { 'If-Match': '*' })
    expect(answer).toMatchObject({ status: 422, body: { errors: [expect.objectContaining({ pointer })] } })
    expect((await call('GET', `/v1/workflows/${id}`)).body.version).toBe(1)
  })
})

describe('versions', () => {
  test('are listed newest first with prompt, model and parent, in pages', async () => {
    const { path } = await twoOf()
    await call('PATCH', path, { name: 'Three' }, { 'If-Match': '"2"' })
    const { body } = await call('GET', `${path}/versions`)
    expect(body.nextCursor).toBeNull()
    expect(body.items).toMatchObject([
      { version: 3, parent: 2, prompt: 'two', model: 'm', name: 'Three' },
      { version: 2, parent: 1, prompt: 'two', model: 'm', requiredCredentialTypes: ['slackApi'] },
      { version: 1, parent: null, prompt: 'one', model: null, requiredCredentialTypes: [] },
    ])
    expect(body.items[0]).not.toHaveProperty('workflow')
    const first = await call('GET', `${path}/versions?limit=2`)
    const rest = await call('GET', `${path}/versions?limit=2&cursor=${first.body.nextCursor}`)
    expect([...first.body.items, ...rest.body.items]).toEqual(body.items)
    expect(rest.body.nextCursor).toBeNull()
  })

  test('preserve the earlier content', async () => {
    const { made, change, path } = await twoOf()
    const one = await call('GET', `${path}/versions/1`)
    expect(one.body).toMatchObject({ version: 1, prompt: 'one', tags: ['a'], workflow: made.workflow })
    expect((await call('GET', `${path}/versions/2`)).body.workflow).toEqual(change.workflow)
  })

  test('are compared by node', async () => {
    const { path } = await twoOf()
    expect((await call('GET', `${path}/diff?from=1&to=2`)).body).toEqual({
      from: 1,
      to: 2,
      added: ['S'],
      removed: [],
      changed: [],
      connections: { added: [], removed: [] },
      fields: ['prompt', 'model'],
    })
    expect((await call('GET', `${path}/diff?from=2&to=1`)).body).toMatchObject({ added: [], removed: ['S'] })
    expect((await call('GET', `${path}/diff?from=2&to=2`)).body).toMatchObject({
      added: [],
      removed: [],
      fields: [],
    })
  })

  test('are restored as a new version based on the earlier one', async () => {
    const { made, path } = await twoOf()
    const answer = await call('POST', `${path}/versions/1/restore`, undefined, { 'If-Match': '"2"' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('ETag')).toBe('"3"')
    expect(answer.body).toEqual({ ...made, version: 3, updatedAt: answer.body.updatedAt })
    const { body } = await call('GET', `${path}/versions`)
    expect(
      body.items.map((item: { version: number; parent: number }) => [item.version, item.parent]),
    ).toEqual([
      [3, 1],
      [2, 1],
      [1, null],
    ])
  })

  test('are not created when the current content is restored', async () => {
    const { path } = await twoOf()
    expect(
      (await call('POST', `${path}/versions/2/restore`, undefined, { 'If-Match': '"2"' })).body.version,
    ).toBe(2)
  })

  test.each([
    ['GET', 'versions/3', 404],
    ['GET', 'versions/0', 404],
    ['GET', 'versions/x', 404],
    ['GET', 'diff?from=1&to=3', 404],
    ['GET', 'diff?from=1', 422],
    ['GET', 'diff?from=a&to=2', 422],
    ['GET', 'versions?cursor=1', 422],
    ['POST', 'versions/3/restore', 404],
    ['POST', 'versions/1/restore', 412],
  ])('%s %s returns %i', async (method, end, status) => {
    const { path } = await twoOf()
    expect((await call(method, `${path}/${end}`, undefined, { 'If-Match': '"1"' })).status).toBe(status)
  })

  test('require If-Match to be restored', async () => {
    const { path } = await twoOf()
    expect((await call('POST', `${path}/versions/1/restore`)).status).toBe(428)
  })
})

describe('GET /v1/workflows/{id}/readiness', () => {
  test('lists candidates, and is ready once each slot has exactly one that is not known to be invalid', async () => {
    const { id } = await keep({
      workflow: workflowOf('W', start, slackNode('S1'), slackNode('S2'), node('T', 'telegram')),
    })
    const read = async () => (await call('GET', `/v1/workflows/${id}/readiness`)).body
    const telegram = { type: 'telegramApi', displayName: 'Telegram API', nodes: ['T'], optional: false }
    const slack = { type: 'slackApi', displayName: 'Slack API', nodes: ['S1', 'S2'], optional: false }
    const open = { named: null, status: 'missing', credential: null, reason: null, candidates: [] }
    expect(await read()).toEqual({
      check: expect.objectContaining({ n8nVersion: '2.41' }),
      ready: false,
      slots: [
        { ...open, node: 'S1', type: 'slackApi', displayName: 'Slack API' },
        { ...open, node: 'S2', type: 'slackApi', displayName: 'Slack API' },
        { ...open, node: 'T', type: 'telegramApi', displayName: 'Telegram API' },
      ],
      requirements: [
        { ...slack, satisfied: false, candidates: [] },
        { ...telegram, satisfied: false, candidates: [] },
      ],
      unresolved: [],
      variables: [],
      instanceId: null,
      instances: [],
    })
    await createCredential(database.db, userId, 'telegramApi')
    const bad = await createCredential(database.db, userId, 'slackApi', { name: 'Bad', status: 'invalid' })
    expect(await read()).toMatchObject({
      ready: false,
      requirements: [{ satisfied: false }, { satisfied: true }],
    })
    await database.sql`update credentials set status = 'valid' where id = ${bad}`
    expect(await read()).toMatchObject({
      ready: true,
      slots: [{ status: 'bound', reason: 'only', credential: { id: bad, name: 'Bad' } }, {}, {}],
      requirements: [
        { satisfied: true, candidates: [{ id: bad, name: 'Bad', status: 'valid' }] },
        { satisfied: true },
      ],
    })
    const good = await createCredential(database.db, userId, 'slackApi', { name: 'Good' })
    expect(await read()).toMatchObject({
      ready: false,
      slots: [{ status: 'ambiguous' }, { status: 'ambiguous' }, { status: 'bound' }],
      requirements: [{ satisfied: false, candidates: [{ id: good }, { id: bad }] }, { satisfied: true }],
    })
  })

  test('ignores the credentials of another user', async () => {
    const { id } = await keep({ workflow: workflowOf('W', slackNode('S')) })
    await createCredential(database.db, await createUser(database.db), 'slackApi')
    expect((await call('GET', `/v1/workflows/${id}/readiness`)).body.requirements[0].candidates).toEqual([])
  })

  test('is ready immediately if nothing is required', async () => {
    const { id } = await keep()
    expect((await call('GET', `/v1/workflows/${id}/readiness`)).body).toEqual({
      ready: true,
      slots: [],
      requirements: [],
      check: expect.objectContaining({ n8nVersion: '2.41' }),
      unresolved: [],
      variables: [],
      instanceId: null,
      instances: [],
    })
  })

  test('lists the nodes whose credential type is selected by an expression', async () => {
    const parameters = { authentication: 'genericCredentialType', genericAuthType: '={{ $json.type }}' }
    const { id } = await keep({
      workflow: workflowOf('W', start, node('H', 'httpRequest', { typeVersion: 4.2, parameters })),
    })
    const { body } = await call('GET', `/v1/workflows/${id}/readiness`)
    expect(body).toMatchObject({ ready: true, unresolved: [{ node: 'H', reason: expect.any(String) }] })
  })
})

test('GET /v1/credentials/missing lists each type without a credential, with the workflows that require it', async () => {
  const one = await keep({ name: 'One', workflow: workflowOf('W', slackNode('S'), node('T', 'telegram')) })
  const two = await keep({ name: 'Two', workflow: workflowOf('W', slackNode('S')) })
  const other = caller(server.app, await createUser(database.db))
  await other('POST', '/v1/workflows', { workflow: workflowOf('W', node('G', 'github')) })
  const slack = {
    type: 'slackApi',
    displayName: 'Slack API',
    workflowCount: 2,
    workflows: [
      { id: two.id, name: 'Two' },
      { id: one.id, name: 'One' },
    ],
  }
  const telegram = { type: 'telegramApi', workflowCount: 1, workflows: [{ id: one.id, name: 'One' }] }
  expect(await missing()).toMatchObject([slack, telegram])
  await createCredential(database.db, userId, 'telegramApi')
  expect(await missing()).toEqual([slack])
})

describe("another user's workflow", () => {
  test.each([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['GET', '/versions'],
    ['GET', '/versions/1'],
    ['GET', '/diff?from=1&to=1'],
    ['POST', '/versions/1/restore'],
    ['GET', '/readiness'],
  ])('%s /{id}%s returns the same response as for an unknown one', async (method, end) => {
    const made = await keep()
    const stranger = caller(server.app, await createUser(database.db))
    const body = method === 'PATCH' ? { name: 'Stolen' } : undefined
    const absent = uuidv7()
    const theirs = await stranger(method, `/v1/workflows/${made.id}${end}`, body, { 'If-Match': '*' })
    const none = await stranger(method, `/v1/workflows/${absent}${end}`, body, { 'If-Match': '*' })
    expect(theirs.status).toBe(404)
    expect(JSON.stringify(theirs.body).replaceAll(made.id, absent)).toBe(JSON.stringify(none.body))
    expect((await call('GET', `/v1/workflows/${made.id}`)).body).toEqual(made)
  })

  test('is in none of their lists', async () => {
    await keep({ workflow: workflowOf('W', slackNode('S')), tags: ['t'] })
    const stranger = caller(server.app, await createUser(database.db))
    for (const query of [
      '',
      '?nodeType=n8n-nodes-base.slack',
      '?credentialType=slackApi',
      '?tag=t',
      '?q=W',
    ]) {
      expect((await stranger('GET', `/v1/workflows${query}`)).body).toEqual({ items: [], nextCursor: null })
    }
  })
})

test('DELETE /v1/workflows/{id} removes the workflow with its versions once and writes an audit event', async () => {
  const { id } = await keep()
  expect((await call('DELETE', `/v1/workflows/${id}`)).status).toBe(204)
  for (const [method, end] of [
    ['GET', ''],
    ['GET', '/versions'],
    ['GET', '/versions/1'],
    ['DELETE', ''],
  ] as const) {
    expect((await call(method, `/v1/workflows/${id}${end}`)).status).toBe(404)
  }
  const audit = await database.sql`select action from audit_events where subject_id = ${id} order by id`
  expect(audit.map((row) => row['action'])).toEqual(['workflow.created', 'workflow.deleted'])
})

test.each(['x', '1', '00000000-0000-4000-8000-000000000000', '%00'])(
  'returns 404 for an ID like %s',
  async (id) => {
    expect((await call('GET', `/v1/workflows/${id}`)).status).toBe(404)
  },
)

describe('dataRetentionDays', () => {
  test('is stored, changed without a new version, and cleared', async () => {
    const made = await keep()
    expect(made.dataRetentionDays).toBe(null)
    const path = `/v1/workflows/${made.id}`
    const change = (body: object, match = '"1"') => call('PATCH', path, body, { 'If-Match': match })
    const shorter = await change({ dataRetentionDays: 7 })
    expect(shorter.body).toEqual({ ...made, dataRetentionDays: 7, updatedAt: shorter.body.updatedAt })
    expect(shorter.headers.get('ETag')).toMatch(/^"1-[\w.]+"$/)
    expect((await call('GET', '/v1/workflows?limit=1')).body.items[0].dataRetentionDays).toBe(7)
    expect((await call('GET', `${path}/versions`)).body.items).toHaveLength(1)
    expect((await change({ dataRetentionDays: 8 }, '"2"')).status).toBe(412)
    const both = (await change({ dataRetentionDays: null, prompt: 'new' })).body
    expect(both).toMatchObject({ dataRetentionDays: null, prompt: 'new', version: 2 })
    expect((await change({ dataRetentionDays: 30, prompt: 'new' }, '"2"')).body).toMatchObject({
      dataRetentionDays: 30,
      version: 2,
    })
    expect((await call('GET', `${path}/versions`)).body.items).toHaveLength(2)
  })

  test('is accepted on creation', async () => {
    const { body } = await call('POST', '/v1/workflows', {
      workflow: workflowOf('Short', slackNode('Tell')),
      dataRetentionDays: 1,
    })
    expect(body.dataRetentionDays).toBe(1)
    expect((await call('GET', `/v1/workflows/${body.id}`)).body.dataRetentionDays).toBe(1)
  })

  test.each([0, 3651, 1.5, '7', true])('returns 422 for %j', async (dataRetentionDays) => {
    const { id } = await keep()
    const { status, body } = await call(
      'PATCH',
      `/v1/workflows/${id}`,
      { dataRetentionDays },
      { 'If-Match': '*' },
    )
    expect([status, body.errors[0].pointer]).toEqual([422, '/dataRetentionDays'])
  })
})
