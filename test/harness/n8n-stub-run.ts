/**
 * @module What a webhook run of the stub passes from node to node: Split Out and the raw Set nodes of tests do what they do
 * in n8n, Stop And Error ends the run, and any other node passes its input on.
 */
import type { Json } from './n8n-stub-state.ts'
import { isObject } from './n8n-stub-validation.ts'

interface Item {
  json: Json
}

/** The `runData` of a run that starts at the webhook's node. */
export function runDataOf(nodes: Json[], connections: Json, webhookNode: string, body: unknown): Json {
  const first: Item = { json: { headers: {}, params: {}, query: {}, body } }
  const runData: Json = {}
  const queue: [name: string, items: Item[]][] = [[webhookNode, [first]]]
  for (const [name, items] of queue) {
    if (Object.hasOwn(runData, name)) continue
    const node = nodes.find((each) => each.name === name) ?? {}
    const output = outputOf(node, items, body)
    const isFailed = node.type === 'n8n-nodes-base.stopAndError' && node.disabled !== true
    runData[name] = [
      {
        startTime: Date.now(),
        executionTime: 1,
        executionIndex: Object.keys(runData).length,
        source: [],
        executionStatus: isFailed ? 'error' : 'success',
        ...(isFailed
          ? { error: { message: String((node.parameters as Json).errorMessage), stack: 'at planted' } }
          : { data: { main: [output] } }),
      },
    ]
    if (isFailed) break
    if (output.length === 0) continue
    const byType = connections[name]
    const main = isObject(byType) && Array.isArray(byType.main) ? byType.main : []
    for (const target of (main[0] ?? []) as { node: string }[]) queue.push([target.node, output])
  }
  return runData
}

function outputOf({ type, parameters }: Json, items: Item[], body: unknown): Item[] {
  const given = isObject(parameters) ? parameters : {}
  const sent: Json = isObject(body) ? body : {}
  if (type === 'n8n-nodes-base.splitOut' && given.fieldToSplitOut === 'body.items') {
    return (sent.items as Json[]).map((json) => ({ json }))
  }
  const [, index] = /standIns\[(\d+)\]/.exec(String(given.jsonOutput)) ?? []
  if (type !== 'n8n-nodes-base.set' || index === undefined) return items
  const standIns = (sent.standIns as Json[][])[Number(index)] ?? []
  return items.map((_, at) => ({ json: standIns[at % standIns.length] ?? {} }))
}
