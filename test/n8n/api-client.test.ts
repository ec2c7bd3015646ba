import { afterEach, describe, expect, test } from 'vitest'
import { createN8nClient } from '../../src/n8n/api/client.ts'
import { N8nError, redactDetail } from '../../src/n8n/api/transport.ts'
import { createN8nStub, type N8nStubOptions } from '../harness/n8n-stub.ts'
import type { StubMode } from '../harness/n8n-stub-faults.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const webhook = (path: string) => ({
  id: 'a',
  name: 'Webhook',
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  position: [0, 0],
  parameters: { path, httpMethod: 'POST' },
})
const body = (name = 'Orders', path = 'orders') => ({
  name,
  nodes: [webhook(path)],
  connections: {},
  settings: {},
})
const credential = { name: 'Header', type: 'httpHeaderAuth', data: { name: 'X-Key', value: 'secret-value' } }

async function setUp(options: N8nStubOptions = {}, more: { timeoutMs?: number } = {}) {
  const stub = await createN8nStub(options)
  const { baseUrl, apiKey, fetch } = stub
  return { stub, client: createN8nClient({ baseUrl, apiKey, fetch, ...more }) }
}

/** Short only for servers that never respond, so that nothing else fails on a slow machine. */
const timeLimit = (mode: StubMode) => ({ timeoutMs: mode.startsWith('timeout') ? 150 : 60_000 })

const failure = (promise: Promise<unknown>): Promise<N8nError> =>
  promise.then(
    () => expect.fail('it was to fail'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(N8nError)
      return error as N8nError
    },
  )

