/** @module Changes of a workflow's JSON as a model makes them, from a seed: the document changes, not by operations. */
import { isContainer, isObject, type JsonObject, listOf } from '../../../src/lib/json-object.ts'
import { pick } from '../../check/mutations.ts'
import type { Random } from '../../harness/random.ts'

export interface Node extends JsonObject {
  name: string
}
type Slots = { node: string; type: string; index: number }[][]
interface Document extends JsonObject {
  nodes: Node[]
  connections: Record<string, Record<string, Slots>>
}

/** Whether names are unique and connections have n8n's shape. */
export function isUsable(workflow: JsonObject): workflow is Document {
  const names = listOf(workflow.nodes).map((node) => (isObject(node) ? node.name : undefined))
  const slots = Object.values(isObject(workflow.connections) ? workflow.connections : { '': null })
  return (
    names.length > 1 &&
    new Set(names).size === names.length &&
    names.every((name) => typeof name === 'string') &&
    slots.every((byType) => isObject(byType) && Object.values(byType).every(Array.isArray))
  )
}

interface Leaf {
  owner: object
  key: string
  value: unknown
}

function leavesOf(value: unknown): Leaf[] {
  if (!isContainer(value)) return []
  return Object.entries(value).flatMap(([key, each]) =>
    isContainer(each) ? leavesOf(each) : [{ owner: value, key, value: each }],
  )
}

type Change = (workflow: Document, node: Node, random: Random, donors: readonly Node[]) => void

const setLeaf: Change = (_, node, random) => {
  const leaves = leavesOf(node.parameters)
  if (leaves.length === 0) {
    node.parameters = { options: { timeout: 5000 } }
    return
  }
  const { owner, key, value } = pick(random, leaves)
  const changed =
    typeof value === 'boolean'
      ? !value
      : typeof value === 'number'
        ? value + 1
        : `={{ $json.${pick(random, ['id', 'name', 'email'])} }}`
  Reflect.set(owner, key, changed)
}

/** A sentence in a prompt, a line of code. */
const insertText: Change = (workflow, node, random, donors) => {
  const texts = leavesOf(node.parameters).filter(
    ({ value }) => typeof value === 'string' && value.length > 40,
  )
  if (texts.length === 0) return setLeaf(workflow, node, random, donors)
  const { owner, key, value } = pick(random, texts)
  const words = String(value).split(/(?<=\s)/)
  const at = Math.floor(random() * words.length)
  words.splice(at, 0, `and also the ${pick(random, ['date', 'total', 'customer'])} `)
  Reflect.set(owner, key, words.join(''))
}

const addNode: Change = ({ nodes, connections }, { name, position }, random, donors) => {
  const added = structuredClone(pick(random, donors))
  while (nodes.some((each) => each.name === added.name)) added.name += '1'
  const [x = 0, y = 0] = listOf(position).map(Number)
  Object.assign(added, { id: `n${random()}`, position: [x + 224, y] })
  nodes.push(added)
  const slots = ((connections[name] ??= {}).main ??= [])
  const before = slots[0] ?? []
  slots[0] = [{ node: added.name, type: 'main', index: 0 }]
  if (random() < 0.5) connections[added.name] = { main: [before] }
  else slots[0].push(...before)
}

const removeNode: Change = (workflow, { name }) => {
  workflow.nodes = workflow.nodes.filter((each) => each.name !== name)
  Reflect.deleteProperty(workflow.connections, name)
  for (const slots of Object.values(workflow.connections).flatMap((byType) => Object.values(byType))) {
    for (const [index, targets] of slots.entries()) {
      slots[index] = listOf(targets).filter(
        (target) => !isObject(target) || target.node !== name,
      ) as Slots[number]
    }
  }
}

const toggle: Change = (_, node) => {
  if (node.disabled === true) Reflect.deleteProperty(node, 'disabled')
  else node.disabled = true
}

const changes: readonly Change[] = [
  setLeaf,
  setLeaf,
  setLeaf,
  setLeaf,
  insertText,
  insertText,
  addNode,
  addNode,
  removeNode,
  toggle,
  (workflow, _, random) => {
    const settings = isObject(workflow.settings) ? workflow.settings : {}
    workflow.settings = { ...settings, timezone: pick(random, ['UTC', 'Europe/Berlin', 'Asia/Tokyo']) }
  },
  (_, node, random) => {
    const more = [
      { retryOnFail: true, maxTries: 3 },
      { onError: 'continueRegularOutput' },
      { notes: 'Checked' },
    ]
    Object.assign(node, pick(random, more))
  },
  (_, node) => {
    const credentials = isObject(node.credentials) ? node.credentials : {}
    node.credentials = { ...credentials, httpBasicAuth: { id: '9', name: 'Team account' } }
  },
  ({ nodes, connections }, { name }, random) => {
    ;((connections[name] ??= {}).main ??= [])[0] = [
      { node: pick(random, nodes).name, type: 'main', index: 0 },
    ]
  },
]

/** A copy with 1 to 4 changes. @param donors nodes to add */
export function changedByModel(workflow: Document, random: Random, donors: readonly Node[]): JsonObject {
  const copy = structuredClone(workflow)
  const count = 1 + Math.floor(random() * 4)
  for (let done = 0; done < count && copy.nodes.length > 1; done += 1) {
    pick(random, changes)(copy, pick(random, copy.nodes), random, donors)
  }
  return copy
}
