/** Compares nodes, credentials, prompts, models and errors with a recount of the executions. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunFilter } from '../../src/runs/sources.ts'
import { createTestDatabase } from '../harness/database.ts'
import {
  bounded,
  choose,
  chooseIncidents,
  counted,
  createHistory,
  dayMs,
  filtersOf,
  type History,
  hourMs,
  percentage,
  type Run,
  successRate,
  timed,
  wrongPercentiles,
} from './history.ts'
import { successRateInterval } from './interval.ts'

let history: History
beforeAll(async () => {
  history = await createHistory(await createTestDatabase(), { seed: 5, count: 900 })
})
afterAll(() => history.world.close())

const dayOf = (ms: number) => Math.floor(ms / dayMs) * dayMs

/** Whole UTC days, by the first run of the node, else by the recording of its execution. */
function nodesOf(filter: RunFilter & { from: Date; to: Date }) {
  const { from, to, ...choice } = filter
  const [fromMs, toMs] = [dayOf(from.getTime()), Math.ceil(to.getTime() / dayMs) * dayMs]
  return choose(history, choice)
    .flatMap(({ nodes, recordedMs }) => nodes.map((node) => ({ node, recordedMs })))
    .filter(({ node, recordedMs }) => {
      const at = dayOf(node.startedAt === null ? recordedMs : Date.parse(node.startedAt))
      return at >= fromMs && at < toMs
    })
    .map(({ node }) => node)
}

type RunNode = ReturnType<typeof nodesOf>[number]

const nodeSums = (nodes: RunNode[]) => ({
  executions: nodes.length,
  runs: nodes.reduce((sum, { runs }) => sum + runs, 0),
  failures: nodes.filter(({ error }) => error !== null).length,
  failureRate: percentage(nodes.filter(({ error }) => error !== null).length, nodes.length),
  items: nodes.reduce((sum, { items }) => sum + items, 0),
  totalMs: nodes.reduce((sum, { durationMs }) => sum + (durationMs ?? 0), 0),
})

const nodeTimes = (nodes: RunNode[]) =>
  nodes.flatMap(({ durationMs, runs }) =>
    durationMs === null ? [] : Array<number>(runs).fill(Math.floor(durationMs / runs)),
  )

test('every node type equals its recount, with the number of workflows that contain it', async () => {
  for (const { nodeType: _, ...filter } of filtersOf(history)) {
    const byType = Map.groupBy(nodesOf(bounded(filter)), ({ type }) => type)
    const { items, total } = await history.analytics.nodeTypes(history.userId, filter)
    const containing = (type: string | null) =>
      history.flows.filter(
        ({ id, tags, nodeTypes, deleted }) =>
          type !== null &&
          !deleted &&
          nodeTypes.includes(type) &&
          (filter.workflowId ?? id) === id &&
          (filter.tag === undefined || tags.includes(filter.tag)) &&
          ((filter.deploymentId ?? filter.instanceId) === undefined ||
            history.targets.some(
              (target) =>
                target.workflowId === id &&
                (filter.deploymentId ?? target.deploymentId) === target.deploymentId &&
                (filter.instanceId ?? target.instanceId) === target.instanceId,
            )),
      ).length
    expect(total).toBe(items.length)
    for (const type of byType.keys()) expect(items.map(({ nodeType }) => nodeType)).toContain(type)
    for (const { nodeType, durationMs, ...item } of items) {
      const nodes = byType.get(nodeType) ?? []
      expect({ filter, nodeType, ...item }).toEqual({
        filter,
        nodeType,
        workflows: containing(nodeType),
        ...nodeSums(nodes),
      })
      expect({ filter, wrong: wrongPercentiles(durationMs, nodeTimes(nodes)) }).toEqual({ filter, wrong: [] })
    }
  }
})

