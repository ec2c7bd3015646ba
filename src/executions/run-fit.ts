/**
 * @module Which deliveries with one n8n ID are of the same run. n8n gives an ID again once its database is restored or
 * replaced. Pure; the SQL function `run_fit` compares a delivery with a recorded run in the same way.
 *
 * A run belongs to one workflow and ends once. Its start identifies it: exactly when n8n recorded it, else within five
 * minutes, by which clocks may differ. Deliveries without a start are compared by their end, by the time of their error,
 * then by what the error is. A run that succeeded does not fail after its end.
 */
import { isFailure, isFinal, isOpen, merge, type MergeableExecution } from './merge.ts'

/** Deliveries of one run, and what they add up to. */
export interface Run {
  merged: MergeableExecution
  deliveries: MergeableExecution[]
}

/** Ordered: a delivery is of the run that it fits best, then of the latest. */
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
const hourMs = 60 * 60 * 1000

/**
 * The runs that deliveries with one n8n ID are of, oldest first. Only what is certain is merged: the database, which knows
 * earlier deliveries as well, decides the rest.
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

/** When it happened, as far as it is known. */
const orderOf = ({ startedAtMs, finishedAtMs, eventAtMs }: MergeableExecution): number =>
  startedAtMs ?? finishedAtMs ?? eventAtMs

/**
 * @param known a run, or the deliveries of it so far
 * @param isLatest no newer run with the ID is known
 */
// oxlint-disable-next-line complexity -- the checks follow the order of run_fit in SQL
export function fitOf(known: MergeableExecution, incoming: MergeableExecution, isLatest: boolean): RunFit {
  if (known.n8nWorkflowId !== incoming.n8nWorkflowId) return runFit.other
  const isContrary =
    (known.status === 'success' && isFailure(incoming.status)) ||
    (isFailure(known.status) && incoming.status === 'success')
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

  const isBareFailure = isFailure(known.status) && known.startedAtMs === null && known.finishedAtMs === null
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

/** The failure was reported while the run that succeeded was running: n8n took it for lost, and it finished anyway. */
function isDuring(known: MergeableExecution, incoming: MergeableExecution, incomingAtMs: number): boolean {
  const success = known.status === 'success' ? known : incoming
  if (success.startedAtMs === null || (known.startedAtMs !== null && incoming.startedAtMs !== null))
    return false
  const failedAtMs =
    success === incoming ? (known.finishedAtMs ?? errorAtOf(known) ?? known.receivedAtMs) : incomingAtMs
  const endMs = success.finishedAtMs ?? (success === known ? success.eventAtMs : success.receivedAtMs)
  return success.startedAtMs - skewMs <= failedAtMs && failedAtMs <= endMs
}

/** The time that an error without a start or an end was reported with. */
const errorAtOf = ({ status, eventAtMs, receivedAtMs }: MergeableExecution): number | null =>
  status === 'error' && eventAtMs < receivedAtMs ? eventAtMs : null

const isPolled = ({ isStartPolled, mergeKey }: MergeableExecution) => isStartPolled || mergeKey >= '40'

/** Infinite when either is unknown. */
const gap = (a: number | null, b: number | null): number =>
  a === null || b === null ? Infinity : Math.abs(a - b)

const mergeKeyLength = 35
const unknownTrait = '00000000'

/**
 * Of two failures; the process that finds a crash describes it. n8n reports an error once and with its message, node and
 * mode, so that one difference is enough between two such reports, and between any that are more than five minutes apart.
 */
function compareErrors(
  known: MergeableExecution,
  incoming: MergeableExecution,
  isFar: boolean,
): 'same' | 'other' | null {
  const statuses = [known.status, incoming.status]
  if (!statuses.every(isFailure) || statuses.includes('crashed')) return null
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
