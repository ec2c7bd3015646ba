/** @module Tests a version of a workflow on an instance, without deploying it. */
import { v7 as uuidv7 } from 'uuid'
import { AppError, invalid, notFound } from '../errors.ts'
import type { SlotBinding } from '../db/schema/deployments.ts'
import { requestedBindings } from '../deployments/contract.ts'
import { toRemoteBody } from '../deployments/remote/body.ts'
import type { Release, Releases } from '../deployments/release.ts'
import type { ExecutionRepository } from '../executions/repository.ts'
import type { RunValues } from '../executions/values/repository.ts'
import { requireEnvironment, requireScope } from '../http/scopes.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import type { TestRequest, TestRun } from './contract.ts'
import { triggersOf } from './prepare.ts'
import { inputOfRun } from './replay.ts'
import type { TestLease, TestRepository } from './repository.ts'
import type { TestRunner } from './runner.ts'

/** How long a request works on a test; later requests and the scheduled job do the rest. */
const requestMs = 25_000
/** How long the scheduled job works on all tests. */
const jobMs = 40_000
/** Of the newest recorded inputs, those that can be replayed are chosen. */
const consideredInputs = 25

export interface TestRunsOptions {
  releases: Pick<Releases, 'find' | 'bind'>
  repository: TestRepository
  executions: Pick<ExecutionRepository, 'find'>
  runValues: Pick<RunValues, 'valuesOf' | 'inputsOf'>
  runner: TestRunner
  loadCatalogue: () => Promise<Catalogue>
}

/** Every method except `resumeTests` takes the owner first. */
export class TestRuns {
  readonly #now: () => Date
  readonly #options: TestRunsOptions

  constructor(now: () => Date, options: TestRunsOptions) {
    this.#now = now
    this.#options = options
  }

  /**
   * Starts a test and works on it for up to 25 seconds.
   * @throws {AppError} `not-found`, `invalid`, `invalid-workflow`, `insufficient-scope`, `too-many-requests`
   */
  async start(userId: string, workflowId: string, request: TestRequest): Promise<TestRun> {
    const { releases, repository, runner, loadCatalogue } = this.#options
    const { instanceId, version, input, executionId, replay, writes = 'pin' } = request
    const release = await releases.find(userId, workflowId, instanceId, version).catch(asNotFound)
    requireEnvironment(release.isProduction)
    const catalogue = await loadCatalogue()
    const { errors, findings } = toRemoteBody(release.workflow, catalogue, { credentials: new Map() })
    const [first] = errors
    if (first) {
      throw new AppError('invalid-workflow', `${first.pointer} ${first.detail}`, {
        errors,
        extra: { problems: findings },
      })
    }
    const triggers = triggersOf(release.workflow, catalogue)
    const recorded = replay && (await this.#recorded(userId, workflowId, triggers, replay.runs))
    const wanted =
      executionId === undefined ? request.trigger : await this.#replayed(userId, workflowId, executionId)
    const single = { trigger: recorded ? '' : chooseTrigger(triggers, wanted), executionId }
    const bindings = await this.#bind(userId, release, request, catalogue)
    const replayId = recorded ? uuidv7() : null
    const lease = await repository.create(
      userId,
      { workflowId, instanceId, version: release.version, replayId },
      (recorded ?? [single]).map((each) => ({
        trigger: each.trigger,
        request: {
          writes,
          bindings,
          ...(input && { items: input }),
          ...(each.executionId && { executionId: each.executionId }),
          ...(recorded && { replayRuns: recorded.length }),
        },
      })),
    )
    await (replayId === null
      ? runner.work(lease, requestMs, release)
      : this.#workReplay(userId, replayId, lease, release))
    const test = await repository.find(userId, lease.row.id)
    if (!test) throw notFound('Test run')
    return test
  }

  /** Works on the tests of a replay, one after another. */
  async #workReplay(
    userId: string,
    replayId: string,
    first: TestLease | null,
    release?: Release,
  ): Promise<void> {
    const deadlineMs = this.#now().getTime() + requestMs
    for (let lease = first; lease; lease = await this.#options.repository.resumeReplay(userId, replayId)) {
      const leftMs = deadlineMs - this.#now().getTime()
      await this.#options.runner.work(lease, leftMs, release)
      if (deadlineMs - this.#now().getTime() <= 0) return
    }
  }

  /**
   * The newest successful runs that can be replayed.
   * @throws {AppError} `invalid`, `insufficient-scope`, `key-unavailable`
   */
  async #recorded(
    userId: string,
    workflowId: string,
    triggers: readonly string[],
    runs: number,
  ): Promise<{ trigger: string; executionId: string }[]> {
    requireScope('executions:values')
    const inputs = await this.#options.runValues.inputsOf(userId, workflowId, { limit: consideredInputs })
    const found = inputs.filter(
      ({ status, truncated, trigger, outputs }) =>
        status === 'success' &&
        !truncated &&
        triggers.includes(trigger) &&
        outputs.some((items) => items.length > 0),
    )
    if (found.length > 0) return found.slice(0, runs)
    throw invalid(
      '/replay',
      'The workflow has no successful execution whose input is stored completely and whose trigger this version has. ' +
        'Turn on value storage, then replay a later execution',
    )
  }

  /** The trigger of a recorded run. @throws {AppError} `invalid`, `insufficient-scope`, `values-undecryptable` */
  async #replayed(userId: string, workflowId: string, executionId: string): Promise<string> {
    requireScope('executions:values')
    const { executions, runValues } = this.#options
    const execution = await executions.find(userId, executionId)
    if (execution?.workflowId !== workflowId) {
      throw invalid('/executionId', 'The workflow has no such execution')
    }
    const stored = await runValues.valuesOf(userId, executionId)
    const input = stored && inputOfRun(stored.values)
    if (input) return input.trigger
    throw invalid(
      '/executionId',
      'The input of the execution is not stored completely. Turn on value storage, then replay a later execution',
    )
  }

