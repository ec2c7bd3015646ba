/**
 * @module Works through a test: creates a scratch copy in n8n, calls it once, reads the result and removes everything. A test
 * that is interrupted before the call starts again; one that is interrupted after it waits for the result.
 */
import { base64url } from 'jose'
import { errorNameOf, AppError } from '../errors.ts'
import type { SlotBinding, CredentialChoice } from '../db/schema/deployments.ts'
import { backoffAfter, isTransient, reasonOf } from '../deployments/deploy/failures.ts'
import { pacedCall } from '../deployments/deploy/paced-call.ts'
import { RetryLaterError } from '../deployments/deploy/run.ts'
import {
  type CredentialRefs,
  type N8nCredentialRef,
  slotRefs,
} from '../deployments/remote/credential-refs.ts'
import {
  type Call,
  ownId,
  type RemoteCredentials,
  removeCredential,
} from '../deployments/remote/credentials.ts'
import { scratchNameOf } from '../deployments/remote/scratch-name.ts'
import type { Release, Releases } from '../deployments/release.ts'
import type { Log } from '../http/log.ts'
import type { Connection, InstanceConnections } from '../instances/connections.ts'
import type { StoredValues } from '../executions/values/capture.ts'
import type { RunValues } from '../executions/values/repository.ts'
import { retry } from '../lib/retry.ts'
import { isFinal } from '../runs/meaning.ts'
import type { N8nExecution } from '../n8n/api/shapes.ts'
import { isN8nError, N8nError } from '../n8n/api/transport.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { identityOf } from '../workflows/binding-sources.ts'
import type { TestNode } from './contract.ts'
import { inputOf, prepare, runLimitSeconds } from './prepare.ts'
import { type TestLease, TestLeaseLostError, type TestRepository } from './repository.ts'
import { compared, inputOfRun, itemsOfRun } from './replay.ts'
import { errorOfTest, nodesOfTest, notRun } from './result.ts'

/** How many times n8n may be temporarily unavailable before the test gives up. */
const maxAttempts = 4
/** How long a test may take before it ends with an error. */
const maxAgeMs = 15 * 60_000
/** How long n8n may take to start the webhook after publishing. */
const startMs = 20_000
/** How long n8n may take to list a run that it has started. */
const listedMs = 15_000
const callMs = 10_000
/** n8n rejects a deletion for about 0.2 s after unpublishing. */
const deleteAgainMs = 300
const deleteTries = 30
/** When to look once more for a workflow whose creation had no response. */
const sweepMs = 60_000
const authHeader = 'X-Flowkeep-Test'

export interface TestRunnerOptions {
  repository: TestRepository
  connections: Pick<InstanceConnections, 'open'>
  releases: Pick<Releases, 'find'>
  remoteCredentials: Pick<RemoteCredentials, 'copy'>
  runValues: Pick<RunValues, 'valuesOf'>
  loadCatalogue: () => Promise<Catalogue>
  log: Log
  wait: (ms: number) => Promise<void>
}

export class TestRunner {
  readonly #now: () => Date
  readonly #options: TestRunnerOptions

  constructor(now: () => Date, options: TestRunnerOptions) {
    this.#now = now
    this.#options = options
  }

  /**
   * Finishes the test and removes everything, or lets a later run continue.
   * @param release what the request has loaded
   * @throws database errors: the lease expires and the scheduled job continues
   */
  async work(lease: TestLease, budgetMs: number, release?: Release): Promise<void> {
    const { connections, repository, wait } = this.#options
    try {
      const { userId, instanceId } = lease.row
      const connection = await connections.open(userId, instanceId)
      // Deleting the instance deletes its tests.
      if (!connection) return
      const deadlineMs = this.#now().getTime() + budgetMs
      const call = pacedCall({ renewLease: () => lease.renew(), deadlineMs, now: this.#now, wait })
      const given = release && {
        release,
        recorded: await repository.recordedRuns(userId, release.workflowId),
      }
      await new TestSteps(lease, connection, call, this.#now, this.#options).run(given)
    } catch (error) {
      await this.#pause(lease, error).catch((failure: unknown) => {
        if (!(failure instanceof TestLeaseLostError)) throw failure
      })
    }
  }

  async #pause(lease: TestLease, error: unknown): Promise<void> {
    if (error instanceof TestLeaseLostError) return
    if (error instanceof RetryLaterError) return lease.release(error.waitMs)
    if (reasonOf(error) === undefined) throw error
    this.#options.log('warn', 'test-run-interrupted', {
      testRunId: lease.row.id,
      step: lease.row.step,
      errorName: errorNameOf(error),
      ...(error instanceof N8nError && {
        operation: error.operation,
        kind: error.kind,
        status: error.status,
      }),
    })
    await lease.release(backoffAfter(lease.row.attempts))
  }
}

