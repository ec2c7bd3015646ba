/** The drift page: shows edits made in n8n field by field, then saves or reverts them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFormWorld, fieldsOf, orders, type Person, textOf } from './forms.ts'
import { parsePage } from '../../harness/dom.ts'

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
  if (!remote) throw new Error('The workflow is not in n8n')
  return remote
}

/** Saves and publishes a change, as a user of n8n's editor does. */
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

test('an unchanged workflow is in sync, and a moved node is not drift', async () => {
  const { person, path } = await deployed()
  const page = await person.get(`${path}/drift`)
  expect(textOf(page.text)).toContain('In sync')
  expect(textOf(page.text)).toContain('n8n matches v1.')
  expect(parsePage(page.text).forms).not.toContain(`${path}/overwrite`)
})

test('each drifted field shows its deployed, current and latest values', async () => {
  const added = '<b>New</b>'
  const { person, path, remote, workflowId } = await deployed(
    orders({ path: 'three-way', text: 'as deployed' }),
  )
  await person.change(workflowId, orders({ path: 'three-way', text: 'as wanted' }))
  await edit(remote.id, ({ nodes }) => {
    Object.assign(nodes[1]?.parameters as object, { text: 'as in n8n' })
    nodes.push({
      id: 'more',
      name: added,
      type: 'n8n-nodes-base.noOp',
      typeVersion: 1,
      position: [0, 300],
      parameters: {},
    })
  })
  const { text } = await person.get(`${path}/drift`)
  expect(textOf(text)).toContain('Drifted')
  expect(textOf(text)).toContain('Field Deployed, v1 n8n now Latest, v2')
  expect(textOf(text)).toMatch(/parameters\.text .*as deployed .*as in n8n .*as wanted/)
  expect(textOf(text)).toMatch(/timezone .*not set .*Europe\/Berlin .*not set/)
  expect(textOf(text)).toContain(added)
})

test('saving n8n edits creates the next version and marks it deployed', async () => {
  const { person, path, remote, workflowId } = await deployed()
  await edit(remote.id, ({ nodes }) => Object.assign(nodes[1]?.parameters as object, { text: 'better' }))
  const kept = await person.submit(`${path}/adopt`)
  expect(kept.at).toBe(path)
  expect(textOf(kept.text)).toContain(
    'The workflow in n8n is saved as v2, which is now the deployed version.',
  )
  expect(textOf((await person.get(`${path}/drift`)).text)).toContain('n8n matches v2.')
  const version = await world.world.deps.workflows.findVersion(person.userId, workflowId, 2)
  expect(JSON.stringify(version?.workflow)).toContain('better')
})

test('re-applying restores the deployed version', async () => {
  const { person, path, remote } = await deployed(orders({ text: 'original' }))
  await edit(remote.id, ({ nodes }) => Object.assign(nodes[1]?.parameters as object, { text: 'worse' }))
  const page = await person.get(`${path}/drift`)
  // Re-applying discards edits in n8n, so it needs a confirmation page.
  expect(parsePage(page.text).forms).not.toContain(`${path}/overwrite`)
  expect(parsePage(page.text).links).toContain(`${path}/overwrite`)
  const question = await person.get(`${path}/overwrite`)
  expect(textOf(question.text)).toContain('Edits made in n8n are overwritten immediately.')
  const back = await person.submit(`${path}/overwrite`, fieldsOf(question.text, `${path}/overwrite`))
  expect(textOf(back.text)).toContain('v1 is live.')
  expect((await remoteOf(person, path)).nodes[1]?.parameters).toMatchObject({ text: 'original' })
  expect(textOf((await person.get(`${path}/drift`)).text)).toContain('In sync')
})

test('a workflow deleted in n8n is reported and can be recreated', async () => {
  const { person, path, remote } = await deployed()
  world.stub.state.workflows.delete(remote.id)
  const page = await person.get(`${path}/drift`)
  expect(textOf(page.text)).toContain('The workflow no longer exists in n8n.')
  expect(parsePage(page.text).forms).not.toContain(`${path}/adopt`)
  expect(textOf((await person.submit(`${path}/overwrite`)).text)).toContain('v1 is live.')
})

test('drift is unknown while n8n is unreachable, shown as a warning', async () => {
  const { person, path } = await deployed()
  world.world.fail(() => true, 'reset')
  const { status, text } = await person.get(`${path}/drift`)
  expect(status).toBe(200)
  expect(textOf(text)).toContain('Unknown')
  expect(textOf(text)).toContain('Could not read the workflow from prod-eu-1.')
  expect(parsePage(text).forms).not.toContain(`${path}/overwrite`)
})

test('a failed deployment is not compared, and the page explains why', async () => {
  const { person, path } = await deployed()
  await world.world.database.sql`update deployments set status = 'failed', step = 'publish', error = 'no',
    intent = '{"action":"deploy","version":1}' where id = ${path.split('/')[2]}`
  const { status, text } = await person.get(`${path}/drift`)
  expect(status).toBe(200)
  expect(textOf(text)).toContain('The last operation failed. Retry it or undeploy it first.')
})
