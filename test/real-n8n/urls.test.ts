/** The URLs that a plan and a deployment show are those that a real n8n serves. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, n8nIsGiven, n8nUrl, until, type World } from './world.ts'

const path = `meaning-${randomBytes(5).toString('hex')}`
const node = (name: string, type: string, typeVersion: number, parameters: object, more = {}) => ({
  ...{ id: name, name, type, typeVersion, parameters, position: [0, 0] },
  ...more,
})

describe.skipIf(!n8nIsGiven)('production URLs on a real n8n', () => {
  let world: World
  let id: string | undefined
  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(async () => {
    if (id !== undefined) await world.call('POST', `/v1/deployments/${id}/undeploy`)
    await world?.close()
  })

  test('forms, chats, MCP servers and webhooks answer where Flowkeep says', async () => {
    const field = { fieldLabel: 'Name', fieldType: 'text' }
    const form = { formTitle: 'Form', formFields: { values: [field] } }
    const workflow = {
      name: `meaning urls ${path}`,
      nodes: [
        node('Form', 'n8n-nodes-base.formTrigger', 2.1, { ...form, path: `${path}-form` }),
        node('Old form', 'n8n-nodes-base.formTrigger', 1, { ...form, path: `${path}-old` }),
        node('New form', 'n8n-nodes-base.formTrigger', 2.2, form, { webhookId: `${path}-new` }),
        node('Tools', '@n8n/n8n-nodes-langchain.mcpTrigger', 2, { path: `${path}-mcp` }),
        node(
          'Chat',
          '@n8n/n8n-nodes-langchain.chatTrigger',
          1.1,
          { public: true },
          { webhookId: `${path}-chat` },
        ),
        node('Hook', 'n8n-nodes-base.webhook', 2, { path: `${path}-hook` }),
      ],
      connections: {},
      settings: {},
    }
    const { json: saved } = await world.call('POST', '/v1/workflows', { workflow })
    const place = { workflowId: saved.id, instanceId: world.instanceId }
    const { json: made } = await world.call('POST', '/v1/deployments', place)
    id = made.id
    const { json } = await until(
      () => world.call('GET', `/v1/deployments/${made.id}`),
      (answer) => answer.json.intent === null,
      90_000,
    )
    expect(json).toMatchObject({ status: 'active', error: null })
    const urls = json.webhookUrls as string[]
    expect(urls).toEqual(
      [
        ...['form', 'new'].map((name) => `form/${path}-${name}`),
        `mcp/${path}-mcp`,
        ...[`${path}-chat/chat`, `${path}-hook`, `${path}-old/n8n-form`].map((each) => `webhook/${each}`),
      ].map((each) => `${n8nUrl}/${each}`),
    )
    for (const url of urls.filter((each) => !each.includes('/mcp/'))) {
      expect([url, (await fetch(url)).status]).toEqual([url, 200])
    }
    const hello = { jsonrpc: '2.0', id: 1, method: 'initialize' }
    const params = {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    }
    const answer = await fetch(`${n8nUrl}/mcp/${path}-mcp`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ ...hello, params }),
    })
    expect(answer.status).toBe(200)
  })
})
