/** What was changed in n8n: shown field by field, kept or put back, by the forms of the drift page. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFormWorld, fieldsOf, orders, type Person, textOf } from './forms.ts'

let world: Awaited<ReturnType<typeof createFormWorld>>
beforeAll(async () => {
  world = await createFormWorld()
})
afterAll(() => world?.close())

async function deployed(workflow = orders()) {
  const person = await world.person()
  const instanceId = await person.addServer()
  await person.credential()
  const workflowId = await person.workflow(workflow)
  const { at: path } = await person.deploy(workflowId, instanceId)
  return { person, workflowId, path, remote: await remoteOf(person, path) }
}

async function remoteOf(person: Person, path: string) {
  const deployment = await world.world.deps.deployments.find(person.userId, path.split('/')[2] ?? '')
  const remote = world.stub.state.workflows.get(deployment?.n8nWorkflowId ?? '')
  if (!remote) throw new Error('n8n does not have it')
  return remote
}

/** A person in n8n's editor, who saves and publishes. */
async function edit(
  id: string,
  change: (content: { name: string; nodes: Record<string, unknown>[] }) => void,
) {
  const { stub } = world
  const { name, nodes, connections, settings } = structuredClone(
    stub.state.workflows.get(id) ?? ({} as never),
  )
  const content = { name, nodes, connections, settings }
  change(content)
  const call = (method: string, path: string, body?: object) =>
    stub.fetch(`${stub.baseUrl}/api/v1/workflows/${id}${path}`, {
      method,
      headers: { 'X-N8N-API-KEY': stub.apiKey, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  const { executionOrder } = settings
  expect(
    (await call('PUT', '', { ...content, settings: { executionOrder, timezone: 'Europe/Berlin' } })).status,
  ).toBe(200)
  await call('POST', '/publish', {})
  stub.advance(1_000)
}

test('what n8n has as it was deployed is in sync, and a moved node is no drift', async () => {
  const { person, path } = await deployed()
  const page = await person.get(`${path}/drift`)
  expect(textOf(page.text)).toContain('In sync')
  expect(textOf(page.text)).toContain('n8n has v1 as it was deployed.')
  expect(page.text).not.toContain(`action="${path}/overwrite"`)
})

test('each field that differs stands beside what was deployed and what is wanted', async () => {
  const { person, path, remote, workflowId } = await deployed(
    orders({ path: 'three-way', text: 'as deployed' }),
  )
  await person.change(workflowId, orders({ path: 'three-way', text: 'as wanted' }))
  await edit(remote.id, ({ nodes }) => {
    Object.assign(nodes[1]?.parameters as object, { text: 'as in n8n' })
    nodes.push({
      ...{ id: 'more', name: '<b>New</b>', type: 'n8n-nodes-base.noOp', typeVersion: 1 },
      ...{ position: [0, 300], parameters: {} },
    })
  })
  const { text } = await person.get(`${path}/drift`)
  expect(textOf(text)).toContain('Drifted')
  expect(textOf(text)).toContain('Field Deployed, v1 n8n now Wanted, v2')
  expect(textOf(text)).toMatch(/parameters\.text .*as deployed .*as in n8n .*as wanted/)
  expect(textOf(text)).toMatch(/timezone .*not set .*Europe\/Berlin .*not set/)
  expect(text).toContain('&lt;b&gt;New&lt;/b&gt;')
  expect(text).not.toContain('<b>New</b>')
})

test('keeping what n8n has makes it the next version, recorded as deployed', async () => {
  const { person, path, remote, workflowId } = await deployed()
  await edit(remote.id, ({ nodes }) => Object.assign(nodes[1]?.parameters as object, { text: 'better' }))
  const kept = await person.submit(`${path}/adopt`)
  expect(kept.at).toBe(path)
  expect(textOf(kept.text)).toContain('What n8n has is v2 now')
  expect(textOf((await person.get(`${path}/drift`)).text)).toContain('n8n has v2 as it was deployed.')
  const version = await world.world.deps.workflows.findVersion(person.userId, workflowId, 2)
  expect(JSON.stringify(version?.workflow)).toContain('better')
})

test('re-applying puts back what was deployed', async () => {
  const { person, path, remote } = await deployed(orders({ text: 'original' }))
  await edit(remote.id, ({ nodes }) => Object.assign(nodes[1]?.parameters as object, { text: 'worse' }))
  const page = await person.get(`${path}/drift`)
  // No press of one button, for what is only in n8n is lost.
  expect(page.text).not.toContain(`action="${path}/overwrite"`)
  expect(page.text).toContain(`href="${path}/overwrite"`)
  const question = await person.get(`${path}/overwrite`)
  expect(textOf(question.text)).toContain('What was changed in n8n is overwritten at once.')
  const back = await person.submit(`${path}/overwrite`, fieldsOf(question.text, `${path}/overwrite`))
  expect(textOf(back.text)).toContain('v1 is live.')
  expect((await remoteOf(person, path)).nodes[1]?.parameters).toMatchObject({ text: 'original' })
  expect(textOf((await person.get(`${path}/drift`)).text)).toContain('In sync')
})

test('what was deleted in n8n is said and can be made again', async () => {
  const { person, path, remote } = await deployed()
  world.stub.state.workflows.delete(remote.id)
  const page = await person.get(`${path}/drift`)
  expect(textOf(page.text)).toContain('n8n does not have the workflow any more.')
  expect(page.text).not.toContain(`action="${path}/adopt"`)
  expect(textOf((await person.submit(`${path}/overwrite`)).text)).toContain('v1 is live.')
})

test('an n8n that is away leaves drift unknown, in amber, and is no error of ours', async () => {
  const { person, path } = await deployed()
  world.world.fail(() => true, 'reset')
  const { status, text } = await person.get(`${path}/drift`)
  expect(status).toBe(200)
  expect(textOf(text)).toContain('Not known')
  expect(textOf(text)).toContain('prod-eu-1 does not answer.')
  expect(text).not.toContain(`action="${path}/overwrite"`)
})

test('a deployment that failed is not compared, and says why', async () => {
  const { person, path } = await deployed()
  await world.world.database.sql`update deployments set status = 'failed', step = 'publish', error = 'no',
    intent = '{"action":"deploy","version":1}' where id = ${path.split('/')[2]}`
  const { status, text } = await person.get(`${path}/drift`)
  expect(status).toBe(200)
  expect(textOf(text)).toContain('Its last change has failed: retry it or undeploy it first.')
})
