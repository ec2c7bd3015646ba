/** An agent that calls only `/mcp` takes a prompt to a live workflow on a real n8n, and a failure to a fixed one. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectMcp, idAfter, type McpClient, tokensOf } from '../mcp/client.ts'
import { createWorld, n8nUrl, onRealN8n, until, type World } from './world.ts'

const path = `flowkeep-mcp-${randomBytes(5).toString('hex')}`
const scopes = [
  'workflows:read',
  'workflows:write',
  'credentials:use',
  'deployments:read',
  'deploy',
  'executions:read',
]

interface Transcript {
  call: McpClient['call']
  /** Texts of the calls and of the answers. */
  lines: string[]
  calls: number
  tokens: number
}

function recorded(agent: McpClient): Transcript {
  const transcript: Transcript = {
    lines: [],
    calls: 0,
    tokens: 0,
    async call(name, args = {}) {
      const answer = await agent.call(name, args)
      const sent = JSON.stringify(args)
      transcript.calls += 1
      transcript.tokens += tokensOf(answer.text)
      transcript.lines.push(`> ${name} ${sent}`, answer.text, '')
      expect(answer.isError, answer.text).toBe(false)
      return answer
    },
  }
  return transcript
}

/** Writes the transcript to the folder `MCP_TRANSCRIPTS`, if it is set. */
async function keep(name: string, { lines, calls, tokens }: Transcript) {
  const folder = process.env.MCP_TRANSCRIPTS
  const summary = `${calls} calls, ${tokens} tokens of answers`
  if (folder) await writeFile(join(folder, `${name}.txt`), [summary, '', ...lines].join('\n'))
}

const hook = (body: unknown) =>
  fetch(`${n8nUrl}/webhook/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })

onRealN8n()('an agent', () => {
  let world: World
  let agent: McpClient
  let workflowId: string

  beforeAll(async () => {
    world = await createWorld()
    const created = await world.call('POST', '/v1/tokens', { name: 'Agent', scopes })
    expect(created.status).toBe(201)
    agent = await connectMcp({ url: `${world.url}/mcp`, token: created.json.token, version: '2026-07-28' })
  })
  afterAll(async () => {
    await agent?.close()
    await world?.close()
  })

  test('takes a prompt to a live workflow in at most 8 calls and 6,000 tokens', async () => {
    const prompt = 'When an order is posted, greet the customer by name and return the total with tax'
    const transcript = recorded(agent)
    const { call } = transcript
    await call('find_nodes', { queries: ['webhook trigger', 'set fields', 'respond to webhook'] })
    await call('node_shape', {
      nodes: [
        { type: 'n8n-nodes-base.webhook' },
        { type: 'n8n-nodes-base.code' },
        { type: 'n8n-nodes-base.respondToWebhook' },
      ],
    })
    const saved = await call('save_workflow', {
      prompt,
      model: 'test-model',
      workflow: {
        name: 'Greet customers',
        nodes: [
          {
            name: 'Order',
            type: 'n8n-nodes-base.webhook',
            typeVersion: 2,
            position: [0, 0],
            parameters: { httpMethod: 'POST', path, responseMode: 'responseNode' },
          },
          {
            name: 'Total',
            type: 'n8n-nodes-base.code',
            typeVersion: 2,
            position: [220, 0],
            parameters: {
              mode: 'runOnceForEachItem',
              jsCode:
                'const { customer, net } = $json.body;\nreturn { json: { text: `Hello ${customer.name}`, total: net * 1.2 } };',
            },
          },
          {
            name: 'Answer',
            type: 'n8n-nodes-base.respondToWebhook',
            typeVersion: 1.1,
            position: [440, 0],
            parameters: { respondWith: 'json', responseBody: '={{ $json }}' },
          },
        ],
        connections: {
          Order: { main: [[{ node: 'Total', type: 'main', index: 0 }]] },
          Total: { main: [[{ node: 'Answer', type: 'main', index: 0 }]] },
        },
      },
    })
    workflowId = idAfter(saved.text, 'Saved ')
    const plan = await call('plan_deployment', { workflowId })
    expect(plan.text).toMatch(/^Ready:/)
    const planHash = /planHash: (\w+)/.exec(plan.text)?.[1]
    const deployed = await call('deploy', { workflowId, planHash })
    expect(deployed.text).toContain('active, version 1')
    const answer = await hook({ customer: { name: 'Ada' }, net: 10 })
    expect(await answer.json()).toEqual({ text: 'Hello Ada', total: 12 })
    await keep('prompt-to-live', transcript)
    expect(transcript.calls).toBeLessThanOrEqual(8)
    expect(transcript.tokens).toBeLessThanOrEqual(6000)
  })

  test('takes a failure to a fixed workflow in at most 5 calls', async () => {
    // An order without a customer fails.
    await hook({ net: 10 })
    await until(
      async () => {
        await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
        return world.call('GET', `/v1/executions?workflowId=${workflowId}&status=error`)
      },
      ({ json }) => json.items.length > 0,
      90_000,
    )
    const transcript = recorded(agent)
    const { call } = transcript
    const failure = await call('runs', { workflowId, runId: 'latest-failure' })
    expect(failure.text).toContain('Total')
    expect(failure.text).toContain("reading 'name'")
    await call('edit_workflow', {
      workflowId,
      version: 1,
      operations: [
        {
          op: 'setParameter',
          node: 'Total',
          pointer: '/jsCode',
          value:
            "const { customer, net } = $json.body;\nreturn { json: { text: `Hello ${customer?.name ?? 'there'}`, total: net * 1.2 } };",
        },
      ],
      prompt: 'Greet orders without a customer too',
    })
    const plan = await call('plan_deployment', { workflowId })
    const planHash = /planHash: (\w+)/.exec(plan.text)?.[1]
    expect((await call('deploy', { workflowId, planHash })).text).toContain('active, version 2')
    const answer = await hook({ net: 10 })
    expect(await answer.json()).toEqual({ text: 'Hello there', total: 12 })
    await keep('failure-to-fixed', transcript)
    expect(transcript.calls).toBeLessThanOrEqual(5)
  })
})
