/** Two credentials of one type on a real n8n: each reaches only its own host. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createReceiver, type Receiver } from './receiver.ts'
import { chain, node } from './workflows.ts'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const header = 'httpHeaderAuth'
const unique = () => `slots-${randomBytes(5).toString('hex')}`

onRealN8n()('bindings per slot on a real n8n', () => {
  let world: World
  let crm: Receiver
  let erp: Receiver

  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world?.close())
  beforeEach(async () => {
    crm = await createReceiver()
    erp = await createReceiver()
  })
  afterEach(async () => {
    await crm.close()
    await erp.close()
  })

  const keep = async (name: string, value: string) => {
    const body = { type: header, name, data: { name: 'X-Key', value } }
    const { status, json } = await world.call('POST', '/v1/credentials', body)
    expect(status).toBe(201)
    return String(json.id)
  }
  const call = (name: string, url: string, named?: string) => ({
    ...node(name, 'httpRequest', 4.2, [220, 0], {
      url,
      authentication: 'genericCredentialType',
      genericAuthType: header,
      options: {},
    }),
    ...(named !== undefined && { credentials: { [header]: { id: 'elsewhere', name: named } } }),
  })
  const workflow = (path: string, ...calls: { name: string }[]) => ({
    name: path,
    nodes: [
      {
        ...node('Hook', 'webhook', 2, [0, 0], { path, responseMode: 'lastNode', options: {} }),
        webhookId: path,
      },
      ...calls,
    ],
    connections: chain('Hook', ...calls.map(({ name }) => name)),
    settings: { executionOrder: 'v1' },
  })
  const save = async (content: object) =>
    (await world.call('POST', '/v1/workflows', { workflow: content })).json.id
  const change = async (id: string, content: object) => {
    const path = `/v1/workflows/${id}`
    const { status } = await world.call('PATCH', path, { workflow: content }, { 'If-Match': '*' })
    expect(status).toBe(200)
  }
  const planOf = async (workflowId: string, more: object = {}) =>
    (await world.call('POST', '/v1/deployments/plan', { workflowId, instanceId: world.instanceId, ...more }))
      .json
  const settled = async ({ status, json }: { status: number; json: { id: string } }) => {
    expect({ status, json }).toMatchObject({ status: status === 201 ? 201 : 200 })
    const answer = await until(
      () => world.call('GET', `/v1/deployments/${json.id}`),
      ({ json }) => json.intent === null,
    )
    expect(answer.json).toMatchObject({ status: 'active', error: null })
    return answer.json
  }
  const deploy = async (workflowId: string, more: object = {}) =>
    settled(
      await world.call('POST', '/v1/deployments', { workflowId, instanceId: world.instanceId, ...more }),
    )
  const run = (path: string) =>
    until(
      () => fetch(`${n8nUrl}/webhook/${path}`),
      ({ status }) => status === 200,
      15_000,
    )
  const keysAt = (receiver: Receiver) => [
    ...new Set(receiver.received.map(({ headers }) => headers['x-key'])),
  ]

  test('with explicit bindings, each secret reaches only its own host', async () => {
    const path = unique()
    const first = await keep(`${path} CRM`, 'crm-secret')
    const second = await keep(`${path} ERP`, 'erp-secret')
    const workflowId = await save(workflow(path, call('CRM', `${crm.url}/a`), call('ERP', `${erp.url}/b`)))
    const open = await planOf(workflowId)
    expect(open).toMatchObject({
      ready: false,
      slots: [
        { node: 'CRM', status: 'ambiguous', sentTo: crm.host },
        { node: 'ERP', status: 'ambiguous', sentTo: erp.host },
      ],
    })
    const bindings = [
      { node: 'CRM', type: header, credentialId: first },
      { node: 'ERP', type: header, credentialId: second },
    ]
    const plan = await planOf(workflowId, { bindings })
    expect(plan.ready).toBe(true)
    await deploy(workflowId, { bindings, planHash: plan.planHash })
    await run(path)
    expect([keysAt(crm), keysAt(erp)]).toEqual([['crm-secret'], ['erp-secret']])
  })

  test('a node that references a missing credential gets none, even if there is another of the type', async () => {
    const path = unique()
    await keep(`${path} CRM key`, 'crm-secret')
    const content = workflow(
      path,
      call('CRM', `${crm.url}/a`, `${path} CRM key`),
      call('Vendor', `${erp.url}/b`, `${path} vendor key`),
    )
    const workflowId = await save(content)
    expect((await planOf(workflowId)).slots).toMatchObject([
      { node: 'CRM', status: 'bound', reason: 'name' },
      { node: 'Vendor', status: 'missing', named: { name: `${path} vendor key` } },
    ])
    const refused = await world.call('POST', '/v1/deployments', { workflowId, instanceId: world.instanceId })
    expect(refused.status).toBe(422)
    await keep(`${path} vendor key`, 'vendor-secret')
    await deploy(workflowId)
    await run(path)
    expect([keysAt(crm), keysAt(erp)]).toEqual([['crm-secret'], ['vendor-secret']])
  })

  test('a secret is sent to a new host only after an explicit binding for the node', async () => {
    const path = unique()
    const credentialId = await keep(`${path} CRM`, 'crm-secret')
    const workflowId = await save(workflow(path, call('CRM', `${crm.url}/a`)))
    const { id } = await deploy(workflowId, { bindings: { [header]: credentialId } })
    await change(workflowId, workflow(path, call('CRM', `${erp.url}/a`)))
    expect((await planOf(workflowId)).problems).toMatchObject([{ code: 'credential-new-host', node: 'CRM' }])
    expect((await world.call('POST', `/v1/deployments/${id}/deploy`, {})).status).toBe(422)
    await run(path)
    expect([keysAt(crm), keysAt(erp)]).toEqual([['crm-secret'], []])
    const bindings = [{ node: 'CRM', type: header, credentialId }]
    await settled(await world.call('POST', `/v1/deployments/${id}/deploy`, { bindings }))
    await until(
      async () => {
        await run(path)
        return keysAt(erp)
      },
      (keys) => keys.length > 0,
    )
    expect(keysAt(erp)).toEqual(['crm-secret'])
  })

  test('a credential assigned to one node in n8n stays with it in every later version', async () => {
    const path = unique()
    const credentialId = await keep(`${path} CRM`, 'crm-secret')
    const content = workflow(path, call('CRM', `${crm.url}/a`), call('ERP', `${erp.url}/b`))
    const workflowId = await save(content)
    const made = await deploy(workflowId, { bindings: { [header]: credentialId } })
    const data = { name: 'X-Key', value: 'erp-by-hand' }
    const theirs = await world.n8n('POST', '/credentials', { name: `${path} by hand`, type: header, data })
    const { json: remote } = await world.n8n('GET', `/workflows/${made.n8nWorkflowId}`)
    const nodes = remote.nodes.map((each: { name: string }) =>
      each.name === 'ERP'
        ? { ...each, credentials: { [header]: { id: theirs.json.id, name: theirs.json.name } } }
        : each,
    )
    const { name, connections, settings } = remote
    const { executionOrder, errorWorkflow, saveDataErrorExecution, saveDataSuccessExecution } = settings
    const edited = await world.n8n('PUT', `/workflows/${made.n8nWorkflowId}`, {
      name,
      nodes,
      connections,
      settings: { executionOrder, errorWorkflow, saveDataErrorExecution, saveDataSuccessExecution },
    })
    expect(edited.status).toBe(200)
    const adopted = await world.call('POST', `/v1/deployments/${made.id}/adopt`)
    expect(adopted.json).toMatchObject({ live: true, ambiguousTypes: [header] })
    const current = (await world.call('GET', `/v1/workflows/${workflowId}`)).json.workflow
    await change(workflowId, { ...current, name: `${path} next` })
    expect((await planOf(workflowId)).slots).toMatchObject([
      { node: 'CRM', status: 'bound', reason: 'earlier' },
      { node: 'ERP', status: 'n8n', reason: 'earlier', credential: { n8nCredentialId: theirs.json.id } },
    ])
    await settled(await world.call('POST', `/v1/deployments/${made.id}/deploy`, {}))
    await run(path)
    expect([keysAt(crm), keysAt(erp)]).toEqual([['crm-secret'], ['erp-by-hand']])
  })
})
