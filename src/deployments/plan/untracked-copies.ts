/** @module A published workflow on the instance that looks like the one to be deployed, and that Flowkeep does not track. */
import type { Connection } from '../../instances/connections.ts'
import { liveNodes } from '../../n8n/api/shapes.ts'
import { isN8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import type { N8nWorkflowBody } from '../../n8n/sendable/workflow.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { quoted } from '../../workflows/slot-bindings.ts'
import { isStarter } from '../remote/body.ts'

/**
 * Looks at the first page of the workflows of its name.
 * @param tracked deployments on the instance by n8n's ID of their workflow
 * @throws {N8nError}
 */
export async function findUntrackedCopies(
  { client, instance }: Connection,
  catalogue: Catalogue,
  { name, nodes }: Pick<N8nWorkflowBody, 'name' | 'nodes'>,
  tracked: ReadonlyMap<string, string>,
): Promise<Finding[]> {
  const wanted = new Set(triggersOf(nodes, catalogue))
  if (wanted.size === 0) return []
  const found = await client.listWorkflows({ name }).catch((error: unknown) => {
    if (isN8nError(error, 'forbidden')) return { items: [] }
    throw error
  })
  return found.items.flatMap((workflow): Finding[] =>
    workflow.active &&
    workflow.name === name &&
    !tracked.has(workflow.id) &&
    triggersOf(liveNodes(workflow), catalogue).some((trigger) => wanted.has(trigger))
      ? [
          {
            code: 'untracked-copy',
            level: 'warning',
            pointer: '',
            message:
              `n8n already runs a workflow named ${quoted(name)} with the same trigger, which Flowkeep does not track. After ` +
              'this deployment, both run. To manage the existing one, import it with ' +
              `POST /v1/instances/${instance.id}/workflows/${workflow.id}/import and deploy that; or unpublish it in n8n`,
          },
        ]
      : [],
  )
}

/** What starts it, and when or where. */
const triggersOf = (nodes: readonly Record<string, unknown>[], catalogue: Catalogue): string[] =>
  nodes.flatMap(({ type, disabled, parameters }) =>
    disabled !== true && typeof type === 'string' && isStarter(type, catalogue)
      ? [canonicalJson([type, parameters ?? {}])]
      : [],
  )
