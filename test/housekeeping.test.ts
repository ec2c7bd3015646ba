import { expect, test } from 'vitest'
import { jobLines, jobStatuses } from '../src/cli/operate/jobs.ts'
import { recordJobRuns } from '../src/db/job-runs.ts'
import { housekeeping, type HousekeepingDeps } from '../src/housekeeping.ts'
import { useTestApp } from './harness/app.ts'

const app = useTestApp()

const failures = () =>
  app.logs
    .map((line) => JSON.parse(line) as { event: string; part?: string })
    .flatMap(({ event, part }) => (event === 'housekeeping-failed' ? [part] : []))

const deps = (more: Partial<HousekeepingDeps> = {}): HousekeepingDeps => ({ ...app.deps, ...more })

test('every part succeeds on an empty database and logs its lag', async () => {
  app.logs.length = 0
  await housekeeping(deps())
  expect(failures()).toEqual([])
  const line = app.logs.map((text) => JSON.parse(text)).find(({ event }) => event === 'reconciled')
  expect(line).toMatchObject({ polled: 0, failed: 0, overdue: 0, lagging: 0 })
})

test('logs a failed part without its message and runs the others', async () => {
  app.logs.length = 0
  await app.database.sql`
    insert into login_throttles (bucket, failures, last_failed_at) values ('old', 1, now() - interval '3 days')`
  const broken = () => Promise.reject(new TypeError('canary'))
  await housekeeping(
    deps({
      deadLetters: { purgeExpired: broken } as unknown as HousekeepingDeps['deadLetters'],
      deployer: {
        resumeDeployments: broken,
        leftovers: app.deps.deployer.leftovers,
      } as unknown as HousekeepingDeps['deployer'],
    }),
  )
  expect(failures()).toEqual(['dead-letters', 'deployments'])
  expect(app.logs.join('\n')).not.toContain('canary')
  expect(await app.database.sql`select * from login_throttles where bucket = 'old'`).toEqual([])
})

test('stores the last run of each part, its error and its last success', async () => {
  await app.database.sql`delete from job_runs`
  await app.database.sql`
    insert into login_throttles (bucket, failures, last_failed_at) values ('older', 1, now() - interval '3 days')`
  await housekeeping(deps())
  const first = await jobStatuses(app.deps.db, app.deps.now())
  expect(first.every(({ state, error }) => state === 'ok' && error === null)).toBe(true)
  expect(first.find(({ part }) => part === 'expired-rows')?.items).toBe(1)
  expect(first.map(({ part }) => part)).toContain('execution-months')

  const broken = () => Promise.reject(new TypeError('canary'))
  await housekeeping(
    deps({ deadLetters: { purgeExpired: broken } as unknown as HousekeepingDeps['deadLetters'] }),
  )
  const second = await jobStatuses(app.deps.db, app.deps.now())
  const failed = second.filter(({ state }) => state === 'failed')
  expect(failed).toMatchObject([{ part: 'dead-letters', error: 'TypeError' }])
  expect(failed[0]?.lastSucceededAt).toBe(first.find(({ part }) => part === 'dead-letters')?.lastSucceededAt)
  expect(jobLines(second).find((line) => line.startsWith('dead-letters'))).toContain(
    `failed: TypeError; last success ${failed[0]?.lastSucceededAt}`,
  )
  expect(jobLines(second).join('\n')).not.toContain('canary')

  const later = new Date(app.deps.now().getTime() + 3_600_000)
  expect((await jobStatuses(app.deps.db, later)).every(({ state }) => state === 'overdue')).toBe(true)
})

test('a run that started earlier does not replace a later one', async () => {
  await app.database.sql`delete from job_runs`
  const run = (minute: number, error: string | null) => ({
    part: 'rollups',
    startedAt: new Date(Date.UTC(2026, 0, 1, 0, minute)),
    finishedAt: new Date(Date.UTC(2026, 0, 1, 0, minute, 1)),
    error,
    items: error === null ? minute : null,
  })
  for (const each of [run(2, null), run(1, 'TypeError')]) await recordJobRuns(app.deps.db, [each])
  expect(await jobStatuses(app.deps.db, new Date(Date.UTC(2026, 0, 1, 0, 3)))).toEqual([
    {
      part: 'rollups',
      lastStartedAt: '2026-01-01T00:02:00.000Z',
      lastSucceededAt: '2026-01-01T00:02:01.000Z',
      durationMs: 1000,
      items: 2,
      state: 'ok',
      error: null,
    },
  ])
})

test('an aborted run starts no further parts', async () => {
  app.logs.length = 0
  await housekeeping(deps(), AbortSignal.abort())
  expect(app.logs).toEqual([])
})

test('uses the configured retention', () => {
  expect(app.deps.config.executionRetention).toEqual({ dataDays: 30, months: 13 })
})