describe('a current n8n', () => {
  test('reports its capabilities, discovered once', async () => {
    const { stub, client } = await setUp()
    expect(await client.capabilities()).toMatchObject({
      generation: 'current',
      publish: true,
      ownCredentialIds: true,
      credentialList: true,
      credentialRead: true,
      credentialUpdate: true,
      credentialTest: true,
    })
    expect([...(await client.capabilities()).settings]).toContain('callerPolicy')
    expect(stub.calls('discover')).toHaveLength(2)
  })

  test('creates, updates, publishes, unpublishes and deletes a workflow', async () => {
    const { stub, client } = await setUp({
      publishDelayMs: 500,
      unpublishDelayMs: 200,
      now: () => new Date(0),
    })
    const { id, versionId } = await client.createWorkflow(body())
    expect(await client.publishWorkflow(id)).toMatchObject({ active: true, triggerCount: 0 })
    stub.advance(500)
    expect(await client.getWorkflow(id)).toMatchObject({
      active: true,
      triggerCount: 1,
      activeVersionId: versionId,
    })
    const draft = await client.updateWorkflow(id, body('Orders', 'other'), { publishIfActive: false })
    expect(draft.activeVersionId).toBe(versionId)
    expect(await client.publishWorkflow(id)).toMatchObject({ activeVersionId: draft.versionId })
    expect(await client.publishWorkflow(id, { versionId: versionId ?? '' })).toMatchObject({
      activeVersionId: versionId,
    })
    expect(await failure(client.deleteWorkflow(id))).toMatchObject({
      kind: 'conflict',
      status: 409,
      ambiguous: false,
    })
    await client.unpublishWorkflow(id)
    expect(await failure(client.deleteWorkflow(id))).toMatchObject({ kind: 'conflict' })
    stub.advance(200)
    await client.deleteWorkflow(id)
    expect(await failure(client.getWorkflow(id))).toMatchObject({ kind: 'not-found', status: 404 })
  })

  test('finds workflows by their exact name on all pages', async () => {
    const { client } = await setUp()
    const wanted = await client.createWorkflow(body('100% [fk:1]'))
    for (let each = 0; each < 25; each += 1) await client.createWorkflow(body(`100% [fk:1]${each}`))
    await client.createWorkflow(body('100% [FK:1]'))
    expect((await client.findWorkflows('100% [fk:1]')).map(({ id }) => id)).toEqual([wanted.id])
    expect(await client.findWorkflows('nothing')).toEqual([])
  })

  test('creates credentials, and a repeated create makes no second one', async () => {
    const { stub, client } = await setUp()
    await client.createCredential({ id: 'ours', ...credential })
    expect(await failure(client.createCredential({ id: 'ours', ...credential }))).toMatchObject({
      kind: 'conflict',
    })
    await client.updateCredential('ours', { data: { value: 'other' }, isPartialData: true })
    expect(stub.state.credentials.get('ours')?.data).toEqual({ name: 'X-Key', value: 'other' })
    expect(await client.getCredential('ours')).toEqual({ id: 'ours', name: 'Header', type: 'httpHeaderAuth' })
    expect((await client.listCredentials()).items).toHaveLength(1)
    expect(await client.testCredential('ours')).toMatchObject({ ok: false })
    stub.state.workingCredentials.add('ours')
    expect(await client.testCredential('ours')).toMatchObject({ ok: true })
    expect(await client.credentialSchema('httpHeaderAuth')).toMatchObject({
      properties: { value: { type: 'string' } },
    })
    await client.deleteCredential('ours')
    expect(stub.state.credentials.size).toBe(0)
  })

  test('lists executions newest first, page by page, with running ones only on request', async () => {
    const { stub, client } = await setUp()
    for (let each = 0; each < 3; each += 1) stub.addExecution({ workflowId: 'w' })
    const running = stub.addExecution({ workflowId: 'w', status: 'running' })
    const first = await client.listExecutions({ workflowId: 'w', limit: 2 })
    const rest = await client.listExecutions({ workflowId: 'w', limit: 2, cursor: first.nextCursor ?? '' })
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(['3', '2', '1'])
    expect(rest.nextCursor).toBeNull()
    expect((await client.listExecutions({ status: 'running' })).items).toMatchObject([
      { id: running.id, stoppedAt: null },
    ])
    expect(await client.getExecution('1')).not.toHaveProperty('data')
    expect(await client.getExecution('1', { includeData: true })).toHaveProperty('data.resultData')
  })

  test('reports a failed run through its published error workflow', async () => {
    const reports: unknown[] = []
    const { stub, client } = await setUp({ push: (report) => void reports.push(report) })
    const trigger = {
      ...webhook(''),
      name: 'Error',
      type: 'n8n-nodes-base.errorTrigger',
      typeVersion: 1,
      parameters: {},
    }
    const errors = await client.createWorkflow({ ...body('Errors'), nodes: [trigger] })
    const stop = {
      ...webhook(''),
      id: 'b',
      name: 'Stop',
      type: 'n8n-nodes-base.stopAndError',
      typeVersion: 1,
    }
    const failing = {
      ...body(),
      nodes: [webhook('orders'), { ...stop, parameters: { errorMessage: 'No stock' } }],
    }
    const { id } = await client.createWorkflow({ ...failing, settings: { errorWorkflow: errors.id } })
    await client.publishWorkflow(id)
    const call = () => stub.fetch(`${stub.baseUrl}/webhook/orders`, { method: 'POST' })
    await call()
    expect(reports).toEqual([])
    await client.publishWorkflow(errors.id)
    await call()
    expect(reports).toMatchObject([{ execution: { error: { message: 'No stock' } }, workflow: { id } }])
  })
})

describe.each(['1.x', '2.0'] as const)('a legacy n8n (%s)', (generation) => {
  test('is detected, and no unsupported endpoint is called', async () => {
    const { stub, client } = await setUp({ generation })
    expect(await client.capabilities()).toMatchObject({
      generation: 'legacy',
      publish: false,
      ownCredentialIds: false,
    })
    const { id } = await client.createWorkflow(body())
    expect(await client.publishWorkflow(id)).toMatchObject({ active: true })
    await client.updateWorkflow(id, body('Renamed'), { publishIfActive: false })
    expect(await client.unpublishWorkflow(id)).toMatchObject({ active: false })
    expect(await failure(client.publishWorkflow(id, { versionId: 'v' }))).toMatchObject({ kind: 'rejected' })
    expect(stub.calls().map(({ path }) => path)).toContain(`/api/v1/workflows/${id}/activate`)
    expect(
      stub
        .calls()
        .filter(({ step }) => step !== 'other')
        .map(({ status }) => status),
    ).not.toContain(400)
  })

  test('is not assumed when the key is invalid', async () => {
    const { baseUrl, fetch } = await createN8nStub({ generation })
    const client = createN8nClient({ baseUrl, apiKey: 'wrong', fetch })
    expect(await failure(client.capabilities())).toMatchObject({ kind: 'unauthorized', status: 401 })
  })
})

