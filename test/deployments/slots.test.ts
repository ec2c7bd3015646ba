/** Secrets reach only the nodes that they are bound to, through plans, deployments, adoption and rollback. */
import { randomUUID } from 'node:crypto'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeployWorld, type DeployWorld, type WorldUser } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

const header = 'httpHeaderAuth'

const every = {
  id: 's',
  name: 'Every hour',
  type: 'n8n-nodes-base.scheduleTrigger',
  typeVersion: 1.2,
  position: [0, 0],
  parameters: { rule: { interval: [{ field: 'hours' }] } },
}
const http = (name: string, url: string, named?: string, id = `id-${name}`) => ({
  id,
  name,
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  position: [220, 0],
  parameters: { url, authentication: 'genericCredentialType', genericAuthType: header, options: {} },
  ...(named !== undefined && { credentials: { [header]: { id: 'of-another-n8n', name: named } } }),
})
const database = (name: string, named: string) => ({
  id: `id-${name}`,
  name,
  type: 'n8n-nodes-base.postgres',
  typeVersion: 2.5,
  position: [220, 0],
  parameters: { operation: 'executeQuery', query: 'select 1' },
  credentials: { postgres: { id: named.slice(0, 4), name: named } },
})
/** A schedule followed by the nodes in a row. */
const chain = (...nodes: { name: string; disabled?: boolean }[]) => ({
  name: `Chain ${randomUUID()}`,
  nodes: [every, ...nodes],
  connections: Object.fromEntries(
    nodes.map(({ name }, index) => [
      index === 0 ? every.name : (nodes[index - 1]?.name ?? ''),
      { main: [[{ node: name, type: 'main', index: 0 }]] },
    ]),
  ),
  settings: { executionOrder: 'v1' },
})
const crmUrl = 'https://crm.example.com/v1'
const erpUrl = 'https://erp.example.com/v1'
const crmAndErp = () => chain(http('CRM', crmUrl), http('ERP', erpUrl))

async function keep(user: WorldUser, name: string, type = header, data?: object): Promise<string> {
  const secret = { name: 'X-Key', value: randomBytes(12).toString('hex') }
  const { status, body } = await user.api('POST', '/v1/credentials', { type, name, data: data ?? secret })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return String(body.id)
}
const postgresData = { host: 'db.example.com', database: 'x', user: 'u', password: 'p-canary' }

const planOf = async (user: WorldUser, workflowId: string, more: object = {}) =>
  (await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId: user.instanceId, ...more })).body

/** Node → the name of its credential in n8n. */
function inN8n(deployment: { n8nWorkflowId: string }): Record<string, string> {
  const nodes = world.stub.state.workflows.get(deployment.n8nWorkflowId)?.nodes ?? []
  return Object.fromEntries(
    nodes.flatMap((node) => {
      const named = Object.values((node['credentials'] ?? {}) as Record<string, { id: string }>)
      return named.map(({ id }) => [node['name'], world.stub.state.credentials.get(id)?.name])
    }),
  )
}

const slotsOf = (plan: { slots: { node: string; status: string; reason: string | null }[] }) =>
  plan.slots.map(({ node, status, reason }) => [node, status, reason].filter(Boolean).join(' '))

