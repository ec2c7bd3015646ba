/** @module Builds a workflow, lays it out and converts it to n8n JSON. */
import type { Json, Kind } from './nodes.ts'
import { uuidOf } from './random.ts'

/** In multiples of n8n's 16-pixel grid. */
const column = 224
const row = 176
const subRow = 208
const subColumn = 144
/** A node with sub-nodes is as wide as four of them. */
const rootOffset = 80

export interface FlowNode {
  name: string
  kind: Kind
  /** In columns and rows. For a sub-node, an offset from its default position. */
  column: number
  row: number
  parent: string | null
}

export interface Link {
  from: string
  output: number
  to: string
  input: number
  /** `main`, or the connection type of a sub-node, such as `ai_tool`. */
  type: string
}

/** One version of a workflow: the source of its layout, its JSON and its runs. */
export class Flow {
  nodes: FlowNode[] = []
  links: Link[] = []

  copy(): Flow {
    const copy = new Flow()
    copy.nodes = this.nodes.map((node) => ({ ...node }))
    copy.links = this.links.map((link) => ({ ...link }))
    return copy
  }

  node(name: string): FlowNode {
    const found = this.nodes.find((node) => node.name === name)
    if (!found) throw new Error(`Node "${name}" not found`)
    return found
  }

  add(name: string, kind: Kind, at: [column: number, row: number]): this {
    if (this.nodes.some((node) => node.name === name)) throw new Error(`Node "${name}" already exists`)
    this.nodes.push({ name, kind, column: at[0], row: at[1], parent: null })
    return this
  }

  /** Adds a row of nodes starting at `at`, each linked to the next. */
  line(at: [column: number, row: number], ...nodes: [name: string, kind: Kind][]): this {
    for (const [index, [name, kind]] of nodes.entries()) this.add(name, kind, [at[0] + index, at[1]])
    return this.link(nodes.map(([name]) => name).join(' > '))
  }

  /** Adds a sub-node to `parent`. @param use its role, such as `languageModel` or `tool` */
  below(parent: string, use: string, name: string, kind: Kind): this {
    const { column, row } = this.node(parent)
    this.nodes.push({ name, kind, column, row, parent })
    this.links.push({ from: name, output: 0, to: parent, input: 0, type: `ai_${use}` })
    if (use === 'outputParser') this.tune(parent, { hasOutputParser: true })
    return this
  }

  /** `A > B > C`; `If:1 > B` from its second output; `A > Merge@1` into its second input. */
  link(text: string): this {
    const names = text.split(' > ')
    for (const [index, from] of names.slice(0, -1).entries())
      this.links.push(this.#parse(from, names[index + 1] ?? ''))
    return this
  }

  unlink(text: string): this {
    const [from = '', to = ''] = text.split(' > ')
    const wanted = JSON.stringify(this.#parse(from, to))
    const left = this.links.filter((link) => JSON.stringify(link) !== wanted)
    if (left.length === this.links.length) throw new Error(`Link ${text} not found`)
    this.links = left
    return this
  }

  /** Inserts a node into a link and moves the nodes behind it by one column. */
  insert(link: string, name: string, kind: Kind): this {
    const [from = '', to = ''] = link.split(' > ')
    const { column, row } = this.node(this.#parse(from, to).to)
    return this.unlink(link)
      .room(column)
      .add(name, kind, [column, row])
      .link(`${from} > ${name}`)
      .link(`${name} > ${to}`)
  }

  /** Moves all nodes from `column` on by one column. */
  room(column: number): this {
    for (const node of this.nodes) if (node.column >= column) node.column += 1
    return this
  }

  drop(name: string): this {
    this.node(name)
    const gone = new Set([
      name,
      ...this.nodes.filter(({ parent }) => parent === name).map((each) => each.name),
    ])
    this.nodes = this.nodes.filter((node) => !gone.has(node.name))
    this.links = this.links.filter(({ from, to }) => !gone.has(from) && !gone.has(to))
    return this
  }

  /** Replaces the type or parameters of a node. */
  change(name: string, kind: Kind): this {
    this.node(name).kind = kind
    return this
  }

  tune(name: string, parameters: Json): this {
    const node = this.node(name)
    node.kind = { ...node.kind, parameters: { ...node.kind.parameters, ...parameters } }
    return this
  }

  #parse(from: string, to: string): Link {
    const [name = '', output = '0'] = from.split(/:(?=\d$)/)
    const [target = '', input = '0'] = to.split(/@(?=\d$)/)
    this.node(name)
    this.node(target)
    return { from: name, output: Number(output), to: target, input: Number(input), type: 'main' }
  }

  children(name: string): FlowNode[] {
    return this.nodes.filter(({ parent }) => parent === name)
  }

  /** Position on n8n's canvas. */
  position(node: FlowNode): [number, number] {
    if (node.parent === null) return [node.column * column, Math.round((node.row * row) / 16) * 16]
    const parent = this.node(node.parent)
    const siblings = this.children(node.parent)
    const [x, y] = this.position(parent)
    const place = siblings.indexOf(node) - (siblings.length - 1) / 2
    const offset = parent.parent === null ? rootOffset : 0
    return [Math.round((x + offset + place * subColumn) / 16) * 16, y + subRow]
  }

  /** @param credentialName returns the name of the credential of a type */
  json(name: string, credentialName: (type: string) => string): Json {
    const connections: Record<string, Record<string, { node: string; type: string; index: number }[][]>> = {}
    for (const { from, output, to, input, type } of this.links) {
      const outputs = ((connections[from] ??= {})[type] ??= [])
      while (outputs.length <= output) outputs.push([])
      outputs[output]?.push({ node: to, type, index: input })
    }
    return {
      name,
      nodes: this.nodes.map((node) => {
        const { type, typeVersion, parameters, credential } = node.kind
        const id = uuidOf(`${name} ${node.name}`)
        const isCalled = /\.(webhook|formTrigger|chatTrigger|wait)$/.test(type)
        return {
          id,
          name: node.name,
          type,
          typeVersion,
          position: this.position(node),
          parameters,
          ...(isCalled && { webhookId: uuidOf(`${name} webhook`) }),
          ...(credential !== undefined && {
            credentials: {
              [credential]: { id: uuidOf(credential).slice(0, 8), name: credentialName(credential) },
            },
          }),
        }
      }),
      connections,
      settings: { executionOrder: 'v1' },
    }
  }
}
