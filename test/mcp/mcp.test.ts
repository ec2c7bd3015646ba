/** The MCP endpoint, called by the client of the MCP project in both protocol versions. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestUser, useTestApp } from '../harness/app.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { connectMcp, idAfter, type McpClient, outsideFences, protocolVersions, tokensOf } from './client.ts'

const stub = await createN8nStub({ apiKey: 'planted-api-key' })
const app = useTestApp({
  runtime: { instanceFetch: (input, init) => stub.fetch(input, init), wait: async () => undefined },
})
const url = 'https://flowkeep.example.com/mcp'
const appFetch: typeof fetch = async (input, init) => app.app.request(new Request(input, init))

const workflow = {
  name: 'Orders',
  nodes: [
    {
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: 'mcp-orders', httpMethod: 'POST' },
    },
    {
      name: 'Keep name',
      type: 'n8n-nodes-base.set',
      typeVersion: 3.4,
      position: [220, 0],
      parameters: { mode: 'raw', jsonOutput: '={{ { name: $json.body.name } }}' },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Keep name', type: 'main', index: 0 }]] } },
}

let user: TestUser
let stranger: TestUser

beforeAll(async () => {
  user = await app.user()
  stranger = await app.user()
  const answer = await user.call('POST', '/v1/instances', {
    body: { name: 'prod', baseUrl: 'https://n8n.example.com', apiKey: 'planted-api-key' },
  })
  expect(answer.status).toBe(201)
})

describe.each(protocolVersions)('with a %s client', (version) => {
  let agent: McpClient
  beforeAll(async () => {
    agent = await connectMcp({ url, token: user.accessToken, version, fetch: appFetch })
  })
  afterAll(() => agent.close())

  test('negotiates the version', () => {
    expect(agent.client.getNegotiatedProtocolVersion()).toBe(version)
    expect(agent.client.getServerVersion()?.name).toBe('flowkeep')
  })

  test('lists at most 10 tools in at most 1,500 tokens', async () => {
    const { tools } = await agent.client.listTools()
    expect(tools.length).toBeLessThanOrEqual(10)
    expect(tokensOf(JSON.stringify(tools))).toBeLessThanOrEqual(1500)
  })

  test('builds, deploys, changes and rolls back a workflow', async () => {
    const found = await agent.call('find_nodes', { queries: ['webhook trigger', 'set fields'] })
    expect(found.text).toContain('n8n-nodes-base.webhook (trigger)')
    expect(found.text).toContain('n8n-nodes-base.set')
    const shape = await agent.call('node_shape', { nodes: [{ type: 'webhook' }, { type: 'set' }] })
    expect(shape.text).toContain('"httpMethod"')
    const name = `Orders ${version}`
    const nodes = workflow.nodes.map((node, index) =>
      index === 0 ? { ...node, parameters: { ...node.parameters, path: `orders-${version}` } } : node,
    )
    const saved = await agent.call('save_workflow', {
      workflow: { ...workflow, name, nodes },
      prompt: 'Keep the names of orders',
      model: 'test-model',
    })
    expect(saved.isError, saved.text).toBe(false)
    const workflowId = idAfter(saved.text, 'Saved ')
    const plan = await agent.call('plan_deployment', { workflowId })
    expect(plan.text).toMatch(/^Ready: version 1 on instance /)
    const planHash = /planHash: (\w+)/.exec(plan.text)?.[1]
    const deployed = await agent.call('deploy', { workflowId, planHash })
    expect(deployed.text).toMatch(/^Deployment [\w-]+: active, version 1\./)
    const deploymentId = idAfter(deployed.text, 'Deployment ')

    const changed = await agent.call('save_workflow', {
      workflowId,
      version: 1,
      workflow: { ...workflow, name, nodes: nodes.slice(0, 1), connections: {} },
    })
    expect(changed.text).toContain('version 2')
    const unread = await agent.call('save_workflow', { workflowId, workflow: { ...workflow, name } })
    expect(unread.text).toMatch(/^Error invalid\.[^]+version that your change is based on/)
    const stale = await agent.call('deploy', { workflowId, planHash })
    expect(stale).toMatchObject({ isError: true })
    expect(stale.text).toMatch(/^Error conflict\./)
    const second = await agent.call('plan_deployment', { workflowId })
    expect(second.text).toContain('removed: Keep name')
    const hash = /planHash: (\w+)/.exec(second.text)?.[1]
    expect((await agent.call('deploy', { workflowId, planHash: hash })).text).toContain('active, version 2')
    const back = await agent.call('deploy', { deploymentId, version: 1 })
    expect(back.text).toContain('active, version 1')
    stub.failNext({ step: 'workflow-update', mode: '4xx' })
    const failed = await agent.call('deploy', { deploymentId, version: 2 })
    const { error } = (await user.call('GET', `/v1/deployments/${deploymentId}`)).json
    expect(failed.text).toContain(error)
    expect(outsideFences(failed.text)).not.toContain(error)
    expect((await agent.call('deploy', { deploymentId, version: 1 })).text).toContain('active, version 1')

    const operations = [
      { op: 'addNode', node: { name: 'Wait', type: 'n8n-nodes-base.wait', parameters: { amount: 5 } } },
      { op: 'connect', from: 'Hook', to: 'Wait' },
      { op: 'renameNode', node: 'Hook', name: 'Orders' },
    ]
    const dry = await agent.call('edit_workflow', { workflowId, version: 2, operations, dryRun: true })
    expect(dry.text).toMatch(/^Dry run: nothing saved\./)
    const edited = await agent.call('edit_workflow', { workflowId, version: 2, operations, prompt: 'Wait' })
    expect(edited.text).toMatch(/^Saved version 3\.[^]+added: .*Wait[^]+connected: Orders → Wait/)
    const repeated = await agent.call('edit_workflow', { workflowId, version: 2, operations })
    expect(repeated.text).toMatch(/^Error version-conflict\./)
    const wrong = [{ op: 'removeNode', node: 'None' }]
    const refused = await agent.call('edit_workflow', { workflowId, version: 3, operations: wrong })
    expect(refused.text).toMatch(/^Error invalid-edit\./)

    const outline = await agent.call('read_workflow', { workflowId })
    expect(outline.text).toContain(`Deployment ${deploymentId} on instance`)
    expect(outline.text).toContain('Orders [webhook 2] → Wait')
    const first = await agent.call('read_workflow', { workflowId, version: 1 })
    expect(first.text).toContain('Hook [webhook 2] → Keep name')
    const node = await agent.call('read_workflow', { workflowId, version: 1, nodes: ['Keep name'] })
    expect(node.text).toContain('"jsonOutput"')
    expect(node.text).not.toContain('"httpMethod"')
    const search = await agent.call('search_workflows', { query: name })
    expect(search.text).toContain(workflowId)
  })

  test('checks and fixes workflows', async () => {
    const broken = {
      ...workflow,
      nodes: workflow.nodes.map((node) => ({
        ...node,
        parameters: { ...node.parameters, ...('jsonOutput' in node.parameters && { mode: 'Raw' }) },
      })),
    }
    const checked = await agent.call('check_workflow', { workflow: broken })
    expect(checked.text).toContain('Findings: 1, errors: 0.')
    const fixed = await agent.call('check_workflow', { workflow: broken, fix: true })
    expect(fixed.text).toContain('After the fixes:')
    expect(fixed.text).toContain('"mode":"raw"')
  })

  test('saves no placeholder of a secret', async () => {
    const saved = await agent.call('save_workflow', {
      workflow: {
        ...workflow,
        nodes: [
          {
            ...workflow.nodes[0],
            parameters: { path: 'secret', options: { password: 'sk-proj-7hQx2LmN9pRtVw4YzB6dF8gJ1kS3uW5x' } },
          },
        ],
        connections: {},
      },
    })
    const workflowId = idAfter(saved.text, 'Saved ')
    const read = await agent.call('read_workflow', { workflowId, nodes: ['Hook'] })
    expect(read.text).toContain('"password":"[redacted]"')
    expect(read.text).not.toContain('7hQx2LmN9pRtVw4YzB6dF8gJ1kS3uW5x')
    const json = JSON.parse(/^\{.*\}$/m.exec(read.text)?.[0] ?? '')
    const replaced = await agent.call('save_workflow', {
      workflowId,
      version: 1,
      workflow: { nodes: [json], connections: {} },
    })
    expect(replaced.text).toMatch(/^Error invalid\.[^]+replaces a secret/)
    const edited = await agent.call('edit_workflow', {
      workflowId,
      version: 1,
      operations: [{ op: 'setParameter', node: 'Hook', pointer: '/options', value: json.parameters.options }],
    })
    expect(edited.text).toMatch(/^Error invalid\.[^]+replaces a secret/)
  })

  test('answers errors with what is wrong and what to do', async () => {
    const missing = await agent.call('read_workflow', { workflowId: '01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d' })
    expect(missing).toEqual({
      isError: true,
      text: expect.stringMatching(
        /^Error not-found\.\n<untrusted-data \w+>\nWorkflow not found\n[^]+search_workflows/,
      ),
    })
    const invalid = await agent.call('find_nodes', { query: 'slack' })
    expect(invalid).toMatchObject({ isError: true, text: expect.stringContaining('queries') })
    await expect(agent.client.callTool({ name: 'delete_everything', arguments: {} })).rejects.toThrow(
      /Unknown tool/,
    )
  })

  test('serves workflows as resources', async () => {
    const { resources } = await agent.client.listResources()
    const [resource] = resources
    expect(resource?.uri).toMatch(/^flowkeep:\/\/workflows\//)
    const read = await agent.client.readResource({ uri: resource?.uri ?? '' })
    expect(JSON.stringify(read.contents)).toContain('[webhook 2]')
    expect((await agent.client.listResourceTemplates()).resourceTemplates).toHaveLength(2)
    await expect(agent.client.readResource({ uri: 'file:///etc/passwd' })).rejects.toThrow(/not found/)
  })

  test('offers prompts', async () => {
    const { prompts } = await agent.client.listPrompts()
    expect(prompts.map(({ name }) => name)).toEqual(['build', 'repair', 'upgrade'])
    const built = await agent.client.getPrompt({
      name: 'build',
      arguments: { request: 'Post orders to Slack' },
    })
    expect(JSON.stringify(built.messages)).toContain('Post orders to Slack')
    await expect(agent.client.getPrompt({ name: 'build', arguments: {} })).rejects.toThrow(/should do/)
  })

  test('shows nothing of another user', async () => {
    const other = await connectMcp({ url, token: stranger.accessToken, version, fetch: appFetch })
    const mine = await user.call('GET', '/v1/workflows')
    const [{ id: workflowId }] = mine.json.items
    expect((await other.call('search_workflows')).text).toBe('No workflows found.')
    for (const name of ['read_workflow', 'check_workflow', 'plan_deployment']) {
      expect(await other.call(name, { workflowId })).toMatchObject({ isError: true })
    }
    expect((await other.call('runs', { workflowId })).text).toBe('No such runs.')
    expect((await other.client.listResources()).resources).toEqual([])
    await other.close()
  })
})

test('requires a token', async () => {
  const answer = await app.call('POST', '/mcp', { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } })
  expect(answer.status).toBe(401)
})

test('rejects a foreign origin', async () => {
  const options = { headers: { Origin: 'https://evil.example.com' }, body: {} }
  expect((await user.call('POST', '/mcp', options)).status).toBe(403)
})

test('rejects a batch, so that each call counts against the limit of the token', async () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const headers = { Accept: 'application/json, text/event-stream' }
  const batch = await user.call('POST', '/mcp', { headers, body: [ping, { ...ping, id: 2 }] })
  expect(batch).toMatchObject({ status: 422, json: { code: 'invalid' } })
  expect((await user.call('POST', '/mcp', { headers, body: ping })).status).toBe(200)
})

test('answers other methods with 405', async () => {
  const answer = await user.call('GET', '/mcp')
  expect([answer.status, answer.headers.get('Allow')]).toEqual([405, 'POST'])
})

test('fences everything that users wrote', () => {
  expect(outsideFences('a\n<untrusted-data x1>\nb\n</untrusted-data x1>\nc')).toBe('a\n\nc')
})