describe('two credentials of one type', () => {
  test('that nodes reference but do not exist are missing, even if there is another of the type', async () => {
    const user = await world.user()
    await keep(user, 'Production', 'postgres', postgresData)
    const workflowId = await user.workflow(
      chain(database('Read source', 'Production (read)'), database('Truncate target', 'Staging (write)')),
    )
    const plan = await planOf(user, workflowId)
    expect(plan).toMatchObject({
      ready: false,
      bindings: [{ type: 'postgres', status: 'missing', credentialId: null, action: null }],
      problems: [
        { code: 'credential-missing', level: 'error', node: 'Read source', pointer: '/nodes/1' },
        { code: 'credential-missing', level: 'error', node: 'Truncate target', pointer: '/nodes/2' },
      ],
    })
    expect(plan.slots[1]).toMatchObject({
      named: { id: 'Stag', name: 'Staging (write)' },
      candidates: [{ name: 'Production' }],
    })
    const { body: readiness } = await user.api('GET', `/v1/workflows/${workflowId}/readiness`)
    expect([readiness.ready, slotsOf(readiness)]).toEqual([false, slotsOf(plan)])
    const refused = await user.deploy(workflowId)
    expect([refused.status, refused.body.errors.length]).toEqual([422, 2])
    expect(refused.body.errors[0].pointer).toBe('/bindings')
    expect(plan.problems).toMatchObject(refused.body.problems)
  })

  test('are bound to their own nodes by explicit bindings', async () => {
    const user = await world.user()
    const read = await keep(user, 'Production', 'postgres', postgresData)
    const write = await keep(user, 'Staging', 'postgres', postgresData)
    const workflowId = await user.workflow(
      chain(database('Read source', 'Production (read)'), database('Truncate target', 'Staging (write)')),
    )
    const bindings = [
      { node: 'Read source', type: 'postgres', credentialId: read },
      { node: 'Truncate target', type: 'postgres', credentialId: write },
    ]
    const plan = await planOf(user, workflowId, { bindings })
    expect(plan).toMatchObject({
      ready: true,
      problems: [],
      bindings: [{ status: 'bound', credentialId: null, action: 'create' }],
    })
    const { body } = await user.deploy(workflowId, { bindings, planHash: plan.planHash })
    expect(body).toMatchObject({ status: 'active', bindings })
    expect(inN8n(body)).toEqual({ 'Read source': 'Production', 'Truncate target': 'Staging' })
    for (const [id, nodes] of [
      [read, ['Read source']],
      [write, ['Truncate target']],
    ] as const) {
      const { body: usage } = await user.api('GET', `/v1/credentials/${id}/usage`)
      expect(usage.deployments).toMatchObject([{ id: body.id, nodes }])
    }
  })

  test('are matched by the names in the JSON, and a binding for the type fills the rest', async () => {
    const user = await world.user()
    await keep(user, 'CRM key')
    const weather = await keep(user, 'Weather')
    const workflowId = await user.workflow(
      chain(
        http('CRM', crmUrl, 'CRM key'),
        http('Vendor', 'https://vendor.example.net/', 'Weather vendor key'),
      ),
    )
    const open = await planOf(user, workflowId)
    expect(slotsOf(open)).toEqual(['CRM bound name', 'Vendor missing'])
    expect(open.slots.map(({ sentTo }: { sentTo: string }) => sentTo)).toEqual([
      'crm.example.com',
      'vendor.example.net',
    ])
    const bindings = [{ node: 'Vendor', type: header, credentialId: weather }]
    const { body } = await user.deploy(workflowId, { bindings })
    expect(inN8n(body)).toEqual({ CRM: 'CRM key', Vendor: 'Weather' })
  })

  test('the earlier map format binds every slot of its types', async () => {
    const user = await world.user()
    const id = await keep(user, 'One')
    await keep(user, 'Two')
    const workflowId = await user.workflow(crmAndErp())
    const plan = await planOf(user, workflowId, { bindings: { [header]: id } })
    expect(slotsOf(plan)).toEqual(['CRM bound chosen', 'ERP bound chosen'])
    expect(plan.bindings).toMatchObject([{ credentialId: id, nodes: ['CRM', 'ERP'], status: 'bound' }])
    const theirs = {
      id: 'twoInN8n00000001',
      name: 'Two',
      type: header,
      data: {},
      createdAt: '',
      updatedAt: '',
    }
    world.stub.state.credentials.set(theirs.id, theirs)
    const both = [
      { type: header, credentialId: id },
      { node: 'ERP', type: header, n8nCredentialId: 'twoInN8n00000001' },
    ]
    expect(slotsOf(await planOf(user, workflowId, { bindings: both }))).toEqual([
      'CRM bound chosen',
      'ERP n8n chosen',
    ])
  })
})

test('a generic header credential is never bound just because it is the only one', async () => {
  const user = await world.user()
  const id = await keep(user, 'CRM key')
  const workflowId = await user.workflow(chain(http('Vendor', 'https://vendor.example.net/')))
  const plan = await planOf(user, workflowId)
  expect(plan).toMatchObject({
    ready: false,
    slots: [
      {
        status: 'ambiguous',
        credential: null,
        reason: null,
        candidates: [{ id }],
        sentTo: 'vendor.example.net',
      },
    ],
    problems: [{ code: 'credential-ambiguous', node: 'Vendor' }],
  })
  expect((await user.deploy(workflowId)).status).toBe(422)
  expect((await user.deploy(workflowId, { bindings: { [header]: id } })).body.status).toBe('active')
})

test('a host that is determined at run time is a warning and does not block', async () => {
  const user = await world.user()
  const id = await keep(user, 'CRM key')
  const workflowId = await user.workflow(chain(http('Any', '={{ $json.timestamp }}')))
  const plan = await planOf(user, workflowId, { bindings: { [header]: id } })
  expect(plan).toMatchObject({
    ready: true,
    slots: [{ status: 'bound', sentTo: null }],
    problems: [
      { code: 'credential-host-unknown', level: 'warning', node: 'Any', pointer: '/nodes/1/parameters/url' },
    ],
  })
})

