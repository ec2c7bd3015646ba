/** @module States as a glyph, a word and a colour, so that none of the three is needed alone. */
import type { DeploymentStatus } from '../../db/schema/deployments.ts'
import type { ExecutionStatus } from '../../db/schema/executions.ts'

export type Tone = 'ok' | 'fail' | 'run' | 'wait' | 'idle'

/** The shapes differ without their colours: circle with check, octagon, arc, triangle, dashed circle; a bar is hatched. */
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

export interface Look {
  tone: Tone
  word: string
  crossed?: boolean
}

const executionLooks: Record<ExecutionStatus, Look> = {
  success: { tone: 'ok', word: 'Succeeded' },
  error: { tone: 'fail', word: 'Failed' },
  crashed: { tone: 'fail', word: 'Crashed' },
  canceled: { tone: 'idle', word: 'Cancelled', crossed: true },
  running: { tone: 'run', word: 'Running' },
  new: { tone: 'idle', word: 'Queued' },
  waiting: { tone: 'wait', word: 'Waiting' },
  unknown: { tone: 'idle', word: 'Unknown' },
}

const deploymentLooks: Record<DeploymentStatus, Look> = {
  pending: { tone: 'idle', word: 'Planned' },
  deploying: { tone: 'run', word: 'Deploying' },
  tracking: { tone: 'idle', word: 'Tracked' },
  active: { tone: 'ok', word: 'Live' },
  inactive: { tone: 'idle', word: 'Unpublished', crossed: true },
  failed: { tone: 'fail', word: 'Failed' },
  undeployed: { tone: 'idle', word: 'Undeployed', crossed: true },
}

const credentialLooks = {
  valid: { tone: 'ok', word: 'Healthy' },
  invalid: { tone: 'fail', word: 'Rejected' },
  untested: { tone: 'idle', word: 'Untested' },
} satisfies Record<string, Look>

const instanceLooks = {
  ok: { tone: 'ok', word: 'Reachable' },
  limited: { tone: 'wait', word: 'Limited' },
  unreachable: { tone: 'fail', word: 'No answer' },
  refused: { tone: 'fail', word: 'Refused' },
  untested: { tone: 'idle', word: 'Untested' },
} satisfies Record<string, Look>

export const executionLook = ({ status, stuck }: { status: ExecutionStatus; stuck?: boolean }): Look =>
  stuck ? { tone: 'wait', word: 'Stuck' } : executionLooks[status]
export const deploymentLook = (status: DeploymentStatus): Look => deploymentLooks[status]
export const credentialLook = (status: keyof typeof credentialLooks): Look => credentialLooks[status]
export const instanceLook = (status: keyof typeof instanceLooks): Look => instanceLooks[status]

/** `<Status {...executionLook(run)} />`, or a tone and a word of the page's own. */
export function Status({ tone, word, crossed = false }: Look) {
  return (
    <span class={`status ${tone}`}>
      <Glyph tone={tone} crossed={crossed} />
      {word}
    </span>
  )
}

/** The same in a tinted box, for a page's head. */
export function StatusTag({ tone, word, crossed = false }: Look) {
  return (
    <span class={`tag ${tone}`}>
      <Glyph tone={tone} crossed={crossed} />
      {word}
    </span>
  )
}
