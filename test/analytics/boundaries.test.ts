/** Runs at the edges of a period, of a ranking and of the state "failing". */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDeploymentList } from '../../src/deployments/list-queries.ts'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { failingDeployment } from '../../src/runs/meaning.ts'
import { rangeBefore } from '../../src/runs/period.ts'
import { createWorld, type World } from '../executions/world.ts'
import { createTestDatabase } from '../harness/database.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

type Tracked = Awaited<ReturnType<World['tracked']>>
let runs = 0

async function record(
  { report }: Pick<Tracked, 'report'>,
  workflowId: string,
  { atMs, status }: { atMs: number; status: 'success' | 'error' | 'running' },
) {
  const answer = await report({
    executionId: `edge-${(runs += 1)}`,
    workflowId,
    status,
    startedAt: new Date(atMs).toISOString(),
    ...(status !== 'running' && { finishedAt: new Date(atMs + 1000).toISOString() }),
    ...(status === 'error' && { error: { message: 'Request failed with status code 429', node: 'Slack' } }),
  })
  expect(answer).toMatchObject({ status: 202, body: { created: true } })
}

test('the previous period ends where the period starts, and is as long', () => {
  const [from, to] = [new Date('2026-11-02T10:20:30.400Z'), new Date('2026-11-03T01:02:03.004Z')]
  const before = rangeBefore({ from, to })
  expect(before.to).toEqual(from)
  expect(from.getTime() - before.from.getTime()).toBe(to.getTime() - from.getTime())
})

test.each([false, true])(
  'an error before the period but in its first hour is in no group, rolled up: %s',
  async (isRolledUp) => {
    const { userId, report } = await world.tracked()
    const hour = Math.floor(world.clock.now.getTime() / 3_600_000 - 3) * 3_600_000
    await record({ report }, 'wf1', { atMs: hour + 5 * 60_000, status: 'error' })
    if (isRolledUp) await rollUpChanges(world.db)
    const groups = async (minutes: number) => {
      const from = new Date(hour + minutes * 60_000).toISOString()
      return (await world.call('GET', `/v1/analytics/errors?from=${from}`, { user: userId })).body
    }
    expect(await groups(10)).toMatchObject({ total: 0, items: [] })
    expect(await groups(4)).toMatchObject({ total: 1, items: [{ runs: 1 }] })
  },
)

test('a workflow whose runs have no duration yet is the last of the slowest', async () => {
  const { userId, instanceId, report } = await world.tracked()
  const workflowId = await world.workflow(userId)
  const body = { workflowId, instanceId, n8nWorkflowId: 'wf2' }
  expect((await world.call('POST', '/v1/deployments', { user: userId, body })).status).toBe(201)
  const atMs = world.clock.now.getTime() - 3_600_000
  for (let index = 0; index < 3; index += 1) {
    await record({ report }, 'wf1', { atMs: atMs + index, status: 'running' })
  }
  await record({ report }, 'wf2', { atMs, status: 'success' })
  const ranked = await world.call('GET', '/v1/analytics/workflows?sort=p95', { user: userId })
  expect(ranked.body.items).toMatchObject([
    { workflowId, durationMs: { p95: expect.any(Number) } },
    { durationMs: { p95: null } },
  ])
})

test('a deployment fails from the first run at which its share of failures is certain', async () => {
  const { minRuns, share } = failingDeployment
  const { userId, report } = await world.tracked()
  const now = world.clock.now
  const stateAfter = async (status: 'success' | 'error') => {
    await record({ report }, 'wf1', { atMs: now.getTime() - 600_000, status })
    const { rows } = await readDeploymentList(world.db.read, userId, now, {}, null)
    return rows[0]?.state
  }
  expect(share).toBe(0.5)
  for (let run = 1; run < minRuns; run += 1) expect(await stateAfter('error')).toBe('tracking')
  expect(await stateAfter('error')).toBe('failing')
  for (let run = 0; run < minRuns; run += 1) expect(await stateAfter('success')).toBe('failing')
  expect(await stateAfter('success')).toBe('tracking')
})

test('runs of an earlier version do not count against the version that is live', async () => {
  const { userId, workflowId, deploymentId, report } = await world.tracked()
  const atMs = world.clock.now.getTime() - 600_000
  for (let run = 0; run < failingDeployment.minRuns; run += 1) {
    await record({ report }, 'wf1', { atMs, status: 'error' })
  }
  const list = async () => (await readDeploymentList(world.db.read, userId, world.clock.now, {}, null)).rows
  expect(await list()).toMatchObject([{ state: 'failing', version: 1, failed: 5 }])
  const columns = await world.sql`select string_agg(quote_ident(attname), ', ') as names from pg_attribute
    where attrelid = 'workflow_versions'::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attname <> 'version'`
  const names = String(columns[0]?.['names'])
  await world.sql.query(
    `insert into workflow_versions (version, ${names}) select 2, ${names} from workflow_versions where workflow_id = $1`,
    [workflowId],
  )
  expect(await world.deployments.setVersion(userId, deploymentId, 2)).toMatchObject({ version: 2 })
  expect(await list()).toMatchObject([{ state: 'tracking', version: 2, failed: 0 }])
})
