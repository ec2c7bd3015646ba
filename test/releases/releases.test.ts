import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { housekeeping } from '../../src/housekeeping.ts'
import {
  createReleaseWorld,
  orders,
  type ReleaseUser,
  type ReleaseWorld,
  textOn,
  workflowsOn,
} from './release-world.ts'

let world: ReleaseWorld
beforeAll(async () => {
  world = await createReleaseWorld()
})
afterAll(() => world.close())
afterEach(async () => {
  world.hooks.beforeCall = undefined
  world.hooks.database = undefined
  await world.settle()
})

const now = { observe: { seconds: 0 } }

/** Without the wait for runs, unless `more` says otherwise. */
const release = (user: ReleaseUser, workflowId: string, more: object = {}) =>
  user.made('/v1/releases', { workflows: [{ workflowId }], instanceIds: user.instanceIds, ...now, ...more })

/** Records production runs of the workflow on an instance. */
async function record(user: ReleaseUser, deploymentId: string, outcomes: readonly ('success' | 'error')[]) {
  const { json: deployment } = await user.api('GET', `/v1/deployments/${deploymentId}`)
  const { json: token } = await user.api('POST', `/v1/instances/${deployment.instanceId}/webhook-token`)
  for (const status of outcomes) {
    const answer = await world.call(
      'POST',
      `/hooks/n8n/${deployment.instanceId}`,
      {
        executionId: crypto.randomUUID().slice(0, 8),
        workflowId: deployment.n8nWorkflowId,
        status,
        mode: 'webhook',
        startedAt: world.now().toISOString(),
        finishedAt: world.now().toISOString(),
        ...(status === 'error' && { error: { message: 'Boom' } }),
      },
      token.webhookToken,
    )
    expect(answer.status).toBe(202)
  }
}

