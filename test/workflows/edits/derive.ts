/** @module The edits that turn one workflow into another. */
import { isObject, type JsonObject, listOf, pointerTo } from '../../../src/lib/json-object.ts'
import { patchTo } from '../../../src/lib/merge-patch.ts'
import {
  type ConnectionDiff,
  connectionsOf,
  diffNodes,
  diffWorkflows,
  sameJson,
} from '../../../src/workflows/diff.ts'
import { applyEdits } from '../../../src/workflows/edits/apply.ts'
import { EditOperation, maxOperations, nodeProperties } from '../../../src/workflows/edits/operations.ts'
import { ownOf } from '../../../src/lib/json-object.ts'

/** Members of a node with operations of their own. */
const ownMembers = new Set<string>([
  'id',
  'name',
  'type',
  'position',
  'parameters',
  'credentials',
  'disabled',
])
const properties = new Set<string>(nodeProperties)

/**
 * The edits after which the nodes, connections, settings and pinned data of `before` equal those of `after`. The order and
 * the IDs of nodes do not count. Null if there are no such edits, for example because names are not unique, or too many.
 */
export function deriveEdits(before: JsonObject, after: JsonObject): EditOperation[] | null {
  const operations: EditOperation[] = []
  let current = before
  const add = (more: readonly EditOperation[]): boolean => {
    const result = applyEdits(current, more)
    if (result.failure || operations.length + more.length > maxOperations) return false
    operations.push(...more)
    current = result.workflow
    return true
  }
  const nodes = diffNodes(before, after)
  const names = [...nodes.pairs.keys(), ...nodes.added].map(nameOf)
  if (new Set(names).size < names.length || names.includes('')) return null
  const isDone =
    add(nodes.removed.map((node) => ({ op: 'removeNode', node: nameOf(node) }))) &&
    add(renames(nodes.pairs)) &&
    add(nodeEdits(nodes.pairs, new Map(nodesIn(current).map((node) => [nameOf(node), node])))) &&
    add(nodes.added.map((node) => ({ op: 'addNode', node }))) &&
    add(connectionEdits(current, after)) &&
    add(workflowEdits(current, after))
  if (!isDone || !sameJson(comparable(current), comparable(after))) return null
  return operations.every((each) => EditOperation.safeParse(each).success) ? operations : null
}

const nameOf = (node: JsonObject): string => (typeof node.name === 'string' ? node.name : '')
const nodesIn = ({ nodes }: JsonObject): JsonObject[] => listOf(nodes).filter((node) => isObject(node))

/** What edits can change, without the order of nodes and of the targets of an output. */
function comparable(workflow: JsonObject): unknown {
  const nodes = nodesIn(workflow)
    .map((node) => ({ credentials: {}, ...node, id: '', disabled: node.disabled === true }))
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  const connections = connectionsOf(workflow)
    .map((each) => JSON.stringify(each))
    .toSorted()
  const { settings = {}, pinData = {} } = workflow
  return { nodes, connections, settings, pinData }
}

/** A name that is still in use waits for its node to be renamed. A cycle goes over a free name. */
function renames(pairs: ReadonlyMap<JsonObject, JsonObject>): EditOperation[] {
  const left = new Map([...pairs].map(([after, before]) => [nameOf(before), nameOf(after)]))
  for (const [from, to] of left) if (from === to) left.delete(from)
  const operations: EditOperation[] = []
  while (left.size > 0) {
    const free = [...left].find(([, to]) => !left.has(to))
    const [from = '', to = ''] = free ?? [...left][0] ?? []
    const name = free ? to : `${from} (renamed)`
    operations.push({ op: 'renameNode', node: from, name })
    left.delete(from)
    if (!free) left.set(name, to)
  }
  return operations
}

function nodeEdits(
  pairs: ReadonlyMap<JsonObject, JsonObject>,
  current: ReadonlyMap<string, JsonObject>,
): EditOperation[] {
  return [...pairs.keys()].flatMap((after) => {
    const before = current.get(nameOf(after))
    return before && !sameJson(before, after) ? editsOfNode(before, after) : []
  })
}

function editsOfNode(before: JsonObject, after: JsonObject): EditOperation[] {
  const node = nameOf(after)
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !sameJson(ownOf(before, key), ownOf(after, key)),
  )
  const { id: _, name: __, position: ___, ...rest } = after
  const [x, y]: unknown[] = listOf(after.position)
  const moves: EditOperation[] =
    changed.includes('position') && typeof x === 'number' && typeof y === 'number'
      ? [{ op: 'moveNode', node, position: [x, y] }]
      : []
  if (changed.some((key) => key === 'type' || (!ownMembers.has(key) && !properties.has(key)))) {
    return [{ op: 'replaceNode', node, with: rest }, ...moves]
  }
  const parameters = changed.includes('parameters') ? parameterEdits(node, before, after) : []
  const others = changed.flatMap((key): EditOperation[] => {
    const value = after[key] ?? null
    if (key === 'disabled') return [{ op: value === true ? 'disableNode' : 'enableNode', node }]
    if (key === 'credentials') return credentialEdits(node, before, after)
    const property = nodeProperties.find((each) => each === key)
    return property ? [{ op: 'setNodeProperty', node, property, value: value as string }] : []
  })
  return [...parameters, ...others, ...moves]
}