interface Given {
  release: Release
  recorded: readonly unknown[]
}

class TestSteps {
  readonly #lease: TestLease
  readonly #connection: Connection
  readonly #client: Connection['client']
  readonly #call: Call
  readonly #now: () => Date
  readonly #options: TestRunnerOptions
  /** A creation without a response may take effect later. */
  #mayAppear = false

  constructor(
    lease: TestLease,
    connection: Connection,
    call: Call,
    now: () => Date,
    options: TestRunnerOptions,
  ) {
    this.#lease = lease
    this.#connection = connection
    this.#client = connection.client
    this.#call = call
    this.#now = now
    this.#options = options
  }

  async run(given: Given | undefined): Promise<void> {
    if (this.#lease.row.status === 'running') await this.#settle(given)
    await this.#clear()
    if (this.#mayAppear) return this.#lease.release(sweepMs, { n8nWorkflowId: null })
    await this.#lease.release(0, { n8nWorkflowId: null, removedAt: this.#now() })
  }

  /** Ends the test with an error, unless n8n is temporarily unavailable: then a later run continues. */
  async #settle(given: Given | undefined): Promise<void> {
    try {
      await this.#test(given)
    } catch (error) {
      if (error instanceof TestLeaseLostError || error instanceof RetryLaterError) throw error
      this.#mayAppear ||= error instanceof N8nError && error.ambiguous
      const reason = reasonOf(error)
      if (reason === undefined || (isTransient(error) && this.#lease.row.attempts < maxAttempts)) throw error
      await this.#finish({ status: 'error', error: reason })
    }
  }

  async #test(given: Given | undefined): Promise<void> {
    const { row } = this.#lease
    if (this.#now().getTime() - row.createdAt.getTime() > maxAgeMs) {
      throw new AppError('conflict', 'The test did not finish within 15 minutes. Run it again')
    }
    if (row.calledAt === null) {
      // An interrupted attempt may have left something, and its secrets are lost.
      if (row.attempts > 1) await this.#clear()
      await this.#start(given ?? (await this.#load()))
    }
    await this.#collect()
  }

  async #load(): Promise<Given> {
    const { userId, workflowId, instanceId, version } = this.#lease.row
    if (workflowId === null) throw new AppError('conflict', 'The workflow has been deleted')
    const { releases, repository } = this.#options
    const [release, recorded] = await Promise.all([
      releases.find(userId, workflowId, instanceId, version),
      repository.recordedRuns(userId, workflowId),
    ])
    return { release, recorded }
  }

  /** Creates the scratch copy and calls it. */
  async #start({ release, recorded }: Given): Promise<void> {
    const { row } = this.#lease
    const name = scratchNameOf(row.id)
    const [path, secret] = [newSecret(), newSecret()]
    const values = await this.#replayedValues()
    const { settings } = await this.#call(() => this.#client.capabilities())
    const { credentials, authentication } = await this.#createCredentials(name, secret)
    const { scratch, body } = await prepare({
      release,
      recorded,
      replayed: (node) => values && itemsOfRun(values, node),
      name,
      path,
      credentials,
      authentication,
      trigger: row.trigger,
      request: row.request,
      catalogue: await this.#options.loadCatalogue(),
      n8nVersion: this.#connection.instance.n8nVersion,
      acceptedSettings: settings,
    })
    this.#lease.enter('create')
    const created = await this.#call(() => this.#client.createWorkflow(body))
    await this.#lease.save({ n8nWorkflowId: created.id })
    this.#lease.enter('publish')
    await this.#call(() => this.#client.publishWorkflow(created.id))
    this.#lease.enter('run')
    const nodes: TestNode[] = scratch.treated.map((node) => notRun(node, null))
    await this.#lease.save({ calledAt: this.#now(), nodes })
    const given = { trigger: row.trigger, items: row.request.items }
    const items = (values && inputOfRun(values)?.items) ?? inputOf(release, given, row.createdAt)
    await this.#callWebhook(path, authentication ? secret : null, { items, standIns: scratch.standIns })
  }

