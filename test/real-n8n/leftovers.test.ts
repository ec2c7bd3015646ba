/** Requests that a real n8n receives only after their deployment was undeployed: the scheduled job removes what they made. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ownId } from '../../src/deployments/remote/credentials.ts'
import { answering } from './workflows.ts'
import { createWorld, onRealN8n, until, type World } from './world.ts'

onRealN8n()('what n8n receives too late', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world?.close())

  test('is removed minutes later: the workflow and its credential', async () => {
    const data = { name: 'X-Demo', value: randomBytes(12).toString('hex') }
    const credential = { type: 'httpHeaderAuth', name: 'Demo header', data }
    const { id: credentialId } = (await world.call('POST', '/v1/credentials', credential)).json
    const workflow = answering(`flowkeep-${randomBytes(5).toString('hex')}`, 'late')
    const { id: workflowId } = (await world.call('POST', '/v1/workflows', { workflow })).json
    const { instanceId } = world
    const { id } = (await world.call('POST', '/v1/deployments', { workflowId, instanceId })).json
    const settled = (status: string) =>
      until(
        () => world.call('GET', `/v1/deployments/${id}`),
        ({ json }) => json.status === status,
        90_000,
      )
    await settled('active')
    await world.call('POST', `/v1/deployments/${id}/undeploy`)
    await settled('undeployed')

    const late = [
      ['/credentials', { ...credential, id: await ownId(instanceId, credentialId) }],
      ['/workflows', { name: `flowkeep-${id}`, nodes: [], connections: {}, settings: {} }],
    ] as const
    for (const [path, body] of late) expect((await world.n8n('POST', path, body)).status).toBe(200)
    expect(await world.leftInN8n()).toHaveLength(2)
    await world.database.sql`update deployments set clean_up_at = now() where id = ${id}`
    await until(
      () => world.leftInN8n(),
      (left) => left.length === 0,
      150_000,
    )
    const [row] = await world.database.sql`select clean_up_at from deployments where id = ${id}`
    expect(row).toEqual({ clean_up_at: null })
  }, 400_000)
})
