/** @module A deployment's way as stages: planned, applying, verifying, live. Pure. */
import type { Deployment } from '../../deployments/contract.ts'

export interface Stage {
  label: string
  state: 'done' | 'now' | 'failed' | 'ahead' | 'off'
  /** What is done there, or why it stopped. */
  note?: string
}

type Action = NonNullable<Deployment['intent']>['action']

const stepWords: Record<string, string> = {
  connect: 'Connecting to n8n',
  credentials: 'Sending credentials',
  reporter: 'Setting up the error reporter',
  'sub-workflows': 'Finding the workflows that it calls',
  'workflow-create': 'Creating the workflow',
  'workflow-update': 'Sending the workflow',
  publish: 'Publishing',
  verify: 'Waiting for its triggers',
  unpublish: 'Unpublishing',
  'workflow-delete': 'Deleting the workflow',
  'credential-delete': 'Removing credentials',
}

export const wordOfStep = (step: string | null): string =>
  step ? (stepWords[step] ?? step) : 'Connecting to n8n'

const same = (label: string) => ({ going: label, done: label })
const planned = same('Planned')
const asked = same('Asked for')
const verified = { going: 'Verifying', done: 'Verified' }
const live = same('Live')

/** The stages of each action, as they are under way, and as they are behind. */
const ways: Record<Action, readonly { going: string; done: string }[]> = {
  deploy: [planned, { going: 'Applying', done: 'Applied' }, verified, live],
  activate: [asked, { going: 'Publishing', done: 'Published' }, verified, live],
  deactivate: [asked, { going: 'Unpublishing', done: 'Unpublishing' }, same('Unpublished')],
  undeploy: [asked, { going: 'Removing', done: 'Removed' }, same('Gone from n8n')],
}

/**
 * Null for what is only tracked: nothing was ever sent.
 * @param rolledBackFrom the version that was live before, where it is a later one
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
  const labels = ways[action]
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
  return labels.map(({ going: label, done }, index): Stage => {
    if (index < at) return { label: done, state: 'done' }
    if (index > at) return { label, state: 'ahead' }
    if (status === 'failed') return { label, state: 'failed', note: wordOfStep(step) }
    return { label, state: 'now', note: status === 'pending' ? 'Waits to begin' : wordOfStep(step) }
  })
}

/** The version that was live before the current one, where that was a later one: it was rolled back. */
export function rolledBackFrom(history: readonly { version: number }[], current: number): number | null {
  const [now, before] = history
  return now?.version === current && before && before.version > current ? before.version : null
}