describe('another version', () => {
  async function deployed() {
    const user = await world.user()
    const [crm, erp] = [await keep(user, 'CRM key'), await keep(user, 'ERP key')]
    const workflowId = await user.workflow(crmAndErp())
    const bindings = [
      { node: 'CRM', type: header, credentialId: crm },
      { node: 'ERP', type: header, credentialId: erp },
    ]
    const { body } = await user.deploy(workflowId, { bindings })
    expect(body.status).toBe('active')
    return { user, workflowId, crm, erp, id: String(body.id), deployment: body, bindings }
  }

  test('keeps the binding of each node and follows a rename', async () => {
    const { user, workflowId, id, deployment } = await deployed()
    await user.change(workflowId, chain(http('Customers', crmUrl, undefined, 'id-CRM'), http('ERP', erpUrl)))
    expect(slotsOf(await planOf(user, workflowId))).toEqual(['Customers bound earlier', 'ERP bound earlier'])
    expect((await user.act(id, 'deploy', {})).body.status).toBe('active')
    expect(inN8n(deployment)).toEqual({ Customers: 'CRM key', ERP: 'ERP key' })
  })

  test('does not copy a binding to a copied node', async () => {
    const { user, workflowId } = await deployed()
    await user.change(workflowId, chain(http('CRM', crmUrl), http('ERP', erpUrl), http('CRM1', crmUrl)))
    expect(slotsOf(await planOf(user, workflowId))).toEqual([
      'CRM bound earlier',
      'ERP bound earlier',
      'CRM1 ambiguous',
    ])
  })

  test('requires an explicit binding for a node that sends a secret to another host', async () => {
    const { user, workflowId, id, crm, deployment, bindings } = await deployed()
    await user.change(workflowId, chain(http('CRM', 'https://elsewhere.example.net/v1'), http('ERP', erpUrl)))
    const plan = await planOf(user, workflowId)
    expect(plan).toMatchObject({
      ready: false,
      problems: [
        { code: 'credential-new-host', level: 'error', node: 'CRM', pointer: '/nodes/1/parameters/url' },
      ],
    })
    expect(plan.problems[0].message).toMatch(/CRM key.*crm\.example\.com.*elsewhere\.example\.net/)
    expect(slotsOf(plan)).toEqual(['CRM ambiguous', 'ERP bound earlier'])
    for (const sent of [{}, { bindings: { [header]: crm } }]) {
      const refused = await user.act(id, 'deploy', sent)
      expect([refused.status, refused.body.problems[0].code]).toEqual([422, 'credential-new-host'])
    }
    expect(inN8n(deployment)).toEqual({ CRM: 'CRM key', ERP: 'ERP key' })
    const { body } = await user.act(id, 'deploy', { bindings: bindings.slice(0, 1) })
    expect(body).toMatchObject({ status: 'active', version: 2, bindings })
    expect(slotsOf(await planOf(user, workflowId))).toEqual(['CRM bound earlier', 'ERP bound earlier'])
    const back = await user.act(id, 'rollback', { version: 1 })
    expect(back.body).toMatchObject({ status: 'active', version: 1, bindings })
  })

  test('requires an explicit binding when a node that determines the host changes', async () => {
    const { user, workflowId, id, bindings } = await deployed()
    const config = (value: string, type = 'n8n-nodes-base.set') => ({
      name: 'Config',
      type,
      typeVersion: 3.4,
      position: [0, 0],
      parameters: { jsCode: value, assignments: { assignments: [{ name: 'base', value, type: 'string' }] } },
    })
    const url = "={{ $('Config').item.json.base }}/v1"
    const change = (node: ReturnType<typeof config>) => user.change(workflowId, chain(node, http('CRM', url)))
    await change(config('https://crm.example.com'))
    expect(await planOf(user, workflowId)).toMatchObject({
      ready: true,
      slots: [{ node: 'CRM', reason: 'earlier', sentTo: 'crm.example.com' }],
    })
    await change(config('https://evil.example.net'))
    const plan = await planOf(user, workflowId)
    expect(plan).toMatchObject({ ready: false, slots: [{ status: 'ambiguous', sentTo: 'evil.example.net' }] })
    expect(plan.problems[0].message).toMatch(/crm\.example\.com.*evil\.example\.net/)
    await change(config('one', 'n8n-nodes-base.code'))
    const asked = await planOf(user, workflowId)
    expect(asked).toMatchObject({ ready: false, slots: [{ sentTo: null, sentToExpression: url }] })
    const { body } = await user.act(id, 'deploy', { bindings: bindings.slice(0, 1) })
    expect(body.status).toBe('active')
    expect(await planOf(user, workflowId)).toMatchObject({ ready: true, slots: [{ reason: 'earlier' }] })
    await change(config('two', 'n8n-nodes-base.code'))
    const refused = await user.act(id, 'deploy', {})
    expect([refused.status, refused.body.problems[0].code]).toEqual([422, 'credential-new-host'])
    expect(refused.body.problems[0].message).toMatch(/\$\('Config'\).*have changed/)
  })

  test('restores its bindings on a rollback', async () => {
    const { user, workflowId, id, deployment, bindings } = await deployed()
    const spare = await keep(user, 'Spare key')
    await user.change(workflowId, { ...crmAndErp(), name: 'Renamed' })
    const rebound = [{ node: 'CRM', type: header, credentialId: spare }]
    await user.act(id, 'deploy', { bindings: rebound })
    expect(inN8n(deployment)).toEqual({ CRM: 'Spare key', ERP: 'ERP key' })
    const { body } = await user.act(id, 'rollback', { version: 1 })
    expect(body).toMatchObject({ version: 1, status: 'active', bindings })
    expect(inN8n(deployment)).toEqual({ CRM: 'CRM key', ERP: 'ERP key' })
    const { body: history } = await user.api('GET', `/v1/deployments/${id}/versions`)
    expect(history.items).toMatchObject([
      { version: 1, bindings },
      { version: 2, bindings: [...rebound, bindings[1]] },
      { version: 1, bindings },
    ])
  })

  test('that references another credential keeps the earlier one and reports how to change it', async () => {
    const { user, workflowId, id, deployment } = await deployed()
    const fresh = await keep(user, 'CRM key 2')
    await user.change(workflowId, chain(http('CRM', crmUrl, 'CRM key 2'), http('ERP', erpUrl, 'Nobody’s')))
    const plan = await planOf(user, workflowId)
    expect(slotsOf(plan)).toEqual(['CRM bound earlier', 'ERP bound earlier'])
    const code = 'credential-not-as-named'
    expect(plan).toMatchObject({
      ready: true,
      problems: [
        { code, level: 'warning', node: 'CRM', pointer: `/nodes/1/credentials/${header}` },
        { code, level: 'warning', node: 'ERP' },
      ],
    })
    const [first, second] = plan.problems
    for (const part of ['"CRM"', '"CRM key"', '"CRM key 2"', header, fresh])
      expect(first.message).toContain(part)
    for (const part of ['"ERP"', '"ERP key"', '"Nobody’s"']) expect(second.message).toContain(part)
    const bindings = [{ node: 'CRM', type: header, credentialId: fresh }]
    expect((await planOf(user, workflowId, { bindings })).problems).toMatchObject([{ node: 'ERP' }])
    expect((await user.act(id, 'deploy', { bindings })).body.status).toBe('active')
    expect(inN8n(deployment)).toEqual({ CRM: 'CRM key 2', ERP: 'ERP key' })
  })

  test('keeps a credential that was renamed and reports the name', async () => {
    const user = await world.user()
    const id = await keep(user, 'CRM key')
    const workflowId = await user.workflow(chain(http('CRM', crmUrl, 'CRM key')))
    await user.deploy(workflowId)
    await user.api('PATCH', `/v1/credentials/${id}`, { name: 'Customers' }, { 'If-Match': '*' })
    const renamed = await planOf(user, workflowId)
    expect(slotsOf(renamed)).toEqual(['CRM bound earlier'])
    expect(renamed.problems).toMatchObject([{ code: 'credential-not-as-named', level: 'hint', node: 'CRM' }])
    expect(renamed.problems[0].message).toMatch(/"CRM key".*"Customers"/)
    const other = await keep(user, 'CRM key')
    const taken = await planOf(user, workflowId)
    expect(slotsOf(taken)).toEqual(['CRM bound earlier'])
    expect(taken.problems).toMatchObject([{ code: 'credential-not-as-named', level: 'warning' }])
    expect(taken.problems[0].message).toContain(other)
  })

  test('requires another credential when the bound one was deleted', async () => {
    const { user, workflowId, id, erp } = await deployed()
    await user.api('DELETE', `/v1/credentials/${erp}?force=true`)
    expect(slotsOf(await planOf(user, workflowId))).toEqual(['CRM bound earlier', 'ERP ambiguous'])
    expect((await user.act(id, 'deploy', {})).status).toBe(422)
  })

  test('does not bind a disabled node, and restores its binding when it is enabled', async () => {
    const { user, workflowId, id, deployment } = await deployed()
    await user.change(workflowId, chain(http('CRM', crmUrl), { ...http('ERP', erpUrl), disabled: true }))
    expect((await user.act(id, 'deploy', {})).body.bindings).toMatchObject([{ node: 'CRM' }])
    expect(inN8n(deployment)).toEqual({ CRM: 'CRM key' })
    await user.change(workflowId, crmAndErp())
    expect(slotsOf(await planOf(user, workflowId))).toEqual(['CRM bound earlier', 'ERP ambiguous'])
  })
})