describe('a release', () => {
  test('deploys one copy to each instance and rolls all of them back', async () => {
    const user = await world.user(4)
    const workflowId = await user.workflow(orders('v1'))
    const created = await user.made('/v1/releases', {
      workflows: [{ workflowId }],
      instanceIds: user.instanceIds,
      ...now,
    })
    expect(created).toMatchObject({ status: 'running', targets: { total: 4, blocked: 0 } })
    const done = await user.finish(created.id)
    expect(done).toMatchObject({ status: 'completed', targets: { deployed: 4 } })
    for (const { stub } of user.instances) expect(textOn(stub)).toEqual(['v1'])
    await user.change(workflowId, orders('v2'))
    const second = await user.made('/v1/releases', {
      workflows: [{ workflowId }],
      instanceIds: user.instanceIds,
      ...now,
    })
    expect(await user.finish(second.id)).toMatchObject({ status: 'completed', targets: { deployed: 4 } })
    for (const { stub } of user.instances) expect(textOn(stub)).toEqual(['v2'])
    const third = await user.made('/v1/releases', {
      workflows: [{ workflowId }],
      instanceIds: user.instanceIds,
      ...now,
    })
    expect(await user.finish(third.id)).toMatchObject({ status: 'completed', targets: { unchanged: 4 } })
    await user.api('POST', `/v1/releases/${second.id}/rollback`)
    const rolledBack = await user.finish(second.id)
    expect(await user.targets(second.id)).toMatchObject(
      user.instances.map(() => ({ status: 'rolled-back', error: null })),
    )
    expect(rolledBack).toMatchObject({ status: 'rolled-back', targets: { rolledBack: 4 } })
    for (const { stub } of user.instances) expect(textOn(stub)).toEqual(['v1'])
    await user.api('POST', `/v1/releases/${created.id}/rollback`)
    expect(await user.finish(created.id)).toMatchObject({ status: 'rolled-back', targets: { rolledBack: 4 } })
    for (const { stub } of user.instances) expect(workflowsOn(stub)).toEqual([])
  })

  test('with dryRun, touches nothing until it is started with the hash of its plan', async () => {
    const user = await world.user(2)
    const workflowId = await user.workflow(orders())
    const planned = await release(user, workflowId, { dryRun: true })
    expect(planned).toMatchObject({ status: 'planned', reason: null, startedAt: null, problems: [] })
    expect(planned.planHash).toMatch(/^[0-9a-f]{64}$/)
    for (const { stub } of user.instances) expect(stub.state.workflows.size).toBe(0)
    const wrong = await user.api('POST', `/v1/releases/${planned.id}/start`, { planHash: '0'.repeat(64) })
    expect(wrong).toMatchObject({ status: 409, json: { code: 'conflict' } })
    const started = await user.api('POST', `/v1/releases/${planned.id}/start`, { planHash: planned.planHash })
    expect(started).toMatchObject({ status: 200, json: { status: 'running' } })
    expect(await user.finish(planned.id)).toMatchObject({ status: 'completed', targets: { deployed: 2 } })
    const again = await user.api('POST', `/v1/releases/${planned.id}/start`, { planHash: planned.planHash })
    expect(again.status).toBe(409)
  })

  test('with a blocked target, does not start, and plans that target again on request', async () => {
    const user = await world.user(2)
    const workflowId = await user.workflow(withHeader())
    const blocked = await release(user, workflowId)
    expect(blocked).toMatchObject({ status: 'planned', targets: { blocked: 2 } })
    expect(blocked.problems).toHaveLength(2)
    expect(blocked.problems[0]).toMatchObject({
      instanceName: 'Customer 0',
      message: expect.stringContaining('httpHeaderAuth'),
    })
    const refused = await user.api('POST', `/v1/releases/${blocked.id}/start`, { planHash: blocked.planHash })
    expect(refused).toMatchObject({ status: 422, json: { code: 'deployment-blocked' } })
    await user.made('/v1/credentials', {
      type: 'httpHeaderAuth',
      name: 'CRM header',
      data: { name: 'X-Key', value: 'planted-secret-1' },
    })
    await user.api('POST', `/v1/releases/${blocked.id}/resume`, {})
    const done = await user.finish(blocked.id)
    expect(done).toMatchObject({ status: 'completed', targets: { deployed: 2, blocked: 0 } })
    expect(world.answers.join('')).not.toContain('planted-secret-1')
  })

  test('a failing canary touches no other instance, and the release resumes', async () => {
    const user = await world.user(4)
    const workflowId = await user.workflow(orders())
    const [canary] = user.instances
    let isBroken = true
    const touched = new Set<string>()
    world.hooks.beforeCall = (host, method) => {
      if (method !== 'GET') touched.add(host)
      if (isBroken && host === canary!.host && method === 'POST')
        canary!.stub.failNext({ step: '*', mode: '4xx' })
    }
    const created = await release(user, workflowId)
    const halted = await user.finish(created.id)
    expect(halted).toMatchObject({ status: 'halted', phase: 'canary', targets: { failed: 1, pending: 3 } })
    expect(halted.reason).toContain('1 of 4 targets failed')
    expect([...touched]).toEqual([canary!.host])
    const [failed] = await user.targets(created.id, '&status=failed')
    expect(failed).toMatchObject({ canary: true, error: expect.any(String) })
    isBroken = false
    await user.api('POST', `/v1/releases/${created.id}/resume`, {})
    expect(await user.finish(created.id)).toMatchObject({
      status: 'completed',
      targets: { deployed: 4, failed: 0 },
    })
    for (const { stub } of user.instances) expect(textOn(stub)).toEqual(['v1'])
  })

  test('observes the runs of the canary and halts above the failure rate', async () => {
    const user = await world.user(3)
    const workflowId = await user.workflow(orders())
    const created = await release(user, workflowId, {
      observe: { seconds: 60, minRuns: 4 },
      maxFailureRate: 0.25,
    })
    expect(await user.finish(created.id)).toMatchObject({ status: 'running', phase: 'observing' })
    const [canary] = await user.targets(created.id)
    world.pass(120_000)
    // Fewer runs than it waits for decide nothing.
    await record(user, canary.deploymentId, ['error', 'error'])
    expect(await user.finish(created.id)).toMatchObject({
      phase: 'observing',
      observation: { finishedRuns: 2, failedRuns: 2 },
    })
    await record(user, canary.deploymentId, ['success', 'success'])
    const halted = await user.finish(created.id)
    expect(halted).toMatchObject({ status: 'halted', targets: { deployed: 1, pending: 2 } })
    expect(halted.reason).toContain('2 of 4 runs of the canary failed, more than 25%')
    // Earlier runs do not count after the release is resumed.
    await user.api('POST', `/v1/releases/${created.id}/resume`, {})
    expect(await user.finish(created.id)).toMatchObject({
      phase: 'observing',
      observation: { finishedRuns: 0 },
    })
    world.pass(61_000)
    await record(user, canary.deploymentId, ['success', 'success', 'success', 'error'])
    expect(await user.finish(created.id)).toMatchObject({ status: 'completed', targets: { deployed: 3 } })
  })

  test('halts on the runs of the rest, and deploys the rest without observing the canary on request', async () => {
    const user = await world.user(3)
    const workflowId = await user.workflow(orders())
    const created = await release(user, workflowId, { observe: { seconds: 3600 }, concurrency: 1 })
    expect(await user.finish(created.id)).toMatchObject({ phase: 'observing' })
    const [canary] = await user.targets(created.id)
    let isRecorded = false
    world.hooks.beforeCall = async (host, method) => {
      if (isRecorded || host !== user.instances[1]!.host || method !== 'PUT') return
      isRecorded = true
      await record(user, canary.deploymentId, ['error'])
    }
    const resumed = await user.api('POST', `/v1/releases/${created.id}/resume`, { skipObservation: true })
    expect(resumed).toMatchObject({ status: 200, json: { phase: 'rest' } })
    const halted = await user.finish(created.id)
    expect(halted).toMatchObject({ status: 'halted', phase: 'rest', targets: { deployed: 2, pending: 1 } })
    expect(halted.reason).toContain('of the deployed targets failed')
    expect(textOn(user.instances[2]!.stub)).toEqual([])
  })

  test('continues after failed targets up to their limit', async () => {
    const user = await world.user(4)
    const workflowId = await user.workflow(orders())
    const broken = user.instances[2]!
    world.hooks.beforeCall = (host, method) => {
      if (host === broken.host && method === 'POST') broken.stub.failNext({ step: '*', mode: '4xx' })
    }
    const created = await release(user, workflowId, { maxFailedTargets: 1 })
    expect(await user.finish(created.id)).toMatchObject({
      status: 'completed',
      targets: { deployed: 3, failed: 1 },
    })
  })

  test('deploys sub-workflows first, and rolls their callers back first', async () => {
    const user = await world.user(2)
    const child = await user.workflow(callable('Child'))
    const parent = await user.workflow(calling(child))
    const created = await user.made('/v1/releases', {
      workflows: [{ workflowId: parent }, { workflowId: child }],
      instanceIds: user.instanceIds,
      ...now,
    })
    expect(created.workflows.map(({ workflowId }: { workflowId: string }) => workflowId)).toEqual([
      child,
      parent,
    ])
    expect(await user.finish(created.id)).toMatchObject({
      status: 'completed',
      targets: { total: 4, deployed: 4 },
    })
    for (const { stub } of user.instances) {
      const [called, caller] = ['Child', 'Parent'].map((name) =>
        workflowsOn(stub).find((each) => each.name === name),
      )
      expect(JSON.stringify(caller?.nodes)).toContain(called!.id)
    }
    await user.api('POST', `/v1/releases/${created.id}/rollback`)
    expect(await user.finish(created.id)).toMatchObject({ status: 'rolled-back', targets: { rolledBack: 4 } })
  })

  test('deploys to each instance with its own credential', async () => {
    const user = await world.user(3)
    const workflowId = await user.workflow(withHeader())
    const values = ['planted-a', 'planted-b', 'planted-c']
    for (const [index, value] of values.entries()) {
      const data = { name: 'X-Key', value }
      const { id } = await user.made('/v1/credentials', { type: 'httpHeaderAuth', name: value, data })
      await world.database.sql`update instances set credentials = ${JSON.stringify([
        { type: 'httpHeaderAuth', credentialId: id },
      ])}::jsonb where id = ${user.instanceIds[index] ?? ''}`
    }
    expect(await user.finish((await release(user, workflowId)).id)).toMatchObject({
      targets: { deployed: 3 },
    })
    const sent = user.instances.map(({ stub }) =>
      [...stub.state.credentials.values()].flatMap(({ data }) =>
        data['name'] === 'X-Key' ? [data['value']] : [],
      ),
    )
    expect(sent).toEqual(values.map((value) => [value]))
  })

  test('refuses workflows that call each other', async () => {
    const user = await world.user(1)
    const one = await user.workflow(callable('One'))
    const two = await user.workflow(calling(one, 'Two'))
    await user.change(one, calling(two, 'One'))
    const answer = await user.api('POST', '/v1/releases', {
      workflows: [{ workflowId: one }, { workflowId: two }],
      instanceIds: user.instanceIds,
    })
    expect(answer).toMatchObject({ status: 409, json: { detail: expect.stringContaining('cycle') } })
  })

  test('leaves an unpublished workflow unpublished, and so does its rollback', async () => {
    const user = await world.user(1)
    const workflowId = await user.workflow(orders('v1'))
    const first = await user.finish((await release(user, workflowId)).id)
    const [{ deploymentId }] = await user.targets(first.id)
    await user.api('POST', `/v1/deployments/${deploymentId}/deactivate`)
    await user.change(workflowId, orders('v2'))
    const second = await user.finish((await release(user, workflowId)).id)
    expect(second).toMatchObject({ status: 'completed', targets: { deployed: 1 } })
    const { stub } = user.instances[0]!
    expect(workflowsOn(stub)).toMatchObject([{ isLive: false }])
    expect(textOn(stub)).toEqual(['v2'])
    await user.api('POST', `/v1/releases/${second.id}/rollback`)
    await user.finish(second.id)
    expect(workflowsOn(stub)).toMatchObject([{ isLive: false }])
    expect(textOn(stub)).toEqual(['v1'])
  })
})

