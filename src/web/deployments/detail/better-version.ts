/** @module Whether an earlier version did clearly better than the one that is live: then rolling back is the next step. */
import type { HistoryEntry, VersionRuns } from '../../../deployments/detail-queries.ts'

export interface BetterVersion {
  /** The one to roll back to. */
  version: number
  /** Shares of finished runs, from 0 to 1. */
  share: number
  currentShare: number
}

const minimumRuns = 5
/** Below this the live version counts as failing. */
const badShare = 0.9
const clearly = 0.1

/** The version that was live last before, where both have enough runs to tell; null where there is no reason. */
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
  const isBetter = currentShare < badShare && share >= currentShare + clearly
  return isBetter ? { version: before.version, share, currentShare } : null
}
