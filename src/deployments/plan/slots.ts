/** @module The slots of a plan, and their summary by credential type. Pure. */
import { toSlot } from '../../workflows/requirements.ts'
import type { ResolvedSlot, SlotStatus } from '../../workflows/slot-bindings.ts'
import type { N8nCredentialRef } from '../remote/credential-refs.ts'
import type { PlannedBinding, PlannedSlot } from './contract.ts'
import type { Settled } from './settled-slots.ts'

type Action = NonNullable<PlannedBinding['action']>

/** A credential with its current or future ID in n8n. */
export interface PlannedCredential {
  ref: N8nCredentialRef
  action: Action
  /** It was sent to n8n but deleted there. */
  isLost?: boolean
}

export function plannedSlot(slot: ResolvedSlot, planned: PlannedCredential | undefined): PlannedSlot {
  const described = toSlot(slot)
  const { credential } = described
  if (!credential || !planned) return described
  return { ...described, credential: { ...credential, n8nCredentialId: planned.ref.id } }
}

/** Worst first. */
const byGravity: readonly SlotStatus[] = ['missing', 'ambiguous', 'needs-consent', 'n8n', 'bound']
const byEffort: readonly Action[] = ['create', 'update', 'existing', 'unchanged']

/**
 * Groups the slots by type, sorted by type.
 * @param actionOf what happens to a slot's credential in n8n
 * @param listed the credentials of these types in n8n; null when they were not or cannot be listed
 */
export function summarize(
  slots: readonly PlannedSlot[],
  actionOf: (slot: PlannedSlot) => Action | undefined,
  listed: Settled['listed'],
): PlannedBinding[] {
  const byType = [...Map.groupBy(slots, ({ type }) => type)].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return byType.map(([type, ofType]): PlannedBinding => {
    const status =
      worst(
        byGravity,
        ofType.map((slot) => slot.status),
      ) ?? 'missing'
    const isFilled = status === 'bound' || status === 'n8n'
    const actions = ofType.flatMap((slot) => actionOf(slot) ?? [])
    return {
      type,
      displayName: ofType[0]?.displayName ?? type,
      nodes: ofType.map(({ node }) => node).toSorted(),
      status,
      credentialId: isFilled ? same(ofType.map(({ credential }) => credential?.id)) : null,
      n8nCredentialId: same(ofType.map(({ credential }) => credential?.n8nCredentialId)),
      action: isFilled ? (worst(byEffort, actions) ?? null) : null,
      candidates: ofType[0]?.candidates ?? [],
      n8nCandidates: listed?.types.has(type)
        ? listed.credentials.flatMap(({ id, name, type: each }) => (each === type ? [{ id, name }] : []))
        : null,
    }
  })
}

const worst = <T>(order: readonly T[], values: readonly T[]): T | undefined =>
  order.find((value) => values.includes(value))

/** The common value; null when the values differ or one is unknown. */
function same(values: (string | undefined)[]): string | null {
  const [first] = values
  return first !== undefined && values.every((value) => value === first) ? first : null
}
