/** @module The community node types that are installed on an n8n server. */
import type { Connection } from '../../instances/connections.ts'
import type { N8nWorkflow } from '../../n8n/api/shapes.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { type InstalledTypes, isCommunityType } from '../../check/node-types.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'

/**
 * The types of the community packages that n8n lists, plus the types of the published workflow.
 * @throws {N8nError}
 */
export async function installedTypes(
  client: Connection['client'],
  workflow: JsonObject,
  catalogue: Catalogue,
  remote: N8nWorkflow | null,
): Promise<InstalledTypes> {
  const published = remote && isAsPublished(remote) ? remote.nodes : []
  const types = new Set(published.flatMap(({ type }) => (typeof type === 'string' ? [type] : [])))
  if (!hasCommunityNodes(workflow, catalogue)) return { types, isComplete: false }
  const packages = await communityPackages(client)
  for (const { installedNodes, failedLoading } of packages ?? []) {
    if (failedLoading !== true) for (const { type } of installedNodes) types.add(type)
  }
  return { types, isComplete: packages !== null }
}

function hasCommunityNodes({ nodes }: JsonObject, catalogue: Catalogue): boolean {
  return (
    Array.isArray(nodes) &&
    nodes.some(
      (node) =>
        isObject(node) &&
        typeof node.type === 'string' &&
        !catalogue.nodeType(node.type) &&
        isCommunityType(node.type),
    )
  )
}

/** A draft may contain types that n8n refused to publish. */
const isAsPublished = ({ active, activeVersionId, versionId }: N8nWorkflow): boolean =>
  active && activeVersionId !== null && activeVersionId === versionId

/** Null when n8n does not list them: 1.x, an API key without the scope, or a server without the module. */
async function communityPackages(client: Connection['client']) {
  try {
    return await client.listCommunityPackages()
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    const isUnsupported =
      ['forbidden', 'not-found', 'rejected', 'not-n8n'].includes(error.kind) || error.status === 500
    if (isUnsupported) return null
    throw error
  }
}
