/** Choosing a credential for each node of a plan, as a person without a script does it: by a form that is a URL. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFormWorld, fieldsOf, orders, type Person, textOf } from './forms.ts'

let world: Awaited<ReturnType<typeof createFormWorld>>
beforeAll(async () => {
  world = await createFormWorld()
})
afterAll(() => world?.close())

const type = 'httpHeaderAuth'
const call = (name: string, url: string, named?: string) => ({
  ...{ id: name, name, type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2, position: [220, 0] },
  parameters: { url, authentication: 'genericCredentialType', genericAuthType: type, options: {} },
  ...(named !== undefined && { credentials: { [type]: { id: '1', name: named } } }),
})
const calls = (crm: string, erp: string, named?: string) => ({
  name: 'Sync',
  nodes: [orders().nodes[0], call('CRM', crm, named), call('ERP', erp)],
  connections: {
    Hook: { main: [[{ node: 'CRM', type: 'main', index: 0 }]] },
    CRM: { main: [[{ node: 'ERP', type: 'main', index: 0 }]] },
  },
  settings: {},
})

async function keep(person: Person, name: string): Promise<string> {
  const data = { name: 'X-Key', value: `canary-${name}` }
  const made = await world.world.deps.credentials.create(person.userId, { type, name, data })
  return made?.id ?? ''
}

/** The options of a node's field: what stands there → the value that is sent. */
function optionsOf(html: string, node: string): Record<string, string> {
  const select = new RegExp(`<select[^>]*name="credential\\.${type}:${node}"[^>]*>(.*?)</select>`, 's').exec(
    html,
  )?.[1]
  const options = [...(select ?? '').matchAll(/<option value="([^"]*)"[^>]*>([^<]*)</g)]
  return Object.fromEntries(options.map(([, value = '', label = '']) => [label.trim(), value]))
}

test('each node has its field, with the host that its secret goes to, and gets what was chosen for it', async () => {
  const person = await world.person()
  const instanceId = await person.addServer()
  const [crm, erp] = [await keep(person, 'CRM key'), await keep(person, 'ERP key')]
  const workflowId = await person.workflow(calls('https://crm.test/a', 'https://erp.test/b', 'CRM key'))
  const path = `/deployments/new?workflow=${workflowId}&instance=${instanceId}`
  const open = await person.get(path)
  const text = textOf(open.text)
  expect(text).toContain('Sent to crm.test. The workflow names “CRM key”.')
  expect(text).toContain('There are 2: choose one. Sent to erp.test.')
  expect(text).toContain('No credential is chosen for ERP.')
  expect(optionsOf(open.text, 'CRM')).toEqual({
    'CRM key (named by the workflow)': '',
    'ERP key': `${erp} crm.test`,
    'CRM key': `${crm} crm.test`,
  })
  const value = optionsOf(open.text, 'ERP')['ERP key'] ?? ''
  const chosen = await person.get(`${path}&${new URLSearchParams({ [`credential.${type}:ERP`]: value })}`)
  const fields = fieldsOf(chosen.text, '/deployments')
  const page = await person.submit('/deployments', fields)
  expect(textOf(page.text)).toContain('v1 is live')
  const deployment = await world.world.deps.deployments.find(person.userId, page.at.split('/')[2] ?? '')
  expect(deployment?.bindings).toEqual([
    { node: 'CRM', type, credentialId: crm },
    { node: 'ERP', type, credentialId: erp },
  ])
  expect(textOf((await person.get(`/credentials/${erp}`)).text)).toContain('ERP')
  expect(textOf(page.text)).toContain(`ERP · ${type}`)
})

test('a choice made for one host does not count for another version that sends it elsewhere', async () => {
  const person = await world.person()
  const instanceId = await person.addServer()
  const crm = await keep(person, 'CRM key')
  const workflowId = await person.workflow(calls('https://crm.test/a', 'https://crm.test/b'))
  const path = `/deployments/new?workflow=${workflowId}&instance=${instanceId}`
  const fields = Object.fromEntries(
    ['CRM', 'ERP'].map((node) => [`credential.${type}:${node}`, `${crm} crm.test`]),
  )
  const plan = await person.get(`${path}&${new URLSearchParams(fields)}`)
  await person.submit('/deployments', fieldsOf(plan.text, '/deployments'))
  await world.world.deps.workflows.update(person.userId, workflowId, null, {
    workflow: calls('https://elsewhere.test/a', 'https://crm.test/b'),
  })
  const moved = await person.get(`${path}&${new URLSearchParams(fields)}`)
  const text = textOf(moved.text)
  expect(text).toContain('Left out: CRM sends its credential to another host now.')
  expect(text).toContain('It would go to another host than before: choose it to send it there.')
  expect(moved.text).not.toContain('action="/deployments"')
  const value = optionsOf(moved.text, 'CRM')['CRM key'] ?? ''
  expect(value).toBe(`${crm} elsewhere.test`)
  const confirmed = await person.get(`${path}&${new URLSearchParams({ [`credential.${type}:CRM`]: value })}`)
  const page = await person.submit('/deployments', fieldsOf(confirmed.text, '/deployments'))
  expect(textOf(page.text)).toContain('v2 is live')
})
