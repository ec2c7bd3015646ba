/** `import` restores what `export` writes, through the HTTP API of the real application. */
import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { backwardLines, forwardLines, workflowFolder } from '../../src/cli/transfer/archive.ts'
import { exitCode } from '../../src/cli/command.ts'
import { exportAccount } from '../../src/cli/transfer/export.ts'
import { importWorkflows } from '../../src/cli/transfer/import.ts'
import type { Call } from '../../src/cli/transfer/session.ts'
import { type Answer, type TestUser, useTestApp } from '../harness/app.ts'

const world = useTestApp()
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-archive-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const secret = 'xoxb-never-exported-0123456789'
const path = (name: string) => join(folder, name)

const io = (messages: string[] = []) => ({
  fetch: async (url: string, call: Call) => world.app.request(url, call),
  sleep: () => Promise.resolve(),
  message: (line: string) => void messages.push(line),
  progress: null,
  ask: null,
})
const environment = ({ accessToken }: TestUser) => ({
  FLOWKEEP_TOKEN: accessToken,
  FLOWKEEP_URL: 'http://flowkeep.test',
})
const exported = (user: TestUser, name: string) => exportAccount(path(name), environment(user), io())
const imported = async (user: TestUser, name: string, options: { renewWebhookTokens?: boolean } = {}) => {
  const messages: string[] = []
  const outcome = await importWorkflows([path(name)], environment(user), io(messages), options)
  return { ...outcome, messages }
}

async function made(answer: Promise<Answer>, status = 201) {
  const { status: given, text, json } = await answer
  expect(`${given} ${text}`).toMatch(new RegExp(`^${status} `))
  return json
}

