/** @module Infers why nodes of a version did not run from the nodes that did. Pure. */
import { addTo } from '../../lib/grouped.ts'
import type { NodeRun } from '../record/node-runs.ts'
import type { WorkflowGraph } from './run-graph.ts'

/**
 * Node → reason. A node without an entry was not reached. Nodes that only an untaken branch leads to are not taken
 * either, at any distance.
 *
 * @param failedAt the node that failed the run
 * @param isOpen the run is still in progress
 */
function skipReasons(
  graph: WorkflowGraph,
  byName: ReadonlyMap<string, NodeRun>,
  failedAt: string | null,
  isOpen: boolean,
): Map<string, string> {
  const { nodes, before } = graph
  const reasons = new Map<string, string>()
  const open = new Set<string>()
  const after = new Map<string, string[]>()
  for (const name of new Set([
    ...nodes.map(({ name }) => name),
    ...before.keys(),
    ...[...before.values()].flat(),
  ])) {
    if (byName.has(name)) continue
    const reason = ownReason(name, graph, byName, failedAt, isOpen)
    if (reason !== null) {
      reasons.set(name, reason)
      continue
    }
    open.add(name)
    for (const each of before.get(name) ?? []) addTo(after, each, name)
  }
  const pass = (from: string[], reason: string) => {
    for (let name = from.pop(); name !== undefined; name = from.pop()) {
      for (const each of after.get(name) ?? []) {
        if (!open.delete(each)) continue
        reasons.set(each, reason)
        from.push(each)
      }
    }
  }
  const [untaken, others] = [[] as string[], [] as string[]]
  for (const [name, reason] of reasons) (reason === branchNotTaken ? untaken : others).push(name)
  pass(others, 'not reached')
  pass(untaken, branchNotTaken)
  return reasons
}

/** The nodes of the version that did not run, in JSON order. */
export function skippedNodes(
  graph: WorkflowGraph,
  nodes: readonly NodeRun[],
  failedAt: string | null,
  isOpen: boolean,
): { name: string; type: string; reason: string }[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const reasons = skipReasons(graph, byName, failedAt, isOpen)
  return graph.nodes
    .filter(({ name }) => !byName.has(name) && name !== failedAt)
    .map(({ name, type }) => ({ name, type, reason: reasons.get(name) ?? 'not reached' }))
}

const branchNotTaken = 'branch not taken'

/** The reason that follows from the node and its predecessors that ran; null if it depends on predecessors that did not. */
function ownReason(
  name: string,
  graph: WorkflowGraph,
  byName: ReadonlyMap<string, NodeRun>,
  failedAt: string | null,
  isOpen: boolean,
): string | null {
  if (graph.byName.get(name)?.isDisabled) return 'disabled'
  const user = graph.usedBy.get(name)
  if (user !== undefined) return byName.has(user) ? 'not called' : 'not reached'
  const before = (graph.before.get(name) ?? []).filter((each) => each !== name)
  if (before.length === 0)
    return isTrigger(graph.byName.get(name)?.type) ? 'another trigger started the run' : 'not connected'
  if (isOpen) return 'not reached yet'
  const ended = before.flatMap((each) => byName.get(each) ?? []).filter((each) => each.name !== failedAt)
  if (ended.some((each) => graph.branching.has(each.name))) return branchNotTaken
  if (ended.length > 0) return ended.every(({ items }) => items === 0) ? 'received no items' : 'not reached'
  return before.every((each) => byName.has(each)) ? 'not reached' : null
}

const isTrigger = (type: string | undefined) =>
  type !== undefined && /trigger$|\.webhook$|\.start$/i.test(type)
