/** Compares the warnings of a plan with the behavior of n8n. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chain, node } from './workflows.ts'
import { createWorld, onRealN8n, until, type World } from './world.ts'

const name = (what: string) => `plan ${what} ${randomBytes(4).toString('hex')}`
const daily = node('Daily', 'scheduleTrigger', 1.2, [0, 0], { rule: { interval: [{ field: 'days' }] } })
const scheduled = (what: string, step: ReturnType<typeof node>, settings: object = {}) => ({
  name: name(what),
  nodes: [daily, step],
  connections: chain('Daily', step.name),
  settings: { executionOrder: 'v1', ...settings },
})
const noOp = node('Nothing', 'noOp', 1, [220, 0], {})

onRealN8n()('a plan', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close())

  const save = async (workflow: object) => (await world.call('POST', '/v1/workflows', { workflow })).json.id
  const target = (workflowId: string) => ({ workflowId, instanceId: world.instanceId })
  const planOf = async (workflowId: string, more: object = {}) =>
    (await world.call('POST', '/v1/deployments/plan', { ...target(workflowId), ...more })).json
  const codesOf = async (workflowId: string) =>
    (await planOf(workflowId)).problems.map(({ code }: { code: string }) => code)
  const deploy = async (workflowId: string, more: object = {}) => {
    const made = await world.call('POST', '/v1/deployments', { ...target(workflowId), ...more })
    expect(made.status).toBe(201)
    const { json } = await until(
      () => world.call('GET', `/v1/deployments/${made.json.id}`),
      (answer) => answer.json.intent === null || answer.json.status === 'failed',
      90_000,
    )
    return json
  }

  test('of a workflow that n8n publishes although nothing starts it is ready, with a warning', async () => {
    const workflowId = await save({
      name: name('resumed'),
      nodes: [node('Manual', 'manualTrigger', 1, [0, 0], {}), node('Wait', 'wait', 1.1, [220, 0], {})],
      connections: chain('Manual', 'Wait'),
      settings: { executionOrder: 'v1' },
    })
    expect(await planOf(workflowId)).toMatchObject({
      ready: true,
      problems: [{ code: 'no-trigger', level: 'warning' }],
    })
    const deployment = await deploy(workflowId)
    expect(deployment).toMatchObject({ status: 'active', error: null })
    const { json } = await world.n8n('GET', `/workflows/${deployment.n8nWorkflowId}`)
    expect(json.active).toBe(true)
  })

  test('warns about an unpublished error workflow', async () => {
    const { json: alert } = await world.n8n('POST', '/workflows', {
      name: name('alert'),
      nodes: [node('On error', 'errorTrigger', 1, [0, 0], {}), noOp],
      connections: chain('On error', 'Nothing'),
      settings: {},
    })
    const workflowId = await save(scheduled('alerting', noOp, { errorWorkflow: alert.id }))
    expect(await codesOf(workflowId)).toEqual(['error-workflow-unpublished', 'errors-by-polling'])
    expect((await world.n8n('POST', `/workflows/${alert.id}/publish`, {})).status).toBe(200)
    expect(await codesOf(workflowId)).toEqual(['errors-by-polling'])
  })

  test('rejects a URL as the ID of a sub-workflow, like n8n, and fixes it', async () => {
    const { json: called } = await world.n8n('POST', '/workflows', {
      name: name('called'),
      nodes: [node('Called', 'executeWorkflowTrigger', 1, [0, 0], {}), noOp],
      connections: chain('Called', 'Nothing'),
      settings: {},
    })
    expect((await world.n8n('POST', `/workflows/${called.id}/publish`, {})).status).toBe(200)
    const value = `https://n8n.example.com/workflow/${called.id}`
    const call = node('Call', 'executeWorkflow', 1.2, [220, 0], {
      workflowId: { __rl: true, mode: 'url', value },
      options: {},
    })
    const workflow = scheduled('calling', call)
    const { json: raw } = await world.n8n('POST', '/workflows', workflow)
    const refused = await world.n8n('POST', `/workflows/${raw.id}/publish`, {})
    expect([refused.status, refused.json.message]).toEqual([400, expect.stringContaining('not published')])
    const workflowId = await save({ ...workflow, name: name('calling') })
    const { ready, problems } = await planOf(workflowId)
    expect([ready, problems[0].code]).toEqual([false, 'sub-workflow-url'])
    expect(refused.json.message).toContain(problems[0].n8n)
    const fixes = ['sub-workflow-url']
    expect(await planOf(workflowId, { fixes })).toMatchObject({ ready: true })
    expect(await deploy(workflowId, { fixes })).toMatchObject({ status: 'active', error: null })
  })

  test('warns about a published workflow with the same name and trigger', async () => {
    const workflow = scheduled('twice', noOp)
    const { json: live } = await world.n8n('POST', '/workflows', workflow)
    const workflowId = await save(workflow)
    expect(await codesOf(workflowId)).toEqual([])
    expect((await world.n8n('POST', `/workflows/${live.id}/publish`, {})).status).toBe(200)
    expect(await codesOf(workflowId)).toEqual(['untracked-copy'])
    const path = `/v1/instances/${world.instanceId}/workflows/${live.id}/import`
    expect((await planOf(workflowId)).problems[0].message).toContain(path)
    expect((await world.call('POST', path)).status).toBe(201)
    expect(await codesOf(workflowId)).toEqual([])
  })

  test('requires a new binding when a constant sends the secret to another host', async () => {
    const { json: key } = await world.call('POST', '/v1/credentials', {
      type: 'httpHeaderAuth',
      name: name('key'),
      data: { name: 'X-Key', value: randomBytes(8).toString('hex') },
    })
    const config = (base: string) =>
      node('Config', 'set', 3.4, [220, 0], {
        assignments: { assignments: [{ id: 'a', name: 'base', value: base, type: 'string' }] },
      })
    const call = node('Call', 'httpRequest', 4.2, [440, 0], {
      url: "={{ $('Config').item.json.base }}/x",
      authentication: 'genericCredentialType',
      genericAuthType: 'httpHeaderAuth',
    })
    const workflow = (base: string) => ({
      name: name('constant'),
      nodes: [daily, config(base), call],
      settings: {},
      connections: chain('Daily', 'Config', 'Call'),
    })
    const workflowId = await save(workflow('https://one.example.com'))
    const bindings = [{ node: 'Call', type: 'httpHeaderAuth', credentialId: key.id }]
    expect(await deploy(workflowId, { bindings })).toMatchObject({ status: 'active', error: null })
    const change = async (base: string) => {
      const saved = await world.call(
        'PATCH',
        `/v1/workflows/${workflowId}`,
        { workflow: workflow(base) },
        { 'If-Match': '*' },
      )
      expect(saved.status).toBe(200)
    }
    await change('https://one.example.com/v2')
    expect(await planOf(workflowId)).toMatchObject({ ready: true, slots: [{ sentTo: 'one.example.com' }] })
    await change('https://evil.example.com')
    expect(await planOf(workflowId)).toMatchObject({
      ready: false,
      problems: [{ code: 'credential-new-host', node: 'Call' }],
    })
  })
})
