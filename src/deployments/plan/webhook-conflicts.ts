/** @module Finds webhook paths that a published workflow on the instance already uses: n8n refuses to publish another. */
import type { Connection } from '../../instances/connections.ts'
import { liveNodes } from '../../n8n/api/shapes.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import { webhooksOf } from '../../n8n/reading/webhook-paths.ts'
import { quoted } from '../../workflows/slot-bindings.ts'

/** A page holds ten workflows. */
const maximumPages = 20

export interface WebhookConflict {
  method: string
  path: string
  n8nWorkflowId: string
  name: string
}

export interface ConflictSearch {
  conflicts: WebhookConflict[]
  /** False when the instance has more workflows than were checked. */
  complete: boolean
}

/**
 * @param ownId the n8n ID of the workflow to deploy, if it already exists
 * @throws {N8nError}
 */
export async function findWebhookConflicts(
  client: Connection['client'],
  catalogue: Catalogue,
  nodes: unknown[],
  ownId: string | null,
): Promise<ConflictSearch> {
  const wanted = new Set(servedBy(nodes, catalogue).map(keyOf))
  const conflicts: WebhookConflict[] = []
  let cursor: string | null | undefined
  for (let page = 0; wanted.size > 0 && page < maximumPages && cursor !== null; page += 1) {
    const { items, nextCursor } = await client.listWorkflows({ ...(cursor && { cursor }) })
    for (const workflow of items) {
      const { id, name, active } = workflow
      if (!active || id === ownId) continue
      for (const { method, path } of servedBy(liveNodes(workflow), catalogue)) {
        if (wanted.has(keyOf({ method, path }))) conflicts.push({ method, path, n8nWorkflowId: id, name })
      }
    }
    cursor = nextCursor
  }
  return { conflicts, complete: wanted.size === 0 || cursor === null }
}

export const conflictFindings = ({ conflicts, complete }: ConflictSearch): Finding[] => [
  ...conflicts.map(
    ({ method, path, name }): Finding => ({
      code: 'webhook-path-taken',
      level: 'error',
      pointer: '',
      message:
        `The published workflow ${quoted(name)} already uses the webhook ${method} ${path}. Change the path, or ` +
        'unpublish that workflow',
    }),
  ),
  ...(complete ? [] : [searchIncomplete]),
]

const searchIncomplete: Finding = {
  code: 'webhook-search-incomplete',
  level: 'warning',
  pointer: '',
  message: 'The instance has too many workflows to check all of them for conflicting webhook paths',
}

interface Webhook {
  method: string
  path: string
}

const servedBy = (nodes: unknown[], catalogue: Catalogue): Webhook[] =>
  webhooksOf(nodes, catalogue).flatMap(({ webhooks }) => webhooks)

const keyOf = ({ method, path }: Webhook) => `${method} ${path}`
