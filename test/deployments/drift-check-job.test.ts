import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DeploymentDrift } from '../../src/deployments/drift/drift.ts'
import { runDriftCheckJob } from '../../src/deployments/drift/check-job.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import type { StubWorkflow } from '../harness/n8n-stub-state.ts'
import { createN8nWorld, type N8nWorld } from './n8n-world.ts'

let world: N8nWorld
beforeAll(async () => {
  world = await createN8nWorld()
})
afterAll(() => world.close())
beforeEach(() => world.database.sql`delete from deployments`)

const hourMs = 60 * 60 * 1000

const look = (atMs = Date.now(), more: object = {}) => {
  const { db } = world.database
  const now = () => new Date(atMs)
  const { connections, workflows } = world.deps
  const drift = new DeploymentDrift(db, now, {
    connections,
    workflows,
    loadCatalogue,
    deploy: () => Promise.resolve(null),
  })
  return runDriftCheckJob(db, now, { drift, limit: 100, budgetMs: hourMs, ...more })
}

async function deployed() {
  const setting = await world.setting()
  const { id, n8nWorkflowId } = await setting.deploy()
  const remote = world.stub.state.workflows.get(n8nWorkflowId) as StubWorkflow
  const path = `/v1/deployments/${id}`
  const stored = async () => {
    const [row] = await world.database.sql`
      select drifted_since as since, drift_checked_at as checked, updated_at as updated from deployments where id = ${id}`
    return row as { since: Date | null; checked: Date | null; updated: Date }
  }
  return { ...setting, id, remote, path, stored }
}

test('detects a change in n8n within the hour, until it is undone, and changes nothing else', async () => {
  const live = await deployed()
  expect(await look()).toBe(1)
  const before = await live.stored()
  expect(before).toMatchObject({ since: null, checked: expect.anything() })
  live.remote.name = 'Renamed by hand'
  expect(await look(Date.now() + hourMs / 2)).toBe(0)
  expect(await look(Date.now() + 2 * hourMs)).toBe(1)
  const { since, updated } = await live.stored()
  expect(since).not.toBeNull()
  expect(updated).toEqual(before.updated)
  expect(await look(Date.now() + 4 * hourMs)).toBe(1)
  expect((await live.stored()).since).toEqual(since)
  live.remote.name = 'Orders'
  const drift = await live.user.call('GET', `${live.path}/drift`)
  expect(drift.json.drifted).toBe(drift.json.diff.name !== null)
})

test('stores the result of a requested check, and clears it after a deploy', async () => {
  const live = await deployed()
  live.remote.name = 'Renamed by hand'
  expect((await live.user.call('GET', `${live.path}/drift`)).json.drifted).toBe(true)
  expect((await live.stored()).since).not.toBeNull()
  await live.user.call('POST', `${live.path}/overwrite`)
  expect(await live.stored()).toMatchObject({ since: null, checked: null })
  expect(await look()).toBe(1)
  expect((await live.stored()).since).toBeNull()
})

test('keeps the earlier result when n8n does not respond, and continues with other deployments', async () => {
  const live = await deployed()
  live.remote.name = 'Renamed by hand'
  expect(await look()).toBe(1)
  world.n8nFetch.fetch = () => Promise.reject(new TypeError('fetch failed'))
  expect(await look(Date.now() + 2 * hourMs)).toBe(0)
  world.n8nFetch.fetch = world.stub.fetch
  expect((await live.stored()).since).not.toBeNull()
  expect(await look(Date.now() + 2 * hourMs)).toBe(0)
  expect(await look(Date.now() + 4 * hourMs)).toBe(1)
})

test('skips deployments that are in progress, undeployed or on a failing n8n, and stops at its limits', async () => {
  const live = await deployed()
  const calls = world.stub.calls().length
  await world.database.sql`update instances set poll_failures = 1`
  expect(await look()).toBe(0)
  await world.database.sql`update instances set poll_failures = 0`
  expect(await look(Date.now(), { limit: 0 })).toBe(0)
  expect(await look(Date.now(), { budgetMs: 0 })).toBe(0)
  await world.database.sql`update deployments set intent = '{"action": "deploy"}'`
  expect(await look()).toBe(0)
  await world.database.sql`update deployments set intent = null`
  await world.database.sql`insert into user_routes (user_id, state, email, url)
    select id, 'leaving', email, 'https://other.example.com' from users`
  const unchecked = world.stub.calls().length
  await look()
  expect(world.stub.calls().length).toBe(unchecked)
  await world.database.sql`delete from user_routes`
  await live.user.call('POST', `${live.path}/undeploy`)
  const after = world.stub.calls().length
  expect(await look()).toBe(0)
  expect(world.stub.calls().length).toBe(after)
  expect(after).toBeGreaterThan(calls)
})