describe('a rollback', () => {
  test('leaves targets alone that someone changed after the release, with the reason', async () => {
    const user = await world.user(5)
    const workflowId = await user.workflow(orders('v1'))
    await user.finish((await release(user, workflowId)).id)
    await user.change(workflowId, orders('v2'))
    const second = await user.finish((await release(user, workflowId)).id)
    const targets = await user.targets(second.id)
    // Redeployed in Flowkeep, edited in n8n, unpublished in n8n, deleted in n8n.
    await user.change(workflowId, orders('v3'))
    await user.api('POST', `/v1/deployments/${targets[0].deploymentId}/deploy`, {})
    const [, edited, unpublished, deleted, untouched] = user.instances.map(({ stub }) => stub)
    const of = (stub: typeof edited) => workflowsOn(stub!)[0]!
    await inN8n(edited!, 'PUT', of(edited).id, { ...orders('by hand'), settings: { executionOrder: 'v1' } })
    await inN8n(unpublished!, 'POST', `${of(unpublished).id}/unpublish`)
    await inN8n(deleted!, 'POST', `${of(deleted).id}/unpublish`)
    await inN8n(deleted!, 'DELETE', of(deleted).id)
    await user.api('POST', `/v1/releases/${second.id}/rollback`)
    const done = await user.finish(second.id)
    expect(done).toMatchObject({ status: 'rolled-back', targets: { kept: 4, rolledBack: 1 } })
    const errors = (await user.targets(second.id, '&status=kept')).map(({ error }) => error)
    expect(errors[0]).toContain('changed after the release')
    expect(errors[1]).toContain('edited in n8n')
    expect(errors[2]).toContain('unpublished in n8n')
    expect(errors[3]).toContain('deleted in n8n')
    expect(textOn(user.instances[0]!.stub)).toEqual(['v3'])
    expect(textOn(edited!)).toEqual(['by hand'])
    expect(workflowsOn(unpublished!)).toMatchObject([{ isLive: false }])
    expect(workflowsOn(deleted!)).toEqual([])
    expect(textOn(untouched!)).toEqual(['v1'])
  })

  test('stops a running release and undoes only what it has touched', async () => {
    const user = await world.user(4)
    const workflowId = await user.workflow(orders('v1'))
    const created = await release(user, workflowId, { observe: { seconds: 3600 } })
    expect(await user.finish(created.id)).toMatchObject({ phase: 'observing' })
    await user.api('POST', `/v1/releases/${created.id}/rollback`)
    const done = await user.finish(created.id)
    expect(done).toMatchObject({ status: 'rolled-back', targets: { rolledBack: 1, pending: 3 } })
    for (const { stub } of user.instances) expect(workflowsOn(stub)).toEqual([])
  })

  test('that fails on an instance can be repeated', async () => {
    const user = await world.user(2)
    const workflowId = await user.workflow(orders('v1'))
    const { id } = await user.finish((await release(user, workflowId)).id)
    const { host, stub } = user.instances[1]!
    let isBroken = true
    world.hooks.beforeCall = (called, method) => {
      if (isBroken && called === host && method === 'DELETE') stub.failNext({ step: '*', mode: '4xx' })
    }
    await user.api('POST', `/v1/releases/${id}/rollback`)
    const halted = await user.finish(id)
    expect(halted).toMatchObject({ status: 'halted', targets: { rolledBack: 1, rollbackFailed: 1 } })
    expect((await user.api('POST', `/v1/releases/${id}/resume`, {})).status).toBe(409)
    isBroken = false
    await user.api('POST', `/v1/releases/${id}/rollback`)
    expect(await user.finish(id)).toMatchObject({ status: 'rolled-back', targets: { rolledBack: 2 } })
    expect(workflowsOn(stub)).toEqual([])
  })
})

