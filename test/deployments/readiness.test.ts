/** Readiness and the plan for an instance agree on every slot in every situation. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeployWorld, type DeployWorld, type WorldUser } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

const header = 'httpHeaderAuth'
const oauth = 'slackOAuth2Api'
const secret = () => randomBytes(9).toString('hex')

const data: Record<string, () => object> = {
  [header]: () => ({ name: 'X-Key', value: secret() }),
  slackApi: () => ({ accessToken: secret() }),
  telegramApi: () => ({ accessToken: secret() }),
  [oauth]: () => ({ clientId: secret(), clientSecret: secret() }),
}

interface NodeSpec {
  type: string
  named?: string
  host?: string
}

const nodeOf = ({ type, named, host = 'crm.example.com' }: NodeSpec, index: number) => ({
  id: `n${index}`,
  name: `N${index}`,
  position: [220 * index, 0],
  ...(type === header
    ? {
        type: 'n8n-nodes-base.httpRequest',
        typeVersion: 4.2,
        parameters: {
          url: `https://${host}/v1`,
          authentication: 'genericCredentialType',
          genericAuthType: type,
          options: {},
        },
      }
    : type === 'telegramApi'
      ? { type: 'n8n-nodes-base.telegram', typeVersion: 1.2, parameters: { chatId: '1', text: 'x' } }
      : {
          type: 'n8n-nodes-base.slack',
          typeVersion: 2.2,
          parameters: {
            select: 'channel',
            channelId: '#a',
            text: 'x',
            ...(type === oauth && { authentication: 'oAuth2' }),
          },
        }),
  ...(named !== undefined && { credentials: { [type]: { id: 'elsewhere', name: named } } }),
})

const workflowOf = (...specs: NodeSpec[]) => {
  const nodes = specs.map(nodeOf)
  const start = {
    id: 's',
    name: 'Hourly',
    type: 'n8n-nodes-base.scheduleTrigger',
    typeVersion: 1.2,
    position: [0, 0],
    parameters: { rule: { interval: [{ field: 'hours' }] } },
  }
  const names = ['Hourly', ...nodes.map(({ name }) => name)]
  const connections = Object.fromEntries(
    names.slice(1).map((node, at) => [names[at], { main: [[{ node, type: 'main', index: 0 }]] }]),
  )
  return { name: 'W', nodes: [start, ...nodes], connections, settings: { executionOrder: 'v1' } }
}

const keep = async (user: WorldUser, type: string, name: string): Promise<string> => {
  const { status, body } = await user.api('POST', '/v1/credentials', { type, name, data: data[type]?.() })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return String(body.id)
}

const readinessOf = async (user: WorldUser, workflowId: string, instanceId?: string) => {
  const query = instanceId === undefined ? '' : `?instanceId=${instanceId}`
  return (await user.api('GET', `/v1/workflows/${workflowId}/readiness${query}`)).body
}
const planOf = async (user: WorldUser, workflowId: string, instanceId = user.instanceId) =>
  (await user.api('POST', '/v1/deployments/plan', { workflowId, instanceId })).body

interface Said {
  node: string
  type: string
  status: string
  reason: string | null
  consentUrl?: string
  credential: { id?: string } | null
}
const said = ({ slots }: { slots: Said[] }) =>
  slots.map(({ node, type, status, reason, consentUrl, credential }) => ({
    node,
    type,
    status,
    reason,
    consentUrl,
    credential: credential?.id,
  }))

/** Compares readiness, with and without the instance, with the plan. @returns the agreed result */
async function agreed(user: WorldUser, workflowId: string) {
  const plan = await planOf(user, workflowId)
  const one = await readinessOf(user, workflowId, user.instanceId)
  expect(said(one)).toEqual(said(plan))
  const all = await readinessOf(user, workflowId)
  expect(all.instanceId).toBe(user.instanceId)
  expect(said(all)).toEqual(said(plan))
  const isFilled = ({ status }: Said) => status === 'bound' || status === 'n8n'
  expect([one.ready, all.ready]).toEqual([plan.slots.every(isFilled), plan.slots.every(isFilled)])
  if (plan.ready) expect(one.ready).toBe(true)
  return said(plan).map(({ node, status, reason }) => [node, status, reason].filter(Boolean).join(' '))
}

