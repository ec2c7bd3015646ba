import type { WorkflowVersionSummary } from '../../../workflows/contract.ts'
import { countChanges } from './changes.ts'
import type { ListedVersion } from './list.tsx'

/** Success rates of versions are of the last 30 days. */
export const rateDays = 30

/** One more than shown, for what the last one changed. */
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
