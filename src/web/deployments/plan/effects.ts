/** @module What a plan would do, one line for each thing that is made, changed, stopped or left. Pure. */
import type { Plan, PlannedSlot } from '../../../deployments/plan-contract.ts'
import { plural } from '../../format.ts'

export interface Effect {
  kind: 'create' | 'change' | 'stop' | 'keep'
  what: string
  detail?: string
}

export interface EffectNames {
  workflow: string
  instance: string
}

type Diff = NonNullable<NonNullable<Plan['live']>['diff']>

export function effectsOf(plan: Plan, { workflow, instance }: EffectNames): Effect[] {
  return [
    ...workflowEffects(plan, workflow, instance),
    ...credentialEffects(plan),
    ...(plan.forcedSettings.errorWorkflow === null
      ? [
          {
            kind: 'create' as const,
            what: 'The error reporter',
            detail: 'A workflow of ours in n8n that reports failures here',
          },
        ]
      : []),
  ]
}

function workflowEffects({ live, version, publish }: Plan, workflow: string, instance: string): Effect[] {
  const published: Effect = publish
    ? { kind: 'change', what: `v${version} is published`, detail: 'Done when its triggers run' }
    : { kind: 'keep', what: 'It is left unpublished', detail: 'Its triggers do not run' }
  if (!live) {
    return [
      { kind: 'create', what: workflow, detail: `v${version}, as a new workflow on ${instance}` },
      published,
    ]
  }
  if (live.missing) {
    return [
      { kind: 'create', what: workflow, detail: `n8n does not have it any more: v${version} is made again` },
      published,
    ]
  }
  const changed: Effect = live.differs
    ? { kind: 'change', what: workflow, detail: sizeOfDiff(live.diff) || 'What n8n has is replaced' }
    : { kind: 'keep', what: workflow, detail: `n8n has v${version} already, nothing differs` }
  const stops: Effect[] =
    live.version !== version
      ? [
          {
            kind: 'stop',
            what: `v${live.version}`,
            detail: 'New runs use the other version; runs under way end on it',
          },
        ]
      : []
  return [changed, ...stops, published]
}

function credentialEffects({ bindings }: Plan): Effect[] {
  return bindings.flatMap(({ displayName, action }): Effect[] => {
    if (action === 'create') return [{ kind: 'create', what: displayName, detail: 'Credential, sent to n8n' }]
    if (action === 'update') return [{ kind: 'change', what: displayName, detail: 'Credential, sent again' }]
    if (action === null) return []
    return [
      {
        kind: 'keep',
        what: displayName,
        detail: action === 'existing' ? 'Credential of n8n’s own' : 'Credential, unchanged',
      },
    ]
  })
}

/** 2 nodes changed, 1 added; empty where nothing differs. */
export function sizeOfDiff(diff: Diff | null): string {
  if (!diff) return ''
  const wires = diff.connections.added.length + diff.connections.removed.length
  return [
    diff.changed.length > 0 && `${plural(diff.changed.length, 'node')} changed`,
    diff.added.length > 0 && `${plural(diff.added.length, 'node')} added`,
    diff.removed.length > 0 && `${plural(diff.removed.length, 'node')} removed`,
    wires > 0 && `${plural(wires, 'connection')} changed`,
    diff.settings.length > 0 && `${plural(diff.settings.length, 'setting')} changed`,
    diff.name !== null && 'renamed',
  ]
    .filter(Boolean)
    .join(', ')
}

export interface Blocker {
  what: string
  detail: string
  href?: string
  label?: string
}

/** What is in the way, each with what to do. */
export const blockersOf = (plan: Plan): Blocker[] =>
  plan.problems.filter(({ level }) => level === 'error').map((problem) => blockerOf(plan, problem))

function blockerOf(plan: Plan, { code, node, message }: Plan['problems'][number]): Blocker {
  const slot = plan.slots.find((each) => each.node === node && !isFilled(each))
  if (slot && isOfSlot(code)) {
    const detail = slotProblem(slot, code)
    if (slot.candidates.length === 0 && slot.status === 'missing') {
      const href = `/credentials/new/${encodeURIComponent(slot.type)}`
      return { what: `No credential for ${node}`, detail, href, label: 'Create one' }
    }
    return { what: `No credential is chosen for ${node}`, detail, href: '#choices', label: 'Choose' }
  }
  if (code === 'webhook-path-taken') {
    const deploymentId = plan.conflicts.find((each) => each.deploymentId)?.deploymentId
    const link = deploymentId && { href: `/deployments/${deploymentId}`, label: 'See it' }
    return { what: 'A webhook path is taken', detail: message, ...link }
  }
  return { what: node === undefined ? 'n8n would refuse it' : `${node} stops it`, detail: message }
}

export const isFilled = ({ status }: PlannedSlot): boolean => status === 'bound' || status === 'n8n'

export const isOfSlot = (code: string): boolean => code.includes('credential')

/** Why a slot is not filled, as the page says it beside the field that fills it. */
export function slotProblem(
  { status, named, candidates, displayName, consentUrl }: PlannedSlot,
  code: string | undefined,
): string {
  if (code === 'credential-new-host') {
    return 'It would go to another host than before: choose it to send it there.'
  }
  if (code === 'credential-rejected') return 'Its service rejected it: update it, or choose it all the same.'
  if (code === 'n8n-credential-missing') return 'n8n does not have it any more: choose another one.'
  if (status === 'needs-consent') {
    return consentUrl === undefined
      ? `Nobody has signed in for it yet: deploy to put it into n8n and sign in there, or choose one of n8n.`
      : `Nobody has signed in for it yet: sign in at ${consentUrl}.`
  }
  if (status === 'ambiguous') {
    return candidates.length > 1
      ? `There are ${candidates.length}: choose one.`
      : 'Choose it to send it there.'
  }
  if (named?.name) {
    return `You have no credential named “${named.name}”${candidates.length > 0 ? ': choose one.' : '.'}`
  }
  return `There is no credential for ${displayName}.`
}

/** What is to be known, and stops nothing. */
export const warningsOf = (plan: Plan): string[] =>
  plan.problems.flatMap(({ level, message, node }) => {
    if (level === 'error') return []
    return [node === undefined || message.includes(node) ? message : `${node}: ${message}`]
  })
