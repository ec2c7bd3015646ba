/** Recounts the rollups from the executions, and compares the result with the views. */
import { expect } from 'vitest'
import type { Sql } from '../../src/db/client.ts'

type Counts = Map<string, number>

interface Rollups {
  stats: Counts
  durations: Counts
  errors: Counts
  nodes: Counts
  nodeDurations: Counts
  usage: Counts
}

const usageSums = ['executions', 'calls', 'input', 'cached', 'written', 'output', 'estimated'] as const
type Used = { model?: string } & Partial<Record<(typeof usageSums)[number], number>>

interface CountedNode {
  name: string
  type: string | null
  startedAt: string | null
  durationMs: number | null
  items: number
  runs: number
  error: object | null
}

const none = '00000000-0000-0000-0000-000000000000'
const failing = new Set(['error', 'crashed'])

/** n8n execution ID → data that was counted and later trimmed. */
export type TrimmedData = Map<string, unknown>

const empty = (): Rollups => ({
  stats: new Map(),
  durations: new Map(),
  errors: new Map(),
  nodes: new Map(),
  nodeDurations: new Map(),
  usage: new Map(),
})

function add(counts: Counts, key: unknown[], by: number): void {
  const text = key.join(' | ')
  counts.set(text, (counts.get(text) ?? 0) + by)
}

type Grain = '10min' | 'hour' | 'day'
const digits: Record<Grain, number> = { '10min': 15, hour: 13, day: 10 }
const startOf = (grain: Grain, time: Date) => time.toISOString().slice(0, digits[grain])

/** Each bucket is a tenth longer than the previous one. */
function bucketOf(ms: number): number {
  let bucket = 0
  for (let end = 1; ms >= end; end *= 1.1) bucket += 1
  return bucket
}

async function recount(sql: Sql, userIds: string[], trimmed: TrimmedData): Promise<Rollups> {
  const rows =
    await sql`select user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, waited, active_ms, n8n_execution_id,
      status, error_fingerprint, data, usage, extract(epoch from recorded_at) * 1000 as recorded_ms,
      extract(epoch from started_at) * 1000 as started_ms, extract(epoch from finished_at) * 1000 as finished_ms
    from executions where user_id = any (${userIds})`
  const result = empty()
  for (const row of rows) {
    const deployment = [row['user_id'], row['workflow_id'], row['instance_id'], row['deployment_id']]
    const version = `${row['workflow_version']} ${row['kind']}`
    const [recordedAt, startedAt, finishedAt] = ['recorded_ms', 'started_ms', 'finished_ms'].map((name) =>
      row[name] === null ? null : new Date(Number(row[name])),
    )
    const happenedAt = startedAt ?? finishedAt ?? recordedAt!
    const together = [row['user_id'], none, none, none, `0 ${row['kind']}`]
    const activeMs = row['active_ms'] === null ? null : Number(row['active_ms'])
    const wholeMs =
      startedAt && finishedAt && finishedAt >= startedAt ? finishedAt.getTime() - startedAt.getTime() : null
    const countedMs = row['waited'] ? activeMs : wholeMs
    const bucket = countedMs === null ? null : bucketOf(countedMs)
    for (const [grain, whose] of [
      ['10min', [together]],
      ['hour', [together, [...deployment, version]]],
      ['day', [together, [...deployment, version]]],
    ] as const) {
      const at = startOf(grain, happenedAt)
      for (const who of whose) {
        add(result.stats, [...who, grain, at, row['status']], 1)
        if (bucket !== null) add(result.durations, [...who, grain, at, bucket], 1)
      }
      if (grain === '10min') continue
      if (row['error_fingerprint'] !== null && failing.has(String(row['status']))) {
        add(result.errors, [...deployment, version, grain, at, row['error_fingerprint']], 1)
      }
    }
    const used = (row['usage'] ?? []) as Used[]
    for (const grain of ['hour', 'day'] as const) {
      const key = [...deployment, row['workflow_version'], grain, startOf(grain, happenedAt)]
      for (const model of new Set(used.map((each) => each.model ?? '')))
        add(result.usage, [...key, model, 'executions'], 1)
      for (const each of used)
        for (const sum of usageSums) add(result.usage, [...key, each.model ?? '', sum], each[sum] ?? 0)
    }
    const data = (row['data'] ?? trimmed.get(String(row['n8n_execution_id']))) as {
      nodes?: CountedNode[]
    } | null
    for (const node of data?.nodes ?? []) {
      const day = (node.startedAt ?? recordedAt!.toISOString()).slice(0, 10)
      const bucket = node.durationMs === null ? null : bucketOf(Math.floor(node.durationMs / node.runs))
      for (const key of [
        [...deployment, version, node.type ?? '', node.name, day],
        [row['user_id'], none, none, none, `0 ${row['kind']}`, node.type ?? '', '', day],
      ]) {
        add(result.nodes, [...key, 'runs'], node.runs)
        add(result.nodes, [...key, 'executions'], 1)
        add(result.nodes, [...key, 'failures'], node.error ? 1 : 0)
        add(result.nodes, [...key, 'items'], node.items)
        add(result.nodes, [...key, 'ms'], node.durationMs ?? 0)
        if (bucket !== null) add(result.nodeDurations, [...key, bucket], node.runs)
      }
    }
  }
  return result
}

