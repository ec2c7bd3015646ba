/** Deploys workflows to instances whose environments have variables and credentials of their own. */
import { beforeAll, describe, expect, test } from 'vitest'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { createN8nWorld, type N8nWorld, orders, type Setting } from '../deployments/n8n-world.ts'

let world: N8nWorld
beforeAll(async () => {
  world = await createN8nWorld()
})

const [hook, tell, note] = orders.nodes
/** Reads a variable in an expression, in code and in text that stays. */
const templated = {
  ...orders,
  nodes: [
    hook,
    {
      ...tell,
      parameters: { ...tell?.parameters, url: 'https://crm.example.com/={{ $vars.REGION }}', options: {} },
    },
    note,
    {
      id: 'set',
      name: 'Set',
      type: 'n8n-nodes-base.code',
      typeVersion: 2,
      position: [440, 0],
      parameters: {
        jsCode: '// $vars.REGION\nreturn [{ json: { url: $vars.API_URL, region: $vars.REGION } }]',
      },
    },
    {
      id: 'mail',
      name: 'Mail',
      type: 'n8n-nodes-base.set',
      typeVersion: 3.4,
      position: [660, 0],
      parameters: { mode: 'raw', jsonOutput: '={ "url": "{{ $vars.API_URL }}" }', options: {} },
    },
  ],
  connections: {
    Hook: { main: [[{ node: 'Tell', type: 'main', index: 0 }]] },
    Tell: { main: [[{ node: 'Set', type: 'main', index: 0 }]] },
    Set: { main: [[{ node: 'Mail', type: 'main', index: 0 }]] },
  },
}
const headers = { 'If-Match': '*' }

async function withEnvironment(workflow: object = templated, name = 'staging', more: object = {}) {
  const setting = await world.setting(workflow)
  const { user, instanceId } = setting
  const variables = { API_URL: 'https://staging.example', REGION: 'eu' }
  const { json: environment } = await user.call('POST', '/v1/environments', {
    body: { name, variables, ...more },
  })
  const joined = await user.call('PATCH', `/v1/instances/${instanceId}`, {
    body: { environment: name },
    headers,
  })
  expect(joined.status).toBe(200)
  return { ...setting, environmentId: String(environment.id) }
}
const change = async ({ user }: Pick<Setting, 'user'>, path: string, body: object) => {
  const answer = await user.call('PATCH', path, { body, headers })
  expect({ path, status: answer.status, text: answer.text }).toMatchObject({ status: 200 })
}
const planOf = async ({ user, workflowId, instanceId }: Setting, more: object = {}) =>
  (await user.call('POST', '/v1/deployments/plan', { body: { workflowId, instanceId, ...more } })).json
// oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
const inN8n = (name: string): any => {
  const workflow = [...world.stub.state.workflows.values()].find((each) => each.name === 'Orders')
  return workflow?.nodes.find((node) => node['name'] === name)
}
const readOf = async ({ user }: Setting, id: string) => (await user.call('GET', `/v1/deployments/${id}`)).json
const driftOf = async ({ user }: Setting, id: string) =>
  (await user.call('GET', `/v1/deployments/${id}/drift`)).json

