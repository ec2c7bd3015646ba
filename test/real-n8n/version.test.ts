/** The connection test reads the version from n8n's editor. `N8N_VERSION` names it; the editor must be enabled. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chain, node } from './workflows.ts'
import { createWorld, onRealN8n, type World } from './world.ts'

const version = process.env.N8N_VERSION ?? ''

onRealN8n('N8N_VERSION')('an instance', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close())

  test('has the version of its n8n, and plans use the facts of that version', async () => {
    const path = `/v1/instances/${world.instanceId}`
    expect((await world.call('POST', `${path}/test`)).json).toMatchObject({
      status: 'ok',
      n8nVersion: version,
    })
    expect((await world.call('GET', path)).json.n8nVersion).toBe(version)
    const { json: saved } = await world.call('POST', '/v1/workflows', {
      workflow: {
        name: `version ${randomBytes(4).toString('hex')}`,
        nodes: [
          node('Daily', 'scheduleTrigger', 1.2, [0, 0], { rule: { interval: [{ field: 'days' }] } }),
          node('Request', 'httpRequest', 4.2, [220, 0], { options: {} }),
        ],
        connections: chain('Daily', 'Request'),
        settings: {},
      },
    })
    const { json: plan } = await world.call('POST', '/v1/deployments/plan', {
      workflowId: saved.id,
      instanceId: world.instanceId,
    })
    expect(plan.n8nVersion).toBe(version.split('.').slice(0, 2).join('.'))
    expect(plan.problems).toContainEqual(expect.objectContaining({ code: 'missing-parameter' }))
  })
})
