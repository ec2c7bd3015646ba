/**
 * Customers on instances of their own run the same workflows with their own values: nothing is drift except what was
 * changed in n8n. `FLOWKEEP_DRIFT=100x10` sets the number of instances and workflows.
 */
import { expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'
import { createN8nStub, type N8nStub } from '../harness/n8n-stub.ts'

const [instanceCount = 3, workflowCount = 3] = (process.env.FLOWKEEP_DRIFT ?? '3x3').split('x').map(Number)
const changedCount = Math.min(10, instanceCount)

const stubs = new Map<string, N8nStub>()
const app = useTestApp({
  env: { QUOTA_INSTANCES: String(instanceCount), QUOTA_CREDENTIALS: '1000' },
  runtime: {
    wait: async () => undefined,
    instanceFetch: (input, init) => {
      const { host } = new URL(input instanceof Request ? input.url : String(input))
      const stub = stubs.get(host)
      return stub ? stub.fetch(input, init) : Promise.reject(new TypeError('fetch failed'))
    },
  },
})

const type = 'httpHeaderAuth'
const workflow = (index: number) => ({
  name: `Workflow ${index}`,
  nodes: [
    {
      id: 'chat',
      name: 'Chat',
      type: '@n8n/n8n-nodes-langchain.chatTrigger',
      typeVersion: 1.1,
      position: [0, 0],
      parameters: { public: true, mode: 'webhook', options: {} },
    },
    {
      id: 'code',
      name: 'Code',
      type: 'n8n-nodes-base.code',
      typeVersion: 2,
      position: [220, 0],
      parameters: {
        jsCode: `return [{ json: { customer: $vars.CUSTOMER, index: ${index}, plan: $vars.PLAN } }]`,
      },
    },
    {
      id: 'send',
      name: 'Send',
      type: 'n8n-nodes-base.httpRequest',
      typeVersion: 4.2,
      position: [440, 0],
      parameters: {
        method: 'POST',
        url: 'https://crm.example.com/orders',
        authentication: 'genericCredentialType',
        genericAuthType: type,
        sendBody: true,
        specifyBody: 'json',
        jsonBody: '={ "customer": "{{ $vars.CUSTOMER }}", "region": "{{ $vars?.REGION }}" }',
        options: {},
      },
    },
  ],
  connections: {
    Chat: { main: [[{ node: 'Code', type: 'main', index: 0 }]] },
    Code: { main: [[{ node: 'Send', type: 'main', index: 0 }]] },
  },
  settings: { executionOrder: 'v1' },
})

const indexes = (count: number) => Array.from({ length: count }, (_, index) => index)

test('values of customers are not drift, and every change in n8n is', async () => {
  const owner = await app.user()
  const limits = { scopes: ['admin'], requestsPerMinute: 6000 }
  const { json: created } = await owner.call('POST', '/v1/tokens', { body: { name: 'Test', ...limits } })
  const call = (method: string, path: string, options: object = {}) =>
    app.call(method, path, { token: String(created.token), ...options })
  const post = async (path: string, body: object, status = 201) => {
    const answer = await call('POST', path, { body })
    if (answer.status !== status) throw new Error(`${path}: ${answer.status} ${answer.text.slice(0, 500)}`)
    return answer.json
  }
  const variables = { PLAN: 'basic', REGION: 'eu' }
  await post('/v1/environments', { name: 'customers', isProduction: true, variables })
  const workflowIds: string[] = []
  for (const index of indexes(workflowCount)) {
    workflowIds.push((await post('/v1/workflows', { workflow: workflow(index) })).id)
  }
  const deployments: { id: string; stub: N8nStub; n8nWorkflowId: string; customer: string }[] = []
  for (const index of indexes(instanceCount)) {
    const host = `customer-${index}.example.com`
    const stub = await createN8nStub({ baseUrl: `https://${host}` })
    stubs.set(host, stub)
    const data = { name: 'X-Key', value: `planted-${index}` }
    const credential = await post('/v1/credentials', { type, name: `Key ${index}`, data })
    const customer = `Customer ${index} "}}"`
    const instance = await post('/v1/instances', {
      name: host,
      baseUrl: `https://${host}`,
      apiKey: stub.apiKey,
      environment: 'customers',
      variables: { CUSTOMER: customer, ...(index % 2 === 0 && { REGION: 'us' }) },
      credentials: [{ type, credentialId: credential.id }],
    })
    for (const workflowId of workflowIds) {
      const made = await post('/v1/deployments', { workflowId, instanceId: instance.id })
      expect(made).toMatchObject({ status: 'active', needsRedeploy: false })
      expect(made.bindings).toMatchObject([{ node: 'Send', credentialId: credential.id }])
      deployments.push({ id: made.id, stub, n8nWorkflowId: made.n8nWorkflowId, customer })
    }
  }
  expect(deployments).toHaveLength(instanceCount * workflowCount)
  const nodesOf = ({ stub, n8nWorkflowId }: (typeof deployments)[number]) =>
    stub.state.workflows.get(n8nWorkflowId)?.nodes ?? []
  for (const deployment of deployments) {
    const sent = JSON.stringify(nodesOf(deployment))
    expect(sent).not.toContain('$vars')
    // What the editor changes without effect, so that the hash does not match and the nodes are compared.
    for (const node of nodesOf(deployment))
      Object.assign(node, { position: [8, 8], notes: 'Moved', retryOnFail: false })
  }
  const driftedIds = async () => {
    const found: string[] = []
    for (const { id } of deployments) {
      const { status, json } = await call('GET', `/v1/deployments/${id}/drift`)
      expect(status).toBe(200)
      if (json.drifted) found.push(id)
    }
    return found
  }
  expect(await driftedIds()).toEqual([])

  // One real change on each of ten instances: another customer's value, or a removed one.
  const changed = indexes(changedCount).map(
    (index) => deployments[index * workflowCount + (index % workflowCount)],
  )
  for (const [index, deployment] of changed.entries()) {
    if (!deployment) throw new Error('No deployment')
    const [, code, send] = nodesOf(deployment) as { parameters: Record<string, string> }[]
    const [parameters, name] = index % 2 === 0 ? [code?.parameters, 'jsCode'] : [send?.parameters, 'jsonBody']
    const before = parameters?.[name]
    if (parameters) parameters[name] = String(before).replace(/Customer \d+/, 'Customer x')
    expect(parameters?.[name]).not.toBe(before)
  }
  expect(await driftedIds()).toEqual(changed.map((deployment) => deployment?.id))

  // A changed value is not drift either, and only its readers need a redeploy.
  const [{ id: environmentId }] = (await call('GET', '/v1/environments')).json.items
  const headers = { 'If-Match': '*' }
  await call('PATCH', `/v1/environments/${environmentId}`, {
    body: { variables: { REGION: 'ch' } },
    headers,
  })
  expect(await driftedIds()).toHaveLength(changedCount)
  for (const [index, { id }] of deployments.entries()) {
    const hasOwn = Math.floor(index / workflowCount) % 2 === 0
    expect((await call('GET', `/v1/deployments/${id}`)).json.needsRedeploy).toBe(!hasOwn)
  }
})
