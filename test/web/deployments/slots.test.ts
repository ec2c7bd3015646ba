/** Choosing a credential for each node of a plan, through a GET form without JavaScript. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFormWorld, fieldsOf, orders, type Person, textOf } from './forms.ts'
import { parsePage } from '../../harness/dom.ts'

let world: Awaited<ReturnType<typeof createFormWorld>>
beforeAll(async () => {
  world = await createFormWorld()
})
afterAll(() => world?.close())

const type = 'httpHeaderAuth'
const call = (name: string, url: string, named?: string) => ({
  id: name,
  name,
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  position: [220, 0],
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

async function createCredential(person: Person, name: string): Promise<string> {
  const data = { name: 'X-Key', value: `canary-${name}` }
  const made = await world.world.deps.credentials.create(person.userId, { type, name, data })
  return made?.id ?? ''
}

/** The options of a node's field: label → submitted value. */
function optionsOf(html: string, node: string): Record<string, string> {
  const options = parsePage(html).document.querySelectorAll(`[name="credential.${type}:${node}"] option`)
  return Object.fromEntries(
    [...options].map((option) => [(option.textContent ?? '').trim(), option.getAttribute('value') ?? '']),
  )
}

test('each node has a field with the host of its secret and gets the selected credential', async () => {
  const person = await world.person()
  const instanceId = await person.addServer()
  const [crm, erp] = [await createCredential(person, 'CRM key'), await createCredential(person, 'ERP key')]
  const workflowId = await person.workflow(calls('https://crm.test/a', 'https://erp.test/b', 'CRM key'))
  const path = `/deployments/new?workflow=${workflowId}&instance=${instanceId}`
  const open = await person.get(path)
  const text = textOf(open.text)
  expect(text).toContain('Sent to crm.test. The workflow names “CRM key”.')
  expect(text).toContain('2 credentials match. Choose one. Sent to erp.test.')
  expect(text).toContain('No credential chosen for ERP.')
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
  expect(textOf(page.text)).toContain('ERP · Header Auth')
})

test('a choice for one host is dropped when another version sends the credential elsewhere', async () => {
  const person = await world.person()
  const instanceId = await person.addServer()
  const crm = await createCredential(person, 'CRM key')
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
  expect(text).toContain('Some choices no longer apply: CRM now sends its credential to a different host.')
  expect(text).toContain('The credential would be sent to a new host. Choose it to confirm.')
  expect(parsePage(moved.text).forms).not.toContain('/deployments')
  const value = optionsOf(moved.text, 'CRM')['CRM key'] ?? ''
  expect(value).toBe(`${crm} elsewhere.test`)
  const confirmed = await person.get(`${path}&${new URLSearchParams({ [`credential.${type}:CRM`]: value })}`)
  const page = await person.submit('/deployments', fieldsOf(confirmed.text, '/deployments'))
  expect(textOf(page.text)).toContain('v2 is live')
})
