/** @module Receives webhook reports: records usable ones and stores the others as dead letters. */
import type { Db } from '../../db/client.ts'
import type { JsonObject } from '../../lib/json-object.ts'
import type { ReportResult } from '../contract.ts'
import { type DeadLetterRepository, deadLetterLimitBytes, type NewDeadLetter } from './dead-letters.ts'
import { recordIncidents } from './incidents.ts'
import { failedRuns, ingest, type OnFailedRuns, type RecordedExecution } from '../record/ingest.ts'
import type { IncomingExecution } from '../record/merge.ts'
import { type ReadPayload, readPayload, reportedRunData } from './payload.ts'
import { captureValues } from '../values/capture.ts'
import type { RunValues } from '../values/repository.ts'
import { cleanJson } from '../record/run-data.ts'

/** Called with the number of recorded or changed executions, after they are committed. Must not throw. */
export type OnRecorded = (executions: number) => void

export class ReportReceiver {
  readonly #db: Db
  readonly #deadLetters: DeadLetterRepository
  readonly #now: () => Date
  readonly #onFailed: OnFailedRuns
  readonly #onRecorded: OnRecorded
  readonly #values: Pick<RunValues, 'store'> | undefined

  constructor(
    db: Db,
    deadLetters: DeadLetterRepository,
    now: () => Date,
    onFailed: OnFailedRuns = () => undefined,
    onRecorded: OnRecorded = () => undefined,
    values?: Pick<RunValues, 'store'>,
  ) {
    this.#db = db
    this.#deadLetters = deadLetters
    this.#now = now
    this.#values = values
    this.#onFailed = onFailed
    this.#onRecorded = onRecorded
  }

  /**
   * Returns after everything is committed. If several items report the same new execution, the first counts as created.
   * @param items parsed JSON, nested at most 100 deep
   * @param times when each item was received; by default now
   * @returns in the order of `items`
   */
  async receive(
    instance: { id: string; userId: string },
    items: unknown[],
    times: Date[] = [],
  ): Promise<ReportResult[]> {
    const now = this.#now()
    const read = items.map((item, index) => readPayload(item, times[index] ?? now))
    const executions = read.flatMap((payload) => (payload.ok && payload.execution ? [payload.execution] : []))
    const itemOf = new Map(read.map((payload, index) => [payload.ok && payload.execution, items[index]]))
    const recorded = await this.record(instance, executions, (execution) =>
      reportedRunData(itemOf.get(execution)),
    )
    const usable = new Map(executions.map((execution, index) => [execution, recorded[index]]))
    const incidents = read.flatMap((payload) => (payload.ok && payload.incident ? [payload.incident] : []))
    const occurred = await recordIncidents(this.#db, instance.id, incidents)
    const incidentOf = new Map(incidents.map((incident, index) => [incident, occurred[index]]))
    const newDeadLetters: NewDeadLetter[] = []
    const announced = new Set<string>()
    const answered = ({ id, created }: { id: string; created: boolean }): ReportResult => {
      const isNew = created && !announced.has(id)
      announced.add(id)
      return { status: isNew ? 202 : 200, id, created: isNew }
    }
    const results = read.map((payload, index): ReportResult => {
      const incident = payload.ok && payload.incident ? incidentOf.get(payload.incident) : undefined
      if (incident) return Object.assign(answered(incident), { incident: true })
      const execution = payload.ok && payload.execution ? usable.get(payload.execution) : undefined
      if (execution) return answered(execution)
      const code = payload.ok ? 'unknown-workflow' : payload.code
      newDeadLetters.push({ ...toDeadLetter(items[index], payload, code), receivedAt: times[index] ?? now })
      return { status: code === 'unknown-workflow' ? 202 : 422, created: false, code }
    })
    if (newDeadLetters.length > 0) await this.#storeDeadLetters(instance, newDeadLetters)
    return results
  }

  /**
   * Records pushed executions without dead letters.
   * @param runDataOf n8n's run data of an execution, for workflows whose owner stores values
   * @returns in the order of `executions`; undefined for executions that match no deployment
   */
  async record(
    instance: { id: string },
    executions: IncomingExecution[],
    runDataOf?: (execution: IncomingExecution) => JsonObject | null,
  ): Promise<(RecordedExecution | undefined)[]> {
    const runData = runDataOf && executions.map(runDataOf)
    const values = this.#values
    const recorded = await ingest(
      this.#db,
      instance.id,
      executions,
      'push',
      values && runData?.some((each) => each !== null)
        ? {
            at: (index, maxBytes) => {
              const data = runData[index]
              return data ? captureValues(data, maxBytes) : null
            },
            store: (runs) => values.store(runs),
          }
        : undefined,
    )
    const runs = new Set(recorded.flatMap((run) => run?.id ?? []))
    if (runs.size > 0) this.#onRecorded(runs.size)
    const failed = failedRuns(executions, recorded)
    if (failed.length > 0) this.#onFailed(failed)
    return recorded
  }

  async #storeDeadLetters(
    instance: { id: string; userId: string },
    newDeadLetters: NewDeadLetter[],
  ): Promise<void> {
    await this.#deadLetters.store(instance, newDeadLetters)
    const unmatched = newDeadLetters.filter((deadLetter) => deadLetter.code === 'unknown-workflow')
    const ids = new Set(unmatched.flatMap((deadLetter) => deadLetter.n8nWorkflowId ?? []))
    if (ids.size > 0) await this.#deadLetters.replayIfMatched(instance, [...ids])
  }
}

function toDeadLetter(item: unknown, payload: ReadPayload, code: string) {
  const about = payload.ok ? (payload.incident ?? payload.execution) : payload
  return {
    code,
    n8nExecutionId: 'n8nExecutionId' in about ? (about.n8nExecutionId ?? null) : null,
    n8nWorkflowId: about.n8nWorkflowId ?? null,
    body: deadLetterBody(item, payload),
  }
}

/** The report as received. If too large, its parsed fields; if it could not be parsed, its beginning. */
function deadLetterBody(item: unknown, payload: ReadPayload): string {
  const text = JSON.stringify(cleanJson(item))
  const sizeBytes = new TextEncoder().encode(text).length
  if (sizeBytes <= deadLetterLimitBytes) return text
  if (!payload.ok) return text.slice(0, deadLetterLimitBytes / 4).toWellFormed()
  if (payload.incident) {
    const { n8nWorkflowId, mode, error, occurredAtMs } = payload.incident
    const { message, node, errorClass } = error
    return JSON.stringify({
      trigger: { mode, error: { message, node, name: errorClass, timestamp: occurredAtMs } },
      workflow: { id: n8nWorkflowId },
    })
  }
  const { startedAtMs, finishedAtMs, errorAtMs, error, status, mode, n8nExecutionId, n8nWorkflowId } =
    payload.execution
  return JSON.stringify({
    executionId: n8nExecutionId,
    workflowId: n8nWorkflowId,
    status,
    mode,
    startedAt: startedAtMs,
    finishedAt: finishedAtMs,
    error: error && { ...error, timestamp: errorAtMs },
    data: { truncated: true, sizeBytes },
  })
}
