/**
 * @module Plans, deploys and rolls back one target of a release through the Deployer. Each is safe to repeat: a worker that
 * takes over resumes the deployment that an earlier one began.
 */
import type { SlotBinding } from '../db/schema/deployments.ts'
import type { TargetBefore, TargetPlan, TargetProblem } from '../db/schema/releases.ts'
import type { Deployment, Bindings } from '../deployments/contract.ts'
import type { Deployer } from '../deployments/deploy/deployer.ts'
import type { Plan } from '../deployments/plan/contract.ts'
import { remoteHash } from '../deployments/remote/form.ts'
import { AppError } from '../errors.ts'
import { hasScopes, type Scope } from '../http/scopes.ts'
import { type InstanceConnections, toAppError } from '../instances/connections.ts'
import { withoutSuccessReport } from '../instances/success-report.ts'
import { isN8nError, N8nError } from '../n8n/api/transport.ts'
import { contentHash } from '../lib/canonical-json.ts'
import type { ClaimedTarget } from './progress.ts'

export type Attempt =
  | { kind: 'done'; deploymentId: string | null }
  | { kind: 'failed'; deploymentId: string | null; error: string }
  | { kind: 'kept'; error: string }
  | { kind: 'later'; waitMs: number; note: string | null }

/** Waits for a busy or unavailable n8n, and for another operation on the deployment: about ten minutes in all. */
const maximumAttempts = 60
const waitMs = 10_000
const soonMs = 2_000
const maximumProblems = 10

const temporary = new Set(['instance-unreachable', 'instance-timeout', 'instance-busy'])

interface TargetWorkOptions {
  deployer: Pick<Deployer, 'planner' | 'create' | 'deploy' | 'retry' | 'rollback' | 'undeploy'>
  connections: Pick<InstanceConnections, 'open'>
}

export class TargetWork {
  readonly #options: TargetWorkOptions

  constructor(options: TargetWorkOptions) {
    this.#options = options
  }

  /** @param earlier workflows of the release that are deployed before this one on the instance */
  async plan(
    target: ClaimedTarget,
    earlier: ReadonlySet<string>,
  ): Promise<{ plan: TargetPlan; planHash: string } | Extract<Attempt, { kind: 'later' }>> {
    const { userId, workflowId, instanceId, version, current } = target
    const live = current && { deploymentId: current.id, version: current.version }
    const place = { workflowId, instanceId, version, publish: !current?.unpublished, withDependencies: false }
    try {
      const planned = await this.#options.deployer.planner.plan(userId, place, { assumed: earlier })
      const plan = {
        ...summaryOf(planned, current?.status === 'active' || current?.unpublished === true),
        live,
      }
      return { plan, planHash: await contentHash({ planHash: planned.planHash, live, action: plan.action }) }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (temporary.has(error.code) && target.attempts < 3) return later(error.message, soonMs)
      const problem = { code: error.code, level: 'error', message: error.message, blocks: true }
      const plan: TargetPlan = {
        action: current ? 'update' : 'create',
        problems: [problem],
        bindings: [],
        live,
      }
      return { plan, planHash: await contentHash(plan) }
    }
  }

  /** @param save stores the state before; false when another worker has the target */
  async deploy(
    target: ClaimedTarget,
    save: (before: TargetBefore) => Promise<boolean>,
  ): Promise<Attempt | null> {
    const { userId, workflowId, instanceId, version, current, plan } = target
    if (!plan) return failed(null, 'The target has no plan. Plan a new release')
    let { before } = target
    if (!before) {
      if (current?.intent && current.status !== 'failed') return later(inProgress)
      if (!isPlanned(current, plan)) {
        return failed(
          current?.id ?? null,
          'The deployment changed after the plan. Nothing was sent. Plan a new release',
        )
      }
      before = {
        deploymentId: current?.id ?? null,
        version: current?.version ?? null,
        status: current?.status ?? null,
        unpublished: current?.unpublished ?? false,
      }
      if (!(await save(before))) return null
    }
    const { deployer } = this.#options
    const bindings: Bindings = plan.bindings
    const publish = !before.unpublished
    return this.#attempt(target, async () => {
      if (current && isResumable(current, 'deploy', version)) return deployer.retry(userId, current.id)
      if (current && current.status !== 'tracking') {
        const change = { version, bindings, publish, withDependencies: false }
        return deployer.deploy(userId, current.id, change)
      }
      return deployer.create(userId, {
        workflowId,
        instanceId,
        version,
        bindings,
        publish,
        withDependencies: false,
      })
    })
  }

  /** @param begin marks the target before anything changes; false when another worker has it */
  async rollBack(target: ClaimedTarget, begin: () => Promise<boolean>): Promise<Attempt | null> {
    const { userId, before, current, deploymentId } = target
    if (!before) return { kind: 'done', deploymentId }
    if (target.hasAfter) {
      if (target.isChanged) return kept('The deployment was changed after the release')
      const change = await this.#changeInN8n(target)
      if (change) return change
      if (!(await begin())) return null
    } else if (current && !isOurs(current, target, before)) {
      return kept('The deployment was changed after the release')
    }
    if (!current) {
      return before.version === null
        ? { kind: 'done', deploymentId }
        : kept('The deployment was undeployed or deleted after the release')
    }
    const { deployer } = this.#options
    const { id } = current
    const { version } = before
    if (version === null || (before.status === 'failed' && current.n8nWorkflowId === null)) {
      return this.#attempt(target, () =>
        isResumable(current, 'undeploy') ? deployer.retry(userId, id) : deployer.undeploy(userId, id),
      )
    }
    if (current.version === version && current.status === before.status && !current.intent) {
      return { kind: 'done', deploymentId: id }
    }
    const publish = !before.unpublished
    return this.#attempt(target, () =>
      isResumable(current, 'deploy', version)
        ? deployer.retry(userId, id)
        : deployer.rollback(userId, id, version, { publish, withDependencies: false, restores: true }),
    )
  }

  /** Whether someone changed, unpublished or deleted the workflow in n8n. */
  async #changeInN8n({ userId, instanceId, current, attempts }: ClaimedTarget): Promise<Attempt | null> {
    if (!current || current.n8nWorkflowId === null) return null
    try {
      const connection = await this.#options.connections.open(userId, instanceId)
      if (!connection) return null
      const live = await connection.client.getWorkflow(current.n8nWorkflowId)
      if (live.isArchived) return kept('The workflow was archived in n8n')
      if (live.active !== (current.status === 'active')) {
        return kept(`The workflow was ${live.active ? 'published' : 'unpublished'} in n8n`)
      }
      const isSame = (await remoteHash(withoutSuccessReport(live))) === current.deployedHash
      return isSame ? null : kept('The workflow was edited in n8n')
    } catch (error) {
      if (isN8nError(error, 'not-found')) return kept('The workflow was deleted in n8n')
      const failure = error instanceof N8nError ? toAppError(error) : error
      if (!(failure instanceof AppError)) throw error
      return temporary.has(failure.code) && attempts < 3
        ? later(failure.message)
        : failed(current.id, `${failure.message}. Roll the release back again when n8n responds`)
    }
  }

  /** Runs one operation of the Deployer and says what to do next. @throws database errors */
  async #attempt(
    { attempts, deploymentId, current }: ClaimedTarget,
    work: () => Promise<Deployment | null>,
  ): Promise<Attempt> {
    const known = current?.id ?? deploymentId
    const isLast = attempts >= maximumAttempts
    try {
      const deployment = await work()
      if (!deployment) return failed(known, 'The deployment was deleted. Plan a new release')
      const { id, status, error } = deployment
      if (status === 'failed') return failed(id, error ?? 'The deployment failed')
      if (status !== 'pending' && status !== 'deploying') return { kind: 'done', deploymentId: id }
      return isLast ? failed(id, error ?? 'The deployment has not finished') : later(error, soonMs)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const isBusy = error.code === 'conflict' && error.retryAfterSeconds !== undefined
      // Another worker created it in the meantime.
      const isRace = error.code === 'deployment-exists' && current === null
      if ((isBusy || isRace || temporary.has(error.code)) && !isLast) return later(error.message)
      return failed(known, error.message)
    }
  }
}

