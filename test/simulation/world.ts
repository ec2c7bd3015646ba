/**
 * @module One simulated life of Flowkeep: two processes on one PGlite, an n8n per instance and a client that retries.
 * A scheduler decides which request is answered next, which answers are lost and when a process dies.
 */
import { createHash } from 'node:crypto'
import { createApp } from '../../src/app.ts'
import { createDeps, type Deps } from '../../src/deps.ts'
import { housekeepingPart } from '../../src/housekeeping.ts'
import type { TestDatabase } from '../harness/database.ts'
import { databaseFaults, failBy, isAfter, never } from '../harness/database-faults.ts'
import { brokenInvariants } from '../harness/invariants.ts'
import type { N8nStub } from '../harness/n8n-stub.ts'
import type { StubMode } from '../harness/n8n-stub-faults.ts'
import type { StubExecution, StubExecutionStatus } from '../harness/n8n-stub-state.ts'
import { orders } from '../deployments/orders.ts'
import { expectRollupsToBeARecount } from '../executions/rollup-recount.ts'
import { beDeterministic, type Determinism } from './determinism.ts'
import { createSite, type Fixture, runtimeOf, startMs } from './fixture.ts'
import { Monitor } from './monitor.ts'

export class BrokenInvariant extends Error {}

const parts = [
  'deployments',
  'leftovers',
  'reconcile',
  'rollups',
  'drift',
  'retries',
  'dead-letters',
  'abandoned-executions',
]
const n8nFaults: StubMode[] = [
  'refuse',
  'reset',
  'reset-after-apply',
  'reset-after-apply',
  'timeout',
  'timeout-after-apply',
  'http500',
  'http500-after-apply',
  'http502-html',
  'http503',
  'html200-after-apply',
  '429',
  '4xx',
]
interface Parked {
  label: string
  process: Process | null
  release: () => void
}

interface Process {
  number: number
  deps: Deps
  app: ReturnType<typeof createApp>
  isDead: boolean
  death: Promise<'dead'>
  die: () => void
}

interface Site {
  instanceId: string
  token: string
  stub: N8nStub
}

/** Identified by its idempotency key until the client knows its ID. */
interface WantedDeployment {
  site: Site
  workflow: string
  id: string | null
  key: string
}

interface Report {
  site: Site
  id: string
  status: StubExecutionStatus
}

interface Result {
  rows: unknown[]
}

export interface SimulationResult {
  seed: number
  steps: number
  hash: string
  trace: string[]
  faults: number
  crashes: number
}

export async function simulate(fixture: Fixture, seed: number): Promise<SimulationResult> {
  await fixture.begin(seed)
  const determinism = beDeterministic(seed, startMs)
  const simulation = new Simulation(fixture, seed, determinism)
  try {
    return await simulation.run()
  } catch (error) {
    throw new BrokenInvariant(
      `Replay it with: npm run test:simulation -- --seeds 1 --from ${seed}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n` +
        `The last steps:\n${simulation.trace.slice(-40).join('\n')}`,
      { cause: error },
    )
  } finally {
    // What the seed left behind must not continue in the next one.
    await determinism.quiet()
    determinism.restore()
  }
}

class Simulation {
  readonly trace: string[] = []
  readonly #fixture: Fixture
  readonly #database: TestDatabase
  readonly #seed: number
  readonly #time: Determinism
  readonly #hash = createHash('sha256')
  readonly #monitor: Monitor
  #parked: Parked[] = []
  #processes: Process[] = []
  #started = 0
  #crashes = 0
  #faults = 0
  #isFaulty = false
  #faultRate = 0
  /** Work of clients and jobs that has not ended. */
  readonly #open = new Set<{ label: string }>()
  #failure: unknown
  #sites: Site[] = []
  #workflows: { id: string; path: string; versions: number }[] = []
  #deployments: WantedDeployment[] = []
  #acknowledged: Report[] = []

