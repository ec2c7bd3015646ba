/** @module Matches the slots of a workflow with credentials and their health. Pure. */
import { slotKey } from '../../../n8n/reading/slots.ts'
import type { SlotReadiness } from '../../../workflows/readiness-contract.ts'
import { isSameName } from '../../../workflows/slot-bindings.ts'
import { addMark, type NodeMark } from '../graph/marks.ts'
import { newCredentialHref } from '../../links/setup.ts'
import type { CredentialState, DeployedPlace } from '../../../workflows/detail-queries.ts'

export interface NeededCredential {
  type: string
  displayName: string
  /** The name in the workflow's JSON. */
  named: string | null
  /** The nodes that share it. */
  nodes: string[]
  optional: boolean
  /** `open`: the user chooses one when deploying. `remote`: the credential exists in n8n only. */
  state: 'missing' | 'invalid' | 'open' | 'untested' | 'valid' | 'remote'
  /** The bound credential, or else the one that a deployment would bind. */
  credential: CredentialState | null
  bound: boolean
  /** How many other credentials of the type exist. */
  others: number
}

const order = ['missing', 'invalid', 'open', 'untested', 'remote', 'valid']

/**
 * One entry for each credential and the slots that it fills, problems first.
 * @param place the deployment whose bindings apply
 */
export function neededCredentials(
  { slots, requirements }: Pick<SlotReadiness, 'slots' | 'requirements'>,
  states: readonly CredentialState[],
  place: DeployedPlace | undefined,
): NeededCredential[] {
  const optional = new Set(requirements.flatMap((each) => (each.optional ? [each.type] : [])))
  const bindings = new Map(place?.bindings.map((each) => [slotKey(each.node, each.type), each]))
  const needed = new Map<string, NeededCredential>()
  for (const { node, type, displayName, named, credential: suggested, candidates } of slots) {
    const binding = bindings.get(slotKey(node, type))
    const isRemote = binding !== undefined && 'n8nCredentialId' in binding
    const boundCredential =
      binding && 'credentialId' in binding ? states.find(({ id }) => id === binding.credentialId) : undefined
    const allRejected = candidates.every(({ status }) => status === 'invalid')
    const rejected = candidates.find(
      ({ name, status }) =>
        status === 'invalid' && (allRejected || (named?.name != null && isSameName(name, named.name))),
    )
    const id = suggested?.id ?? rejected?.id
    const credential = isRemote ? null : (boundCredential ?? states.find((each) => each.id === id) ?? null)
    const unfilled = candidates.length > 0 ? 'open' : 'missing'
    const state = isRemote ? 'remote' : (credential?.status ?? unfilled)
    const bound = isRemote || boundCredential !== undefined
    const key = JSON.stringify([type, state, credential?.id, bound])
    const same = needed.get(key)
    if (same) same.nodes.push(node)
    else {
      const others = candidates.filter(({ id }) => id !== credential?.id).length
      needed.set(key, {
        type,
        displayName,
        named: named?.name ?? null,
        nodes: [node],
        optional: optional.has(type),
        state,
        credential,
        bound,
        others,
      })
    }
  }
  return [...needed.values()].toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

export const isProblem = ({ state }: NeededCredential): boolean => state === 'missing' || state === 'invalid'

/**
 * Marks the nodes whose credential is missing or rejected.
 * @param back where to return after adding a credential
 */
export function markCredentials(
  marks: Map<string, NodeMark[]>,
  needed: readonly NeededCredential[],
  back: string,
): void {
  for (const each of needed) {
    if (!isProblem(each)) continue
    const { displayName, credential, type } = each
    for (const node of each.nodes) {
      addMark(marks, node, {
        kind: 'credential',
        note: credential ? `${credential.name} was rejected` : `No ${displayName} credential`,
        href: credential ? `/credentials/${credential.id}` : newCredentialHref(type, back),
      })
    }
  }
}
