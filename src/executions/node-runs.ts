/**
 * @module What a run's data comes down to: per node how it ended, when, how long it took, how many items it gave and
 * why it failed. The items themselves are users' data, and their secrets too: they are not kept. Shapes of n8n 1.x, 2.x.
 */
import { redact } from '../lib/secrets.ts'
import { cleanText } from './run-data.ts'

export interface NodeRun {
  name: string
  /** Null when the workflow's nodes did not come with the run. */
  type: string | null
  /** n8n's own word, such as `success` or `error`; of the node's last run. */
  status: string | null
  /** ISO 8601, of its first run. */
  startedAt: string | null
  /** Of all its runs together. */
  durationMs: number | null
  /** That it gave, over all runs and outputs. */
  items: number
  /** More than 1 in a loop. */
  runs: number
  /** Of the last run that failed. `httpStatus`: what the service called by the node answered. */
  error: { message: string; httpStatus: number | null } | null
}

export interface RunSummary {
  /** In the order in which they first ran. */
  nodes: NodeRun[]
  /** How many nodes are left out. */
  omittedNodes?: number
}

type Json = Record<string, unknown>

const maxNodes = 500
const maxNameChars = 256
const maxMessageChars = 500
/** 2000-01-01. n8n marks the runs that it made up after a crash with seconds instead of milliseconds. */
const earliestMs = 946_684_800_000
const latestMs = 4_102_444_800_000

/** When the nodes of a run were at work. */
export interface Activity {
  /** Time in which at least one node ran, without the Wait node: nodes that run inside others count once. */
  activeMs: number
  /** It has a Wait node, or nothing ran for so long that it can only have waited. */
  waited: boolean
}

const waitType = 'n8n-nodes-base.wait'
/** n8n goes from node to node within milliseconds, other than while it waits for a time, a webhook or an answer. */
const waitGapMs = 10_000

/**
 * Null when `data` is no run data of n8n.
 * @param workflow with the `nodes` that ran
 * @param startedAt of the run, ISO 8601: a retry's data begins with what the original ran before
 */
export function activityOf(data: unknown, workflow: unknown, startedAt: unknown): Activity | null {
  const runData = runDataOf(data)
  if (!runData) return null
  const types = typesOf(workflow)
  const sinceMs = typeof startedAt === 'string' ? Date.parse(startedAt) : Number.NaN
  let waited = false
  const spans: [startMs: number, endMs: number][] = []
  for (const [name, runs] of Object.entries(runData)) {
    const isWait = types.get(name) === waitType
    for (const { startTime, executionTime } of (Array.isArray(runs) ? runs : []).filter(isObject)) {
      if (typeof startTime !== 'number' || !isDuration(executionTime)) continue
      if (startTime + executionTime < sinceMs) continue
      waited ||= isWait
      if (!isWait) spans.push([startTime, startTime + executionTime])
    }
  }
  let activeMs = 0
  let untilMs: number | null = null
  for (const [startMs, endMs] of spans.toSorted(([a], [b]) => a - b)) {
    const fromMs: number = untilMs === null ? startMs : Math.max(startMs, untilMs)
    if (untilMs !== null && startMs - untilMs >= waitGapMs) waited = true
    activeMs += Math.max(0, endMs - fromMs)
    untilMs = Math.max(endMs, fromMs)
  }
  return { activeMs: Math.round(activeMs), waited }
}

function runDataOf(data: unknown): Json | null {
  const result = isObject(data) ? data['resultData'] : undefined
  const runData = isObject(result) ? result['runData'] : undefined
  return isObject(runData) ? runData : null
}

/** Null when `data` is no run data of n8n. @param workflow with the `nodes` that ran */
export function summariseRun(data: unknown, workflow: unknown): RunSummary | null {
  const runData = runDataOf(data)
  if (!runData) return null
  const types = typesOf(workflow)
  const nodes = Object.entries(runData)
    .map(([name, runs]) => ({ name, runs: (Array.isArray(runs) ? runs : []).filter(isObject) }))
    .filter(({ runs }) => runs.length > 0)
    .toSorted((a, b) => firstIndex(a.runs) - firstIndex(b.runs))
  return {
    nodes: nodes.slice(0, maxNodes).map(({ name, runs }) => toNodeRun(name, types.get(name) ?? null, runs)),
    ...(nodes.length > maxNodes && { omittedNodes: nodes.length - maxNodes }),
  }
}

function typesOf(workflow: unknown): Map<string, string> {
  const nodes = isObject(workflow) && Array.isArray(workflow['nodes']) ? workflow['nodes'] : []
  return new Map(
    nodes.flatMap((node): [string, string][] =>
      isObject(node) && typeof node['name'] === 'string' && typeof node['type'] === 'string'
        ? [[node['name'], shorten(node['type'], maxNameChars)]]
        : [],
    ),
  )
}

function toNodeRun(name: string, type: string | null, runs: Json[]): NodeRun {
  const failed = runs.findLast((run) => isObject(run['error']))
  const durations = runs.map((run) => run['executionTime']).filter(isDuration)
  const status = runs.at(-1)?.['executionStatus']
  return {
    name: shorten(name, maxNameChars),
    type: type ?? (failed ? typeOfFailed(failed) : null),
    status: typeof status === 'string' ? shorten(status, 32) : failed ? 'error' : null,
    startedAt: toIso(runs[0]?.['startTime']),
    durationMs: durations.length > 0 ? Math.round(durations.reduce((sum, each) => sum + each, 0)) : null,
    items: runs.reduce((sum, run) => sum + countItems(run['data']), 0),
    runs: runs.length,
    error: failed ? toError(failed['error'] as Json) : null,
  }
}

function typeOfFailed(run: Json): string | null {
  const node = isObject(run['error']) ? run['error']['node'] : undefined
  return isObject(node) && typeof node['type'] === 'string' ? shorten(node['type'], maxNameChars) : null
}

function toError(error: Json): NodeRun['error'] {
  const said = [error['message'], error['description']].find(
    (text) => typeof text === 'string' && text !== '',
  )
  return {
    message: typeof said === 'string' ? shorten(said, maxMessageChars) : 'No message was given',
    httpStatus: toHttpStatus(error['httpCode']),
  }
}

/** n8n gives it as text. */
export function toHttpStatus(code: unknown): number | null {
  const status = typeof code === 'string' || typeof code === 'number' ? Number(code) : Number.NaN
  return Number.isInteger(status) && status >= 100 && status <= 599 ? status : null
}

/** `{ main: [[item, …], …], ai_tool: … }`; an output without items may be null. */
function countItems(data: unknown): number {
  if (!isObject(data)) return 0
  return Object.values(data)
    .flatMap((outputs) => (Array.isArray(outputs) ? outputs : []))
    .reduce((sum: number, items) => sum + (Array.isArray(items) ? items.length : 0), 0)
}

function firstIndex(runs: Json[]): number {
  const index = runs[0]?.['executionIndex']
  return typeof index === 'number' ? index : 0
}

function toIso(ms: unknown): string | null {
  return typeof ms === 'number' && ms >= earliestMs && ms < latestMs ? new Date(ms).toISOString() : null
}

const isDuration = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

const shorten = (text: string, maxChars: number): string =>
  cleanText(redact(cleanText(text)).slice(0, maxChars))

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