test('a single node type equals its entry in the list; node types are sorted as requested', async () => {
  const all = await history.analytics.nodeTypes(history.userId)
  const slack = await history.analytics.nodeTypes(history.userId, { nodeType: 'n8n-nodes-base.slack' })
  expect(slack.items).toEqual(all.items.filter(({ nodeType }) => nodeType === 'n8n-nodes-base.slack'))
  type Item = (typeof all.items)[number]
  const values = {
    used: (item: Item) => item.workflows,
    executions: (item: Item) => item.executions,
    slowest: (item: Item) => item.durationMs.p95 ?? -1,
    failures: (item: Item) => item.failures,
    failureRate: (item: Item) => item.failureRate ?? -1,
  }
  for (const sort of ['used', 'executions', 'slowest', 'failures', 'failureRate'] as const) {
    const { items } = await history.analytics.nodeTypes(history.userId, { sort, limit: 3 })
    const highest = all.items.map(values[sort]).toSorted((a, b) => b - a)
    expect(items.map(values[sort])).toEqual(highest.slice(0, 3))
  }
})

test('every node of a workflow equals its recount', async () => {
  for (const flow of history.flows) {
    for (const filter of [
      {},
      { to: new Date('2026-11-10T00:00:00Z') },
      { deploymentId: history.targets[0]?.deploymentId },
    ]) {
      const query = { ...filter, workflowId: flow.id }
      const byName = Map.groupBy(nodesOf(bounded(query)), ({ name }) => name)
      const { items, total } = await history.analytics.nodes(history.userId, query)
      expect({ flow, total }).toEqual({ flow, total: byName.size })
      for (const { name, nodeType, durationMs, ...item } of items) {
        const nodes = byName.get(name) ?? []
        expect({ name, nodeType, ...item }).toEqual({ name, nodeType: nodes[0]?.type, ...nodeSums(nodes) })
        expect(wrongPercentiles(durationMs, nodeTimes(nodes))).toEqual([])
      }
    }
  }
})

