/** @module What differs between two n8n workflows, by node. Takes whatever JSON was stored, however untidy. */

export interface ConnectionDiff {
  from: string
  output: number
  to: string
  input: number
  /** `main`, `ai_tool` and so on. */
  type: string
}

export interface JsonDiff {
  /** Node names, in the order of the newer workflow. */
  added: string[]
  /** Node names, in the order of the older workflow. */
  removed: string[]
  /** `node` is the newer name; paths are dotted, and an array that grew, shrank or holds plain values is one path. */
  changed: { node: string; paths: string[] }[]
  /** A renamed node's connections do not count as changed. */
  connections: { added: ConnectionDiff[]; removed: ConnectionDiff[] }
}

type Json = Record<string, unknown>

export function diffWorkflows(older: Json, newer: Json): JsonDiff {
  const before = nodesOf(older)
  const after = nodesOf(newer)
  const pairs = pair(before, after)
  const paired = new Set(pairs.keys())
  const renamed = new Map<string, string>()
  const changed: JsonDiff['changed'] = []
  for (const node of after) {
    const earlier = pairs.get(node)
    if (!earlier) continue
    renamed.set(label(earlier), label(node))
    const paths = [...changedPaths(earlier, node)]
    if (paths.length > 0) changed.push({ node: label(node), paths: paths.toSorted() })
  }
  const earlierNodes = new Set(pairs.values())
  const were = connectionsOf(older, (name) => renamed.get(name) ?? name)
  const are = connectionsOf(newer, (name) => name)
  return {
    added: after.filter((node) => !paired.has(node)).map(label),
    removed: before.filter((node) => !earlierNodes.has(node)).map(label),
    changed,
    connections: {
      added: [...are].filter(([key]) => !were.has(key)).map(([, connection]) => connection),
      removed: [...were].filter(([key]) => !are.has(key)).map(([, connection]) => connection),
    },
  }
}

/** Whether two JSON values are the same; the order of an object's keys does not count. */
export const sameJson = (a: unknown, b: unknown): boolean =>
  changedPaths({ value: a }, { value: b }).next().done === true

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const nodesOf = (workflow: Json): Json[] =>
  Array.isArray(workflow.nodes) ? workflow.nodes.filter((node) => isObject(node)) : []

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

const label = (node: Json): string => textOf(node.name) ?? textOf(node.type) ?? '(unnamed)'

/** Newer node → older node: by id, which survives renaming, and what is left by name, which survives a re-import. */
function pair(before: Json[], after: Json[]): Map<Json, Json> {
  const pairs = new Map<Json, Json>()
  const left = new Set(before)
  for (const keyOf of [(node: Json) => textOf(node.id), label]) {
    const byKey = new Map<string, Json[]>()
    for (const node of left) {
      const key = keyOf(node)
      if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), node])
    }
    for (const node of after) {
      const key = keyOf(node)
      const match = pairs.has(node) || key === undefined ? undefined : byKey.get(key)?.shift()
      if (!match) continue
      pairs.set(node, match)
      left.delete(match)
    }
  }
  return pairs
}

function* changedPaths(before: unknown, after: unknown, path = ''): Generator<string> {
  const below = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`)
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (Object.hasOwn(before, key) && Object.hasOwn(after, key)) {
        yield* changedPaths(before[key], after[key], below(key))
      } else {
        yield below(key)
      }
    }
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    if (after.some((item) => typeof item === 'object' && item !== null)) {
      for (const [index, item] of after.entries()) yield* changedPaths(before[index], item, below(index))
    } else if (after.some((item, index) => item !== before[index])) {
      yield path
    }
  } else if (before !== after) {
    yield path
  }
}

/** `{ <from>: { <type>: [ [ { node, type, index } ] ] } }`; slots and targets of another shape are passed over. */
function connectionsOf(workflow: Json, nameOf: (name: string) => string): Map<string, ConnectionDiff> {
  const found = new Map<string, ConnectionDiff>()
  if (!isObject(workflow.connections)) return found
  for (const [from, byType] of Object.entries(workflow.connections)) {
    if (!isObject(byType)) continue
    for (const [type, outputs] of Object.entries(byType)) {
      if (!Array.isArray(outputs)) continue
      for (const [output, targets] of outputs.entries()) {
        for (const target of Array.isArray(targets) ? targets : []) {
          if (!isObject(target) || typeof target.node !== 'string') continue
          const input = typeof target.index === 'number' ? target.index : 0
          const connection = { from: nameOf(from), output, to: nameOf(target.node), input, type }
          found.set(JSON.stringify(Object.values(connection)), connection)
        }
      }
    }
  }
  return found
}