describe('two releases', () => {
  test('cannot have the same workflow on the same instance at the same time', async () => {
    const user = await world.user(2)
    const workflowId = await user.workflow(orders('v1'))
    const first = await release(user, workflowId, { observe: { seconds: 3600 } })
    const body = { workflows: [{ workflowId }], instanceIds: [user.instanceIds[1]], ...now }
    const second = await user.api('POST', '/v1/releases', body)
    expect(second).toMatchObject({ status: 409, json: { code: 'conflict', releaseId: first.id } })
    const planned = await user.made('/v1/releases', { ...body, dryRun: true })
    const refused = await user.api('POST', `/v1/releases/${planned.id}/start`, { planHash: planned.planHash })
    expect(refused).toMatchObject({ status: 409, json: { releaseId: first.id } })
    await user.api('POST', `/v1/releases/${first.id}/halt`)
    const started = await user.api('POST', `/v1/releases/${planned.id}/start`, { planHash: planned.planHash })
    expect(started.status).toBe(200)
    const resumed = await user.api('POST', `/v1/releases/${first.id}/resume`, {})
    if (resumed.status !== 200)
      expect(resumed).toMatchObject({ status: 409, json: { releaseId: planned.id } })
  })

  test('started at the same time, one of them wins', async () => {
    const user = await world.user(2)
    const workflowId = await user.workflow(orders('v1'))
    const body = { workflows: [{ workflowId }], instanceIds: user.instanceIds, observe: { seconds: 3600 } }
    const answers = await Promise.all(Array.from({ length: 4 }, () => user.api('POST', '/v1/releases', body)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409])
  })
})

