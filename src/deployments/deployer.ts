/**
 * @module Brings deployments about as resumable runs. What is wanted is written down first; a run then works through
 * the steps, in the request as long as it is quick, else in the scheduled job. A run that died is taken up by the next.
 */
import { v7 as uuidv7 } from 'uuid'
import type { CredentialRepository } from '../credentials/repository.ts'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { Db } from '../db/client.ts'
import type { CreationKey } from '../db/creation.ts'
import type { DeploymentIntent } from '../db/schema/deployments.ts'
import { AppError, invalid } from '../errors.ts'
import type { Log } from '../http/log.ts'
import type { InstanceConnections } from '../instances/connections.ts'
import type { ErrorReporter } from '../instances/reporter.ts'
import { webhookUrlOf } from '../instances/repository.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { N8nError } from '../n8n/api-transport.ts'
import { requireBound, resolveBindings } from './bindings.ts'
import type { Deployment, NewDeployment, Redeployment } from './contract.ts'
import { backoffAfter, isTransient, reasonOf, waitOf } from './failures.ts'
import { GiveBack } from './give-back.ts'
import { Planner } from './plan.ts'
import { toRemoteBody } from './remote-body.ts'
import { RemoteCredentials } from './remote-credentials.ts'
import { type Release, Releases } from './release.ts'
import type { DeploymentRepository } from './repository.ts'
import { DeploymentRuns, LaterError, LeaseLostError, type Outcome, type Run, type RunRow } from './run.ts'
import { Steps } from './steps.ts'
import { UpToDate } from './up-to-date.ts'

/** What a request waits for; the scheduled job does the rest. */
const requestMs = 25_000
/** What the scheduled job spends on one run, and on all of them. */
const jobMs = 40_000
/** A run that is taken up this often does not come to an end. */
const maximumAttempts = 20
const gaveUp = `Gave up after ${maximumAttempts} attempts. Fix the cause, then retry`

export interface DeployerOptions {
  deployments: DeploymentRepository
  connections: Pick<InstanceConnections, 'open'>
  reporter: Pick<ErrorReporter, 'ensureReporter' | 'removeReporter'>
  credentials: Pick<CredentialRepository, 'open'>
  fingerprint: Fingerprint
  publicUrl: string
  loadCatalogue: () => Promise<Catalogue>
  log: Log
  wait: (ms: number) => Promise<void>
}

/** Every method but `resumeDeployments` takes the owner first; null when there is no such deployment. */
export class Deployer {
  readonly releases: Releases
  readonly planner: Planner
  readonly remoteCredentials: RemoteCredentials
  readonly giveBack: GiveBack
  readonly #runs: DeploymentRuns
  readonly #upToDate: UpToDate
  readonly #now: () => Date
  readonly #options: DeployerOptions

  constructor(db: Db, now: () => Date, options: DeployerOptions) {
    this.#now = now
    this.#options = options
    this.#runs = new DeploymentRuns(db, now)
    this.releases = new Releases(db, options.credentials, options.loadCatalogue)
    this.remoteCredentials = new RemoteCredentials(db, now, options)
    const { releases, remoteCredentials } = this
    this.giveBack = new GiveBack(db, options)
    this.#upToDate = new UpToDate({ ...options, remoteCredentials })
    this.planner = new Planner({ ...options, releases, remoteCredentials })
  }