test('adopts an edit in n8n that gives two nodes of a type their own credentials', async () => {
  const user = await world.user()
  const crm = await keep(user, 'CRM key')
  const content = crmAndErp()
  const workflowId = await user.workflow(content)
  const { body } = await user.deploy(workflowId, { bindings: { [header]: crm } })
  const theirs = {
    id: 'erpKeyInN8n00001',
    name: 'ERP key',
    type: header,
    data: {},
    createdAt: '',
    updatedAt: '',
  }
  world.stub.state.credentials.set(theirs.id, theirs)
  const remote = world.stub.state.workflows.get(body.n8nWorkflowId)
  const erp = remote?.nodes.find(({ name }) => name === 'ERP')
  if (!remote || !erp) throw new Error('Not in n8n')
  erp['credentials'] = { [header]: { id: theirs.id, name: theirs.name } }
  const adopted = (await user.act(body.id, 'adopt')).body
  expect(adopted).toMatchObject({ live: true, ambiguousTypes: [header] })
  const bindings = [
    { node: 'CRM', type: header, credentialId: crm },
    { node: 'ERP', type: header, n8nCredentialId: theirs.id },
  ]
  expect((await user.api('GET', `/v1/deployments/${body.id}`)).body.bindings).toEqual(bindings)
  expect((await user.api('GET', `/v1/deployments/${body.id}/drift`)).body.drifted).toBe(false)
  const current = (await user.api('GET', `/v1/workflows/${workflowId}`)).body.workflow
  await user.change(workflowId, { ...current, name: 'Next' })
  const plan = await planOf(user, workflowId)
  expect(plan).toMatchObject({ ready: true, bindings: [{ status: 'n8n' }] })
  expect(slotsOf(plan)).toEqual(['CRM bound earlier', 'ERP n8n earlier'])
  expect((await user.act(body.id, 'deploy', {})).body).toMatchObject({ status: 'active', error: null })
  expect(inN8n(body)).toEqual({ CRM: 'CRM key', ERP: 'ERP key' })
})

