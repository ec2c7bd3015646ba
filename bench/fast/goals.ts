/** @module The goals, and which of them a measurement meets. */
import type { StartCost } from '../worker-start.ts'
import type { Arrivals, Growth } from './growth.ts'
import type { Comparison } from './real-n8n.ts'
import type { PathResult, Spread } from './rounds.ts'
import type { TextCosts } from './texts.ts'
import type { Scale } from './settings.ts'
import type { Runtime } from './world.ts'

export interface Measured {
  on: { date: string; cpu: string; node: string; postgres: string; pgbench: boolean }
  scale: Scale
  rounds: number
  seconds: number
  /** Load average of the machine before the run, over its cores. */
  busy: number
  paths: PathResult[]
  texts: TextCosts | null
  worker: { gzipBytes: number; start: Record<'floor' | 'flowkeep', StartCost> } | null
  /** Resident bytes after all paths. */
  memory: Record<Runtime, Record<'flowkeep' | 'floor', number>> | null
  /** CPU milliseconds of checking a password natively with bcrypt of cost 12, on Node. */
  bcryptMs: number | null
  /** Two scales of which the second has a hundred times the rows. */
  scales: { from: Scale; to: Scale; growth: Growth[] } | null
  arrivals: Arrivals | null
  n8n: Comparison[] | null
}

/** The floor's rounds differ by more than this part of their median. */
export const noisy = 0.2

export interface Goal {
  name: string
  goal: string
  /** Formatted; null if it was not measured. */
  figure: string | null
  isMet: boolean | null
}

const ratio = (value: number) => value.toFixed(2)
const spread = ({ min, median, max }: Spread) => `${ratio(median)} (${ratio(min)} to ${ratio(max)})`
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`

export function goalsOf(measured: Measured): Goal[] {
  const { paths, texts, worker, memory, scales, arrivals, n8n } = measured
  const on = (name: string, runtime: Runtime) =>
    paths.find((path) => path.name === name && path.runtime === runtime)
  const least = (name: string, limit: number, value: Spread | undefined): Goal => ({
    name,
    goal: `≥ ${limit}`,
    figure: value ? spread(value) : null,
    isMet: value ? value.median >= limit : null,
  })
  const most = (name: string, limit: number, value: Spread | undefined): Goal => ({
    name,
    goal: `≤ ${limit}`,
    figure: value ? spread(value) : null,
    isMet: value ? value.median <= limit : null,
  })
  const byFloor = [
    'GET a workflow',
    'List 50 workflows',
    'List 100 workflows',
    'Search by node type',
    'Search by credential type',
    'Search by text',
    'List 100 executions',
  ]
  const n8nGoals: Record<string, number> = {
    'List 100 workflows': 20,
    'List 100 executions': 20,
    'Create a workflow': 10,
  }
  const [overview, live] = [on('Overview page', 'workerd'), on('GET /health/live', 'workerd')]
  const login = on('Log in', 'workerd')
  const start = worker?.start.flowkeep
  const plain = (
    name: string,
    goal: string,
    value: number | undefined,
    limit: number,
    unit: string,
  ): Goal => ({
    name,
    goal,
    figure: value === undefined ? null : `${value.toFixed(value < 10 ? 2 : 0)}${unit}`,
    isMet: value === undefined ? null : value <= limit,
  })
  return [
    ...byFloor.map((name) => least(`${name}, workerd, against the floor`, 0.85, on(name, 'workerd')?.ratio)),
    ...Object.entries(n8nGoals).map(([name, limit]) =>
      least(`${name}, against n8n`, limit, n8n?.find((each) => each.name === name)?.ratio),
    ),
    least(
      'Report of 1 execution, Node, against the prepared statement',
      0.5,
      on('Report of 1 execution', 'node')?.prepared?.ratio,
    ),
    least(
      'Report of 100 executions, Node, against the prepared statement',
      0.6,
      on('Report of 100 executions', 'node')?.prepared?.ratio,
    ),
    ...(scales?.growth ?? []).map(({ name, ratio: value }) =>
      most(
        `${name}, ${scales?.to ?? ''} : ${scales?.from ?? ''}`,
        name.startsWith('Search') ? 1.5 : 2,
        value,
      ),
    ),
    ...(arrivals?.growth ?? []).map(({ name, ratio: value }) =>
      most(`${name} while ${arrivals?.perSecond ?? 0} executions a second arrive, against idle`, 2, value),
    ),
    plain(
      'GET /health/live against the overview page, workerd, in requests a second',
      '≤ 10',
      overview && live ? live.perSecond.route.median / overview.perSecond.route.median : undefined,
      10,
      '',
    ),
    most('Parse, hash and extract, against JSON.parse', 2, texts?.save),
    most('Check, against JSON.parse', 3, texts?.check),
    plain('Worker, gzipped', '≤ 400 KiB', worker ? worker.gzipBytes / 1024 : undefined, 400, ' KiB'),
    plain(
      'CPU time to start the worker, with the first request',
      '≤ 100 ms',
      start ? start.started + start.answered : undefined,
      100,
      ' ms',
    ),
    {
      name: "Memory of workerd under load, without the floor's memory",
      goal: '≤ 64 MiB',
      figure: memory ? mebibytes(memory.workerd.flowkeep - memory.workerd.floor) : null,
      isMet: memory ? memory.workerd.flowkeep - memory.workerd.floor <= 64 * 2 ** 20 : null,
    },
    {
      name: 'Memory of Node under load',
      goal: '≤ 200 MiB',
      figure: memory ? mebibytes(memory.node.flowkeep) : null,
      isMet: memory ? memory.node.flowkeep <= 200 * 2 ** 20 : null,
    },
    plain(
      'CPU time to log in, workerd, against native bcrypt',
      '≤ 1.3',
      login && measured.bcryptMs !== null ? login.cpu.route / measured.bcryptMs : undefined,
      1.3,
      '',
    ),
  ]
}

export const isNoisy = ({ paths, busy }: Measured): boolean =>
  busy > 0.5 || paths.filter(({ noise }) => noise > noisy).length > paths.length / 4
