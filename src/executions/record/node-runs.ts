/**
 * @module Summarizes n8n run data per node: status, start, duration, number of items and error. The items themselves are
 * not stored, because they contain user data and secrets. Supports n8n 1.x and 2.x.
 */
import { toStorable } from '../../lib/storable-text.ts'
import { isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { shapeOf } from './data-shape.ts'
import { redact } from '../../lib/secrets/redact.ts'

export interface NodeRun {
  name: string
  /** Null when the report does not include the workflow's nodes. */
  type: string | null
  /** Status of the last run, as named by n8n, such as `success` or `error`. */
  status: string | null
  /** Start of the first run, ISO 8601. */
  startedAt: string | null
  /** Total of all runs. */
  durationMs: number | null
  /** Items returned, over all runs and outputs. */
  items: number
  /** More than 1 in a loop. */
  runs: number
  /** Error of the last failed run. `httpStatus`: response status of the service that the node called. */
  error: { message: string; httpStatus: number | null } | null
  /** What the failed run of the node received. Only for nodes with an error. */
  input?: NodeInput[]
  /** Shape of each main output of the last run; null without items. Only in executions with a failed node. */
  output?: (string | null)[]
}

/** What a node received from an output of another node. */
export interface NodeInput {
  node: string
  /** 0-based. */
  output: number
  items: number
  /** Null without items. */
  shape: string | null
}

export interface RunSummary {
  /** In the order in which they first ran. */
  nodes: NodeRun[]
  /** Number of omitted nodes. */
  omittedNodes?: number
}

const maxNodes = 500
const maxNameChars = 256
const maxMessageChars = 500
/** Of the shapes of one execution, in characters. The nodes that ran last come first. */
const maxShapesChars = 32_000
const maxInputs = 10
export const nodeRunLimits = {
  nodes: maxNodes,
  nameChars: maxNameChars,
  messageChars: maxMessageChars,
} as const
/** 2000-01-01. Runs that n8n reconstructs after a crash have seconds instead of milliseconds. */
const earliestMs = 946_684_800_000
const latestMs = 4_102_444_800_000

/** Activity of a run's nodes. */
export interface Activity {
  /** Time during which at least one node other than Wait ran. Nested nodes count once. */
  activeMs: number
  /** A Wait node ran, or the gap between nodes is too long for anything but a wait. */
  waited: boolean
}

export const isWaitNode = (type: string | undefined): boolean => type === 'n8n-nodes-base.wait'
/** A node of n8n's AI package. */
export const isAiNode = (type: string): boolean => type.startsWith('@n8n/n8n-nodes-langchain.')
/** n8n starts the next node within milliseconds, unless it waits for a time, a webhook or a response. */
const waitGapMs = 10_000

/**
 * Null when `data` is not n8n run data.
 * @param workflow with the `nodes` that ran
 * @param startedAt start of the run, ISO 8601: a retry's data begins with the node runs of the original
 */
export function activityOf(data: unknown, workflow: unknown, startedAt: unknown): Activity | null {
  const runData = runDataOf(data)
  if (!runData) return null
  const types = typesOf(workflow)
  const sinceMs = startMsOf(startedAt)
  const spans: NodeTime[] = []
  for (const [name, runs] of Object.entries(runData)) {
    const isWait = isWaitNode(types.get(name))
    for (const { startTime, executionTime } of (Array.isArray(runs) ? runs : []).filter(isObject)) {
      if (typeof startTime !== 'number' || !isDuration(executionTime)) continue
      if (startTime + executionTime < sinceMs) continue
      spans.push({ startMs: startTime, endMs: startTime + executionTime, isWait })
    }
  }
  return nodeRunActivity(spans)
}

/** NaN when unknown. A node run that ended earlier belongs to another run. */
export const startMsOf = (startedAt: unknown): number =>
  typeof startedAt === 'string' ? Date.parse(startedAt) : Number.NaN

export interface NodeTime {
  startMs: number
  endMs: number
  isWait: boolean
}

export function nodeRunActivity(times: NodeTime[]): Activity {
  let waited = times.some(({ isWait }) => isWait)
  let activeMs = 0
  let untilMs: number | null = null
  const active = times.filter(({ isWait }) => !isWait)
  for (const { startMs, endMs } of active.toSorted((a, b) => a.startMs - b.startMs)) {
    const fromMs: number = untilMs === null ? startMs : Math.max(startMs, untilMs)
    if (untilMs !== null && startMs - untilMs >= waitGapMs) waited = true
    activeMs += Math.max(0, endMs - fromMs)
    untilMs = Math.max(endMs, fromMs)
  }
  return { activeMs: Math.round(activeMs), waited }
}

export function runDataOf(data: unknown): JsonObject | null {
  const result = isObject(data) ? data['resultData'] : undefined
  const runData = isObject(result) ? result['runData'] : undefined
  return isObject(runData) ? runData : null
}

/** Null when `data` is not n8n run data. @param workflow with the `nodes` that ran */
export function summariseRun(data: unknown, workflow: unknown): RunSummary | null {
  const runData = runDataOf(data)
  if (!runData) return null
  const types = typesOf(workflow)
  const nodes = Object.entries(runData)
    .map(([name, runs]) => ({ name, runs: (Array.isArray(runs) ? runs : []).filter(isObject) }))
    .filter(({ runs }) => runs.length > 0)
    .toSorted((a, b) => firstIndex(a.runs) - firstIndex(b.runs))
  const listed = nodes.slice(0, maxNodes)
  const shapes = listed.some(({ runs }) => runs.some(hasFailed)) ? shapesOf(listed, runData) : null
  return {
    nodes: listed.map(({ name, runs }) =>
      Object.assign(toNodeRun(name, types.get(name) ?? null, runs), shapes?.get(name)),
    ),
    ...(nodes.length > maxNodes && { omittedNodes: nodes.length - maxNodes }),
  }
}

const hasFailed = (run: JsonObject): boolean => isObject(run['error'])

type Shapes = Pick<NodeRun, 'input' | 'output'>

function shapesOf(
  nodes: readonly { name: string; runs: JsonObject[] }[],
  runData: JsonObject,
): Map<string, Shapes> {
  const shapes = new Map<string, Shapes>()
  let chars = 0
  const within = <T>(shape: T): T | undefined => {
    chars += JSON.stringify(shape).length
    return chars <= maxShapesChars ? shape : undefined
  }
  const failures = nodes.flatMap(({ name, runs }) => {
    const run = runs.findLast(hasFailed)
    return run ? [{ name, run }] : []
  })
  for (const { name, run } of failures.toReversed()) {
    const input = within(inputsOf(run, runData))
    if (input) shapes.set(name, { input })
  }
  for (const { name, runs } of nodes.toReversed()) {
    if (chars > maxShapesChars) break
    const outputs = mainOutputs(runs.at(-1))
    const output = outputs.length > 0 ? within(outputs.map(shapeOf)) : undefined
    if (output) shapes.set(name, { ...shapes.get(name), output })
  }
  return shapes
}

/** The items of each main output of one run of a node. */
export function mainOutputs(run: unknown): unknown[][] {
  const data = isObject(run) ? run['data'] : undefined
  return isObject(data) ? listOf(data['main']).map(listOf) : []
}

function inputsOf(run: JsonObject, runData: JsonObject): NodeInput[] {
  return listOf(run['source'])
    .slice(0, maxInputs)
    .filter(isObject)
    .flatMap(({ previousNode, previousNodeOutput = 0, previousNodeRun = 0 }) => {
      if (typeof previousNode !== 'string' || !Object.hasOwn(runData, previousNode)) return []
      const output = Number(previousNodeOutput)
      const items = mainOutputs(listOf(runData[previousNode])[Number(previousNodeRun)])[output] ?? []
      return [
        { node: shorten(previousNode, maxNameChars), output, items: items.length, shape: shapeOf(items) },
      ]
    })
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

function toNodeRun(name: string, type: string | null, runs: JsonObject[]): NodeRun {
  const failed = runs.findLast(hasFailed)
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
    error: failed ? toError(failed['error'] as JsonObject) : null,
  }
}

function typeOfFailed(run: JsonObject): string | null {
  const node = isObject(run['error']) ? run['error']['node'] : undefined
  return isObject(node) && typeof node['type'] === 'string' ? shorten(node['type'], maxNameChars) : null
}

function toError(error: JsonObject): NodeRun['error'] {
  const message = [error['message'], error['description']].find(
    (text) => typeof text === 'string' && text !== '',
  )
  return {
    message: typeof message === 'string' ? shorten(message, maxMessageChars) : 'No message was given',
    httpStatus: toHttpStatus(error['httpCode']),
  }
}

/** n8n sends it as text. */
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

function firstIndex(runs: JsonObject[]): number {
  const index = runs[0]?.['executionIndex']
  return typeof index === 'number' ? index : 0
}

function toIso(ms: unknown): string | null {
  return typeof ms === 'number' && ms >= earliestMs && ms < latestMs ? new Date(ms).toISOString() : null
}

const isDuration = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

/** The name of a node, as stored. */
export const nodeText = (name: string): string => shorten(name, maxNameChars)

const shorten = (text: string, maxChars: number): string =>
  toStorable(redact(toStorable(text)).slice(0, maxChars))
