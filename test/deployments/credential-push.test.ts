import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canary, leaks } from '../credentials/canaries.ts'
import { createDeployWorld, type DeployWorld, orders, type WorldUser } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())

const inN8n = (type: string) =>
  [...world.stub.state.credentials.values()].filter((each) => each.type === type)
const patch = (user: WorldUser, id: string, body: object) =>
  user.api('PATCH', `/v1/credentials/${id}`, body, { 'If-Match': '*' })

async function deployed() {
  const user = await world.user()
  const first = canary()
  const credentialId = await user.credential('slackApi', { accessToken: first })
  const path = `p-${credentialId}`
  const workflowId = await user.workflow(orders({ path }))
  const { body } = await user.deploy(workflowId)
  expect(body).toMatchObject({ status: 'active', error: null })
  const remote = () => inN8n('slackApi').find(({ data }) => secrets.includes(String(data['accessToken'])))
  const secrets = [first]
  return { user, credentialId, workflowId, deployment: body, remote, secrets }
}

describe('a changed credential', () => {
  test('lists the deployments that run with the earlier value until it is pushed', async () => {
    const { user, credentialId, workflowId, deployment, remote, secrets } = await deployed()
    const second = canary()
    secrets.push(second)
    const changed = await patch(user, credentialId, { data: { accessToken: second } })
    expect(changed.status).toBe(200)
    expect(changed.body.pendingDeployments).toEqual([
      {
        deploymentId: deployment.id,
        workflowId,
        workflowName: 'Orders',
        instanceId: user.instanceId,
        instanceName: 'n8n',
        status: 'active',
        n8nCredentialId: remote()?.id,
        sentAt: expect.any(String),
      },
    ])
    expect(remote()?.data).toEqual({ accessToken: secrets[0] })
    const pushed = await user.api('POST', `/v1/credentials/${credentialId}/push`, {})
    expect(pushed).toMatchObject({
      status: 200,
      body: {
        results: [
          {
            instanceId: user.instanceId,
            n8nCredentialId: remote()?.id,
            status: 'updated',
            code: null,
            reason: null,
          },
        ],
        pendingDeployments: [],
      },
    })
    expect(remote()?.data).toEqual({ accessToken: second })
    const again = await user.api('POST', `/v1/credentials/${credentialId}/push`, {})
    expect(again.body.results).toMatchObject([{ status: 'unchanged' }])
    const all = world.answers.join() + world.logs.join()
    for (const secret of secrets) expect(all).not.toContain(secret)
  })

  test('is pending for deployments that are in n8n only', async () => {
    const { user, credentialId, deployment } = await deployed()
    const second = await user.deploy(
      await user.workflow(orders({ path: `q-${credentialId}`, name: 'Second' })),
    )
    expect((await user.act(deployment.id, 'undeploy')).body.status).toBe('undeployed')
    const changed = await patch(user, credentialId, { data: { accessToken: canary() } })
    expect(
      changed.body.pendingDeployments.map(({ deploymentId }: { deploymentId: string }) => deploymentId),
    ).toEqual([second.body.id])
  })

  test('recreates a credential that was deleted in n8n, with the same ID', async () => {
    const { user, credentialId, remote } = await deployed()
    const before = remote()
    world.stub.state.credentials.delete(String(before?.id))
    const pushed = await user.api('POST', `/v1/credentials/${credentialId}/push`, {})
    expect(pushed.body.results).toMatchObject([{ status: 'created', n8nCredentialId: before?.id }])
    expect(remote()?.data).toEqual(before?.data)
  })

  test('returns the reason of the failure per instance, and can be pushed again', async () => {
    const { user, credentialId, secrets, remote } = await deployed()
    secrets.push(canary())
    await patch(user, credentialId, { data: { accessToken: secrets[1] } })
    world.fail(({ method, path }) => method === 'PATCH' && path.includes('/credentials/'), 'http503')
    const failed = await user.api('POST', `/v1/credentials/${credentialId}/push`, {})
    expect(failed.status).toBe(200)
    expect(failed.body.results).toMatchObject([{ status: 'failed', reason: expect.any(String) }])
    expect(failed.body.pendingDeployments).toHaveLength(1)
    const again = await user.api('POST', `/v1/credentials/${credentialId}/push`, {
      instanceId: user.instanceId,
    })
    expect(again.body).toMatchObject({ results: [{ status: 'updated' }], pendingDeployments: [] })
    expect(remote()?.data).toEqual({ accessToken: secrets[1] })
  })

  test('creates the credential on a requested instance that does not have it', async () => {
    const user = await world.user()
    const token = canary()
    const credentialId = await user.credential('githubApi', { accessToken: token })
    const nowhere = await user.api('POST', `/v1/credentials/${credentialId}/push`, {})
    expect(nowhere.body).toEqual({ results: [], pendingDeployments: [] })
    const there = await user.api('POST', `/v1/credentials/${credentialId}/push`, {
      instanceId: user.instanceId,
    })
    expect(there.body.results).toMatchObject([{ status: 'created' }])
    expect(inN8n('githubApi').map(({ data }) => data['accessToken'])).toContain(token)
  })

  test.each([
    ['tokens', { authUrl: 'https://id.example.com/auth', oauthTokenData: { access_token: 'c' } }],
    ['the client credentials grant', { grantType: 'clientCredentials' }],
  ])('needs no sign-in in n8n with %s', async (_, data) => {
    const user = await world.user()
    const accessTokenUrl = 'https://id.example.com/token'
    const id = await user.credential('oAuth2Api', {
      clientId: 'a',
      clientSecret: 'b',
      accessTokenUrl,
      ...data,
    })
    const pushed = await user.api('POST', `/v1/credentials/${id}/push`, { instanceId: user.instanceId })
    expect(pushed.body.results).toMatchObject([{ status: 'created', consentUrl: null }])
  })

  test('keeps the consent given in n8n, and removes fields that were removed in Flowkeep', async () => {
    const user = await world.user()
    const clientId = canary()
    const id = await user.credential('slackOAuth2Api', {
      clientId,
      clientSecret: canary(),
      signatureSecret: canary(),
    })
    const first = await user.api('POST', `/v1/credentials/${id}/push`, { instanceId: user.instanceId })
    const remote = inN8n('slackOAuth2Api').find(({ data }) => data['clientId'] === clientId)
    expect(first.body.results).toMatchObject([
      { status: 'created', consentUrl: `https://n8n.example.com/home/credentials/${remote?.id}` },
    ])
    Object.assign(remote?.data ?? {}, { oauthTokenData: { access_token: 'given in n8n' } })
    const clientSecret = canary()
    await patch(user, id, { data: { clientSecret, signatureSecret: null } })
    const pushed = await user.api('POST', `/v1/credentials/${id}/push`, {})
    expect(pushed.body.results).toMatchObject([{ status: 'updated' }])
    expect(remote?.data).toBeDefined()
    expect(inN8n('slackOAuth2Api').find((each) => each.id === remote?.id)?.data).toMatchObject({
      clientId,
      clientSecret,
      signatureSecret: '',
      oauthTokenData: { access_token: 'given in n8n' },
    })
  })

  test('reports a type that this n8n lacks, and how to fix it', async () => {
    const user = await world.user()
    const id = await user.credential('acmeCrmApi', { token: canary() })
    const { body } = await user.api('POST', `/v1/credentials/${id}/push`, { instanceId: user.instanceId })
    expect(body.results).toMatchObject([{ status: 'failed', code: 'instance-rejected' }])
    expect(body.results[0].reason).toMatch(/credential type acmeCrmApi.*"acmeCrmApi .*community node/)
  })

  test("rejects another user's credential", async () => {
    const { credentialId } = await deployed()
    const other = await world.user()
    const own = await other.credential()
    expect(await other.api('POST', `/v1/credentials/${credentialId}/push`, {})).toMatchObject({ status: 404 })
    expect(await other.api('POST', `/v1/credentials/${credentialId}/replace`, { with: own })).toMatchObject({
      status: 404,
    })
    expect(await other.api('POST', `/v1/credentials/${own}/replace`, { with: credentialId })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/with' }] },
    })
    const { instanceId } = await world.user()
    expect(await other.api('POST', `/v1/credentials/${own}/push`, { instanceId })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/instanceId' }] },
    })
  })
})

