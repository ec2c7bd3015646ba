/** One workflow in two environments on one n8n without a license for variables: each copy runs with its own values. */
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, n8nApiKey, n8nUrl, onRealN8n, type World } from './world.ts'

/** The same n8n under another address, because an account can add each server once. */
function startProxy(): Promise<Server> {
  const { hostname, port } = new URL(n8nUrl)
  const server = createServer((incoming, answer) => {
    const { method, url, headers } = incoming
    const forwarded = request({ hostname, port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    forwarded.on('error', () => answer.writeHead(502).end())
    incoming.pipe(forwarded)
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

const code = `// Text that mentions $vars.GREETING stays
return [{ json: { greeting: $vars.GREETING, region: $vars?.REGION, text: '$vars.REGION' } }]`

const workflow = {
  name: 'envs greeting',
  nodes: [
    {
      id: 'chat',
      name: 'Chat',
      type: '@n8n/n8n-nodes-langchain.chatTrigger',
      typeVersion: 1.1,
      position: [0, 0],
      parameters: { public: true, mode: 'webhook', options: { responseMode: 'lastNode' } },
    },
    {
      id: 'code',
      name: 'Code',
      type: 'n8n-nodes-base.code',
      typeVersion: 2,
      position: [220, 0],
      parameters: { jsCode: code },
    },
    {
      id: 'set',
      name: 'Set',
      type: 'n8n-nodes-base.set',
      typeVersion: 3.4,
      position: [440, 0],
      parameters: {
        assignments: {
          assignments: [
            {
              id: 'a',
              name: 'output',
              type: 'string',
              value: `={{ $json.greeting }}, {{ $vars["NAME"] }} in {{ $json.region }} ({{ $json.text }}, {{ typeof $vars.NOWHERE }})`,
            },
          ],
        },
        options: {},
      },
    },
  ],
  connections: {
    Chat: { main: [[{ node: 'Code', type: 'main', index: 0 }]] },
    Code: { main: [[{ node: 'Set', type: 'main', index: 0 }]] },
  },
  settings: { executionOrder: 'v1' },
}

onRealN8n()('environments', () => {
  let world: World
  let proxy: Server
  beforeAll(async () => {
    ;[world, proxy] = await Promise.all([createWorld(), startProxy()])
  }, 120_000)
  afterAll(async () => {
    await world.close()
    proxy.close()
  }, 120_000)

  const done = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await world.call(method, path, body, { 'If-Match': '*' })
    expect({ path, status, json: status >= 300 ? json : undefined }).toMatchObject({
      status: expect.toBeOneOf([200, 201]),
    })
    return json
  }

  test('$vars have the values of each environment, and a changed value arrives with the next deployment', async () => {
    const { port } = proxy.address() as AddressInfo
    const second = await done('POST', '/v1/instances', {
      name: 'Customer',
      baseUrl: `http://127.0.0.1:${port}`,
      apiKey: n8nApiKey,
    })
    const variables = { GREETING: 'Hello }} "you"', NAME: 'Ada', REGION: 'eu' }
    await done('POST', '/v1/environments', { name: 'staging', variables })
    await done('POST', '/v1/environments', {
      name: 'production',
      isProduction: true,
      variables: { GREETING: 'Grüezi\\\n{{ 1 }}', NAME: 'Bob', REGION: 'ch' },
    })
    await done('PATCH', `/v1/instances/${world.instanceId}`, { environment: 'staging' })
    await done('PATCH', `/v1/instances/${second.id}`, {
      environment: 'production',
      variables: { REGION: 'li' },
    })
    const { id: workflowId } = await done('POST', '/v1/workflows', { workflow })
    const places = []
    for (const instanceId of [world.instanceId, second.id]) {
      const plan = await done('POST', '/v1/deployments/plan', { workflowId, instanceId })
      expect(
        plan.problems.map(({ code: each, level }: Record<string, string>) => [each, level]),
      ).toContainEqual(['variable-missing', 'warning'])
      const deployment = await done('POST', '/v1/deployments', {
        workflowId,
        instanceId,
        planHash: plan.planHash,
      })
      expect(deployment).toMatchObject({ status: 'active', needsRedeploy: false })
      places.push(deployment)
    }
    const say = async ({ webhookUrls }: { webhookUrls: string[] }) => {
      const answer = await fetch(webhookUrls[0] ?? '', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ action: 'sendMessage', sessionId: 'one', chatInput: 'Hi' }),
      })
      return answer.text()
    }
    const [first, other] = places
    expect(await say(first)).toContain(
      JSON.stringify('Hello }} "you", Ada in eu ($vars.REGION, undefined)').slice(1, -1),
    )
    expect(await say(other)).toContain(
      JSON.stringify('Grüezi\\\n{{ 1 }}, Bob in li ($vars.REGION, undefined)').slice(1, -1),
    )
    for (const { id } of places) {
      expect((await done('GET', `/v1/deployments/${id}/drift`)).drifted).toBe(false)
    }
    await done('PATCH', `/v1/instances/${second.id}`, { variables: { REGION: 'at' } })
    expect((await done('GET', `/v1/deployments/${other.id}`)).needsRedeploy).toBe(true)
    expect((await done('GET', `/v1/deployments/${other.id}/drift`)).drifted).toBe(false)
    expect(await done('POST', `/v1/deployments/${other.id}/deploy`, {})).toMatchObject({
      status: 'active',
      needsRedeploy: false,
    })
    expect(await say(other)).toContain('Bob in at')
    expect(await say(first)).toContain('Ada in eu')
    const stored = await done('GET', `/v1/workflows/${workflowId}`)
    expect(JSON.stringify(stored.workflow)).not.toMatch(/Ada|Bob/)
  }, 240_000)
})
