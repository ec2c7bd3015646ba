/** @module Reads the credential slots (pairs of node and credential type) from workflow JSON. Pure. */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { ownValue } from '../catalogue/display-options.ts'
import { ExpressionConstants } from './expression-constants.ts'
import { type Destination, destinationOf } from './request-destination.ts'
import { describeNode, requiredCredentials, unresolvedReason } from '../catalogue/required-credentials.ts'
import { WorkflowGraph } from './workflow-graph.ts'

/** The credential reference in the node's JSON. */
export interface NamedCredential {
  id: string | null
  name: string | null
}

export interface SlotNode {
  /** The node name, or `#` and its index if unnamed. */
  name: string
  id: string | null
  type: string
  index: number
  parameters: unknown
  /** Where the node sends its requests, if its JSON determines that. */
  destination?: Destination
}

export interface Slot {
  node: SlotNode
  type: string
  /** n8n runs the node without it. */
  optional: boolean
  named: NamedCredential | null
}

export interface WorkflowSlots {
  /** In node order; each (node, type) once. Only enabled nodes have slots. */
  slots: Slot[]
  /** Nodes by name; the first if a name is not unique. */
  nodes: Map<string, SlotNode>
  graph: WorkflowGraph
  /** Nodes whose credential type n8n determines at run time: they accept a binding of any type. */
  unresolved: { node: string; reason: string }[]
}

export const slotKey = (node: string, type: string): string => JSON.stringify([node, type])

/** @param workflow within the limits of `parseWorkflow` */
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
      // The expression selects one of these.
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

/** The node label in findings and slots. n8n also accepts a number as a name. */
export function nodeLabel(node: JsonObject, index: number): string {
  if (typeof node.name === 'number') return String(node.name)
  return typeof node.name === 'string' && node.name !== '' ? node.name : `#${index}`
}

/** Early n8n versions stored only the name. Null if there is neither an ID nor a name. */
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