describe('a legacy n8n', () => {
  test('reports that it cannot update a credential, and gets the value with the next deploy', async () => {
    const legacy = await createDeployWorld({ generation: '1.x' })
    const user = await legacy.user()
    const other = await user.credential('slackApi', { accessToken: canary() })
    const created = await user.api('POST', `/v1/credentials/${other}/push`, { instanceId: user.instanceId })
    expect(created.body.results).toMatchObject([{ status: 'created', code: null }])
    await user.api('DELETE', `/v1/credentials/${other}`, undefined, { 'If-Match': '*' })
    const id = await user.credential('slackApi', { accessToken: canary() })
    const { body } = await user.deploy(await user.workflow(orders({ path: 'legacy' })))
    expect(body).toMatchObject({ status: 'active' })
    await user.api('PATCH', `/v1/credentials/${id}`, { data: { accessToken: canary() } }, { 'If-Match': '*' })
    const pushed = await user.api('POST', `/v1/credentials/${id}/push`, {})
    expect(pushed.body.results).toMatchObject([
      { status: 'failed', code: 'instance-rejected', reason: expect.stringContaining('Redeploy') },
    ])
    expect(pushed.body.pendingDeployments).toHaveLength(1)
    expect(await user.act(body.id, 'deploy', {})).toMatchObject({ body: { status: 'active' } })
    const again = await user.api('POST', `/v1/credentials/${id}/push`, {})
    expect(again.body).toMatchObject({ results: [{ status: 'unchanged' }], pendingDeployments: [] })
    await legacy.close()
  })
})