  /**
   * Records what is to be deployed and works on it. How far it came stands in the answer: `failed` is an answer too.
   * @throws {AppError} `invalid`, `invalid-workflow`, `deployment-exists`, `quota-exceeded`, `idempotency-key-reused`,
   * `conflict`
   */
  async create(userId: string, body: NewDeployment, key?: CreationKey): Promise<Deployment> {
    const {
      workflowId,
      instanceId,
      version,
      bindings: given = {},
      publish = true,
      reportSuccess = false,
    } = body
    const release = await this.releases.find(userId, workflowId, instanceId, version, given)
    const bindings = bindingsOf(release, given, {})
    await this.#checkSendable(release)
    if (body.planHash !== undefined) {
      const { planHash } = await this.planner.plan(userId, {
        workflowId,
        instanceId,
        version,
        bindings: given,
        publish,
      })
      if (planHash !== body.planHash) throw new AppError('conflict', 'The plan has changed: look at it again')
    }
    const id = uuidv7()
    const intent = intentOf(release.version, publish)
    const row = { id, workflowId, instanceId, version: release.version, bindings, reportSuccess, intent }
    const made = await this.#options.deployments.createManaged(userId, row, key)
    if (!made.replayed) {
      const run = await this.#runs.resume(userId, made.id)
      if (run) await this.#work(run, requestMs)
    }
    return found(await this.#options.deployments.find(userId, made.id))
  }

  /**
   * Brings a version live, the current one by default. When all of it is so already, nothing is done.
   * @throws {AppError} as `create`; `conflict` while another run is at it
   */
  async deploy(userId: string, id: string, change: Redeployment): Promise<Deployment | null> {
    const row = await this.#runs.find(userId, id)
    if (!row) return null
    const { version, bindings: given = {}, publish = true } = change
    const release = await this.releases.find(userId, row.workflowId, row.instanceId, version, given)
    const bindings = bindingsOf(release, given, row.bindings)
    await this.#checkSendable(release)
    const intent = intentOf(release.version, publish)
    const { reportSuccess = row.reportSuccess } = change
    const isSame = reportSuccess === row.reportSuccess && (await this.#upToDate.check(row, intent, bindings))
    if (isSame) return this.#options.deployments.find(userId, id)
    return this.#start(row, intent, { bindings, reportSuccess })
  }

  /**
   * As `deploy`, for a version that this deployment has deployed before.
   * @throws {AppError} `invalid` for any other
   */
  async rollback(userId: string, id: string, version: number): Promise<Deployment | null> {
    const known = await this.#runs.hasDeployed(userId, id, version)
    if (known === null) return null
    if (!known) throw invalid('/version', `Version ${version} has not been deployed by this deployment`)
    return this.deploy(userId, id, { version })
  }

  /**
   * Asks n8n, whatever is recorded here: somebody may have unpublished or deleted it there.
   * @throws {AppError} `conflict` for what is only tracked or was undeployed, and while another run is at it
   */
  async publish(userId: string, id: string, action: 'activate' | 'deactivate'): Promise<Deployment | null> {
    const row = await this.#runs.find(userId, id)
    if (!row) return null
    if (row.status === 'tracking' || row.status === 'undeployed') {
      throw new AppError('conflict', 'It has not been deployed from here: deploy it first')
    }
    // What n8n has may be the version of a deploy that did not come to its end.
    if (row.intent?.action === 'deploy') {
      return this.deploy(userId, id, { version: row.version, publish: action === 'activate' })
    }
    return this.#start(row, { action })
  }

  /** @throws {AppError} `conflict` for a workflow that was in n8n before, and while another run is at it */
  async undeploy(userId: string, id: string): Promise<Deployment | null> {
    const row = await this.#runs.find(userId, id)
    if (!row) return null
    if (!row.managed) {
      throw new AppError(
        'conflict',
        'The workflow was in n8n before, so it is not removed: stop tracking it with DELETE',
      )
    }
    if (row.status === 'undeployed') return this.#options.deployments.find(userId, id)
    return this.#start(row, { action: 'undeploy' })
  }

  /**
   * Forgets it. A workflow that was in n8n before stays there, with the settings that it had.
   * @param force although n8n cannot be asked, so that the settings stay as they are
   * @throws {AppError} `in-use` while n8n has what was made for it; `instance-*`
   */
  async remove(userId: string, id: string, { force }: { force: boolean }): Promise<boolean> {
    await this.giveBack.ofDeployment(userId, id).catch((error: unknown) => {
      if (!force) throw error
    })
    return this.#options.deployments.delete(userId, id)
  }

  /**
   * Resumes what failed or waits; of what is active, n8n is asked whether it is so. Nothing happens while a run is at it,
   * or n8n has asked to wait.
   */
  async retry(userId: string, id: string): Promise<Deployment | null> {
    const run = await this.#runs.resume(userId, id, { afresh: true })
    if (run) await this.#work(run, requestMs)
    const deployment = await this.#options.deployments.find(userId, id)
    return !run && deployment?.status === 'active' ? this.publish(userId, id, 'activate') : deployment
  }

  /** For the scheduled job: takes up at most `limit` of what waits. @returns how many were worked on */
  async resumeDeployments(limit: number): Promise<number> {
    const startedMs = this.#now().getTime()
    let worked = 0
    for (const { userId, id } of await this.#runs.due(limit)) {
      const leftMs = startedMs + jobMs - this.#now().getTime()
      if (leftMs <= 0) break
      const run = await this.#runs.resume(userId, id)
      if (!run) continue
      worked += 1
      await this.#work(run, leftMs).catch((error: unknown) => this.#log('error', run, error))
    }
    return worked
  }

  async #start(
    row: RunRow,
    intent: DeploymentIntent,
    wanted: { bindings?: RunRow['bindings']; reportSuccess?: boolean } = {},
  ): Promise<Deployment | null> {
    const run = await this.#runs.begin(row, intent, wanted)
    if (!run) {
      throw new AppError('conflict', 'It is being worked on; look at it again shortly', {
        retryAfterSeconds: 10,
      })
    }
    await this.#work(run, requestMs)
    return this.#options.deployments.find(row.userId, row.id)
  }

  /** Ends finished, failed, or put off. @throws what the database throws: the lease runs out and the job goes on */
  async #work(run: Run, budgetMs: number): Promise<void> {
    const deadlineMs = this.#now().getTime() + budgetMs
    try {
      if (run.row.attempts > maximumAttempts) return await run.fail(gaveUp)
      await run.finish(await this.#carryOut(run, deadlineMs))
    } catch (error) {
      if (error instanceof LeaseLostError) return
      if (error instanceof LaterError) return await run.reschedule(error).catch(unlessLeaseLost)
      const reason = reasonOf(error)
      if (reason === undefined) throw error
      this.#log('warn', run, error)
      await this.#stop(run, error, reason).catch(unlessLeaseLost)
    }
  }

  /** What n8n refuses has failed; while n8n is unavailable, the scheduled job tries again. */
  #stop(run: Run, error: unknown, reason: string): Promise<void> {
    const { attempts } = run.row
    if (!isTransient(error)) return run.fail(reason)
    if (attempts >= maximumAttempts) return run.fail(`${reason}. ${gaveUp}`)
    const waitMs = backoffAfter(attempts)
    const later = `${reason}. Flowkeep tries again in ${waitMs / 1000} s`
    return run.reschedule(new LaterError(waitMs, later, { backsOff: true }))
  }

