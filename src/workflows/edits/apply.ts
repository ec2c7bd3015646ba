/** @module Applies edits to a workflow: all, or none with the reason. Pure, and linear in the size of the workflow. */
import { closest } from '../../check/values/closest.ts'
import { isContainer, isObject, type JsonObject, ownOf, putOwn, segmentsOf } from '../../lib/json-object.ts'
import { mergePatch } from '../../lib/merge-patch.ts'
import { MAX_WORKFLOW_BYTES } from '../../n8n/reading/workflow-json.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import { inputOf, isTarget, slotsOf } from '../../n8n/reading/connection-slots.ts'
import { MAIN, PendingRemovals, PendingRenames, removeTargets, targetsOf } from './connections.ts'
import { type EditFailure, Refusal } from './failure.ts'
import { placeNodes } from './layout.ts'
import type { EditOperation } from './operations.ts'
import { ReferenceIndex, referencedNames } from './reference-index.ts'
import { nameKey, nodeKey, positionKey, settingsKey, type Touched } from './touched.ts'

export interface EditOptions {
  /** The typeVersion of a new node without one. Default 1. */
  typeVersion?: (type: string) => number | undefined
  /** The ID of a new node without one. */
  newId?: () => string
}

export interface Edited {
  workflow: JsonObject
  /** The new name of the workflow. */
  name?: string
  /** What the operations name, even if they do not change it. */
  named: Touched
  failure?: undefined
}

/** @param workflow within the limits of `parseWorkflow`; does not change */
export function applyEdits(
  workflow: JsonObject,
  operations: readonly EditOperation[],
  options: EditOptions = {},
): Edited | { failure: EditFailure } {
  let index = 0
  try {
    const editor = new Editor(structuredClone(workflow), options)
    for (const operation of operations) {
      editor.apply(operation)
      index += 1
    }
    return editor.finish()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, pointer, message } = error
    return { failure: { index, code, pointer, message } }
  }
}

/** n8n refuses these as names of nodes, in any case. */
const restrictedNames = new Set(
  (
    'hasownproperty isprototypeof propertyisenumerable tolocalestring tostring valueof constructor prototype __proto__ ' +
    '__definegetter__ __definesetter__ __lookupgetter__ __lookupsetter__'
  ).split(' '),
)

/** Operations that read connections or pinned data by the names of nodes. */
const readsConnections: ReadonlySet<EditOperation['op']> = new Set([
  'removeNode',
  'connect',
  'disconnect',
  'setPinData',
])

/** Operations that work the same before the connections of removed nodes are taken out. */
const keepsRemovals: ReadonlySet<EditOperation['op']> = new Set([
  'removeNode',
  'moveNode',
  'enableNode',
  'disableNode',
  'setParameter',
  'replaceText',
  'setNodeProperty',
  'setCredential',
  'setSettings',
  'setName',
])

class Editor {
  readonly #workflow: JsonObject
  #nodes: unknown[]
  readonly #options: EditOptions
  readonly #byName = new Map<string, Set<JsonObject>>()
  readonly #byId = new Map<string, JsonObject>()
  readonly #withoutPosition = new Set<JsonObject>()
  readonly #named = new Set<string>()
  readonly #renames = new PendingRenames()
  readonly #removals = new PendingRemovals()
  readonly #removed = new Set<unknown>()
  #references: ReferenceIndex | undefined
  #name: string | undefined

  constructor(workflow: JsonObject, options: EditOptions) {
    this.#workflow = workflow
    this.#options = options
    const nodes = workflow.nodes ?? []
    if (!Array.isArray(nodes)) throw new Refusal('invalid-structure', '', 'nodes must be an array of nodes')
    this.#nodes = nodes
    for (const node of nodes) if (isObject(node)) this.#register(node)
  }

