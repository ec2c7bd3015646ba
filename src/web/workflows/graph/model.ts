/** @module What the drawing of a workflow consists of, read from n8n JSON however untidy. Pure. */
import type { JsonObject } from '../../../n8n/workflow-json.ts'
import { type ConnectionDiff, connectionsOf, nodeLabel } from '../../../workflows/diff.ts'
import { nodeFace } from '../../components/icons.tsx'
import { outputLabels } from './node-outputs.ts'

export interface Point {
  x: number
  y: number
}

export interface GraphNode {
  /** Its place in `nodes`. */
  index: number
  name: string
  type: string | null
  /** `root`: takes sub-nodes from below. `sub`: serves another node and is no step of its own. */
  shape: 'plain' | 'root' | 'sub'
  trigger: boolean
  disabled: boolean
  /** n8n's coordinates; null where there are none that can be drawn. */
  position: Point | null
  /** One for each main output; '' for one that needs no name. */
  outputs: string[]
  /** Main inputs. */
  inputs: number
  /** Kinds of the sub-nodes that it takes, such as ai_tool, as n8n orders them. */
  ports: string[]
}

export interface GraphNote {
  text: string
  position: Point | null
  /** In n8n's pixels. */
  width: number
  height: number
}

export interface GraphEdge {
  from: number
  output: number
  to: number
  input: number
  /** `main`, `ai_tool` and so on. */
  type: string
  /** As `connectionKey`. */
  key: string
}

export interface WorkflowGraph {
  nodes: GraphNode[]
  notes: GraphNote[]
  edges: GraphEdge[]
  /** Nodes that are left out, because there are too many. */
  omitted: number
}

export interface GraphOptions {
  /** Node types that start a workflow, beside those whose name says so. */
  triggerTypes?: readonly string[]
  /** Of an older version: drawn together with the workflow's own. */
  removedNodes?: readonly JsonObject[]
  removedConnections?: readonly ConnectionDiff[]
}

const maxNodes = 1000
const maxNotes = 200
const maxEdges = 4000
/** n8n's canvas is endless, but nobody works farther out. */
const maxCoordinate = 1e7
const maxNoteSize = 4000
const maxIndex = 30
const maxNoteChars = 2000

/** n8n's order of the inputs below a node. */
const portOrder = [
  ...['ai_languageModel', 'ai_memory', 'ai_tool', 'ai_outputParser', 'ai_chain', 'ai_agent'],
  ...['ai_vectorStore', 'ai_embedding', 'ai_document', 'ai_textSplitter', 'ai_retriever', 'ai_reranker'],
]
/** By the type's short name, for nodes that nothing is connected to. */
const rootTypes = /^(agent|chain[A-Z]|informationExtractor|sentimentAnalysis|textClassifier)/
const subTypes =
  /^(lm[A-Z]|embeddings|memory|tool[A-Z]|outputParser|document|textSplitter|retriever|reranker)/

export const isNote = (node: JsonObject): boolean => node.type === 'n8n-nodes-base.stickyNote'

const maxKeyChars = 200

/** The same for two connections that join the same nodes at the same places. */
export const connectionKey = ({ from, output, to, input, type }: ConnectionDiff): string =>
  JSON.stringify([
    from.slice(0, maxKeyChars),
    output,
    to.slice(0, maxKeyChars),
    input,
    type.slice(0, maxKeyChars),
  ])

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const nonEmpty = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** @param workflow n8n JSON with whatever in it */
export function readGraph(workflow: JsonObject, options: GraphOptions = {}): WorkflowGraph {
  const all = [
    ...(Array.isArray(workflow.nodes) ? workflow.nodes.filter((node) => isObject(node)) : []),
    ...(options.removedNodes ?? []),
  ]
  const steps = all.filter((node) => !isNote(node))
  const drawn = steps.slice(0, maxNodes)
  const indexes = new Map<string, number>()
  for (const [index, node] of drawn.entries()) {
    const label = nodeLabel(node)
    if (!indexes.has(label)) indexes.set(label, index)
  }
  const edges = [...connectionsOf(workflow), ...(options.removedConnections ?? [])].flatMap(
    (connection): GraphEdge[] => {
      const from = indexes.get(connection.from)
      const to = indexes.get(connection.to)
      if (from === undefined || to === undefined) return []
      const { type, output, input } = connection
      return [{ from, to, type, output: place(output), input: place(input), key: connectionKey(connection) }]
    },
  )
  const shown = edges.slice(0, maxEdges)
  const ends = endsOf(shown)
  const triggers = new Set(options.triggerTypes)
  return {
    nodes: drawn.map((node, index) => toNode(node, index, ends, triggers)),
    notes: all
      .filter((node) => isNote(node))
      .slice(0, maxNotes)
      .map(toNote),
    edges: shown,
    omitted: steps.length - drawn.length,
  }
}

