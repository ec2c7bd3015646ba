/** @module Publishes, unpublishes and deletes a workflow in n8n, and waits until the change takes effect. */
import { AppError } from '../../errors.ts'
import type { Connection } from '../../instances/connections.ts'
import { liveNodes, type N8nWorkflow } from '../../n8n/api/shapes.ts'
import { isN8nError, N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { endpointsOf } from '../../n8n/reading/webhook-paths.ts'
import { retry } from '../../lib/retry.ts'
import type { Call } from '../remote/credentials.ts'
import { RetryLaterError, type Run } from './run.ts'

/** n8n starts triggers 0.4 to 1.5 s after it reports success; then webhooks respond. */
const verifyMs = 10_000
/** How long a republish takes. n8n gives no sign when it takes effect. */
const settleMs = 2_000
/** n8n rejects a deletion for about 0.2 s after unpublishing, or longer when the triggers never started. */
const deleteTries = 16
const deleteAgainMs = 500
const deleteLaterMs = 10_000

export interface PublicationTools {
  connection: Connection
  catalogue: Catalogue
  call: Call
  wait: (ms: number) => Promise<void>
  now: () => Date
}

/** Every method @throws {N8nError}, {AppError}, {LeaseLostError}. */
export class Publication {
  readonly #run: Run
  readonly #tools: PublicationTools

  constructor(run: Run, tools: PublicationTools) {
    this.#run = run
    this.#tools = tools
  }

  /**
   * @param version the Flowkeep version that goes live
   * @param versionId publishes this earlier n8n version instead of the draft
   * @throws {N8nError} `rejected`, `conflict` with n8n's reason
   */
  async publish(before: N8nWorkflow, version: number, versionId?: string): Promise<void> {
    this.#run.enter('publish')
    const { catalogue, connection } = this.#tools
    const { client } = connection
    const options = versionId === undefined ? {} : { versionId }
    const published = await this.#tools.call(() => client.publishWorkflow(before.id, options))
    const endpoints = endpointsOf(liveNodes(published), catalogue)
    await this.#run.goLive(version, published.activeVersionId ?? published.versionId, endpoints)
    const isOther = published.activeVersionId !== before.activeVersionId
    // The old trigger count stays, so it cannot confirm this publish.
    if (isOther && before.triggerCount > 0) await this.#tools.wait(settleMs)
  }

  /** Waits until its triggers run. A workflow without triggers of its own is live once it is published. */
  async verify(id: string, isCalled: boolean): Promise<void> {
    this.#run.enter('verify')
    const { connection, call, now, wait } = this.#tools
    const expected = this.#run.row.n8nVersionId
    const check = async () => isLive(await call(() => connection.client.getWorkflow(id)), expected, isCalled)
    const isRunning = await retry(check, {
      delayMs: (outcome, attempt) => {
        const isFinal =
          'value' in outcome
            ? outcome.value
            : !(outcome.error instanceof N8nError) || isN8nError(outcome.error, 'not-found')
        return isFinal ? null : Math.min(250 * 1.6 ** (attempt - 1), 2_000)
      },
      budgetMs: verifyMs,
      wait,
      now: () => now().getTime(),
    })
    if (isRunning) return
    throw new AppError(
      'conflict',
      `n8n published the workflow, but none of its triggers started within ${verifyMs / 1000} s. Check their ` +
        'parameters, such as a cron expression',
    )
  }

  /** Also succeeds when it is not published. */
  async unpublish(id: string): Promise<void> {
    this.#run.enter('unpublish')
    await this.#tools.call(() => this.#tools.connection.client.unpublishWorkflow(id))
    await this.#run.save({ liveSince: null })
  }

  /** Also succeeds when n8n does not have it. */
  async delete(id: string): Promise<void> {
    const { call, connection, wait } = this.#tools
    try {
      await retry(() => call(() => connection.client.deleteWorkflow(id)), {
        delayMs: (outcome) =>
          'error' in outcome && isN8nError(outcome.error, 'conflict') ? deleteAgainMs : null,
        maxAttempts: deleteTries,
        wait,
      })
    } catch (error) {
      if (isN8nError(error, 'not-found')) return
      if (!isN8nError(error, 'conflict')) throw error
      throw new RetryLaterError(
        deleteLaterMs,
        'n8n is still unpublishing the workflow. The scheduled job deletes it afterwards',
      )
    }
  }
}

/** Whether n8n runs that version. `isCalled`: the workflow has no trigger that n8n starts by itself. */
export function isLive(
  { active, activeVersionId, triggerCount }: N8nWorkflow,
  versionId: string | null,
  isCalled: boolean,
): boolean {
  return (
    active && (activeVersionId === null || activeVersionId === versionId) && (isCalled || triggerCount > 0)
  )
}