function credentialEdits(node: string, before: JsonObject, after: JsonObject): EditOperation[] {
  const patch = patchTo(
    isObject(before.credentials) ? before.credentials : {},
    isObject(after.credentials) ? after.credentials : {},
  )
  return Object.keys(patch).map((type) => {
    const given = isObject(after.credentials) ? ownOf(after.credentials, type) : undefined
    const { id, name } = isObject(given) ? given : {}
    const credential =
      given === undefined ? null : { name: String(name), ...(typeof id === 'string' && { id }) }
    return { op: 'setCredential', node, type, credential }
  })
}

const sizeOf = (value: unknown): number => JSON.stringify(value)?.length ?? 0

function parameterEdits(node: string, before: JsonObject, after: JsonObject): EditOperation[] {
  const set = (pointer: string, value: unknown): EditOperation => ({
    op: 'setParameter',
    node,
    pointer,
    value,
  })
  /** Undefined if the edits would be longer than to set the whole value. */
  const within = (was: unknown, is: unknown, pointer: string): EditOperation[] => {
    if (sameJson(was, is)) return []
    const whole = [set(pointer, is)]
    const parts = partsOf(was, is, pointer)
    return parts && sizeOf(parts) < sizeOf(whole) ? parts : whole
  }
  const partsOf = (was: unknown, is: unknown, pointer: string): EditOperation[] | undefined => {
    if (typeof was === 'string' && typeof is === 'string') return textEdit(node, pointer, was, is)
    if (Array.isArray(was) && Array.isArray(is)) {
      if (is.length < was.length) return undefined
      return is.flatMap((value: unknown, index) =>
        index < was.length ? within(was[index], value, `${pointer}/${index}`) : set(`${pointer}/-`, value),
      )
    }
    if (!isObject(was) || !isObject(is) || Object.values(is).includes(null)) return undefined
    return [
      ...Object.keys(was)
        .filter((key) => !Object.hasOwn(is, key))
        .map((key) => set(pointerTo(pointer, key), null)),
      ...Object.keys(is).flatMap((key) => within(ownOf(was, key), ownOf(is, key), pointerTo(pointer, key))),
    ]
  }
  return within(before.parameters ?? {}, after.parameters ?? {}, '')
}

const context = 24
const minTextChars = 120

/** Replaces what differs between two long texts, with some text around it. */
function textEdit(node: string, pointer: string, was: string, is: string): EditOperation[] | undefined {
  if (was.length < minTextChars) return undefined
  const most = Math.min(was.length, is.length)
  let start = 0
  while (start < most && was[start] === is[start]) start += 1
  let end = 0
  while (end < most - start && was.at(-1 - end) === is.at(-1 - end)) end += 1
  const [from, to] = [Math.max(0, start - context), Math.max(0, end - context)]
  const find = was.slice(from, was.length - to)
  if (!find.isWellFormed() || was.split(find).length !== 2) return undefined
  return [{ op: 'replaceText', node, pointer, find, replace: is.slice(from, is.length - to) }]
}

function connectionEdits(before: JsonObject, after: JsonObject): EditOperation[] {
  const { added, removed } = diffWorkflows(before, after).connections
  const edit = (
    op: 'connect' | 'disconnect',
    { from, to, type, output, input }: ConnectionDiff,
  ): EditOperation => ({
    op,
    from,
    to,
    ...((op === 'disconnect' || type !== 'main') && { type }),
    ...((op === 'disconnect' || output !== 0) && { output }),
    ...((op === 'disconnect' || input !== 0) && { input }),
  })
  return [...removed.map((each) => edit('disconnect', each)), ...added.map((each) => edit('connect', each))]
}

function workflowEdits(before: JsonObject, after: JsonObject): EditOperation[] {
  const [settings, pinned] = ['settings', 'pinData'].map((key) =>
    patchOf(ownOf(before, key), ownOf(after, key), key === 'settings'),
  )
  return [
    ...(Object.keys(settings ?? {}).length > 0
      ? [{ op: 'setSettings', settings: settings ?? {} } as const]
      : []),
    ...Object.entries(pinned ?? {}).map(
      ([node, items]): EditOperation => ({
        op: 'setPinData',
        node,
        items: Array.isArray(items) ? items : null,
      }),
    ),
  ]
}

function patchOf(before: unknown, after: unknown, isDeep: boolean): JsonObject {
  const [was, is] = [before, after].map((value) => (isObject(value) ? value : {}))
  if (isDeep) return patchTo(was ?? {}, is ?? {})
  const keys = new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})])
  return Object.fromEntries(
    [...keys]
      .filter((key) => !sameJson(ownOf(was ?? {}, key), ownOf(is ?? {}, key)))
      .map((key) => [key, ownOf(is ?? {}, key) ?? null]),
  )
}
