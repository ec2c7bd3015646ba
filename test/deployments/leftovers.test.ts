/** What n8n received too late for the run that sent it is removed by a job, minutes later. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reporterName } from '../../src/instances/reporter-workflow.ts'
import { checkInvariants, createDeployWorld, type DeployWorld, type N8nCall, orders } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.database.sql`delete from users`
  for (const each of [world.stub.state.workflows, world.stub.state.credentials]) each.clear()
})

const isCreation = (kind: 'workflows' | 'credentials') => (call: N8nCall) =>
  call.method === 'POST' && call.path.endsWith(`/${kind}`)
const isOwn = (call: N8nCall) => !String(call.body?.name).startsWith('Flowkeep: ')
const later = () => world.pass(5 * 60_000)
const remove = () => world.deps.deployer.leftovers.remove(10)
const inN8n = () => {
  const { workflows, credentials } = world.stub.state
  return {
    workflows: [...workflows.values()].map(({ name }) => name).toSorted(),
    slack: [...credentials.values()].filter(({ type }) => type === 'slackApi').length,
    reporters: [...credentials.values()].filter(({ type }) => type === 'httpHeaderAuth').length,
  }
}
const onlyDeployed = { workflows: [reporterName, 'Orders'], slack: 1, reporters: 1 }

/** Executes a request as n8n does when it arrives late. The response is discarded. */
async function arrive({ method, path, body }: N8nCall): Promise<void> {
  const headers = { 'X-N8N-API-KEY': world.stub.apiKey, 'Content-Type': 'application/json' }
  const request = { method, headers, body: JSON.stringify(body) }
  expect((await world.stub.fetch(world.stub.baseUrl + path, request)).status).toBe(200)
}

/** A deployment whose first run died while it sent such a request. */
async function interrupted(matches: (call: N8nCall) => boolean, mode: 'refuse' | 'none' = 'refuse') {
  const user = await world.user()
  const credentialId = await user.credential()
  const workflowId = await user.workflow(orders({ name: 'Orders' }))
  const sent: N8nCall[] = []
  const isSent = (call: N8nCall) => matches(call) && isOwn(call) && sent.push(call) > 0
  world.fail(isSent, mode, { kill: true })
  void user.deploy(workflowId)
  await world.restart()
  const [row] = await world.database.sql`select id from deployments where user_id = ${user.id}`
  const id = String(row?.['id'])
  return { user, id, credentialId, request: sent[0]!, get: () => user.api('GET', `/v1/deployments/${id}`) }
}

test('a second copy of the workflow is removed, and the deployed one stays as it is', async () => {
  const { request, get } = await interrupted(isCreation('workflows'))
  await world.deps.deployer.resumeDeployments(10)
  const before = await get()
  expect(before.body.status).toBe('active')
  await arrive(request)
  expect(inN8n().workflows).toHaveLength(3)
  expect(await remove()).toBe(0)
  later()
  expect(await remove()).toBe(1)
  expect(inN8n()).toEqual(onlyDeployed)
  expect((await get()).body).toEqual(before.body)
  later()
  expect(await remove()).toBe(0)
})

test('the credential, the workflow and the error reporter of an undeployed workflow are removed', async () => {
  const { user, id, request } = await interrupted(isCreation('credentials'))
  expect((await user.act(id, 'undeploy')).body.status).toBe('undeployed')
  await arrive(request)
  await user.warm()
  await arrive({
    method: 'POST',
    path: '/api/v1/workflows',
    body: { ...orders(), name: `flowkeep-${id}`, settings: {} },
  })
  expect(inN8n()).toEqual({ workflows: [reporterName, `flowkeep-${id}`], slack: 1, reporters: 1 })
  later()
  expect(await remove()).toBe(1)
  expect(inN8n()).toEqual({ workflows: [], slack: 0, reporters: 0 })
  await checkInvariants(world)
})

test('what another deployment uses stays', async () => {
  const { user, id } = await interrupted(isCreation('credentials'))
  await user.act(id, 'undeploy')
  const other = await user.workflow(orders({ name: 'Orders', path: 'other' }))
  expect((await user.deploy(other)).body.status).toBe('active')
  later()
  expect(await remove()).toBe(1)
  expect(inN8n()).toEqual(onlyDeployed)
})

test('a copy that a later run used stays', async () => {
  const { user, id, request } = await interrupted(isCreation('workflows'))
  await user.act(id, 'undeploy')
  await arrive(request)
  expect((await user.act(id, 'deploy', {})).body.status).toBe('active')
  later()
  expect(await remove()).toBe(1)
  expect(inN8n()).toEqual(onlyDeployed)
})

test('an n8n that does not answer is asked again after 10 minutes', async () => {
  const { request } = await interrupted(isCreation('workflows'))
  await world.deps.deployer.resumeDeployments(10)
  await arrive(request)
  later()
  world.fail((call) => call.method === 'GET', 'http500')
  expect(await remove()).toBe(0)
  later()
  expect(await remove()).toBe(0)
  later()
  expect(await remove()).toBe(1)
  expect(inN8n()).toEqual(onlyDeployed)
})

test('nothing is asked of n8n after a run without interruption', async () => {
  const user = await world.user()
  await user.credential()
  const { body } = await user.deploy(await user.workflow())
  await user.act(body.id, 'deactivate')
  await user.act(body.id, 'activate')
  later()
  expect(await remove()).toBe(0)
})

test.each([
  ['activate', { status: 'active', error: null }],
  ['deactivate', { status: 'inactive', error: expect.stringContaining('no longer has') }],
])('%s after an interrupted undeploying', async (action, expected) => {
  const user = await world.user()
  await user.credential()
  const { body } = await user.deploy(await user.workflow(orders({ name: 'Orders' })))
  world.fail((call) => call.method === 'DELETE' && call.path.includes('/credentials/'), 'refuse', {
    kill: true,
  })
  void user.act(body.id, 'undeploy')
  await world.restart()
  expect((await user.act(body.id, action)).body).toMatchObject(expected)
  expect((await user.act(body.id, 'activate')).body).toMatchObject({ status: 'active', error: null })
  expect(inN8n()).toEqual(onlyDeployed)
  await checkInvariants(world)
})
