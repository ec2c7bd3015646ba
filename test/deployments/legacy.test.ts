/** n8n 1.x and 2.0: server-generated credential IDs, no reading or updating of credentials, activation without publishing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkInvariants, createDeployWorld, type DeployWorld, orders } from './deploy-world.ts'

describe.each(['1.x', '2.0'] as const)('on n8n %s', (generation) => {
  let world: DeployWorld
  beforeAll(async () => {
    world = await createDeployWorld({ generation })
  })
  afterAll(() => world.close())

  const slackCredentials = () =>
    [...world.stub.state.credentials.values()].filter(({ type }) => type === 'slackApi')

  test('a workflow is deployed, rolled back and undeployed', async () => {
    const user = await world.user()
    await user.credential()
    const content = orders()
    const workflowId = await user.workflow(content)
    const { body } = await user.deploy(workflowId)
    expect(body).toMatchObject({ status: 'active', error: null })
    const remote = world.stub.state.workflows.get(body.n8nWorkflowId)
    const slack = remote?.nodes.find(({ name }) => name === 'Slack')
    expect(slack?.['credentials']).toMatchObject({ slackApi: { id: slackCredentials()[0]?.id } })
    await user.change(workflowId, { ...content, name: 'Renamed' })
    expect((await user.act(body.id, 'deploy', {})).body).toMatchObject({ status: 'active', version: 2 })
    expect((await user.act(body.id, 'rollback', { version: 1 })).body).toMatchObject({ version: 1 })
    expect(slackCredentials()).toHaveLength(1)
    expect((await user.act(body.id, 'undeploy')).body.status).toBe('undeployed')
    expect([world.stub.state.workflows.size, world.stub.state.credentials.size]).toEqual([0, 0])
    await checkInvariants(world)
  })

  test('a failure after the update records that n8n runs the new version', async () => {
    const user = await world.user()
    await user.credential()
    const content = orders()
    const workflowId = await user.workflow(content)
    const { body } = await user.deploy(workflowId)
    await user.change(workflowId, { ...content, name: 'Renamed' })
    world.stub.failNext({ step: 'publish', mode: '4xx' })
    const failed = await user.act(body.id, 'deploy', {})
    expect(failed.body).toMatchObject({ status: 'failed', step: 'publish', version: 2 })
    expect(world.stub.state.workflows.get(body.n8nWorkflowId)).toMatchObject({ name: 'Renamed' })
    const history = await user.api('GET', `/v1/deployments/${body.id}/versions`)
    expect(history.body.items.map(({ version }: { version: number }) => version)).toEqual([2, 1])
    await user.act(body.id, 'undeploy')
  })

  test('a changed credential replaces the earlier one', async () => {
    const user = await world.user()
    const credentialId = await user.credential()
    const { body } = await user.deploy(await user.workflow())
    const [before] = slackCredentials()
    const data = { accessToken: 'xoxb-changed-123456' }
    await user.api('PATCH', `/v1/credentials/${credentialId}`, { data }, { 'If-Match': '*' })
    expect((await user.act(body.id, 'deploy', {})).body.status).toBe('active')
    const [after, ...more] = slackCredentials()
    expect(more).toEqual([])
    expect(after?.data).toEqual(data)
    expect(after?.id).not.toBe(before?.id)
    await user.act(body.id, 'undeploy')
  })

  test.each(['reset-after-apply', '4xx'] as const)(
    '%s while creating the workflow leaves one copy',
    async (mode) => {
      const user = await world.user()
      await user.credential()
      await user.warm()
      world.fail(({ method, path }) => method === 'POST' && path.endsWith('/workflows'), mode)
      const { body } = await user.deploy(await user.workflow())
      if (body.status !== 'active') expect((await user.act(body.id, 'retry')).body.status).toBe('active')
      expect([...world.stub.state.workflows.values()].filter(({ name }) => name === 'Orders')).toHaveLength(1)
      await user.act(body.id, 'undeploy')
    },
  )
})
