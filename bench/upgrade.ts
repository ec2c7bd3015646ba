/**
 * Upgrades a database under load: `npx tsx bench/upgrade.ts --old <git ref or folder> [--seconds 65] [--users 4]
 * [--workflows 500] [--runs 20000]`, by default from the commit before the newest migration. As docs/deploy-from-ci.md
 * describes: the old release serves requests on a real Postgres while `migrate --expand` of this release runs; then both
 * releases serve; then the old one stops on SIGTERM, and `migrate` runs. Exits with 1 if a request failed, if a server
 * logged an error, or if the new release does not return what the old one had stored. Takes about five minutes.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual, parseArgs, promisify } from 'node:util'
import { Client } from 'pg'
import { generateKeys } from '../src/cli/server/state.ts'
import { sleep } from '../src/lib/retry.ts'
import { createN8nStub } from '../test/harness/n8n-stub.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'

const { values: given } = parseArgs({
  options: {
    old: { type: 'string' },
    seconds: { type: 'string', default: '65' },
    users: { type: 'string', default: '4' },
    workflows: { type: 'string', default: '500' },
    runs: { type: 'string', default: '20000' },
  },
})
/** Of the phases in which one release serves. Over a minute: the scheduled job of each release runs in each. */
const seconds = Number(given.seconds)
const userCount = Number(given.users)
const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout.trim()

// Releases ---------------------------------------------------------------------------------------------------------

interface Release {
  name: string
  folder: string
}

async function beforeNewestMigration(): Promise<string> {
  const journal = JSON.parse(await readFile(join(root, 'drizzle/meta/_journal.json'), 'utf8'))
  const newest = `drizzle/${journal.entries.at(-1).tag}.sql`
  return `${await git('log', '-1', '--diff-filter=A', '--format=%H', '--', newest)}^`
}

/** Checks out, installs and builds a release, as docs/deploy-node.md describes. */
async function oldRelease(home: string): Promise<Release> {
  const ref = given.old ?? (await beforeNewestMigration())
  const isFolder = await stat(ref).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const folder = isFolder ? resolve(ref) : join(home, 'old')
  if (!isFolder) await git('worktree', 'add', '--detach', folder, ref)
  if (!existsSync(join(folder, 'node_modules'))) {
    const locks = [root, folder].map((each) => readFile(join(each, 'package-lock.json'), 'utf8'))
    const [ours, theirs] = await Promise.all(locks)
    if (ours === theirs) await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    else await run('npm', ['ci', '--omit=dev'], { cwd: folder })
  }
  const { stdout: commit } = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: folder })
  return { name: `old (${commit.trim()})`, folder }
}

const build = ({ folder }: Release) => run(process.execPath, ['scripts/build.js'], { cwd: folder })

const cli = async ({ folder }: Release, args: string[], env: Record<string, string>) => {
  const { stdout, stderr } = await run(process.execPath, [join(folder, 'dist/node/flowkeep.js'), ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], ...env },
    maxBuffer: 1 << 26,
  })
  return stdout + stderr
}

interface Server {
  url: string
  child: ChildProcess
  /** Log lines of the levels warn and error. */
  faults: string[]
  stop: () => Promise<number | null>
}

const started: ChildProcess[] = []

async function serve(release: Release, env: Record<string, string>): Promise<Server> {
  const port = await freePort()
  const child = spawn(process.execPath, [join(release.folder, 'dist/node/flowkeep.js'), 'serve'], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], ...env, PORT: String(port), HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  const exited = new Promise<number | null>((done) => child.once('exit', done))
  const faults: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      faults.push(...lines.filter((line) => line !== '' && !line.includes('"level":"info"')))
    })
  }
  const url = `http://127.0.0.1:${port}`
  while (
    !(await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`${release.name} did not start: ${faults.join('\n')}`)
    await sleep(100)
  }
  const stop = () => {
    child.kill('SIGTERM')
    return exited
  }
  return { url, child, faults, stop }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  if (address === null || typeof address === 'string') throw new Error('No free port')
  return address.port
}

// Load -------------------------------------------------------------------------------------------------------------

// biome-ignore lint/suspicious/noExplicitAny: reads the answers of two releases
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any

interface Phase {
  name: string
  seconds: number
  times: number[]
  failures: string[]
}

const phases: Phase[] = []
const phase = () => phases.at(-1)!
/** The servers behind the load balancer. */
let targets: string[] = []
let turn = 0
/** Requests that conflicted with the scheduled job and were repeated after `Retry-After`. */
let retried = 0

