/** @module Finds an earlier version that did clearly better than the live one, so the page can suggest a rollback. */
import { lowSuccessRate } from '../../../runs/meaning.ts'
import type { HistoryEntry, VersionRuns } from '../../../deployments/detail-queries.ts'

export interface BetterVersion {
  /** The version to roll back to. */
  version: number
  /** Share of finished runs that succeeded, from 0 to 1. */
  share: number
  currentShare: number
}

const minimumRuns = 5
const minimumGain = 0.1

/** Compares with the previous live version that has enough runs. Returns null if there is no reason to roll back. */
export function betterVersion(
  history: readonly Pick<HistoryEntry, 'version'>[],
  runs: ReadonlyMap<number, VersionRuns>,
  current: number,
): BetterVersion | null {
  const shareOf = (version: number): number | null => {
    const { succeeded, failed } = runs.get(version) ?? { succeeded: 0, failed: 0 }
    return succeeded + failed < minimumRuns ? null : succeeded / (succeeded + failed)
  }
  const currentShare = shareOf(current)
  const before = history.find(({ version }) => version !== current && shareOf(version) !== null)
  const share = before ? shareOf(before.version) : null
  if (!before || share === null || currentShare === null) return null
  const isBetter = currentShare < lowSuccessRate && share >= currentShare + minimumGain
  return isBetter ? { version: before.version, share, currentShare } : null
}