test('a credential counts the runs of its deployments, and the runs that a service rejected at its nodes', async () => {
  for (const filter of filtersOf(history)) {
    const period = bounded(filter)
    const { items } = await history.analytics.credentials(history.userId, filter)
    for (const { credentialId, name: _, lastUsedAt, ...item } of items) {
      const bound = history.targets.filter(
        ({ workflowId }) =>
          history.credentials[history.flows.findIndex(({ id }) => id === workflowId) % 2] === credentialId &&
          history.flows.findIndex(({ id }) => id === workflowId) < 3,
      )
      const eligible = bound.filter(({ deploymentId, workflowId, instanceId }) => {
        const flow = history.flows.find(({ id }) => id === workflowId)
        return (
          (filter.deploymentId ?? deploymentId) === deploymentId &&
          (filter.workflowId ?? workflowId) === workflowId &&
          (filter.instanceId ?? instanceId) === instanceId &&
          (filter.tag === undefined || flow?.tags.includes(filter.tag) === true) &&
          (filter.nodeType === undefined || flow?.nodeTypes.includes(filter.nodeType) === true)
        )
      })
      const runs = choose(history, period).filter(({ deploymentId }) =>
        eligible.some((target) => target.deploymentId === deploymentId),
      )
      const names = [...new Set(eligible.map(({ workflowId }) => workflowId))].map((id) => ({
        id,
        name: history.flows.find((flow) => flow.id === id)?.name,
      }))
      expect({ filter, ...item }).toEqual({
        filter,
        type: 'slackApi',
        status: 'untested',
        workflows: names.toSorted((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
        workflowCount: names.length,
        deployments: eligible.length,
        runs: runs.length,
        failures: counted(runs, 'error', 'crashed'),
        authenticationFailures: runs.filter(
          ({ fingerprint, httpStatus, errorNode }) =>
            fingerprint !== null && errorNode === 'Post' && (httpStatus === 401 || httpStatus === 403),
        ).length,
      })
      const lastMs = Math.max(...runs.map(({ happenedMs }) => happenedMs))
      const isRecent = lastMs >= Math.floor((period.to.getTime() - 2 * dayMs) / hourMs) * hourMs
      const unit = isRecent ? hourMs : dayMs
      if (runs.length === 0) expect(lastUsedAt).toBeNull()
      // Near the ends of the period, hours occur for other reasons too.
      else {
        const given = Date.parse(lastUsedAt ?? '')
        expect([Math.floor(lastMs / unit) * unit, Math.floor(lastMs / hourMs) * hourMs]).toContain(given)
      }
    }
  }
  const all = await history.analytics.credentials(history.userId)
  expect(all.items.reduce((sum, item) => sum + item.authenticationFailures, 0)).toBeGreaterThan(5)
  expect(new Set(all.items.map(({ credentialId }) => credentialId))).toEqual(new Set(history.credentials))
})

const fared = (runs: Run[]) => ({
  runs: runs.length,
  failed: counted(runs, 'error', 'crashed'),
  successRate: successRate(runs),
  successRateInterval: successRateInterval(runs),
})

const versionOf = (run: Run) => {
  const flow = history.flows.find(({ id, deleted }) => id === run.workflowId && !deleted)
  return flow?.versions[run.workflowVersion - 1]
}

test('every workflow version with a prompt equals its recount', async () => {
  for (const filter of filtersOf(history)) {
    const runs = choose(history, bounded(filter)).filter((run) => versionOf(run)?.prompt != null)
    const byVersion = Map.groupBy(runs, (run) => `${run.workflowId} ${run.workflowVersion}`)
    const { items, total } = await history.analytics.prompts(history.userId, filter)
    expect({ filter, total }).toEqual({ filter, total: byVersion.size })
    expect(items).toHaveLength(byVersion.size)
    for (const { durationMs, createdAt: _, ...item } of items) {
      const chosen = byVersion.get(`${item.workflowId} ${item.version}`) ?? []
      const flow = history.flows.find(({ id }) => id === item.workflowId)
      const version = flow?.versions[item.version - 1]
      expect(item).toEqual({
        workflowId: item.workflowId,
        version: item.version,
        name: flow?.name,
        prompt: version?.prompt?.slice(0, 500),
        model: version?.model,
        usage: expect.any(Object),
        ...fared(chosen),
      })
      expect(wrongPercentiles(durationMs, timed(chosen))).toEqual([])
    }
  }
  const { items } = await history.analytics.prompts(history.userId, { sort: 'newest', limit: 3 })
  expect(items.map(({ createdAt }) => createdAt)).toEqual(
    items
      .map(({ createdAt }) => createdAt)
      .toSorted()
      .toReversed(),
  )
})

test('sorts by the lower end of the interval, so that a few successes do not come first', async () => {
  const { items: prompts } = await history.analytics.prompts(history.userId, { sort: 'successRate' })
  const { items: models } = await history.analytics.models(history.userId, { sort: 'successRate' })
  for (const items of [prompts, models]) {
    const lows = items.map(({ successRateInterval }) => successRateInterval?.low ?? -1)
    expect(lows).toEqual(lows.toSorted((a, b) => b - a))
  }
  const rates = prompts.map(({ successRate }) => successRate ?? -1)
  expect(rates).not.toEqual(rates.toSorted((a, b) => b - a))
})

test('every model equals its recount; versions without one, and of deleted workflows, count as none', async () => {
  for (const filter of filtersOf(history)) {
    const runs = choose(history, bounded(filter))
    const byModel = Map.groupBy(runs, (run) => versionOf(run)?.model ?? null)
    const { items, total } = await history.analytics.models(history.userId, filter)
    expect({ filter, total }).toEqual({ filter, total: byModel.size })
    for (const { model, durationMs, ...item } of items) {
      const chosen = byModel.get(model) ?? []
      expect({ filter, model, ...item }).toEqual({
        filter,
        model,
        workflows: new Set(chosen.map(({ workflowId }) => workflowId)).size,
        versions: new Set(chosen.map(({ workflowId, workflowVersion }) => `${workflowId} ${workflowVersion}`))
          .size,
        usage: expect.any(Object),
        ...fared(chosen),
      })
      expect(wrongPercentiles(durationMs, timed(chosen))).toEqual([])
    }
  }
})

describe('errors', () => {
  const startOf = (ms: number, interval: 'hour' | 'day' | 'week') => {
    if (interval === 'hour') return Math.floor(ms / hourMs) * hourMs
    const day = dayOf(ms)
    return interval === 'day' ? day : day - ((new Date(day).getUTCDay() + 6) % 7) * dayMs
  }

  const groupOf = (fingerprint: string, runs: Run[], filter: RunFilter & { from: Date; to: Date }) => {
    const incidentsIn = (period: RunFilter) =>
      chooseIncidents(history, period).filter((each) => each.fingerprint === fingerprint)
    const incidents = incidentsIn(filter)
    const all = [...runs, ...incidents]
    const lengthMs = filter.to.getTime() - filter.from.getTime()
    const before = { ...filter, from: new Date(filter.from.getTime() - lengthMs), to: filter.from }
    const ever = [...history.runs, ...history.incidents]
      .filter((each) => each.fingerprint === fingerprint)
      .toSorted((a, b) => a.happenedMs - b.happenedMs)
    const interval = lengthMs <= 72 * hourMs ? 'hour' : lengthMs <= 120 * dayMs ? 'day' : 'week'
    const series: number[] = []
    const unitMs = { hour: hourMs, day: dayMs, week: 7 * dayMs }[interval]
    for (let ms = startOf(filter.from.getTime(), interval); ms < filter.to.getTime(); ms += unitMs) {
      series.push(all.filter(({ happenedMs }) => startOf(happenedMs, interval) === ms).length)
    }
    const byWorkflow = [...Map.groupBy(all, ({ workflowId }) => workflowId)].toSorted(
      ([a, ofA], [b, ofB]) => ofB.length - ofA.length || (a < b ? -1 : 1),
    )
    const nameOf = (id: string) => history.flows.find((flow) => flow.id === id && !flow.deleted)?.name ?? null
    return {
      fingerprint,
      state: 'open',
      stateChangedAt: null,
      fixedIn: null,
      topWorkflows: byWorkflow.slice(0, 3).map(([workflowId]) => ({ workflowId, name: nameOf(workflowId) })),
      runs: runs.length,
      incidents: incidents.length,
      previousIncidents: incidentsIn(before).length,
      previousRuns: choose(history, before).filter((run) => run.fingerprint === fingerprint).length,
      workflows: new Set(all.map(({ workflowId }) => workflowId)).size,
      versions: new Set(all.map(({ workflowId, workflowVersion }) => `${workflowId} ${workflowVersion}`))
        .size,
      firstSeenAt: new Date(ever[0]?.happenedMs ?? 0).toISOString(),
      lastSeenAt: new Date(ever.at(-1)?.happenedMs ?? 0).toISOString(),
      series,
    }
  }

  test('every group equals its recount', async () => {
    const wide = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-12-01T00:00:00Z') }
    for (const filter of [...filtersOf(history), wide]) {
      const period = bounded(filter)
      const byFingerprint = Map.groupBy(choose(history, period), (run) => run.fingerprint)
      byFingerprint.delete(null)
      const { items, total } = await history.analytics.errors(history.userId, filter)
      const incidents = chooseIncidents(history, period).map(({ fingerprint }) => fingerprint)
      expect({ filter, total }).toEqual({
        filter,
        total: new Set([...byFingerprint.keys(), ...incidents]).size,
      })
      for (const each of items) {
        const {
          node: _,
          errorClass: __,
          httpStatus: ___,
          message: ____,
          latestMessage: _____,
          ...item
        } = each
        expect({ filter, ...item }).toEqual({
          filter,
          ...groupOf(item.fingerprint, byFingerprint.get(item.fingerprint) ?? [], period),
        })
      }
    }
  })

  test('a group has its node, class, status and message without variable parts', async () => {
    const { items } = await history.analytics.errors(history.userId)
    expect(items.find(({ httpStatus }) => httpStatus === 404)).toMatchObject({
      node: 'Fetch',
      errorClass: 'NodeApiError',
      message: 'No customer <number>',
      latestMessage: expect.stringMatching(/^No customer \d+$/),
    })
    expect(items.find(({ fingerprint }) => fingerprint === 'feedfeedfeedfeed')).toMatchObject({
      node: 'Email Trigger',
      message: 'IMAP login refused',
      runs: 0,
      latestMessage: expect.stringContaining('IMAP login refused'),
      incidents: expect.any(Number),
    })
    expect(items).toHaveLength(6)
  })

  test('are sorted as requested', async () => {
    const all = await history.analytics.errors(history.userId)
    const fields: [
      sort: 'runs' | 'lastSeen' | 'newest',
      (item: (typeof all.items)[number]) => number | string,
    ][] = [
      ['runs', (item) => item.runs + item.incidents],
      ['lastSeen', (item) => item.lastSeenAt ?? ''],
      ['newest', (item) => item.firstSeenAt ?? ''],
    ]
    for (const [sort, field] of fields) {
      const { items, total } = await history.analytics.errors(history.userId, { sort, limit: 2 })
      const values = all.items.map(field).toSorted((a, b) => (a < b ? 1 : -1))
      expect(items.map(field)).toEqual(values.slice(0, 2))
      expect(total).toBe(all.total)
    }
  })

  test('a single group equals its entry in the list, with its workflows, versions and newest executions', async () => {
    const filter = { tag: 'sales' }
    const { items } = await history.analytics.errors(history.userId, filter)
    const [first] = items
    const detail = await history.analytics.error(history.userId, first?.fingerprint ?? '', filter)
    expect(detail).toMatchObject(first ?? {})
    const runs = choose(history, bounded(filter)).filter(
      ({ fingerprint }) => fingerprint === first?.fingerprint,
    )
    expect(detail?.byWorkflow.reduce((sum, each) => sum + each.runs, 0)).toBe(runs.length)
    for (const { workflowId, version, runs: given } of detail?.byVersion ?? []) {
      expect(given).toBe(
        runs.filter((run) => run.workflowId === workflowId && run.workflowVersion === version).length,
      )
    }
    expect(detail?.byVersion).toHaveLength(first?.versions ?? 0)
    const newest = history.runs
      .filter(({ fingerprint, kind }) => fingerprint === first?.fingerprint && kind === 'production')
      .toSorted((a, b) => b.happenedMs - a.happenedMs || (a.id < b.id ? 1 : -1))
    expect(detail?.executions.map(({ id }) => id)).toEqual(newest.slice(0, 20).map(({ id }) => id))
  })

  test('a group without failures in the period has zeros; an unknown or foreign group is null', async () => {
    const { analytics, userId, stranger, db } = history
    const first = (await analytics.errors(userId)).items.find(({ runs }) => runs > 0)
    const fingerprint = first?.fingerprint ?? ''
    const never = { from: new Date('2030-01-01T00:00:00Z'), to: new Date('2030-01-02T00:00:00Z') }
    const detail = await analytics.error(userId, fingerprint, never)
    expect(detail).toMatchObject({ runs: 0, byWorkflow: [], byVersion: [], lastSeenAt: first?.lastSeenAt })
    expect(detail?.executions.length).toBeGreaterThan(0)
    expect(await analytics.error(userId, '0'.repeat(16))).toBeNull()
    await db.execute(
      sql`delete from error_groups where user_id = ${stranger} and fingerprint = ${fingerprint}`,
    )
    expect(await analytics.error(stranger, fingerprint)).toBeNull()
  })
})