const flow = (text: string) => ({
  name: 'Orders → Slack',
  nodes: [
    {
      id: 'a',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: `orders-${text}`, httpMethod: 'POST' },
    },
    {
      id: 'b',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.3,
      position: [200, 0],
      parameters: { text: `=${text} \u00e9 日本` },
      credentials: { slackApi: { id: '1', name: 'Team' } },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
  settings: {},
})

const day = (number: number, hour = 0) => new Date(Date.UTC(2026, 9, number, hour)).toISOString()

/** Two workflows (one with four versions, the last one restored), three deployments and nine runs. */
async function makeAccount(user: TestUser) {
  const credential = await made(
    user.call('POST', '/v1/credentials', {
      body: { type: 'slackApi', name: 'Team', data: { accessToken: secret } },
    }),
  )
  const { id, version } = await made(
    user.call('POST', '/v1/workflows', {
      body: {
        workflow: flow('one'),
        description: 'First',
        prompt: 'Tell the team',
        model: 'model-a',
        tags: ['sales', 'b'],
        dataRetentionDays: 7,
      },
    }),
  )
  expect(version).toBe(1)
  const change = (current: number, body: object) =>
    made(user.call('PATCH', `/v1/workflows/${id}`, { headers: { 'If-Match': `"${current}"` }, body }), 200)
  await change(1, { workflow: flow('two'), prompt: 'Tell them better', model: 'model-b' })
  await change(2, { prompt: null, model: null, name: 'Orders, renamed', description: null, tags: [] })
  await made(
    user.call('POST', `/v1/workflows/${id}/versions/1/restore`, { headers: { 'If-Match': '"3"' } }),
    200,
  )
  await made(user.call('POST', '/v1/workflows', { body: { workflow: flow('other'), name: 'Ünïcode / ..' } }))
  const instance = await made(
    user.call('POST', '/v1/instances', {
      body: { name: 'Main', baseUrl: 'https://n8n.example.com', apiKey: 'n8n-key-never-exported' },
    }),
  )
  const deployment = await made(
    user.call('POST', '/v1/deployments', {
      body: {
        workflowId: id,
        instanceId: instance.id,
        n8nWorkflowId: 'wf1',
        version: 1,
        liveSince: day(1),
        bindings: [{ node: 'Slack', type: 'slackApi', credentialId: credential.id }],
      },
    }),
  )
  for (const [next, since] of [
    [2, day(3)],
    [4, day(5)],
  ] as const) {
    await made(
      user.call('PATCH', `/v1/deployments/${deployment.id}`, { body: { version: next, liveSince: since } }),
      200,
    )
  }
  const run = (executionId: number, startedAt: string, more: object = {}) => ({
    executionId: String(executionId),
    workflowId: 'wf1',
    status: 'success',
    mode: 'webhook',
    startedAt,
    finishedAt: new Date(Date.parse(startedAt) + 1500).toISOString(),
    ...more,
  })
  const reports = [
    run(1, day(1, 5)),
    run(2, day(2)),
    run(3, day(3, 1), { status: 'error', error: { message: 'channel_not_found', node: 'Slack' } }),
    run(4, day(3, 2), { retryOf: '3', mode: 'retry' }),
    run(5, day(4), { mode: 'manual' }),
    run(6, day(5, 1)),
    run(7, day(6), { status: 'canceled' }),
    { ...run(8, day(7)), status: 'waiting', finishedAt: undefined },
    run(8, day(7)),
    run(9, day(8), { status: 'crashed' }),
  ]
  await made(
    world.call('POST', `/hooks/n8n/${instance.id}`, { token: instance.webhookToken, body: reports }),
    200,
  )
  return { id, instance, deployment }
}

/** Replaces what an import cannot preserve: IDs, and times of saving and receipt. */
async function comparable(name: string): Promise<Record<string, unknown>> {
  const ids = new Map<string, string>()
  const content: Record<string, unknown> = {}
  const known = (id: string) => {
    if (!ids.has(id)) ids.set(id, `id-${ids.size}`)
    return ids.get(id)
  }
  const times = new Set(['createdAt', 'updatedAt', 'receivedAt', 'exportedAt'])
  const replaced = (value: unknown, inHistory = false): unknown => {
    if (Array.isArray(value)) return value.map((each) => replaced(each, inHistory))
    if (typeof value === 'string') {
      return value.replaceAll(
        /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g,
        (id) => known(id) ?? '',
      )
    }
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        times.has(key) && !inHistory ? '(time)' : replaced(member, key === 'history'),
      ]),
    )
  }
  const files = (await readdir(path(name), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  // Workflows first, sorted by name, so that equal resources get equal IDs.
  for (const file of files.toSorted()) {
    const text = await readFile(file, 'utf8')
    const value = file.endsWith('.ndjson')
      ? text
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : JSON.parse(text)
    content[String(replaced(file.slice(path(name).length)))] = replaced(value)
  }
  return content
}

describe('export and import', () => {
  test('restore an account in another one: its export is equal except for IDs and times of saving', async () => {
    const [from, to] = [await world.user(), await world.user()]
    await makeAccount(from)
    await made(
      to.call('POST', '/v1/credentials', {
        body: { type: 'slackApi', name: 'Team', data: { accessToken: 'entered-again' } },
      }),
    )
    const { counts } = await exported(from, 'a')
    expect(counts).toEqual({
      workflows: 2,
      versions: 5,
      credentials: 1,
      instances: 1,
      deployments: 1,
      runs: 9,
    })
    const outcome = await imported(to, 'a')
    expect(outcome.messages).toEqual(['Enter the API key of instance "Main" again'])
    expect(outcome).toMatchObject({
      exitCode: exitCode.success,
      result: { created: { workflows: 2, versions: 5, instances: 1, deployments: 1, runs: 9 }, skipped: [] },
    })
    await exported(to, 'b')
    const [before, after] = [await comparable('a'), await comparable('b')]
    expect(Object.keys(before).length).toBeGreaterThan(10)
    expect(after).toEqual(before)
    const runs = before['/runs.ndjson'] as { n8nExecutionId: string; workflowVersion: number }[]
    expect(Object.fromEntries(runs.map((run) => [run.n8nExecutionId, run.workflowVersion]))).toMatchObject({
      1: 1,
      2: 1,
      3: 2,
      5: 2,
      6: 4,
      9: 4,
    })
  })

  test('create nothing in a second run, and complete an interrupted one', async () => {
    const [from, to] = [await world.user(), await world.user()]
    await makeAccount(from)
    await exported(from, 'a')
    // Interrupted after one version of the first workflow.
    const first = (await readdir(path('a/workflows'))).find((name) => name.startsWith('orders'))
    const { workflow, name, description, prompt, model, tags } = JSON.parse(
      await readFile(path(`a/workflows/${first}/v0001.json`), 'utf8'),
    )
    await made(
      to.call('POST', '/v1/workflows', { body: { workflow, name, description, prompt, model, tags } }),
    )
    const second = await imported(to, 'a')
    expect(second).toMatchObject({ exitCode: 0, result: { created: { workflows: 1, versions: 4, runs: 9 } } })
    expect(second.messages[0]).toBe('Enter the values of credential "Team" (slackApi) again')
    const third = await imported(to, 'a')
    expect(third.exitCode).toBe(0)
    expect(third.result).toMatchObject({
      created: { workflows: 0, versions: 0, instances: 0, deployments: 0, runs: 0 },
      alreadyThere: { workflows: 2, deployments: 1, runs: 9 },
    })
    expect((await to.call('GET', '/v1/workflows')).json.items).toHaveLength(2)
  })

  test('contain no secrets', async () => {
    const user = await world.user()
    await makeAccount(user)
    await exported(user, 'a')
    for (const entry of await readdir(path('a'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8')
      expect(text).not.toMatch(/never-exported|whk_/)
    }
  })

  test('skip the runs of an existing instance unless asked to renew its token', async () => {
    const [from, to] = [await world.user(), await world.user()]
    await makeAccount(from)
    await exported(from, 'a')
    await made(
      to.call('POST', '/v1/instances', {
        body: { name: 'Mine', baseUrl: 'https://n8n.example.com', apiKey: 'mine' },
      }),
    )
    const cautious = await imported(to, 'a')
    expect(cautious.exitCode).toBe(exitCode.partial)
    expect(cautious.messages).toContainEqual(expect.stringContaining('--renew-webhook-tokens'))
    const renewing = await imported(to, 'a', { renewWebhookTokens: true })
    expect(renewing).toMatchObject({ exitCode: 0, result: { created: { runs: 9 } } })
  })

  test('keep the runs of an undeployed workflow, whose deployment is not restored', async () => {
    const [from, to] = [await world.user(), await world.user()]
    const { deployment } = await makeAccount(from)
    await exported(from, 'a')
    const file = path(`a/deployments/${deployment.id}.json`)
    const undeployed = {
      ...JSON.parse(await readFile(file, 'utf8')),
      n8nWorkflowId: null,
      status: 'undeployed',
    }
    await writeFile(file, JSON.stringify(undeployed))
    expect(await imported(to, 'a')).toMatchObject({
      exitCode: 0,
      result: { created: { deployments: 0, runs: 9 } },
    })
    expect((await to.call('GET', '/v1/deployments')).json.items).toEqual([])
    expect((await to.call('GET', '/v1/executions')).json.items).toHaveLength(9)
    const again = await imported(to, 'a')
    expect(again).toMatchObject({ exitCode: 0, result: { created: { deployments: 0, runs: 0 } } })
    expect((await to.call('GET', '/v1/deployments')).json.items).toEqual([])
  })

  test('skip and report runs whose deployment was not imported', async () => {
    const [from, to] = [await world.user(), await world.user()]
    const { deployment } = await makeAccount(from)
    await exported(from, 'a')
    await rm(path(`a/deployments/${deployment.id}.json`))
    const outcome = await imported(to, 'a')
    expect(outcome.exitCode).toBe(exitCode.partial)
    expect(outcome.result).toMatchObject({
      skipped: [{ what: '9 runs', reason: expect.stringContaining('deployment') }],
    })
  })

  test.each([
    ['another format version', { formatVersion: 2 }, 'unsupported format version'],
    ['another format', { format: 'x' }, 'not part of an export'],
  ])('reject %s before sending anything', async (_, change, message) => {
    const user = await world.user()
    const manifest = await exported(user, 'a')
    await writeFile(path('a/flowkeep-export.json'), JSON.stringify({ ...manifest, ...change }))
    await expect(imported(user, 'a')).rejects.toThrow(message)
  })
})

describe('export', () => {
  test('writes nothing to a folder with content', async () => {
    const user = await world.user()
    await mkdir(path('a'))
    await writeFile(path('a/mine.txt'), 'mine')
    await expect(exported(user, 'a')).rejects.toThrow('not empty')
    await expect(exported(user, 'a/mine.txt')).rejects.toThrow('is not a folder')
    expect(await readdir(path('a'))).toEqual(['mine.txt'])
  })

  test('fills an empty folder, and creates missing parents', async () => {
    const user = await world.user()
    await mkdir(path('a'))
    await exported(user, 'a')
    await exported(user, 'deep/er/b')
    expect(existsSync(path('a/flowkeep-export.json'))).toBe(true)
    expect(existsSync(path('deep/er/b/flowkeep-export.json'))).toBe(true)
  })

  test('leaves nothing behind when it is aborted', async () => {
    const user = await world.user()
    await makeAccount(user)
    const broken = {
      ...io(),
      fetch: async (url: string, call: Call) => {
        if (!url.includes('/executions/export')) return world.app.request(url, call)
        return new Response(
          new ReadableStream({ pull: (controller) => controller.error(new Error('connection lost')) }),
        )
      },
    }
    await expect(exportAccount(path('a'), environment(user), broken)).rejects.toThrow('connection lost')
    expect(await readdir(folder)).toEqual([])
  })

  test('is empty but complete for an empty account', async () => {
    const [from, to] = [await world.user(), await world.user()]
    const { counts } = await exported(from, 'a')
    expect(Object.values(counts).every((count) => count === 0)).toBe(true)
    expect((await imported(to, 'a')).exitCode).toBe(0)
  })
})

describe('archive files', () => {
  test.each([
    ['no line', ''],
    ['one line', 'a\n'],
    ['no final line break', 'a\nb'],
    ['empty lines', '\n\na\n\nb\n'],
    [
      'lines longer than a block, with characters of several bytes',
      `${'é日'.repeat(40_000)}\nb\n${'x'.repeat(65_536)}\n`,
    ],
    ['a block that ends with a line', `${'y'.repeat(65_535)}\n${'z'.repeat(65_535)}\n`],
    ['many lines', Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join('\n')],
  ])('are read backwards like forwards: %s', async (_, text) => {
    await writeFile(path('lines'), '')
    await appendFile(path('lines'), text)
    const [forward, backward]: string[][] = [[], []]
    for await (const line of forwardLines(path('lines'))) if (line !== '') forward?.push(line)
    for await (const line of backwardLines(path('lines'))) backward?.push(line)
    expect(backward?.toReversed()).toEqual(forward)
  })

  test.each([
    ['Orders → Slack', 'orders-slack-1'],
    ['Ünïcode / ../..', 'unicode-1'],
    ['日本語', '1'],
    ['..', '1'],
    ['a '.repeat(100), `${'a-'.repeat(30)}1`],
  ])('are in a folder with a safe name: %j', (name, expected) => {
    expect(workflowFolder({ id: '1', name })).toBe(expected)
  })
})
