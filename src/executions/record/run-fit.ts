/**
 * @module Determines which deliveries with the same n8n ID belong to the same run. n8n reuses IDs after its database was
 * restored or replaced. Pure; the SQL function `run_fit` compares a delivery with a recorded run in the same way.
 *
 * A run belongs to one workflow and ends once. Its start identifies it: exactly if polled from n8n, else within five
 * minutes, the maximum clock skew. Deliveries without a start are compared by their end, then by the time of their
 * error, then by the error itself. A successful run cannot fail after its end.
 */
import { hourMs } from '../../lib/time.ts'
import { isFinal, isOpen } from '../../runs/meaning.ts'
import { isUnsuccessful, merge, type MergeableExecution } from './merge.ts'

/** The deliveries of one run, and their merge. */
export interface Run {
  merged: MergeableExecution
  deliveries: MergeableExecution[]
}

/** In ascending order. A delivery belongs to the run with the best fit, and to the latest of several. */
export const runFit = {
  other: 0,
  olderIfNewer: 1,
  older: 2,
  possible: 3,
  sameError: 4,
  sameTimes: 5,
} as const
export type RunFit = (typeof runFit)[keyof typeof runFit]

const skewMs = 5 * 60 * 1000
const exactMs = 1000

/**
 * Groups deliveries with one n8n ID into runs, oldest first. Merges only certain matches; the database, which also has
 * earlier deliveries, decides the others.
 */
export function toRuns(deliveries: MergeableExecution[]): Run[] {
  const [first] = deliveries
  if (first && deliveries.length === 1) return [{ merged: first, deliveries }]
  const runs: Run[] = []
  for (const delivery of deliveries.toSorted((a, b) => orderOf(a) - orderOf(b))) {
    const fits = runs.map(({ merged }, index) => {
      const fit = fitOf(merged, delivery, index === runs.length - 1)
      const isCertain = fit >= runFit.sameError || (merged.startedAtMs ?? delivery.startedAtMs) === null
      return isCertain ? fit : runFit.other
    })
    const best = Math.max(runFit.other, ...fits)
    const run = best === runFit.other ? undefined : runs[fits.lastIndexOf(best as RunFit)]
    if (!run) runs.push({ merged: delivery, deliveries: [delivery] })
    else {
      run.merged = merge(run.merged, delivery)
      run.deliveries.push(delivery)
    }
  }
  return runs.toSorted((a, b) => orderOf(a.merged) - orderOf(b.merged))
}

/** The best known time of the run. */
const orderOf = ({ startedAtMs, finishedAtMs, eventAtMs }: MergeableExecution): number =>
  startedAtMs ?? finishedAtMs ?? eventAtMs

/**
 * @param known a run, or the merge of its deliveries so far
 * @param isLatest whether no newer run with the ID is known
 */
// oxlint-disable-next-line complexity -- the checks follow the order of run_fit in SQL
export function fitOf(known: MergeableExecution, incoming: MergeableExecution, isLatest: boolean): RunFit {
  if (known.n8nWorkflowId !== incoming.n8nWorkflowId) return runFit.other
  const isContrary =
    (known.status === 'success' && isUnsuccessful(incoming.status)) ||
    (isUnsuccessful(known.status) && incoming.status === 'success')
  const isRecorded = isPolled(known) && incoming.isStartPolled
  const toleranceMs = isContrary || isRecorded ? exactMs : skewMs
  const incomingAtMs = incoming.finishedAtMs ?? incoming.errorAtMs ?? incoming.receivedAtMs
  const endedAtMs = isFinal(known.status) ? (known.finishedAtMs ?? known.eventAtMs) : null
  const isFar = endedAtMs !== null && Math.abs(incomingAtMs - endedAtMs) > skewMs
  const error = compareErrors(known, incoming, isFar)

  const startGapMs = gap(known.startedAtMs, incoming.startedAtMs)
  if (startGapMs <= toleranceMs) {
    return error === 'other' && startGapMs > exactMs ? runFit.other : runFit.sameTimes
  }
  if (isContrary) return isDuring(known, incoming, incomingAtMs) ? runFit.sameTimes : runFit.other

  const isBareFailure =
    isUnsuccessful(known.status) && known.startedAtMs === null && known.finishedAtMs === null
  const isSameEnd =
    gap(known.finishedAtMs, incoming.finishedAtMs) <= toleranceMs ||
    (isBareFailure && gap(known.eventAtMs, incoming.finishedAtMs) <= skewMs) ||
    (incoming.startedAtMs === null && gap(endedAtMs, incoming.errorAtMs) <= skewMs)
  if (isSameEnd) return error === 'other' ? runFit.other : runFit.sameTimes
  const failedAtMs = isBareFailure ? errorAtOf(known) : null
  if (isFinal(known.status) && isFinal(incoming.status) && incoming.finishedAtMs !== null) {
    const hasOtherEnd = known.startedAtMs === null || incoming.startedAtMs === null
    if ((known.finishedAtMs ?? failedAtMs) !== null && hasOtherEnd) return runFit.other
  }
  if (incoming.startedAtMs === null) {
    if (incoming.errorAtMs !== null && endedAtMs !== null) {
      const failedFrom = known.finishedAtMs ?? failedAtMs
      if (incoming.errorAtMs > endedAtMs) return runFit.other
      if (failedFrom !== null && incoming.errorAtMs < failedFrom) return runFit.other
    }
    if (error === 'other') return runFit.other
    if (isLatest) return error === 'same' ? runFit.sameError : runFit.possible
    if (error === 'same' && !isFar) return runFit.sameError
    return known.status === incoming.status ? runFit.olderIfNewer : runFit.other
  }
  if (!isLatest) return runFit.other
  if (known.startedAtMs === null) {
    if (isOpen(known.status)) return runFit.possible
    const latestStartMs = failedAtMs === null ? known.receivedAtMs + hourMs : failedAtMs + skewMs
    return incoming.startedAtMs <= latestStartMs && error !== 'other' ? runFit.possible : runFit.other
  }
  const earlier = known.startedAtMs < incoming.startedAtMs ? known : incoming
  return isOpen(earlier.status) ? runFit.possible : runFit.other
}

