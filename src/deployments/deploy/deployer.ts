/**
 * @module Deploys workflows in resumable runs. The intent is saved first. A run then works through the steps: in the
 * request while time allows, then in the scheduled job. The next run resumes one that crashed.
 */
import { v7 as uuidv7 } from 'uuid'
import type { Change, Permit } from '../../approvals/approvals.ts'
import type { AvailableCredentials } from '../../credentials/available.ts'
import type { CredentialRepository } from '../../credentials/repository.ts'
import type { Fingerprint } from '../../crypto/fingerprint.ts'
import { currentToken } from '../../db/actor.ts'
import type { Db } from '../../db/client.ts'
import type { CreationKey } from '../../db/idempotent-create.ts'
import type { DeploymentIntent, SlotBinding } from '../../db/schema/deployments.ts'
import { AppError, invalid } from '../../errors.ts'
import type { Log } from '../../http/log.ts'
import type { ApprovalKind, Lendable } from '../../http/approvable.ts'
import { hasScopes, requireEnvironment, requireScope } from '../../http/scopes.ts'
import type { JsonObject } from '../../lib/json-object.ts'
import type { InstanceConnections } from '../../instances/connections.ts'
import type { ErrorReporter } from '../../instances/reporter.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { Binder } from '../binder.ts'
import { type DeploymentContext, DeploymentContexts } from '../context.ts'
import {
  requestedBindings,
  type Deployment,
  type NewDeployment,
  type Redeployment,
  type Tracking,
} from '../contract.ts'
import { Consents } from '../plan/consents.ts'
import { DependencyDeployer } from './dependency-deployer.ts'
import { Leftovers } from './leftovers.ts'
import { SettingsRestorer } from './settings-restorer.ts'
import type { Plan, PlanRequest } from '../plan/contract.ts'
import { isChangedInN8n, Planner } from '../plan/plan.ts'
import { type Forced, isPublished, refuseBlocked, refusalsOf } from '../plan/publish-guard.ts'
import { ofDeployment, ofPlan } from '../permission.ts'
import type { WorkflowRepository } from '../../workflows/repository.ts'
import { toRemoteBody } from '../remote/body.ts'
import { RemoteCredentials } from '../remote/credentials.ts'
import { type Deployed, type Release, Releases } from '../release.ts'
import { type DeploymentRepository, existing } from '../repository.ts'
import { DeploymentRuns, type RunRow } from './run.ts'
import { Runner } from './runner.ts'
import { SettledSlots } from '../plan/settled-slots.ts'
import { getWorkflow } from '../remote/state.ts'
import { SubWorkflows } from '../remote/sub-workflows.ts'
import { UpToDate } from './up-to-date.ts'

/** How long a request works on a run; the scheduled job does the rest. */
const requestMs = 25_000
/** How long the scheduled job works on all runs. */
const jobMs = 40_000

export interface DeployerOptions {
  workflows: Pick<WorkflowRepository, 'derive'>
  deployments: DeploymentRepository
  connections: Pick<InstanceConnections, 'open'>
  reporter: Pick<ErrorReporter, 'ensureReporter' | 'removeReporter'>
  credentials: Pick<CredentialRepository, 'open'>
  availableCredentials: AvailableCredentials
  fingerprint: Fingerprint
  publicUrl: string
  loadCatalogue: () => Promise<Catalogue>
  log: Log
  wait: (ms: number) => Promise<void>
  permit: Permit
}

interface Attempt {
  kind: 'deploy' | 'roll-back'
  subjectId: string
  request: PlanRequest
  body: Pick<Redeployment, 'publish' | 'force' | 'planHash' | 'reportSuccess'>
}

/** Every method except `resumeDeployments` takes the owner first and returns null for an unknown deployment. */
export class Deployer {
  readonly releases: Releases
  readonly settledSlots: SettledSlots
  readonly planner: Planner
  readonly remoteCredentials: RemoteCredentials
  readonly settingsRestorer: SettingsRestorer
  readonly leftovers: Leftovers
  readonly #runs: DeploymentRuns
  readonly #contexts: DeploymentContexts
  readonly #upToDate: UpToDate
  readonly #binder: Binder
  readonly #dependencies: DependencyDeployer
  readonly #runner: Runner
  readonly #now: () => Date
  readonly #options: DeployerOptions