/** Sums of histograms by key. A histogram is a number whose digits in base 10^12 are the runs per bucket. */
class Histograms {
  readonly #sums = new Map<string, bigint>()

  add(key: unknown[], histogram: unknown): void {
    const text = key.join(' | ')
    this.#sums.set(text, (this.#sums.get(text) ?? 0n) + BigInt(String(histogram)))
  }

  counts(): Counts {
    const counts: Counts = new Map()
    for (const [key, sum] of this.#sums) {
      let rest = sum
      for (let bucket = 0; rest !== 0n; bucket += 1, rest /= 10n ** 12n) {
        add(counts, [key, bucket], Number(rest % 10n ** 12n))
      }
    }
    return counts
  }
}

async function throughViews(sql: Sql, userIds: string[]): Promise<Rollups> {
  const result = empty()
  const [durations, nodeDurations] = [new Histograms(), new Histograms()]
  const deployment = (row: Record<string, unknown>) =>
    ['user_id', 'workflow_id', 'instance_id', 'deployment_id'].map((name) => row[name])
  const at = (row: Record<string, unknown>) => new Date(Number(row['at_ms']))
  const statuses = ['new', 'running', 'waiting', 'success', 'error', 'canceled', 'crashed', 'unknown']
  const summed = (view: string, keys: string[], sums: string[]) =>
    sql.query(
      `select user_id, workflow_id, instance_id, deployment_id, workflow_version || ' ' || kind as workflow_version,
        ${keys.join(', ')},
        extract(epoch from at) * 1000 as at_ms, ${sums.map((each) => `sum("${each}") as "${each}"`).join(', ')}
      from ${view} where user_id = any ($1) group by 1, 2, 3, 4, 5, ${keys.join(', ')}, at`,
      [userIds],
    )
  for (const row of await summed('execution_stats_now', ['grain'], [...statuses, 'durations'])) {
    const grain = row['grain'] as Grain
    for (const status of statuses) {
      const key = [...deployment(row), row['workflow_version'], grain, startOf(grain, at(row)), status]
      add(result.stats, key, Number(row[status]))
    }
    durations.add(
      [...deployment(row), row['workflow_version'], grain, startOf(grain, at(row))],
      row['durations'],
    )
  }
  for (const row of await summed('error_stats_now', ['grain', 'fingerprint'], ['runs'])) {
    const grain = row['grain'] as Grain
    const key = [
      ...deployment(row),
      row['workflow_version'],
      grain,
      startOf(grain, at(row)),
      row['fingerprint'],
    ]
    add(result.errors, key, Number(row['runs']))
  }
  const nodeSums = ['runs', 'executions', 'failures', 'items', 'total_ms', 'durations']
  for (const row of await summed('node_stats_now', ['node_type', 'node_name'], nodeSums)) {
    const day = at(row).toISOString().slice(0, 10)
    const key = [...deployment(row), row['workflow_version'], row['node_type'], row['node_name'], day]
    for (const [column, name] of [
      ['runs', 'runs'],
      ['executions', 'executions'],
      ['failures', 'failures'],
      ['items', 'items'],
      ['total_ms', 'ms'],
    ] as const) {
      add(result.nodes, [...key, name], Number(row[column]))
    }
    nodeDurations.add(key, row['durations'])
  }
  const used = await sql.query(
    `select user_id, workflow_id, instance_id, deployment_id, workflow_version, grain, model,
      extract(epoch from at) * 1000 as at_ms, ${usageSums.map((sum) => `sum(${sum}) as ${sum}`).join(', ')}
    from usage_stats_now where user_id = any ($1) group by 1, 2, 3, 4, 5, 6, 7, at`,
    [userIds],
  )
  for (const row of used) {
    const grain = row['grain'] as Grain
    const key = [...deployment(row), row['workflow_version'], grain, startOf(grain, at(row)), row['model']]
    for (const sum of usageSums) add(result.usage, [...key, sum], Number(row[sum]))
  }
  return { ...result, durations: durations.counts(), nodeDurations: nodeDurations.counts() }
}

const occurring = (rollups: Rollups) =>
  Object.fromEntries(
    Object.entries(rollups).map(([name, counts]: [string, Counts]) => [
      name,
      Object.fromEntries([...counts].filter(([, count]) => count !== 0).toSorted()),
    ]),
  )

/** @returns the number of distinct figures compared */
export async function expectRollupsToBeARecount(
  sql: Sql,
  userIds: string[],
  trimmed: TrimmedData = new Map(),
): Promise<number> {
  const counted = occurring(await recount(sql, userIds, trimmed))
  expect(occurring(await throughViews(sql, userIds))).toEqual(counted)
  return Object.values(counted).reduce((sum, counts) => sum + Object.keys(counts).length, 0)
}

export const unfoldedChanges = async (sql: Sql): Promise<number> =>
  Number((await sql`select count(*) as count from execution_changes`)[0]?.['count'])
