/** @module Works through a run until it finishes, fails or continues in the scheduled job. */
import type { Log } from '../../http/log.ts'
import { AppError, errorNameOf } from '../../errors.ts'
import type { ErrorReporter } from '../../instances/reporter.ts'
import { webhookUrlOf } from '../../instances/repository.ts'
import { type AttemptOutcome, retry } from '../../lib/retry.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { withName } from '../../n8n/sendable/workflow.ts'
import { backoffAfter, isTransient, reasonOf, waitOf } from './failures.ts'
import type { DeploymentContext, DeploymentContexts } from '../context.ts'
import type { RemoteCredentials } from '../remote/credentials.ts'
import { RetryLaterError, LeaseLostError, type Outcome, type Run } from './run.ts'
import { Steps } from './steps.ts'
import type { SubWorkflows } from '../remote/sub-workflows.ts'

/** After this many attempts a run fails for good. */
const maximumAttempts = 20
const gaveUp = `Gave up after ${maximumAttempts} attempts. Fix the cause, then retry`

export interface RunnerOptions {
  contexts: DeploymentContexts
  remoteCredentials: RemoteCredentials
  subWorkflows: SubWorkflows
  reporter: Pick<ErrorReporter, 'ensureReporter' | 'removeReporter'>
  publicUrl: string
  loadCatalogue: () => Promise<Catalogue>
  log: Log
  wait: (ms: number) => Promise<void>
}

export class Runner {
  readonly #now: () => Date
  readonly #options: RunnerOptions

  constructor(now: () => Date, options: RunnerOptions) {
    this.#now = now
    this.#options = options
  }

  /**
   * Finishes, fails or reschedules the run.
   * @param context what the request has loaded of the version to deploy
   * @throws database errors: the lease expires and the job resumes the run
   */
  async work(run: Run, budgetMs: number, context?: DeploymentContext): Promise<void> {
    const deadlineMs = this.#now().getTime() + budgetMs
    try {
      if (run.row.attempts > maximumAttempts) return await run.fail(gaveUp)
      await run.finish(await this.#carryOut(run, deadlineMs, context))
    } catch (error) {
      if (error instanceof LeaseLostError) return
      if (error instanceof RetryLaterError) return await run.reschedule(error).catch(unlessLeaseLost)
      const reason = reasonOf(error)
      if (reason === undefined) throw error
      this.log('warn', run, error)
      await this.#stop(run, error, reason).catch(unlessLeaseLost)
    }
  }

  /** Fails the run, unless n8n is temporarily unavailable: then the scheduled job retries it. */
  #stop(run: Run, error: unknown, reason: string): Promise<void> {
    const { attempts } = run.row
    if (!isTransient(error)) return run.fail(reason)
    if (attempts >= maximumAttempts) return run.fail(`${reason}. ${gaveUp}`)
    const waitMs = backoffAfter(attempts)
    const later = `${reason}. Flowkeep retries in ${waitMs / 1000} s`
    return run.reschedule(new RetryLaterError(waitMs, later, { backsOff: true }))
  }

  async #carryOut(run: Run, deadlineMs: number, given: DeploymentContext | undefined): Promise<Outcome> {
    const { userId, workflowId, instanceId, intent } = run.row
    const { contexts } = this.#options
    const version = intent.version ?? run.row.version
    const isReleasing = intent.action === 'deploy' || intent.action === 'activate'
    const target = { workflowId, instanceId, version }
    const context = given ?? (isReleasing ? await contexts.load(userId, target, null) : undefined)
    const connection = await (context?.connection ?? contexts.open(userId, instanceId))
    if (!connection) throw new AppError('conflict', 'The instance has been deleted')
    const call = this.#caller(run, deadlineMs)
    const { reporter, loadCatalogue, wait } = this.#options
    const steps = new Steps(run, {
      connection,
      reporter,
      call,
      wait,
      now: this.#now,
      webhookUrl: webhookUrlOf(this.#options.publicUrl, instanceId),
      remoteCredentials: this.#options.remoteCredentials,
      catalogue: await loadCatalogue(),
      resolveCalls: (workflow, n8nWorkflowId) =>
        this.#options.subWorkflows.forDeploying(
          userId,
          workflow,
          { workflowId, instanceId, n8nWorkflowId },
          connection.client,
        ),
    })
    if (intent.action === 'undeploy') return steps.undeploy()
    if (intent.action === 'deactivate' || !context) return steps.deactivate()
    const { release } = context
    const workflow = withName(release.workflow, release.name)
    return intent.action === 'activate' ? steps.activate(workflow) : steps.deploy(version, workflow)
  }

  /** Calls n8n, and again after the wait that n8n asks for. */
  #caller(run: Run, deadlineMs: number) {
    const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
      if (this.#now().getTime() > deadlineMs) throw new RetryLaterError(0, null)
      await run.renewLease()
      return work()
    }
    const delayMs = (outcome: AttemptOutcome<unknown>): number | null => {
      const waitMs = 'error' in outcome ? waitOf(outcome.error) : undefined
      if (waitMs === undefined) return null
      const reason = 'The n8n server is busy. Flowkeep resumes automatically'
      if (this.#now().getTime() + waitMs > deadlineMs) throw new RetryLaterError(waitMs, reason)
      return waitMs
    }
    const { wait } = this.#options
    return <T>(work: () => Promise<T>): Promise<T> => retry(() => attempt(work), { delayMs, wait })
  }

  log(level: 'warn' | 'error', { row }: Run, error: unknown): void {
    this.#options.log(level, 'deployment-stopped', {
      deploymentId: row.id,
      step: row.step,
      errorName: errorNameOf(error),
      ...(error instanceof N8nError && {
        operation: error.operation,
        kind: error.kind,
        status: error.status,
      }),
    })
  }
}

/** Ignores a lost lease: the run that took it records the outcome. */
function unlessLeaseLost(error: unknown): void {
  if (!(error instanceof LeaseLostError)) throw error
}