  constructor(db: Db, now: () => Date, options: DeployerOptions) {
    this.#now = now
    this.#options = options
    this.#runs = new DeploymentRuns(db, now)
    this.releases = new Releases(db, options.availableCredentials, options.loadCatalogue)
    this.remoteCredentials = new RemoteCredentials(db, now, options)
    const { releases, remoteCredentials } = this
    const consents = new Consents(remoteCredentials)
    this.settledSlots = new SettledSlots(consents, options.loadCatalogue)
    const subWorkflows = new SubWorkflows(db)
    this.#contexts = new DeploymentContexts(releases, options.connections)
    const contexts = this.#contexts
    this.#dependencies = new DependencyDeployer(db, { ...options, releases, subWorkflows })
    const { graph: dependencies } = this.#dependencies
    this.settingsRestorer = new SettingsRestorer(db, options)
    this.leftovers = new Leftovers(db, now, { ...options, remoteCredentials })
    this.#runner = new Runner(now, { ...options, contexts, remoteCredentials, subWorkflows })
    this.#binder = new Binder(releases, consents)
    this.#upToDate = new UpToDate({ remoteCredentials })
    this.planner = new Planner({
      ...options,
      contexts,
      releases,
      remoteCredentials,
      subWorkflows,
      dependencies,
      settledSlots: this.settledSlots,
    })
  }

