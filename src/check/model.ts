/** @module A workflow as the rules read it: its nodes with their facts, and the connections between them. Pure. */
import { addTo } from '../lib/grouped.ts'
import { isObject, type JsonObject, pointerTo, listOf } from '../lib/json-object.ts'
import { ownValue } from '../n8n/catalogue/display-options.ts'
import { typeVersion } from '../n8n/catalogue/required-credentials.ts'
import type { FactsOf, NodeFacts, NodeTypeFacts } from './facts/node-facts.ts'
import { ParameterValues } from './values/parameter-values.ts'

export const MAIN = 'main'
const stickyNote = 'n8n-nodes-base.stickyNote'

export interface CheckedNode {
  index: number
  json: JsonObject
  /** The name, or `#` and the index if unnamed. */
  name: string
  type: string
  /** Without the package: `slack`. */
  shortType: string
  pointer: string
  /** 0 if missing: n8n takes the description of the default version, and no condition on a version applies. */
  version: number
  isEnabled: boolean
  isSticky: boolean
  nodeType: NodeTypeFacts | undefined
  /** Undefined for an unknown type or version. */
  facts: NodeFacts | undefined
  parameters: JsonObject
  /** Values of the displayed parameters, including defaults. Empty without facts. */
  values: ParameterValues
}

/** One target of one output. */
export interface Link {
  source: CheckedNode
  target: CheckedNode
  /** Connection type of the output, such as `main` or `ai_tool`. */
  type: string
  output: number
  /** Connection type of the input. */
  inputType: string
  input: number
  pointer: string
}

const noProperties = { properties: [] }

export class WorkflowModel {
  readonly json: JsonObject
  readonly facts: FactsOf
  /** Without entries that are not objects. */
  readonly nodes: readonly CheckedNode[]
  readonly links: readonly Link[]
  readonly #byName = new Map<string, CheckedNode>()
  readonly #outgoing = new Map<CheckedNode, Link[]>()
  readonly #incoming = new Map<CheckedNode, Link[]>()
  readonly #read = new Map<CheckedNode, Map<string, unknown>>()

  constructor(json: JsonObject, facts: FactsOf) {
    this.json = json
    this.facts = facts
    const nodes: CheckedNode[] = []
    for (const [index, node] of listOf(json.nodes).entries()) {
      if (isObject(node)) nodes.push(toNode(node, index, facts))
    }
    this.nodes = nodes
    for (const node of nodes) {
      if (!node.isSticky && !this.#byName.has(node.name)) this.#byName.set(node.name, node)
    }
    this.links = [...this.#readLinks()]
    for (const link of this.links) {
      addTo(this.#outgoing, link.source, link)
      addTo(this.#incoming, link.target, link)
    }
  }

  named(name: string): CheckedNode | undefined {
    return this.#byName.get(name)
  }

  names(): Iterable<string> {
    return this.#byName.keys()
  }

  outgoing(node: CheckedNode): readonly Link[] {
    return this.#outgoing.get(node) ?? []
  }

  incoming(node: CheckedNode): readonly Link[] {
    return this.#incoming.get(node) ?? []
  }

  /** What is read from a node once, for any number of its links. */
  once<Value>(node: CheckedNode, key: string, read: () => Value): Value {
    const known = this.#read.get(node)
    const values = known ?? new Map<string, unknown>()
    if (!known) this.#read.set(node, values)
    if (!values.has(key)) values.set(key, read())
    return values.get(key) as Value
  }

  *#readLinks(): Generator<Link> {
    for (const [from, byType] of entriesOf(this.json.connections)) {
      const source = this.#byName.get(from)
      if (!source) continue
      const atSource = pointerTo('/connections', from)
      for (const [type, outputs] of entriesOf(byType)) {
        const atType = pointerTo(atSource, type)
        for (const [output, targets] of listOf(outputs).entries()) {
          for (const [position, target] of listOf(targets).entries()) {
            const name = ownValue(target, 'node')
            const to = typeof name === 'string' ? this.#byName.get(name) : undefined
            if (!to) continue
            const inputType = ownValue(target, 'type') ?? type
            const input = ownValue(target, 'index') ?? 0
            if (typeof inputType !== 'string' || typeof input !== 'number') continue
            const pointer = `${atType}/${output}/${position}`
            yield { source, target: to, type, output, inputType, input, pointer }
          }
        }
      }
    }
  }
}

function toNode(json: JsonObject, index: number, facts: FactsOf): CheckedNode {
  const type = typeof json.type === 'string' ? json.type : ''
  const nodeType = type === '' ? undefined : facts.nodeType(type)
  const version = typeVersion(json) ?? 0
  const described = nodeType?.describe(version || nodeType.defaultVersion)
  const parameters = isObject(json.parameters) ? json.parameters : {}
  const context = { version, isTool: described?.name.endsWith('Tool') ?? false }
  return {
    index,
    json,
    name: typeof json.name === 'string' && json.name !== '' ? json.name : `#${index}`,
    type,
    shortType: type.slice(type.lastIndexOf('.') + 1),
    pointer: `/nodes/${index}`,
    version,
    isEnabled: json.disabled !== true,
    isSticky: type === stickyNote,
    nodeType,
    facts: described,
    parameters,
    values: new ParameterValues(described ?? noProperties, parameters, context),
  }
}

export const entriesOf = (value: unknown): [string, unknown][] =>
  isObject(value) ? Object.entries(value) : []
