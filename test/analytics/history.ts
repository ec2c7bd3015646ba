/** A user's random history, recorded through ingest, and its recount in plain JavaScript. */
import { seeded } from '../harness/random.ts'
import { eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { durationErrorBound } from '../../src/analytics/contract.ts'
import { type RunFilter } from '../../src/runs/sources.ts'
import { AnalyticsRepository } from '../../src/analytics/repository.ts'
import { readFrom } from '../../src/db/replica.ts'
import { deployments } from '../../src/db/schema/deployments.ts'
import { type ExecutionStatus, incidents, type RunKind } from '../../src/db/schema/executions.ts'
import { workflows, workflowVersions } from '../../src/db/schema/workflows.ts'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import type { IncomingExecution } from '../../src/executions/record/merge.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createWorld } from '../executions/world.ts'
import type { TestDatabase } from '../harness/database.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
/** Not on the hour. Europe put its clocks back on 25 October, America on 1 November. */
export const now = new Date('2026-11-22T09:37:23.456Z')

export function randomFrom(seed: number) {
  const random = seeded(seed)
  const upTo = (end: number) => Math.floor(random() * end)
  return { random, upTo, oneOf: <T>(values: readonly T[]): T => values[upTo(values.length)] as T }
}

type Random = ReturnType<typeof randomFrom>

export interface Run {
  id: string
  workflowId: string
  workflowVersion: number
  deploymentId: string
  instanceId: string
  status: ExecutionStatus
  kind: RunKind
  happenedMs: number
  durationMs: number | null
  fingerprint: string | null
  httpStatus: number | null
  errorNode: string | null
  recordedMs: number
  nodes: RunNode[]
}

interface RunNode {
  name: string
  type: string | null
  startedAt: string | null
  durationMs: number | null
  items: number
  runs: number
  error: object | null
}

export interface Workflow {
  id: string
  name: string
  tags: string[]
  nodeTypes: string[]
  /** By version, starting at 1. */
  versions: { prompt: string | null; model: string | null }[]
  deleted: boolean
}

const nodeKinds = [
  ['Hook', 'n8n-nodes-base.webhook'],
  ['Fetch', 'n8n-nodes-base.httpRequest'],
  ['Post', 'n8n-nodes-base.slack'],
  ['Agent', '@n8n/n8n-nodes-langchain.agent'],
  ['Merge', null],
] as const

const failures = [
  ['Post', 'NodeApiError', 401, 'Authorization failed - please check your credentials'],
  ['Post', 'NodeApiError', 403, 'Forbidden - perhaps check your credentials?'],
  ['Fetch', 'NodeApiError', 429, 'The service is receiving too many requests from you'],
  ['Fetch', 'NodeApiError', 404, 'No customer 4711'],
  ['Agent', 'NodeOperationError', null, "Cannot read properties of undefined (reading 'email')"],
] as const

const statuses: readonly ExecutionStatus[] = [
  ...Array<ExecutionStatus>(12).fill('success'),
  'error',
  'error',
  'error',
  'crashed',
  'canceled',
  'running',
  'waiting',
  'new',
  'unknown',
]

/** Mostly production, and some of the other kinds. */
const modes = [
  'trigger',
  'trigger',
  'trigger',
  'webhook',
  'webhook',
  null,
  'retry',
  'manual',
  'evaluation',
  'integrated',
  'error',
] as const

function randomExecution(
  { random, upTo, oneOf }: Random,
  id: number,
  n8nWorkflowId: string,
): IncomingExecution {
  const spreadMs = 70 * dayMs
  const exact = now.getTime() + hourMs - upTo(spreadMs)
  const unit = oneOf([1, 1, 1, 1, hourMs, dayMs])
  const startedAtMs = Math.floor(exact / unit) * unit
  const status = oneOf(statuses)
  const durationMs = oneOf([0, 1, upTo(20), upTo(1000), Math.round(Math.exp(random() * 14)), upTo(100_000)])
  const isKnown = random() < 0.9
  const finishedAtMs = random() < 0.85 ? startedAtMs + (random() < 0.03 ? -5000 : durationMs) : null
  const receivedAtMs = Math.max(startedAtMs, finishedAtMs ?? 0) + upTo(random() < 0.1 ? 20 * dayMs : 10_000)
  const failing = ['error', 'crashed', 'canceled', 'unknown'].includes(status)
  const [node, errorClass, httpStatus, message] = oneOf(failures)
  const hasError = failing && random() < 0.9
  const nodes = nodeKinds
    .filter(() => random() < 0.6)
    .map(([name, type]) => ({
      name,
      type,
      status: 'success',
      startedAt: random() < 0.8 ? new Date(startedAtMs + upTo(60_000)).toISOString() : null,
      durationMs: random() < 0.9 ? upTo(5000) : null,
      items: upTo(40),
      runs: random() < 0.1 ? 1 + upTo(9) : 1,
      error: hasError && name === node ? { message, httpStatus } : null,
    }))
  return {
    n8nExecutionId: String(id),
    n8nWorkflowId,
    status,
    mode: oneOf(modes),
    n8nVersionId: null,
    retryOf: null,
    errorAtMs: null,
    startedAtMs: isKnown ? startedAtMs : null,
    finishedAtMs,
    eventAtMs: finishedAtMs ?? receivedAtMs,
    receivedAtMs,
    error: hasError
      ? { node, errorClass, httpStatus, message: message.replace('4711', String(upTo(10_000))) }
      : null,
    data: random() < 0.7 ? toRunData({ nodes }) : null,
  }
}

/** @param count executions of the user. Another user gets the same number */
export async function createHistory(
  database: TestDatabase,
  { seed, count }: { seed: number; count: number },
) {
  const world = createWorld(database)
  const { db } = database
  const random = randomFrom(seed)
  const made = [await makeUser(), await makeUser()] as const
  const [own, others] = made
  for (const { targets } of made) await deliver(targets)
  // Resources that can be deleted while their executions stay.
  const doomed = own.flows.at(-1)
  if (doomed) {
    await db.delete(workflows).where(eq(workflows.id, doomed.id))
    doomed.deleted = true
  }

  async function makeUser() {
    const userId = await world.user()
    const credentials = [
      await world.credential(userId, 'slackApi'),
      await world.credential(userId, 'slackApi'),
    ]
    const instanceIds = [(await world.instance(userId)).id, (await world.instance(userId)).id]
    const flows: Workflow[] = []
    const targets: { deploymentId: string; instanceId: string; n8nWorkflowId: string; workflowId: string }[] =
      []
    for (let index = 0; index < 5; index++) {
      const id = await world.workflow(userId, { versions: 3 })
      const kinds = nodeKinds.filter(() => random.random() < 0.7)
      const flow: Workflow = {
        id,
        name: `Flow ${index}`,
        tags: ['sales', 'ops', 'nightly'].filter(() => random.random() < 0.5),
        nodeTypes: kinds.flatMap(([, type]) => type ?? []),
        versions: [
          { prompt: null, model: null },
          { prompt: `Make flow ${index} ${'x'.repeat(600)}`, model: random.oneOf(['opus', 'gpt', null]) },
          { prompt: `Improve flow ${index}`, model: random.oneOf(['opus', 'gpt', null]) },
        ],
        deleted: false,
      }
      flows.push(flow)
      const { name, tags, nodeTypes } = flow
      await db.update(workflows).set({ name, tags, nodeTypes }).where(eq(workflows.id, id))
      const data = {
        nodes: nodeKinds.map(([nodeName, type]) => ({
          name: nodeName,
          type,
          typeVersion: 2,
          parameters: {},
        })),
      }
      for (const [at, version] of flow.versions.entries()) {
        await db
          .update(workflowVersions)
          .set({ ...version, data })
          .where(sql`workflow_id = ${id} and version = ${at + 1}`)
      }
      for (const instanceId of instanceIds) {
        const deploymentId = uuidv7()
        const n8nWorkflowId = `n8n-${id}-${targets.length}`
        const bindings =
          index < 3
            ? data.nodes.map(({ name }) => ({
                node: name,
                type: 'slackApi',
                credentialId: credentials[index % 2] ?? '',
              }))
            : []
        await db.insert(deployments).values({
          id: deploymentId,
          userId,
          workflowId: id,
          instanceId,
          n8nWorkflowId,
          version: 1,
          status: 'active',
          bindings,
        })
        targets.push({ deploymentId, instanceId, n8nWorkflowId, workflowId: id })
      }
    }
    return { userId, credentials, instanceIds, flows, targets }
  }

  /** Three versions in sequence. Some deliveries are rolled up, others are pending. */
  async function deliver(targets: (typeof own)['targets']) {
    let id = 0
    for (const version of [1, 2, 3]) {
      for (const { deploymentId } of targets) {
        await db.update(deployments).set({ version }).where(eq(deployments.id, deploymentId))
      }
      const byInstance = new Map<string, IncomingExecution[]>()
      for (let each = 0; each < count / 3; each++) {
        const { instanceId, n8nWorkflowId } = random.oneOf(targets)
        // Some are reported again with another state.
        const again = version > 1 && random.random() < 0.1
        const execution = randomExecution(random, again ? random.upTo(id) : ++id, n8nWorkflowId)
        byInstance.set(instanceId, [...(byInstance.get(instanceId) ?? []), execution])
      }
      for (const [instanceId, executions] of byInstance) await ingest(db, instanceId, executions, 'push')
      await rollUpChanges(db, version === 1 ? { limit: 5000 } : { limit: 150 })
    }
  }

  const runs = await readRuns(database, own.userId)
  const fingerprints = [...new Set(runs.flatMap(({ fingerprint }) => fingerprint ?? []))]
  return {
    ...own,
    incidents: await makeIncidents(database, random, own.userId, own.targets, fingerprints),
    db,
    world,
    stranger: others.userId,
    random,
    analytics: new AnalyticsRepository(readFrom(db), () => now, loadCatalogue),
    runs,
  }
}

/** Failures without a run: with errors that runs have too, and with an error of their own. */
async function makeIncidents(
  { db }: TestDatabase,
  { random, upTo, oneOf }: Random,
  userId: string,
  targets: { deploymentId: string; instanceId: string; n8nWorkflowId: string; workflowId: string }[],
  fingerprints: string[],
): Promise<IncidentRow[]> {
  const rows = Array.from({ length: 80 }, (_, index): typeof incidents.$inferInsert => {
    const unit = oneOf([1, 600_000, hourMs, dayMs])
    const occurredAt = new Date(Math.floor((now.getTime() + hourMs - upTo(70 * dayMs)) / unit) * unit)
    return {
      id: uuidv7({ msecs: occurredAt.getTime() }),
      userId,
      ...oneOf(targets),
      workflowVersion: 1 + upTo(3),
      source: oneOf(['trigger', 'run'] as const),
      message: 'IMAP login refused',
      node: 'Email Trigger',
      fingerprint: random() < 0.4 ? oneOf(fingerprints) : 'feedfeedfeedfeed',
      messagePattern: 'IMAP login refused',
      occurredAt,
      deliveryHash: String(index),
    }
  })
  await db.insert(incidents).values(rows)
  return rows.map(({ occurredAt, ...row }) => ({
    workflowId: row.workflowId,
    workflowVersion: row.workflowVersion,
    instanceId: row.instanceId,
    deploymentId: row.deploymentId,
    fingerprint: row.fingerprint,
    happenedMs: occurredAt.getTime(),
  }))
}

export type IncidentRow = Pick<
  Run,
  'workflowId' | 'workflowVersion' | 'instanceId' | 'deploymentId' | 'happenedMs'
> & { fingerprint: string }

export type History = Awaited<ReturnType<typeof createHistory>>

async function readRuns({ sql: query }: TestDatabase, userId: string): Promise<Run[]> {
  const rows = await query`
    select id, workflow_id, workflow_version, deployment_id, instance_id, status, kind, waited, active_ms, error_fingerprint, error_http_status,
      error_node, data::text, extract(epoch from started_at) * 1000 as started, extract(epoch from finished_at) * 1000
      as finished, extract(epoch from recorded_at) * 1000 as recorded
    from executions where user_id = ${userId}`
  return rows.map((row) => {
    const [started, finished] = [row['started'], row['finished']].map((ms) =>
      ms === null ? null : Number(ms),
    )
    const recordedMs = Number(row['recorded'])
    const failed = ['error', 'crashed'].includes(row['status'])
    const activeMs = row['active_ms'] === null ? null : Number(row['active_ms'])
    const wholeMs = started != null && finished != null && finished >= started ? finished - started : null
    const data = typeof row['data'] === 'string' ? JSON.parse(row['data']) : row['data']
    return {
      id: row['id'],
      workflowId: row['workflow_id'],
      workflowVersion: Number(row['workflow_version']),
      deploymentId: row['deployment_id'],
      instanceId: row['instance_id'],
      status: row['status'],
      happenedMs: started ?? finished ?? recordedMs,
      durationMs: row['waited'] ? activeMs : wholeMs,
      kind: row['kind'],
      fingerprint: failed ? row['error_fingerprint'] : null,
      httpStatus: row['error_http_status'] === null ? null : Number(row['error_http_status']),
      errorNode: row['error_node'],
      recordedMs,
      nodes: data?.nodes ?? [],
    }
  })
}

/** The executions that match a filter, by an independent implementation. */
export function choose(history: History, filter: RunFilter): Run[] {
  const kinds = new Set<RunKind>(['production', ...(filter.include ?? [])])
  return ofFilter(history, history.runs, filter).filter(({ kind }) => kinds.has(kind))
}

export const chooseIncidents = (history: History, filter: RunFilter): IncidentRow[] =>
  ofFilter(history, history.incidents, filter)

function ofFilter<T extends Omit<IncidentRow, 'fingerprint'>>(
  { flows }: History,
  runs: T[],
  filter: RunFilter,
): T[] {
  const fromMs = filter.from?.getTime() ?? Number.NEGATIVE_INFINITY
  const toMs = filter.to?.getTime() ?? Number.POSITIVE_INFINITY
  return runs.filter((run) => {
    const flow = flows.find(({ id, deleted }) => id === run.workflowId && !deleted)
    return (
      run.happenedMs >= fromMs &&
      run.happenedMs < toMs &&
      (filter.workflowId ?? run.workflowId) === run.workflowId &&
      (filter.deploymentId ?? run.deploymentId) === run.deploymentId &&
      (filter.instanceId ?? run.instanceId) === run.instanceId &&
      (filter.tag === undefined || flow?.tags.includes(filter.tag) === true) &&
      (filter.nodeType === undefined || flow?.nodeTypes.includes(filter.nodeType) === true)
    )
  })
}

const bucketOf = (ms: number) => (ms < 1 ? 0 : Math.floor(Math.log(ms) / Math.log(1.1)) + 1)

/** Asserts that the estimate of a nearest-rank percentile is in the bucket of the exact one. */
export function expectPercentile(given: number | null, values: number[], percent: number): string | null {
  if (values.length === 0) return given === null ? null : `${given} of nothing`
  const sorted = values.toSorted((a, b) => a - b)
  const truth = sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? Number.NaN
  if (given === null) return `null for ${truth}`
  const ratio = truth === 0 ? Number(given === 0) : given / truth
  const isWithin = truth === 0 || Math.abs(given - truth) < durationErrorBound * truth
  return bucketOf(given) === bucketOf(truth) && isWithin && ratio > 0 ? null : `${given} for ${truth}`
}

export const wrongPercentiles = (
  given: { p50: number | null; p95: number | null; p99?: number | null },
  values: number[],
): string[] =>
  [
    expectPercentile(given.p50, values, 50),
    expectPercentile(given.p95, values, 95),
    given.p99 === undefined ? null : expectPercentile(given.p99, values, 99),
  ].filter((wrong) => wrong !== null)

export const percentage = (part: number, whole: number) =>
  whole === 0 ? null : Math.round((part / whole) * 10_000) / 100

export const timed = (runs: Run[]) => runs.flatMap(({ durationMs }) => durationMs ?? [])
export const counted = (runs: Run[], ...of: ExecutionStatus[]) =>
  runs.filter(({ status }) => of.includes(status)).length
export const successRate = (runs: Run[]) =>
  percentage(counted(runs, 'success'), counted(runs, 'success', 'error', 'crashed'))

/** All kinds of periods and filters, including pairs. */
export function filtersOf({ random, flows, targets, instanceIds }: History): RunFilter[] {
  const at = (iso: string) => new Date(iso)
  const periods: RunFilter[] = [
    { from: at('2026-10-24T22:13:05.100Z'), to: at('2026-10-25T01:00:00Z') },
    { from: at('2026-10-01T00:00:00Z'), to: at('2026-11-01T00:00:00Z') },
    { from: at('2026-11-10T10:15:00Z'), to: at('2026-11-10T10:45:00Z') },
    { from: at('2026-11-10T10:15:00Z'), to: at('2026-11-10T11:45:00Z') },
    { from: at('2026-11-12T07:00:00Z'), to: at('2026-11-15T18:30:00Z') },
    { from: at('2026-11-12T07:00:00Z'), to: at('2026-11-12T07:00:00Z') },
    {},
  ]
  const flow = random.oneOf(flows)
  const target = random.oneOf(targets)
  const choices: RunFilter[] = [
    {},
    { workflowId: flow.id },
    { deploymentId: target.deploymentId },
    { instanceId: instanceIds[0] },
    { tag: 'sales' },
    { nodeType: 'n8n-nodes-base.slack' },
    { tag: 'ops', instanceId: instanceIds[1] },
    { include: ['manual', 'sub', 'error'] },
    { include: ['sub'], instanceId: instanceIds[0] },
    { workflowId: uuidv7() },
  ]
  return periods.flatMap((period, index) => [
    period,
    { ...period, ...choices[(index * 2 + 1) % choices.length] },
    { ...period, ...choices[(index * 2 + 2) % choices.length] },
  ])
}

/** The default of all endpoints except the summary. */
export const bounded = (filter: RunFilter): RunFilter & { from: Date; to: Date } => {
  const to = filter.to ?? now
  return { ...filter, from: filter.from ?? new Date(to.getTime() - 30 * dayMs), to }
}
