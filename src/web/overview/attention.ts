/** @module The problems that need attention: the worst first, each with its cause and one next step. */
import type { StuckRuns, WorkflowIncidents } from '../../overview/queries.ts'
import type { AttentionItem } from '../components/card.tsx'
import { count, plural, type TimeFormat } from '../format.ts'

export interface FailingDeployment {
  id: string
  workflowName: string
  version: number
  since: string
  succeeded: number
  failed: number
  runError: string | null
}

export interface FailedDeployment {
  id: string
  workflowName: string
  instanceName: string
  version: number
  since: string
  error: string | null
}

export interface DriftedDeployment {
  id: string
  workflowName: string
  instanceName: string
  version: number
  driftedSince: string | null
}

export interface RejectedCredential {
  id: string
  name: string
  lastValidatedAt: string | null
  validationError: string | null
  /** Number of deployed workflows that use it; null if unknown. */
  workflows: number | null
  /** Recent runs that it caused to fail. */
  authenticationFailures: number
}

export interface SilentInstance {
  id: string
  name: string
  status: 'unreachable' | 'refused'
  statusDetail: string | null
  lastPolledAt: string | null
}

export interface Troubles {
  /** Number of pending approvals. */
  approvals: number
  failing: FailingDeployment[]
  failed: FailedDeployment[]
  rejected: RejectedCredential[]
  silent: SilentInstance[]
  drifted: DriftedDeployment[]
  incidents: WorkflowIncidents[]
  stuck: StuckRuns
  /** Credential types without a credential, and the workflows that need one. */
  missingTypes: { displayName: string; workflows: number }[]
}

/** Current failures come before potential ones. */
export function attentionOf(troubles: Troubles, time: TimeFormat): AttentionItem[] {
  const failing = troubles.failing
    .toSorted((a, b) => b.failed - a.failed)
    .map((each) => failingItem(each, time))
  return [
    ...(troubles.approvals > 0 ? [approvalItem(troubles.approvals)] : []),
    ...failing,
    ...troubles.incidents.map((each) => incidentItem(each, time)),
    ...troubles.rejected
      .toSorted(
        (a, b) =>
          b.authenticationFailures - a.authenticationFailures || (b.workflows ?? 0) - (a.workflows ?? 0),
      )
      .map((each) => rejectedItem(each, time)),
    ...troubles.silent.map((each) => silentItem(each, time)),
    ...(troubles.stuck.count > 0 ? [stuckItem(troubles.stuck, time)] : []),
    ...troubles.failed.map(failedItem),
    ...troubles.drifted.map((each) => driftedItem(each, time)),
    ...troubles.missingTypes.map(missingItem),
  ]
}

const approvalItem = (approvals: number): AttentionItem => ({
  tone: 'wait',
  what: `${plural(approvals, 'approval is', 'approvals are')} pending.`,
  detail: 'An access token asks to do something that its scopes do not allow.',
  action: { href: '/approvals', label: 'Review' },
})

const failingItem = (
  { id, workflowName, version, since, succeeded, failed, runError }: FailingDeployment,
  time: TimeFormat,
): AttentionItem => ({
  tone: 'fail',
  what: `${workflowName} v${version} failed in ${count(failed)} of ${plural(succeeded + failed, 'run')}`,
  detail: `in the last 24 hours; live since ${time.inSentence(since)}.${runError ? ` Latest: ${short(runError)}` : ''}`,
  action:
    version > 1
      ? { href: `/deployments/${id}#history`, label: 'Review rollback' }
      : { href: `/deployments/${id}`, label: 'View deployment' },
})

const rejectedItem = (
  { id, name, lastValidatedAt, validationError, workflows }: RejectedCredential,
  time: TimeFormat,
): AttentionItem => ({
  tone: 'fail',
  what: `The credential “${name}” was rejected`,
  detail:
    `${lastValidatedAt ? time.afterVerb(lastValidatedAt) : ''}. ${usersText(workflows)}${validationError ? ` ${short(validationError)}` : ''}`.replace(
      /^\. /,
      '',
    ),
  action: { href: `/credentials/${id}`, label: 'Fix credential' },
})

const usersText = (workflows: number | null): string => {
  if (workflows === null) return 'The number of workflows that use it is unknown.'
  if (workflows === 0) return 'No deployed workflow uses it.'
  return `${plural(workflows, 'deployed workflow uses', 'deployed workflows use')} it.`
}

const silentItem = (
  { id, name, status, statusDetail, lastPolledAt }: SilentInstance,
  time: TimeFormat,
): AttentionItem => ({
  tone: status === 'refused' ? 'fail' : 'wait',
  what: status === 'refused' ? `${name} rejected the API key.` : `${name} is unreachable.`,
  detail: `${lastPolledAt ? `Last polled ${time.afterVerb(lastPolledAt)}.` : 'Not polled yet.'}${
    statusDetail ? ` ${short(statusDetail)}` : ''
  }`,
  action: { href: `/instances/${id}`, label: 'View instance' },
})

const incidentItem = (
  { workflowId, workflowName, count: incidents, source, message, latestAt }: WorkflowIncidents,
  time: TimeFormat,
): AttentionItem => ({
  tone: 'fail',
  what: `${workflowName}: ${source === 'trigger' ? 'Trigger cannot start.' : 'Failed without a run.'}`,
  detail: `${plural(incidents, 'failure')}, the latest ${time.afterVerb(latestAt)}: ${short(message)}`,
  action: { href: `/workflows/${workflowId}#incidents`, label: 'View workflow' },
})

const stuckItem = ({ count: runs, since, workflowName }: StuckRuns, time: TimeFormat): AttentionItem => {
  const [subject, oldest] =
    runs === 1
      ? [workflowName ? `The run of ${workflowName} exceeds` : 'It exceeds', 'It']
      : ['They exceed', `The oldest${workflowName ? `, ${workflowName},` : ''}`]
  return {
    tone: 'wait',
    what: `${plural(runs, 'run is', 'runs are')} stuck.`,
    detail: `${subject} the workflow's timeout or 24 hours.${since ? ` ${oldest} started ${time.afterVerb(since)}.` : ''}`,
    action: { href: '/executions?status=stuck', label: 'View runs' },
  }
}

const failedItem = ({ id, workflowName, instanceName, version, error }: FailedDeployment): AttentionItem => ({
  tone: 'fail',
  what: `Deploying ${workflowName} v${version} to ${instanceName} failed.`,
  detail: error ? short(error) : undefined,
  action: { href: `/deployments/${id}`, label: 'Retry or roll back' },
})

const driftedItem = (
  { id, workflowName, instanceName, version, driftedSince }: DriftedDeployment,
  time: TimeFormat,
): AttentionItem => ({
  tone: 'wait',
  what: `${workflowName} drifted on ${instanceName}.`,
  detail: `n8n no longer runs v${version}${driftedSince ? `. Detected ${time.afterVerb(driftedSince)}` : ''}.`,
  action: { href: `/deployments/${id}/drift`, label: 'Compare' },
})

const missingItem = ({ displayName, workflows }: Troubles['missingTypes'][number]): AttentionItem => ({
  tone: 'wait',
  what: `No ${displayName} credential yet.`,
  detail: `${plural(workflows, 'workflow needs', 'workflows need')} one.`,
  action: { href: '/credentials', label: 'Add credential' },
})

const maxChars = 140
const short = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > maxChars ? `${line.slice(0, maxChars - 1).toWellFormed()}…` : line
}
