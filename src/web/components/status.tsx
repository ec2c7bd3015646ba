/** @module Statuses as a glyph, a label and a color, each sufficient on its own. */
import type { DeploymentStatus } from '../../db/schema/deployments.ts'
import type { ExecutionStatus } from '../../db/schema/executions.ts'

export type Tone = 'ok' | 'fail' | 'run' | 'wait' | 'idle'

/**
 * Shapes are distinguishable without color: circle with check, octagon, arc, triangle, dashed circle, crossed circle.
 */
export function Glyph({ tone, crossed = false }: { tone: Tone; crossed?: boolean }) {
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
      {tone === 'idle' && !crossed && <circle class="stroke dashed" cx="7" cy="7" r="5.8" />}
      {tone === 'idle' && crossed && (
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
  word: string
  crossed?: boolean
}

const executionStyles: Record<ExecutionStatus, StatusStyle> = {
  success: { tone: 'ok', word: 'Succeeded' },
  error: { tone: 'fail', word: 'Failed' },
  crashed: { tone: 'fail', word: 'Crashed' },
  canceled: { tone: 'idle', word: 'Cancelled', crossed: true },
  running: { tone: 'run', word: 'Running' },
  new: { tone: 'idle', word: 'Queued' },
  waiting: { tone: 'wait', word: 'Waiting' },
  unknown: { tone: 'idle', word: 'Unknown' },
}

const deploymentStyles: Record<DeploymentStatus, StatusStyle> = {
  pending: { tone: 'idle', word: 'Planned' },
  deploying: { tone: 'run', word: 'Deploying' },
  tracking: { tone: 'idle', word: 'Tracked' },
  active: { tone: 'ok', word: 'Live' },
  inactive: { tone: 'idle', word: 'Unpublished', crossed: true },
  failed: { tone: 'fail', word: 'Failed' },
  undeployed: { tone: 'idle', word: 'Undeployed', crossed: true },
}

const credentialStyles = {
  valid: { tone: 'ok', word: 'Working' },
  invalid: { tone: 'fail', word: 'Rejected' },
  untested: { tone: 'idle', word: 'Untested' },
} satisfies Record<string, StatusStyle>

const instanceStyles = {
  ok: { tone: 'ok', word: 'Reachable' },
  limited: { tone: 'wait', word: 'Limited' },
  unreachable: { tone: 'fail', word: 'Unreachable' },
  refused: { tone: 'fail', word: 'Key rejected' },
  untested: { tone: 'idle', word: 'Untested' },
} satisfies Record<string, StatusStyle>

export const executionStyle = ({
  status,
  stuck,
}: {
  status: ExecutionStatus
  stuck?: boolean
}): StatusStyle => (stuck ? { tone: 'wait', word: 'Stuck' } : executionStyles[status])
export const deploymentStyle = (status: DeploymentStatus): StatusStyle => deploymentStyles[status]
export const credentialStyle = (status: keyof typeof credentialStyles): StatusStyle =>
  credentialStyles[status]
export const instanceStyle = (status: keyof typeof instanceStyles): StatusStyle => instanceStyles[status]

/** `<Status {...executionStyle(run)} />`, or a page-specific tone and label. */
export function Status({ tone, word, crossed = false }: StatusStyle) {
  return (
    <span class={`status ${tone}`}>
      <Glyph tone={tone} crossed={crossed} />
      {word}
    </span>
  )
}

/** A status in a tinted box, for page headers. */
export function StatusTag({ tone, word, crossed = false }: StatusStyle) {
  return (
    <span class={`tag ${tone}`}>
      <Glyph tone={tone} crossed={crossed} />
      {word}
    </span>
  )
}
