/** @module The stages of a deployment: planned, applying, verifying, live. Pure. */
import type { Deployment } from '../../deployments/contract.ts'

export interface Stage {
  label: string
  state: 'done' | 'now' | 'failed' | 'ahead' | 'off'
  /** The current step, or why it stopped. */
  note?: string
}

type Action = NonNullable<Deployment['intent']>['action']

const stepLabels: Record<string, string> = {
  connect: 'Connecting to n8n',
  credentials: 'Sending credentials',
  reporter: 'Setting up the error reporter',
  'sub-workflows': 'Resolving sub-workflows',
  'workflow-create': 'Creating the workflow',
  'workflow-update': 'Updating the workflow',
  publish: 'Publishing',
  verify: 'Verifying the triggers',
  unpublish: 'Unpublishing',
  'workflow-delete': 'Deleting the workflow',
  'credential-delete': 'Deleting credentials',
}

export const stepLabel = (step: string | null): string =>
  step ? (stepLabels[step] ?? step) : 'Connecting to n8n'

const same = (label: string) => ({ inProgress: label, done: label })
const planned = same('Planned')
const requested = same('Requested')
const verified = { inProgress: 'Verifying', done: 'Verified' }
const live = same('Live')

/** Labels of each action's stages, in progress and done. */
const stagesByAction: Record<Action, readonly { inProgress: string; done: string }[]> = {
  deploy: [planned, { inProgress: 'Applying', done: 'Applied' }, verified, live],
  activate: [requested, { inProgress: 'Publishing', done: 'Published' }, verified, live],
  deactivate: [requested, { inProgress: 'Unpublishing', done: 'Unpublishing' }, same('Unpublished')],
  undeploy: [requested, { inProgress: 'Removing', done: 'Removed' }, same('Undeployed')],
}

/**
 * Null for a tracked deployment, because Flowkeep never deployed it.
 * @param rolledBackFrom the previous live version, if it is newer than this one
 */
export function stagesOf(
  {
    status,
    step,
    error,
    intent,
    version,
  }: Pick<Deployment, 'status' | 'step' | 'error' | 'intent' | 'version'>,
  rolledBackFrom: number | null,
): Stage[] | null {
  if (status === 'tracking') return null
  const action = intent?.action ?? (status === 'undeployed' ? 'undeploy' : 'deploy')
  const labels = stagesByAction[action]
  const last = labels.length - 1
  if (status === 'active' || status === 'undeployed' || (status === 'inactive' && action !== 'deploy')) {
    const note = rolledBackFrom === null ? undefined : `v${version}, rolled back from v${rolledBackFrom}`
    return labels.map(({ done }, index) => ({
      label: done,
      state: 'done',
      ...(index === last && status === 'active' && note && { note }),
    }))
  }
  if (status === 'inactive') {
    return [
      { label: 'Planned', state: 'done' },
      { label: 'Applied', state: 'done' },
      { label: 'Unpublished', state: 'off', ...(error && { note: error }) },
    ]
  }
  const at = status === 'pending' ? 0 : step === 'verify' ? last - 1 : 1
  return labels.map(({ inProgress: label, done }, index): Stage => {
    if (index < at) return { label: done, state: 'done' }
    if (index > at) return { label, state: 'ahead' }
    if (status === 'failed') return { label, state: 'failed', note: stepLabel(step) }
    return { label, state: 'now', note: status === 'pending' ? 'Waiting to start' : stepLabel(step) }
  })
}

/** The previous live version if it is newer than the current one, which means a rollback; otherwise null. */
export function rolledBackFrom(history: readonly { version: number }[], current: number): number | null {
  const [now, before] = history
  return now?.version === current && before && before.version > current ? before.version : null
}
