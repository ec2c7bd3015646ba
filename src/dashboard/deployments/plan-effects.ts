/** @module What a plan would do, one line for each thing that is made, changed, stopped or left. Pure. */
import type { Plan } from '../../deployments/plan-contract.ts'
import { plural } from '../format.ts'

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

/** What is in the way, each with what to do. */
export function blockersOf(plan: Plan): { what: string; detail: string; href?: string; label?: string }[] {
  const unbound = plan.bindings.flatMap(({ status, displayName, type }) => {
    if (status === 'bound') return []
    const what = `No credential is chosen for ${displayName}`
    return status === 'missing'
      ? [
          {
            what,
            detail: 'There is none yet.',
            href: `/credentials/new/${encodeURIComponent(type)}`,
            label: 'Create one',
          },
        ]
      : [{ what, detail: 'Choose which one it uses.', href: '#choices', label: 'Choose' }]
  })
  const conflicts = plan.conflicts.map(({ method, path, name, deploymentId }) => ({
    what: `${method} /webhook/${path} is taken`,
    detail: `“${name}” answers there. n8n publishes one workflow for a path.`,
    ...(deploymentId && { href: `/deployments/${deploymentId}`, label: 'See it' }),
  }))
  return [...unbound, ...conflicts]
}
