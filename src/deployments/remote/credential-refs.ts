/** @module The ID and name of the n8n credential of each slot, as nodes in n8n reference it. Pure. */
import type { SlotBinding } from '../../db/schema/deployments.ts'

export interface N8nCredentialRef {
  id: string
  name: string
}

/** Node name → credential type → the credential in n8n. */
export type CredentialRefs = ReadonlyMap<string, ReadonlyMap<string, N8nCredentialRef>>

/** @param refOf returns undefined to leave the slot empty */
export function slotRefs<B extends Pick<SlotBinding, 'node' | 'type'>>(
  bindings: Iterable<B>,
  refOf: (binding: B) => N8nCredentialRef | undefined,
): CredentialRefs {
  const refs = new Map<string, Map<string, N8nCredentialRef>>()
  for (const binding of bindings) {
    const ref = refOf(binding)
    if (!ref) continue
    const { node, type } = binding
    refs.set(node, (refs.get(node) ?? new Map<string, N8nCredentialRef>()).set(type, ref))
  }
  return refs
}
