/** @module The credential slots of a workflow, read from its JSON alone: a node and a credential type each. Pure. */
import type { Catalogue } from './catalogue.ts'
import { ownValue } from './display-options.ts'
import { ExpressionConstants } from './expression-constants.ts'
import { type Destination, destinationOf } from './request-destination.ts'
import { describeNode, requiredCredentials, unresolvedReason } from './required-credentials.ts'
import { WorkflowGraph } from './workflow-graph.ts'
import type { JsonObject } from './workflow-json.ts'

/** The credential that the node's JSON names. */
export interface NamedCredential {
  id: string | null
  name: string | null
}

export interface SlotNode {
  /** Its name, or `#` and its index when it has none. */
  name: string
  id: string | null
  type: string
  index: number
  parameters: unknown
  /** Where its requests go; absent for a node whose JSON does not choose that. */
  destination?: Destination
}

export interface Slot {
  node: SlotNode
  type: string
  /** n8n would run the node without it. */
  optional: boolean
  named: NamedCredential | null
}

export interface WorkflowSlots {
  /** In the order of the nodes; each (node, type) once. Only enabled nodes have slots. */
  slots: Slot[]
  /** Every node by name; of several with one name the first. */
  nodes: Map<string, SlotNode>
  graph: WorkflowGraph
  /** Nodes whose credential type n8n knows only at run time: any type may be bound there. */
  unresolved: { node: string; reason: string }[]
}

export const slotKey = (node: string, type: string): string => JSON.stringify([node, type])

/** `workflow`: within the limits of `parseWorkflow`. */
export function readSlots(workflow: JsonObject, catalogue: Catalogue): WorkflowSlots {
  const graph = new WorkflowGraph(workflow)
  const constants = new ExpressionConstants(graph)
  const slots = new Map<string, Slot>()
  const nodes = new Map<string, SlotNode>()
  const unresolved: WorkflowSlots['unresolved'] = []
  for (const [index, each] of graph.nodes.entries()) {
    if (!isObject(each) || typeof each.type !== 'string' || each.type === '') continue
    const destination = destinationOf(each, (text) => constants.fillIn(index, text))
    const node: SlotNode = {
      name: nodeLabel(each, index),
      id: typeof each.id === 'string' && each.id !== '' ? each.id : null,
      type: each.type,
      index,
      parameters: each.parameters,
      ...(destination && { destination }),
    }
    if (!nodes.has(node.name)) nodes.set(node.name, node)
    if (each.disabled === true) continue
    const found = requiredCredentials(each, describeNode(catalogue, each))
    const types = new Map(found.required)
    for (const selector of found.unresolved) {
      unresolved.push({ node: node.name, reason: unresolvedReason(selector) })
      // One of these is what the expression chooses.
      for (const type of Object.keys(attachedTo(each))) if (!types.has(type)) types.set(type, false)
    }
    for (const [type, isRequired] of types) {
      const key = slotKey(node.name, type)
      if (slots.has(key)) continue
      slots.set(key, { node, type, optional: !isRequired, named: namedBy(each, type) })
    }
  }
  return { slots: [...slots.values()], nodes, graph, unresolved }
}

/** As findings and slots name it: n8n reads a number as a name too. */
export function nodeLabel(node: JsonObject, index: number): string {
  if (typeof node.name === 'number') return String(node.name)
  return typeof node.name === 'string' && node.name !== '' ? node.name : `#${index}`
}

/** An early n8n wrote the name alone. Null where neither an id nor a name stands. */
export function namedBy(node: JsonObject, type: string): NamedCredential | null {
  const entry = attachedTo(node)[type]
  const id = textOf(ownValue(entry, 'id'))
  const name = textOf(typeof entry === 'string' ? entry : ownValue(entry, 'name'))
  return id === null && name === null ? null : { id, name }
}

const attachedTo = ({ credentials }: JsonObject): JsonObject =>
  isObject(credentials)
    ? Object.fromEntries(Object.entries(credentials).filter(([type, entry]) => type !== '' && entry !== null))
    : {}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
