/** @module Receives traces from n8n: records the runs that they contain like reports. */
import type { ReportReceiver } from '../reports/receive.ts'
import { executionOf, partsOf, type PartSpans } from './run-spans.ts'
import type { SpanRepository } from './span-repository.ts'
import type { Span } from './wire.ts'

export class TraceReceiver {
  readonly #spans: Pick<SpanRepository, 'storeAndRead'>
  readonly #reports: Pick<ReportReceiver, 'record'>
  readonly #now: () => Date

  constructor(
    spans: Pick<SpanRepository, 'storeAndRead'>,
    reports: Pick<ReportReceiver, 'record'>,
    now: () => Date,
  ) {
    this.#spans = spans
    this.#reports = reports
    this.#now = now
  }

  /**
   * Returns after everything is committed. Ignores spans of other programs and of workflows without a deployment: n8n
   * exports every run.
   * @returns the number of unusable spans
   */
  async receive(instance: { id: string; userId: string }, spans: Span[]): Promise<number> {
    const { parts, rejected } = partsOf(spans)
    if (parts.length === 0) return rejected
    const stored = await this.#spans.storeAndRead(instance, parts)
    const receivedAt = this.#now()
    const runs = [...byRun([...stored, ...parts]).values()]
    const executions = runs.map((known) => executionOf(known, receivedAt))
    const usable = executions.filter((execution) => execution !== null)
    if (usable.length > 0) await this.#reports.record(instance, usable)
    return rejected + executions.length - usable.length
  }
}

/** Groups the parts by their run. Leaves out the nodes of parts that have not ended. */
function byRun(known: PartSpans[]): Map<string, PartSpans[]> {
  const runOf = new Map(known.flatMap(({ partKey, runKey }) => (runKey === null ? [] : [[partKey, runKey]])))
  const runs = new Map<string, PartSpans[]>()
  for (const each of known) {
    const runKey = runOf.get(each.partKey)
    if (runKey === undefined) continue
    const parts = runs.get(runKey)
    if (parts) parts.push(each)
    else runs.set(runKey, [each])
  }
  return runs
}
