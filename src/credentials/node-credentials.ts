/** @module The credentials a node used in a run: the ones bound to its own slots. */
import { type SQL, sql } from 'drizzle-orm'
import type { SlotBinding } from '../db/schema/deployments.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { describeNode, requiredCredentials } from '../n8n/catalogue/required-credentials.ts'

/** @param node the node of that version, or the part of it that decides which credentials it needs */
export function credentialsOf(
  name: string,
  node: Record<string, unknown>,
  bindings: readonly SlotBinding[],
  catalogue: Catalogue,
): SlotBinding[] {
  const { required, unresolved } = requiredCredentials(node, describeNode(catalogue, node))
  return bindings.filter(
    (binding) => binding.node === name && (unresolved.length > 0 || required.has(binding.type)),
  )
}

/**
 * The bindings of a version while it was live, or the deployment's current ones when none were recorded.
 * `d` is the deployment's row.
 */
export const bindingsOfVersion = (version: SQL | number): SQL<SlotBinding[]> => sql<SlotBinding[]>`coalesce((
  select h.bindings from deployment_versions h
  where h.user_id = d.user_id and h.deployment_id = d.id and h.version = ${version}
  order by h.sequence desc limit 1
), d.bindings)`
