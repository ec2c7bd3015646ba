/** Replays of several recorded runs, and the gate of plans that requires one, against the n8n stub. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createDeployWorld,
  type DeployWorld,
  type N8nCall,
  type WorldUser,
} from '../deployments/deploy-world.ts'
import { chainOf, node } from '../real-n8n/test-workflows.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

let paths = 0
const versionOf = (path: string, isBroken = false) =>
  chainOf(
    { ...node('Hook', 'webhook', { path, httpMethod: 'POST' }), webhookId: path } as never,
    node('Send', 'httpRequest', { method: 'POST', url: 'https://crm.example.com' }),
    isBroken ? node('Last', 'stopAndError', { errorMessage: 'Broken' }) : node('Last', 'noOp', {}),
  )

/** A workflow with recorded runs. */
async function recorded(runs: number, user?: WorldUser) {
  const owner = user ?? (await world.user())
  const path = `gated-${(paths += 1)}`
  const workflowId = await owner.workflow(versionOf(path))
  await owner.api('PUT', `/v1/workflows/${workflowId}/value-storage`, {})
  const deployed = await owner.deploy(workflowId)
  expect(deployed.body.status).toBe('active')
  world.pass(5_000)
  for (let order = 0; order < runs; order += 1) {
    const body = JSON.stringify({ order, customer: 'planted-customer' })
    expect(
      (await world.stub.fetch(`${world.stub.baseUrl}/webhook/${path}`, { method: 'POST', body })).status,
    ).toBe(200)
    world.pass(1_000)
  }
  await world.deps.poll(owner.id, owner.instanceId)
  const replay = (more: object = {}) =>
    owner.api('POST', `/v1/workflows/${workflowId}/test`, {
      instanceId: owner.instanceId,
      replay: { runs: 5 },
      ...more,
    })
  const plan = (instanceId = owner.instanceId, more: object = {}) =>
    owner.api('POST', '/v1/deployments/plan', { workflowId, instanceId, ...more })
  const require = (requireReplay: boolean, headers: object = {}) =>
    owner.api('PATCH', `/v1/workflows/${workflowId}`, { requireReplay }, { 'If-Match': '*', ...headers })
  return {
    user: owner,
    workflowId,
    deploymentId: String(deployed.body.id),
    replay,
    plan,
    require,
    change: (isBroken: boolean, name = '') =>
      owner.change(workflowId, { ...versionOf(path, isBroken), ...(name && { name }) }),
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
const gateOf = (body: any) =>
  body.problems
    .filter(({ code }: { code: string }) => code.startsWith('replay-'))
    .map(({ code, blocks, forceable }: Record<string, unknown>) => ({ code, blocks, forceable }))
const required = [{ code: 'replay-required', blocks: true, forceable: true }]
const failed = [{ code: 'replay-failed', blocks: true, forceable: true }]

const inN8n = () =>
  [...world.stub.state.workflows.values()].filter(({ name }) => name.startsWith('flowkeep-test-'))

describe('a replay of several runs', () => {
  test('tests the newest ones, one test each, and passes if all pass', async () => {
    const { user, replay, workflowId } = await recorded(3)
    const { status, body } = await replay({ replay: { runs: 2 } })
    expect({ status, replay: body.replay }).toMatchObject({
      status: 200,
      replay: { status: 'passed', runs: 2, passed: 2, differences: 0 },
    })
    const list = await user.api('GET', `/v1/test-runs?replayId=${body.replay.id}`)
    expect(list.body.items).toHaveLength(2)
    const runs = await user.api('GET', `/v1/executions?workflowId=${workflowId}`)
    const newest = runs.body.items.slice(0, 2).map(({ id }: { id: string }) => id)
    expect(list.body.items.map((each: { executionId: string }) => each.executionId).toSorted()).toEqual(
      newest.toSorted(),
    )
    const one = await user.api('GET', `/v1/test-runs/${list.body.items[0].id}`)
    expect(one.body.replay).toEqual(body.replay)
    expect(inN8n()).toEqual([])
    expect(JSON.stringify(await world.database.sql`select * from test_runs`)).not.toContain(
      'planted-customer',
    )
  })

  test('replays as many as are stored, and needs one', async () => {
    const { replay, user, workflowId } = await recorded(1)
    expect((await replay()).body.replay).toMatchObject({ status: 'passed', runs: 1 })
    await user.api('DELETE', `/v1/workflows/${workflowId}/value-storage`)
    const { status, body } = await replay()
    expect({ status, pointer: body.errors[0].pointer }).toEqual({ status: 422, pointer: '/replay' })
  })

  test.each([[{ replay: { runs: 0 } }], [{ replay: { runs: 6 } }], [{ input: {} }], [{ trigger: 'Hook' }]])(
    'refuses %j',
    async (more) => {
      const { replay } = await recorded(0)
      expect((await replay(more)).status).toBe(422)
    },
  )

  test('fails if one fails, and counts the nodes that differ', async () => {
    const { replay, change } = await recorded(2)
    await change(true)
    expect((await replay()).body.replay).toMatchObject({
      status: 'failed',
      runs: 2,
      passed: 0,
      differences: 2,
    })
  })

  test('needs room for all its tests', async () => {
    const { replay, user, workflowId } = await recorded(3)
    const request = { writes: 'pin' as const, bindings: [] }
    const row = { workflowId, instanceId: user.instanceId, version: 1, replayId: null }
    const three = [1, 2, 3].map(() => ({ trigger: 'Hook', request }))
    await world.deps.testRepository.create(user.id, row, three)
    expect((await replay()).body.code).toBe('too-many-requests')
    expect((await replay({ replay: { runs: 2 } })).body.replay).toMatchObject({ status: 'passed' })
  })

  test('belongs to its owner', async () => {
    const { replay } = await recorded(1)
    const other = await world.user()
    const { id, replay: group } = (await replay()).body
    expect((await other.api('GET', `/v1/test-runs/${id}`)).status).toBe(404)
    expect((await other.api('GET', `/v1/test-runs?replayId=${group.id}`)).body.items).toEqual([])
  })

  test('killed between two runs, continues and leaves nothing in n8n', async () => {
    const { replay, user, require, plan, change } = await recorded(3)
    await require(true)
    await change(false, 'Renamed')
    let publishes = 0
    world.fail(
      ({ path }: N8nCall) =>
        path.endsWith('/activate') || path.endsWith('/publish') ? (publishes += 1) === 2 : false,
      'none',
      { kill: true },
    )
    void replay()
    await world.restart()
    expect(gateOf((await plan()).body)).toEqual(required)
    const latest = async () => (await user.api('GET', '/v1/test-runs')).body.items
    expect((await latest())[0].replay).toMatchObject({ status: 'running', runs: 3, passed: 1 })
    const { testRepository } = world.deps
    const [third, second] = await latest()
    // Not before the second one is removed.
    expect(await testRepository.resume(user.id, third.id)).toBeNull()
    const due = (await testRepository.due(10)).filter(({ userId }) => userId === user.id)
    expect(due.map(({ id }) => id)).toEqual([second.id])
    for (let job = 0; job < 6; job += 1) {
      await world.deps.testRuns.resumeTests(5)
      expect(inN8n().length).toBeLessThanOrEqual(1)
      world.pass(61_000)
    }
    const tests = await latest()
    expect(tests).toHaveLength(3)
    for (const each of tests) {
      expect(each).toMatchObject({ status: 'passed', removedAt: expect.any(String) })
      expect(each.replay).toMatchObject({ status: 'passed', runs: 3, passed: 3 })
    }
    expect(inN8n()).toEqual([])
    expect(gateOf((await plan()).body)).toEqual([])
  })
})

describe('a workflow that requires a replay', () => {
  test('is not deployed if a run of its replay has no result', async () => {
    const { plan, require, replay, change, workflowId } = await recorded(2)
    await require(true)
    await change(false, 'Second')
    await replay({ replay: { runs: 2 } })
    expect(gateOf((await plan()).body)).toEqual([])
    await world.database.sql`delete from test_runs where id = (
      select id from test_runs where workflow_id = ${workflowId} order by id desc limit 1)`
    expect(gateOf((await plan()).body)).toEqual(failed)
  })

  test('is deployed only after a replay of exactly this version on this instance has passed', async () => {
    const { user, plan, require, replay, change, deploymentId, workflowId } = await recorded(1)
    expect((await require(true)).body).toMatchObject({ requireReplay: true, version: 1 })
    expect(gateOf((await plan()).body)).toEqual([])
    await change(false, 'Second')
    expect((await plan()).body).toMatchObject({ ready: false })
    expect(gateOf((await plan()).body)).toEqual(required)
    await replay({ version: 1 })
    expect(gateOf((await plan()).body)).toEqual(required)
    const refused = await user.act(deploymentId, 'deploy', {})
    expect({ status: refused.status, code: refused.body.code, detail: refused.body.detail }).toEqual({
      status: 422,
      code: 'deployment-blocked',
      detail: expect.not.stringContaining('would refuse'),
    })
    expect(gateOf(refused.body)).toEqual(required)
    await replay()
    const planned = await plan()
    expect(gateOf(planned.body)).toEqual([])
    // Fixes make another version, which no replay has run.
    const [saved] = await world.database.sql`select workflow_data from workflow_versions
      where workflow_id = ${workflowId} and version = 2`
    const wrong = JSON.stringify(saved?.['workflow_data']).replace('"node":"Send"', '"node":"send"')
    const store = (data: string) => world.database
      .sql`update workflow_versions set workflow_data = ${data}::jsonb
      where workflow_id = ${workflowId} and version = 2`
    await store(wrong)
    const fixing = await plan(user.instanceId, { fixes: ['connection-name-mismatch'] })
    expect([fixing.body.fixes, gateOf(fixing.body)]).toEqual([['connection-name-mismatch'], required])
    await store(JSON.stringify(saved?.['workflow_data']))
    const other = await user.api('POST', '/v1/instances', {
      name: 'Another',
      baseUrl: 'https://n8n.example.com/another',
      apiKey: world.stub.apiKey,
    })
    const { releases } = world.deps.deployer
    const there = await releases.find(user.id, workflowId, other.body.id, 2)
    expect(there.replayGate).toEqual({ newest: null })
    expect((await user.act(deploymentId, 'deploy', { planHash: planned.body.planHash })).body).toMatchObject({
      status: 'active',
      version: 2,
    })
    await change(false, 'Third')
    expect(gateOf((await plan()).body)).toEqual(required)
    expect(gateOf((await plan(user.instanceId, { publish: false })).body)).toEqual([])
  })

  test('is not deployed while its newest replay failed, unless a reason is given', async () => {
    const { user, plan, require, replay, change, deploymentId } = await recorded(2)
    await require(true)
    await change(true)
    await replay()
    const { body } = await plan()
    expect(gateOf(body)).toEqual(failed)
    const { message } = body.problems.find(({ code }: { code: string }) => code === 'replay-failed')
    expect(message).toContain('2 of 2 runs did not pass, 2 nodes differ')
    expect((await user.act(deploymentId, 'deploy', {})).body.code).toBe('deployment-blocked')
    const forced = await user.act(deploymentId, 'deploy', { force: 'Urgent' })
    expect(forced.body).toMatchObject({ status: 'active', version: 2 })
    const events = await user.api('GET', '/v1/audit-events?action=deployment.forced')
    expect(events.body.items[0].details).toMatchObject({ reason: 'Urgent', codes: ['replay-failed'] })
  })

  test('cannot be published by activating an unpublished deployment', async () => {
    const { user, require, replay, change, deploymentId } = await recorded(1)
    await require(true)
    await change(false, 'Second')
    expect((await user.act(deploymentId, 'deploy', { publish: false })).body.status).toBe('inactive')
    expect((await user.act(deploymentId, 'activate')).body.code).toBe('deployment-blocked')
    expect((await user.act(deploymentId, 'rollback', { version: 2 })).body.code).toBe('deployment-blocked')
    await replay()
    expect((await user.act(deploymentId, 'activate')).body.status).toBe('active')
  })

  test('is not opened by a replay of another user', async () => {
    const mine = await recorded(1)
    await mine.require(true)
    const version = await mine.change(false, 'Second')
    const other = await recorded(1)
    await other.change(false, 'Second')
    await other.replay()
    const stolen = await other.user.api('POST', `/v1/workflows/${mine.workflowId}/test`, {
      instanceId: other.user.instanceId,
      replay: { runs: 1 },
      version,
    })
    expect(stolen.status).toBe(404)
    expect(gateOf((await mine.plan()).body)).toEqual(required)
  })

  test('an access token turns the setting on with workflows:write, and off only with deploy and destructive', async () => {
    const { user, require } = await recorded(0)
    const tokenOf = async (...scopes: string[]) => {
      const { body } = await user.api('POST', '/v1/tokens', { name: 'Agent', scopes })
      return { Authorization: `Bearer ${body.token}` }
    }
    const writer = await tokenOf('workflows:read', 'workflows:write')
    const deployer = await tokenOf('workflows:read', 'workflows:write', 'deploy')
    const trusted = await tokenOf('workflows:read', 'workflows:write', 'deploy', 'destructive')
    expect((await require(true, writer)).body).toMatchObject({ requireReplay: true })
    expect((await require(false, writer)).body).toMatchObject({
      code: 'insufficient-scope',
      requiredScope: 'deploy',
    })
    expect((await require(false, deployer)).body).toMatchObject({ requiredScope: 'destructive' })
    expect((await require(false, trusted)).body).toMatchObject({ requireReplay: false, version: 1 })
    const events = await user.api('GET', '/v1/audit-events?action=workflow.replay-setting')
    expect(events.body.items.map(({ details }: { details: object }) => details)).toEqual([
      { requireReplay: false },
      { requireReplay: true },
    ])
  })

  test('needs the scope executions:values to replay', async () => {
    const { user, workflowId } = await recorded(1)
    const { body } = await user.api('POST', '/v1/tokens', { name: 'Agent', scopes: ['workflows:test'] })
    const answer = await user.api(
      'POST',
      `/v1/workflows/${workflowId}/test`,
      { instanceId: user.instanceId, replay: { runs: 1 } },
      { Authorization: `Bearer ${body.token}` },
    )
    expect(answer.body).toMatchObject({ code: 'insufficient-scope', requiredScope: 'executions:values' })
  })
})
