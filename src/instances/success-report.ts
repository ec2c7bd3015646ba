/**
 * @module Adds a node to a deployed workflow that reports successful runs. Pure.
 *
 * The node is connected to the trigger and placed below every other node, so that n8n's execution order v1 runs it
 * last and only if the run did not fail. The user's nodes receive the same data as before. The report only speeds up
 * results: polling stays authoritative. The node is omitted where it would change the response to a caller.
 */
import { isObject, type JsonObject } from '../lib/json-object.ts'
import type { N8nNodeBody, N8nWorkflowBody } from '../n8n/sendable/workflow.ts'
import { postNode, type Receiver } from './reporter-workflow.ts'

const nodeId = 'flowkeep-success-report'
const nodeName = 'Flowkeep: report success'
const report =
  "={{ JSON.stringify({ executionId: $execution.id, workflowId: $workflow.id, status: 'success' }) }}"

/** Triggers that always respond with the output of the last node. */
const answersByLastNode = new Set([
  'n8n-nodes-base.executeWorkflowTrigger',
  '@n8n/n8n-nodes-langchain.chatTrigger',
  '@n8n/n8n-nodes-langchain.mcpTrigger',
  '@n8n/n8n-nodes-langchain.manualChatTrigger',
  'n8n-nodes-base.formTrigger',
  'n8n-nodes-base.evaluationTrigger',
])
const noProduction = new Set(['n8n-nodes-base.manualTrigger', 'n8n-nodes-base.errorTrigger'])

export interface SuccessReport {
  body: N8nWorkflowBody
  /** Names of the triggers whose runs are reported. Runs of other triggers are polled. */
  triggers: string[]
}

/** @param isTrigger whether a node type starts runs */
export function withSuccessReport(
  workflow: N8nWorkflowBody,
  receiver: Receiver,
  isTrigger: (type: string) => boolean,
): SuccessReport {
  const body = withoutSuccessReport(workflow)
  // In the older order the node runs before the run ends.
  if (body.settings['executionOrder'] !== 'v1') return { body, triggers: [] }
  const triggers = body.nodes
    .filter((node) => isTrigger(node.type) && canReport(node))
    .map(({ name }) => name)
  if (triggers.length === 0) return { body, triggers }
  const lowest = Math.max(...body.nodes.map(({ position }) => position[1] ?? 0))
  const node: N8nNodeBody = {
    ...postNode(receiver, {
      id: nodeId,
      name: freeName(body.nodes),
      position: [body.nodes[0]?.position[0] ?? 0, lowest + 300],
      jsonBody: report,
    }),
    executeOnce: true,
  }
  const connections = { ...body.connections }
  for (const trigger of triggers) connections[trigger] = withTarget(connections[trigger], node.name)
  return { body: { ...body, nodes: [...body.nodes, node], connections }, triggers }
}

/** The workflow without the report node, or the same object when it has none. */
export function withoutSuccessReport<T extends { nodes: JsonObject[]; connections: JsonObject }>(
  workflow: T,
): T {
  const own = workflow.nodes.find(({ id }) => id === nodeId)
  if (!own) return workflow
  const connections = Object.entries(workflow.connections).map(([from, outputs]) => [
    from,
    withoutTarget(outputs, String(own['name'])),
  ])
  return {
    ...workflow,
    nodes: workflow.nodes.filter(({ id }) => id !== nodeId),
    connections: Object.fromEntries(connections.filter(([, outputs]) => !isEmpty(outputs))),
  }
}

function canReport({ type, disabled, parameters }: N8nNodeBody): boolean {
  if (disabled === true || noProduction.has(type) || answersByLastNode.has(type)) return false
  const { responseMode } = parameters
  if (type.endsWith('.webhook')) {
    return responseMode === undefined || responseMode === 'onReceived' || responseMode === 'responseNode'
  }
  return responseMode === undefined
}

/** Connects the node to every output of the trigger, because only outputs with data run it. */
function withTarget(outputs: unknown, node: string): JsonObject {
  const byType = isObject(outputs) ? outputs : {}
  const main: unknown[] = Array.isArray(byType['main']) && byType['main'].length > 0 ? byType['main'] : [[]]
  const target = { node, type: 'main', index: 0 }
  const slots = main.map((slot): unknown[] => (Array.isArray(slot) ? slot : []))
  return { ...byType, main: slots.map((targets) => targets.concat(target)) }
}

function withoutTarget(outputs: unknown, name: string): unknown {
  if (!isObject(outputs) || !Array.isArray(outputs['main'])) return outputs
  const main = outputs['main'].map((slot: unknown) =>
    Array.isArray(slot) ? slot.filter((each) => !isObject(each) || each['node'] !== name) : slot,
  )
  return { ...outputs, main }
}

/** Whether the outputs have no targets left. */
function isEmpty(outputs: unknown): boolean {
  if (!isObject(outputs)) return false
  return Object.values(outputs).every(
    (slots) => Array.isArray(slots) && slots.every((slot) => Array.isArray(slot) && slot.length === 0),
  )
}

function freeName(nodes: N8nNodeBody[]): string {
  const names = new Set(nodes.map(({ name }) => name.toLowerCase()))
  let name = nodeName
  for (let number = 2; names.has(name.toLowerCase()); number += 1) name = `${nodeName} ${number}`
  return name
}