describe('the work', () => {
  test('is shared by several workers without doing a target twice', async () => {
    const user = await world.user(8)
    const workflowId = await user.workflow(orders())
    const created = await release(user, workflowId, { dryRun: true, canary: 0, concurrency: 4 })
    const creations = new Map<string, number>()
    let busy = 0
    let most = 0
    world.hooks.beforeCall = async (host, method, path) => {
      if (method !== 'POST' || !path.endsWith('/workflows')) return
      creations.set(host, (creations.get(host) ?? 0) + 1)
      busy += 1
      most = Math.max(most, busy)
      await new Promise((resolve) => setImmediate(resolve))
      busy -= 1
    }
    const others = [world.start(), world.start(), world.start()]
    await user.api('POST', `/v1/releases/${created.id}/start`, { planHash: created.planHash })
    await Promise.all([
      ...others.map(({ deps }) => deps.releaseRunner.push(user.id, created.id, 60_000)),
      world.settle(),
    ])
    expect(await user.finish(created.id)).toMatchObject({ status: 'completed', targets: { deployed: 8 } })
    for (const { stub } of user.instances) expect(textOn(stub)).toEqual(['v1'])
    expect(most).toBeLessThanOrEqual(4)
    const history = await world.database
      .sql`select target.attempts from release_targets target where release_id = ${created.id}`
    expect(history.map(({ attempts }) => attempts)).toEqual(Array(8).fill(1))
  })

  test('continues in the scheduled job, in turn with the releases of other users', async () => {
    const users = [await world.user(3), await world.user(3)]
    const ids = []
    for (const user of users) {
      const planned = await release(user, await user.workflow(orders()), {
        dryRun: true,
        canary: 0,
        concurrency: 1,
      })
      await world.database
        .sql`update releases set status = 'running', phase = 'rest', started_at = now(), observed_from = now()
        where id = ${planned.id}`
      ids.push(planned.id)
    }
    const order: string[] = []
    world.hooks.beforeCall = (host, method, path) => {
      if (method === 'POST' && path.endsWith('/workflows')) order.push(host.slice(-20))
    }
    await world.running.deps.releaseRunner.runJob({ budgetMs: 60_000 })
    for (const [index, user] of users.entries()) {
      expect((await user.api('GET', `/v1/releases/${ids[index]}`)).json).toMatchObject({
        status: 'completed',
      })
    }
    await housekeeping(world.running.deps)
    const runs = await world.database.sql`select part from job_runs where part = 'releases'`
    expect(runs.length).toBeGreaterThan(0)
  })

  test('in the scheduled job, does not wait for another release of the user that is observed', async () => {
    const user = await world.user(3)
    const observed = await release(user, await user.workflow(orders()), { observe: { seconds: 3600 } })
    await world.settle()
    const rest = { instanceIds: user.instanceIds.slice(1), dryRun: true, canary: 0 }
    const other = await release(user, await user.workflow(orders()), rest)
    await world.database
      .sql`update releases set status = 'running', phase = 'rest', started_at = now(), observed_from = now()
      where id = ${other.id}`
    await world.database.sql`update releases set worked_at = null where id = ${observed.id}`
    await world.running.deps.releaseRunner.runJob({ budgetMs: 60_000 })
    const rows = await world.database
      .sql`select status, phase from releases where id in (${observed.id}, ${other.id}) order by id`
    expect(rows.map(({ status, phase }) => ({ status, phase }))).toEqual([
      { status: 'running', phase: 'observing' },
      { status: 'completed', phase: 'rest' },
    ])
  })

  test('survives a crash at any request to n8n, with one copy on each instance', async () => {
    for (const crashAt of [1, 3, 5, 6, 8, 10, 12, 15]) {
      const user = await world.user(2)
      const workflowId = await user.workflow(orders())
      const created = await release(user, workflowId, { dryRun: true, canary: 1 })
      let calls = 0
      const crashed = new Promise<void>((resolve) => {
        world.hooks.beforeCall = async () => {
          calls += 1
          if (calls !== crashAt) return
          world.running.kill()
          resolve()
          await new Promise(() => undefined)
        }
      })
      await user.api('POST', `/v1/releases/${created.id}/start`, { planHash: created.planHash })
      await Promise.race([crashed, world.settle()])
      world.hooks.beforeCall = undefined
      world.restart()
      expect(await user.finish(created.id)).toMatchObject({ status: 'completed', targets: { deployed: 2 } })
      for (const { stub } of user.instances) expect(textOn(stub)).toEqual(['v1'])
      calls = -1000
      await user.api('POST', `/v1/releases/${created.id}/rollback`)
      expect(await user.finish(created.id)).toMatchObject({ status: 'rolled-back' })
      for (const { stub } of user.instances) expect(workflowsOn(stub)).toEqual([])
    }
  })

  test('a rollback survives a crash at any request to n8n', async () => {
    for (const crashAt of [1, 2, 3, 4, 5, 6, 7]) {
      const user = await world.user(2)
      const workflowId = await user.workflow(orders('v1'))
      await user.finish((await release(user, workflowId)).id)
      await user.change(workflowId, orders('v2'))
      const { id } = await user.finish((await release(user, workflowId)).id)
      let calls = 0
      const crashed = new Promise<void>((resolve) => {
        world.hooks.beforeCall = async () => {
          calls += 1
          if (calls !== crashAt) return
          world.running.kill()
          resolve()
          await new Promise(() => undefined)
        }
      })
      await user.api('POST', `/v1/releases/${id}/rollback`)
      await Promise.race([crashed, world.settle()])
      world.hooks.beforeCall = undefined
      world.restart()
      expect(await user.finish(id)).toMatchObject({
        status: 'rolled-back',
        targets: { rolledBack: 2, kept: 0 },
      })
      for (const { stub } of user.instances) expect(textOn(stub)).toEqual(['v1'])
    }
  })
})

