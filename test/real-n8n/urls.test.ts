/** The URLs in a plan and a deployment match those that a real n8n serves, whether their IDs come from n8n or not. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const path = `urls-${randomBytes(5).toString('hex')}`
const langchain = '@n8n/n8n-nodes-langchain'
const base = 'n8n-nodes-base'
const node = (name: string, type: string, typeVersion: number, parameters: object, more = {}) => ({
  id: name,
  name,
  type,
  typeVersion,
  parameters,
  position: [0, 0],
  ...more,
})
const form = { formTitle: 'Form', formFields: { values: [{ fieldLabel: 'Name', fieldType: 'text' }] } }
const mcpHello = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 't', version: '1' } },
}

/** The nodes have no webhook IDs unless `more` sets them. */
const triggers = (name: string, more: (key: string) => object = () => ({})) => ({
  name: `test urls ${name}`,
  nodes: [
    node('Form', `${base}.formTrigger`, 2.1, { ...form, path: `${name}-form` }),
    node('Old form', `${base}.formTrigger`, 1, { ...form, path: `${name}-old` }),
    node('New form', `${base}.formTrigger`, 2.2, form, more('new')),
    node('Named form', `${base}.formTrigger`, 2.5, { ...form, options: { path: `${name}-named` } }),
    node('Tools', `${langchain}.mcpTrigger`, 2, { path: `${name}-mcp` }),
    node('Old tools', `${langchain}.mcpTrigger`, 1, { path: `${name}-sse` }),
    node('Chat', `${langchain}.chatTrigger`, 1.1, { public: true }, more('chat')),
    node('Closed chat', `${langchain}.chatTrigger`, 1.1, {}),
    node('Hook', `${base}.webhook`, 2, { path: ` /${name}-hook/ ` }),
    node('Old hook', `${base}.webhook`, 1, { path: `${name}-v1` }),
    node('Twice', `${base}.webhook`, 2, { path: `${name}//twice` }),
    node('Any', `${base}.webhook`, 2, { path: `${name}-any`, httpMethod: '={{ "POST" }}' }),
    node('Nameless', `${base}.webhook`, 2.1, {}, more('nameless')),
    node('Item', `${base}.webhook`, 2, { path: `${name}/:id/item` }, more('item')),
    node('Off', `${base}.webhook`, 2, { path: `${name}-off` }, { disabled: true }),
  ],
  connections: {},
  settings: {},
})

/** The first request to each trigger. */
async function statusOf(url: string): Promise<number> {
  const isPost = url.endsWith('-any') || (url.includes('/mcp/') && !url.endsWith('/sse'))
  const answer = await fetch(url, {
    ...(isPost && { method: 'POST', body: JSON.stringify(mcpHello) }),
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
  })
  await answer.body?.cancel()
  return answer.status
}

