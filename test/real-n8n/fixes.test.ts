/** Structure that n8n rejects blocks the plan. Once its fix is accepted, the nodes are connected in a real n8n. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createReceiver, type Receiver } from './receiver.ts'
import { chain, node } from './workflows.ts'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const suffix = randomBytes(5).toString('hex')
const prefix = 'Workflow structure is invalid. '
const to = (target: unknown) => ({ node: target, type: 'main', index: 0 })

/** Webhook → request to the receiver → response. Their IDs are `hook`, `call` and `answer`. */
const workflow = (path: string, receiverUrl: string, connections: object) => ({
  name: `test fixes ${path}`,
  nodes: [
    {
      ...node('Hook', 'webhook', 2, [0, 0], { path, responseMode: 'responseNode', options: {} }),
      webhookId: path,
    },
    node('Call', 'httpRequest', 4.2, [220, 0], { url: `${receiverUrl}/${path}`, options: {} }),
    node('Answer', 'respondToWebhook', 1.1, [440, 0], {
      respondWith: 'text',
      responseBody: `answered by ${path}`,
      options: {},
    }),
  ],
  connections,
  settings: { executionOrder: 'v1' },
})

/** Forms that AI models write. Keys are in PostgreSQL's order, so that n8n reports locations in the same order. */
const forms: [title: string, code: string, pointer: string, connections: object][] = [
  [
    'keys and targets that are IDs',
    'connection-by-id',
    '/connections/call',
    { call: { main: [[to('answer')]] }, hook: { main: [[to('call')]] } },
  ],
  [
    'IDs only as keys',
    'connection-by-id',
    '/connections/call',
    { call: { main: [[to('Answer')]] }, hook: { main: [[to('Call')]] } },
  ],
  [
    'targets that are strings',
    'invalid-connection',
    '/connections/Call/main/0/0',
    { Call: { main: [['Answer']] }, Hook: { main: [['Call']] } },
  ],
  [
    'flat main outputs',
    'invalid-connection',
    '/connections/Call/main/0',
    { Call: { main: [to('Answer')] }, Hook: { main: [to('Call')] } },
  ],
]

