/** @module Which credential stands for each type that a workflow requires, and how it is. Pure. */
import type { Readiness } from '../../workflows/contract.ts'
import { addMark, type NodeMark } from './graph-marks.ts'
import { newCredentialHref } from './links.ts'
import type { CredentialState, DeployedPlace } from './read-workflow.ts'

export interface NeededCredential {
  type: string
  displayName: string
  nodes: string[]
  optional: boolean
  /** `remote`: one that is in n8n and is not kept here. */
  state: 'missing' | 'invalid' | 'untested' | 'valid' | 'remote'
  /** Bound by the deployment, or the one that would be taken. */
  credential: CredentialState | null
  bound: boolean
  /** Others of the type. */
  others: number
}

const order = ['missing', 'invalid', 'untested', 'remote', 'valid']

/** @param place the deployment whose bindings count; problems come first */
export function neededCredentials(
  { requirements }: Pick<Readiness, 'requirements'>,
  states: readonly CredentialState[],
  place: DeployedPlace | undefined,
): NeededCredential[] {
  const needed = requirements.map(({ type, displayName, nodes, optional }): NeededCredential => {
    const own = states.filter((each) => each.type === type)
    const binding = place?.bindings[type]
    const bound = typeof binding === 'string' ? own.find(({ id }) => id === binding) : undefined
    const credential = bound ?? own[0] ?? null
    const isRemote = typeof binding === 'object'
    return {
      ...{ type, displayName, nodes, optional },
      state: isRemote ? 'remote' : (credential?.status ?? 'missing'),
      credential: isRemote ? null : credential,
      bound: isRemote || bound !== undefined,
      others: Math.max(0, own.length - 1),
    }
  })
  return needed.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

export const isProblem = ({ state }: NeededCredential): boolean => state === 'missing' || state === 'invalid'

/** On the nodes that need what is missing or rejected. */
export function markCredentials(marks: Map<string, NodeMark[]>, needed: readonly NeededCredential[]): void {
  for (const each of needed) {
    if (!isProblem(each)) continue
    const { displayName, credential, type } = each
    for (const node of each.nodes) {
      addMark(marks, node, {
        kind: 'credential',
        note: credential ? `${credential.name} was rejected` : `No ${displayName} credential`,
        href: credential ? `/credentials/${credential.id}` : newCredentialHref(type),
      })
    }
  }
}
