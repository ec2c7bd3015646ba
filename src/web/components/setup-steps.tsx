/** @module Progress from a workflow to its first deployment. */
import { Glyph } from './status.tsx'

export const setupSteps = ['workflow', 'credentials', 'instance', 'plan', 'live'] as const
export type SetupStep = (typeof setupSteps)[number]

const labels: Record<SetupStep, string> = {
  workflow: 'Workflow',
  credentials: 'Credentials',
  instance: 'n8n',
  plan: 'Plan',
  live: 'Live',
}

export interface SetupStepsProps {
  /** Null if every step is done. */
  current: SetupStep | null
  done: readonly SetupStep[]
  hrefs?: Partial<Record<SetupStep, string>>
}

/** Workflow → Credentials → n8n → Plan → Live. Done steps may link back. */
export const SetupSteps = ({ current, done, hrefs = {} }: SetupStepsProps) => (
  <nav class="setup" aria-label="Setup">
    <ol>
      {setupSteps.map((step) => {
        const isDone = done.includes(step) && step !== current
        const href = isDone ? hrefs[step] : undefined
        return (
          <li class={isDone ? 'done' : ''} {...(step === current && { 'aria-current': 'step' })}>
            <Glyph tone={isDone ? 'ok' : step === current ? 'run' : 'idle'} />
            {href ? <a href={href}>{labels[step]}</a> : labels[step]}
            {isDone && <span class="visually-hidden"> done</span>}
          </li>
        )
      })}
    </ol>
  </nav>
)
