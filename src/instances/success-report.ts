/**
 * @module Lets a workflow tell of its successful runs, by one node added to what is sent to n8n. Pure.
 *
 * The node hangs on the trigger, below all that the trigger starts: n8n's execution order v1 comes to it last, after a
 * run that has not failed, and no node of the owner's gets other data than before. It is a hint that makes results
 * quick; polling tells what is true. Where it would change what a caller gets, it is left out and polling alone tells.
 */
import { isObject } from '../n8n/structure-repairs.ts'
import type { N8nNodeBody, N8nWorkflowBody } from '../n8n/sendable-workflow.ts'
import type { JsonObject } from '../n8n/workflow-json.ts'
import { postNode, type Receiver } from './reporter-workflow.ts'

const nodeId = 'flowkeep-success-report'
const nodeName = 'Flowkeep: report success'
const report =
  "={{ JSON.stringify({ executionId: $execution.id, workflowId: $workflow.id, status: 'success' }) }}"

/** Triggers whose caller gets what the last node gives, whatever their parameters say. */
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
  /** Names of the triggers whose runs are told of; those of the others are polled for. */
  triggers: string[]
}

/** @param isTrigger whether a node type starts runs */
export function withSuccessReport(
  workflow: N8nWorkflowBody,
  receiver: Receiver,
  isTrigger: (type: string) => boolean,
): SuccessReport {
  const body = withoutSuccessReport(workflow)
  // In the older order the node would run before the run is over.
  if (body.settings['executionOrder'] !== 'v1') return { body, triggers: [] }
  const triggers = body.nodes.filter((node) => isTrigger(node.type) && canTell(node)).map(({ name }) => name)
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

/** The workflow as its owner has it; the same one where there is no such node. */
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

function canTell({ type, disabled, parameters }: N8nNodeBody): boolean {
  if (disabled === true || noProduction.has(type) || answersByLastNode.has(type)) return false
  const { responseMode } = parameters
  if (type.endsWith('.webhook')) {
    return responseMode === undefined || responseMode === 'onReceived' || responseMode === 'responseNode'
  }
  return responseMode === undefined
}

/** On every output of the trigger: only those that give data run it. */
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

/** Was made for the node alone. */
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
