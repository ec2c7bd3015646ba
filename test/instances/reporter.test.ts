import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { readPayload } from '../../src/executions/reports/payload.ts'
import { isReporterOf, reporterName, reporterWorkflow } from '../../src/instances/reporter-workflow.ts'
import { N8nError } from '../../src/n8n/api/transport.ts'
import type { StubMode, StubStep } from '../harness/n8n-stub-faults.ts'
import { type Connected, createConnected } from './connected.ts'

let connected: Connected
beforeAll(async () => {
  connected = await createConnected()
})
afterAll(() => connected.close())

const leaseMs = 60_000
const writes = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

describe('the error reporter', () => {
  test('is one published workflow with its own token, of which only the hash is stored', async () => {
    const { stub, user, path, expectOneReporter } = await connected.world()
    const made = await user.call('POST', `${path}/reporter`)
    expect(made.status).toBe(200)
    await expectOneReporter()
    const [workflow] = stub.state.workflows.values()
    const [credential] = stub.state.credentials.values()
    expect(made.json).toEqual({ n8nWorkflowId: workflow?.id, n8nCredentialId: credential?.id })
    expect(workflow?.nodes[1]).toMatchObject({
      retryOnFail: true,
      maxTries: 5,
      onError: 'continueRegularOutput',
    })
    expect(credential?.data).toMatchObject({
      name: 'Authorization',
      allowedHttpRequestDomains: 'domains',
      allowedDomains: 'flowkeep.example.com',
    })
    const token = String(credential?.data['value']).replace('Bearer ', '')
    expect(token).toMatch(/^whk_[\w-]{43}$/)
    expect(JSON.stringify(workflow)).not.toContain('whk_')
    for (const text of [
      await connected.app.database.dump(),
      ...connected.app.answers,
      ...connected.app.logs,
    ]) {
      expect(text).not.toContain(token)
    }
    expect((await user.call('GET', path)).json.reporter).toEqual({ n8nWorkflowId: workflow?.id })
  })

  test('stays unchanged when it is set up again', async () => {
    const { stub, user, path, connect, expectOneReporter } = await connected.world()
    const { json: first } = await user.call('POST', `${path}/reporter`)
    const callsBefore = stub.calls().length
    expect(await (await connect()).ensure()).toEqual(first)
    expect(
      stub
        .calls()
        .slice(callsBefore)
        .filter(({ method }) => writes.has(method)),
    ).toEqual([])
    await expectOneReporter()
  })

  test('is created once by concurrent requests', async () => {
    const { connect, expectOneReporter } = await connected.world()
    const callers = await Promise.all(Array.from({ length: 6 }, () => connect()))
    const settled = await Promise.allSettled(callers.map(({ ensure }) => ensure()))
    const failures = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    for (const failure of failures) expect((failure as AppError).code).toBe('instance-busy')
    expect(failures.length).toBeLessThan(6)
    await expectOneReporter()
  })

  test('leaves the reporter of another instance on the same n8n unchanged', async () => {
    const { stub, user, path } = await connected.world()
    await user.call('POST', `${path}/reporter`)
    const body = { name: 'same n8n', baseUrl: 'https://n8n.example.com:8443', apiKey: stub.apiKey }
    const { json: second } = await user.call('POST', '/v1/instances', { body })
    expect((await user.call('POST', `/v1/instances/${second.id}/reporter`)).status).toBe(200)
    const names = [...stub.state.workflows.values()].map(({ name }) => name)
    expect(names).toEqual([reporterName, reporterName])
    expect(stub.state.credentials.size).toBe(2)
  })
})

