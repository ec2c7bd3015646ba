import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCode } from '../../src/cli/command.ts'
import { describeFailure, UsageError } from '../../src/cli/failure.ts'
import { type ImportIo, importWorkflows } from '../../src/cli/transfer/import.ts'
import { contentHash } from '../../src/lib/canonical-json.ts'

/** A fake server, as strict as the real one for the importer, that can fail on demand. */
class StubServer {
  readonly app = new Hono()
  readonly kept: { name: string | undefined; workflow: { name?: string }; contentHash: string }[] = []
  readonly keys = new Map<string, string>()
  readonly paths: string[] = []
  validToken = 'token-1'
  refreshes = 0
  /** Responses to return first. */
  readonly faults: (Response | 'no answer' | 'answer lost')[] = []

  constructor() {
    const { app } = this
    app.post('/v1/auth/login', async (c) => {
      const { email, password } = await c.req.json()
      if (email !== 'a@example.com' || password !== 'right') return c.json({ detail: 'Wrong password' }, 401)
      return c.json({ accessToken: this.validToken, refreshToken: 'r1' })
    })
    app.post('/v1/auth/refresh', (c) => {
      this.refreshes += 1
      return c.json({ accessToken: this.validToken, refreshToken: `r${this.refreshes + 1}` })
    })
    app.post('/v1/auth/logout', (c) => c.body(null, 204))
    app.use('/v1/workflows', async (c, next) => {
      if (c.req.header('Authorization') !== `Bearer ${this.validToken}`)
        return c.json({ detail: 'Sign in' }, 401)
      return next()
    })
    app.get('/v1/workflows', (c) => {
      const start = Number(c.req.query('cursor') ?? 0)
      const end = start + Math.min(Number(c.req.query('limit')), 2)
      const items = this.kept.slice(start, end).map(({ contentHash }) => ({ contentHash }))
      return c.json({ items, nextCursor: end < this.kept.length ? String(end) : null })
    })
    app.post('/v1/workflows', async (c) => {
      const { workflow, name } = await c.req.json()
      const key = c.req.header('Idempotency-Key') ?? ''
      if (workflow.refuse) return c.json({ detail: `Refused \u001b[31m${workflow.refuse}` }, 422)
      const hash = await contentHash(workflow)
      if (!this.keys.has(key)) this.kept.push({ name, workflow, contentHash: hash })
      this.keys.set(key, hash)
      return c.json({}, 201)
    })
  }

  fetch: ImportIo['fetch'] = async (url, init) => {
    const { pathname } = new URL(url)
    this.paths.push(`${init.method ?? 'GET'} ${pathname}`)
    const fault = pathname === '/v1/workflows' && init.method === 'POST' ? this.faults.shift() : undefined
    if (fault === 'no answer') throw new TypeError('fetch failed')
    if (fault instanceof Response) return fault
    const answer = await this.app.request(url, init)
    if (fault === 'answer lost') throw new TypeError('fetch failed')
    return answer
  }
}

let folder: string
let server: StubServer
let printed: string[]
let complaints: string[]
let waits: number[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'flowkeep-import-'))
  server = new StubServer()
  printed = []
  complaints = []
  waits = []
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const workflow = (name?: string, more: object = {}) => ({
  ...(name !== undefined && { name }),
  nodes: [
    {
      id: 'start',
      name: 'Start',
      type: 'n8n-nodes-base.errorTrigger',
      typeVersion: 1,
      position: [0, 0],
      parameters: {},
    },
  ],
  connections: {},
  ...more,
})

async function write(files: Record<string, unknown>) {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(
      file,
      typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
    )
  }
}

