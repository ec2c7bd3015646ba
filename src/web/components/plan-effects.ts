/** @module The effects of a plan: one line for each thing it creates, changes, stops or leaves unchanged. Pure. */
import type { Plan } from '../../deployments/plan/contract.ts'
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
            what: 'Error reporter',
            detail: 'A workflow in n8n that reports failures to Flowkeep',
          },
        ]
      : []),
  ]
}

function workflowEffects({ live, version, publish }: Plan, workflow: string, instance: string): Effect[] {
  const published: Effect = publish
    ? {
        kind: 'change',
        what: `v${version} is published`,
        detail: 'The deployment completes once its triggers are active',
      }
    : { kind: 'keep', what: 'Unpublished', detail: 'Its triggers are not active' }
  if (!live) {
    return [
      { kind: 'create', what: workflow, detail: `v${version}, as a new workflow on ${instance}` },
      published,
    ]
  }
  if (live.missing) {
    return [
      { kind: 'create', what: workflow, detail: `Deleted from n8n; v${version} is created again` },
      published,
    ]
  }
  const changed: Effect = live.differs
    ? { kind: 'change', what: workflow, detail: sizeOfDiff(live.diff) || 'Replaces the workflow in n8n' }
    : { kind: 'keep', what: workflow, detail: `n8n already has v${version}` }
  const stops: Effect[] =
    live.version !== version
      ? [
          {
            kind: 'stop',
            what: `v${live.version}`,
            detail: `New runs use v${version}; runs in progress finish on v${live.version}`,
          },
        ]
      : []
  return [changed, ...stops, published]
}

function credentialEffects({ bindings }: Plan): Effect[] {
  return bindings.flatMap(({ displayName, action }): Effect[] => {
    if (action === 'create')
      return [{ kind: 'create', what: displayName, detail: 'Credential, created in n8n' }]
    if (action === 'update')
      return [{ kind: 'change', what: displayName, detail: 'Credential, updated in n8n' }]
    if (action === null) return []
    return [
      {
        kind: 'keep',
        what: displayName,
        detail: action === 'existing' ? 'Credential stored in n8n' : 'Credential, unchanged',
      },
    ]
  })
}

/** Such as "2 nodes changed, 1 node added"; empty if nothing differs. */
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