describe('its report', () => {
  const [, post] = reporterWorkflow('i1', { credentialId: 'c1', webhookUrl: 'https://x.example' }).nodes
  const body = String((post?.['parameters'] as { jsonBody?: unknown } | undefined)?.jsonBody)
  /** Evaluates the expression like n8n. */
  const sent = ($json: object): Record<string, unknown> =>
    // oxlint-disable-next-line typescript/no-implied-eval -- n8n's expressions are JavaScript
    JSON.parse(String(new Function('$json', `return ${body.slice('={{'.length, -'}}'.length)}`)($json)))
  const error = Object.assign(new Error('There was a problem with the trigger node'), {
    name: 'WorkflowActivationError',
    description: 'The server refused',
    timestamp: 1795000000000,
    node: { name: 'IMAP', type: 'n8n-nodes-base.emailReadImap', parameters: { password: 'hunter2' } },
  })
  const kept = {
    name: error.name,
    message: error.message,
    description: error.description,
    timestamp: error.timestamp,
    node: { name: 'IMAP' },
  }
  const workflow = { id: 'wf1', name: 'Mail' }

  test('of a failed trigger contains what failed, where and when, and no secret', () => {
    const item = sent({ trigger: { mode: 'trigger', error }, workflow })
    expect(item).toEqual({ trigger: { mode: 'trigger', error: kept }, workflow })
    expect(readPayload(item, new Date('2026-11-29T00:00:00Z'))).toMatchObject({
      incident: {
        source: 'trigger',
        n8nWorkflowId: 'wf1',
        mode: 'trigger',
        occurredAtMs: error.timestamp,
        error: { message: error.message, node: 'IMAP', errorClass: 'WorkflowActivationError' },
      },
    })
    expect(sent({ trigger: { mode: 'trigger' }, workflow })).toEqual({
      trigger: { mode: 'trigger' },
      workflow,
    })
  })

  test('of a failed run contains the run too', () => {
    const execution = { id: '7', mode: 'webhook', lastNodeExecuted: 'IMAP' }
    const item = { execution: { ...execution, url: 'http://n8n/x', error }, workflow }
    expect(sent(item)).toEqual({ execution: { ...execution, error: kept }, workflow })
  })
})

describe('repairs a change by a user in n8n', () => {
  test.each(['deleted', 'unpublished', 'changed', 'disabled', 'archived', 'credential deleted'])(
    '%s',
    async (what) => {
      const { stub, connect, hookAnswers, expectOneReporter } = await connected.world()
      await (await connect()).ensure()
      const [workflow] = stub.state.workflows.values()
      const [credential] = stub.state.credentials.values()
      if (!workflow || !credential) throw new Error('There is no reporter')
      if (what === 'deleted') stub.state.workflows.delete(workflow.id)
      if (what === 'unpublished') workflow.activeVersionId = null
      if (what === 'changed')
        Object.assign(workflow.nodes[1]?.['parameters'] ?? {}, { url: 'https://evil.example' })
      if (what === 'disabled') Object.assign(workflow.nodes[1] ?? {}, { disabled: true })
      if (what === 'archived') workflow.isArchived = true
      if (what === 'credential deleted') stub.state.credentials.delete(credential.id)
      await (await connect()).ensure()
      if (what === 'archived') stub.state.workflows.delete(workflow.id)
      await expectOneReporter()
      expect(await hookAnswers()).toBe(202)
    },
  )

  test('ignores changes without effect: name, colors and positions', async () => {
    const { stub, connect } = await connected.world()
    await (await connect()).ensure()
    const [workflow] = stub.state.workflows.values()
    Object.assign(workflow ?? {}, { name: 'Errors → Flowkeep' })
    Object.assign(workflow?.nodes[0] ?? {}, { position: [5, 5], notes: 'ours' })
    const callsBefore = stub.calls().length
    await (await connect()).ensure()
    expect(
      stub
        .calls()
        .slice(callsBefore)
        .filter(({ method }) => writes.has(method)),
    ).toEqual([])
  })
})

const steps: StubStep[] = ['discover', 'credential-create', 'workflow-list', 'workflow-create', 'publish']
const modes: StubMode[] = [
  'refuse',
  'reset',
  'reset-after-apply',
  'timeout',
  'timeout-after-apply',
  'http500',
  'http500-after-apply',
  'http502-html',
  'html200-after-apply',
  'wrong-shape200',
  '429',
]

describe('after a failure at any step, the next call ends with exactly one reporter', () => {
  test.each(steps.flatMap((step) => modes.map((mode) => [step, mode] as const)))(
    '%s: %s',
    async (step, mode) => {
      const { stub, connect, expectOneReporter } = await connected.world()
      stub.failNext({ step, mode })
      const failure = await (await connect()).ensure().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(N8nError)
      await (await connect()).ensure()
      await expectOneReporter()
    },
  )
})