describe('replacing a credential', () => {
  test('lists the changes, makes them, and then has nothing left to do', async () => {
    const { user, credentialId, workflowId, deployment } = await deployed()
    const fresh = canary()
    const other = await user.credential('slackApi', { accessToken: fresh })
    const replace = (body: object) => user.api('POST', `/v1/credentials/${credentialId}/replace`, body)
    const place = {
      deploymentId: deployment.id,
      workflowId,
      workflowName: 'Orders',
      instanceId: user.instanceId,
      instanceName: 'n8n',
      slots: [{ node: 'Slack', type: 'slackApi' }],
    }
    const preview = await replace({ with: other, dryRun: true })
    expect(preview.body).toEqual({
      dryRun: true,
      deployments: [{ ...place, status: 'planned', reason: null }],
    })
    const bindingsOf = async () => (await user.api('GET', `/v1/deployments/${deployment.id}`)).body.bindings
    expect(await bindingsOf()).toMatchObject([{ credentialId }])
    const done = await replace({ with: other })
    expect(done.body).toEqual({
      dryRun: false,
      deployments: [{ ...place, status: 'replaced', reason: null }],
    })
    expect(await bindingsOf()).toMatchObject([{ node: 'Slack', type: 'slackApi', credentialId: other }])
    const remote = world.stub.state.workflows.get(String(deployment.n8nWorkflowId))
    const used = remote?.nodes.find(({ name }) => name === 'Slack')?.['credentials'] as {
      slackApi: { id: string }
    }
    expect(world.stub.state.credentials.get(used.slackApi.id)?.data).toEqual({ accessToken: fresh })
    expect((await replace({ with: other })).body.deployments).toEqual([])
  })

  test('continues after a failure, which can be retried like any other', async () => {
    const { user, credentialId } = await deployed()
    const second = await user.deploy(await user.workflow(orders({ path: `second-${credentialId}` })))
    expect(second.body.status).toBe('active')
    const other = await user.credential('slackApi', { accessToken: canary() })
    const replace = () => user.api('POST', `/v1/credentials/${credentialId}/replace`, { with: other })
    world.fail(({ method, path }) => method === 'PUT' && path.includes('/workflows/'), 'redirect')
    const first = await replace()
    expect(first.body.deployments.map(({ status }: { status: string }) => status).toSorted()).toEqual([
      'failed',
      'replaced',
    ])
    const failed = first.body.deployments.find(({ status }: { status: string }) => status === 'failed')
    expect(failed.reason).toEqual(expect.any(String))
    expect(await user.act(failed.deploymentId, 'retry')).toMatchObject({
      body: { status: 'active', bindings: [{ credentialId: other }] },
    })
    expect((await replace()).body.deployments).toEqual([])
  })

  test.each([
    ['a credential of another type', 'githubApi'],
    ['itself', null],
  ])('rejects %s', async (_, type) => {
    const user = await world.user()
    const id = await user.credential()
    const other = type === null ? id : await user.credential(type, { accessToken: canary() })
    expect(await user.api('POST', `/v1/credentials/${id}/replace`, { with: other })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/with' }] },
    })
  })
})