describe('a failure', () => {
  const cases: [StubMode, string, boolean, number | undefined][] = [
    ['refuse', 'unreachable', false, undefined],
    ['reset', 'unreachable', true, undefined],
    ['reset-after-apply', 'unreachable', true, undefined],
    ['timeout', 'timeout', true, undefined],
    ['timeout-after-apply', 'timeout', true, undefined],
    ['http500', 'server-error', true, 500],
    ['http500-html', 'server-error', true, 500],
    ['http502-html', 'server-error', true, 502],
    ['http503', 'server-error', true, 503],
    ['leak', 'server-error', true, 500],
    ['html200', 'not-n8n', true, 200],
    ['not-json200', 'not-n8n', true, 200],
    ['wrong-shape200', 'not-n8n', true, 200],
    ['html404', 'not-n8n', true, 404],
    ['endless', 'too-large', true, 200],
    ['redirect', 'redirected', false, 302],
    ['429', 'rate-limited', false, 429],
    ['4xx', 'rejected', false, 400],
    ['401', 'unauthorized', false, 401],
    ['403', 'forbidden', false, 403],
    ['404', 'not-found', false, 404],
    ['409', 'conflict', false, 409],
  ]

  test.each(cases)('%s during a create is %s, ambiguous: %s', async (mode, kind, ambiguous, status) => {
    const { stub, client } = await setUp({}, timeLimit(mode))
    stub.failNext({ step: 'workflow-create', mode })
    expect(await failure(client.createWorkflow(body()))).toMatchObject({
      kind,
      ambiguous,
      status,
      operation: 'workflow-create',
    })
    expect(stub.state.workflows.size).toBe(mode.endsWith('after-apply') ? 1 : 0)
    expect(stub.calls()).toHaveLength(1)
  })

  test.each(cases)('%s during a read is %s and never ambiguous', async (mode, kind) => {
    const { stub, client } = await setUp({}, timeLimit(mode))
    stub.failNext({ step: 'execution-list', mode })
    expect(await failure(client.listExecutions())).toMatchObject({ kind, ambiguous: false })
  })

  test.each<StubMode>(['leak', '400-leak'])('%s exposes neither the API key nor markup', async (mode) => {
    const { stub, client } = await setUp()
    stub.failNext({ step: 'workflow-create', mode })
    const error = await failure(client.createWorkflow(body()))
    const shown = `${error.message} ${error.detail} ${JSON.stringify(error)} ${error.stack}`
    expect(shown).not.toContain(stub.apiKey)
    expect(shown).not.toContain('<script>')
    expect(shown).not.toContain('sk-123456')
  })

  test('with a rejection contains the reason of n8n', async () => {
    const { client } = await setUp()
    const error = await failure(client.createWorkflow({ ...body(), settings: { foo: 1 } }))
    expect(error).toMatchObject({
      kind: 'rejected',
      detail: "request/body/settings Unrecognized key(s) in object: 'foo'",
    })
  })

  test('of an update that publishes is ambiguous, because n8n has saved it', async () => {
    const { stub, client } = await setUp()
    const { id } = await client.createWorkflow(body())
    await client.publishWorkflow(id)
    const update = client.updateWorkflow(id, { ...body(), nodes: [] }, { publishIfActive: true })
    expect(await failure(update)).toMatchObject({ kind: 'rejected', ambiguous: true })
    expect(stub.state.workflows.get(id)?.nodes).toEqual([])
  })

  test.each([
    ['7', 7],
    ['0', 0],
    ['Thu, 01 Jan 1970 00:01:30 GMT', 90],
    ['Wed, 31 Dec 1969 23:59:00 GMT', 0],
    ['999999999', 86_400],
    ['soon', undefined],
  ])('with Retry-After %s waits %s seconds', async (header, seconds) => {
    const answer = () =>
      Response.json({ message: 'slow down' }, { status: 429, headers: { 'retry-after': header } })
    const client = createN8nClient({
      baseUrl: 'http://n8n.test',
      apiKey: 'k',
      now: () => new Date(0),
      fetch: async () => answer(),
    })
    expect((await failure(client.listExecutions())).retryAfterSeconds).toBe(seconds)
  })

  test('to discover the capabilities is not cached', async () => {
    const { stub, client } = await setUp()
    stub.failNext({ step: 'discover', mode: 'http503', times: 2 })
    await failure(client.capabilities())
    expect(await client.capabilities()).toMatchObject({ generation: 'current' })
  })

  test('to discover some of the capabilities does not mean a legacy n8n', async () => {
    const { stub, client } = await setUp()
    stub.failNext({ step: 'discover', mode: '4xx' })
    expect(await failure(client.capabilities())).toMatchObject({ kind: 'rejected', operation: 'discover' })
    expect(await client.capabilities()).toMatchObject({ generation: 'current', ownCredentialIds: true })
  })
})

