/** @module Concurrent requests, on a real Postgres, because PGlite runs them sequentially. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canonicalJson } from '../../src/lib/canonical-json.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'
import { type Answer, caller, createUser, createWorkflowServer, node, workflowOf } from './workflow-server.ts'

let database: PostgresTestDatabase
let userId: string
let call: ReturnType<typeof caller>

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

beforeEach(async () => {
  userId = await createUser(database.db)
  call = caller(createWorkflowServer(database.db).app, userId)
})

const workflow = workflowOf('W', node('Start', 'manualTrigger'))
const race = <T>(racers: number, run: (racer: number) => Promise<T>) =>
  Promise.all(Array.from({ length: racers }, (_, racer) => run(racer)))

function countByStatus(answers: Answer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

async function versionsOf(id: string): Promise<{ version: number; parent: number | null; name: string }[]> {
  const { body } = await call('GET', `/v1/workflows/${id}/versions?limit=100`)
  return body.items
}

test('of 50 concurrent changes of one version one succeeds, and no version is lost or skipped', async () => {
  const { body: made } = await call('POST', '/v1/workflows', { workflow })
  for (const round of [1, 2, 3]) {
    const answers = await race(50, (racer) =>
      call('PATCH', `/v1/workflows/${made.id}`, { name: `${round}-${racer}` }, { 'If-Match': `"${round}"` }),
    )
    expect(countByStatus(answers)).toEqual({ 200: 1, 412: 49 })
    const winner = answers.findIndex(({ status }) => status === 200)
    expect((await call('GET', `/v1/workflows/${made.id}`)).body).toMatchObject({
      name: `${round}-${winner}`,
      version: round + 1,
    })
  }
  expect((await versionsOf(made.id)).map(({ version, parent }) => [version, parent])).toEqual([
    [4, 3],
    [3, 2],
    [2, 1],
    [1, null],
  ])
})

test('30 concurrent unconditional changes all succeed, each with its own version and content', async () => {
  const { body: made } = await call('POST', '/v1/workflows', { workflow })
  const answers = await race(30, (racer) =>
    call('PATCH', `/v1/workflows/${made.id}`, { name: `n${racer}` }, { 'If-Match': '*' }),
  )
  expect(countByStatus(answers)).toEqual({ 200: 30 })
  const versions = await versionsOf(made.id)
  expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: 31 }, (_, i) => 31 - i))
  for (const { body } of answers) {
    expect(versions.find(({ version }) => version === body.version)?.name).toBe(body.name)
  }
})

test('200 concurrent requests with one Idempotency-Key create one workflow and return it', async () => {
  const answers = await race(200, () =>
    call('POST', '/v1/workflows', { workflow }, { 'Idempotency-Key': 'same' }),
  )
  expect(countByStatus(answers)).toEqual({ 201: 200 })
  expect(new Set(answers.map(({ body }) => canonicalJson(body))).size).toBe(1)
  expect((await call('GET', '/v1/workflows')).body.items).toHaveLength(1)
  const [counts] = await database.sql`select
    (select count(*)::int from workflow_versions where user_id = ${userId}) as versions,
    (select count(*)::int from audit_events where user_id = ${userId}) as events`
  expect(counts).toEqual({ versions: 1, events: 1 })
})

test('concurrent creations never exceed a quota', async () => {
  const small = caller(createWorkflowServer(database.db, 5).app, userId)
  const answers = await race(40, () => small('POST', '/v1/workflows', { workflow }))
  expect(countByStatus(answers)).toEqual({ 201: 5, 403: 35 })
  expect((await call('GET', '/v1/workflows')).body.items).toHaveLength(5)
})

test('a change concurrent with the deletion ends in one of the two and leaves nothing behind', async () => {
  for (let round = 0; round < 10; round += 1) {
    const { body: made } = await call('POST', '/v1/workflows', { workflow })
    const path = `/v1/workflows/${made.id}`
    const [change, deletion] = await Promise.all([
      call('PATCH', path, { name: 'X' }, { 'If-Match': '*' }),
      call('DELETE', path),
    ])
    expect([200, 404]).toContain(change.status)
    expect(deletion.status).toBe(204)
    expect((await call('GET', path)).status).toBe(404)
  }
  const [left] =
    await database.sql`select count(*)::int as count from workflow_versions where user_id = ${userId}`
  expect(left).toEqual({ count: 0 })
})

test('edits of the same version that touch different nodes are all applied with rebase, and none is lost', async () => {
  const racers = 8
  const nodes = Array.from({ length: racers }, (_, index) => node(`N${index}`, 'set'))
  const { body: made } = await call('POST', '/v1/workflows', { workflow: workflowOf('W', ...nodes) })
  const edit = (racer: number, name: string, rebase: boolean) =>
    call(
      'POST',
      `/v1/workflows/${made.id}/edits`,
      { operations: [{ op: 'setParameter', node: name, pointer: '/by', value: racer }], rebase },
      { 'If-Match': '"1"' },
    )
  const answers = await race(racers, (racer) => edit(racer, `N${racer}`, true))
  expect(countByStatus(answers)).toEqual({ 200: racers })
  const { body: after } = await call('GET', `/v1/workflows/${made.id}`)
  expect(after.version).toBe(racers + 1)
  expect(after.workflow.nodes.map((each: { parameters: { by: number } }) => each.parameters.by)).toEqual(
    nodes.map((_, index) => index),
  )
  expect((await versionsOf(made.id)).map(({ version }) => version).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: racers + 1 }, (_, index) => index + 1),
  )
})

test('of concurrent edits of the same node one succeeds, with and without rebase', async () => {
  for (const rebase of [false, true]) {
    const { body: made } = await call('POST', '/v1/workflows', { workflow })
    const answers = await race(10, (racer) =>
      call(
        'POST',
        `/v1/workflows/${made.id}/edits`,
        { operations: [{ op: 'setParameter', node: 'Start', pointer: '/by', value: racer }], rebase },
        { 'If-Match': '"1"' },
      ),
    )
    expect(countByStatus(answers)).toEqual({ 200: 1, 412: 9 })
    const refused = answers.filter(({ status }) => status === 412).map(({ body }) => body.applies)
    expect(refused).toEqual(Array.from({ length: 9 }, () => false))
    const { body: after } = await call('GET', `/v1/workflows/${made.id}`)
    const winner = answers.findIndex(({ status }) => status === 200)
    expect([after.version, after.workflow.nodes[0].parameters.by]).toEqual([2, winner])
  }
})
