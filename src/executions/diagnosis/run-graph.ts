/** @module A version's JSON as a graph of nodes and connections. Never throws. */
import { isObject } from '../../lib/json-object.ts'

export interface GraphNode {
  name: string
  type: string
  isDisabled: boolean
  /** The node's JSON, for parameters and credentials. */
  json: Record<string, unknown>
}

export interface WorkflowGraph {
  /** In JSON order, without sticky notes. */
  nodes: GraphNode[]
  byName: Map<string, GraphNode>
  /** Node → the nodes whose main outputs lead to it. */
  before: Map<string, string[]>
  /** Nodes with a connected main output other than the first. */
  branching: Set<string>
  /** Model, tool or memory → the node that uses it. */
  usedBy: Map<string, string>
}

const arrayOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** @param json an n8n workflow; null returns an empty graph */
export function workflowGraph(json: Record<string, unknown> | null): WorkflowGraph {
  const nodes = arrayOf(json?.['nodes']).flatMap((node): GraphNode[] => {
    if (!isObject(node) || typeof node['name'] !== 'string' || typeof node['type'] !== 'string') return []
    if (node['type'] === 'n8n-nodes-base.stickyNote') return []
    return [{ name: node['name'], type: node['type'], isDisabled: node['disabled'] === true, json: node }]
  })
  const graph: WorkflowGraph = {
    nodes,
    byName: new Map(nodes.map((node) => [node.name, node])),
    before: new Map(),
    branching: new Set(),
    usedBy: new Map(),
  }
  for (const { source, kind, output, target } of connectionsOf(json?.['connections'])) {
    if (kind === 'main') {
      if (!graph.before.get(target)?.push(source)) graph.before.set(target, [source])
      if (output > 0) graph.branching.add(source)
    } else if (kind.startsWith('ai_') && !graph.usedBy.has(source)) graph.usedBy.set(source, target)
  }
  return graph
}

function* connectionsOf(connections: unknown) {
  if (!isObject(connections)) return
  for (const [source, kinds] of Object.entries(connections)) {
    for (const [kind, outputs] of Object.entries(isObject(kinds) ? kinds : {})) {
      for (const [output, targets] of arrayOf(outputs).entries()) {
        for (const connection of arrayOf(targets)) {
          const target = isObject(connection) ? connection['node'] : undefined
          if (typeof target === 'string') yield { source, kind, output, target }
        }
      }
    }
  }
}
