/** After any fault of n8n at any step, and any crash of the process, a retry ends with exactly one workflow. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { StubMode } from '../harness/n8n-stub-faults.ts'
import { checkInvariants, createDeployWorld, type N8nCall, type DeployWorld, orders } from './deploy-world.ts'

let world: DeployWorld
beforeAll(async () => {
  world = await createDeployWorld()
})
afterAll(() => world.close())
afterEach(() => checkInvariants(world))

const modes: StubMode[] = [
  'refuse',
  'reset',
  'reset-after-apply',
  'timeout-after-apply',
  'http500-after-apply',
  'html200-after-apply',
  '4xx',
]
const furtherModes: StubMode[] = ['wrong-shape200', '429', '404', '409']
/** Failures for which waiting is useless. After all others, the scheduled job retries. */
const refusals: ReadonlySet<StubMode> = new Set(['4xx', '404', '409'])
const undoneModes: StubMode[] = ['reset-after-apply', 'timeout-after-apply', '4xx']

const isReporter = ({ body }: N8nCall) => String(body?.name).startsWith('Flowkeep: ')
const workflowPath = /^\/api\/v1\/workflows\/[^/?]+/
const steps: Record<string, { matches: (name: string) => (call: N8nCall) => boolean; isWarm: boolean }> = {
  'credential-create': {
    matches: () => (call) =>
      call.method === 'POST' && call.path.endsWith('/credentials') && !isReporter(call),
    isWarm: true,
  },
  reporter: {
    matches: () => (call) => call.method === 'POST' && call.path.endsWith('/workflows') && isReporter(call),
    isWarm: false,
  },
  'workflow-create': {
    matches: () => (call) => call.method === 'POST' && call.path.endsWith('/workflows') && !isReporter(call),
    isWarm: true,
  },
  'workflow-update': {
    matches: (name) => (call) => call.method === 'PUT' && call.body.name === name,
    isWarm: true,
  },
  publish: {
    matches: () => (call) => call.method === 'POST' && call.path.endsWith('/publish'),
    isWarm: true,
  },
  verify: {
    matches: (name) => (call) => call.method === 'GET' && remoteName(call.path) === name,
    isWarm: true,
  },
}

function remoteName(path: string): string | undefined {
  const id = workflowPath.exec(path)?.[0].split('/').at(-1)
  return world.stub.state.workflows.get(id ?? '')?.name
}

async function setting(step: string) {
  const user = await world.user()
  const name = `Orders ${randomBytes(4).toString('hex')}`
  const accessToken = `xoxb-${randomBytes(12).toString('hex')}`
  await user.credential('slackApi', { accessToken })
  const path = randomBytes(6).toString('hex')
  const workflowId = await user.workflow(orders({ name, path }))
  const { matches, isWarm } = steps[step]!
  if (isWarm) await user.warm()
  const remote = () => {
    const workflows = [...world.stub.state.workflows.values()]
    const reporters = workflows.filter(({ nodes }) =>
      nodes.some(({ id }) => id === `flowkeep-reporter-${user.instanceId}`),
    )
    return {
      workflows: workflows.filter((each) => each.name === name),
      unnamed: workflows.filter(
        (each) => each.name.startsWith('flowkeep-') && each.nodes.some(({ webhookId }) => webhookId === path),
      ),
      credentials: [...world.stub.state.credentials.values()].filter(
        ({ data }) => data['accessToken'] === accessToken,
      ),
      reporters,
    }
  }
  const expectOneOfEach = () => {
    const { workflows, unnamed, credentials, reporters } = remote()
    expect([workflows.length, unnamed.length, credentials.length, reporters.length]).toEqual([1, 0, 1, 1])
    expect(workflows[0]?.isLive).toBe(true)
    const slack = workflows[0]?.nodes.find((node) => node['name'] === 'Slack')
    expect(slack?.['credentials']).toMatchObject({ slackApi: { id: credentials[0]?.id } })
    expect(workflows[0]?.settings['errorWorkflow']).toBe(reporters[0]?.id)
    expect(reporters[0]?.isLive).toBe(true)
  }
  return { user, workflowId, fault: matches(name), remote, expectOneOfEach }
}

const cases = (of: StubMode[]) =>
  Object.keys(steps).flatMap((step) => of.map((mode) => [mode, step] as const))

