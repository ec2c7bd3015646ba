/** @module A version's JSON as a graph of nodes and connections. Never throws. */
import { addTo } from '../../lib/grouped.ts'
import { isObject, listOf } from '../../lib/json-object.ts'
import { isTarget, slotsOf } from '../../n8n/reading/connection-slots.ts'

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

/** @param json an n8n workflow; null returns an empty graph */
export function workflowGraph(json: Record<string, unknown> | null): WorkflowGraph {
  const nodes = listOf(json?.['nodes']).flatMap((node): GraphNode[] => {
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
  for (const { from, type, output, targets } of slotsOf(json?.['connections'])) {
    for (const { node } of targets.filter(isTarget)) {
      if (type === 'main') {
        addTo(graph.before, node, from)
        if (output > 0) graph.branching.add(from)
      } else if (type.startsWith('ai_') && !graph.usedBy.has(from)) graph.usedBy.set(from, node)
    }
  }
  return graph
}