/** Whether the failure was reported during the successful run: n8n considered the run lost, but it finished. */
function isDuring(known: MergeableExecution, incoming: MergeableExecution, incomingAtMs: number): boolean {
  const success = known.status === 'success' ? known : incoming
  if (success.startedAtMs === null || (known.startedAtMs !== null && incoming.startedAtMs !== null))
    return false
  const failedAtMs =
    success === incoming ? (known.finishedAtMs ?? errorAtOf(known) ?? known.receivedAtMs) : incomingAtMs
  const endMs = success.finishedAtMs ?? (success === known ? success.eventAtMs : success.receivedAtMs)
  return success.startedAtMs - skewMs <= failedAtMs && failedAtMs <= endMs
}

/** The reported time of an error without a start or an end. */
const errorAtOf = ({ status, eventAtMs, receivedAtMs }: MergeableExecution): number | null =>
  status === 'error' && eventAtMs < receivedAtMs ? eventAtMs : null

const isPolled = ({ isStartPolled, mergeKey }: MergeableExecution) => isStartPolled || mergeKey >= '40'

/** Infinite if one of the times is unknown. */
const gap = (a: number | null, b: number | null): number =>
  a === null || b === null ? Infinity : Math.abs(a - b)

const mergeKeyLength = 35
const unknownTrait = '00000000'

/**
 * Compares two failures. Ignores crashes, because the process that detects a crash writes its message. n8n reports an
 * error once, with its message, node and mode. One difference is therefore conclusive between two pushed reports, and
 * between any two reports that are more than five minutes apart.
 */
function compareErrors(
  known: MergeableExecution,
  incoming: MergeableExecution,
  isFar: boolean,
): 'same' | 'other' | null {
  const statuses = [known.status, incoming.status]
  if (!statuses.every(isUnsuccessful) || statuses.includes('crashed')) return null
  const [a, b] = [known, incoming].map(({ errorEvidence }) => ({
    isPolled: (errorEvidence ?? '') >= '4',
    traits: Array.from({ length: 4 }, (_, index) => {
      const at = mergeKeyLength + index * 8
      const trait = errorEvidence?.slice(at, at + 8) ?? unknownTrait
      return trait === unknownTrait ? null : trait
    }),
  })) as [Evidence, Evidence]
  const isKnown = a.traits.map((trait, index) => trait !== null && b.traits[index] !== null)
  const differences =
    a.traits.filter((trait, index) => isKnown[index] && trait !== b.traits[index]).length +
    Number(known.status !== incoming.status)
  const [message, node, , mode] = isKnown
  const isConclusive = isFar || (message && node && mode && !a.isPolled && !b.isPolled)
  if (differences > 1 || (differences === 1 && isConclusive)) return 'other'
  return differences === 0 && message ? 'same' : null
}

interface Evidence {
  isPolled: boolean
  traits: (string | null)[]
}