  async #carryOut(run: Run, deadlineMs: number): Promise<Outcome> {
    const { userId, workflowId, instanceId, intent } = run.row
    const connection = await this.#options.connections.open(userId, instanceId)
    if (!connection) throw new AppError('conflict', 'The instance has been removed')
    const call = this.#caller(run, deadlineMs)
    const { reporter, loadCatalogue, wait } = this.#options
    const steps = new Steps(run, {
      ...{ connection, reporter, call, wait, now: this.#now },
      webhookUrl: webhookUrlOf(this.#options.publicUrl, instanceId),
      remoteCredentials: this.remoteCredentials,
      catalogue: await loadCatalogue(),
    })
    if (intent.action === 'undeploy') return steps.undeploy()
    if (intent.action === 'deactivate') return steps.deactivate()
    const version = intent.version ?? run.row.version
    const { workflow } = await this.releases.find(userId, workflowId, instanceId, version)
    return intent.action === 'activate' ? steps.activate(workflow) : steps.deploy(version, workflow)
  }

  /** Asks n8n once, and again only when the time is over that n8n has asked for. */
  #caller(run: Run, deadlineMs: number) {
    return async <T>(work: () => Promise<T>): Promise<T> => {
      for (;;) {
        if (this.#now().getTime() > deadlineMs) throw new LaterError(0, null)
        await run.keepLease()
        try {
          return await work()
        } catch (error) {
          const waitMs = waitOf(error)
          if (waitMs === undefined) throw error
          const reason = 'The n8n server accepts no more requests for now. Flowkeep resumes this by itself'
          if (this.#now().getTime() + waitMs > deadlineMs) throw new LaterError(waitMs, reason)
          await this.#options.wait(waitMs)
        }
      }
    }
  }

  /** What n8n would refuse is refused before anything is recorded. */
  async #checkSendable({ workflow }: Release): Promise<void> {
    const { errors } = toRemoteBody(workflow, await this.#options.loadCatalogue(), { credentials: new Map() })
    const [first] = errors
    if (first) throw new AppError('invalid-workflow', `${first.pointer} ${first.detail}`, { errors })
  }

  #log(level: 'warn' | 'error', { row }: Run, error: unknown): void {
    this.#options.log(level, 'deployment-stopped', {
      deploymentId: row.id,
      step: row.step,
      errorName: error instanceof Error ? error.name : typeof error,
      ...(error instanceof N8nError && {
        operation: error.operation,
        kind: error.kind,
        status: error.status,
      }),
    })
  }
}

/** Another run has taken over, and writes down how it ends. */
function unlessLeaseLost(error: unknown): void {
  if (!(error instanceof LeaseLostError)) throw error
}

const intentOf = (version: number, publish: boolean): DeploymentIntent => ({
  action: 'deploy',
  version,
  ...(!publish && { unpublished: true }),
})

const bindingsOf = (release: Release, given: RunRow['bindings'], previous: RunRow['bindings']) =>
  requireBound(
    resolveBindings({
      requirements: release.requirements,
      hasUnresolved: release.unresolved.length > 0,
      held: release.held,
      given,
      previous,
    }),
  )

function found(deployment: Deployment | null): Deployment {
  if (deployment) return deployment
  throw new AppError('conflict', 'The deployment that this request created has been deleted')
}
