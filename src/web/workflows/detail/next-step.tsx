/** @module The next useful step for a workflow: the page's primary button, and the progress to its first deployment. */
import type { Workflow } from '../../../workflows/contract.ts'
import { LinkButton } from '../../components/controls.tsx'
import { SetupSteps, type SetupStep } from '../../components/setup-steps.tsx'
import { plural } from '../../format.ts'
import { newCredentialHref, newInstanceHref } from '../../links/setup.ts'
import { FailedRunsButton } from '../head.tsx'
import { workflowHref } from '../links.ts'
import type { NeededCredential } from './credentials-needed.ts'

export interface Situation {
  workflow: Workflow
  /** Findings at level `error`. */
  errors: number
  /** Failed runs in the last 24 hours. */
  failed: number
  /** It has never been deployed. */
  isFirst: boolean
  /** The first missing or rejected credential. */
  problem: NeededCredential | undefined
  hasInstance: boolean
  /** Where to return after a step. */
  back: string
}

/** Undefined if the next step is to plan a deployment. */
export function nextStep({ workflow, errors, failed, problem, isFirst, hasInstance, back }: Situation) {
  if (failed > 0) return <FailedRunsButton id={workflow.id} failed={failed} />
  if (errors > 0) {
    return (
      <LinkButton kind="primary" icon="pencil" href={workflowHref(workflow.id, '#findings')}>
        Fix {plural(errors, 'error')}
      </LinkButton>
    )
  }
  if (problem) {
    const { credential, type, displayName, named } = problem
    return (
      <LinkButton
        kind="primary"
        icon="credentials"
        href={credential ? `/credentials/${credential.id}` : newCredentialHref(type, back, named)}
      >
        {credential ? `Fix ${displayName} credential` : `Add ${displayName} credential`}
      </LinkButton>
    )
  }
  return isFirst && !hasInstance ? (
    <LinkButton kind="primary" icon="instances" href={newInstanceHref(back)}>
      Add instance
    </LinkButton>
  ) : undefined
}

export function SetupProgress({ errors, problem, hasInstance }: Situation) {
  const open: SetupStep[] = [
    ...(errors > 0 ? ['workflow' as const] : []),
    ...(problem ? ['credentials' as const] : []),
    ...(hasInstance ? [] : ['instance' as const]),
  ]
  const done = (['workflow', 'credentials', 'instance'] as const).filter((step) => !open.includes(step))
  return <SetupSteps current={open[0] ?? 'plan'} done={done} />
}