describe('variables', () => {
  test('are inserted in what n8n receives, not in the stored workflow', async () => {
    const setting = await withEnvironment()
    const plan = await planOf(setting)
    expect(plan.problems.filter(({ code }: { code: string }) => code.startsWith('variable'))).toEqual([])
    expect(plan.variables).toEqual([
      { name: 'API_URL', value: 'https://staging.example', from: 'environment', nodes: ['Set', 'Mail'] },
      { name: 'REGION', value: 'eu', from: 'environment', nodes: ['Set'] },
    ])
    const ready = await setting.user.call(
      'GET',
      `/v1/workflows/${setting.workflowId}/readiness?instanceId=${setting.instanceId}`,
    )
    expect(ready.json.variables).toEqual(plan.variables)
    const deployment = await setting.deploy({ planHash: plan.planHash })
    expect(deployment).toMatchObject({ status: 'active', needsRedeploy: false })
    expect(inN8n('Set').parameters.jsCode).toBe(
      '// $vars.REGION\nreturn [{ json: { url: "https://staging.example", region: "eu" } }]',
    )
    expect(inN8n('Mail').parameters.jsonOutput).toBe('={ "url": "{{ "https://staging.example" }}" }')
    expect(inN8n('Tell').parameters.url).toContain('$vars.REGION')
    const stored = (await setting.user.call('GET', `/v1/workflows/${setting.workflowId}`)).json
    expect(JSON.stringify(stored.workflow)).not.toContain('staging.example')
    expect(stored.version).toBe(1)
    expect(await driftOf(setting, deployment.id)).toMatchObject({ drifted: false })
    world.stub.state.calls.length = 0
    expect((await planOf(setting)).live).toMatchObject({ differs: false })
  })

  test('of the instance come before those of its environment, and a changed value needs a redeploy', async () => {
    const setting = await withEnvironment()
    const { id } = await setting.deploy()
    const before = await planOf(setting)
    await change(setting, `/v1/instances/${setting.instanceId}`, { variables: { REGION: 'us' } })
    expect(await readOf(setting, id)).toMatchObject({ needsRedeploy: true })
    const plan = await planOf(setting)
    expect(plan.planHash).not.toBe(before.planHash)
    expect(plan.variables).toContainEqual({ name: 'REGION', value: 'us', from: 'instance', nodes: ['Set'] })
    expect(plan.live.diff.changed).toEqual([{ node: 'Set', paths: ['parameters.jsCode'] }])
    expect(await driftOf(setting, id)).toMatchObject({ drifted: false })
    const stale = await setting.user.call('POST', '/v1/deployments/plan', {
      body: { workflowId: setting.workflowId, instanceId: setting.instanceId },
    })
    expect(stale.json.planHash).toBe(plan.planHash)
    const again = await setting.user.call('POST', `/v1/deployments/${id}/deploy`, { body: {} })
    expect(again.json).toMatchObject({ status: 'active', needsRedeploy: false })
    expect(inN8n('Set').parameters.jsCode).toContain('region: "us"')
    await change(setting, `/v1/instances/${setting.instanceId}`, { variables: { REGION: null } })
    expect(await readOf(setting, id)).toMatchObject({ needsRedeploy: true })
    await change(setting, `/v1/environments/${setting.environmentId}`, { variables: { REGION: 'us' } })
    expect(await readOf(setting, id)).toMatchObject({ needsRedeploy: false })
    const other = { variables: { UNRELATED: 'x' } }
    await change(setting, `/v1/environments/${setting.environmentId}`, other)
    expect(await readOf(setting, id)).toMatchObject({ needsRedeploy: false })
  })

  test('without a value are warnings, or hints if n8n has them itself', async () => {
    const setting = await world.setting(templated)
    const missing = async () =>
      (await planOf(setting)).problems
        .filter(({ code }: { code: string }) => code === 'variable-missing')
        .map(({ level, node, blocks }: Record<string, unknown>) => ({ level, node, blocks }))
    expect(await missing()).toEqual([
      { level: 'warning', node: 'Set', blocks: false },
      { level: 'warning', node: 'Set', blocks: false },
    ])
    world.stub.state.variables = { API_URL: 'https://own.example' }
    expect(await missing()).toEqual([
      { level: 'hint', node: 'Set', blocks: false },
      { level: 'warning', node: 'Set', blocks: false },
    ])
    world.stub.state.variables = null
    const { id } = await setting.deploy()
    expect(inN8n('Set').parameters.jsCode).toContain('url: $vars.API_URL')
    expect(await readOf(setting, id)).toMatchObject({ needsRedeploy: false })
    await change(setting, `/v1/instances/${setting.instanceId}`, { variables: { REGION: 'us' } })
    expect(await readOf(setting, id)).toMatchObject({ needsRedeploy: true })
  })

  test('a change in n8n is drift, and adopting it brings the references back', async () => {
    const setting = await withEnvironment()
    const { id } = await setting.deploy()
    inN8n('Mail').parameters.options = { dotNotation: false }
    expect((await driftOf(setting, id)).diff.changed).toEqual([
      { node: 'Mail', paths: ['parameters.options.dotNotation'] },
    ])
    const adopted = await setting.user.call('POST', `/v1/deployments/${id}/adopt`, {})
    expect(adopted.json).toMatchObject({ version: 2, lostVariables: [] })
    const { workflow } = (await setting.user.call('GET', `/v1/workflows/${setting.workflowId}`)).json
    const mail = workflow.nodes.find(({ name }: { name: string }) => name === 'Mail')
    expect(mail.parameters).toMatchObject({
      jsonOutput: '={ "url": "{{ $vars.API_URL }}" }',
      options: { dotNotation: false },
    })
    expect(JSON.stringify(workflow)).not.toContain('staging.example')
    expect(await driftOf(setting, id)).toMatchObject({ drifted: false })
    expect(await readOf(setting, id)).toMatchObject({ needsRedeploy: false })
    inN8n('Mail').parameters.jsonOutput = '={ "url": "{{ "https://staging.example" }}", "more": 1 }'
    const edited = await setting.user.call('POST', `/v1/deployments/${id}/adopt`, {})
    expect(edited.json).toMatchObject({ version: 3, lostVariables: [{ node: 'Mail', name: 'API_URL' }] })
  })

  test('of the current environment are used by a rollback', async () => {
    const setting = await withEnvironment()
    const { id } = await setting.deploy()
    const nodes = templated.nodes.filter((node) => node?.name !== 'Mail' && node?.name !== 'Set')
    const { Hook } = templated.connections
    await change(setting, `/v1/workflows/${setting.workflowId}`, {
      workflow: { ...templated, nodes, connections: { Hook } },
    })
    const second = await setting.user.call('POST', `/v1/deployments/${id}/deploy`, { body: {} })
    expect(second.json).toMatchObject({ status: 'active', version: 2 })
    const back = await setting.user.call('POST', `/v1/deployments/${id}/rollback`, { body: { version: 1 } })
    expect(back.json).toMatchObject({ status: 'active', version: 1, needsRedeploy: false })
    expect(inN8n('Set').parameters.jsCode).toContain('region: "eu"')
  })

  test('of each environment are in the sub-workflows that are deployed first, under the IDs of the instance', async () => {
    const setting = await withEnvironment(orders)
    const { user } = setting
    const callee = {
      name: 'Callee',
      nodes: [
        {
          id: 'called',
          name: 'Called',
          type: 'n8n-nodes-base.executeWorkflowTrigger',
          typeVersion: 1.1,
          position: [0, 0],
          parameters: { inputSource: 'passthrough' },
        },
        {
          id: 'code',
          name: 'Code',
          type: 'n8n-nodes-base.code',
          typeVersion: 2,
          position: [220, 0],
          parameters: { jsCode: 'return [{ json: { region: $vars.REGION } }]' },
        },
      ],
      connections: { Called: { main: [[{ node: 'Code', type: 'main', index: 0 }]] } },
    }
    const { id: calleeId } = (await user.call('POST', '/v1/workflows', { body: { workflow: callee } })).json
    const call = {
      id: 'call',
      name: 'Call',
      type: 'n8n-nodes-base.executeWorkflow',
      typeVersion: 1.2,
      position: [220, 0],
      parameters: { workflowId: { __rl: true, mode: 'id', value: calleeId }, options: {} },
    }
    const caller = {
      ...orders,
      nodes: [hook, call],
      connections: { Hook: { main: [[{ node: 'Call', type: 'main', index: 0 }]] } },
    }
    const { id: workflowId } = (await user.call('POST', '/v1/workflows', { body: { workflow: caller } })).json
    const other = await createN8nStub({ baseUrl: 'https://other.example.com' })
    const { fetch: first } = world.stub
    world.n8nFetch.fetch = (input, init) => {
      const { host } = new URL(input instanceof Request ? input.url : String(input))
      return host === 'other.example.com' ? other.fetch(input, init) : first(input, init)
    }
    const production = { name: 'production', isProduction: true, variables: { REGION: 'us' } }
    await user.call('POST', '/v1/environments', { body: production })
    const instance = { name: 'Other', baseUrl: 'https://other.example.com', apiKey: other.apiKey }
    const added = await user.call('POST', '/v1/instances', {
      body: { ...instance, environment: 'production' },
    })
    for (const [stub, instanceId, region] of [
      [world.stub, setting.instanceId, 'eu'],
      [other, added.json.id, 'us'],
    ] as const) {
      const made = await user.call('POST', '/v1/deployments', { body: { workflowId, instanceId } })
      expect(made.json).toMatchObject({ status: 'active' })
      const workflows = [...stub.state.workflows.values()]
      const called = workflows.find(({ name }) => name === 'Callee')
      expect(JSON.stringify(called?.nodes)).toContain(`region: \\"${region}\\"`)
      const calling = workflows.find(({ id }) => id === made.json.n8nWorkflowId)
      expect(JSON.stringify(calling?.nodes)).toContain(`"value":"${called?.id}"`)
    }
    world.n8nFetch.fetch = first
  })

  test('that change the host of a credential need a confirmation', async () => {
    const byVariable = {
      ...orders,
      nodes: orders.nodes.map((node) =>
        node === tell
          ? { ...node, parameters: { ...node.parameters, url: '={{ $vars.API_URL }}/orders' } }
          : node,
      ),
    }
    const setting = await withEnvironment(byVariable)
    const { id } = await setting.deploy()
    expect((await planOf(setting)).ready).toBe(true)
    await change(setting, `/v1/instances/${setting.instanceId}`, {
      variables: { API_URL: 'https://evil.example' },
    })
    expect((await planOf(setting)).problems).toContainEqual(
      expect.objectContaining({ code: 'credential-new-host', node: 'Tell' }),
    )
    const denied = await setting.user.call('POST', `/v1/deployments/${id}/deploy`, { body: {} })
    expect(denied.status).toBe(422)
    const bindings = [{ node: 'Tell', type: 'httpHeaderAuth', credentialId: setting.credentialId }]
    const confirmed = await setting.user.call('POST', `/v1/deployments/${id}/deploy`, { body: { bindings } })
    expect(confirmed.json).toMatchObject({ status: 'active' })
  })
})

