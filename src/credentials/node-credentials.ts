/** @module Which credentials a node used in a run: those bound to its own slots, never a neighbour's. */
import { type SQL, sql } from 'drizzle-orm'
import type { SlotBinding } from '../db/schema/deployments.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { describeNode, requiredCredentials } from '../n8n/required-credentials.ts'

/** @param node as its version has it, or the part of it that decides which credentials it needs */
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

/** What filled the slots while a version was live; the deployment's own where that was not recorded. `d`: its row. */
export const bindingsOfVersion = (version: SQL | number): SQL<SlotBinding[]> => sql<SlotBinding[]>`coalesce((
  select h.bindings from deployment_versions h
  where h.user_id = d.user_id and h.deployment_id = d.id and h.version = ${version}
  order by h.sequence desc limit 1
), d.bindings)`
