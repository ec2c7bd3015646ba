/** @module The nodes of a stored run, and the node that failed it. The data may come from a custom report. Pure. */
import type { ExecutionStatus } from '../../db/schema/executions.ts'
import { isObject, listOf } from '../../lib/json-object.ts'
import { hasError } from '../../runs/meaning.ts'
import type { NodeInput, NodeRun } from '../record/node-runs.ts'

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const numberOr = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
const timeOr = (value: unknown): string | null =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : null

/** @param data of an execution, in any shape */
export function nodesOf(data: unknown): { nodes: NodeRun[]; omitted: number } {
  if (!isObject(data)) return { nodes: [], omitted: 0 }
  const nodes = listOf(data['nodes']).flatMap((node): NodeRun[] => {
    if (!isObject(node) || typeof node['name'] !== 'string') return []
    const error = isObject(node['error']) ? node['error'] : null
    return [
      {
        name: node['name'],
        type: textOr(node['type']),
        status: textOr(node['status']),
        startedAt: timeOr(node['startedAt']),
        durationMs: numberOr(node['durationMs']),
        items: numberOr(node['items']) ?? 0,
        runs: numberOr(node['runs']) ?? 1,
        error: error && {
          message: textOr(error['message']) ?? 'No message',
          httpStatus: numberOr(error['httpStatus']),
        },
        input: listOf(node['input']).flatMap(toInput),
      },
    ]
  })
  return {
    nodes: [...new Map(nodes.map((node) => [node.name, node])).values()],
    omitted: numberOr(data['omittedNodes']) ?? 0,
  }
}

function toInput(input: unknown): NodeInput[] {
  if (!isObject(input) || typeof input['node'] !== 'string') return []
  return [
    {
      node: input['node'],
      output: numberOr(input['output']) ?? 0,
      items: numberOr(input['items']) ?? 0,
      shape: textOr(input['shape']),
    },
  ]
}

interface EndedRun {
  status: ExecutionStatus
  error: { node: string | null } | null
}

/** The name of the node that failed the run; null if the run did not fail or the node is unknown. */
export function failedNode(run: EndedRun, nodes: readonly NodeRun[]): string | null {
  if (!hasError(run.status)) return null
  return run.error?.node ?? nodes.findLast(({ error }) => error !== null)?.name ?? null
}
