/** @module Tests the search: every kind of object by name, text or ID, and only the user's own. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { search } from '../../src/search/search.ts'
import { createWorld, type World } from '../executions/world.ts'
import { createTestDatabase } from '../harness/database.ts'

const pages = [
  { label: 'Audit trail', href: '/audit', keywords: 'log' },
  { label: 'New credential', href: '/credentials/new', keywords: 'add secret' },
]

let world: World
let mine: Awaited<ReturnType<typeof fill>>
let theirs: Awaited<ReturnType<typeof fill>>

/** Creates one object of each kind, with the same names for every user. */
async function fill() {
  const tracked = await world.tracked()
  const { body } = await tracked.report({
    executionId: '4711',
    workflowId: 'wf1',
    startedAt: new Date().toISOString(),
    status: 'success',
  })
  const credential = await world.credential(tracked.userId, 'slackApi')
  await world.sql`update credentials set name = 'Slack of the team' where id = ${credential}`
  await world.sql`update instances set name = 'Production' where id = ${tracked.instanceId}`
  const error = `fingerprint of ${tracked.userId}`
  await world.sql`insert into error_groups (user_id, fingerprint, recorded_month, message, http_status)
    values (${tracked.userId}, ${error}, '2026-01-01', 'Quota exceeded', 429)`
  return {
    userId: tracked.userId,
    ids: {
      workflow: tracked.workflowId,
      credential,
      instance: tracked.instanceId,
      deployment: tracked.deploymentId,
      execution: String(body.id),
      error,
    },
  }
}

beforeAll(async () => {
  world = createWorld(await createTestDatabase())
  mine = await fill()
  theirs = await fill()
})
afterAll(() => world.close())

const found = async (userId: string, text: string) =>
  (await search(world.db.read, userId, text)).groups.flatMap(({ hits }) =>
    hits.map(({ kind, id }) => ({ kind, id })),
  )

test.each([
  ['workflow', 'nvoices'],
  ['credential', 'slack of'],
  ['instance', 'production'],
  ['error', 'quota 429'],
  ['execution', '#4 711'],
] as const)('finds only the user’s own %s by %j', async (kind, text) => {
  for (const { userId, ids } of [mine, theirs])
    expect((await found(userId, text)).filter((hit) => hit.kind === kind)).toEqual([{ kind, id: ids[kind] }])
  expect(await found(await world.user(), text)).toEqual([])
})

