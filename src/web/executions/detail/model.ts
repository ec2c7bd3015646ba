/** @module Builds the view of a run's page from stored data. Pure. */
import { isObject } from '../../../lib/json-object.ts'
import { credentialsOf } from '../../../credentials/node-credentials.ts'
import type { NodeRun } from '../../../executions/record/node-runs.ts'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import { type Explanation, explain } from '../../components/explain.ts'
import { serviceOf } from '../../components/node-labels.ts'
import type { BoundCredential, RunPage } from '../../../executions/detail-queries.ts'
import { type RetrySafety, retrySafety } from './retry-safety.ts'
import { failedNode, layOut, type Timeline } from './timeline.ts'
import { type GraphNode, type WorkflowGraph, workflowGraph } from './workflow-graph.ts'

export interface RunView {
  page: RunPage
  title: string
  nodes: readonly NodeRun[]
  graph: WorkflowGraph
  timeline: Timeline
  failure: FailureView | null
  /** Null if the run has no nodes. */
  selected: SelectedNode | null
  /** Null if the run's nodes are unknown. */
  retry: RetrySafety | null
  /** The run in n8n's editor; null if the instance or its workflow was deleted. */
  n8nUrl: string | null
}

export interface FailureView extends Explanation {
  node: string | null
  message: string
  httpStatus: number | null
  /** The bound credentials; several if the node could use any of them. */
  credentials: BoundCredential[]
}

export interface SelectedNode {
  name: string
  type: string | null
  run: NodeRun | null
  reason: string | null
  node: GraphNode | null
  credentials: BoundCredential[]
}

export function viewRun(
  page: RunPage,
  catalogue: Catalogue,
  now: Date,
  requestedNode: string | undefined,
): RunView {
  const { run, workflow, instance, deployment } = page
  const graph = workflowGraph(page.version?.json ?? null)
  const { nodes, omitted } = nodesOf(page.data)
  const timeline = layOut({ run, nodes, omitted, graph, now })
  const failedAt = failedNode(run, nodes)
  const failedRun = nodes.find(({ name }) => name === failedAt)
  const httpStatus = page.httpStatus ?? failedRun?.error?.httpStatus ?? null
  const credentialsOf = (name: string) => boundTo(graph.byName.get(name), page, catalogue)
  const message = run.error?.message ?? (failedAt === null ? null : (failedRun?.error?.message ?? null))
  const type = failedAt === null ? null : (failedRun?.type ?? graph.byName.get(failedAt)?.type ?? null)
  const rows = timeline.rows.filter(({ isRun }) => !isRun)
  const selectedRow = rows.find(({ name }) => name === (requestedNode ?? failedAt)) ?? rows[0]
  return {
    page,
    title: workflow?.name ?? 'Deleted workflow',
    nodes,
    graph,
    timeline,
    failure:
      message === null
        ? null
        : {
            ...explain({ message, httpStatus, service: serviceOf(type) }),
            node: failedAt,
            message,
            httpStatus,
            credentials: failedAt === null ? [] : credentialsOf(failedAt),
          },
    selected: selectedRow
      ? {
          name: selectedRow.name,
          type: selectedRow.type,
          run: nodes.find(({ name }) => name === selectedRow.name) ?? null,
          reason: selectedRow.reason,
          node: graph.byName.get(selectedRow.name) ?? null,
          credentials: credentialsOf(selectedRow.name),
        }
      : null,
    retry:
      nodes.length > 0 && run.status !== 'success' && run.finishedAt !== null
        ? retrySafety(nodes, graph, failedAt, httpStatus)
        : null,
    n8nUrl:
      instance && deployment?.n8nWorkflowId
        ? `${instance.baseUrl}/workflow/${encodeURIComponent(deployment.n8nWorkflowId)}/executions/${encodeURIComponent(run.n8nExecutionId)}`
        : null,
  }
}

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const numberOr = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
const timeOr = (value: unknown): string | null =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : null

/** The data may come from a custom report and have any shape. */
function nodesOf(data: unknown): { nodes: NodeRun[]; omitted: number } {
  if (!isObject(data) || !Array.isArray(data['nodes'])) return { nodes: [], omitted: 0 }
  const nodes = data['nodes'].flatMap((node): NodeRun[] => {
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
      },
    ]
  })
  return {
    nodes: [...new Map(nodes.map((node) => [node.name, node])).values()],
    omitted: numberOr(data['omittedNodes']) ?? 0,
  }
}

function boundTo(node: GraphNode | undefined, page: RunPage, catalogue: Catalogue): BoundCredential[] {
  if (!node || !page.deployment) return []
  const used = credentialsOf(node.name, node.json, page.deployment.bindings, catalogue)
  return used.flatMap(
    (binding) =>
      page.credentials.find(({ id }) => 'credentialId' in binding && id === binding.credentialId) ?? [],
  )
}
