/** The release pages: list, forms, the plan before the start, progress, commands, and failed targets first. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createApp } from '../../../src/app.ts'
import {
  createReleaseWorld,
  orders,
  type ReleaseUser,
  type ReleaseWorld,
  textOn,
} from '../../releases/release-world.ts'
import { browser, type Browser } from '../browser.ts'

let world: ReleaseWorld
let user: ReleaseUser
let tab: Browser
beforeAll(async () => {
  world = await createReleaseWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  world.hooks.beforeCall = undefined
  user = await world.user(3)
  tab = browser(createApp(world.running.deps))
  await tab.post('/sign-in', { email: user.email, password: user.password })
})

const payload = `<img src=x onerror=alert(1)>"'&`
const targetsOf = async (path: string) => (await tab.get(path)).dom().table('Targets, failed ones first')

test('an account without releases sees what a release is, and the form says what is missing', async () => {
  expect((await tab.get('/releases')).dom().text).toContain('No releases yet.')
  expect((await tab.get('/releases/new')).dom().text).toContain('No workflows yet.')
  expect((await tab.get('/releases/promote')).dom().text).toContain('No environments to promote between.')
})

test('a release is planned by form, started from its page, and rolled back', async () => {
  const workflowId = await user.workflow({ ...orders(), name: payload })
  const fields = (await tab.get(`/releases/new?workflow=${workflowId}`)).dom().form('/releases/new')
  expect(fields).toMatchObject({ workflowId, canary: '1', seconds: '300', maxFailureRate: '10' })
  const invalid = await tab.post('/releases/new', {
    ...fields,
    canary: 'x',
    instanceIds: user.instanceIds[0]!,
  })
  expect(invalid.status).toBe(422)
  expect(invalid.dom().text).toContain('Must be a whole number')
  const nothing = await tab.post('/releases/new', fields)
  expect(nothing.status).toBe(422)
  const planned = await tab.post('/releases/new', {
    ...fields,
    seconds: '0',
    instanceIds: user.instanceIds[0]!,
  })
  expect(planned.status).toBe(303)
  const path = planned.location!
  const page = (await tab.get(path)).dom()
  expect(page.injected).toEqual([])
  expect(page.text).toContain('Planned')
  expect((await targetsOf(path))[1]).toEqual([`${payload} on Customer 0, canary`, 'Pending', 'v1 New', '–'])
  expect(textOn(user.instances[0]!.stub, payload)).toEqual([])
  await tab.post(`${path}/start`, page.form(`${path}/start`))
  await world.settle()
  expect((await tab.get(path)).dom().text).toContain('Completed')
  expect(textOn(user.instances[0]!.stub, payload)).toEqual(['v1'])
  const list = (await tab.get('/releases')).dom().table('Releases, newest first')
  expect(list[1]?.slice(0, 3)).toEqual([`${payload} v1 1 target`, 'Completed', '1 of 1'])
  await tab.post(`${path}/rollback`)
  await world.settle()
  expect((await tab.get(path)).dom().text).toContain('Rolled back')
  expect(textOn(user.instances[0]!.stub, payload)).toEqual([])
})

test('a halted release shows its reason and the failed target first, and resumes', async () => {
  const workflowId = await user.workflow(orders())
  const broken = user.instances[2]!
  let isBroken = true
  world.hooks.beforeCall = (host, method) => {
    if (isBroken && host === broken.host && method === 'POST')
      broken.stub.failNext({ step: '*', mode: '4xx' })
  }
  const { id } = await user.made('/v1/releases', {
    workflows: [{ workflowId }],
    instanceIds: user.instanceIds,
    observe: { seconds: 0 },
  })
  await user.finish(id)
  const path = `/releases/${id}`
  const page = (await tab.get(path)).dom()
  expect(page.text).toContain('1 of 3 targets failed')
  expect((await targetsOf(path))[1]?.slice(0, 2)).toEqual(['Orders on Customer 2', 'Failed'])
  isBroken = false
  await tab.post(`${path}/resume`, page.form(`${path}/resume`))
  await user.finish(id)
  expect((await tab.get(path)).dom().text).toContain('Completed')
  // A command that is not possible now says why.
  await tab.post(`${path}/halt`)
  expect((await tab.get(path)).dom().text).toContain('Cannot halt a release with the status completed')
})

test('an environment is promoted to another by form', async () => {
  for (const name of ['staging', 'live']) await user.made('/v1/environments', { name })
  const [staging, ...live] = user.instanceIds
  await world.database.sql`update instances set environment = 'staging' where id = ${staging}`
  await world.database.sql`update instances set environment = 'live' where id = any(${live}::uuid[])`
  const workflowId = await user.workflow(orders())
  await user.made('/v1/deployments', { workflowId, instanceId: staging })
  const form = (await tab.get('/releases/promote')).dom().form('/releases/promote')
  const same = await tab.post('/releases/promote', { ...form, from: 'staging', to: 'staging' })
  expect(same.status).toBe(422)
  expect(same.dom().text).toContain('Must be two different environments')
  const planned = await tab.post('/releases/promote', { ...form, from: 'staging', to: 'live' })
  const page = (await tab.get(planned.location!)).dom()
  expect(page.text).toContain('from staging to live')
  expect((await targetsOf(planned.location!)).length).toBe(3)
})

test("another user's release is not found", async () => {
  const workflowId = await user.workflow(orders())
  const { id } = await user.made('/v1/releases', {
    workflows: [{ workflowId }],
    instanceIds: user.instanceIds,
    dryRun: true,
  })
  const stranger = await world.user(0)
  const theirs = browser(createApp(world.running.deps))
  await theirs.post('/sign-in', { email: stranger.email, password: stranger.password })
  expect((await theirs.get(`/releases/${id}`)).status).toBe(404)
  expect((await theirs.post(`/releases/${id}/rollback`)).status).toBe(404)
  expect((await theirs.get('/releases')).dom().text).toContain('No releases yet.')
})
