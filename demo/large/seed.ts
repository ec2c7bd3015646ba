/** @module Seeds a database with the demo account and its 60 days of history. */
import { v7 as uuidv7 } from 'uuid'
import type { Deps } from '../../src/deps.ts'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import type { IncomingExecution } from '../../src/executions/record/merge.ts'
import { readPayload } from '../../src/executions/reports/payload.ts'
import { trimExecutionData } from '../../src/executions/retention.ts'
import { addAlertRules, openIncidents } from './alerts.ts'
import { Timeline, n8nIdOf } from './timeline.ts'
import { finish } from './finish.ts'
import { demoWorkflows } from './flows.ts'
import { openRunCount, type Report, reportsOf } from './reports.ts'
import { dayMs, historyDays, planRuns } from './traffic.ts'
import { flowsOf, type Server } from './workflow.ts'

/** Stays within the statement timeout on the embedded database. */
const batchSize = 250
const changesPerRollUp = 1000

export interface DemoAccount {
  email: string
  name: string
  password: string
}

export interface SeedSummary {
  userId: string
  workflows: number
  versions: number
  executions: number
  durationMs: number
}

/**
 * @param clock the clock behind `deps.now`. Moves from the first day to `now` and stays there
 * @throws {AppError} `email-taken`
 */
export async function seedLargeDemo(
  deps: Deps,
  clock: { now: Date },
  account: DemoAccount,
  progress: (line: string) => void = () => undefined,
): Promise<SeedSummary> {
  const beganAtMs = Date.now()
  const nowMs = clock.now.getTime()
  const moments: { id: string; atMs: number }[] = []
  /** Later audit events get this time. */
  const moveTo = (atMs: number) => {
    clock.now = new Date(atMs)
    moments.push({ id: uuidv7(), atMs })
  }
  moveTo(nowMs - (historyDays + 1) * dayMs)
  const password = await deps.hasher.hash(account.password, 'operator')
  const { user } = await deps.users.create({ email: account.email, name: account.name, password })

  const flows = new Map(demoWorkflows.map((workflow) => [workflow, flowsOf(workflow)]))
  const workflowOf = new Map(
    demoWorkflows.flatMap((workflow) => workflow.deployments.map((each) => [each, workflow] as const)),
  )
  const reports = reportsOf(
    planRuns(demoWorkflows, nowMs, openRunCount),
    flows,
    (deployment) => n8nIdOf(workflowOf.get(deployment) ?? { name: '' }, deployment),
    nowMs,
  )
  progress(`Recording ${reports.length.toLocaleString('en')} runs…`)

  const timeline = new Timeline(deps, user.id, nowMs)
  const ledger = new Ledger(deps, timeline.servers)
  let next = 0
  for (const { atMs, server, run } of timeline.events(flows)) {
    for (; next < reports.length; next += 1) {
      const report = reports[next]
      if (!report || report.receivedAtMs >= atMs) break
      await ledger.add(report)
    }
    if (server !== undefined) await ledger.flush(server)
    moveTo(atMs)
    await run()
  }
  for (const report of reports.slice(next)) await ledger.add(report)
  await ledger.flushAll()
  moveTo(nowMs - 20 * dayMs)
  await addAlertRules(deps, user.id, nowMs)
  progress('Rolling up…')
  moveTo(nowMs)
  await finish(deps, { userId: user.id, nowMs, moments, timeline })
  while ((await rollUpChanges(deps.db, { limit: changesPerRollUp })) > 0);
  await openIncidents(deps, user.id, nowMs)
  await trimExecutionData(deps.db, clock.now, { retentionDays: deps.config.executionRetention.dataDays })
  return {
    userId: user.id,
    workflows: demoWorkflows.length,
    versions: timeline.versions.length,
    executions: ledger.recorded,
    durationMs: Date.now() - beganAtMs,
  }
}

/** Records runs in batches, each with its own time of receipt. */
class Ledger {
  recorded = 0
  readonly #deps: Deps
  readonly #servers: Map<Server, string>
  readonly #waiting = new Map<Server, IncomingExecution[]>()

  constructor(deps: Deps, servers: Map<Server, string>) {
    this.#deps = deps
    this.#servers = servers
  }

  async add({ server, receivedAtMs, execution }: Report): Promise<void> {
    const read = readPayload(execution, new Date(receivedAtMs))
    if (!read.ok || !read.execution) throw new Error('A demo run cannot be parsed')
    const waiting = this.#waiting.get(server) ?? []
    waiting.push(read.execution)
    this.#waiting.set(server, waiting)
    if (waiting.length >= batchSize) await this.flush(server)
  }

  async flush(server: Server): Promise<void> {
    const waiting = this.#waiting.get(server) ?? []
    if (waiting.length === 0) return
    this.#waiting.delete(server)
    const recorded = await ingest(this.#deps.db, this.#servers.get(server) ?? '', waiting, 'poll')
    if (recorded.includes(undefined)) throw new Error('A demo run matches no deployment')
    this.recorded += recorded.length
  }

  async flushAll(): Promise<void> {
    for (const server of [...this.#waiting.keys()]) await this.flush(server)
  }
}
