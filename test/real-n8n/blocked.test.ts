/** Flowkeep blocks what n8n refuses to publish, for n8n's reason. With `force`, n8n decides. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chain, node } from './workflows.ts'
import { createWorld, onRealN8n, until, type World } from './world.ts'

const daily = node('Daily', 'scheduleTrigger', 1.2, [0, 0], { rule: { interval: [{ field: 'days' }] } })
const workflow = (...nodes: object[]) => ({
  name: `deploycheck ${randomBytes(4).toString('hex')}`,
  nodes,
  connections: chain(...nodes.map((each) => (each as { name: string }).name)),
  settings: { executionOrder: 'v1' },
})
const step = (type: string, typeVersion: number, parameters: object = {}) =>
  node('Step', type, typeVersion, [220, 0], parameters)

onRealN8n()('a workflow', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close())

  const save = async (content: object) =>
    (await world.call('POST', '/v1/workflows', { workflow: content })).json.id
  const deploy = (workflowId: string, more: object = {}) =>
    world.call('POST', '/v1/deployments', { workflowId, instanceId: world.instanceId, ...more })
  const settled = async (id: string) => {
    const { json } = await until(
      () => world.call('GET', `/v1/deployments/${id}`),
      (answer) => answer.json.intent === null || answer.json.status === 'failed',
      90_000,
    )
    return json
  }
  const namedInN8n = async (name: string) =>
    (await world.n8n('GET', `/workflows?name=${encodeURIComponent(name)}`)).json.data

  test.each([
    ['with an unknown version of a node', workflow(daily, step('set', 9)), 'unknown-node-version'],
    ['with an unknown type', workflow(daily, step('slak', 1)), 'unknown-node-type'],
    [
      'without a required parameter',
      workflow(daily, step('httpRequest', 4.2, { options: {} })),
      'missing-parameter',
    ],
    ['without a trigger', workflow(step('set', 3.4, { options: {} })), 'no-trigger'],
  ])('%s is blocked for the reason that n8n gives', async (_, content, code) => {
    const workflowId = await save(content)
    const blocked = await deploy(workflowId)
    expect([blocked.status, blocked.json.code]).toEqual([422, 'deployment-blocked'])
    expect(blocked.json.problems.map((each: { code: string }) => each.code)).toContain(code)
    expect(await namedInN8n(content.name)).toEqual([])

    const reason = blocked.json.problems.find((each: { code: string }) => each.code === code).n8n
    const { json: created } = await world.n8n('POST', '/workflows', content)
    const published = await world.n8n('POST', `/workflows/${created.id}/publish`, {})
    await world.n8n('DELETE', `/workflows/${created.id}`)
    expect(published.status).toBe(400)
    expect(published.json.message).toContain(reason)

    const forced = await deploy(workflowId, { force: 'Ask n8n' })
    expect(forced.status).toBe(201)
    const deployment = await settled(forced.json.id)
    if (code === 'no-trigger') expect(deployment).toMatchObject({ status: 'inactive' })
    else expect(deployment).toMatchObject({ status: 'failed', step: 'publish' })
    const { json: audit } = await world.call('GET', '/v1/audit-events?action=deployment.forced')
    expect(audit.items[0]).toMatchObject({
      subjectId: deployment.id,
      details: { reason: 'Ask n8n', codes: expect.arrayContaining([code]) },
    })
    await world.call('POST', `/v1/deployments/${deployment.id}/undeploy`, {})
  })

  test('that n8n accepts is deployed', async () => {
    const workflowId = await save(workflow(daily, step('set', 3.4, { options: {} })))
    const made = await deploy(workflowId)
    expect(made.status).toBe(201)
    expect(await settled(made.json.id)).toMatchObject({ status: 'active', error: null })
    await world.call('POST', `/v1/deployments/${made.json.id}/undeploy`, {})
  })

  test('with a webhook path of another workflow in n8n is blocked', async () => {
    const path = `deploycheck-${randomBytes(4).toString('hex')}`
    const hook = { ...node('Hook', 'webhook', 2, [0, 0], { path, options: {} }), webhookId: path }
    const content = workflow(hook, step('set', 3.4, { options: {} }))
    const { json: other } = await world.n8n('POST', '/workflows', content)
    await world.n8n('POST', `/workflows/${other.id}/publish`, {})
    const workflowId = await save({ ...content, name: `${content.name} again` })
    const blocked = await deploy(workflowId)
    expect(blocked.json).toMatchObject({
      code: 'deployment-blocked',
      problems: [{ code: 'webhook-path-taken' }],
    })
    const forced = await deploy(workflowId, { force: 'Ask n8n' })
    const deployment = await settled(forced.json.id)
    expect(deployment).toMatchObject({ status: 'failed', step: 'publish' })
    expect(deployment.error).toContain('conflict')
    await world.call('POST', `/v1/deployments/${deployment.id}/undeploy`, {})
    await world.n8n('POST', `/workflows/${other.id}/unpublish`, {})
    await until(
      () => world.n8n('DELETE', `/workflows/${other.id}`),
      ({ status }) => status !== 409,
      20_000,
    )
  })
})