  constructor(fixture: Fixture, seed: number, time: Determinism) {
    this.#fixture = fixture
    this.#database = fixture.database
    this.#seed = seed
    this.#time = time
    this.#monitor = new Monitor(fixture.database, () => time.nowMs())
  }

  async run(): Promise<SimulationResult> {
    await this.#setUp()
    this.#isFaulty = true
    this.#faultRate = this.#pick([0.02, 0.08, 0.2])
    const actions = 8 + this.#below(18)
    for (let done = 0; done < actions || this.#open.size > 0; ) {
      await this.#time.quiet()
      this.#throwFailure()
      // Few at first, then many at the same time.
      const isStarting = done < actions && (this.#parked.length === 0 || this.#chance(0.25))
      if (isStarting) {
        done += 1
        this.#start()
      } else if (this.#parked.length > 0 && !this.#chance(0.04)) {
        await this.#release()
      } else if (this.#time.hasTimers()) {
        this.trace.push('FIRE ' + this.#time.nowMs())
        this.#time.fireNext()
        this.trace.push('FIRED ' + this.#time.nowMs())
      } else if (this.#parked.length > 0) {
        await this.#release()
      } else if (this.#open.size > 0 && done >= actions) {
        throw this.#stuck()
      }
      if (this.#chance(0.015)) this.#crash()
      if (this.#chance(0.03)) this.#jump()
    }
    await this.#converge()
    await this.#check()
    return {
      seed: this.#seed,
      steps: this.trace.length,
      hash: this.#hash.digest('hex'),
      trace: this.trace,
      faults: this.#faults,
      crashes: this.#crashes,
    }
  }

  // The scheduler

  #below = (limit: number) => Math.floor(this.#time.random() * limit)
  #chance = (probability: number) => this.#time.random() < probability
  #pick = <T>(items: readonly T[]): T => items[this.#below(items.length)]!

  #note(line: string): void {
    const noted = `${this.#time.nowMs() - startMs} ${line}`
    this.trace.push(noted)
    this.#hash.update(noted)
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Waits until the scheduler continues this request. Never, if its process is dead by then. */
  async #turn(label: string, process: Process | null): Promise<void> {
    if (process?.isDead) return never()
    await new Promise<void>((release) => {
      this.#parked.push({ label, process, release })
    })
    if (process?.isDead) await never()
  }

  async #release(): Promise<void> {
    const [next] = this.#parked.splice(this.#below(this.#parked.length), 1)
    this.#note(`${next!.process?.number ?? '-'} ${next!.label}`)
    next!.release()
    await this.#time.quiet()
  }

  /** Runs until nothing waits, with the clock moving only to timers. */
  async #settle(): Promise<void> {
    for (let steps = 0; steps < 20_000; steps += 1) {
      await this.#time.quiet()
      this.#throwFailure()
      if (this.#parked.length > 0) await this.#release()
      else if (this.#open.size === 0) return
      else if (this.#time.hasTimers()) this.#time.fireNext()
      else throw this.#stuck()
    }
    throw new Error('Work does not end')
  }

  #background(label: string, work: () => Promise<unknown>): void {
    this.#note(`start ${label}`)
    const open = { label }
    this.#open.add(open)
    void work()
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#open.delete(open)
      })
  }

  #stuck = () => new Error(`These are stuck: ${Array.from(this.#open, ({ label }) => label).join(', ')}`)

  #jump(): void {
    const ms = this.#pick([1000, 20_000, 61_000, 130_000, 600_000])
    this.#time.advance(ms)
    this.#note(`clock +${ms}`)
  }

  // Processes

  #boot(): Process {
    let die = (): void => undefined
    const death = new Promise<'dead'>((resolve) => {
      die = () => resolve('dead')
    })
    const process = { number: (this.#started += 1), isDead: false, death, die } as Process
    const runtime = runtimeOf({
      // Not part of the hash, because it contains durations.
      writeLog: (line, level) => void (level === 'error' && this.trace.push(line)),
      databaseFetch: (request) => untilAborted(request.signal, this.#query(process, request)),
      instanceFetch: (input, init) => untilAborted(init?.signal, this.#callN8n(process, input, init)),
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    })
    process.deps = createDeps(this.#fixture.config, runtime)
    process.app = createApp(process.deps)
    this.#note(`boot ${process.number}`)
    return process
  }

  #crash(): void {
    const index = this.#below(this.#processes.length)
    const process = this.#processes[index]!
    process.isDead = true
    this.#crashes += 1
    this.#note(`crash ${process.number}`)
    // What was sent may still be applied, so some requests of the dead process stay in the queue.
    this.#parked = this.#parked.filter((each) => each.process !== process)
    process.die()
    this.#processes[index] = this.#boot()
  }

  // The database

  async #query(process: Process, request: Request): Promise<Response> {
    const text = await request.text()
    const { signal, url, method, headers } = request
    const send = () =>
      this.#time.track(() => this.#database.gateway.fetch(new Request(url, { method, headers, body: text })))
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
    await this.#turn(`sql ${digest} ${verbOf(text)}`, process)
    // The request was canceled, or it arrives late.
    if (signal.aborted && this.#chance(0.5)) return never()
    const isCanceled = signal.aborted
    const fault =
      !isCanceled && this.#isFaulty && this.#chance(this.#faultRate) ? this.#pick(databaseFaults) : null
    if (fault !== null) {
      this.#faults += 1
      this.#note(`fault ${fault}`)
      if (!isAfter(fault)) return failBy(fault, '')
    }
    const response = await send()
    const answer = await response.text()
    const body = response.ok ? ordered(text, answer) : answer
    this.#note(`${response.status} ${createHash('sha256').update(body).digest('hex').slice(0, 12)}`)
    if (!response.ok) this.trace.push(body)
    await this.#time
      .track(() => this.#monitor.afterStatement(text, this.#sites))
      .catch((error: unknown) => {
        this.#failure ??= error
      })
    if (isCanceled) return never()
    if (fault !== null) return failBy(fault, body)
    return new Response(body, { status: response.status, headers: response.headers })
  }

  // n8n

  async #callN8n(process: Process, input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const site = this.#sites.find(({ stub }) => request.url.startsWith(stub.baseUrl))
    if (!site) throw new TypeError('fetch failed')
    const { pathname, search } = new URL(request.url)
    await this.#turn(`n8n ${request.method} ${pathname}${search}`, process)
    const signal = init?.signal
    const isCanceled = signal?.aborted === true
    if (isCanceled && this.#chance(0.5)) return never()
    if (!isCanceled && this.#isFaulty && this.#chance(this.#faultRate)) {
      const mode = this.#pick(n8nFaults)
      this.#faults += 1
      this.#note(`fault ${mode}`)
      site.stub.failNext({
        step: '*',
        mode,
        ...(mode === '429' && { retryAfterSeconds: 1 + this.#below(90) }),
      })
    }
    // A canceled request arrives without anyone who waits for its answer.
    const { signal: _, ...sent } = init ?? {}
    const answer = site.stub.fetch(input, isCanceled ? sent : init)
    void answer.then(
      ({ status }) => this.#note(`n8n ${status}`),
      () => this.#note('n8n failed'),
    )
    return isCanceled ? never() : answer
  }

  // What happens

  async #setUp(): Promise<void> {
    this.#processes = [this.#boot(), this.#boot()]
    const count = () => (this.#chance(0.7) ? 1 : 2)
    const { instances, workflows } = this.#fixture
    for (const [number, { id: instanceId, token }] of instances.slice(0, count()).entries())
      this.#sites.push({ instanceId, token, stub: await createSite(number) })
    this.#workflows = workflows.slice(0, count()).map((each) => ({ ...each, versions: 1 }))
    for (const site of this.#sites) {
      for (const { id: workflow } of this.#workflows) {
        const key = `deploy ${this.#deployments.length}`
        this.#deployments.push({ site, workflow, id: null, key })
      }
    }
  }

  /** Null when the process died before it answered. */
  async #call(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
    // oxlint-disable-next-line typescript/no-explicit-any -- any member is read
  ): Promise<{ status: number; body: any } | null> {
    const process = this.#pick(this.#processes)
    const answered = async () => {
      const user = { userId: this.#fixture.userId, sessionId: this.#fixture.userId }
      const { accessToken } = await process.deps.accessTokens.sign(user)
      const response = await process.app.request(path, {
        method,
        headers: {
          Authorization: `Bearer ${accessToken}`,
          ...(body && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      return { status: response.status, text: await response.text(), headers: response.headers }
    }
    const answer = await Promise.race([answered(), process.death])
    if (answer === 'dead') return null
    this.#note(`${method} ${path} ${answer.status}`)
    if (answer.status >= 400) this.trace.push(answer.text)
    const isShed = [429, 502, 503, 504].includes(answer.status)
    if (answer.status === 500 || (answer.status === 503 && !answer.headers.has('retry-after')))
      throw new Error(`${method} ${path} failed with ${answer.status}: ${answer.text}`)
    if (isShed) return { status: answer.status, body: null }
    return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) }
  }

  #start(): void {
    const roll = this.#below(100)
    const deployment = this.#pick(this.#deployments)
    if (roll < 20) this.#background('deploy', () => this.#deploy(deployment))
    else if (roll < 28) this.#background('change', () => this.#change())
    else if (roll < 38) this.#background('act', () => this.#act(deployment))
    else if (roll < 55) this.#execute(deployment)
    else if (roll < 68) this.#report()
    else if (roll < 76) {
      const { instanceId } = deployment.site
      this.#background('poll', () => this.#call('POST', '/v1/executions/poll', { instanceId }))
    } else {
      const process = this.#pick(this.#processes)
      const part = this.#pick(parts)
      this.#background(`job ${part}`, () =>
        Promise.race([housekeepingPart(process.deps, part), process.death]),
      )
    }
  }

  async #deploy(deployment: WantedDeployment): Promise<void> {
    const { site, workflow, key, id } = deployment
    if (id !== null) {
      await this.#call('POST', `/v1/deployments/${id}/deploy`, {})
      return
    }
    const body = { workflowId: workflow, instanceId: site.instanceId }
    const answer = await this.#call('POST', '/v1/deployments', body, { 'Idempotency-Key': key })
    if (answer?.status === 201) {
      if (deployment.id !== null && deployment.id !== answer.body.id)
        throw new Error('Two deployments for one key')
      deployment.id = answer.body.id
    }
  }

  async #change(): Promise<void> {
    const workflow = this.#pick(this.#workflows)
    workflow.versions += 1
    const content = orders({ path: workflow.path, text: `v${workflow.versions}` })
    await this.#call('PATCH', `/v1/workflows/${workflow.id}`, { workflow: content }, { 'If-Match': '*' })
  }

  async #act({ id }: WantedDeployment): Promise<void> {
    if (id === null) return
    const action = this.#pick(['retry', 'undeploy', 'activate', 'deactivate', 'retry'])
    await this.#call('POST', `/v1/deployments/${id}/${action}`)
  }

  /** n8n runs a live workflow, or ends a run. */
  #execute({ site }: WantedDeployment): void {
    const open = site.stub.state.executions.filter(
      ({ status }) => status === 'running' || status === 'waiting',
    )
    if (open.length > 0 && this.#chance(0.4)) {
      const execution = this.#pick(open)
      const status = this.#pick(['success', 'error', 'canceled', 'waiting'] as const)
      const stoppedAt = new Date().toISOString()
      Object.assign(execution, { status, finished: status === 'success', stoppedAt })
      this.#note(`n8n ended ${execution.id} ${status}`)
      return
    }
    const live = [...site.stub.state.workflows.values()].filter(
      ({ isLive, name }) => isLive && name.startsWith('Orders'),
    )
    if (live.length === 0) return
    for (let count = 1 + this.#below(3); count > 0; count -= 1) {
      const status = this.#pick(['success', 'success', 'error', 'running', 'waiting'] as const)
      const { id } = site.stub.addExecution({ workflowId: this.#pick(live).id, status })
      this.#note(`n8n ran ${id} ${status}`)
    }
  }

  /** n8n reports some of its latest executions, in any order and several times. */
  #report(): void {
    const site = this.#pick(this.#sites)
    const executions = site.stub.state.executions.slice(-6)
    if (executions.length === 0) return
    const sent = Array.from({ length: 1 + this.#below(4) }, () => reportOf(this.#pick(executions)))
    this.#background('report', async () => {
      const headers = { Authorization: `Bearer ${site.token}` }
      const answer = await this.#call('POST', `/hooks/n8n/${site.instanceId}`, sent, headers)
      if (answer === null || answer.status >= 300) return
      for (const { id, status } of sent) this.#acknowledged.push({ site, id, status })
    })
  }

  // The end

  /** Without faults, clients and jobs finish everything that was begun. */
  async #converge(): Promise<void> {
    this.#isFaulty = false
    for (const { stub } of this.#sites) stub.clearFaults()
    for (const process of this.#processes) {
      process.isDead = true
      process.die()
    }
    this.#parked = []
    this.#processes = [this.#boot()]
    const [{ deps }] = this.#processes as [Process]
    for (const deployment of this.#deployments)
      if (deployment.id === null) this.#background('last deploy', () => this.#deploy(deployment))
    await this.#settle()
    // A job may have looked already: requests here arrive later than any network delivers them.
    for (const id of this.#monitor.cleanUps)
      await this.#database
        .sql`update deployments set clean_up_at = ${new Date(this.#time.nowMs()).toISOString()} where id = ${id}`
    for (let round = 0; ; round += 1) {
      this.#time.advance(5 * 60_000)
      for (const deployment of this.#deployments) {
        if (deployment.id === null) this.#background('last deploy', () => this.#deploy(deployment))
        await this.#settle()
      }
      for (const part of ['deployments', 'leftovers', 'reconcile', 'retries', 'dead-letters', 'rollups'])
        this.#background(`job ${part}`, () => housekeepingPart(deps, part))
      await this.#settle()
      const unsettled = await this.#database.sql`select id, status, step, error from deployments
        where status in ('pending', 'deploying', 'failed')`
      for (const { id, status } of unsettled) {
        if (status === 'failed')
          this.#background('last retry', () => this.#call('POST', `/v1/deployments/${String(id)}/retry`))
      }
      await this.#settle()
      const isPolled = await this.#database.sql`select 1 from instances i where poll_cursor is not null
        or exists (select from deployments d where d.instance_id = i.id and d.n8n_workflow_id is not null)
          and (last_polled_at is null or last_polled_at < ${new Date(this.#time.nowMs() - 290_000).toISOString()})`
      const uncleaned = await this.#database.sql`select 1 from deployments where clean_up_at is not null`
      const isDone =
        unsettled.length === 0 && uncleaned.length === 0 && this.#deployments.every(({ id }) => id !== null)
      if (round > 0 && isDone && isPolled.length === 0) return
      if (round > 24)
        throw new Error(`Does not converge: ${JSON.stringify({ unsettled, uncleaned, isPolled })}`)
    }
  }

  async #check(): Promise<void> {
    const { sql } = this.#database
    const broken: Record<string, unknown> = await brokenInvariants(sql)
    const executions =
      await sql`select e.n8n_execution_id as id, e.instance_id as instance, e.status from executions e`
    const letters = await sql`select n8n_execution_id as id, instance_id as instance from dead_letters`
    const recorded = new Map(
      executions.map((row) => [`${String(row['instance'])} ${String(row['id'])}`, String(row['status'])]),
    )
    const dead = new Set(letters.map((row) => `${String(row['instance'])} ${String(row['id'])}`))
    const lost = this.#acknowledged.filter(({ site, id }) => {
      const name = `${site.instanceId} ${id}`
      return !recorded.has(name) && !dead.has(name)
    })
    if (lost.length > 0)
      broken['acknowledged reports that are lost'] = lost.map(({ id, status }) => `${id} ${status}`)

    const deployments =
      await sql`select id, instance_id, status, n8n_workflow_id, version, error from deployments`
    for (const { stub, instanceId } of this.#sites) {
      const here = deployments.filter((row) => row['instance_id'] === instanceId)
      const existing = here
        .filter(({ status, n8n_workflow_id }) => status !== 'undeployed' && n8n_workflow_id !== null)
        .map((row) => String(row['n8n_workflow_id']))
      const remote = [...stub.state.workflows.values()].filter(({ name }) => !name.startsWith('Flowkeep: '))
      const ids = remote.map(({ id }) => id).toSorted()
      if (ids.join() !== existing.toSorted().join())
        broken['workflows in n8n'] = {
          remote: remote.map(({ id, name }) => `${id} ${name}`),
          deployments: here,
        }
      for (const row of here) {
        const live = stub.state.workflows.get(String(row['n8n_workflow_id']))?.isLive ?? false
        if (live !== (row['status'] === 'active')) broken['live in n8n'] = row
      }
      const reporters = stub.state.workflows.size - remote.length
      if (reporters !== (existing.length > 0 ? 1 : 0)) broken['error reporters'] = reporters
      const secrets = [...stub.state.credentials.values()].filter(({ type }) => type === 'slackApi')
      if (secrets.length !== (existing.length > 0 ? 1 : 0)) broken['credentials in n8n'] = secrets.length
      for (const execution of stub.state.executions) {
        if (!existing.includes(execution.workflowId)) continue
        const status = recorded.get(`${instanceId} ${execution.id}`)
        if (status !== execution.status)
          broken[`execution ${execution.id}`] = [execution.status, status ?? 'missing']
      }
    }
    if (Object.keys(broken).length > 0) throw new Error(JSON.stringify(broken, null, 2))
    await expectRollupsToBeARecount(sql, [this.#fixture.userId])
  }
}

function reportOf({ id, workflowId, status, startedAt, stoppedAt }: StubExecution) {
  return {
    id,
    workflowId,
    status,
    startedAt,
    stoppedAt: ['running', 'waiting', 'new'].includes(status) ? null : stoppedAt,
  }
}

/** Rejects as soon as the caller stops waiting, like `fetch`. The request itself continues. */
async function untilAborted<T>(signal: AbortSignal | null | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      const abort = () => reject(signal.reason as Error)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    }),
  ])
}

function queriesOf(text: string): string[] {
  const payload: { query: string } | { queries: { query: string }[] } = JSON.parse(text)
  return ('queries' in payload ? payload.queries : [payload]).map(({ query }) => query)
}

/** The first words of a request to the database. */
const verbOf = (text: string): string =>
  queriesOf(text)
    .map((query) => query.trim().replaceAll(/\s+/g, ' ').slice(0, 48))
    .join('; ')

/** Whether `order by` occurs outside of parentheses. */
function isOrdered(query: string): boolean {
  let rest = query
  for (let before = ''; before !== rest; ) {
    before = rest
    rest = rest.replaceAll(/\([^()]*\)/g, '')
  }
  return /\border by\b/i.test(rest)
}

/** Sorts rows that come in no particular order, because their order depends on what ran in the database before. */
function ordered(text: string, answer: string): string {
  const payload: Result | { results: Result[] } = JSON.parse(answer)
  const results = 'results' in payload ? payload.results : [payload]
  for (const [index, query] of queriesOf(text).entries()) {
    const rows = results[index]?.rows
    if (rows === undefined || rows.length < 2 || isOrdered(query)) continue
    const sorted = rows.map((row) => JSON.stringify(row)).toSorted()
    results[index]!.rows = sorted.map((row) => JSON.parse(row))
  }
  return JSON.stringify(payload)
}