  finish(): Edited {
    this.#takeOut()
    this.#renames.write(this.#workflow)
    this.#references?.write()
    placeNodes(this.#workflow, this.#withoutPosition)
    return {
      workflow: this.#workflow,
      ...(this.#name !== undefined && { name: this.#name }),
      named: this.#named,
    }
  }

  apply(operation: EditOperation): void {
    if (!keepsRemovals.has(operation.op)) this.#takeOut()
    if (readsConnections.has(operation.op)) this.#renames.write(this.#workflow)
    switch (operation.op) {
      case 'addNode':
        return this.#addNode(operation.node)
      case 'removeNode':
        return this.#removeNode(operation)
      case 'replaceNode':
        return this.#replaceNode(operation)
      case 'renameNode':
        return this.#renameNode(this.#node(operation.node), operation.name, '/name')
      case 'moveNode': {
        const node = this.#find(operation.node, '/node')
        this.#named.add(positionKey(String(node.name)))
        node.position = [...operation.position]
        this.#withoutPosition.delete(node)
        return
      }
      case 'enableNode':
        Reflect.deleteProperty(this.#node(operation.node), 'disabled')
        return
      case 'disableNode':
        this.#node(operation.node).disabled = true
        return
      case 'setParameter':
        return this.#setParameter(operation)
      case 'replaceText':
        return this.#replaceText(operation)
      case 'setNodeProperty':
        return setMember(this.#node(operation.node), operation.property, operation.value)
      case 'setCredential':
        return this.#setCredential(operation)
      case 'connect':
        return this.#connect(operation)
      case 'disconnect':
        return this.#disconnect(operation)
      case 'setPinData': {
        const name = this.#nameOf(this.#node(operation.node))
        return setMember(objectIn(this.#workflow, 'pinData'), name, structuredClone(operation.items))
      }
      case 'setSettings': {
        const settings = objectIn(this.#workflow, 'settings')
        this.#named.add(settingsKey)
        this.#workflow.settings = mergePatch(settings, structuredClone(operation.settings))
        return
      }
      case 'setName':
        this.#named.add(nameKey)
        this.#name = operation.name
    }
  }

  #register(node: JsonObject): void {
    const { name, id } = node
    if (typeof name === 'string') {
      const same = this.#byName.get(name)
      if (same) same.add(node)
      else this.#byName.set(name, new Set([node]))
    }
    if (typeof id === 'string' && !this.#byId.has(id)) this.#byId.set(id, node)
  }

  #unregister(node: JsonObject): void {
    const { name, id } = node
    if (typeof name === 'string') {
      const same = this.#byName.get(name)
      same?.delete(node)
      if (same?.size === 0) this.#byName.delete(name)
    }
    if (typeof id === 'string' && this.#byId.get(id) === node) this.#byId.delete(id)
  }

  #find(given: string, pointer: string): JsonObject {
    const [node, another] = this.#byName.get(given) ?? []
    if (node && another) {
      throw new Refusal(
        'ambiguous-node',
        pointer,
        `Several nodes are named "${shown(given)}". Use the ID of one instead of the name`,
      )
    }
    const found = node ?? this.#byId.get(given)
    if (found) return found
    const meant = closest(given, this.#byName.keys())
    const names = [...this.#byName.keys()].slice(0, 20).map((name) => `"${shown(name)}"`)
    throw new Refusal(
      'unknown-node',
      pointer,
      `No node is named "${shown(given)}". ${
        meant === undefined
          ? names.length === 0
            ? 'The workflow has no nodes'
            : `The nodes are ${names.join(', ')}${this.#byName.size > 20 ? ' and others' : ''}`
          : `Did you mean "${shown(meant)}"?`
      }`,
    )
  }

  /** A node that the operation names. */
  #node(given: string, pointer = '/node'): JsonObject {
    const node = this.#find(given, pointer)
    this.#touch(String(node.name))
    return node
  }

  #touch(name: string): void {
    this.#named.add(nodeKey(name))
  }

  #nameOf(node: JsonObject, pointer = '/node'): string {
    if (typeof node.name === 'string' && node.name !== '') return node.name
    throw new Refusal('invalid-node', pointer, 'The node has no name. Rename it first')
  }

  #checkName(name: string, pointer: string): void {
    if (restrictedNames.has(name.toLowerCase())) {
      throw new Refusal(
        'restricted-name',
        pointer,
        `n8n does not allow the name "${shown(name)}". Use another one`,
      )
    }
    if (!this.#byName.has(name)) return
    let number = 1
    while (this.#byName.has(`${name}${number}`)) number += 1
    throw new Refusal(
      'name-taken',
      pointer,
      `A node is already named "${shown(name)}". Use another name, such as "${shown(name)}${number}"`,
    )
  }

  #addNode(given: JsonObject): void {
    const node = structuredClone(given)
    const { name, type, id } = node
    if (typeof name !== 'string' || name === '') {
      throw new Refusal('invalid-node', '/node/name', 'The node needs a name')
    }
    this.#checkName(name, '/node/name')
    this.#checkType(type, '/node/type')
    if (typeof id === 'string' && this.#byId.has(id)) {
      throw new Refusal('id-taken', '/node/id', 'Another node has this ID. Leave it out, or use another one')
    }
    this.#touch(name)
    this.#complete(node)
    if (node.position === undefined || node.position === null) {
      node.position = [0, 0]
      this.#withoutPosition.add(node)
    }
    this.#nodes.push(node)
    this.#workflow.nodes = this.#nodes
    this.#register(node)
    this.#readReferences(node, 'parameters', '')
  }

  #checkType(type: unknown, pointer: string): void {
    if (typeof type === 'string' && type !== '') return
    throw new Refusal('invalid-node', pointer, 'The node needs a type, such as n8n-nodes-base.httpRequest')
  }

  /** What n8n requires of every node. */
  #complete(node: JsonObject): void {
    const { newId = () => crypto.randomUUID(), typeVersion } = this.#options
    node.id ??= newId()
    node.typeVersion ??= typeVersion?.(String(node.type)) ?? 1
    node.parameters ??= {}
  }

  #removeNode({ node: given, reconnect }: Extract<EditOperation, { op: 'removeNode' }>): void {
    const node = this.#node(given)
    this.#unregister(node)
    const { name } = node
    if (typeof name === 'string' && !this.#byName.has(name)) {
      this.#removals.add(this.#workflow, name, reconnect === true)
    }
    this.#removed.add(node)
    this.#withoutPosition.delete(node)
  }

  /** Takes out the nodes that were removed. */
  #takeOut(): void {
    if (this.#removed.size === 0) return
    this.#removals.write(this.#workflow)
    this.#nodes = this.#nodes.filter((node) => !this.#removed.has(node))
    this.#workflow.nodes = this.#nodes
    this.#removed.clear()
  }

  #replaceNode({ node: given, with: replacement }: Extract<EditOperation, { op: 'replaceNode' }>): void {
    const node = this.#node(given)
    const { name, id: _, position: __, ...rest } = structuredClone(replacement)
    this.#checkType(rest.type, '/with/type')
    for (const key of Object.keys(node)) {
      if (key !== 'id' && key !== 'name' && key !== 'position') Reflect.deleteProperty(node, key)
    }
    for (const [key, value] of Object.entries(rest)) putOwn(node, key, value)
    this.#complete(node)
    this.#readReferences(node, 'parameters', '')
    if (typeof name === 'string' && name !== '') this.#renameNode(node, name, '/with/name')
  }

  #renameNode(node: JsonObject, next: string, pointer: string): void {
    const { name } = node
    if (name === next) return
    this.#checkName(next, pointer)
    this.#references ??= new ReferenceIndex(
      this.#nodes,
      (each) => this.#byName.get(each)?.values().next().value,
    )
    this.#unregister(node)
    node.name = next
    this.#register(node)
    this.#touch(next)
    // Another node still has the name: what refers to it stays.
    if (typeof name !== 'string' || this.#byName.has(name)) return
    this.#renames.add(name, next)
  }

  #readReferences(owner: object, slot: string, key: string): void {
    this.#references?.add(owner, slot, key)
    for (const name of referencedNames(ownOf(owner, slot))) this.#touch(name)
  }

  #setParameter({ node: given, pointer, value }: Extract<EditOperation, { op: 'setParameter' }>): void {
    const node = this.#node(given)
    const segments = segmentsOf(pointer)
    if (segments.length === 0) {
      if (value !== null && !isObject(value)) {
        throw new Refusal('invalid-pointer', '/value', 'The value for all parameters must be a JSON object')
      }
      node.parameters = structuredClone(value ?? {})
      this.#readReferences(node, 'parameters', '')
      return
    }
    const [first = ''] = segments
    const parameters = node.parameters ?? {}
    if (!isObject(parameters)) {
      throw new Refusal(
        'invalid-structure',
        '/node',
        'The parameters of the node must be an object. Replace them with pointer ""',
      )
    }
    if (first === 'parameters' && segments.length > 1 && !Object.hasOwn(parameters, first)) {
      throw new Refusal(
        'invalid-pointer',
        '/pointer',
        `The pointer starts in the parameters: use ${pointer.slice('/parameters'.length)}`,
      )
    }
    node.parameters = parameters
    let owner: object = parameters
    for (const [at, segment] of segments.slice(0, -1).entries()) {
      owner = this.#descend(owner, segment, segments[at + 1] ?? '', value === null, pointer)
    }
    const last = segments.at(-1) ?? ''
    const key = lastName(pointer)
    if (value === null) this.#removeMember(owner, last, pointer)
    else this.#putMember(owner, last, structuredClone(value), key, pointer)
  }

  #replaceText(operation: Extract<EditOperation, { op: 'replaceText' }>): void {
    const { pointer, find, replace, all = false } = operation
    const node = this.#node(operation.node)
    let owner: object = node
    let key = 'parameters'
    for (const segment of segmentsOf(pointer)) {
      const value = ownOf(owner, key)
      if (!isContainer(value) || !Object.hasOwn(value, segment)) {
        throw unknownParameter(isContainer(value) ? value : {}, segment, pointer)
      }
      owner = value
      key = segment
    }
    // A rename can have changed the text.
    const text = this.#references?.textAt(owner, key) ?? ownOf(owner, key)
    if (typeof text !== 'string') {
      throw new Refusal(
        'invalid-pointer',
        '/pointer',
        `There is no text at ${shown(pointer)}. Use setParameter`,
      )
    }
    const parts = text.split(find)
    const count = parts.length - 1
    const where = `The text at ${shown(pointer)}`
    if (count === 0) {
      throw new Refusal('text-not-found', '/find', `${where} does not contain "${shown(find)}"`)
    }
    if (!all && count > 1) {
      const advice = 'Use a longer part, or all: true'
      throw new Refusal(
        'text-not-unique',
        '/find',
        `${where} contains "${shown(find)}" ${count} times. ${advice}`,
      )
    }
    if (text.length + count * replace.length > MAX_WORKFLOW_BYTES) {
      throw new Refusal('invalid-structure', '/replace', `${where} would exceed 2 MB`)
    }
    putOwn(owner, key, parts.join(replace))
    this.#references?.add(owner, key, lastName(pointer))
    for (const name of referencedNames(`=${replace}`)) this.#touch(name)
  }

  /** The container at a segment. Creates a missing one unless something is to be removed. */
  #descend(owner: object, segment: string, next: string, isRemoval: boolean, pointer: string): object {
    const key = Array.isArray(owner) ? this.#indexIn(owner, segment, !isRemoval, pointer) : segment
    const found = ownOf(owner, key)
    if (isContainer(found)) return found
    if (found !== undefined && found !== null && found !== '') {
      throw new Refusal(
        'invalid-pointer',
        '/pointer',
        `"${shown(segment)}" in ${shown(pointer)} is a value without members`,
      )
    }
    if (isRemoval) throw unknownParameter(owner, segment, pointer)
    const created = next === '-' || next === '0' ? [] : {}
    this.#references?.add(owner, key, '')
    putOwn(owner, key, created)
    return created
  }

  #indexIn(list: readonly unknown[], segment: string, canAppend: boolean, pointer: string): string {
    if (canAppend && segment === '-') return String(list.length)
    const index = /^(?:0|[1-9]\d{0,9})$/.test(segment) ? Number(segment) : Infinity
    if (index < list.length || (canAppend && index === list.length)) return segment
    throw new Refusal(
      canAppend ? 'invalid-pointer' : 'unknown-parameter',
      '/pointer',
      `The list at "${shown(segment)}" in ${shown(pointer)} has ${list.length} items. Use ${
        list.length > 0 ? `0 to ${list.length - 1}` : ''
      }${canAppend ? `${list.length > 0 ? ', or ' : ''}- to append` : ''}`.trimEnd(),
    )
  }

  #putMember(owner: object, segment: string, value: unknown, key: string, pointer: string): void {
    const slot = Array.isArray(owner) ? this.#indexIn(owner, segment, true, pointer) : segment
    putOwn(owner, slot, value)
    this.#readReferences(owner, slot, key)
  }

  #removeMember(owner: object, segment: string, pointer: string): void {
    if (Array.isArray(owner)) {
      const index = Number(this.#indexIn(owner, segment, false, pointer))
      owner.splice(index, 1)
      this.#references?.shift(owner, index)
      return
    }
    if (!Object.hasOwn(owner, segment)) throw unknownParameter(owner, segment, pointer)
    Reflect.deleteProperty(owner, segment)
    this.#references?.add(owner, segment, '')
  }

  #setCredential({ node: given, type, credential }: Extract<EditOperation, { op: 'setCredential' }>): void {
    const node = this.#node(given)
    const credentials = objectIn(node, 'credentials')
    if (credential === null && !Object.hasOwn(credentials, type)) {
      const types = Object.keys(credentials)
      throw new Refusal(
        'unknown-parameter',
        '/type',
        `The node has no credential of type "${shown(type)}"${types.length > 0 ? `, but ${types.map(shown).join(', ')}` : ''}`,
      )
    }
    setMember(
      credentials,
      type,
      credential === null ? null : { id: credential.id ?? null, name: credential.name },
    )
  }

  #connect(operation: Extract<EditOperation, { op: 'connect' }>): void {
    const { type = MAIN, output = 0, input = 0 } = operation
    const from = this.#nameOf(this.#node(operation.from, '/from'), '/from')
    const to = this.#nameOf(this.#node(operation.to, '/to'), '/to')
    const targets = targetsOf(this.#workflow, from, type, output)
    if (targets.some((each) => isTarget(each) && each.node === to && inputOf(each) === input)) {
      throw new Refusal(
        'already-connected',
        '/to',
        `"${shown(from)}" is already connected to this input of "${shown(to)}"`,
      )
    }
    targets.push({ node: to, type, index: input })
  }

  #disconnect({ type, output, input, ...operation }: Extract<EditOperation, { op: 'disconnect' }>): void {
    const from = this.#nameOf(this.#node(operation.from, '/from'), '/from')
    const to = this.#nameOf(this.#node(operation.to, '/to'), '/to')
    let removed = 0
    const { connections } = this.#workflow
    const ofSource = isObject(connections) ? { [from]: ownOf(connections, from) } : {}
    for (const slot of slotsOf(ofSource)) {
      if ((type !== undefined && slot.type !== type) || (output !== undefined && slot.output !== output))
        continue
      removed += removeTargets(
        slot.targets,
        (target) => target.node === to && (input === undefined || inputOf(target) === input),
      )
    }
    if (removed > 0) return
    const reverse = isObject(connections)
      ? [...slotsOf({ [to]: ownOf(connections, to) })].some(({ targets }) =>
          targets.some((each) => isTarget(each) && each.node === from),
        )
      : false
    throw new Refusal(
      'not-connected',
      '/to',
      `"${shown(from)}" has no such connection to "${shown(to)}"${
        reverse ? '. The connection goes in the other direction: swap from and to' : ''
      }`,
    )
  }
}

/** The last segment that is not an index. */
const lastName = (pointer: string): string =>
  segmentsOf(pointer).findLast((each) => !/^(?:-|\d+)$/.test(each)) ?? ''

function unknownParameter(owner: object, segment: string, pointer: string): Refusal {
  const names = Object.keys(owner)
  const meant = closest(segment, names)
  const known = names.length === 0 ? 'It is empty' : `It has ${names.slice(0, 20).map(shown).join(', ')}`
  return new Refusal(
    'unknown-parameter',
    '/pointer',
    `There is no "${shown(segment)}" at ${shown(pointer)}. ${meant === undefined ? known : `Did you mean "${shown(meant)}"?`}`,
  )
}

/** Sets an own member; null removes it. */
function setMember(owner: object, key: string, value: unknown): void {
  if (value === null) Reflect.deleteProperty(owner, key)
  else putOwn(owner, key, value)
}

/** The object in a member, created if missing. */
function objectIn(owner: JsonObject, key: string): JsonObject {
  const value = ownOf(owner, key) ?? {}
  if (!isObject(value)) throw new Refusal('invalid-structure', '', `${key} must be an object`)
  putOwn(owner, key, value)
  return value
}
