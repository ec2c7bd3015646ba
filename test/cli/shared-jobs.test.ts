/** Two servers in this process on one Postgres. `npx tsx bench/jobs.ts` kills server processes. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Buffered, createSharedJobs } from '../../src/cli/server/shared-jobs.ts'
import type { Deps } from '../../src/deps.ts'
import { partNames } from '../../src/housekeeping.ts'
import { sleep } from '../../src/lib/retry.ts'
import type { SharedJobs } from '../../src/node.ts'
import { createTestApp, type TestApp } from '../harness/app.ts'
import type { PostgresTestDatabase } from '../harness/database.ts'

let app: TestApp
let postgresUrl: string
let waiting: number
let started: SharedJobs[]
let queue: SharedJobs['reportQueue'] | undefined

beforeEach(async () => {
  waiting = 0
  started = []
  queue = undefined
  app = await createTestApp({
    runtime: {
      reportQueue: {
        isNeeded: () => queue?.isNeeded?.() ?? false,
        send: (message, options) => queue?.send(message, options) ?? Promise.reject(new Error('Closed')),
      },
    },
  })
  ;({ postgresUrl } = app.database as PostgresTestDatabase)
})
afterEach(async () => {
  await Promise.all(started.map((jobs) => jobs.stop()))
  await app.close()
})

/** @param purge replaces the part `dead-letters` */
async function server(purge?: () => Promise<number>, url = postgresUrl): Promise<SharedJobs> {
  const jobs = createSharedJobs({
    connectionString: url,
    pool: () => ({ active: 0, idle: 0, waiting, max: 1 }),
    log: () => undefined,
    pollSeconds: 0.5,
    heartbeatSeconds: 500,
  })
  started.push(jobs)
  const deps = { ...app.deps, ...(purge && { deadLetters: { purgeExpired: purge } }) } as Deps
  await jobs.start(deps, new AbortController().signal)
  return jobs
}

async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await sleep(50)
}

const jobsOf = (name: string) => app.database.sql`
  select id, data ->> 'part' as part, state::text, singleton_on::text as minute, retry_count
  from pgboss.job where name = ${name} order by created_on`
const areOver = async () =>
  (await jobsOf('housekeeping')).every(({ state }) => state === 'completed' || state === 'failed')

test('each part of the scheduled job runs once a minute on two servers', async () => {
  const runs = [0, 0]
  const servers = [await server(async () => (runs[0]! += 1)), await server(async () => (runs[1]! += 1))]
  for (let round = 0; round < 3; round += 1) {
    expect(await Promise.all(servers.map((each) => each.tick()))).toEqual([true, true])
    await until(areOver)
  }
  const jobs = await jobsOf('housekeeping')
  expect(new Set(jobs.map(({ part }) => part))).toEqual(new Set(partNames(app.deps)))
  expect(jobs.filter(({ state, retry_count }) => state !== 'completed' || retry_count !== 0)).toEqual([])
  const slots = new Set(jobs.map(({ part, minute }) => `${part} ${minute}`))
  expect(slots.size).toBe(jobs.length)
  // The test may cross the turn of a minute.
  expect(runs[0]! + runs[1]!).toBe(jobs.filter(({ part }) => part === 'dead-letters').length)
  const [recorded] = await app.database
    .sql`select count(*)::integer as parts from job_runs where last_error is null`
  expect(recorded?.parts).toBe(partNames(app.deps).length)
})

test('a part that fails is tried again and does not hold up the others', async () => {
  let attempts = 0
  const jobs = await server(async () => {
    attempts += 1
    if (attempts === 1) throw new TypeError('canary')
    return 0
  })
  await jobs.tick()
  await until(areOver)
  const all = await jobsOf('housekeeping')
  expect(all.filter(({ state }) => state !== 'completed')).toEqual([])
  expect(all.find(({ part }) => part === 'dead-letters')?.retry_count).toBe(1)
  const stored = await app.database
    .sql`select output::text as output from pgboss.job where name = 'housekeeping'`
  expect(JSON.stringify(stored)).not.toContain('canary')
})

test('runs the parts itself while the database of the jobs is unavailable', async () => {
  const wrong = new URL(postgresUrl)
  wrong.pathname = '/no_such_database'
  const jobs = await server(undefined, wrong.href)
  expect(await jobs.tick()).toBe(false)
  expect(jobs.reportQueue.isNeeded?.()).toBe(false)
  await expect(
    jobs.reportQueue.send({ instanceId: 'x', receivedAtMs: 0, items: [] }, { contentType: 'json' }),
  ).rejects.toThrow('not open')
})

test('reports are queued while statements wait, and recorded once by one of the servers', async () => {
  const user = await app.user()
  const { json: instance } = await user.call('POST', '/v1/instances', {
    body: { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'key' },
  })
  const { json: workflow } = await user.call('POST', '/v1/workflows', {
    body: { workflow: { name: 'Busy', nodes: [], connections: {} } },
  })
  await user.call('POST', '/v1/deployments', {
    body: { workflowId: workflow.id, instanceId: instance.id, n8nWorkflowId: 'busy' },
  })
  const report = (executionId: number) =>
    app.call('POST', `/hooks/n8n/${instance.id}`, {
      token: instance.webhookToken,
      body: { executionId: String(executionId), workflowId: 'busy', status: 'success' },
    })
  ;({ reportQueue: queue } = await server())
  await server()
  expect((await report(0)).json).toMatchObject({ created: true })

  waiting = 100
  const answers = await Promise.all(Array.from({ length: 250 }, (_, index) => report(index)))
  expect(answers.every(({ status, json }) => status === 202 && json.queued === true)).toBe(true)
  await until(async () => (await jobsOf('reports')).every(({ state }) => state === 'completed'))
  const summary = await user.call('GET', '/v1/analytics/summary')
  expect(summary.json.total).toBe(250)
})

test('items that arrive during a write are written together, and a failed write fails only its own items', async () => {
  const batches: number[][] = []
  const release = Promise.withResolvers<void>()
  const buffer = new Buffered<number>(async (items) => {
    batches.push(items)
    if (batches.length === 1) await release.promise
    if (items.includes(300)) throw new Error('Full')
  })
  const first = buffer.add(0)
  const others = Promise.allSettled(Array.from({ length: 300 }, (_, index) => buffer.add(index + 1)))
  release.resolve()
  await first
  const outcomes = await others
  expect(batches.map(({ length }) => length)).toEqual([1, 100, 100, 100])
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(100)
  await buffer.add(301)
  expect(batches.at(-1)).toEqual([301])
})
