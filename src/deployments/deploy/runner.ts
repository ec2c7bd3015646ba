/** @module Works through a run until it finishes, fails or continues in the scheduled job. */
import type { Log } from '../../http/log.ts'
import { AppError, errorNameOf } from '../../errors.ts'
import type { ErrorReporter } from '../../instances/reporter.ts'
import { webhookUrlOf } from '../../instances/repository.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { withName } from '../../n8n/sendable/workflow.ts'
import { backoffAfter, isTransient, reasonOf } from './failures.ts'
import type { DeploymentContext, DeploymentContexts } from '../context.ts'
import type { RemoteCredentials } from '../remote/credentials.ts'
import { pacedCall } from './paced-call.ts'
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
    const { reporter, loadCatalogue, wait } = this.#options
    const renewLease = () => run.renewLease()
    const call = pacedCall({ renewLease, deadlineMs, now: this.#now, wait })
    const steps = new Steps(run, {
      connection,
      reporter,
      call,
      wait,
      now: this.#now,
      variables: context?.release.substituted.sent ?? {},
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
    const workflow = withName(release.substituted.workflow, release.name)
    return intent.action === 'activate' ? steps.activate(workflow) : steps.deploy(version, workflow)
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
