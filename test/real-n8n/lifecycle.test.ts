/** From a credential and a workflow in Flowkeep to executions of a real n8n, and back to the initial state of n8n. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answering, everySecond } from './workflows.ts'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const header = { name: 'X-Demo', value: randomBytes(12).toString('hex') }

interface Deployed {
  id: string
  workflowId: string
  n8nWorkflowId: string
}

const path = () => `flowkeep-${randomBytes(5).toString('hex')}`

const hook = async (webhookPath: string, body: unknown) => {
  const response = await fetch(`${n8nUrl}/webhook/${webhookPath}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', [header.name]: header.value },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

const settled = (world: World, id: string) =>
  until(
    () => world.call('GET', `/v1/deployments/${id}`),
    ({ json }) => json.intent === null,
    90_000,
  )

async function deploy(world: World, workflow: object): Promise<Deployed> {
  const kept = await world.call('POST', '/v1/workflows', { workflow, prompt: 'as a test asked for' })
  expect(kept.status).toBe(201)
  const plan = await world.call('POST', '/v1/deployments/plan', {
    workflowId: kept.json.id,
    instanceId: world.instanceId,
  })
  expect(plan.json).toMatchObject({ ready: true, conflicts: [] })
  const created = await world.call('POST', '/v1/deployments', {
    workflowId: kept.json.id,
    instanceId: world.instanceId,
    planHash: plan.json.planHash,
  })
  expect(created.status).toBe(201)
  const { json } = await settled(world, created.json.id)
  expect(json).toMatchObject({ status: 'active', error: null, version: 1 })
  return { id: json.id, workflowId: kept.json.id, n8nWorkflowId: json.n8nWorkflowId }
}

const executionsOf = async (world: World, { id }: Deployed) =>
  (await world.call('GET', `/v1/executions?deploymentId=${id}&limit=100`)).json.items as {
    id: string
    status: string
    finishedAt: string | null
    durationMs: number | null
    error: { message: string; node: string } | null
  }[]

onRealN8n()('a deployment', () => {
  let world: World
  let deployed: Deployed
  const webhookPath = path()

  beforeAll(async () => {
    world = await createWorld()
    const credential = await world.call('POST', '/v1/credentials', {
      type: 'httpHeaderAuth',
      name: 'Demo header',
      data: header,
    })
    expect(credential.status).toBe(201)
  })
  afterAll(() => world?.close())

  test('the connection test reports reachability, the key and the limitations', async () => {
    const { status, json } = await world.call('POST', `/v1/instances/${world.instanceId}/test`)
    expect(status).toBe(200)
    expect(json).toMatchObject({ status: 'ok', generation: 'current', cannot: [] })
  })

  test('a workflow is planned, deployed and live: its webhook responds immediately', async () => {
    deployed = await deploy(world, answering(webhookPath, 'version one'))
    const answer = await hook(webhookPath, {})
    expect(answer).toEqual({ status: 200, text: expect.stringContaining('version one') })
  })

  test('a failed run is pushed with its message and its node', async () => {
    expect((await hook(webhookPath, { fail: true })).status).toBe(500)
    const failed = await until(
      () => executionsOf(world, deployed),
      (items) => items.some(({ status }) => status === 'error'),
    )
    const error = failed.find(({ status }) => status === 'error')
    expect(error?.error).toEqual({
      message: expect.stringContaining('Deliberate failure'),
      node: 'Fail on request',
    })
  })

  test('polling finds the other runs with times, durations and node data', async () => {
    await hook(webhookPath, {})
    await until(
      () => world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId }),
      ({ status }) => status === 200,
    )
    const items = await until(
      () => executionsOf(world, deployed),
      (all) => all.filter(({ status }) => status === 'success').length === 2,
      20_000,
    )
    expect(items).toHaveLength(3)
    for (const item of items) {
      expect(item.finishedAt).not.toBeNull()
      expect(item.durationMs).toBeGreaterThanOrEqual(0)
    }
    const { json } = await world.call(
      'GET',
      `/v1/executions/${items.find(({ status }) => status === 'success')?.id}`,
    )
    expect(json.data.nodes.map(({ name }: { name: string }) => name)).toEqual([
      'Hook',
      'Fail on request',
      'Answer',
    ])
    const [summary] = [await world.call('GET', `/v1/analytics/summary?deploymentId=${deployed.id}`)]
    expect(summary.json).toMatchObject({ total: 3, successRate: 66.67 })
  })

  test('a newer version changes the response of the webhook, and a rollback restores it', async () => {
    const current = await world.call('GET', `/v1/workflows/${deployed.workflowId}`)
    const changed = await world.call(
      'PATCH',
      `/v1/workflows/${deployed.workflowId}`,
      { workflow: answering(webhookPath, 'version two'), prompt: 'say two' },
      { 'If-Match': `"${current.json.version}"` },
    )
    expect(changed.json.version).toBe(2)
    expect((await world.call('POST', `/v1/deployments/${deployed.id}/deploy`, {})).status).toBe(200)
    expect((await settled(world, deployed.id)).json).toMatchObject({ status: 'active', version: 2 })
    await until(
      () => hook(webhookPath, {}),
      ({ text }) => text.includes('version two'),
      15_000,
    )
    expect((await world.call('POST', `/v1/deployments/${deployed.id}/rollback`, { version: 1 })).status).toBe(
      200,
    )
    expect((await settled(world, deployed.id)).json).toMatchObject({ status: 'active', version: 1 })
    await until(
      () => hook(webhookPath, {}),
      ({ text }) => text.includes('version one'),
      15_000,
    )
  })

  test('drift is detected and overwritten', async () => {
    const clean = await world.call('GET', `/v1/deployments/${deployed.id}/drift`)
    expect(clean.json).toMatchObject({ drifted: false, missing: false })
    const { json: remote } = await world.n8n('GET', `/workflows/${deployed.n8nWorkflowId}`)
    const nodes = remote.nodes.map((node: { name: string }) =>
      node.name === 'Fail on request' ? { ...node, parameters: { jsCode: 'return $input.all()' } } : node,
    )
    const { name, connections } = remote
    const { executionOrder, errorWorkflow } = remote.settings
    const edited = await world.n8n('PUT', `/workflows/${deployed.n8nWorkflowId}`, {
      name,
      nodes,
      connections,
      settings: { executionOrder, errorWorkflow },
    })
    expect(edited.status).toBe(200)
    const drifted = await world.call('GET', `/v1/deployments/${deployed.id}/drift`)
    expect(drifted.json.drifted).toBe(true)
    expect(drifted.json.diff.changed.map(({ node }: { node: string }) => node)).toEqual(['Fail on request'])
    expect((await world.call('POST', `/v1/deployments/${deployed.id}/overwrite`)).status).toBe(200)
    await settled(world, deployed.id)
    expect((await world.call('GET', `/v1/deployments/${deployed.id}/drift`)).json.drifted).toBe(false)
  })

  test('a scheduled workflow records runs', async () => {
    const scheduled = await deploy(world, everySecond())
    const count = async () => {
      await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
      return (await executionsOf(world, scheduled)).filter(({ status }) => status === 'success').length
    }
    const first = await until(count, (runs) => runs >= 2)
    await until(count, (runs) => runs > first)
    expect((await world.call('POST', `/v1/deployments/${scheduled.id}/undeploy`)).status).toBe(200)
    expect((await settled(world, scheduled.id)).json.status).toBe('undeployed')
  })

  test('undeploying and deleting restores n8n', async () => {
    expect((await world.call('POST', `/v1/deployments/${deployed.id}/undeploy`)).status).toBe(200)
    expect((await settled(world, deployed.id)).json.status).toBe('undeployed')
    expect((await hook(webhookPath, {})).status).toBe(404)
    expect((await world.call('DELETE', `/v1/instances/${world.instanceId}`)).status).toBe(204)
    await until(
      () => world.leftInN8n(),
      (left) => left.length === 0,
    )
  })
})

onRealN8n()('a deployment without pushes', () => {
  test('finds successes and failures by polling alone', async () => {
    const world = await createWorld({ pushes: false })
    try {
      await world.call('POST', '/v1/credentials', {
        type: 'httpHeaderAuth',
        name: 'Demo header',
        data: header,
      })
      const webhookPath = path()
      const deployed = await deploy(world, answering(webhookPath, 'quiet'))
      await hook(webhookPath, {})
      await hook(webhookPath, { fail: true })
      expect(await executionsOf(world, deployed)).toEqual([])
      const items = await until(
        async () => {
          await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
          return executionsOf(world, deployed)
        },
        (all) => all.length === 2 && all.every(({ finishedAt }) => finishedAt !== null),
      )
      expect(items.map(({ status }) => status).toSorted()).toEqual(['error', 'success'])
      expect(items.find(({ status }) => status === 'error')?.error).toMatchObject({ node: 'Fail on request' })
    } finally {
      await world.close()
    }
  })
})