/** Collects output in `printed` and `complaints`. @returns the exit code */
async function run(
  env: Record<string, string | undefined> = { FLOWKEEP_TOKEN: 'token-1' },
  io: Partial<ImportIo> = {},
  args = [folder],
): Promise<number> {
  try {
    const outcome = await importWorkflows(args, env, {
      fetch: server.fetch,
      sleep: async (milliseconds) => {
        waits.push(milliseconds)
      },
      message: (line) => complaints.push(line),
      progress: null,
      ask: null,
      ...io,
    })
    printed.push(outcome.summary)
    return outcome.exitCode
  } catch (error) {
    complaints.push(describeFailure(error))
    return error instanceof UsageError ? exitCode.usage : exitCode.failure
  }
}

const busy = (status: number, seconds: string) =>
  new Response('{"detail":"Later"}', { status, headers: { 'Retry-After': seconds } })
const noAnswer = () => Promise.reject(new TypeError('fetch failed'))

describe('importWorkflows', () => {
  test('imports every workflow once, and creates nothing in a second run', async () => {
    await write({
      'a.json': workflow('A'),
      'deep/b.json': workflow('B'),
      'c.json': workflow('C'),
      'notes.txt': 'x',
    })
    expect(await run()).toBe(0)
    expect(printed).toEqual(['3 created, 0 already existed, 0 rejected'])
    expect(await run()).toBe(0)
    expect(printed.at(-1)).toBe('0 created, 3 already existed, 0 rejected')
    expect(server.kept.map((each) => each.workflow.name)).toEqual(expect.arrayContaining(['A', 'B', 'C']))
    expect(server.kept).toHaveLength(3)
  })

  test('reports the errors and warnings of each created workflow, and their total', async () => {
    const step = (type: string, parameters: object) => ({
      id: type,
      name: type,
      type: `n8n-nodes-base.${type}`,
      typeVersion: type === 'httpRequest' ? 4.2 : 1,
      position: [0, 0],
      parameters,
    })
    const broken = { nodes: [step('manualTrigger', {}), step('httpRequest', { url: '' })] }
    const connections = { manualTrigger: { main: [[{ node: 'httpRequest', type: 'main', index: 0 }]] } }
    await write({ 'bad.json': { ...broken, name: 'Bad', connections }, 'good.json': workflow('Good') })
    const outcome = await importWorkflows(
      [folder],
      { FLOWKEEP_TOKEN: 'token-1' },
      {
        fetch: server.fetch,
        sleep: async () => undefined,
        message: (line) => complaints.push(line),
        progress: null,
        ask: null,
      },
    )
    expect(outcome.exitCode).toBe(0)
    expect(outcome.summary).toBe(
      '2 created, 0 already existed, 0 rejected. The check found 2 errors in 1 workflow',
    )
    expect(complaints).toEqual([expect.stringMatching(/bad\.json: 2 errors, such as .+/)])
    expect(outcome.result).toMatchObject({
      checks: expect.arrayContaining([
        expect.objectContaining({
          file: expect.stringContaining('bad.json'),
          publishable: false,
          counts: { error: 2, warning: 0, hint: 0 },
          worst: expect.arrayContaining([expect.objectContaining({ node: 'httpRequest', level: 'error' })]),
        }),
      ]),
    })
    expect(await run()).toBe(0)
    expect(printed).toEqual(['0 created, 2 already existed, 0 rejected'])
  })

  test('recognizes a workflow in any key order', async () => {
    await write({ 'a.json': workflow('A') })
    await run()
    await write({ 'a.json': Object.fromEntries(Object.entries(workflow('A')).toReversed()) })
    await run()
    expect(server.kept).toHaveLength(1)
  })

  test('imports the content of equal files once and reports it', async () => {
    await write({ 'a.json': workflow('A'), 'b.json': workflow('A'), 'c.json': workflow('A') })
    expect(await run()).toBe(0)
    expect(printed).toEqual(['1 created, 0 already existed, 2 identical to another file, 0 rejected'])
    expect(server.kept).toHaveLength(1)
  })

  test('takes the name from the file for a workflow without one', async () => {
    await write({
      'Mail digest.json': workflow(),
      'blank.json': workflow(' ', { x: 1 }),
      'own.json': workflow('Own'),
    })
    await run()
    const names = server.kept.map(({ name, workflow }) => [name, workflow.name])
    expect(names).toEqual(
      expect.arrayContaining([
        ['Mail digest', undefined],
        ['blank', ' '],
        [undefined, 'Own'],
      ]),
    )
  })

  test('opens wrapped files and files with several workflows', async () => {
    await write({
      'wrapped.json': { workflow: { workflow: workflow('W') } },
      'many.json': [workflow(undefined, { x: 1 }), workflow(undefined, { x: 2 })],
    })
    await run()
    expect(printed).toEqual(['3 created, 0 already existed, 0 rejected'])
    expect(server.kept.map((each) => each.name)).toEqual(expect.arrayContaining(['many 1', 'many 2']))
  })

  test('opens a file that starts with a byte order mark', async () => {
    await write({ 'a.json': `\uFEFF${JSON.stringify(workflow('A'))}` })
    expect(await run()).toBe(0)
  })

  test('extracts a workflow from a code fence', async () => {
    await write({ 'a.json': `Sure:\n\`\`\`json\n${JSON.stringify(workflow('Fenced'))}\n\`\`\`` })
    expect(await run()).toBe(0)
    expect(server.kept.map((each) => each.workflow.name)).toEqual(['Fenced'])
  })

  test.each([
    ['an empty file', '', 'empty file'],
    ['white space', ' \n', 'empty file'],
    ['invalid JSON', '{"nodes": [', 'not JSON'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 'not UTF-8 text'],
    ['an object without nodes', { a: 1 }, 'not a workflow'],
    ['an empty array', [], 'is an empty array without a workflow'],
    ['a string', '"x"', 'not a workflow'],
    ['nodes that are not objects', { nodes: [1] }, 'must be an object'],
    ['U+0000', workflow('a\0b'), 'U+0000'],
    ['a workflow that the server rejects', workflow('A', { refuse: 'because' }), '[31mbecause'],
  ])('reports %s in one line and imports the rest', async (_, content, reason) => {
    await write({ 'bad.json': content, 'good.json': workflow('Good') })
    expect(await run()).toBe(exitCode.partial)
    expect(complaints).toHaveLength(1)
    expect(complaints[0]).toContain('bad.json')
    expect(complaints[0]).toContain(reason)
    expect(complaints[0]).not.toMatch(/\p{Cc}/u)
    expect(printed).toEqual(['1 created, 0 already existed, 1 rejected'])
  })

  test('counts equal rejected files as rejected', async () => {
    const bad = workflow('A', { refuse: 'x' })
    await write({ 'a.json': bad, 'b.json': bad })
    expect(await run()).toBe(1)
    expect(printed).toEqual(['0 created, 0 already existed, 2 rejected'])
  })

  test('imports a file that is named twice once', async () => {
    await write({ 'a.json': workflow('A') })
    await run(undefined, {}, [folder, path.join(folder, 'a.json')])
    expect(printed).toEqual(['1 created, 0 already existed, 0 rejected'])
  })

  test('waits as long as the server asks and retries', async () => {
    await write({ 'a.json': workflow('A') })
    server.faults.push(busy(429, '7'), busy(503, '2'), 'no answer')
    expect(await run()).toBe(0)
    expect(waits.slice(0, 2)).toEqual([7000, 2000])
    expect(server.kept).toHaveLength(1)
  })

  test('creates once when the response to a creation is lost', async () => {
    await write({ 'a.json': workflow('A') })
    server.faults.push('answer lost')
    expect(await run()).toBe(0)
    expect(server.kept).toHaveLength(1)
  })

  test('gives up with one line when no server responds', async () => {
    await write({ 'a.json': workflow('A') })
    expect(
      await run({ FLOWKEEP_TOKEN: 'x', FLOWKEEP_URL: 'http://flowkeep.test/' }, { fetch: noAnswer }),
    ).toBe(1)
    expect(complaints).toEqual([
      'No response from http://flowkeep.test. Check that Flowkeep is running there (FLOWKEEP_URL, PORT).',
    ])
  })

  test('renews a session token that expires during the import once for all requests', async () => {
    await write(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${i}.json`, workflow(`W${i}`)])))
    let posts = 0
    const fetch: ImportIo['fetch'] = (url, init) => {
      if (url.endsWith('/v1/workflows') && init.method === 'POST') {
        posts += 1
        if (posts === 6) server.validToken = 'token-2'
      }
      return server.fetch(url, init)
    }
    const env = { FLOWKEEP_EMAIL: 'a@example.com', FLOWKEEP_PASSWORD: 'right' }
    expect(await run(env, { fetch })).toBe(0)
    expect(server.kept).toHaveLength(12)
    expect(server.refreshes).toBe(1)
    expect(server.paths.at(-1)).toBe('POST /v1/auth/logout')
  })

  test('prompts for the sign-in, with the password hidden', async () => {
    await write({ 'a.json': workflow('A') })
    const asked: [string, boolean][] = []
    const ask = async (question: string, hidden: boolean) => {
      asked.push([question, hidden])
      return hidden ? 'right' : 'a@example.com'
    }
    expect(await run({}, { ask })).toBe(0)
    expect(asked).toEqual([
      ['Email: ', false],
      ['Password: ', true],
    ])
  })

  test('names the variables to set when there is no terminal', async () => {
    await write({ 'a.json': workflow('A') })
    expect(await run({})).toBe(exitCode.usage)
    expect(complaints).toEqual(['Set FLOWKEEP_TOKEN, or FLOWKEEP_EMAIL and FLOWKEEP_PASSWORD, to sign in.'])
    expect(server.paths).toEqual([])
  })

  test.each([
    ['a wrong password', { FLOWKEEP_EMAIL: 'a@example.com', FLOWKEEP_PASSWORD: 'wrong' }, 'Wrong password'],
    ['an expired token', { FLOWKEEP_TOKEN: 'old' }, 'Sign in'],
    [
      'an invalid URL',
      { FLOWKEEP_TOKEN: 'x', FLOWKEEP_URL: 'ftp://x' },
      'FLOWKEEP_URL must be an HTTP or HTTPS URL, such as https://flowkeep.example.com.',
    ],
  ])('stops at %s', async (_, env, complaint) => {
    await write({ 'a.json': workflow('A') })
    expect(await run(env)).not.toBe(0)
    expect(complaints).toEqual([complaint])
    expect(server.kept).toEqual([])
  })

  test('draws progress up to the last file on a terminal', async () => {
    await write({ 'a.json': workflow('A'), 'b.json': workflow('B') })
    const drawn: string[] = []
    await run(undefined, { progress: (line) => drawn.push(line) })
    expect(drawn.findLast((line) => line !== '')).toBe(`[${'#'.repeat(30)}] 2/2`)
    expect(drawn.at(-1)).toBe('')
  })

  test('imports the rest when a path does not exist, and exits with a code for scripts', async () => {
    await write({ 'a.json': workflow('A') })
    expect(await run(undefined, {}, [folder, path.join(folder, 'absent')])).toBe(exitCode.partial)
    expect(printed).toEqual(['1 created, 0 already existed, 0 rejected'])
  })

  test('uses the port in PORT unless FLOWKEEP_URL is set', async () => {
    await write({ 'a.json': workflow('A') })
    const called = new Set<string>()
    const fetch: ImportIo['fetch'] = (url, call) => {
      called.add(new URL(url).origin)
      return server.fetch(url, call)
    }
    await run({ FLOWKEEP_TOKEN: 'token-1', PORT: '9001' }, { fetch })
    expect([...called]).toEqual(['http://127.0.0.1:9001'])
  })

  test('reports a path that does not exist', async () => {
    expect(await run(undefined, {}, [path.join(folder, 'absent')])).toBe(1)
    expect(complaints).toEqual([expect.stringContaining('no such file or folder'), 'No .json files found.'])
  })
})
