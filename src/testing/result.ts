/** @module What each node of a test did, from n8n's data of the run. Pure. */
import { cleanJson } from '../executions/record/run-data.ts'
import { shapeOf } from '../executions/record/data-shape.ts'
import { mainOutputs, nodeText, runDataOf, summariseRun } from '../executions/record/node-runs.ts'
import { isObject, type JsonObject, listOf } from '../lib/json-object.ts'
import { redact } from '../lib/secrets/redact.ts'
import { toStorable } from '../lib/storable-text.ts'
import type { N8nExecution } from '../n8n/api/shapes.ts'
import type { TestNode } from './contract.ts'
import type { TreatedNode } from './scratch.ts'

const maxSampleChars = 2_000
/** Of all samples of a test. */
const maxSamplesChars = 100_000
const maxErrorChars = 1_000

export const notRun = (node: TreatedNode, status: TestNode['status']): TestNode => ({
  ...node,
  status,
  runs: 0,
  items: 0,
  durationMs: null,
  error: null,
  outputs: [],
  differences: null,
})

export function nodesOfTest(execution: N8nExecution, treated: readonly TreatedNode[]): TestNode[] {
  const runData = runDataOf(execution.data) ?? {}
  const summary = summariseRun(execution.data, execution.workflowData)
  const byName = new Map(summary?.nodes.map((node) => [node.name, node]))
  let chars = 0
  const sampleOf = (item: unknown): unknown => {
    const json = isObject(item) ? item['json'] : undefined
    if (json === undefined) return null
    const size = JSON.stringify(json).length
    chars += size
    return size <= maxSampleChars && chars <= maxSamplesChars ? cleanJson(json) : null
  }
  return treated.map((node) => {
    const run = byName.get(nodeText(node.name))
    if (!run) return notRun(node, 'not-run')
    return {
      ...node,
      status: run.error === null && run.status !== 'error' ? 'success' : 'error',
      runs: run.runs,
      items: run.items,
      durationMs: run.durationMs,
      error: run.error,
      outputs: mainOutputs(
        Object.hasOwn(runData, node.name) ? listOf(runData[node.name]).at(-1) : undefined,
      ).map((items) => ({
        items: items.length,
        shape: shapeOf(items),
        sample: sampleOf(items[0]),
      })),
      differences: null,
    }
  })
}

/** Why the run failed, in n8n's words. */
export function errorOfTest(execution: N8nExecution): string {
  const data: JsonObject = isObject(execution.data) ? execution.data : {}
  const result = isObject(data['resultData']) ? data['resultData'] : {}
  const error = isObject(result['error']) ? result['error'] : {}
  const message = typeof error['message'] === 'string' ? error['message'] : ''
  const node = isObject(error['node']) ? error['node']['name'] : undefined
  const text = message || `n8n ended the run with the status ${execution.status}`
  const named = typeof node === 'string' ? `${node}: ${text}` : text
  return toStorable(redact(toStorable(named)).slice(0, maxErrorChars))
}
