/** @module Reads the graph of a workflow from any n8n JSON, even malformed. Pure. */
import { isObject, type JsonObject } from '../../../lib/json-object.ts'
import { redact } from '../../../lib/secrets/redact.ts'
import { type ConnectionDiff, connectionsOf, nodeLabel } from '../../../workflows/diff.ts'
import { nodeFace } from '../../components/icons.tsx'
import { outputLabels } from './node-outputs.ts'

export interface Point {
  x: number
  y: number
}

export interface GraphNode {
  /** Its index in `nodes`. */
  index: number
  name: string
  type: string | null
  /** `root`: has sub-nodes below it. `sub`: belongs to another node and is not a step. */
  shape: 'plain' | 'root' | 'sub'
  trigger: boolean
  disabled: boolean
  /** n8n's coordinates. Null if missing or invalid. */
  position: Point | null
  /** A label for each main output; '' for an output without a name. */
  outputs: string[]
  /** The number of main inputs. */
  inputs: number
  /** The kinds of its sub-nodes, such as `ai_tool`, in n8n's order. */
  ports: string[]
}

export interface GraphNote {
  text: string
  position: Point | null
  /** In n8n's pixels. */
  width: number
  height: number
  /** n8n's number of the color, 1 to 7. */
  color: number
}

export interface GraphEdge {
  from: number
  output: number
  to: number
  input: number
  /** `main`, `ai_tool` and so on. */
  type: string
  /** See `connectionKey`. */
  key: string
}

export interface WorkflowGraph {
  nodes: GraphNode[]
  notes: GraphNote[]
  edges: GraphEdge[]
  /** The number of nodes over the limit, which the graph does not show. */
  omitted: number
}

export interface GraphOptions {
  /** Node types that start a workflow, in addition to those with a trigger's name. */
  triggerTypes?: readonly string[]
  /** Nodes of an older version, drawn together with the current ones. */
  removedNodes?: readonly JsonObject[]
  removedConnections?: readonly ConnectionDiff[]
}

const maxNodes = 1000
const maxNotes = 200
const maxEdges = 4000
/** n8n's canvas has no limit. Positions beyond this one are invalid. */
const maxCoordinate = 1e7
const maxNoteSize = 4000
const maxIndex = 30
const maxNoteChars = 2000

/** n8n's order of the inputs below a node. */
const portOrder = [
  'ai_languageModel',
  'ai_memory',
  'ai_tool',
  'ai_outputParser',
  'ai_chain',
  'ai_agent',
  'ai_vectorStore',
  'ai_embedding',
  'ai_document',
  'ai_textSplitter',
  'ai_retriever',
  'ai_reranker',
]
/** Short type names of root nodes, for nodes without connections. */
const rootTypes = /^(agent|chain[A-Z]|informationExtractor|sentimentAnalysis|textClassifier)/
const subTypes =
  /^(lm[A-Z]|embeddings|memory|tool[A-Z]|outputParser|document|textSplitter|retriever|reranker)/

/** The nodes of a workflow without sticky notes. */
export const countNodes = ({ nodes }: JsonObject): number =>
  Array.isArray(nodes) ? nodes.filter((node) => !isObject(node) || !isNote(node)).length : 0

export const isNote = (node: JsonObject): boolean => node.type === 'n8n-nodes-base.stickyNote'

const maxKeyChars = 200

/** Equal for two connections between the same ports. */
export const connectionKey = ({ from, output, to, input, type }: ConnectionDiff): string =>
  JSON.stringify([
    from.slice(0, maxKeyChars),
    output,
    to.slice(0, maxKeyChars),
    input,
    type.slice(0, maxKeyChars),
  ])

const nonEmpty = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** @param workflow n8n JSON, possibly malformed */
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
      return [
        { from, to, type, output: toPort(output), input: toPort(input), key: connectionKey(connection) },
      ]
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

/** Clamps an input or output index to a valid port. */
const toPort = (index: number): number =>
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

/** Reads `[x, y]`, or `{ x, y }` in older workflows. Numbers may be strings. */
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
    text: typeof parameters.content === 'string' ? redact(parameters.content.slice(0, maxNoteChars)) : '',
    position: toPoint(node.position),
    width: toLength(parameters.width, 240),
    height: toLength(parameters.height, 160),
    color: toColor(parameters.color),
  }
}

/** Yellow, orange, red, green, blue, purple, gray: the upper limit of the hue in degrees, and n8n's number. */
const hues: readonly [upTo: number, color: number][] = [
  [20, 3],
  [45, 2],
  [70, 1],
  [165, 4],
  [250, 5],
  [320, 6],
  [360, 3],
]
const grayNote = 7

/** n8n stores a number, or a CSS color such as `#ff00aa` for a custom color, which becomes the closest of the seven. */
function toColor(value: unknown): number {
  const number = typeof value === 'string' && /^\d$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && number >= 1 && number <= 7) return Math.floor(number)
  const hex = typeof value === 'string' ? /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})/i.exec(value) : null
  if (!hex) return 1
  const [red = 0, green = 0, blue = 0] = hex.slice(1).map((part) => Number.parseInt(part, 16))
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)]
  if (most - least < 24) return grayNote
  const sector =
    most === red
      ? (green - blue) / (most - least)
      : most === green
        ? 2 + (blue - red) / (most - least)
        : 4 + (red - green) / (most - least)
  const hue = (sector * 60 + 360) % 360
  return hues.find(([upTo]) => hue <= upTo)?.[1] ?? 1
}

const toLength = (value: unknown, byDefault: number): number => {
  const length = toCoordinate(value)
  return length !== null && length > 0 ? Math.min(length, maxNoteSize) : byDefault
}
