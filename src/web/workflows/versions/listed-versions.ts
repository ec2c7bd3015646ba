import type { WorkflowVersionSummary } from '../../../workflows/contract.ts'
import { countChanges } from './changes.ts'
import type { ListedVersion } from './list.tsx'

/** Success rates cover the last 30 days. */
export const rateDays = 30

/** @param items one more than `shown`, to compare the last one with its predecessor */
export function listVersions(
  items: readonly WorkflowVersionSummary[],
  contents: ReadonlyMap<number, Record<string, unknown>>,
  shown: number,
): ListedVersion[] {
  return items.slice(0, shown).map((version, index): ListedVersion => {
    const [older, newer] = [contents.get(version.version - 1), contents.get(version.version)]
    return {
      version,
      before: items[index + 1] ?? null,
      counts: older && newer ? countChanges(older, newer) : null,
    }
  })
}
