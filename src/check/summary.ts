/** @module A check in short: the number of findings by level, and the worst ones. */
import { type Finding, type findingLevels, worstFirst } from '../n8n/checks/finding.ts'
import type { CheckedWorkflow } from './run.ts'

export interface CheckSummary {
  n8nVersion: string
  publishable: boolean
  counts: Record<(typeof findingLevels)[number], number>
  worst: Finding[]
}

/** At least this many findings are listed, if there are so many. */
const listed = 5

export function summarizeCheck({ n8nVersion, findings, refusals }: CheckedWorkflow): CheckSummary {
  const counts = { error: 0, warning: 0, hint: 0 }
  for (const { level } of findings) counts[level] += 1
  const worst = findings.toSorted(worstFirst).slice(0, Math.max(counts.error, listed))
  return { n8nVersion, publishable: refusals.size === 0, counts, worst }
}
