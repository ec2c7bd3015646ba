import { beforeAll, describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { type ExecutionsWorld, executionsWorld, startedAt } from '../../web/executions/world.ts'

const app = useTestApp()
const forbidden = { message: '403 Forbidden: the token lacks scope issues:create', httpCode: '403' }
const minuteMs = 60_000

let world: ExecutionsWorld
let failed: string
beforeAll(async () => {
  world = await executionsWorld(app)
  failed = await world.report({ id: 1, error: forbidden })
})

const get = async (path: string, from = world) => {
  const login = { email: from.email, password: from.password }
  const { json } = await app.call('POST', '/v1/auth/login', { body: login })
  return app.call('GET', path, { token: json.accessToken })
}
const diagnosisOf = async (id: string, from = world) =>
  (await get(`/v1/executions/${id}/diagnosis`, from)).json

/** Changes a parameter of Create issue and makes the new version live. */
async function fix(of: ExecutionsWorld, parameters: Record<string, unknown>) {
  const { json } = await get(`/v1/workflows/${of.workflowId}`, of)
  const nodes = json.workflow.nodes.map((node: { name: string }) =>
    node.name === 'Create issue' ? { ...node, parameters } : node,
  )
  const login = await app.call('POST', '/v1/auth/login', { body: { email: of.email, password: of.password } })
  const saved = await app.call('PATCH', `/v1/workflows/${of.workflowId}`, {
    token: login.json.accessToken,
    headers: { 'If-Match': `"${json.version}"` },
    body: { workflow: { ...json.workflow, nodes }, prompt: 'Search instead' },
  })
  expect(saved.status).toBe(200)
  await of.api('PATCH', `/v1/deployments/${of.deploymentId}`, { version: saved.json.version })
}

test('says why it failed, where, with what, and since when', async () => {
  expect(await diagnosisOf(failed)).toMatchObject({
    executionId: failed,
    workflowName: 'Support triage',
    workflowVersion: 1,
    prompt: 'Sort mails. Use [redacted]',
    cause: expect.stringContaining('Linear accepted the credential but denied this request'),
    error: { message: forbidden.message, class: 'NodeApiError', httpStatus: 403 },
    node: {
      name: 'Create issue',
      type: 'n8n-nodes-base.linear',
      typeVersion: 1,
      parameters: expect.arrayContaining([
        { pointer: '/operation', type: 'string', length: 6, value: 'create' },
        { pointer: '/title', type: 'string', length: 12 },
      ]),
      credentials: [{ id: world.credentialId, type: 'linearApi', status: 'untested' }],
      input: [{ node: 'Agent', output: 0, items: 1, shape: '{ a: string(10) }' }],
    },
    ran: [{ name: 'New mail', items: 1 }, { name: 'Agent' }, { name: 'Model' }, { name: 'Create issue' }],
    skipped: [{ name: 'Tell team', reason: 'not reached' }],
    introducedIn: { version: 1, versionBefore: null },
    similar: { failures: 1, fixes: [] },
  })
})

test('shows the text of parameters only on request, without secrets', async () => {
  const { json, text } = await get(`/v1/executions/${failed}/diagnosis?values=true`)
  const title = { pointer: '/title', type: 'string', length: 12, value: 'secret-value' }
  expect(json.node.parameters).toContainEqual(title)
  expect(text).not.toMatch(/abcdefghijklmnop|canary/)
  expect((await diagnosisOf(failed)).text).not.toContain('secret-value')
  expect((await get(`/v1/executions/${failed}/diagnosis?values=yes`)).status).toBe(422)
})

test('the text for an AI model holds the same', async () => {
  const { text } = await diagnosisOf(failed)
  for (const part of [
    'Create issue (n8n-nodes-base.linear, version 1)',
    '> 403 Forbidden: the token lacks scope issues:create',
    '- /operation: "create"',
    '- from Agent, 1 item: { a: string(10) }',
    'Version 1; no earlier version ran',
  ]) {
    expect(text).toContain(part)
  }
})

test('a run that succeeded has no cause', async () => {
  const id = await world.report({ id: 2, status: 'success', startMs: minuteMs })
  expect(await diagnosisOf(id)).toMatchObject({
    cause: null,
    error: null,
    node: null,
    findings: [],
    similar: null,
  })
})

test('an error without an explanation names the node', async () => {
  const id = await world.report({ id: 3, error: { message: 'Zzz went wrong' }, startMs: 2 * minuteMs })
  expect(await diagnosisOf(id)).toMatchObject({ cause: 'Create issue failed: Zzz went wrong' })
})

test('a failure that was reported without run data still has a node', async () => {
  const id = await world.report({ id: 4, error: forbidden, withoutData: true, startMs: 3 * minuteMs })
  expect(await diagnosisOf(id)).toMatchObject({
    node: { name: 'Create issue', input: [] },
    ran: [],
    skipped: [],
  })
})

describe('what fixed the same error before', () => {
  let other: ExecutionsWorld
  let first: string
  beforeAll(async () => {
    other = await executionsWorld(app)
    first = await other.report({ id: 1, error: forbidden, ...now() })
  })
  const now = () => ({ startMs: Date.now() - Date.parse(startedAt), durationMs: 1 })

  test('is a later version that ran successfully, with its changes but without text', async () => {
    await fix(other, { operation: 'getAll', title: 'another-secret', limit: 5 })
    expect((await diagnosisOf(first, other)).similar.fixes).toEqual([])
    await other.report({ id: 2, status: 'success', ...now() })
    const { similar, text } = await diagnosisOf(first, other)
    expect(similar.fixes).toEqual([
      {
        workflowId: other.workflowId,
        workflowName: 'Support triage',
        node: 'Create issue',
        failedIn: 1,
        version: 2,
        prompt: 'Search instead',
        model: null,
        createdAt: expect.any(String),
        changes: expect.arrayContaining([
          { op: 'replace', path: '/parameters/operation', value: 'getAll' },
          { op: 'replace', path: '/parameters/title', value: null },
          { op: 'add', path: '/parameters/limit', value: 5 },
        ]),
      },
    ])
    expect(text).toContain('failed in version 1, but not since version 2')
    expect(text).not.toContain('another-secret')
    const page = await other.get(`/executions/${first}`)
    expect(page.dom().links).toContain(`/workflows/${other.workflowId}/diff/1..2`)
  })

  test('is not a version that failed with it later', async () => {
    await other.report({ id: 3, error: forbidden, ...now() })
    const { similar, introducedIn } = await diagnosisOf(first, other)
    expect(similar).toMatchObject({ failures: 2, fixes: [] })
    expect(introducedIn).toMatchObject({ version: 1 })
  })

  test('is found by failures in other workflows of the user, never of other users', async () => {
    await fix(other, { operation: 'create' })
    await other.report({ id: 4, status: 'success', ...now() })
    expect((await diagnosisOf(first, other)).similar.fixes).toMatchObject([{ version: 3, failedIn: 2 }])
    expect((await diagnosisOf(failed)).similar.fixes).toEqual([])
  })

  test('names the version that introduced the error, and the one before it', async () => {
    const timeout = { message: 'timeout of 10000ms exceeded' }
    const id = await other.report({ id: 5, error: timeout, ...now() })
    expect((await diagnosisOf(id, other)).introducedIn).toMatchObject({
      version: 3,
      prompt: 'Search instead',
      versionBefore: { version: 2, failures: 0 },
    })
  })
})

test("another user's execution is a 404", async () => {
  const stranger = await executionsWorld(app)
  expect((await get(`/v1/executions/${failed}/diagnosis`, stranger)).status).toBe(404)
})