/** Kills the process at one of its requests to the database, before or after the database has answered. */
function crashAtStatement(index: number, isApplied: boolean): Promise<void> {
  let statements = 0
  return new Promise((resolve) => {
    world.hooks.database = async (send) => {
      statements += 1
      if (statements !== index) return send()
      world.hooks.database = undefined
      if (isApplied) await send()
      world.running.kill()
      resolve()
      return new Promise(() => undefined)
    }
  })
}

describe('a crash at any statement', () => {
  test.each([true, false])(
    'leaves one copy, and the release and its rollback finish (applied: %s)',
    async (isApplied) => {
      const user = await world.user(1)
      const workflowId = await user.workflow(orders('v1'))
      const done = new Set<string>()
      for (let index = 1; index < 60 && done.size < 2; index += 3) {
        const created = await release(user, workflowId, { dryRun: true })
        const crashed = crashAtStatement(index, isApplied)
        await Promise.race([
          crashed,
          user
            .api('POST', `/v1/releases/${created.id}/start`, { planHash: created.planHash })
            .then(() => world.settle())
            .then(() => done.add('deploy')),
        ])
        world.hooks.database = undefined
        world.restart()
        await user.api('POST', `/v1/releases/${created.id}/start`, { planHash: created.planHash })
        expect(await user.finish(created.id)).toMatchObject({ status: 'completed', targets: { deployed: 1 } })
        expect(textOn(user.instances[0]!.stub)).toEqual(['v1'])
        const undone = crashAtStatement(index, isApplied)
        await Promise.race([
          undone,
          user
            .api('POST', `/v1/releases/${created.id}/rollback`)
            .then(() => world.settle())
            .then(() => done.add('rollback')),
        ])
        world.hooks.database = undefined
        world.restart()
        await user.api('POST', `/v1/releases/${created.id}/rollback`)
        expect(await user.finish(created.id)).toMatchObject({
          status: 'rolled-back',
          targets: { rolledBack: 1, kept: 0 },
        })
        expect(workflowsOn(user.instances[0]!.stub)).toEqual([])
      }
      expect(done.size).toBe(2)
    },
  )
})

