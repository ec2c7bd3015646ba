/** The scopes of its access token bound what an agent can do, including what a planted text makes it try. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Scope } from '../../src/http/scopes.ts'
import { type TestUser, useTestApp } from '../harness/app.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { connectMcp, idAfter, type McpClient } from './client.ts'

const stub = await createN8nStub({ apiKey: 'planted-api-key' })
/** Requests to n8n that change something. */
const changes: string[] = []
const app = useTestApp({
  runtime: {
    wait: async () => undefined,
    instanceFetch: (input, init) => {
      const { method, url } = new Request(input, init)
      if (method !== 'GET') changes.push(`${method} ${new URL(url).pathname}`)
      return stub.fetch(input, init)
    },
  },
})

let user: TestUser
let instanceId: string
let workflowId: string

const workflow = (path: string) => ({
  name: 'Scoped',
  nodes: [
    {
      id: 'a',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path },
    },
  ],
  connections: {},
})

async function agentWith(scopes: readonly Scope[]): Promise<McpClient> {
  const created = await user.call('POST', '/v1/tokens', { body: { name: `Agent ${scopes.join()}`, scopes } })
  if (created.status !== 201) throw new Error(created.text)
  return connectMcp({
    url: 'https://flowkeep.example.com/mcp',
    token: created.json.token,
    version: '2026-07-28',
    fetch: async (input, init) => app.app.request(new Request(input, init)),
  })
}

beforeAll(async () => {
  user = await app.user()
  const instance = await user.call('POST', '/v1/instances', {
    body: {
      name: 'prod',
      baseUrl: 'https://n8n.example.com',
      apiKey: 'planted-api-key',
      environment: 'production',
    },
  })
  instanceId = instance.json.id
  const saved = await user.call('POST', '/v1/workflows', { body: { workflow: workflow('scoped') } })
  workflowId = saved.json.id
})

const edit = { version: 1, operations: [{ op: 'setName', name: 'Renamed' }] }
const calls: [tool: string, scope: Scope, args: () => Record<string, unknown>][] = [
  ['find_nodes', 'workflows:read', () => ({ queries: ['slack'] })],
  ['node_shape', 'workflows:read', () => ({ nodes: [{ type: 'slack' }] })],
  ['check_workflow', 'workflows:read', () => ({ workflowId })],
  ['search_workflows', 'workflows:read', () => ({})],
  ['read_workflow', 'workflows:read', () => ({ workflowId })],
  ['save_workflow', 'workflows:write', () => ({ workflow: workflow('other') })],
  ['edit_workflow', 'workflows:write', () => ({ workflowId, dryRun: true, ...edit })],
  ['plan_deployment', 'deployments:read', () => ({ workflowId, instanceId })],
  ['deploy', 'deploy', () => ({ workflowId, instanceId, planHash: '0'.repeat(64) })],
  ['runs', 'executions:read', () => ({})],
]

describe('each tool', () => {
  let without: McpClient
  beforeAll(async () => {
    without = await agentWith(['alerts:read'])
  })

  test('is in this test', async () => {
    const { tools } = await without.client.listTools()
    expect(tools.map(({ name }) => name).toSorted()).toEqual(calls.map(([name]) => name).toSorted())
  })

  test.each(calls)('%s requires %s', async (name, scope, args) => {
    changes.length = 0
    const refused = await without.call(name, args())
    expect(refused.isError).toBe(true)
    expect(refused.text).toMatch(/^Error insufficient-scope\./)
    expect(refused.text).toContain(scope)
    const allowed = await agentWith([scope])
    expect((await allowed.call(name, args())).text).not.toContain('insufficient-scope')
    expect(changes).toEqual([])
  })

  test('fixing a saved workflow requires workflows:write', async () => {
    const agent = await agentWith(['workflows:read'])
    const refused = await agent.call('check_workflow', { workflowId, fix: true })
    expect(refused.text).toMatch(/^Error insufficient-scope\.[^]+workflows:write/)
  })

  test('resources require the scope of what they are', async () => {
    const uri = `flowkeep://workflows/${workflowId}`
    await expect(without.client.readResource({ uri })).rejects.toThrow(/workflows:read/)
    await expect(without.client.listResources()).rejects.toThrow(/workflows:read/)
    const run = `flowkeep://runs/${workflowId}`
    await expect(without.client.readResource({ uri: run })).rejects.toThrow(/executions:read/)
  })
})

test('a production instance requires deploy:production, for a deployment and a rollback', async () => {
  const scopes = ['workflows:read', 'workflows:write', 'deployments:read', 'deploy'] as const
  const [agent, operator] = await Promise.all([
    agentWith(scopes),
    agentWith([...scopes, 'deploy:production']),
  ])
  const planned = await agent.call('plan_deployment', { workflowId })
  const planHash = /planHash: (\w+)/.exec(planned.text)?.[1]
  changes.length = 0
  const refused = await agent.call('deploy', { workflowId, planHash })
  expect(refused.text).toMatch(/^Error approval-required\. Nothing was changed\.[^]+call deploy again/)
  expect(changes).toEqual([])

  const deployed = await operator.call('deploy', { workflowId, planHash })
  expect(deployed.text).toContain('active, version 1')
  const deploymentId = idAfter(deployed.text, 'Deployment ')
  await operator.call('edit_workflow', { workflowId, ...edit })
  const next = await operator.call('plan_deployment', { workflowId })
  const hash = /planHash: (\w+)/.exec(next.text)?.[1]
  changes.length = 0
  expect((await agent.call('deploy', { workflowId, planHash: hash })).text).toContain('approval-required')
  const back = { deploymentId, version: 1 }
  const rollback = await agent.call('plan_deployment', back)
  const rollbackHash = /planHash: (\w+)/.exec(rollback.text)?.[1]
  const asked = await agent.call('deploy', { ...back, planHash: rollbackHash })
  expect(asked.text).toContain('Roll back “Scoped” to v1')
  expect(changes).toEqual([])
})

test('the choice of an instance names them only with instances:read', async () => {
  const other = await user.call('POST', '/v1/instances', {
    body: { name: 'Hidden name', baseUrl: 'https://other.example.com', apiKey: 'planted-api-key' },
  })
  const textWith = async (scopes: readonly Scope[]) => {
    const agent = await agentWith(scopes)
    return (await agent.call('plan_deployment', { workflowId })).text
  }
  const reader = await textWith(['deployments:read', 'instances:read'])
  expect(reader).toContain(`${other.json.id} is Hidden name`)
  const without = await textWith(['deployments:read'])
  expect(without).toContain(other.json.id)
  expect(without).not.toContain('Hidden name')
  await user.call('DELETE', `/v1/instances/${other.json.id}`)
})

test('a revoked token stops working', async () => {
  const created = await user.call('POST', '/v1/tokens', {
    body: { name: 'Gone', scopes: ['workflows:read'] },
  })
  await user.call('DELETE', `/v1/tokens/${created.json.id}`)
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
  expect((await app.call('POST', '/mcp', { body, token: created.json.token })).status).toBe(401)
})