describe('a request', () => {
  test.each([
    '../../credentials',
    'x?y',
    'a/b',
    'a%2Fb',
    'a\r\nb',
    '',
    '.',
    '..',
    'a b',
    'x'.repeat(65),
    'é',
  ])('with the ID %j is not sent', async (id) => {
    const { stub, client } = await setUp()
    const attempts = [
      client.getWorkflow(id),
      client.updateWorkflow(id, body(), { publishIfActive: false }),
      client.deleteWorkflow(id),
      client.publishWorkflow(id),
      client.unpublishWorkflow(id),
      client.getCredential(id),
      client.updateCredential(id, {}),
      client.deleteCredential(id),
      client.testCredential(id),
      client.credentialSchema(id),
      client.getExecution(id),
    ]
    for (const attempt of attempts)
      expect(await failure(attempt)).toMatchObject({ kind: 'rejected', ambiguous: false })
    expect(stub.calls()).toEqual([])
  })

  test('keeps the path prefix of the base URL and sends the key only in its header', async () => {
    const seen: { url: string; headers: Headers; redirect: unknown }[] = []
    const client = createN8nClient({
      baseUrl: 'https://example.com/n8n/',
      apiKey: 'the-key',
      fetch: async (input, init) => {
        seen.push({
          url: new Request(input).url,
          headers: new Headers(init?.headers),
          redirect: init?.redirect,
        })
        return Response.json({ data: [], nextCursor: null })
      },
    })
    await client.listExecutions({ status: 'error' })
    expect(seen[0]?.url).toBe('https://example.com/n8n/api/v1/executions?status=error&limit=100')
    expect(seen[0]?.headers.get('x-n8n-api-key')).toBe('the-key')
    expect(seen[0]?.redirect).toBe('manual')
  })
})

describe('over a real socket', () => {
  const connect = async (limits: { timeoutMs?: number } = {}) => {
    const stub = await createN8nStub()
    const { baseUrl, close } = await stub.listen()
    closing.push(close)
    return { stub, client: createN8nClient({ baseUrl, apiKey: stub.apiKey, fetch, ...limits }) }
  }

  test('lists workflows', async () => {
    const { client } = await connect()
    const { id } = await client.createWorkflow(body())
    await client.publishWorkflow(id)
    expect(await client.getWorkflow(id)).toMatchObject({ triggerCount: 1 })
  })

  test.each<[StubMode, string]>([
    ['gzip-bomb', 'too-large'],
    ['endless', 'too-large'],
    ['reset', 'unreachable'],
    ['timeout', 'timeout'],
    ['redirect', 'redirected'],
  ])('%s is %s', async (mode, kind) => {
    const { stub, client } = await connect(timeLimit(mode))
    stub.failNext({ step: 'credential-create', mode })
    expect(await failure(client.createCredential(credential))).toMatchObject({ kind })
  })

  test('does not follow a redirect, so the key goes nowhere else', async () => {
    const { stub, client } = await connect()
    const other = await createN8nStub()
    const { baseUrl, close } = await other.listen()
    closing.push(close)
    stub.failNext({ step: 'workflow-create', mode: 'redirect', location: `${baseUrl}/api/v1/workflows` })
    await failure(client.createWorkflow(body()))
    expect(other.calls()).toEqual([])
  })
})

test('a detail is one line of at most 4 KB, without secrets', () => {
  const text = `a\n\tb\u0000 key-1 Bearer abc.def https://u:p@host eyJhbGciOi.eyJzdWIi.sig sk-${'ab12'.repeat(10)} ${'x '.repeat(5000)}`
  const detail = redactDetail(text, 'key-1')
  expect(detail).toMatch(
    /^a b \[redacted\] \[redacted\] https:\/\/\[redacted\]@host \[redacted\] \[redacted\] x/,
  )
  expect(detail.length).toBe(4096)
  expect(redactDetail('x '.repeat(1000), 'key-1').length).toBe(1999)
  expect(redactDetail('key-1 is not key-1', 'key-1')).toBe('[redacted] is not [redacted]')
})
