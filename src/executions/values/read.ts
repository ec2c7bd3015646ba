/** @module What a node received and returned, from the stored values of a run. Pure. */
import type { ExecutionValues } from './contract.ts'
import type { StoredItem, StoredNodeRun, StoredValues } from './capture.ts'

export interface NodeInputValues {
  node: string | null
  output: number
  total: number
  truncated: boolean
  items: StoredItem[]
}

/** What a run of a node received. An output that is not stored has no items. */
export function inputsOfRun(values: StoredValues, { sources, asked = [] }: StoredNodeRun): NodeInputValues[] {
  return [
    ...sources.map(({ node, output, run, total }) => {
      const source = values.nodes
        .find(({ name }) => name === node)
        ?.runs.find((each) => each.run === run)
        ?.outputs.find(({ type, index }) => type === 'main' && index === output)
      return {
        node,
        output,
        total,
        truncated: source?.truncated ?? total > 0,
        items: source?.items ?? [],
      }
    }),
    ...asked.map(({ index, total, truncated, items }) => ({
      node: null,
      output: index,
      total,
      truncated,
      items,
    })),
  ]
}

/** What the last failed run of a node received; none if it is not stored. */
export function inputsOfFailed(values: StoredValues, node: string): NodeInputValues[] {
  const runs = values.nodes.find(({ name }) => name === node)?.runs
  const run = runs?.findLast(({ hasFailed }) => hasFailed) ?? runs?.at(-1)
  return run ? inputsOfRun(values, run) : []
}

export const toExecutionValues = (
  executionId: string,
  values: StoredValues,
  expiresAt: Date,
): ExecutionValues => ({
  executionId,
  expiresAt: expiresAt.toISOString(),
  trigger: values.trigger,
  nodes: values.nodes.map(({ name, totalRuns, runs }) => ({
    name,
    totalRuns,
    runs: runs.map((run) => ({ run: run.run, inputs: inputsOfRun(values, run), outputs: run.outputs })),
  })),
  omittedNodes: values.omittedNodes,
})
