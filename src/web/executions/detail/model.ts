/** @module Builds the view of a run's page from stored data. Pure. */
import type { NodeRun } from '../../../executions/record/node-runs.ts'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import type { BoundCredential, RunPage } from '../../../executions/detail-queries.ts'
import type { StoredValues } from '../../../executions/values/capture.ts'
import { type RetrySafety, retrySafety } from './retry-safety.ts'
import { layOut, type Timeline } from './timeline.ts'
import { boundTo, type Failure, failureOf } from '../../../executions/diagnosis/diagnose.ts'
import { type GraphNode, type WorkflowGraph, workflowGraph } from '../../../executions/diagnosis/run-graph.ts'
import { failedNode, nodesOf } from '../../../executions/diagnosis/run-nodes.ts'

export interface RunView {
  page: RunPage
  /** Null if they are not stored, or cannot be decrypted. */
  values: StoredValues | null
  title: string
  nodes: readonly NodeRun[]
  graph: WorkflowGraph
  timeline: Timeline
  failure: Failure | null
  /** Null if the run has no nodes. */
  selected: SelectedNode | null
  /** Null if the run's nodes are unknown. */
  retry: RetrySafety | null
  /** The run in n8n's editor; null if the instance or its workflow was deleted. */
  n8nUrl: string | null
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
  { values = null, ...page }: RunPage & { values?: StoredValues | null },
  catalogue: Catalogue,
  now: Date,
  requestedNode: string | undefined,
): RunView {
  const { run, workflow, instance, deployment } = page
  const graph = workflowGraph(page.version?.json ?? null)
  const { nodes, omitted } = nodesOf(page.data)
  const timeline = layOut({ run, nodes, omitted, graph, now })
  const failedAt = failedNode(run, nodes)
  const failure = failureOf(page, graph, nodes, catalogue)
  const rows = timeline.rows.filter(({ isRun }) => !isRun)
  const selectedRow = rows.find(({ name }) => name === (requestedNode ?? failedAt)) ?? rows[0]
  return {
    page,
    values,
    title: workflow?.name ?? 'Deleted workflow',
    nodes,
    graph,
    timeline,
    failure,
    selected: selectedRow
      ? {
          name: selectedRow.name,
          type: selectedRow.type,
          run: nodes.find(({ name }) => name === selectedRow.name) ?? null,
          reason: selectedRow.reason,
          node: graph.byName.get(selectedRow.name) ?? null,
          credentials: boundTo(graph.byName.get(selectedRow.name), page, catalogue),
        }
      : null,
    retry:
      nodes.length > 0 && run.status !== 'success' && run.finishedAt !== null
        ? retrySafety(nodes, graph, failedAt, failure?.httpStatus ?? null)
        : null,
    n8nUrl:
      instance && deployment?.n8nWorkflowId
        ? `${instance.baseUrl}/workflow/${encodeURIComponent(deployment.n8nWorkflowId)}/executions/${encodeURIComponent(run.n8nExecutionId)}`
        : null,
  }
}
