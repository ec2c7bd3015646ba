/** Recovery after workflows or credentials were unpublished or deleted in n8n, and after an outage of n8n. */
import { randomBytes } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answering } from './workflows.ts'
import { createWorld, n8nApiKey, onRealN8n, n8nUrl, until, type World } from './world.ts'

const header = { name: 'X-Live', value: randomBytes(12).toString('hex') }

onRealN8n()('deployments that were changed in n8n', () => {
  let world: World
  let deployment: { id: string; n8nWorkflowId: string; workflowId: string }
  const path = `live-${randomBytes(5).toString('hex')}`

  const settled = async (id: string) =>
    (
      await until(
        () => world.call('GET', `/v1/deployments/${id}`),
        ({ json }) => json.intent === null || json.status === 'failed',
        120_000,
      )
    ).json
  const act = async (action: string, body: object = {}) => {
    const answer = await world.call('POST', `/v1/deployments/${deployment.id}/${action}`, body)
    expect([200, 409]).toContain(answer.status)
    deployment = await settled(deployment.id)
    return deployment
  }
  const hook = async () =>
    fetch(`${n8nUrl}/webhook/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', [header.name]: header.value },
      body: '{}',
    })
  const isAnswering = () =>
    until(
      async () => (await hook()).status,
      (status) => status === 200,
      20_000,
    )

  beforeAll(async () => {
    world = await createWorld()
    await world.call('POST', '/v1/credentials', { type: 'httpHeaderAuth', name: 'live header', data: header })
    const kept = await world.call('POST', '/v1/workflows', { workflow: answering(path, 'here') })
    const { json: type } = await world.call('GET', '/v1/credentials?type=httpHeaderAuth')
    const made = await world.call('POST', '/v1/deployments', {
      workflowId: kept.json.id,
      instanceId: world.instanceId,
      bindings: [{ type: 'httpHeaderAuth', credentialId: type.items[0].id }],
    })
    expect(made.status).toBe(201)
    deployment = await settled(made.json.id)
    expect(deployment).toMatchObject({ status: 'active', error: null })
  })
  afterAll(() => world?.close())

  test('activate publishes a workflow that was unpublished in n8n', async () => {
    await world.n8n('POST', `/workflows/${deployment.n8nWorkflowId}/unpublish`)
    await until(
      async () => (await hook()).status,
      (status) => status === 404,
      10_000,
    )
    expect(await act('activate')).toMatchObject({ status: 'active', error: null })
    expect((await world.n8n('GET', `/workflows/${deployment.n8nWorkflowId}`)).json.active).toBe(true)
    expect(await isAnswering()).toBe(200)
  })

  test('plan and drift report a credential that was deleted in n8n, and a deploy recreates it', async () => {
    const { json: remote } = await world.n8n('GET', `/workflows/${deployment.n8nWorkflowId}`)
    const { id } = remote.nodes.find((node: { name: string }) => node.name === 'Hook').credentials
      .httpHeaderAuth
    expect((await world.n8n('DELETE', `/credentials/${id}`)).status).toBe(200)
    const plan = await world.call('POST', '/v1/deployments/plan', {
      workflowId: deployment.workflowId,
      instanceId: world.instanceId,
    })
    expect(plan.json.problems).toContainEqual(
      expect.objectContaining({ code: 'credential-deleted-in-n8n', node: 'Hook' }),
    )
    expect(plan.json.ready).toBe(true)
    const drift = await world.call('GET', `/v1/deployments/${deployment.id}/drift`)
    expect(drift.json).toMatchObject({
      drifted: true,
      credentials: [{ node: 'Hook', type: 'httpHeaderAuth', n8nCredentialId: id }],
    })
    expect(await act('deploy')).toMatchObject({ status: 'active', error: null })
    expect((await world.n8n('GET', `/credentials/${id}`)).status).toBe(200)
    expect((await world.call('GET', `/v1/deployments/${deployment.id}/drift`)).json.drifted).toBe(false)
    expect(await isAnswering()).toBe(200)
  })

  test('activate recreates a workflow that was deleted in n8n', async () => {
    const before = deployment.n8nWorkflowId
    await world.n8n('POST', `/workflows/${before}/unpublish`)
    await until(
      () => world.n8n('DELETE', `/workflows/${before}`),
      ({ status }) => status !== 409,
      10_000,
    )
    expect(await act('activate')).toMatchObject({ status: 'active', error: null })
    expect(deployment.n8nWorkflowId).not.toBe(before)
    expect(await isAnswering()).toBe(200)
  })

  test('a deployment waits while n8n is down, and a retry brings it live', async () => {
    const target = new URL(n8nUrl)
    const sockets = new Set<Socket>()
    const servers: Server[] = []
    const proxy = (port: number) =>
      new Promise<Server>((resolve) => {
        const server = createServer((client) => {
          const upstream = connect(Number(target.port), target.hostname)
          for (const [from, to] of [
            [client, upstream],
            [upstream, client],
          ] as const) {
            sockets.add(from)
            from.on('error', () => to.destroy())
            from.pipe(to)
          }
        }).listen(port, '127.0.0.1', () => resolve(server))
      })
    try {
      const first = await proxy(0)
      servers.push(first)
      const address = first.address()
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0
      const instance = await world.call('POST', '/v1/instances', {
        name: 'live behind a proxy',
        baseUrl: `http://127.0.0.1:${port}`,
        apiKey: n8nApiKey,
      })
      expect(instance.status).toBe(201)
      await new Promise<void>((resolve) => {
        first.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
      const kept = await world.call('POST', '/v1/workflows', {
        workflow: {
          name: 'live while down',
          nodes: [
            {
              id: 's',
              name: 'Hourly',
              type: 'n8n-nodes-base.scheduleTrigger',
              typeVersion: 1.2,
              position: [0, 0],
              parameters: { rule: { interval: [{ field: 'hours' }] } },
            },
          ],
          connections: {},
        },
      })
      const made = await world.call('POST', '/v1/deployments', {
        workflowId: kept.json.id,
        instanceId: instance.json.id,
      })
      expect(made.json).toMatchObject({
        status: 'deploying',
        step: expect.any(String),
        error: expect.stringContaining('The n8n server refused the connection'),
      })
      servers.push(await proxy(port))
      const { json } = await world.call('POST', `/v1/deployments/${made.json.id}/retry`)
      expect(json).toMatchObject({ status: 'active', error: null })
      await world.call('POST', `/v1/deployments/${made.json.id}/undeploy`)
      expect((await settled(made.json.id)).status).toBe('undeployed')
    } finally {
      for (const server of servers) server.close()
      for (const socket of sockets) socket.destroy()
    }
  })
})