const consentInN8n = (name: string) => {
  const found = [...world.stub.state.credentials.values()].filter((each) => each.name === name)
  for (const each of found) Object.assign(each.data, { oauthTokenData: { access_token: 'given in n8n' } })
  return found.length
}

/** Seeded, so that runs are reproducible. */
function generator(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

describe('readiness and plan agree', () => {
  test('in generated situations before and after a deploy, a new version and a deletion', async () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 12; seed += 1) {
      const next = generator(seed * 7919)
      const pick = <T>(values: readonly T[]): T => values[next(values.length)] as T
      const user = await world.user()
      const types = [header, 'slackApi', 'telegramApi', oauth]
      const made: { id: string; type: string; name: string }[] = []
      for (const type of types) {
        for (let count = next(3); count > 0; count -= 1) {
          const name = `${type} ${count} of ${seed}`
          made.push({ id: await keep(user, type, name), type, name })
        }
      }
      const specs = Array.from({ length: 1 + next(4) }, (): NodeSpec => {
        const type = pick(types)
        const name = pick([
          undefined,
          'Nobody has it',
          ...made.flatMap((each) => (each.type === type ? [each.name] : [])),
        ])
        return {
          type,
          ...(name !== undefined && { named: name }),
          host: pick(['crm.example.com', 'erp.example.com']),
        }
      })
      const workflowId = await user.workflow(workflowOf(...specs))
      for (const each of await agreed(user, workflowId)) seen.add(each.slice(each.indexOf(' ') + 1))
      const bindings = specs.flatMap(({ type }, index) => {
        const own = made.find((each) => each.type === type)
        return own ? [{ node: `N${index}`, type, credentialId: own.id }] : []
      })
      await user.deploy(workflowId, { bindings })
      if (next(2) === 0) for (const { type, name } of made) if (type === oauth) consentInN8n(name)
      await agreed(user, workflowId)
      await user.deploy(workflowId, { bindings })
      for (const each of await agreed(user, workflowId)) seen.add(each.slice(each.indexOf(' ') + 1))
      await user.change(
        workflowId,
        workflowOf(...specs.map((spec) => ({ ...spec, host: 'crm.example.com' }))),
      )
      for (const each of await agreed(user, workflowId)) seen.add(each.slice(each.indexOf(' ') + 1))
      const [gone] = made
      if (gone) await user.api('DELETE', `/v1/credentials/${gone.id}?force=true`)
      for (const each of await agreed(user, workflowId)) seen.add(each.slice(each.indexOf(' ') + 1))
    }
    expect([...seen].toSorted()).toEqual(
      expect.arrayContaining(['ambiguous', 'missing', 'bound earlier', 'bound name', 'bound only']),
    )
  })

  test('on a sign-in in n8n and its loss', async () => {
    const user = await world.user()
    await keep(user, oauth, `Sign-in ${user.id}`)
    const workflowId = await user.workflow(workflowOf({ type: oauth }))
    expect(await agreed(user, workflowId)).toEqual(['N0 needs-consent only'])
    expect((await user.deploy(workflowId)).status).toBe(422)
    expect(await agreed(user, workflowId)).toEqual(['N0 needs-consent only'])
    expect((await readinessOf(user, workflowId)).slots[0].consentUrl).toMatch(
      /^https:\/\/n8n\.example\.com\//,
    )
    expect(consentInN8n(`Sign-in ${user.id}`)).toBe(1)
    expect(await agreed(user, workflowId)).toEqual(['N0 bound only'])
    expect((await user.deploy(workflowId)).body.status).toBe('active')
    expect(await agreed(user, workflowId)).toEqual(['N0 bound earlier'])
    for (const [id, { name }] of world.stub.state.credentials) {
      if (name === `Sign-in ${user.id}`) world.stub.state.credentials.delete(id)
    }
    expect(await agreed(user, workflowId)).toEqual(['N0 needs-consent earlier'])
  })

  test('on an n8n credential until it is deleted in n8n', async () => {
    const user = await world.user()
    const theirs = {
      id: `t${secret().slice(0, 12)}`,
      name: 'Theirs',
      type: header,
      data: {},
      createdAt: '',
      updatedAt: '',
    }
    world.stub.state.credentials.set(theirs.id, theirs)
    const workflowId = await user.workflow(workflowOf({ type: header }))
    const { body } = await user.deploy(workflowId, { bindings: { [header]: { n8nCredentialId: theirs.id } } })
    expect(body.status).toBe('active')
    expect(await agreed(user, workflowId)).toEqual(['N0 n8n earlier'])
    const readiness = await readinessOf(user, workflowId)
    expect(readiness.slots[0].credential).toEqual({ n8nCredentialId: theirs.id, name: 'Theirs' })
    expect(readiness.ready).toBe(true)
    world.stub.state.credentials.delete(theirs.id)
    expect(await agreed(user, workflowId)).toEqual(['N0 missing earlier'])
  })

  test('on a workflow that existed in n8n first, whose live credentials count', async () => {
    const user = await world.user()
    const own = await keep(user, header, 'CRM key')
    const workflowId = await user.workflow(workflowOf({ type: header }))
    const first = (await user.deploy(workflowId, { bindings: { [header]: own } })).body
    const remote = world.stub.state.workflows.get(first.n8nWorkflowId)
    const copy = await user.workflow(workflowOf({ type: header }))
    await user.act(first.id, 'undeploy')
    if (remote) world.stub.state.workflows.set(remote.id, remote)
    const tracked = await user.deploy(copy, { n8nWorkflowId: first.n8nWorkflowId })
    expect(tracked.body.status).toBe('tracking')
    await agreed(user, copy)
  })
})