/** Inputs and outputs are numbered from 0; what else stands there is drawn at an end. */
const place = (index: number): number =>
  Number.isFinite(index) ? Math.min(maxIndex, Math.max(0, Math.floor(index))) : 0

interface Ends {
  outputs: number
  inputs: number
  ports: Set<string>
  serves: boolean
}

function endsOf(edges: readonly GraphEdge[]): Map<number, Ends> {
  const ends = new Map<number, Ends>()
  const of = (index: number): Ends => {
    const known = ends.get(index) ?? { outputs: 0, inputs: 0, ports: new Set<string>(), serves: false }
    ends.set(index, known)
    return known
  }
  for (const { from, output, to, input, type } of edges) {
    if (type === 'main') {
      of(from).outputs = Math.max(of(from).outputs, output + 1)
      of(to).inputs = Math.max(of(to).inputs, input + 1)
    } else {
      of(from).serves = true
      of(to).ports.add(type)
    }
  }
  return ends
}

function toNode(
  node: JsonObject,
  index: number,
  ends: Map<number, Ends>,
  triggers: ReadonlySet<string>,
): GraphNode {
  const type = nonEmpty(node.type)
  const short = type?.split('.').at(-1) ?? ''
  const own = ends.get(index)
  const isStep = own !== undefined && own.outputs + own.inputs > 0
  const isSub = !isStep && (own?.serves || (subTypes.test(short) && type !== null && nodeFace(type).isAi))
  const isRoot = !isSub && ((own?.ports.size ?? 0) > 0 || (rootTypes.test(short) && nodeFace(type).isAi))
  const trigger = type !== null && !isSub && (triggers.has(type) || nodeFace(type).isTrigger)
  return {
    index,
    name: nodeLabel(node),
    type,
    shape: isSub ? 'sub' : isRoot ? 'root' : 'plain',
    trigger,
    disabled: node.disabled === true,
    position: toPoint(node.position),
    outputs: isSub ? [] : outputLabels(node, short, own?.outputs ?? 0),
    inputs: isSub || trigger ? (own?.inputs ?? 0) : Math.max(1, own?.inputs ?? 0),
    ports: [...(own?.ports ?? [])].toSorted((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1)),
  }
}

const rankOf = (type: string) => {
  const rank = portOrder.indexOf(type)
  return rank < 0 ? portOrder.length : rank
}

/** `[x, y]`, and of older workflows `{ x, y }`; numbers may be written as text. */
function toPoint(position: unknown): Point | null {
  const [x, y] = Array.isArray(position)
    ? [toCoordinate(position[0]), toCoordinate(position[1])]
    : isObject(position)
      ? [toCoordinate(position.x), toCoordinate(position.y)]
      : [null, null]
  return x === null || y === null ? null : { x, y }
}

function toCoordinate(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Math.abs(number) <= maxCoordinate ? number : null
}

function toNote(node: JsonObject): GraphNote {
  const parameters = isObject(node.parameters) ? node.parameters : {}
  return {
    text: typeof parameters.content === 'string' ? parameters.content.slice(0, maxNoteChars) : '',
    position: toPoint(node.position),
    width: toLength(parameters.width, 240),
    height: toLength(parameters.height, 160),
  }
}

const toLength = (value: unknown, byDefault: number): number => {
  const length = toCoordinate(value)
  return length !== null && length > 0 ? Math.min(length, maxNoteSize) : byDefault
}