test('a run rejected by a service marks only the credential of the failed node', async () => {
  const user = await world.user()
  const [crm, erp] = [await keep(user, 'CRM key'), await keep(user, 'ERP key')]
  const workflowId = await user.workflow(crmAndErp())
  const bindings = [
    { node: 'CRM', type: header, credentialId: crm },
    { node: 'ERP', type: header, credentialId: erp },
  ]
  const { body } = await user.deploy(workflowId, { bindings })
  world.pass(60_000)
  const marked = await world.deps.credentialHealth.markRefused([
    {
      userId: user.id,
      deploymentId: body.id,
      workflowVersion: 1,
      node: 'ERP',
      message: '401 Unauthorized',
      httpStatus: 401,
      failedAt: new Date(world.clock.now),
    },
  ])
  expect(marked).toEqual([erp])
  expect((await user.api('GET', `/v1/credentials/${crm}`)).body.status).toBe('untested')
})

test('a type selected by an expression only accepts an explicit binding for its node', async () => {
  const user = await world.user()
  const slack = await user.credential()
  const open = {
    ...http('Open', 'https://a.example.com/'),
    parameters: {
      url: 'https://a.example.com/',
      authentication: 'predefinedCredentialType',
      nodeCredentialType: '={{ $json.type }}',
    },
  }
  const workflowId = await user.workflow(chain(open))
  const plan = await planOf(user, workflowId)
  expect(plan).toMatchObject({ ready: true, slots: [], unresolved: [{ node: 'Open' }] })
  const { body } = await user.deploy(workflowId, {
    bindings: [{ node: 'Open', type: 'slackApi', credentialId: slack }],
  })
  expect(Object.keys(inN8n(body))).toEqual(['Open'])
  expect(slotsOf(await planOf(user, workflowId))).toEqual(['Open bound earlier'])
})