test('returns a result per instance, even if one is unreachable', async () => {
  const user = await world.user()
  await keep(user, oauth, `Two ${user.id}`)
  const second = await user.api('POST', '/v1/instances', {
    name: 'other',
    baseUrl: `${world.stub.baseUrl}/second`,
    apiKey: world.stub.apiKey,
  })
  expect(second.status).toBe(201)
  const workflowId = await user.workflow(workflowOf({ type: oauth }))
  await user.deploy(workflowId)
  consentInN8n(`Two ${user.id}`)
  const { instanceId, ready, instances } = await readinessOf(user, workflowId)
  expect([instanceId, ready]).toEqual([user.instanceId, true])
  expect(instances.find(({ id }: { id: string }) => id === user.instanceId)).toMatchObject({
    name: 'n8n',
    ready: true,
    error: null,
    deploymentId: null,
    slots: [{ node: 'N0', type: oauth, status: 'bound' }],
  })
  expect(instances.find(({ id }: { id: string }) => id === second.body.id)).not.toMatchObject({ ready: true })
})

test('rejects another user’s instance', async () => {
  const [user, other] = [await world.user(), await world.user()]
  const workflowId = await user.workflow(workflowOf({ type: 'slackApi' }))
  const path = (id: string) => `/v1/workflows/${workflowId}/readiness?instanceId=${id}`
  expect((await user.api('GET', path(user.instanceId))).status).toBe(200)
  expect((await user.api('GET', path(other.instanceId))).body).toMatchObject({
    status: 422,
    errors: [{ pointer: 'instanceId' }],
  })
  expect((await other.api('GET', path(other.instanceId))).status).toBe(404)
  expect((await user.api('GET', path('nonsense'))).status).toBe(422)
})
