/** @module Statuses as a glyph, a label and a color, each sufficient on its own. */
import { type DeploymentListRow } from '../../deployments/list-queries.ts'
import type { DeploymentStatus } from '../../db/schema/deployments.ts'
import type { ExecutionStatus } from '../../db/schema/executions.ts'

export type Tone = 'ok' | 'fail' | 'run' | 'wait' | 'idle'

/**
 * Shapes are distinguishable without color: circle with check, octagon, arc, triangle, dashed circle, crossed circle.
 */
export function Glyph({ tone, struckThrough = false }: { tone: Tone; struckThrough?: boolean }) {
  return (
    <svg class={`glyph ${tone}`} viewBox="0 0 14 14" aria-hidden="true">
      {tone === 'ok' && (
        <>
          <circle class="stroke" cx="7" cy="7" r="6" />
          <path class="stroke" d="M4.3 7.2l1.9 1.9 3.6-4" />
        </>
      )}
      {tone === 'fail' && (
        <>
          <path class="solid" d="M4.2.5h5.6l3.7 3.7v5.6l-3.7 3.7H4.2L.5 9.8V4.2z" />
          <path class="knock" d="M5 5l4 4M9 5L5 9" />
        </>
      )}
      {tone === 'run' && (
        <>
          <circle class="stroke faint" cx="7" cy="7" r="5.8" />
          <path class="stroke thick" d="M7 1.2A5.8 5.8 0 0 1 12.8 7" />
        </>
      )}
      {tone === 'wait' && (
        <>
          <path class="stroke" d="M7 1.3l6 10.9H1z" />
          <path class="stroke" d="M7 5.5v3M7 10.3v.1" />
        </>
      )}
      {tone === 'idle' && !struckThrough && <circle class="stroke dashed" cx="7" cy="7" r="5.8" />}
      {tone === 'idle' && struckThrough && (
        <>
          <circle class="stroke" cx="7" cy="7" r="5.8" />
          <path class="stroke" d="M3 11l8-8" />
        </>
      )}
    </svg>
  )
}

export interface StatusStyle {
  tone: Tone
  label: string
  struckThrough?: boolean
}

const executionStyles: Record<ExecutionStatus, StatusStyle> = {
  success: { tone: 'ok', label: 'Succeeded' },
  error: { tone: 'fail', label: 'Failed' },
  crashed: { tone: 'fail', label: 'Crashed' },
  canceled: { tone: 'idle', label: 'Canceled', struckThrough: true },
  running: { tone: 'run', label: 'Running' },
  new: { tone: 'idle', label: 'Queued' },
  waiting: { tone: 'wait', label: 'Waiting' },
  unknown: { tone: 'idle', label: 'Unknown' },
}

const deploymentStyles: Record<DeploymentStatus, StatusStyle> = {
  pending: { tone: 'idle', label: 'Planned' },
  deploying: { tone: 'run', label: 'Deploying' },
  tracking: { tone: 'idle', label: 'Tracked' },
  active: { tone: 'ok', label: 'Live' },
  inactive: { tone: 'idle', label: 'Unpublished', struckThrough: true },
  failed: { tone: 'fail', label: 'Failed' },
  undeployed: { tone: 'idle', label: 'Undeployed', struckThrough: true },
}

const credentialStyles = {
  valid: { tone: 'ok', label: 'Working' },
  invalid: { tone: 'fail', label: 'Rejected' },
  untested: { tone: 'idle', label: 'Untested' },
} satisfies Record<string, StatusStyle>

const instanceStyles = {
  ok: { tone: 'ok', label: 'Reachable' },
  limited: { tone: 'wait', label: 'Limited' },
  unreachable: { tone: 'fail', label: 'Unreachable' },
  refused: { tone: 'fail', label: 'Key rejected' },
  untested: { tone: 'idle', label: 'Untested' },
} satisfies Record<string, StatusStyle>

export const executionStyle = ({
  status,
  stuck,
}: {
  status: ExecutionStatus
  stuck?: boolean
}): StatusStyle => (stuck ? { tone: 'wait', label: 'Stuck' } : executionStyles[status])
export const deploymentStyle = (status: DeploymentStatus): StatusStyle => deploymentStyles[status]
export const credentialStyle = (status: keyof typeof credentialStyles): StatusStyle =>
  credentialStyles[status]
export const instanceStyle = (status: keyof typeof instanceStyles): StatusStyle => instanceStyles[status]

/** `<Status {...executionStyle(run)} />`, or a page-specific tone and label. */
export function Status({ tone, label, struckThrough = false }: StatusStyle) {
  return (
    <span class={`status ${tone}`}>
      <Glyph tone={tone} struckThrough={struckThrough} />
      {label}
    </span>
  )
}

/** A status in a tinted box, for page headers. */
export function StatusTag({ tone, label, struckThrough = false }: StatusStyle) {
  return (
    <span class={`tag ${tone}`}>
      <Glyph tone={tone} struckThrough={struckThrough} />
      <span class="truncate" title={label}>
        {label}
      </span>
    </span>
  )
}

/** Style of a deployment's state. Failures and drift take precedence over the status. */
export function statusBadge({ state, status }: Pick<DeploymentListRow, 'state' | 'status'>): StatusStyle {
  if (state === 'failing') return { tone: 'fail', label: 'Failing' }
  if (state === 'drifted') return { tone: 'wait', label: 'Drifted' }
  return deploymentStyle(status)
}