describe('a promotion', () => {
  const setUp = async (count: number) => {
    const user = await world.user(count)
    for (const name of ['staging', 'live']) await user.made('/v1/environments', { name })
    const [staging, ...live] = user.instanceIds
    await world.database.sql`update instances set environment = 'staging' where id = ${staging}`
    await world.database.sql`update instances set environment = 'live' where id = any(${live}::uuid[])`
    return { user, stagingId: staging! }
  }
  const promote = (user: ReleaseUser, more: object = {}) =>
    user.api('POST', '/v1/promotions', { from: 'staging', to: 'live', ...now, ...more })

  test('releases the versions that are live, sub-workflows first, and leaves equal ones unchanged', async () => {
    const { user, stagingId } = await setUp(3)
    const child = await user.workflow(callable('Child'))
    const parent = await user.workflow(calling(child))
    const other = await user.workflow(orders('v1'))
    for (const workflowId of [parent, other]) {
      await user.made('/v1/deployments', { workflowId, instanceId: stagingId })
    }
    // A version that is saved but not live is not promoted.
    await user.change(other, orders('v2'))
    const promoted = await promote(user)
    expect(promoted).toMatchObject({
      status: 201,
      json: { fromEnvironment: 'staging', toEnvironment: 'live' },
    })
    const order = promoted.json.workflows.map(({ workflowId }: { workflowId: string }) => workflowId)
    expect(order.indexOf(child)).toBeLessThan(order.indexOf(parent))
    expect(await user.finish(promoted.json.id)).toMatchObject({
      status: 'completed',
      targets: { total: 6, deployed: 6 },
    })
    for (const { stub } of user.instances.slice(1)) expect(textOn(stub)).toEqual(['v1'])
    const again = await promote(user)
    expect(await user.finish(again.json.id)).toMatchObject({ status: 'completed', targets: { unchanged: 6 } })
  })

  test('fails if nothing is live, if versions differ, and for unknown environments', async () => {
    const { user, stagingId } = await setUp(3)
    expect(await promote(user)).toMatchObject({ status: 422, json: { errors: [{ pointer: '/from' }] } })
    const workflowId = await user.workflow(orders('v1'))
    await user.made('/v1/deployments', { workflowId, instanceId: stagingId })
    expect((await promote(user, { to: 'nowhere' })).status).toBe(422)
    expect((await promote(user, { to: 'staging' })).status).toBe(422)
    await user.change(workflowId, orders('v2'))
    const [, second] = user.instanceIds
    await world.database.sql`update instances set environment = 'staging' where id = ${second}`
    await user.made('/v1/deployments', { workflowId, instanceId: second })
    expect(await promote(user)).toMatchObject({
      status: 409,
      json: { detail: expect.stringContaining('1, 2') },
    })
    const stranger = await world.user(1)
    expect((await promote(stranger)).status).toBe(422)
  })
})