  /**
   * Saves a new deployment and starts its run. The result has the status it reached, which may be `failed`. If a
   * deployment already tracks the workflow on the instance, that deployment is used and the workflow deployed in place.
   * @throws {AppError} `invalid`, `invalid-workflow`, `deployment-blocked`, `deployment-exists`, `quota-exceeded`,
   * `idempotency-key-reused`, `conflict`
   */
  async create(userId: string, body: NewDeployment, key?: CreationKey): Promise<Deployment> {
    const { workflowId, instanceId, version, publish = true, reportSuccess = false } = body
    const { withDependencies = true } = body
    const requested = requestedBindings(body.bindings)
    requireScope('deploy')
    const planned = await this.#contexts.load(userId, body)
    const { deployed } = planned
    const tracked = deployed?.status === 'tracking' ? deployed : null
    if (deployed && !tracked) {
      const earlier = key && (await this.#options.deployments.findCreated(userId, key))
      if (earlier) return earlier
      throw new AppError('deployment-exists', existing, { extra: { deploymentId: deployed.id } })
    }
    await this.#checkSendable(planned.release)
    const request = {
      workflowId,
      instanceId,
      publish,
      withDependencies,
      ...(version !== undefined && { version }),
      ...(body.bindings && { bindings: body.bindings }),
      ...(body.fixes && { fixes: body.fixes }),
    }
    const attempt = {
      kind: 'deploy',
      subjectId: tracked?.id ?? workflowId,
      request,
      body,
    } as const
    const created = await this.#permitted(userId, attempt, planned, async (forced) => {
      const bindings = await this.#binder.bind(userId, planned, requested)
      const context = await this.#saveFixed(userId, planned)
      if (withDependencies) await this.#deployDependencies(userId, context, deployed, body.force)
      const { version: saved } = context.release
      const intent = intentOf(saved, publish)
      if (tracked) {
        const wanted = { bindings, reportSuccess, forced }
        return this.#createInPlace(userId, tracked.id, intent, wanted, context, key)
      }
      const id = uuidv7()
      const row = { id, workflowId, instanceId, version: saved, bindings, reportSuccess, intent }
      const created = await this.#options.deployments.createManaged(userId, row, key, forced)
      if (!created.replayed) {
        const run = await this.#runs.resume(userId, created.id)
        if (run) await this.#runner.work(run, requestMs, context)
      }
      return this.#options.deployments.find(userId, created.id)
    })
    return requireCreated(created)
  }

  /** Deploys over the tracked n8n workflow, because a second copy would run everything twice. */
  async #createInPlace(
    userId: string,
    id: string,
    intent: DeploymentIntent,
    wanted: { bindings: SlotBinding[]; reportSuccess: boolean; forced: Forced | undefined },
    context: DeploymentContext,
    key: CreationKey | undefined,
  ): Promise<Deployment> {
    const claimed = await this.#options.deployments.claimKey(userId, id, key)
    const row = claimed.replayed ? null : await this.#runs.find(userId, id)
    const deployment = row
      ? await this.#start(row, intent, wanted, context)
      : await this.#options.deployments.find(userId, claimed.id)
    return requireCreated(deployment)
  }

  /** Tracks a workflow that already exists on the instance. @throws {AppError} as `create` */
  async track(userId: string, body: Tracking, key?: CreationKey): Promise<Deployment> {
    const { workflowId, instanceId, version } = body
    const requested = requestedBindings(body.bindings)
    const release = await this.releases.find(userId, workflowId, instanceId, version)
    requireDeploy(release)
    const bindings = await this.#binder.bindRequested(userId, release, requested)
    return this.#options.deployments.track(userId, { ...body, version: release.version, bindings }, key)
  }

  /**
   * Deploys a version, by default the current one. Does nothing when n8n is up to date.
   * @throws {AppError} as `create`; `conflict` while another run works on it
   */
  async deploy(userId: string, id: string, change: Redeployment): Promise<Deployment | null> {
    const deployed = await this.releases.deployedById(userId, id)
    return deployed && this.#deploy(deployed, change, { kind: 'deploy', before: deployed })
  }

  /**
   * Deploys a plan: creates the deployment, or deploys the version where the workflow is deployed already.
   * @throws {AppError} as `create` and `deploy`
   */
  async deployPlan(
    userId: string,
    { workflowId, instanceId, ...change }: NewDeployment,
    key?: CreationKey,
  ): Promise<Deployment> {
    const deployed = await this.releases.deployed(userId, workflowId, instanceId)
    if (!deployed || deployed.status === 'tracking')
      return this.create(userId, { workflowId, instanceId, ...change }, key)
    return requireCreated(await this.#deploy(deployed, change, { kind: 'deploy', before: deployed }))
  }

  /**
   * @param before the deployment with the bindings that fill the slots
   * @param restores whether the version was live before, so that it needs no replay
   */
  async #deploy(
    row: Deployed,
    change: Redeployment,
    {
      kind,
      before,
      restores = false,
    }: { kind: 'deploy' | 'roll-back'; before: Deployed; restores?: boolean | undefined },
  ): Promise<Deployment | null> {
    const { id, userId, workflowId, instanceId } = row
    const { version, fixes, publish = true, reportSuccess = row.reportSuccess } = change
    requireScope('deploy')
    const requested = requestedBindings(change.bindings)
    const planned = await this.#contexts.load(userId, { workflowId, instanceId, version, fixes }, before)
    if (restores) planned.release = { ...planned.release, replayGate: null }
    await this.#checkSendable(planned.release)
    const { force: _, planHash: __, reportSuccess: ___, ...wanted } = change
    const request = { workflowId, instanceId, ...wanted }
    const attempt = { kind, subjectId: id, request, body: change }
    return this.#permitted(userId, attempt, planned, async (forced) => {
      const bindings = await this.#binder.bind(userId, planned, requested)
      const context = await this.#saveFixed(userId, planned)
      const intent = intentOf(context.release.version, publish)
      if (change.withDependencies !== false) {
        await this.#deployDependencies(userId, context, row, change.force)
      }
      const isUpToDate = () => this.#upToDate.check(row, intent, bindings, context)
      if (reportSuccess === row.reportSuccess && (await isUpToDate()))
        return this.#options.deployments.find(userId, id)
      return this.#start(row, intent, { bindings, reportSuccess, forced }, context)
    })
  }

  /**
   * Runs `work` once nothing blocks it and it is permitted. Plans at most once, and only if the request or the scopes of its
   * access token depend on the plan.
   */
  async #permitted(
    userId: string,
    { kind, subjectId, request, body }: Attempt,
    planned: DeploymentContext,
    work: (forced: Forced | undefined) => Promise<Deployment | null>,
  ): Promise<Deployment | null> {
    const { release } = planned
    const { force, planHash, reportSuccess } = body
    let plan: Plan | undefined
    const planOnce = async () => (plan ??= await this.planner.plan(userId, request, { context: planned }))
    if (planHash !== undefined && (await planOnce()).planHash !== planHash)
      throw new AppError('conflict', 'The plan has changed. Review it again')
    const change: Change = {
      kind,
      subjectId,
      request: { ...request, force, reportSuccess },
      subject: async () => {
        const found = await planOnce()
        const instanceName = (await planned.connection)?.instance.name ?? ''
        return ofPlan({ plan: found, release, instanceName, force })
      },
    }
    return this.#options.permit(userId, change, async () => {
      requireDeploy(release)
      return work(plan ? refuseBlocked(plan, force) : await this.#refuseBlocked(planned, body))
    })
  }

  /**
   * Deploys a version that this deployment has deployed before, with the credentials it had then.
   * @param options `restores`: as the deployment was before a release, so that the version needs no replay
   * @throws {AppError} `invalid` for any other version, and as `deploy`
   */
  async rollback(
    userId: string,
    id: string,
    version: number,
    {
      planHash,
      restores,
      ...options
    }: Pick<Redeployment, 'force' | 'planHash' | 'publish' | 'withDependencies'> & {
      restores?: boolean
    } = {},
  ): Promise<Deployment | null> {
    const [deployed, history] = await Promise.all([
      this.releases.deployedById(userId, id),
      this.#runs.history(userId, id, version),
    ])
    if (!deployed) return null
    const before = beforeOf(deployed, version, history)
    return this.#deploy(deployed, { ...options, version, planHash }, { kind: 'roll-back', before, restores })
  }

  /** Plans a deployment or, with `rollback`, a rollback. @throws {AppError} as `Planner.plan`, `invalid` as `rollback` */
  async plan(userId: string, { rollback = false, ...request }: PlanRequest): Promise<Plan> {
    if (!rollback) return this.planner.plan(userId, request)
    const { workflowId, instanceId, version } = request
    if (version === undefined) throw invalid('/version', 'A rollback requires the version to deploy again')
    const deployed = await this.releases.deployed(userId, workflowId, instanceId)
    if (!deployed) throw invalid('/workflowId', 'The workflow is not deployed on the instance')
    const before = beforeOf(deployed, version, await this.#runs.history(userId, deployed.id, version))
    const context = await this.#contexts.load(userId, { workflowId, instanceId, version }, before)
    return this.planner.plan(userId, { workflowId, instanceId, version }, { context })
  }

  /**
   * Publishes or unpublishes the workflow. Always asks n8n, because a user may have unpublished or deleted it there.
   * @param force deactivate it even if other workflows call it
   * @param reason activate it although n8n would refuse to publish it
   * @throws {AppError} `conflict` for a tracked or undeployed workflow, and while another run works on it; `in-use` with
   * the `dependents` that call it; `deployment-blocked`
   */
  async publish(
    userId: string,
    id: string,
    action: 'activate' | 'deactivate',
    { force = false, reason }: { force?: boolean; reason?: string | undefined } = {},
  ): Promise<Deployment | null> {
    const row = await this.#runs.find(userId, id)
    if (!row) return null
    requireScope('deploy')
    if (row.status === 'tracking' || row.status === 'undeployed') {
      throw new AppError('conflict', 'Flowkeep has not deployed this workflow. Deploy it first')
    }
    const attempt = { kind: action, force: reason ?? force }
    return this.#permittedHere(userId, id, attempt, () => this.#publish(row, action, { force, reason }))
  }

  async #publish(
    row: RunRow,
    action: 'activate' | 'deactivate',
    { force, reason }: { force: boolean; reason: string | undefined },
  ): Promise<Deployment | null> {
    const { id, userId } = row
    requireDeploy(row)
    if (action === 'deactivate' && !force) await this.#dependencies.refuseInUse(row, 'deactivate')
    // n8n may have the version of an unfinished deploy.
    if (row.intent?.action === 'deploy') {
      return this.deploy(userId, id, {
        version: row.version,
        publish: action === 'activate',
        force: reason,
        // A person who approves it for an access token does not see its sub-workflows.
        withDependencies: currentToken() === undefined,
      })
    }
    if (action === 'deactivate' || row.status === 'active') return this.#start(row, { action })
    const { workflowId, instanceId, version } = row
    const context = await this.#contexts.load(userId, { workflowId, instanceId, version }, null)
    const candidate = { ...context, n8nWorkflowId: row.n8nWorkflowId }
    const forced = refuseBlocked(await refusalsOf(candidate, await this.#options.loadCatalogue()), reason)
    return this.#start(row, { action }, { forced }, context)
  }

  /**
   * @param force undeploy it even if other workflows call it
   * @throws {AppError} `conflict` for a workflow that existed in n8n first, and while another run works on it; `in-use`
   * with the `dependents` that call it
   */
  async undeploy(userId: string, id: string, { force = false } = {}): Promise<Deployment | null> {
    const row = await this.#runs.find(userId, id)
    if (!row) return null
    requireScope('deploy')
    if (!row.managed) {
      throw new AppError(
        'conflict',
        'Flowkeep did not create this workflow in n8n, so it cannot undeploy it. Delete the deployment to stop tracking it',
      )
    }
    if (row.status === 'undeployed') return this.#options.deployments.find(userId, id)
    if (!force) await this.#dependencies.refuseInUse(row, 'undeploy')
    const attempt = { kind: 'undeploy' as const, force, scopes: ['destructive' as const] }
    return this.#permittedHere(userId, id, attempt, () => {
      requireDeploy(row)
      return this.#start(row, { action: 'undeploy' })
    })
  }

  /**
   * Deletes the deployment here. A workflow that existed in n8n first stays there with its original settings.
   * @param force delete it even if n8n is unreachable; the settings in n8n then stay unchanged
   * @throws {AppError} `in-use` while n8n has a workflow that Flowkeep created; `instance-*`
   */
  async remove(userId: string, id: string, { force }: { force: boolean }): Promise<boolean> {
    const attempt = { kind: 'delete-deployment' as const, force, scopes: ['destructive' as const] }
    const removed = await this.#permittedHere(userId, id, attempt, async () => {
      await this.requireDeployTo(userId, id)
      await this.settingsRestorer.ofDeployment(userId, id).catch((error: unknown) => {
        if (!force) throw error
      })
      return this.#options.deployments.delete(userId, id)
    })
    return removed ?? false
  }

  /**
   * Resumes a failed or waiting run. For an active deployment, checks that it is published in n8n. Does nothing while
   * a run works on it or while n8n asks to wait.
   */
  async retry(userId: string, id: string): Promise<Deployment | null> {
    const scopes: Lendable[] = (await this.#overwritesChanges(userId, id)) ? ['destructive'] : []
    return this.#permittedHere(userId, id, { kind: 'retry', scopes }, async () => {
      await this.requireDeployTo(userId, id)
      const run = await this.#runs.resume(userId, id, { afresh: true })
      if (run) await this.#runner.work(run, requestMs)
      const deployment = await this.#options.deployments.find(userId, id)
      return !run && deployment?.status === 'active' ? this.publish(userId, id, 'activate') : deployment
    })
  }

  /** Whether resuming a failed deploy overwrites changes made in n8n since. Not read if the request may do that. */
  async #overwritesChanges(userId: string, id: string): Promise<boolean> {
    const row = hasScopes('destructive') ? null : await this.#runs.find(userId, id)
    if (row?.status !== 'failed' || row.intent?.action !== 'deploy' || row.n8nWorkflowId === null)
      return false
    const connection = await this.#options.connections.open(userId, row.instanceId)
    const remote = connection && (await getWorkflow(connection, row.n8nWorkflowId))
    return remote !== null && isChangedInN8n(row, remote)
  }

  /** A change of a deployment as it is. `force` needs the scope of destructive changes. */
  #permittedHere<T>(
    userId: string,
    id: string,
    { kind, force, scopes = [] }: { kind: ApprovalKind; force?: string | boolean; scopes?: Lendable[] },
    work: () => Promise<T>,
  ): Promise<T | null> {
    const isForced = force !== undefined && force !== false
    const needed: Lendable[] = isForced ? [...scopes, 'destructive'] : scopes
    const subject = async () => {
      const named = await this.#runs.named(userId, id)
      return named && ofDeployment(named, needed)
    }
    const request = isForced ? { force } : {}
    return this.#options.permit(userId, { kind, subjectId: id, request, subject }, work)
  }

  /** For a change that does not read the deployment first. Needs no statement unless an access token is limited. */
  async requireDeployTo(userId: string, id: string): Promise<void> {
    const row = hasScopes('deploy', 'deploy:production') ? null : await this.#runs.find(userId, id)
    if (row) requireDeploy(row)
  }

  /** Resumes at most `limit` waiting runs, for the scheduled job. @returns how many were resumed */
  async resumeDeployments(limit: number): Promise<number> {
    const startedMs = this.#now().getTime()
    let worked = 0
    for (const { userId, id } of await this.#runs.due(limit)) {
      const leftMs = startedMs + jobMs - this.#now().getTime()
      if (leftMs <= 0) break
      const run = await this.#runs.resume(userId, id)
      if (!run) continue
      worked += 1
      await this.#runner.work(run, leftMs).catch((error: unknown) => this.#runner.log('error', run, error))
    }
    return worked
  }

  async #start(
    row: RunRow,
    intent: DeploymentIntent,
    wanted: {
      bindings?: RunRow['bindings']
      reportSuccess?: boolean
      forced?: Forced | undefined
    } = {},
    context?: DeploymentContext,
  ): Promise<Deployment | null> {
    const { forced, ...change } = wanted
    const run = await this.#runs.begin(row, intent, change, forced)
    if (!run) {
      throw new AppError(
        'conflict',
        'Another operation is in progress. Wait until it finishes, then try again',
        {
          retryAfterSeconds: 10,
        },
      )
    }
    await this.#runner.work(run, requestMs, context)
    return this.#options.deployments.find(row.userId, row.id)
  }

  /** Rejects a workflow that cannot be sent to n8n, before anything is saved. */
  async #checkSendable({ workflow }: Release): Promise<void> {
    const catalogue = await this.#options.loadCatalogue()
    const { errors, findings } = toRemoteBody(workflow, catalogue, { credentials: new Map() })
    const [first] = errors
    if (!first) return
    const detail = `${first.pointer} ${first.detail}`
    throw new AppError('invalid-workflow', detail, { errors, extra: { problems: findings } })
  }

  /** @throws {AppError} `deployment-blocked` if n8n would refuse to publish the workflow and no reason is given */
  async #refuseBlocked(
    context: DeploymentContext,
    { publish = true, force }: Pick<Redeployment, 'publish' | 'force'>,
  ): Promise<Forced | undefined> {
    const { release, deployed } = context
    if (!publish || isPublished(deployed, release)) return undefined
    const candidate = { ...context, n8nWorkflowId: deployed?.n8nWorkflowId ?? null }
    return refuseBlocked(await refusalsOf(candidate, await this.#options.loadCatalogue()), force)
  }

  #deployDependencies(
    userId: string,
    context: DeploymentContext,
    deployed: Deployed | null,
    force: string | undefined,
  ): Promise<void> {
    return this.#dependencies.deploy(userId, context, deployed, { deployer: this, force })
  }

  /**
   * Saves the repaired workflow as a version. The same repairs of the same version create it only once.
   * @throws {AppError} `insufficient-scope`
   */
  async #saveFixed(userId: string, planned: DeploymentContext): Promise<DeploymentContext> {
    const { workflowId, version, workflow, applied } = planned.release
    if (applied.length === 0) return planned
    requireScope('workflows:write')
    const saved = await this.#options.workflows.derive(userId, workflowId, version, {
      workflow,
      author: 'flowkeep',
    })
    if (saved === null) throw invalid('/workflowId', 'Workflow not found')
    return { ...planned, release: { ...planned.release, version: saved } }
  }
}

/** The deployment as it was when the version was live. @throws {AppError} `invalid` */
function beforeOf(
  deployed: Deployed,
  version: number,
  history: { bindings: SlotBinding[] | null; content: JsonObject } | null,
): Deployed {
  if (!history)
    throw invalid(
      '/version',
      `Version ${version} was never live in this deployment. Choose one of its earlier versions`,
    )
  const { bindings, content } = history
  return bindings ? { ...deployed, bindings, content } : deployed
}

/** @throws {AppError} `insufficient-scope` */
function requireDeploy({ isProduction }: { isProduction: boolean }): void {
  requireScope('deploy')
  requireEnvironment(isProduction)
}

const intentOf = (version: number, publish: boolean): DeploymentIntent => ({
  action: 'deploy',
  version,
  ...(!publish && { unpublished: true }),
})

function requireCreated(deployment: Deployment | null): Deployment {
  if (deployment) return deployment
  throw new AppError('conflict', 'The deployment created by this request has been deleted')
}
