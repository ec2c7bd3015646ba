/**
 * @module Compares two n8n workflows by node. Accepts any stored JSON. Time and result size are linear in the input, even
 * with long names and keys that occur in many paths and connections.
 */
import { inputOf, isTarget, slotsOf } from '../n8n/reading/connection-slots.ts'
import { isContainer, isObject, type JsonObject } from '../lib/json-object.ts'

export interface ConnectionDiff {
  from: string
  output: number
  to: string
  input: number
  /** Such as `main` or `ai_tool`. */
  type: string
}

export interface JsonDiff {
  /** Node names in the order of the newer workflow. */
  added: string[]
  /** Node names in the order of the older workflow. */
  removed: string[]
  /** `node` is the newer name. Paths are dotted; an array of scalars or with a new length is one path. */
  changed: { node: string; paths: string[] }[]
  /** Renaming a node does not change its connections. */
  connections: { added: ConnectionDiff[]; removed: ConnectionDiff[] }
  /** Some nodes list top-level fields only, or some connections are omitted. */
  truncated?: true
}

export interface NodeDiff {
  added: JsonObject[]
  removed: JsonObject[]
  changed: { before: JsonObject; after: JsonObject; paths: string[] }[]
  /** Matched nodes: newer → older. */
  pairs: ReadonlyMap<JsonObject, JsonObject>
  truncated: boolean
}

/** Longer paths are truncated. */
const MAX_PATH_CHARS = 1_000
const MAX_PATHS_PER_NODE = 1_000
/** Limits all paths together, and the names in each list of connections. */
const MAX_LISTED_CHARS = 1_000_000

export function diffWorkflows(
  older: JsonObject,
  newer: JsonObject,
  nodes = diffNodes(older, newer),
): JsonDiff {
  const renamed = new Map([...nodes.pairs].map(([after, before]) => [nodeLabel(before), nodeLabel(after)]))
  // Shared by both lists. Numbers keep the keys short.
  const keyOf = connectionKeys()
  const byKey = (connections: ConnectionDiff[]) => new Map(connections.map((each) => [keyOf(each), each]))
  const are = byKey(connectionsOf(newer))
  const were = byKey(
    connectionsOf(older).map(({ from, output, to, input, type }) => {
      return { from: renamed.get(from) ?? from, output, to: renamed.get(to) ?? to, input, type }
    }),
  )
  const added = listed([...are].filter(([key]) => !were.has(key)).map(([, connection]) => connection))
  const removed = listed([...were].filter(([key]) => !are.has(key)).map(([, connection]) => connection))
  return {
    added: nodes.added.map(nodeLabel),
    removed: nodes.removed.map(nodeLabel),
    changed: nodes.changed.map(({ after, paths }) => ({ node: nodeLabel(after), paths })),
    connections: { added: added.connections, removed: removed.connections },
    ...((nodes.truncated || added.truncated || removed.truncated) && { truncated: true }),
  }
}

/** The nodes that differ, as objects, because names and IDs may not be unique. */
export function diffNodes(older: JsonObject, newer: JsonObject): NodeDiff {
  const before = nodesOf(older)
  const after = nodesOf(newer)
  const pairs = pair(before, after)
  const changed: NodeDiff['changed'] = []
  let left = MAX_LISTED_CHARS
  let truncated = false
  for (const node of after) {
    const earlier = pairs.get(node)
    if (!earlier) continue
    const found = pathsWithin(changedPaths(earlier, node), left)
    truncated ||= found === null
    const paths = found ?? changedFields(earlier, node)
    left -= paths.reduce((sum, path) => sum + path.length, 0)
    if (paths.length > 0) changed.push({ before: earlier, after: node, paths: paths.toSorted() })
  }
  const paired = new Set(pairs.values())
  return {
    added: after.filter((node) => !pairs.has(node)),
    removed: before.filter((node) => !paired.has(node)),
    changed,
    pairs,
    truncated,
  }
}

/** Null if there are too many paths or they are too long. */
function pathsWithin(found: Iterable<string>, maxChars: number): string[] | null {
  const paths: string[] = []
  let chars = 0
  for (const path of found) {
    chars += path.length
    if (chars > maxChars || paths.length === MAX_PATHS_PER_NODE) return null
    paths.push(path)
  }
  return paths
}