describe('a fault followed by an immediate retry leaves exactly one workflow', () => {
  test.each(cases([...modes, ...furtherModes]))('%s at %s', async (mode, step) => {
    const { user, workflowId, fault, expectOneOfEach } = await setting(step)
    world.fail(fault, mode)
    const { status, body } = await user.deploy(workflowId)
    expect(status).toBe(201)
    expect(world.pendingFaults()).toBe(0)
    await checkInvariants(world)
    if (body.status !== 'active') {
      const status = refusals.has(mode) ? 'failed' : 'deploying'
      expect(body).toMatchObject({ status, step: expect.any(String), error: expect.any(String) })
      expect(body.error).not.toMatch(/<|undefined|xoxb/)
      const retried = await user.api('POST', `/v1/deployments/${body.id}/retry`)
      expect(retried.body).toMatchObject({ status: 'active', step: null, error: null })
    }
    expectOneOfEach()
  })
})

describe('a crash during a request is resumed by the next process and leaves exactly one workflow', () => {
  test.each(cases(modes))('%s at %s', async (mode, step) => {
    const { user, workflowId, fault, expectOneOfEach } = await setting(step)
    world.fail(fault, mode, { kill: true })
    const headers = { 'Idempotency-Key': workflowId }
    const body = { workflowId, instanceId: user.instanceId }
    void user.api('POST', '/v1/deployments', body, headers)
    await world.restart()
    await checkInvariants(world)
    await world.deps.deployer.resumeDeployments(10)
    const { body: known } = await user.api('POST', '/v1/deployments', body, headers)
    expect(known).toMatchObject({ status: 'active', step: null, error: null })
    expectOneOfEach()
  })
})

describe('a creation that n8n completes after another was made in its place', () => {
  /** Executes the request again when `when` is called, and discards the response. */
  async function deployedWith(when: string) {
    const { user, workflowId, remote } = await setting('workflow-create')
    const creation: { late?: N8nCall } = {}
    const isLate = (call: N8nCall) => {
      if (call.method === 'POST' && call.path.endsWith('/workflows')) creation.late = call
      return call.method === 'POST' && call.path.endsWith(when)
    }
    const late = async () => {
      if (!creation.late) throw new Error('Nothing was created')
      const answer = await world.stub.fetch(`${world.stub.baseUrl}${creation.late.path}`, {
        method: 'POST',
        headers: { 'X-N8N-API-KEY': world.stub.apiKey, 'Content-Type': 'application/json' },
        body: JSON.stringify(creation.late.body),
      })
      expect(answer.status).toBe(200)
    }
    const done: Promise<void>[] = []
    world.fail((call) => {
      const isNow = isLate(call)
      if (isNow) done.push(late())
      return isNow
    }, 'none')
    const { body } = await user.deploy(workflowId)
    return { user, remote, late, done, body }
  }

  test('leaves no duplicate if it completes before the deployment', async () => {
    const { remote, done, body } = await deployedWith('/publish')
    await Promise.all(done)
    expect([done.length, body.status]).toEqual([1, 'active'])
    expect([remote().workflows.length, remote().unnamed.length]).toEqual([1, 0])
  })

  test('is removed by undeploying if it completes even later', async () => {
    const { user, remote, late, body } = await deployedWith('/publish')
    await late()
    expect(remote().unnamed).toHaveLength(1)
    expect((await user.act(body.id, 'undeploy')).body.status).toBe('undeployed')
    expect([remote().workflows.length, remote().unnamed.length]).toEqual([0, 0])
  })
})

describe('undeploying a failed deployment restores n8n', () => {
  test.each(cases(undoneModes))('%s at %s', async (mode, step) => {
    const { user, workflowId, fault, remote } = await setting(step)
    world.fail(fault, mode)
    const { body } = await user.deploy(workflowId)
    const undone = await user.api('POST', `/v1/deployments/${body.id}/undeploy`)
    expect(undone.body).toMatchObject({ status: 'undeployed', error: null, n8nWorkflowId: null })
    const left = Object.entries(remote()).map(([kind, found]) => [kind, found.length])
    expect(Object.fromEntries(left)).toEqual({ workflows: 0, unnamed: 0, credentials: 0, reporters: 0 })
    expect((await user.api('DELETE', `/v1/deployments/${body.id}`)).status).toBe(204)
  })
})