const inProgress = 'Another operation on the deployment is in progress'

const later = (note: string | null, ms = waitMs) => ({ kind: 'later', waitMs: ms, note }) as const
const failed = (deploymentId: string | null, error: string) =>
  ({ kind: 'failed', deploymentId, error }) as const
const kept = (why: string) =>
  ({
    kind: 'kept',
    error: `${why}, so the rollback left it alone. To roll it back, use its deployment`,
  }) as const

/** Whether the deployment is still the one of the plan. */
const isPlanned = (current: ClaimedTarget['current'], { live }: TargetPlan): boolean =>
  current === null || live === null
    ? current === null && live === null
    : current.id === live.deploymentId && current.version === live.version

/** Whether an earlier worker began the operation. A failed one starts again, with what has been fixed since. */
function isResumable(
  current: ClaimedTarget['current'],
  action: 'deploy' | 'undeploy',
  version?: number,
): boolean {
  return (
    (current?.status === 'pending' || current?.status === 'deploying') &&
    current.intent?.action === action &&
    current.intent.version === version
  )
}

/** Whether the deployment is between its state before the release and the released version. */
function isOurs(
  { version, intent, status }: NonNullable<ClaimedTarget['current']>,
  target: ClaimedTarget,
  before: TargetBefore,
): boolean {
  const known = new Set([target.version, before.version])
  return (
    known.has(version) &&
    (intent?.version === undefined || known.has(intent.version)) &&
    status !== 'tracking'
  )
}

function summaryOf(planned: Plan, isSettled: boolean): Omit<TargetPlan, 'live'> {
  const { live, version, deploymentId, slots, bindings, problems } = planned
  const isSame = isSettled && live !== null && live.version === version && !live.missing && !live.differs
  const isPushed = bindings.every(({ action }) => action === 'unchanged' || action === 'existing')
  const shown: TargetProblem[] = problems
    .filter(({ level, blocks }) => blocks || level !== 'hint')
    .toSorted((one, other) => Number(other.blocks) - Number(one.blocks))
    .slice(0, maximumProblems)
    .map(({ code, level, message, blocks }) => ({ code, level, message, blocks }))
  const chosen = slots.flatMap(({ node, type, credential, reason }): SlotBinding[] => {
    if (!credential || reason === 'earlier' || reason === 'live') return []
    if (credential.id !== undefined) return [{ node, type, credentialId: credential.id }]
    const { n8nCredentialId } = credential
    return n8nCredentialId === undefined ? [] : [{ node, type, n8nCredentialId }]
  })
  if (chosen.length > 0 && !hasScopes('credentials:use')) {
    shown.unshift(lacksScope('credentials:use', 'The plan binds credentials'))
  }
  if (live?.drifted && !hasScopes('destructive')) {
    shown.unshift(lacksScope('destructive', 'Deploying overwrites changes made in n8n'))
  }
  const isBlocked = shown.some(({ blocks }) => blocks)
  const action = isSame && isPushed && !isBlocked ? 'none' : deploymentId === null ? 'create' : 'update'
  return { action, problems: shown, bindings: chosen }
}

const lacksScope = (scope: Scope, what: string): TargetProblem => ({
  code: 'insufficient-scope',
  level: 'error',
  message: `${what}, and the access token lacks the scope ${scope}`,
  blocks: true,
})
