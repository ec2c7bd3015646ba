/** @module The nodes of a workflow by index, and the nodes that feed each one. Pure. */
import { isObject, type JsonObject, listOf } from '../../lib/json-object.ts'

const main = 'main'

export class WorkflowGraph {
  /** Unfiltered, so that indexes match the JSON. */
  readonly nodes: readonly unknown[]
  readonly #connections: unknown
  #indexes: Map<string, number[]> | undefined
  #sources: { main: number[]; all: number[] }[] | undefined

  constructor({ nodes, connections }: JsonObject) {
    this.nodes = Array.isArray(nodes) ? nodes : []
    this.#connections = connections
  }

  /** Indexes of the nodes with this name, usually one. */
  named(name: string): readonly number[] {
    this.#indexes ??= Map.groupBy(this.nodes.keys(), (index) => {
      const node = this.nodes[index]
      return isObject(node) ? String(node.name) : ''
    })
    return this.#indexes.get(name) ?? []
  }

  /** Nodes connected to this node's main input. */
  mainSources = (index: number): readonly number[] => this.#sourcesOf(index).main

  /** Also includes AI connections (tools, models) in both directions, because both ends share data. */
  allSources = (index: number): readonly number[] => this.#sourcesOf(index).all

  #sourcesOf(index: number) {
    this.#sources ??= this.#readSources()
    return this.#sources[index] ?? { main: [], all: [] }
  }

  #readSources() {
    const sources = this.nodes.map(() => ({ main: [] as number[], all: [] as number[] }))
    for (const { from, to, type } of this.#links()) {
      for (const source of this.named(from)) {
        for (const target of this.named(to)) {
          sources[target]?.all.push(source)
          if (type === main) sources[target]?.main.push(source)
          else sources[source]?.all.push(target)
        }
      }
    }
    return sources
  }

  *#links() {
    for (const [from, byType] of entriesOf(this.#connections)) {
      for (const [type, outputs] of entriesOf(byType)) {
        for (const targets of listOf(outputs)) {
          for (const target of listOf(targets)) {
            if (isObject(target) && typeof target.node === 'string') yield { from, to: target.node, type }
          }
        }
      }
    }
  }
}

const entriesOf = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : [])
