/** @module Tests the search: every kind of object by name, text or ID, and only the user's own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { search } from '../../src/search/queries.ts'
import { createWorld, type World } from '../executions/world.ts'
import { createTestDatabase } from '../harness/database.ts'

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
  (await search(world.db.read, userId, text)).map(({ kind, id }) => ({ kind, id }))

test.each([
  ['workflow', 'nvoices'],
  ['credential', 'slack of'],
  ['instance', 'production'],
  ['error', 'quota 429'],
  ['execution', '#4 711'],
] as const)('finds only the user’s own %s by %j', async (kind, text) => {
  for (const { userId, ids } of [mine, theirs])
    expect(await found(userId, text)).toEqual([{ kind, id: ids[kind] }])
  expect(await found(await world.user(), text)).toEqual([])
})

test.each(['workflow', 'credential', 'instance', 'deployment', 'execution'] as const)(
  'finds the %s by its ID, but not by the ID of another user’s',
  async (kind) => {
    expect(await found(mine.userId, mine.ids[kind])).toEqual([{ kind, id: mine.ids[kind] }])
    expect(await found(mine.userId, theirs.ids[kind])).toEqual([])
  },
)
