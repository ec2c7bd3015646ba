import { expect, test } from 'vitest'
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
      deployer: { resumeDeployments: broken } as unknown as HousekeepingDeps['deployer'],
    }),
  )
  expect(failures()).toEqual(['dead-letters', 'deployments'])
  expect(app.logs.join('\n')).not.toContain('canary')
  expect(await app.database.sql`select * from login_throttles where bucket = 'old'`).toEqual([])
})

test('an aborted run starts no further parts', async () => {
  app.logs.length = 0
  await housekeeping(deps(), AbortSignal.abort())
  expect(app.logs).toEqual([])
})

test('uses the configured retention', () => {
  expect(app.deps.config.executionRetention).toEqual({ dataDays: 30, months: 13 })
})