describe('after a crash, the lease expires and another call ends with exactly one reporter', () => {
  /** All requests of a setup. */
  const requests = 7
  const kills = Array.from({ length: requests }, (_, index) => index + 1).flatMap((count) => [
    { count, applied: false },
    { count, applied: true },
  ])

  test('the crashes cover every request', async () => {
    const { stub, connect } = await connected.world()
    await (await connect()).ensure()
    expect(stub.calls()).toHaveLength(requests)
  })

  test.each(kills)('at request $count, completed by n8n: $applied', async ({ count, applied }) => {
    const { stub, connect, expectOneReporter } = await connected.world()
    let sent = 0
    let dead: () => void
    const death = new Promise<void>((resolve) => (dead = resolve))
    const victim = await connect(async (input, init) => {
      sent += 1
      if (sent < count) return stub.fetch(input, init)
      // A dead process renews no lease and receives no response or timeout.
      if (sent === count && applied) await stub.fetch(input, { ...init, signal: null })
      dead()
      return new Promise(() => {})
    })
    const survivor = await connect()
    void victim.ensure()
    await death
    const early = await survivor.ensure().catch((error: unknown) => error)
    const isComplete = applied && count === requests
    expect((early as Partial<AppError>).code).toBe(isComplete ? undefined : 'instance-busy')
    connected.aheadMs.value += leaseMs + 1000
    await survivor.ensure()
    await expectOneReporter()
  })
})

test('removes a copy made by a call that lost its lease, whichever came first', async () => {
  const { stub, id, connect, expectOneReporter } = await connected.world()
  const twin = await connect(async (input, init) => {
    const response = await stub.fetch(input, init)
    if (init?.method === 'POST' && new Request(input).url.endsWith('/workflows'))
      await stub.fetch(input, init)
    return response
  })
  await twin.ensure()
  expect(stub.calls('workflow-create')).toHaveLength(2)
  await expectOneReporter()
  const [kept] = stub.state.workflows.values()
  expect(kept?.nodes.some((node) => String(node['id']).endsWith(id))).toBe(true)
})

describe('rotating the webhook token', () => {
  test('gives the reporter its own new token; the earlier one works for 24 hours', async () => {
    const { stub, user, path, id, connect, expectOneReporter, hookAnswers } = await connected.world()
    await (await connect()).ensure()
    const [credential] = stub.state.credentials.values()
    const before = String(credential?.data['value'])
    const rotated = await user.call('POST', `${path}/webhook-token`)
    expect(rotated.json).toEqual({
      webhookToken: expect.stringMatching(/^whk_/),
      reporter: 'updated',
      otel: 'none',
    })
    const after = String(credential?.data['value'])
    expect(after).not.toBe(before)
    expect(after).not.toContain(rotated.json.webhookToken)
    await expectOneReporter()
    const report = { body: [], headers: { Authorization: before } }
    expect((await connected.app.call('POST', `/hooks/n8n/${id}`, report)).status).toBe(200)
    connected.aheadMs.value += 24 * 60 * 60 * 1000 + 1000
    expect((await connected.app.call('POST', `/hooks/n8n/${id}`, report)).status).toBe(401)
    expect(await hookAnswers()).toBe(202)
  })

  test('succeeds while n8n is unavailable; the reporter is updated by the next setup', async () => {
    const { stub, user, path, connect, expectOneReporter, hookAnswers } = await connected.world()
    await (await connect()).ensure()
    stub.failNext({ step: '*', mode: 'refuse', times: 3 })
    const rotated = await user.call('POST', `${path}/webhook-token`)
    expect([rotated.status, rotated.json.reporter]).toEqual([200, 'pending'])
    expect(await hookAnswers()).toBe(202)
    stub.clearFaults()
    await (await connect()).ensure()
    await expectOneReporter()
  })

  test.each<[StubStep, StubMode]>([
    ['credential-create', 'reset-after-apply'],
    ['credential-update', 'reset'],
    ['credential-update', 'reset-after-apply'],
    ['credential-update', 'http500-after-apply'],
  ])('interrupted at %s by %s converges', async (step, mode) => {
    const { stub, user, path, connect, expectOneReporter } = await connected.world()
    await (await connect()).ensure()
    stub.failNext({ step, mode })
    expect((await user.call('POST', `${path}/webhook-token`)).json.reporter).toBe('pending')
    expect((await user.call('POST', `${path}/reporter`)).status).toBe(200)
    await expectOneReporter()
  })

  test('updates nothing without a reporter', async () => {
    const { stub, user, path } = await connected.world()
    expect((await user.call('POST', `${path}/webhook-token`)).json.reporter).toBe('none')
    expect(stub.calls()).toEqual([])
  })
})