async function during<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  phases.push({ name, seconds: 0, times: [], failures: [] })
  const result = await work()
  phase().seconds = (performance.now() - startedAt) / 1000
  return result
}

interface CallOptions {
  body?: unknown
  headers?: Record<string, string> | undefined
  token?: string | undefined
}

/** Any answer of 400 and above, and any lost connection, is a failure of the phase in which the request began. */
async function call(
  method: string,
  path: string,
  { body, headers, token }: CallOptions = {},
  retries = 0,
): Promise<Json> {
  const { times, failures } = phase()
  turn += 1
  const startedAt = performance.now()
  try {
    const response = await fetch(`${targets[turn % targets.length]}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    times.push(performance.now() - startedAt)
    const retryAfter = response.headers.get('Retry-After')
    // The scheduled job of a server is checking the same deployment.
    if (response.status === 409 && retryAfter !== null && retries < 3) {
      retried += 1
      await sleep(Number(retryAfter) * 1000)
      return await call(method, path, { body, headers, token }, retries + 1)
    }
    if (response.status >= 400) throw new Error(`${response.status} ${text.slice(0, 500)}`)
    return response.headers.get('Content-Type')?.includes('json') ? JSON.parse(text) : text
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error }
    failures.push(`${method} ${path}: ${message} ${cause?.message ?? ''}`)
    return undefined
  }
}

const workflowOf = (name: string, text: string) => ({
  name,
  nodes: [
    {
      id: 'n1',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: name.toLowerCase().replaceAll(/\W+/g, '-') },
    },
    {
      id: 'n2',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.2,
      position: [200, 0],
      parameters: { select: 'channel', channelId: { mode: 'name', value: '#a' }, text },
      credentials: { slackApi: { name: 'Team bot' } },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
  settings: {},
})

const diff = (expected: unknown, actual: unknown) =>
  [expected, actual].map((value) => JSON.stringify(value)?.slice(0, 200)).join(' became ')

/** A user, and everything that the server confirmed to have stored. */
class Account {
  readonly workflows = new Map<string, Json>()
  readonly deployments = new Map<string, Json>()
  readonly credentials = new Set<string>()
  readonly runs = new Set<string>()
  readonly #email = `load-${crypto.randomUUID()}@example.com`
  #tokens: Json
  #instance: Json
  #runId = 0

  async register(stub: { baseUrl: string; apiKey: string }): Promise<void> {
    const password = crypto.randomUUID()
    this.#tokens = await call('POST', '/v1/auth/register', { body: { email: this.#email, password } })
    if (this.#tokens === undefined) throw new Error(phase().failures.at(-1))
    this.#instance = await this.#api('POST', '/v1/instances', { body: { name: 'n8n', ...stub } })
    await this.addCredential('Team bot')
  }

  #api(method: string, path: string, options: CallOptions = {}): Promise<Json> {
    return call(method, path, { ...options, token: this.#tokens.accessToken })
  }

  async addCredential(name: string): Promise<void> {
    const body = { type: 'slackApi', name, data: { accessToken: `xoxb-${crypto.randomUUID()}` } }
    const added = await this.#api('POST', '/v1/credentials', { body })
    if (added) this.credentials.add(added.id)
  }

  /** Saves a workflow. Its webhook is its name: unique on the n8n server. */
  async save(title: string): Promise<Json> {
    const name = `${title} of ${this.#email.slice(0, 13)}`
    const prompt = `Post every order of ${name} to the channel of the team, and repeat it after a failure`
    const saved = await this.#api('POST', '/v1/workflows', {
      body: { workflow: workflowOf(name, prompt), prompt, model: 'a-model' },
    })
    if (saved) this.workflows.set(saved.id, saved)
    return saved
  }

  async deploy(workflowId: string): Promise<Json> {
    const body = { workflowId, instanceId: this.#instance.id }
    const created = await this.#api('POST', '/v1/deployments', { body })
    if (!created) return undefined
    const deployed = await this.#api('POST', `/v1/deployments/${created.id}/deploy`, { body: {} })
    if (!deployed) return undefined
    if (deployed.status !== 'active') phase().failures.push(`Not deployed: ${JSON.stringify(deployed)}`)
    this.deployments.set(deployed.id, deployed)
    return deployed
  }

  async report(deployment: Json, count: number): Promise<void> {
    const items = Array.from({ length: count }, (_, index) => {
      this.#runId += 1
      const at = new Date(Date.now() - index * 1000).toISOString()
      const base = { executionId: String(this.#runId), workflowId: deployment.n8nWorkflowId, startedAt: at }
      return this.#runId % 9 === 0
        ? { ...base, finishedAt: at, status: 'error', error: { message: 'No such channel', node: 'Slack' } }
        : { ...base, finishedAt: at, status: 'success' }
    })
    const answer = await call('POST', `/hooks/n8n/${this.#instance.id}`, {
      body: items,
      token: this.#instance.webhookToken,
    })
    for (const [index, { status }] of (answer?.results ?? []).entries()) {
      if (status < 300) this.runs.add(items[index]!.executionId)
      else phase().failures.push(`Report not recorded: ${JSON.stringify(answer.results[index])}`)
    }
  }

  async turn(number: number): Promise<void> {
    const saved = await this.save(`Load ${number}`)
    if (!saved) return
    await this.#api('GET', `/v1/workflows/${saved.id}`)
    const changed = await this.#api('PATCH', `/v1/workflows/${saved.id}`, {
      body: { workflow: workflowOf(saved.name, `Turn ${number}`), description: `Turn ${number}` },
      headers: { 'If-Match': `"${saved.version}"` },
    })
    if (changed) this.workflows.set(saved.id, changed)
    if (number % 3 === 0) await this.addCredential(`Slack ${number}`)
    const deployed = number % 2 === 0 ? await this.deploy(saved.id) : undefined
    if (deployed) await this.report(deployed, 5)
    await this.#api('GET', '/v1/workflows?limit=20')
    await this.#api('GET', `/v1/workflows?q=order`)
    await this.#api('GET', '/v1/executions?limit=20')
    await this.#api('GET', '/v1/deployments?limit=20')
    await this.#api('GET', '/v1/analytics/summary')
    if (number % 10 === 0) await this.refresh()
  }

  /** Each release accepts the sessions of the other. */
  async refresh(): Promise<void> {
    const { refreshToken } = this.#tokens
    const tokens = await call('POST', '/v1/auth/refresh', { body: { refreshToken } })
    if (tokens) this.#tokens = tokens
  }

  async #all(path: string): Promise<Json[]> {
    const items: Json[] = []
    let cursor = ''
    do {
      const page = await this.#api(
        'GET',
        `${path}?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      )
      items.push(...(page?.items ?? []))
      cursor = page?.nextCursor ?? ''
    } while (cursor)
    return items
  }

  /** Compares what the server confirmed with what it returns. */
  async differences(): Promise<string[]> {
    await this.refresh()
    const found: string[] = []
    const differs = (what: string, expected: unknown, actual: unknown) => {
      if (!isDeepStrictEqual(expected, actual)) found.push(`${what}: ${diff(expected, actual)}`)
    }
    const ids = (items: Iterable<string>) => [...items].toSorted()
    for (const [id, { name, description, version, workflow }] of this.workflows) {
      const now = await this.#api('GET', `/v1/workflows/${id}`)
      differs(
        `workflow ${id}`,
        { name, description, version, workflow },
        { name: now?.name, description: now?.description, version: now?.version, workflow: now?.workflow },
      )
    }
    for (const [id, { status, version, n8nWorkflowId }] of this.deployments) {
      const now = await this.#api('GET', `/v1/deployments/${id}`)
      differs(
        `deployment ${id}`,
        { status, version, n8nWorkflowId },
        { status: now?.status, version: now?.version, n8nWorkflowId: now?.n8nWorkflowId },
      )
    }
    const stored = async (path: string, key = 'id') => ids((await this.#all(path)).map((each) => each[key]))
    differs('workflows', ids(this.workflows.keys()), await stored('/v1/workflows'))
    differs('deployments', ids(this.deployments.keys()), await stored('/v1/deployments'))
    differs('credentials', ids(this.credentials), await stored('/v1/credentials'))
    differs('executions', ids(this.runs), await stored('/v1/executions', 'n8nExecutionId'))
    const summary = await this.#api('GET', '/v1/analytics/summary')
    differs('executions in statistics', this.runs.size, summary?.total)
    return found
  }
}

// The upgrade ------------------------------------------------------------------------------------------------------

const home = await mkdtemp(join(tmpdir(), 'flowkeep-upgrade-'))
const postgres = await startPostgres()
const stub = await createN8nStub()
const n8n = await stub.listen()
try {
  const fresh: Release = { name: 'new', folder: root }
  const old = await oldRelease(home)
  await Promise.all([build(old), build(fresh)])

  const admin = new Client({ connectionString: postgres.url })
  await admin.connect()
  for (const statement of [
    "create role flowkeep login password 'flowkeep' nosuperuser nobypassrls",
    "create database flowkeep owner flowkeep encoding 'UTF8' template template0",
    "alter role flowkeep set timezone = 'UTC'",
  ]) {
    await admin.query(statement)
  }
  await admin.end()
  const { port } = new URL(postgres.url)
  const env = {
    ...generateKeys(),
    DATABASE_URL: `postgresql://flowkeep:flowkeep@127.0.0.1:${port}/flowkeep`,
    PUBLIC_URL: 'http://127.0.0.1:8787',
    ALLOW_LOOPBACK_INSTANCES: 'true',
  }
  await cli(old, ['migrate'], env)
  const oldServer = await serve(old, env)
  targets = [oldServer.url]

  const accounts = Array.from({ length: userCount }, () => new Account())
  await during('prepare', async () => {
    for (const account of accounts) await account.register({ baseUrl: n8n.baseUrl, apiKey: stub.apiKey })
    await Promise.all(
      accounts.map(async (account) => {
        for (let index = 0; index < Number(given.workflows) / userCount; index += 1) {
          const saved = await account.save(`History ${index}`)
          if (index === 0) {
            const deployed = await account.deploy(saved.id)
            for (let runs = 0; runs < Number(given.runs) / userCount; runs += 250) {
              await account.report(deployed, 250)
            }
          }
        }
      }),
    )
  })

  const done = new AbortController()
  const load = accounts.map(async (account) => {
    for (let number = 1; !done.signal.aborted; number += 1) await account.turn(number)
  })
  await during('old release', () => sleep(Math.min(seconds, 15) * 1000))
  const plan = await cli(fresh, ['migrate', '--plan'], env)
  const expanded = await during('migrate --expand, old release', () =>
    cli(fresh, ['migrate', '--expand'], env),
  )
  await during('old release on the new schema', () => sleep(seconds * 1000))
  const newServer = await serve(fresh, env)
  targets = [oldServer.url, newServer.url]
  await during('both releases', () => sleep(seconds * 1000))
  targets = [newServer.url]
  const code = await during('old release stops', () => oldServer.stop())
  const contracted = await during('migrate, new release', () => cli(fresh, ['migrate'], env))
  await during('new release', () => sleep(Math.min(seconds, 15) * 1000))
  done.abort()
  await Promise.all(load)
  const differences = await during('compare', async () =>
    (await Promise.all(accounts.map((account) => account.differences()))).flat(),
  )
  await newServer.stop()

  console.log(`From ${old.name}:`)
  for (const line of plan.split('\n').filter((each) => /^-- \d{4}/.test(each))) console.log(`  ${line}`)
  console.log((expanded + contracted).trim())
  console.log('\n| Phase | s | requests | failed | p50, ms | longest, ms |\n|---|---:|---:|---:|---:|---:|')
  for (const { name, seconds: took, times, failures } of phases) {
    const sorted = times.toSorted((a, b) => a - b)
    const [p50, longest] = [sorted[Math.floor(sorted.length / 2)] ?? 0, sorted.at(-1) ?? 0]
    console.log(
      `| ${name} | ${took.toFixed(1)} | ${times.length} | ${failures.length} | ${p50.toFixed(0)} | ${longest.toFixed(0)} |`,
    )
  }
  const sum = (count: (account: Account) => number) => accounts.reduce((all, each) => all + count(each), 0)
  console.log(
    `\nCompared: ${sum(({ workflows }) => workflows.size)} workflows, ${sum(({ deployments }) => deployments.size)} deployments, ` +
      `${sum(({ credentials }) => credentials.size)} credentials, ${sum(({ runs }) => runs.size)} executions. ` +
      `Differences: ${differences.length}. The old release exited with ${code}.`,
  )
  const failures = phases.flatMap((each) => each.failures)
  const logged = [...oldServer.faults, ...newServer.faults]
  for (const line of [...failures, ...differences, ...logged].slice(0, 50)) console.log(line.slice(0, 300))
  const errors = logged.filter((line) => !line.includes('"level":"warn"'))
  console.log(
    `Failed requests: ${failures.length}, repeated after a conflict: ${retried}. Logged errors: ${errors.length}, warnings: ${logged.length - errors.length}.`,
  )
  process.exitCode = failures.length + differences.length + errors.length === 0 && code === 0 ? 0 : 1
} finally {
  for (const child of started) child.kill('SIGKILL')
  await n8n.close()
  await postgres.stop()
  if (existsSync(join(home, 'old'))) await git('worktree', 'remove', '--force', join(home, 'old'))
  await rm(home, { recursive: true, force: true })
}
