/** @module Checks the nodes of a workflow for what n8n rejects, and repairs it if that is safe. */
import {
  type Defect,
  isAbsent,
  type Place,
  quoted,
  refusedKind,
  refusedStructure,
  type Repairs,
  shown,
} from './repairs.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { FreeNames, NodeNames, type Resolved } from './names.ts'
import { checkReference } from '../reading/sub-workflow-refs.ts'

export type Kind = 'string' | 'number' | 'boolean'
/** Optional fields of a node and their types. */
export const NODE_FIELDS: Readonly<Record<string, Kind>> = {
  webhookId: 'string',
  disabled: 'boolean',
  notesInFlow: 'boolean',
  notes: 'string',
  typeVersion: 'number',
  executeOnce: 'boolean',
  alwaysOutputData: 'boolean',
  retryOnFail: 'boolean',
  maxTries: 'number',
  waitBetweenTries: 'number',
  continueOnFail: 'boolean',
  onError: 'string',
}
/** Fields without effect on executions; invalid values can be removed. */
const REMARKS = new Set(['notes', 'notesInFlow'])
const STICKY_NOTE = 'n8n-nodes-base.stickyNote'

export interface CheckedNodes {
  nodes: unknown[]
  names: NodeNames
}

/** @param mentioned names used in connections; repairs do not assign these to nodes */
export function checkNodes(
  given: unknown[],
  place: Place,
  mentioned: ReadonlySet<string>,
  repairs: Repairs,
): CheckedNodes {
  const taken = new FreeNames([
    ...mentioned,
    ...given.flatMap((node) => (isObject(node) ? textName(node) : [])),
  ])
  const counts = new Map<string, number>()
  for (const node of given) {
    const id = isObject(node) ? idOf(node) : undefined
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const names = new Names(given)
  const ids: Ids = { owners: new Map(), taken: new FreeNames(counts.keys()) }
  const byId = new Map<string, Resolved>()
  const nodes = given.map((node, index) => {
    const at = place.at(index)
    if (!isObject(node)) {
      const n8n = refusedKind(at, 'object', node)
      repairs.report({ code: 'invalid-node', place: at, message: 'A node must be an object', n8n })
      return node
    }
    const { name, offered, changed } = checkName(node, index, at, names, taken, repairs)
    if (name !== undefined) names.add(name, node)
    const label = name ?? `#${index}`
    const id = idOf(node)
    const unique = id !== undefined && counts.get(id) === 1
    const target = name ?? offered
    if (unique && target !== undefined && !names.isAmbiguous(target))
      byId.set(id, { name: target, waits: name === undefined })
    checkType(node, at, label, repairs)
    const checked = checkFields(node, at, label, repairs)
    const fields = checkReference(checked ?? node, at, label, repairs) ?? checked
    const freshId = checkId(node, index, at, label, ids, repairs)
    if (id !== undefined && !ids.owners.has(id)) ids.owners.set(id, label)
    const isSame = !changed && fields === undefined && freshId === undefined
    if (isSame) return node
    return { ...(fields ?? node), ...(changed && { name }), ...(freshId !== undefined && { id: freshId }) }
  })
  return { nodes, names: new NodeNames(names.all, byId) }
}

const isSticky = ({ type }: JsonObject): boolean => type === STICKY_NOTE

/** Names of the nodes checked so far. If a node and a sticky note share a name, the sticky note is the duplicate. */
class Names {
  readonly all = new Set<string>()
  /** name → number of nodes with it, without sticky notes */
  readonly #counts = new Map<string, number>()
  readonly #run = new Set<string>()

  constructor(nodes: unknown[]) {
    for (const node of nodes) {
      if (!isObject(node) || isSticky(node) || typeof node.name !== 'string') continue
      this.#counts.set(node.name, (this.#counts.get(node.name) ?? 0) + 1)
    }
  }

  add(name: string, node: JsonObject): void {
    this.all.add(name)
    if (!isSticky(node)) this.#run.add(name)
  }

  isDuplicate(name: string, node: JsonObject): boolean {
    return isSticky(node) ? this.all.has(name) || this.#counts.has(name) : this.#run.has(name)
  }

  isAmbiguous(name: string): boolean {
    return (this.#counts.get(name) ?? 0) > 1
  }
}

function idOf({ id }: JsonObject): string | undefined {
  if (typeof id === 'number') return String(id)
  return typeof id === 'string' && id !== '' ? id : undefined
}

const textName = ({ name }: JsonObject): string[] => (typeof name === 'string' ? [name] : [])

interface CheckedName {
  /** undefined if missing or invalid */
  name: string | undefined
  /** the name from a repair that is not applied */
  offered?: string
  changed: boolean
}

function checkName(
  node: JsonObject,
  index: number,
  at: Place,
  names: Names,
  taken: FreeNames,
  repairs: Repairs,
): CheckedName {
  const { name } = node
  const place = at.at('name')
  const rename = (wanted: string, defect: Omit<Defect, 'place' | 'fix'>, label: string): CheckedName => {
    const offered = taken.free(wanted)
    const applied = repairs.report({ ...defect, place, fix: `${label} ${quoted(shown(offered))}` })
    if (applied) taken.take(offered)
    return applied ? { name: offered, changed: true } : { name: undefined, offered, changed: false }
  }
  if (isAbsent(name) || name === '') {
    const what = name === '' ? 'String must contain at least 1 character(s)' : 'Required'
    const n8n = refusedStructure(place, name === '' ? 'too_small' : 'invalid_type', what)
    const message = 'The node has no name. Give it a unique name'
    return rename(
      `Node ${index + 1}`,
      { code: 'missing-node-name', message, node: `#${index}`, n8n },
      'Name it',
    )
  }
  if (typeof name !== 'string') {
    const message = 'A node name must be a string'
    const defect = {
      code: 'invalid-node-name',
      message,
      node: `#${index}`,
      n8n: refusedKind(place, 'string', name),
    }
    if (typeof name === 'number' && !taken.has(String(name))) {
      const applied = repairs.report({ ...defect, place, fix: `Name it ${quoted(String(name))}` })
      if (applied) taken.take(String(name))
      return applied
        ? { name: String(name), changed: true }
        : { name: undefined, offered: String(name), changed: false }
    }
    repairs.report({ ...defect, place })
    return { name: undefined, changed: false }
  }
  if (!names.isDuplicate(name, node)) return { name, changed: false }
  const code = 'duplicate-node-name'
  const message = `Another node is also named ${quoted(shown(name))}. Rename one of them and update its references`
  const n8n = refusedStructure(place, 'duplicate_node_name', `Duplicate node name ${quoted(name)}`)
  // Nothing refers to a sticky note, so renaming it is safe.
  if (isSticky(node)) {
    const renamed = rename(name, { code, message, node: name, n8n }, 'Rename the sticky note to')
    return renamed.changed ? renamed : { name, changed: false }
  }
  repairs.report({ code, place, message, node: name, n8n })
  return { name, changed: false }
}

function checkType({ type }: JsonObject, at: Place, node: string, repairs: Repairs): void {
  if (typeof type === 'string' && type !== '') return
  const place = at.at('type')
  const n8n =
    typeof type === 'string'
      ? refusedStructure(place, 'too_small', 'String must contain at least 1 character(s)')
      : isAbsent(type)
        ? refusedStructure(place, 'invalid_type', 'Required')
        : refusedKind(place, 'string', type)
  const message = 'The node has no type. Set one, such as n8n-nodes-base.httpRequest'
  repairs.report({ code: 'missing-node-type', place, message, node, n8n })
}

interface Ids {
  /** ID → name of the first node that has it */
  owners: Map<string, string>
  taken: FreeNames
}

/** @returns a new ID if an earlier node has the same one and the repair applies */
function checkId(
  { id }: JsonObject,
  index: number,
  at: Place,
  node: string,
  { owners, taken }: Ids,
  repairs: Repairs,
): string | undefined {
  const owner = typeof id === 'string' ? owners.get(id) : undefined
  if (owner === undefined) return undefined
  const place = at.at('id')
  const what = `Nodes ${quoted(owner)} and ${quoted(node)} share the node ID ${quoted(String(id))}`
  const applied = repairs.report({
    code: 'duplicate-node-id',
    place,
    message: `${quoted(shown(owner))} has the same ID. Give each node a unique ID`,
    node,
    n8n: refusedStructure(place, 'duplicate_node_id', what),
    fix: 'Give the node a new ID',
  })
  if (!applied) return undefined
  const fresh = taken.free(`node-${index + 1}`)
  taken.take(fresh)
  return fresh
}

/** @returns the node with repaired fields; undefined if nothing was repaired */
function checkFields(node: JsonObject, at: Place, label: string, repairs: Repairs): JsonObject | undefined {
  const repaired = new Map<string, unknown>()
  for (const [key, value] of Object.entries(node)) {
    if (isAbsent(value)) continue
    const place = at.at(key)
    if (key === 'parameters') {
      const changed = checkParameters(value, place, label, repairs)
      if (changed) repaired.set(key, changed)
    } else if (Object.hasOwn(NODE_FIELDS, key)) {
      const kind = NODE_FIELDS[key] as Kind
      if (typeof value !== kind) checkField(key, value, kind, place, label, repairs, repaired)
    }
  }
  if (repaired.size === 0) return undefined
  const entries = Object.entries(node).filter(
    ([key]) => !repaired.has(key) || repaired.get(key) !== undefined,
  )
  return Object.fromEntries(entries.map(([key, value]) => [key, repaired.get(key) ?? value]))
}

function checkField(
  key: string,
  value: unknown,
  kind: Kind,
  place: Place,
  node: string,
  repairs: Repairs,
  repaired: Map<string, unknown>,
): void {
  const converted = convert(value, kind)
  const isRemark = REMARKS.has(key)
  const fix =
    converted !== undefined
      ? `Set it to ${JSON.stringify(converted)}`
      : isRemark
        ? 'Remove it (it has no effect on executions)'
        : undefined
  const applied = repairs.report({
    code: 'invalid-node-field',
    place,
    message: `${key} must be a ${kind}, not ${JSON.stringify(value).slice(0, 60).toWellFormed()}`,
    node,
    n8n: refusedKind(place, kind, value),
    fix,
  })
  if (applied) repaired.set(key, converted)
}

function checkParameters(
  value: unknown,
  place: Place,
  node: string,
  repairs: Repairs,
): JsonObject | undefined {
  if (isObject(value)) return undefined
  const isEmpty = Array.isArray(value) && value.length === 0
  const applied = repairs.report({
    code: 'invalid-parameters',
    place,
    message: 'Node parameters must be an object keyed by parameter name',
    node,
    n8n: refusedKind(place, 'object', value),
    fix: isEmpty ? 'Replace it with an empty object' : undefined,
  })
  return applied ? {} : undefined
}

/** Converts a value without changing its meaning; undefined if that is impossible. */
export function convert(value: unknown, kind: Kind): unknown {
  if (kind === 'number') return toNumber(value)
  if (kind === 'boolean' && typeof value === 'string') {
    const text = value.trim().toLowerCase()
    return text === 'true' || text === 'false' ? text === 'true' : undefined
  }
  if (kind === 'string' && typeof value === 'number') return String(value)
  return typeof value === kind ? value : undefined
}

export function toNumber(value: unknown): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}
