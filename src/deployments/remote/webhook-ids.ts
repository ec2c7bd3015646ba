/**
 * @module Assigns webhook IDs to nodes without one. Otherwise n8n generates a new ID, and therefore a new URL, each time it
 * receives such a node. n8n preserves an ID that is sent.
 */
import type { JsonObject } from '../../lib/json-object.ts'
import { v5 as uuidv5 } from 'uuid'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { N8nNodeBody } from '../../n8n/sendable/workflow.ts'
import { hasWebhooks } from '../../n8n/reading/webhook-paths.ts'

/**
 * A workflow that Flowkeep creates is unique on the instance: its URLs are known before the deploy and stay the same after
 * an undeploy. Several existing workflows may be tracked as the same workflow, so those use the deployment's ID.
 */
export const webhookScopeOf = (
  { workflowId, instanceId }: { workflowId: string; instanceId: string },
  deployed: { id: string; managed: boolean } | null,
): string => (deployed && !deployed.managed ? deployed.id : uuidv5(workflowId, instanceId))

/** Mutates the nodes. A node without an ID gets its ID in n8n, or else one derived from the scope. */
export function giveWebhookIds(
  nodes: readonly N8nNodeBody[],
  live: readonly JsonObject[],
  { catalogue, webhookScope }: { catalogue: Catalogue; webhookScope: string | undefined },
): void {
  const known = live.filter(({ webhookId }) => typeof webhookId === 'string' && webhookId !== '')
  const byName = new Map(known.map((node) => [`${String(node.type)} ${String(node.name)}`, node]))
  const byId = new Map(known.map((node) => [`${String(node.type)} ${String(node.id)}`, node]))
  const taken = new Set<unknown>(nodes.map(({ webhookId }) => webhookId))
  const give = (node: N8nNodeBody, webhookId: unknown) => {
    if (webhookId === undefined || taken.has(webhookId)) return
    node.webhookId = webhookId
    taken.add(webhookId)
  }
  const open = nodes.filter(({ webhookId }) => webhookId === undefined)
  for (const node of open) give(node, byName.get(`${node.type} ${node.name}`)?.webhookId)
  const isOpen = ({ webhookId }: N8nNodeBody) => webhookId === undefined
  // Renamed nodes.
  for (const node of open.filter(isOpen)) give(node, byId.get(`${node.type} ${node.id}`)?.webhookId)
  if (webhookScope === undefined) return
  for (const node of open.filter(isOpen)) {
    if (!hasWebhooks(node, catalogue)) continue
    for (let salt = ''; isOpen(node); salt += ' ') give(node, uuidv5(node.id + salt, webhookScope))
  }
}