describe.each(['1.x', '2.0'] as const)(
  'on n8n %s, without client-generated IDs or credential updates',
  (generation) => {
    test('sets it up, keeps it, and replaces the credential when the token is rotated', async () => {
      const { stub, user, path, connect, expectOneReporter } = await connected.world({ generation })
      await (await connect()).ensure()
      await expectOneReporter()
      const writesBefore = stub.calls().filter(({ method }) => writes.has(method)).length
      await (await connect()).ensure()
      expect(stub.calls().filter(({ method }) => writes.has(method))).toHaveLength(writesBefore)
      const [before] = stub.state.credentials.keys()
      expect((await user.call('POST', `${path}/webhook-token`)).json.reporter).toBe('updated')
      const [after] = stub.state.credentials.keys()
      expect(after).not.toBe(before)
      await expectOneReporter()
    })
  },
)

test('omits the restriction to one host if n8n does not support it', async () => {
  const { stub, connect, expectOneReporter } = await connected.world()
  stub.failNext({ step: 'credential-create', mode: '4xx' })
  await (await connect()).ensure()
  const [credential] = stub.state.credentials.values()
  expect(credential?.data).not.toHaveProperty('allowedDomains')
  await expectOneReporter()
})

describe('removing the instance', () => {
  const gone = async (stub: Awaited<ReturnType<Connected['world']>>['stub']) => {
    await expect.poll(() => stub.state.credentials.size, { timeout: 120_000 }).toBe(0)
    return stub.state.workflows.size
  }

  test('removes only the reporter from n8n', async () => {
    const { stub, id, user, path, connect } = await connected.world({ unpublishDelayMs: 100 })
    await (await connect()).ensure()
    const { client } = await connect()
    const own = { name: reporterName, nodes: [], connections: {}, settings: {} }
    const { id: kept } = await client.createWorkflow(own)
    expect((await user.call('DELETE', path)).status).toBe(204)
    expect(await gone(stub)).toBe(1)
    const workflow = await client.getWorkflow(kept)
    expect(isReporterOf(id, workflow)).toBe(false)
  })

  test('succeeds while n8n is unavailable', async () => {
    const { stub, user, path, connect } = await connected.world()
    await (await connect()).ensure()
    stub.failNext({ step: '*', mode: 'refuse', times: 100 })
    expect((await user.call('DELETE', path)).status).toBe(204)
    expect((await user.call('GET', path)).status).toBe(404)
  })
})

describe.each(['1.x', '2.41'] as const)(
  'on n8n %s, undeploying the last deployment removes the reporter, which',
  (generation) => {
    test('is deleted with its token and recreated by the next deployment', async () => {
      const { stub, id, user, path, connect, hookAnswers, expectOneReporter } = await connected.world({
        generation,
      })
      await (await connect()).ensure()
      const [credential] = stub.state.credentials.values()
      const headers = { Authorization: String(credential?.data['value']) }
      await (await connect()).remove()
      expect([stub.state.workflows.size, stub.state.credentials.size]).toEqual([0, 0])
      expect((await user.call('GET', path)).json.reporter).toBeNull()
      const refused = await connected.app.call('POST', `/hooks/n8n/${id}`, { body: [], headers })
      // 429 after the wrong tokens of the tests above, which have the same address.
      expect([401, 429]).toContain(refused.status)
      await (await connect()).ensure()
      await expectOneReporter()
      expect(await hookAnswers()).toBe(202)
    })

    test.each<[StubStep, StubMode]>([
      ['unpublish', 'http500'],
      ['workflow-delete', 'reset'],
      ['workflow-delete', 'reset-after-apply'],
      ['credential-delete', 'http500-after-apply'],
    ])('stays stored until it is gone when interrupted at %s by %s', async (step, mode) => {
      const { stub, user, path, connect } = await connected.world({ generation })
      await (await connect()).ensure()
      stub.failNext({ step, mode })
      await (await connect()).remove()
      expect((await user.call('GET', path)).json.reporter).not.toBeNull()
      await (await connect()).remove()
      expect([stub.state.workflows.size, stub.state.credentials.size]).toEqual([0, 0])
      expect((await user.call('GET', path)).json.reporter).toBeNull()
    })
  },
)

test('a deleted instance has no reporter to set up', async () => {
  const { user, path, connect } = await connected.world()
  const { ensure } = await connect()
  await user.call('DELETE', path)
  const failure = await ensure().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(AppError)
  expect((failure as AppError).code).toBe('not-found')
  expect((await user.call('POST', `${path}/reporter`)).status).toBe(404)
})