function changedFields(before: JsonObject, after: JsonObject): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  const differs = (key: string) =>
    Object.hasOwn(before, key) !== Object.hasOwn(after, key) || !sameJson(before[key], after[key])
  return [...keys].filter(differs).map(shortPath)
}

const shortPath = (path: string): string =>
  path.length <= MAX_PATH_CHARS ? path : `${path.slice(0, MAX_PATH_CHARS)}…`

/** The first connections up to the limit, and at least one. */
function listed(connections: ConnectionDiff[]): { connections: ConnectionDiff[]; truncated: boolean } {
  let chars = 0
  const end = connections.findIndex(({ from, to, type }, index) => {
    chars += from.length + to.length + type.length
    return index > 0 && chars > MAX_LISTED_CHARS
  })
  return end < 0
    ? { connections, truncated: false }
    : { connections: connections.slice(0, end), truncated: true }
}

/** Whether two JSON values are equal, ignoring key order. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
    )
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]))
  }
  return a === b
}

const nodesOf = (workflow: JsonObject): JsonObject[] =>
  Array.isArray(workflow.nodes) ? workflow.nodes.filter((node) => isObject(node)) : []

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export const nodeLabel = (node: JsonObject): string => textOf(node.name) ?? textOf(node.type) ?? '(unnamed)'

/** Newer node → older node. Matches by ID, which survives renaming, then by name, which survives a re-import. */
function pair(before: JsonObject[], after: JsonObject[]): Map<JsonObject, JsonObject> {
  const pairs = new Map<JsonObject, JsonObject>()
  const left = new Set(before)
  for (const keyOf of [(node: JsonObject) => textOf(node.id), nodeLabel]) {
    const byKey = new Map<string, { nodes: JsonObject[]; next: number }>()
    for (const node of left) {
      const key = keyOf(node)
      if (key === undefined) continue
      const waiting = byKey.get(key)
      if (waiting) waiting.nodes.push(node)
      else byKey.set(key, { nodes: [node], next: 0 })
    }
    for (const node of after) {
      const key = pairs.has(node) ? undefined : keyOf(node)
      const waiting = key === undefined ? undefined : byKey.get(key)
      const match = waiting?.nodes[waiting.next]
      if (!waiting || !match) continue
      waiting.next += 1
      pairs.set(node, match)
      left.delete(match)
    }
  }
  return pairs
}

function* changedPaths(before: unknown, after: unknown, path = ''): Generator<string> {
  const below = (key: string | number) => shortPath(path === '' ? String(key) : `${path}.${key}`)
  if (path.length > MAX_PATH_CHARS) {
    if (!sameJson(before, after)) yield path
  } else if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (Object.hasOwn(before, key) && Object.hasOwn(after, key)) {
        yield* changedPaths(before[key], after[key], below(key))
      } else {
        yield below(key)
      }
    }
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    if (after.some((item) => isContainer(item))) {
      for (const [index, item] of after.entries()) yield* changedPaths(before[index], item, below(index))
    } else if (after.some((item, index) => item !== before[index])) {
      yield path
    }
  } else if (before !== after) {
    yield path
  }
}

/** Creates a function that returns a unique key of a connection. */
function connectionKeys(): (connection: ConnectionDiff) => string {
  const numbers = new Map<string, number>()
  const numberOf = (name: string): number => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  }
  return ({ from, output, to, input, type }) =>
    `${numberOf(from)} ${output} ${numberOf(to)} ${input} ${numberOf(type)}`
}

/** The distinct connections of a workflow. Skips slots and targets of another shape. */
export function connectionsOf({ connections }: JsonObject): ConnectionDiff[] {
  const keyOf = connectionKeys()
  const found = new Map<string, ConnectionDiff>()
  for (const { from, type, output, targets } of slotsOf(connections)) {
    for (const target of targets.filter(isTarget)) {
      const connection = { from, output, to: target.node, input: inputOf(target), type }
      found.set(keyOf(connection), connection)
    }
  }
  return [...found.values()]
}