onRealN8n()('production URLs on a real n8n', () => {
  let world: World
  const deployed: string[] = []
  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(async () => {
    for (const id of deployed) {
      await world.call('POST', `/v1/deployments/${id}/undeploy`)
      await settled(id)
    }
    await world?.close()
  })

  const settled = async (id: string) => {
    const deployment = () => world.call('GET', `/v1/deployments/${id}`)
    return (await until(deployment, ({ json }) => json.intent === null, 90_000)).json
  }
  const save = async (workflow: object) => {
    const { json } = await world.call('POST', '/v1/workflows', { workflow })
    return { workflowId: json.id as string, instanceId: world.instanceId }
  }
  const deploy = async (place: object) => {
    const { json: plan } = await world.call('POST', '/v1/deployments/plan', place)
    expect(plan).toMatchObject({ ready: true })
    const { json: made } = await world.call('POST', '/v1/deployments', place)
    deployed.push(made.id)
    const deployment = await settled(made.id)
    expect(deployment).toMatchObject({ status: 'active', error: null })
    return { plan, deployment, urls: deployment.webhookUrls as string[] }
  }
  const act = async (id: string, action: string, body: object = {}) => {
    await world.call('POST', `/v1/deployments/${id}/${action}`, body)
    return settled(id)
  }
  const answers = async (urls: string[]) =>
    Promise.all(urls.map(async (url) => [url, await statusOf(url)] as const))
  const all = (urls: string[], status: number) => urls.map((url) => [url, status])

  test('triggers respond at the URLs that Flowkeep derives from the JSON', async () => {
    const name = `${path}-given`
    const workflow = triggers(name, (key) => ({ webhookId: `${name}-${key}` }))
    const { plan, urls } = await deploy(await save(workflow))
    const expected = [
      ...['form', 'named', 'new'].map((each) => `form/${name}-${each}`),
      `mcp/${name}-mcp`,
      `mcp/${name}-sse/sse`,
      ...['any', 'chat/chat', 'hook', `item/${name}/:id/item`, 'nameless', 'old/n8n-form', 'v1'].map(
        (each) => `webhook/${name}-${each}`,
      ),
      `webhook/${name}//twice`,
    ].map((each) => `${n8nUrl}/${each}`)
    expect(urls).toEqual(expected)
    expect(plan.webhookUrls).toEqual(urls)
    expect(await answers(urls)).toEqual(all(urls, 200))
  })

  test('triggers without an ID have planned, stable URLs', async () => {
    const name = `${path}-unnamed`
    const place = await save(triggers(name))
    const { plan, deployment, urls } = await deploy(place)
    expect(urls).toHaveLength(13)
    expect(plan.webhookUrls).toEqual(urls)
    expect(await answers(urls)).toEqual(all(urls, 200))
    const { id, n8nWorkflowId } = deployment
    const drifted = async () => (await world.call('GET', `/v1/deployments/${id}/drift`)).json.drifted
    expect(await drifted()).toBe(false)

    const { json: kept } = await world.call('GET', `/v1/workflows/${place.workflowId}`)
    const renamed = {
      ...kept.workflow,
      nodes: kept.workflow.nodes.map((each: { name: string }) =>
        each.name === 'Chat' ? { ...each, name: 'Talk' } : each,
      ),
    }
    const change = { workflow: renamed }
    await world.call('PATCH', `/v1/workflows/${place.workflowId}`, change, { 'If-Match': '*' })
    expect(await act(id, 'deploy')).toMatchObject({ version: 2, status: 'active', webhookUrls: urls })
    expect(await act(id, 'rollback', { version: 1 })).toMatchObject({ version: 1, webhookUrls: urls })
    expect(await answers(urls)).toEqual(all(urls, 200))

    expect(await act(id, 'undeploy')).toMatchObject({ status: 'undeployed', webhookUrls: [] })
    expect(await answers(urls)).toEqual(all(urls, 404))
    const again = await deploy({ ...place, version: 1 })
    expect(again.deployment.n8nWorkflowId).not.toBe(n8nWorkflowId)
    expect(again.urls).toEqual(urls)
    expect(await answers(urls)).toEqual(all(urls, 200))
  })

  test('IDs assigned by n8n survive tracking, deploying in place, and adopting', async () => {
    const name = `${path}-tracked`
    const chat = (text: string) =>
      node('Chat', `${langchain}.chatTrigger`, 1.1, { public: true, initialMessages: text })
    const content = (text: string) => ({
      name: `test urls ${name}`,
      connections: {},
      settings: {},
      nodes: [chat(text)],
    })
    const { json: made } = await world.n8n('POST', '/workflows', content('Hello'))
    await world.n8n('POST', `/workflows/${made.id}/publish`)
    const urlOf = (webhookId: string) => `${n8nUrl}/webhook/${webhookId}/chat`
    const urls = [urlOf(made.nodes[0].webhookId)]
    try {
      const place = await save(content('Hello'))
      const { json: tracked } = await world.call('POST', '/v1/deployments', {
        ...place,
        n8nWorkflowId: made.id,
      })
      const found = () => world.call('GET', `/v1/deployments/${tracked.id}`)
      await world.call('GET', `/v1/deployments/${tracked.id}/drift`)
      expect((await found()).json.webhookUrls).toEqual(urls)
      const { json: plan } = await world.call('POST', '/v1/deployments/plan', place)
      expect(plan.webhookUrls).toEqual(urls)
      expect(await act(tracked.id, 'deploy')).toMatchObject({ status: 'active', webhookUrls: urls })
      expect(await answers(urls)).toEqual(all(urls, 200))

      // n8n assigns another ID, because the node is sent without one.
      const { json: edited } = await world.n8n('PUT', `/workflows/${made.id}`, content('Hello again'))
      const moved = [urlOf(edited.nodes[0].webhookId)]
      expect(moved).not.toEqual(urls)
      expect((await world.call('POST', `/v1/deployments/${tracked.id}/adopt`)).status).toBe(200)
      expect((await found()).json).toMatchObject({ version: 2, webhookUrls: moved })
      await until(
        () => answers(moved),
        ([answer]) => answer?.[1] === 200,
      )
    } finally {
      await world.n8n('POST', `/workflows/${made.id}/unpublish`)
      await until(
        () => world.n8n('DELETE', `/workflows/${made.id}`),
        ({ status }) => status !== 409,
      )
    }
  })
})