onRealN8n()('fixes on a real n8n', () => {
  let world: World
  let receiver: Receiver
  beforeAll(async () => {
    receiver = await createReceiver()
    world = await createWorld({ pushes: false })
  })
  afterAll(async () => {
    await world?.close()
    await receiver?.close()
  })

  const settled = async (id: string) =>
    (
      await until(
        () => world.call('GET', `/v1/deployments/${id}`),
        ({ json }) => json.intent === null,
        90_000,
      )
    ).json
  const save = async (path: string, connections: object) => {
    const { json } = await world.call('POST', '/v1/workflows', {
      workflow: workflow(path, receiver.url, connections),
      prompt: 'Call and answer',
      model: 'model',
    })
    return { workflowId: json.id as string, instanceId: world.instanceId }
  }
  /** The workflow with this path in n8n, under any name. */
  const inN8n = async (path: string) => {
    const { json } = await world.n8n('GET', '/workflows?limit=250')
    return (json.data as object[]).filter((each) => JSON.stringify(each).includes(path))
  }

  test.for(forms.map((form, index) => [...form, index] as const))(
    '%s: blocked, and live after the fix is accepted',
    async ([, code, pointer, connections, index]) => {
      const path = `fixes-${suffix}-${index}`
      const place = await save(path, connections)
      const { json: plan } = await world.call('POST', '/v1/deployments/plan', place)
      expect(plan).toMatchObject({ ready: false, fixes: [] })
      expect(plan.problems[0]).toMatchObject({
        code,
        pointer,
        level: 'error',
        n8n: expect.any(String),
        fix: { label: expect.any(String) },
      })
      // n8n returns one text with all messages that the findings quote individually.
      const asked = await world.n8n('POST', '/workflows', workflow(path, receiver.url, connections))
      const quotes = plan.problems.map((each: { n8n: string }) => each.n8n.replace(prefix, ''))
      expect([asked.status, asked.json.message]).toEqual([400, prefix + quotes.join('; ')])

      const refused = await world.call('POST', '/v1/deployments', place)
      expect([refused.status, refused.json.code]).toEqual([422, 'invalid-workflow'])
      const policy = { blocks: true, forceable: false }
      expect(refused.json.problems.map((each: object) => ({ ...each, ...policy }))).toEqual(plan.problems)
      expect(await inN8n(path)).toEqual([])

      const fixes = [code]
      const { json: fixed } = await world.call('POST', '/v1/deployments/plan', { ...place, fixes })
      expect(fixed).toMatchObject({ ready: true, fixes, problems: [] })
      expect(await inN8n(path)).toEqual([])
      const made = await world.call('POST', '/v1/deployments', { ...place, fixes, planHash: fixed.planHash })
      expect([made.status, made.json.detail]).toEqual([201, undefined])
      expect(await settled(made.json.id)).toMatchObject({ status: 'active', error: null, version: 2 })

      const answer = await fetch(`${n8nUrl}/webhook/${path}`)
      expect([answer.status, await answer.text()]).toEqual([200, `answered by ${path}`])
      expect(receiver.received.filter((each) => each.path === `/${path}`)).toHaveLength(1)
      const { json: live } = await world.n8n('GET', `/workflows/${made.json.n8nWorkflowId}`)
      expect(live).toMatchObject({ active: true, connections: chain('Hook', 'Call', 'Answer') })

      const versions = `/v1/workflows/${place.workflowId}/versions`
      expect((await world.call('GET', versions)).json.items).toMatchObject([
        { version: 2, parent: 1, author: 'flowkeep', prompt: 'Call and answer', model: 'model' },
        { version: 1, parent: null, author: 'user' },
      ])
      const stored = (version: number) => world.call('GET', `${versions}/${version}`)
      expect((await stored(1)).json.workflow.connections).toEqual(connections)
      expect((await stored(2)).json.workflow.connections).toEqual(chain('Hook', 'Call', 'Answer'))
    },
  )

  test.for([
    ['a target', { Hook: { main: [[to('Call'), to('Gone')]] }, Call: { main: [[to('Answer')]] } }],
    ['a source', { ...chain('Hook', 'Call', 'Answer'), Gone: { main: [[to('Answer')]] } }],
    ['a target among ids', { hook: { main: [[to('call'), to('gone')]] }, call: { main: [[to('answer')]] } }],
  ] as const)('%s that does not exist is never fixed', async ([title, connections]) => {
    const path = `fixes-${suffix}-${title.replaceAll(' ', '-')}`
    const place = await save(path, connections)
    const fixes = ['dangling-connection', 'connection-by-id', 'empty-connection', 'invalid-connection']
    const { json: plan } = await world.call('POST', '/v1/deployments/plan', { ...place, fixes })
    expect(plan.ready).toBe(false)
    const dangling = plan.problems.filter((each: { code: string }) => each.code === 'dangling-connection')
    expect(dangling).toMatchObject([{ level: 'error', n8n: expect.stringContaining('unknown_connection_') }])
    expect(dangling[0]).not.toHaveProperty('fix')
    const refused = await world.call('POST', '/v1/deployments', { ...place, fixes })
    expect([refused.status, refused.json.code]).toEqual([422, 'invalid-workflow'])
    expect(await inN8n(path)).toEqual([])
    expect((await world.call('GET', `/v1/workflows/${place.workflowId}`)).json).toMatchObject({
      version: 1,
      workflow: { connections },
    })
  })

  test('a workflow without a name in its JSON has its Flowkeep name in n8n', async () => {
    const path = `fixes-${suffix}-name`
    const { name: _, ...unnamed } = workflow(path, receiver.url, chain('Hook', 'Call', 'Answer'))
    const name = `fixes named ${suffix} ${'😀'.repeat(150)}`
    const saved = await world.call('POST', '/v1/workflows', { name, workflow: unnamed })
    const place = { workflowId: saved.json.id, instanceId: world.instanceId }
    const { json: made } = await world.call('POST', '/v1/deployments', place)
    const { status, n8nWorkflowId } = await settled(made.id)
    expect(status).toBe('active')
    const nameInN8n = async () => (await world.n8n('GET', `/workflows/${n8nWorkflowId}`)).json.name
    expect(await nameInN8n()).toBe(Array.from(name).slice(0, 128).join(''))
    expect((await world.call('GET', `/v1/deployments/${made.id}/drift`)).json.drifted).toBe(false)

    const renamed = `fixes renamed ${suffix}`
    await world.call('PATCH', `/v1/workflows/${saved.json.id}`, { name: renamed }, { 'If-Match': '*' })
    const { json: plan } = await world.call('POST', '/v1/deployments/plan', place)
    expect(plan).toMatchObject({ ready: true, version: 2, live: { differs: true, diff: { name: renamed } } })
    await world.call('POST', `/v1/deployments/${made.id}/deploy`, {})
    expect(await settled(made.id)).toMatchObject({ status: 'active', version: 2 })
    expect(await nameInN8n()).toBe(renamed)
  })
})