describe('the audit trail', () => {
  const events = async (user: WorldUser, action: string) =>
    (await user.api('GET', `/v1/audit-events?action=${action}`)).body.items

  test('records the pushed credential, its instances and deployments, and the number of failures', async () => {
    const { user, credentialId, deployment } = await deployed()
    await user.api('POST', `/v1/credentials/${credentialId}/push`, {})
    await patch(user, credentialId, { data: { accessToken: canary() } })
    world.fail(({ method, path }) => method === 'PATCH' && path.includes('/credentials/'), 'http503')
    await user.api('POST', `/v1/credentials/${credentialId}/push`, {})
    const details = { instances: [user.instanceId], deployments: [deployment.id] }
    expect(await events(user, 'credential.pushed')).toMatchObject([
      { subjectId: credentialId, details: { ...details, failed: 1 } },
      { subjectId: credentialId, details: { ...details, failed: 0 } },
    ])
  })

  test('records what was replaced by what and where, but no dry run', async () => {
    const { user, credentialId, deployment } = await deployed()
    const other = await user.credential('slackApi', { accessToken: canary() })
    const path = `/v1/credentials/${credentialId}/replace`
    await user.api('POST', path, { with: other, dryRun: true })
    expect(await events(user, 'credential.replaced')).toEqual([])
    await user.api('POST', path, { with: other })
    const [event, ...more] = await events(user, 'credential.replaced')
    expect([event.subjectId, event.details, more]).toEqual([
      credentialId,
      { with: other, deployments: [deployment.id], failed: 0 },
      [],
    ])
  })
})

test('never returns a credential value from n8n in a response, a log line or a row', async () => {
  const { user, credentialId, secrets } = await deployed()
  const [next, planted] = [canary(), canary()]
  secrets.push(next, canary())
  await patch(user, credentialId, { data: { accessToken: next } })
  const other = await user.credential('slackApi', { accessToken: String(secrets[2]) })
  const { fetch: real } = world.stub
  try {
    for (const status of [400, 409, 422, 500]) {
      world.stub.fetch = async (input, init) => {
        const request = new Request(input, init)
        if (request.method === 'GET' || !request.url.includes('/credentials')) return real(input, init)
        // Simulates an n8n that repeats the request in its response.
        const sent = await request.text()
        const token = String(
          (JSON.parse(sent || '{}') as { data?: { accessToken?: string } }).data?.accessToken,
        )
        const message = `not valid: ${token} / ${encodeURIComponent(token)} / ${sent}`
        return Response.json({ message, name: planted, data: token }, { status })
      }
      for (const [path, body] of [
        ['push', {}],
        ['push', { instanceId: user.instanceId }],
        ['replace', { with: other }],
      ] as const) {
        const answer = await user.api('POST', `/v1/credentials/${credentialId}/${path}`, body)
        expect(answer.status).toBe(200)
      }
      const refused = [{ data: { accessToken: { next } } }, { data: { accessToken: null } }, { data: [next] }]
      for (const body of refused) expect((await patch(user, credentialId, body)).status).toBe(422)
    }
  } finally {
    world.stub.fetch = real
  }
  const written = [await world.database.dump(), ...world.answers, ...world.logs].join('\n')
  expect(leaks(written, [...secrets, planted])).toEqual([])
})

describe('concurrent changes during a replacement', () => {
  test('keeps a version that went live meanwhile, and a workflow that was unpublished', async () => {
    const { user, credentialId, workflowId, deployment } = await deployed()
    const later = await user.deploy(await user.workflow(orders({ path: `later-${credentialId}` })))
    const other = await user.credential('slackApi', { accessToken: canary() })
    await user.change(workflowId, orders({ path: `p-${credentialId}`, text: 'v2' }))
    const { fetch: real } = world.stub
    let isFirst = true
    world.stub.fetch = async (input, init) => {
      const request = new Request(input, init)
      if (isFirst && request.method === 'PUT' && request.url.includes('/workflows/')) {
        isFirst = false
        expect((await user.act(deployment.id, 'deploy', { version: 2, publish: false })).body.status).toBe(
          'inactive',
        )
      }
      return real(input, init)
    }
    try {
      const { body } = await user.api('POST', `/v1/credentials/${credentialId}/replace`, { with: other })
      expect(body.deployments.map(({ deploymentId }: { deploymentId: string }) => deploymentId)).toEqual([
        later.body.id,
        deployment.id,
      ])
    } finally {
      world.stub.fetch = real
    }
    expect((await user.api('GET', `/v1/deployments/${deployment.id}`)).body).toMatchObject({
      version: 2,
      status: 'inactive',
      bindings: [{ credentialId: other }],
    })
  })
})