describe('credentials', () => {
  const type = 'httpHeaderAuth'
  const addCredential = async ({ user }: Setting, name: string) => {
    const body = { type, name, data: { name: 'X-Key', value: `planted-${name}` } }
    return String((await user.call('POST', '/v1/credentials', { body })).json.id)
  }
  const slotOf = async (setting: Setting, more: object = {}) => {
    const plan = await planOf(setting, more)
    const { status, credential, reason } = plan.slots[0]
    return {
      status,
      credential: credential?.id ?? null,
      reason,
      codes: plan.problems.map(({ code }: { code: string }) => code),
    }
  }

  test('follow the order request, instance, environment, earlier deployment, name', async () => {
    const setting = await withEnvironment(orders)
    const { credentialId, instanceId, environmentId } = setting
    const [ofEnvironment, ofInstance, other] = [
      await addCredential(setting, 'environment'),
      await addCredential(setting, 'instance'),
      await addCredential(setting, 'other'),
    ]
    expect(await slotOf(setting)).toMatchObject({ credential: credentialId, reason: 'name' })
    await setting.deploy()
    expect(await slotOf(setting)).toMatchObject({ credential: credentialId, reason: 'earlier' })
    const choose = (path: string, credentials: object[]) => change(setting, path, { credentials })
    await choose(`/v1/environments/${environmentId}`, [{ type, credentialId: ofEnvironment }])
    expect(await slotOf(setting)).toMatchObject({
      credential: ofEnvironment,
      reason: 'environment',
      status: 'bound',
    })
    await choose(`/v1/instances/${instanceId}`, [{ type, credentialId: ofInstance }])
    expect(await slotOf(setting)).toMatchObject({ credential: ofInstance, reason: 'instance' })
    const bindings = [{ node: 'Tell', type, credentialId: other }]
    expect(await slotOf(setting, { bindings })).toMatchObject({ credential: other, reason: 'chosen' })
    const readiness = await setting.user.call(
      'GET',
      `/v1/workflows/${setting.workflowId}/readiness?instanceId=${instanceId}`,
    )
    expect(readiness.json.slots).toMatchObject([{ credential: { id: ofInstance }, reason: 'instance' }])
    await choose(`/v1/instances/${instanceId}`, [{ type, insteadOf: other, credentialId: ofInstance }])
    expect(await slotOf(setting)).toMatchObject({ reason: 'environment' })
    await choose(`/v1/instances/${instanceId}`, [{ type, insteadOf: credentialId, credentialId: ofInstance }])
    expect(await slotOf(setting)).toMatchObject({ credential: ofInstance, reason: 'instance' })
  })

  test('that were deleted leave the slot empty', async () => {
    const setting = await withEnvironment(orders)
    const chosen = await addCredential(setting, 'gone')
    await change(setting, `/v1/environments/${setting.environmentId}`, {
      credentials: [{ type, credentialId: chosen }],
    })
    expect((await setting.user.call('DELETE', `/v1/credentials/${chosen}`)).status).toBe(204)
    expect(await slotOf(setting)).toMatchObject({
      status: 'missing',
      codes: expect.arrayContaining(['credential-missing']),
    })
  })

  test('of another environment never fill a slot in production by name or as the only one', async () => {
    const setting = await withEnvironment(orders, 'production')
    const { user, credentialId, environmentId } = setting
    const staging = { name: 'staging', credentials: [{ type, credentialId }] }
    const { json } = await user.call('POST', '/v1/environments', { body: staging })
    expect(await slotOf(setting)).toMatchObject({
      status: 'ambiguous',
      credential: null,
      codes: expect.arrayContaining(['credential-of-other-environment']),
    })
    const denied = await user.call('POST', '/v1/deployments', {
      body: { workflowId: setting.workflowId, instanceId: setting.instanceId },
    })
    expect(denied.status).toBe(422)
    const bindings = [{ node: 'Tell', type, credentialId }]
    await setting.deploy({ bindings })
    const later = await slotOf(setting)
    expect(later).toMatchObject({ credential: credentialId, reason: 'earlier' })
    expect(later.codes).toContain('credential-of-other-environment')
    const own = await addCredential(setting, 'live')
    await change(setting, `/v1/environments/${environmentId}`, { credentials: [{ type, credentialId: own }] })
    expect(await slotOf(setting)).toMatchObject({ credential: own, reason: 'environment' })
    await change(setting, `/v1/environments/${json.id}`, { credentials: [] })
    const { codes } = await slotOf(setting)
    expect(codes).not.toContain('credential-of-other-environment')
  })

  test('of a choice that a deployment has already need no scope to use them', async () => {
    const setting = await withEnvironment(orders)
    const { user, credentialId } = setting
    const { id } = await setting.deploy()
    await change(setting, `/v1/environments/${setting.environmentId}`, {
      credentials: [{ type, credentialId }],
    })
    const body = { name: 'CI', kind: 'service', scopes: ['deploy'] }
    const { token } = (await user.call('POST', '/v1/tokens', { body })).json
    const call = () => world.call('POST', `/v1/deployments/${id}/deploy`, { token, body: {} })
    expect((await call()).status).toBe(200)
    const other = await addCredential(setting, 'other')
    const credentials = [{ type, credentialId: other }]
    await change(setting, `/v1/environments/${setting.environmentId}`, { credentials })
    expect((await call()).json).toMatchObject({
      code: 'insufficient-scope',
      requiredScope: 'credentials:use',
    })
  })
})