  /** Of the execution that the test replays; null without one. */
  async #replayedValues(): Promise<StoredValues | null> {
    const { userId, request } = this.#lease.row
    if (request.executionId === undefined) return null
    const stored = await this.#options.runValues.valuesOf(userId, request.executionId)
    if (stored) return stored.values
    throw new AppError('conflict', 'The values of the execution are no longer stored. Replay another one')
  }

  async #callWebhook(path: string, secret: string | null, body: object): Promise<void> {
    const headers: Record<string, string> = secret === null ? {} : { [authHeader]: secret }
    const attempt = () =>
      this.#call(() => this.#client.callWebhook({ path, headers, body, timeoutMs: callMs }))
    const status = await retry(attempt, {
      delayMs: (outcome) => ('value' in outcome && outcome.value === 'not-registered' ? 250 : null),
      budgetMs: startMs,
      wait: this.#options.wait,
      now: () => this.#now().getTime(),
    })
    // A failed run may answer 500, and a Respond to Webhook node with any status.
    if (status === 'not-registered') {
      throw new AppError(
        'conflict',
        'n8n published the scratch copy, but did not start its webhook. Run the test again',
      )
    }
    if (status === 413)
      throw new AppError('conflict', 'The input exceeds what n8n accepts. Send a smaller one')
  }

  /** Copies of the bound credentials, and the one that the webhook requires. */
  async #createCredentials(name: string, secret: string) {
    this.#lease.enter('credentials')
    const { id: testId, userId, request } = this.#lease.row
    const { ownCredentialIds } = await this.#call(() => this.#client.capabilities())
    const credentialIds = copiedIn(request.bindings)
    if (!ownCredentialIds && credentialIds.length > 0) {
      throw new AppError(
        'conflict',
        'This n8n version does not support temporary credentials. Bind a credential that exists in n8n with n8nCredentialId',
      )
    }
    for (const credentialId of credentialIds) {
      const ref = { id: await ownId(testId, credentialId), name }
      await this.#options.remoteCredentials.copy(userId, this.#client, credentialId, ref, this.#call)
    }
    const credentials = await this.#refs(request.bindings, name)
    if (!ownCredentialIds) return { credentials, authentication: null }
    const id = await ownId(testId, authHeader)
    const data = { name: authHeader, value: secret }
    await this.#call(() => this.#client.createCredential({ id, name, type: 'httpHeaderAuth', data }))
    return { credentials, authentication: { id, name } }
  }

  async #refs(bindings: readonly SlotBinding[], name: string): Promise<CredentialRefs> {
    const refs = new Map<string, N8nCredentialRef>()
    for (const binding of bindings) {
      const id =
        'credentialId' in binding
          ? await ownId(this.#lease.row.id, binding.credentialId)
          : binding.n8nCredentialId
      refs.set(identityOf(binding), { id, name: 'credentialId' in binding ? name : binding.type })
    }
    return slotRefs(bindings, (binding: CredentialChoice) => refs.get(identityOf(binding)))
  }

  /** Waits until the run has ended. */
  async #collect(): Promise<void> {
    this.#lease.enter('run')
    const { n8nWorkflowId, calledAt } = this.#lease.row
    const workflowId = n8nWorkflowId ?? ''
    const calledMs = calledAt?.getTime() ?? 0
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 1.5, 2_000)) {
      const { items } = await this.#call(() => this.#client.listExecutions({ workflowId, limit: 5 }))
      const found = items.find(({ status, stoppedAt }) =>
        status === null ? stoppedAt !== null : isFinal(status),
      )
      if (found) {
        const { id } = found
        return this.#record(await this.#call(() => this.#client.getExecution(id, { includeData: true })))
      }
      const elapsedMs = this.#now().getTime() - calledMs
      if (elapsedMs > (runLimitSeconds + 15) * 1000) {
        throw new AppError('conflict', `The run did not end within ${runLimitSeconds} seconds`)
      }
      if (items.length === 0 && elapsedMs > listedMs && !(await this.#isRunning(workflowId))) {
        throw new AppError(
          'conflict',
          'The scratch copy was not called, or its run was not saved. Run the test again',
        )
      }
      await this.#options.wait(waitMs)
    }
  }

  async #isRunning(workflowId: string): Promise<boolean> {
    const running = await this.#call(() => this.#client.listExecutions({ workflowId, status: 'running' }))
    return running.items.length > 0
  }

  async #record(execution: N8nExecution): Promise<void> {
    const treated = (this.#lease.row.nodes ?? []) as TestNode[]
    const values = await this.#replayedValues()
    const found = nodesOfTest(execution, treated)
    const nodes = values ? compared(found, execution, values) : found
    const hasPassed =
      execution.status === 'success' || (execution.status === null && execution.finished === true)
    const durationMs = Date.parse(execution.stoppedAt ?? '') - Date.parse(execution.startedAt ?? '')
    await this.#finish({
      nodes,
      durationMs: Number.isFinite(durationMs) && durationMs >= 0 ? durationMs : null,
      ...(hasPassed
        ? { status: 'passed' as const, error: null }
        : { status: 'failed' as const, error: errorOfTest(execution) }),
    })
  }

  async #finish(
    change: { status: 'passed' | 'failed' | 'error'; error: string | null } & Parameters<
      TestLease['save']
    >[0],
  ): Promise<void> {
    const { items: _, ...request } = this.#lease.row.request
    if (change.status !== 'error') this.#lease.enter(null)
    await this.#lease.save({ ...change, request, finishedAt: this.#now() })
  }

  /** Removes everything that the test may have created. Finds what an interrupted attempt did not record. */
  async #clear(): Promise<void> {
    const { id: testId, n8nWorkflowId, request } = this.#lease.row
    const found = await this.#call(() => this.#client.findWorkflows(scratchNameOf(testId)))
    const ids = new Set(found.map(({ id }) => id))
    if (n8nWorkflowId !== null) ids.add(n8nWorkflowId)
    for (const id of ids) await this.#deleteWorkflow(id)
    const { ownCredentialIds } = await this.#call(() => this.#client.capabilities())
    if (!ownCredentialIds) return
    for (const key of [...copiedIn(request.bindings), authHeader]) {
      await removeCredential(this.#client, await ownId(testId, key), this.#call)
    }
  }

  /** With its executions. Also succeeds when n8n does not have it. */
  async #deleteWorkflow(id: string): Promise<void> {
    const client = this.#client
    const running = await this.#call(() => client.listExecutions({ workflowId: id, status: 'running' }))
    for (const execution of running.items) {
      // n8n ends it at its time limit if the API key may not stop it.
      await this.#call(() => client.stopExecution(execution.id)).catch(
        unless('not-found', 'conflict', 'forbidden', 'rejected', 'server-error'),
      )
    }
    await this.#call(() => client.unpublishWorkflow(id)).catch(unless('not-found'))
    await retry(() => this.#call(() => client.deleteWorkflow(id)), {
      delayMs: (outcome) =>
        'error' in outcome && isN8nError(outcome.error, 'conflict') ? deleteAgainMs : null,
      maxAttempts: deleteTries,
      wait: this.#options.wait,
    }).catch(unless('not-found'))
  }
}

const unless =
  (...kinds: N8nError['kind'][]) =>
  (error: unknown): void => {
    if (!isN8nError(error, ...kinds)) throw error
  }

/** Flowkeep credentials that the test copies to n8n. */
const copiedIn = (bindings: readonly SlotBinding[]): string[] => [
  ...new Set(bindings.flatMap((binding) => ('credentialId' in binding ? [binding.credentialId] : []))),
]

/** 192 bits, safe in a path and a header. */
const newSecret = (): string => base64url.encode(crypto.getRandomValues(new Uint8Array(24)))