describe('the API', () => {
  test.each([
    ['no workflow', { workflows: [] }],
    ['another user', 'stranger'],
    ['an unknown version', { version: 9 }],
    ['too many at a time', { concurrency: 11 }],
  ])('rejects %s', async (_, more) => {
    const user = await world.user(1)
    const workflowId = await user.workflow(orders())
    const body = { workflows: [{ workflowId }], instanceIds: user.instanceIds }
    if (more === 'stranger') {
      const stranger = await world.user(1)
      const answers = [
        await stranger.api('POST', '/v1/releases', { ...body, instanceIds: stranger.instanceIds }),
        await stranger.api('POST', '/v1/releases', {
          ...body,
          workflows: [{ workflowId: await stranger.workflow(orders()) }],
        }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([422, 422])
      expect(answers.map(({ json }) => json.errors[0].pointer)).toEqual(['/workflows/0', '/instanceIds/0'])
      return
    }
    const given =
      typeof more === 'object' && 'version' in more ? { workflows: [{ workflowId, ...more }] } : more
    expect((await user.api('POST', '/v1/releases', Object.assign({}, body, given))).status).toBe(422)
  })

  test('requires deploy:production for every command if one instance is production', async () => {
    const user = await world.user(2)
    const workflowId = await user.workflow(orders())
    await world.database
      .sql`update instances set environment = 'production' where id = ${user.instanceIds[1]}`
    const { token } = await user.made('/v1/tokens', { name: 'CI', scopes: ['deploy', 'deployments:read'] })
    const by = (method: string, path: string, body?: unknown) => world.call(method, path, body, token)
    const body = { workflows: [{ workflowId }], instanceIds: user.instanceIds, observe: { seconds: 3600 } }
    expect(await by('POST', '/v1/releases', body)).toMatchObject({
      status: 403,
      json: { code: 'insufficient-scope', requiredScope: 'deploy:production' },
    })
    const own = await user.made('/v1/releases', body)
    expect((await by('GET', `/v1/releases/${own.id}`)).status).toBe(200)
    for (const command of ['halt', 'rollback']) {
      expect((await by('POST', `/v1/releases/${own.id}/${command}`)).status).toBe(403)
    }
  })

  test('works with the scopes of the token that started the release, and names it in the audit trail', async () => {
    const user = await world.user(2)
    const workflowId = await user.workflow(withHeader())
    await user.made('/v1/credentials', {
      type: 'httpHeaderAuth',
      name: 'CRM header',
      data: { name: 'X-Key', value: 'planted' },
    })
    const { token } = await user.made('/v1/tokens', { name: 'CI', scopes: ['deploy', 'deployments:read'] })
    const body = { workflows: [{ workflowId }], instanceIds: user.instanceIds, ...now }
    const blocked = await world.call('POST', '/v1/releases', body, token)
    expect(blocked.json).toMatchObject({ status: 'planned', targets: { blocked: 2 } })
    expect(blocked.json.problems[0].message).toContain('credentials:use')
    const { token: wider } = await user.made('/v1/tokens', {
      name: 'Wide',
      scopes: ['deploy', 'credentials:use'],
    })
    const made = await world.call('POST', '/v1/releases', body, wider)
    expect(await user.finish(made.json.id)).toMatchObject({ status: 'completed', targets: { deployed: 2 } })
    const events = await world.database
      .sql`select action, token_name from audit_events where user_id = ${user.id}
      and (action = 'deployment.finished' or action like 'release.%') and token_name is not null order by id`
    expect(new Set(events.map(({ action }) => action))).toEqual(
      new Set(['release.created', 'release.started', 'deployment.finished', 'release.completed']),
    )
    expect(
      events.filter(({ action }) => action === 'deployment.finished').map(({ token_name: name }) => name),
    ).toEqual(['Wide', 'Wide'])
  })

  test('a token without the scope destructive cannot overwrite edits in n8n or undeploy by a rollback', async () => {
    const user = await world.user(1)
    const workflowId = await user.workflow(orders('v1'))
    const { token } = await user.made('/v1/tokens', { name: 'CI', scopes: ['deploy', 'deployments:read'] })
    const body = { workflows: [{ workflowId }], instanceIds: user.instanceIds, ...now }
    const made = await world.call('POST', '/v1/releases', body, token)
    expect(await user.finish(made.json.id)).toMatchObject({ status: 'completed', targets: { deployed: 1 } })
    const refused = await world.call('POST', `/v1/releases/${made.json.id}/rollback`, undefined, token)
    expect(refused).toMatchObject({ status: 403, json: { requiredScope: 'destructive' } })
    const { stub } = user.instances[0]!
    await inN8n(stub, 'PUT', workflowsOn(stub)[0]!.id, orders('by hand'))
    await user.change(workflowId, orders('v2'))
    const blocked = await world.call('POST', '/v1/releases', body, token)
    expect(blocked.json).toMatchObject({ status: 'planned', targets: { blocked: 1 } })
    expect(blocked.json.problems[0].message).toContain('destructive')
    expect(textOn(stub)).toEqual(['by hand'])
  })

  test('pages over the targets', async () => {
    const user = await world.user(3)
    const created = await release(user, await user.workflow(orders()), { dryRun: true })
    const first = await user.api('GET', `/v1/releases/${created.id}/targets?limit=2`)
    expect(first.json.items.map(({ position }: { position: number }) => position)).toEqual([0, 1])
    const second = await user.api(
      'GET',
      `/v1/releases/${created.id}/targets?limit=2&cursor=${first.json.nextCursor}`,
    )
    expect(second.json).toMatchObject({ items: [{ position: 2 }], nextCursor: null })
  })
})

async function inN8n(
  stub: ReleaseUser['instances'][number]['stub'],
  method: string,
  path: string,
  body?: unknown,
) {
  const answer = await stub.fetch(`https://n8n.example.com/api/v1/workflows/${path}`, {
    method,
    headers: { 'X-N8N-API-KEY': stub.apiKey, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  expect(answer.status).toBeLessThan(300)
}

/** Needs a credential. */
function withHeader() {
  const workflow = orders()
  return {
    ...workflow,
    nodes: [
      ...workflow.nodes,
      {
        id: 'call',
        name: 'Call',
        type: 'n8n-nodes-base.httpRequest',
        typeVersion: 4.2,
        position: [440, 0],
        parameters: {
          url: 'https://crm.example.com',
          authentication: 'genericCredentialType',
          genericAuthType: 'httpHeaderAuth',
          options: {},
        },
        credentials: { httpHeaderAuth: { id: 'elsewhere', name: 'CRM header' } },
      },
    ],
  }
}

const trigger = {
  id: 'called',
  name: 'Called',
  type: 'n8n-nodes-base.executeWorkflowTrigger',
  typeVersion: 1.1,
  position: [0, 0],
  parameters: { inputSource: 'passthrough' },
}

const callable = (name: string) => ({
  name,
  nodes: [trigger],
  connections: {},
  settings: { executionOrder: 'v1' },
})

const calling = (workflowId: string, name = 'Parent') => ({
  name,
  nodes: [
    trigger,
    {
      id: 'run',
      name: 'Run',
      type: 'n8n-nodes-base.executeWorkflow',
      typeVersion: 1.2,
      position: [220, 0],
      parameters: {
        source: 'database',
        workflowId: { __rl: true, mode: 'id', value: workflowId },
        options: {},
      },
    },
  ],
  connections: { Called: { main: [[{ node: 'Run', type: 'main', index: 0 }]] } },
  settings: { executionOrder: 'v1' },
})