  /** Only the slots that the request names. */
  async #bind(
    userId: string,
    release: Release,
    { bindings }: TestRequest,
    catalogue: Catalogue,
  ): Promise<SlotBinding[]> {
    const requested = requestedBindings(bindings)
    if (requested.length === 0) return []
    requireScope('credentials:use')
    for (const { type, credential, pointer } of requested) {
      if ('credentialId' in credential && catalogue.credentialType(type)?.oauth) {
        throw invalid(
          pointer,
          'A copy of an OAuth2 credential is not signed in. Bind a credential that exists in n8n with n8nCredentialId',
        )
      }
    }
    const slots = await this.#options.releases.bind(userId, release, requested, null, null)
    return slots.flatMap(({ node, type, credential, reason }) =>
      credential && reason === 'chosen' ? [{ node: node.name, type, ...credential }] : [],
    )
  }

  /** Continues a test that no server works on. */
  async find(userId: string, id: string): Promise<TestRun | null> {
    const { repository, runner } = this.#options
    const found = await repository.find(userId, id)
    if (!found) return found
    if (found.replay) {
      const { id: replayId, status } = found.replay
      if (found.removedAt !== null && status !== 'running') return found
      const next = await repository.resumeReplay(userId, replayId)
      if (!next) return found
      await this.#workReplay(userId, replayId, next)
      return repository.find(userId, id)
    }
    if (found.removedAt !== null) return found
    const lease = await repository.resume(userId, id)
    if (!lease) return found
    await runner.work(lease, requestMs)
    return repository.find(userId, id)
  }

  /** Continues at most `limit` tests, for the scheduled job. @returns how many */
  async resumeTests(limit: number): Promise<number> {
    const { repository, runner } = this.#options
    const startedMs = this.#now().getTime()
    let worked = 0
    for (const { userId, id } of await repository.due(limit)) {
      const leftMs = startedMs + jobMs - this.#now().getTime()
      if (leftMs <= 0) break
      const lease = await repository.resume(userId, id)
      if (!lease) continue
      worked += 1
      await runner.work(lease, leftMs)
    }
    return worked
  }
}

/** The workflow is in the path of the request. */
function asNotFound(error: unknown): never {
  const isWorkflow = error instanceof AppError && error.errors?.[0]?.pointer === '/workflowId'
  throw isWorkflow ? notFound('Workflow') : error
}

function chooseTrigger(triggers: readonly string[], wanted: string | undefined): string {
  const [first, another] = triggers
  if (first === undefined) {
    throw invalid('/trigger', 'The workflow has no enabled trigger. Add one, then test it')
  }
  const listed = triggers.slice(0, 10).map((name) => JSON.stringify(name))
  if (wanted !== undefined && !triggers.includes(wanted)) {
    throw invalid('/trigger', `Must be an enabled trigger of the workflow: ${listed.join(', ')}`)
  }
  if (wanted === undefined && another !== undefined) {
    throw invalid('/trigger', `Required, because the workflow has several triggers: ${listed.join(', ')}`)
  }
  return wanted ?? first
}
