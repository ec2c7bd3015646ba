/** @module What a person sees and approves before an access token deploys. */
import type { Lendable } from '../http/approvable.ts'
import type { Subject } from '../approvals/approvals.ts'
import { AppError } from '../errors.ts'
import type { Plan } from './plan/contract.ts'
import { refuseBlocked } from './plan/publish-guard.ts'
import type { Release } from './release.ts'

const maximumNodes = 200

const production = (isProduction: boolean): Lendable[] => (isProduction ? ['deploy:production'] : [])

export interface PlannedChange {
  plan: Plan
  release: Pick<Release, 'name' | 'isProduction'>
  instanceName: string
  force: string | undefined
}

/**
 * The plan with the scopes that it needs. No one is asked to approve a plan that cannot be deployed.
 * @throws {AppError} `deployment-blocked`
 */
export function ofPlan({
  plan,
  release: { name, isProduction },
  instanceName,
  force,
}: PlannedChange): Subject {
  const { problems, n8nVersion, planHash, version, live, dependencies } = plan
  const blocking = problems.filter(({ blocks, forceable }) => blocks && !forceable)
  const [first] = blocking
  if (first)
    throw new AppError(
      'deployment-blocked',
      `${first.message}. Nothing was sent to n8n. Fix the problem first`,
      {
        extra: { problems: blocking, n8nVersion },
      },
    )
  refuseBlocked(plan, force)
  const overwrites = [live?.drifted, ...dependencies.map(({ drifted }) => drifted)].some(Boolean)
  const instance = { name: instanceName, isProduction }
  return {
    name,
    instance,
    version,
    planHash,
    details: { plan: shown(plan), ...(force !== undefined && { force }) },
    state: { planHash, name, instance },
    scopes: [
      ...production(isProduction),
      ...(overwrites || force !== undefined ? ['destructive' as const] : []),
    ],
  }
}

/** The parts of a plan that a page shows, of bounded size. */
const shown = (plan: Plan): Plan => ({
  ...plan,
  problems: plan.problems.filter(({ blocks }) => blocks).slice(0, 20),
  changes: [],
  slots: plan.slots.slice(0, maximumNodes).map((slot) => Object.assign({}, slot, { candidates: [] })),
  bindings: plan.bindings
    .slice(0, maximumNodes)
    .map((binding) => Object.assign({}, binding, { candidates: [], n8nCandidates: null })),
  dependencies: plan.dependencies
    .slice(0, maximumNodes)
    .map((each) => Object.assign({}, each, { problems: [] })),
  live: plan.live && {
    ...plan.live,
    diff: plan.live.diff && {
      ...plan.live.diff,
      changed: plan.live.diff.changed
        .slice(0, maximumNodes)
        .map(({ node, paths }) => ({ node, paths: paths.slice(0, 20) })),
      added: plan.live.diff.added.slice(0, maximumNodes),
      removed: plan.live.diff.removed.slice(0, maximumNodes),
    },
  },
})

export interface NamedDeployment {
  workflowName: string
  instanceName: string
  isProduction: boolean
  version: number
  status: string
  intent: unknown
  n8nWorkflowId: string | null
}

/** A change of a deployment as it is. */
export const ofDeployment = (
  { workflowName, instanceName, isProduction, version, ...state }: NamedDeployment,
  needed: readonly Lendable[],
): Subject => ({
  name: workflowName,
  instance: { name: instanceName, isProduction },
  version,
  details: { ...state },
  scopes: [...production(isProduction), ...needed],
})