describe('with workflows of a team', () => {
  let userId: string
  const names = { triage: '', digest: '', sheet: '' }
  beforeAll(async () => {
    userId = await world.user()
    const insert = async (
      name: string,
      more: { types: string[]; nodes: string[]; prompt: string; description?: string },
    ) => {
      const id = uuidv7()
      const data = JSON.stringify({ nodes: more.nodes.map((node) => ({ name: node })) })
      await world.sql`insert into workflows (id, user_id, name, description, prompt, tags, node_count, node_types,
          required_credential_types, trigger_types, webhook_paths, warnings, workflow_data, content_hash, version)
        values (${id}, ${userId}, ${name}, ${more.description ?? null}, ${more.prompt}, '{}', 1,
          array(select jsonb_array_elements_text(${JSON.stringify(more.types)}::jsonb)), '{}', '{}', '{}', '[]', ${data}::jsonb, 'h', 2)`
      for (const [version, prompt] of [`First draft of ${name}`, more.prompt].entries())
        await world.sql`insert into workflow_versions (workflow_id, version, user_id, name, prompt, tags, node_count, node_types,
            required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash)
          values (${id}, ${version + 1}, ${userId}, ${name}, ${prompt}, '{}', 1, '{}', '{}', '{}', '{}', ${data}::jsonb, 'h')`
      return id
    }
    names.triage = await insert('Support triage', {
      types: ['n8n-nodes-base.zendesk'],
      nodes: ['Escalate to Anaïs'],
      prompt: 'Sort tickets by urgency',
    })
    names.digest = await insert('Morning digest', {
      types: ['n8n-nodes-base.slack'],
      nodes: ['Post it'],
      prompt: 'Summarize the night',
    })
    names.sheet = await insert('Ledger', {
      types: ['n8n-nodes-base.set'],
      nodes: ['Total'],
      prompt: 'Add up invoices',
      description: 'Keeps the books of the Berlin office',
    })
  })

  const groupsOf = async (text: string) =>
    (await search(world.db.read, userId, text, pages)).groups.map(({ kind, hits }) => [
      kind,
      ...hits.map(({ href }) => href),
    ])

  test.each([
    ['a node type', 'slack', 'digest', { type: 'Slack' }],
    ['the label of a node type', 'edit fields', 'sheet', { type: 'Edit Fields (Set)' }],
    ['a node name, without accents', 'anais', 'triage', { node: null }],
    ['a node name', 'escalate', 'triage', { node: 'Escalate to Anaïs' }],
    ['a description', 'berlin', 'sheet', { excerpt: 'Keeps the books of the Berlin office' }],
  ] as const)('finds a workflow by %s', async (_, text, name, matched) => {
    const { groups } = await search(world.db.read, userId, text)
    const workflows = groups.find(({ kind }) => kind === 'workflow')?.hits ?? []
    expect(workflows).toEqual([expect.objectContaining({ href: `/workflows/${names[name]}`, ...matched })])
  })

  test('finds prompts of every version, and links to the newest version that has the words', async () => {
    expect(await groupsOf('urgency')).toEqual([['prompt', `/workflows/${names.triage}/versions/2`]])
    expect(await groupsOf('first draft of support')).toEqual([
      ['prompt', `/workflows/${names.triage}/versions/1`],
    ])
  })

  test('lists node types with their number of workflows', async () => {
    const { groups } = await search(world.db.read, userId, 'slack')
    expect(groups[0]).toMatchObject({ kind: 'node', hits: [{ name: 'Slack', number: 1, rank: 0 }] })
    expect(groups[0]?.hits[0]?.href).toBe('/workflows?node=n8n-nodes-base.slack')
  })

  test.each([
    ['supprot triage', 'support triage'],
    ['mornign', 'morning'],
    ['slakc', 'slack'],
    ['audti', 'audit'],
  ])('corrects %j to %j', async (text, corrected) => {
    const result = await search(world.db.read, userId, text, pages)
    expect(result).toMatchObject({ query: corrected, isCorrected: true })
    expect(result.groups).not.toEqual([])
    expect(result.groups).toEqual((await search(world.db.read, userId, corrected, pages)).groups)
  })

  test('does not correct what nothing is close to, nor short words and numbers', async () => {
    for (const text of ['quizzical', 'xyz', '4711 8150', '#99'])
      expect(await search(world.db.read, userId, text, pages)).toMatchObject({
        isCorrected: false,
        groups: [],
      })
  })

  test('finds pages by label and keyword', async () => {
    expect(await groupsOf('aud')).toEqual([['page', '/audit']])
    expect(await groupsOf('new credential')).toEqual([['page', '/credentials/new']])
  })

  test('finds nothing for a query without letters and digits', async () => {
    for (const text of ['%', '  ', '#', '_', '🚀'])
      expect((await search(world.db.read, userId, text, pages)).groups).toEqual([])
  })
})

test('finds a run and the errors by a number, but only the run by # and the number', async () => {
  const tracked = await world.tracked()
  await tracked.report({
    executionId: '403',
    workflowId: 'wf1',
    startedAt: new Date().toISOString(),
    status: 'error',
    error: { message: 'Request failed with status code 403' },
  })
  await world.sql`insert into error_groups (user_id, fingerprint, recorded_month, message)
    values (${tracked.userId}, 'f403', '2026-01-01', 'Request failed with status code 403')`
  const kindsOf = async (text: string) => [
    ...new Set((await found(tracked.userId, text)).map(({ kind }) => kind)),
  ]
  expect((await kindsOf('403')).toSorted()).toEqual(['error', 'execution'])
  expect(await kindsOf('#403')).toEqual(['execution'])
})

test.each(['workflow', 'credential', 'instance', 'deployment', 'execution'] as const)(
  'finds the %s by its ID, but not by the ID of another user’s',
  async (kind) => {
    expect(await found(mine.userId, mine.ids[kind])).toEqual([{ kind, id: mine.ids[kind] }])
    expect(await found(mine.userId, theirs.ids[kind])).toEqual([])
  },
)
