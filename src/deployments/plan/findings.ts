/** @module Collects the findings of a plan. */
import type { Finding } from '../../n8n/checks/finding.ts'
import { quoted, type ResolvedSlot } from '../../workflows/slot-bindings.ts'
import { slotFindings } from './slot-findings.ts'
import type { ConflictSearch } from './webhook-conflicts.ts'

export interface PlanFacts {
  slots: readonly ResolvedSlot[]
  /** Findings about the structure of the workflow: see `checkStructure`. */
  structure: readonly Finding[]
  webhooks: ConflictSearch
  /** The tracked workflow was deleted in n8n. */
  isTrackedGone: boolean
  /** The workflow is archived in n8n, which blocks changes and publishing. */
  isArchived: boolean
}

export function planFindings(facts: PlanFacts): Finding[] {
  const { slots, structure, webhooks, isTrackedGone, isArchived } = facts
  return [
    ...structure,
    ...slotFindings(slots),
    ...webhooks.conflicts.map(
      ({ method, path, name }): Finding => ({
        code: 'webhook-path-taken',
        level: 'error',
        pointer: '',
        message:
          `The published workflow ${quoted(name)} already uses the webhook ${method} ${path}. Change the path, or ` +
          'unpublish that workflow',
      }),
    ),
    ...(webhooks.complete ? [] : [searchIncomplete]),
    ...(isTrackedGone ? [trackedGone] : []),
    ...(isArchived ? [archived] : []),
  ]
}

const searchIncomplete: Finding = {
  code: 'webhook-search-incomplete',
  level: 'warning',
  pointer: '',
  message: 'The instance has too many workflows to check all of them for conflicting webhook paths',
}

const trackedGone: Finding = {
  code: 'n8n-workflow-missing',
  level: 'error',
  pointer: '',
  message: 'The tracked workflow was deleted in n8n. Delete the deployment, then deploy the workflow again',
}

const archived: Finding = {
  code: 'n8n-workflow-archived',
  level: 'error',
  pointer: '',
  message: 'The workflow is archived in n8n, so it cannot be changed or published. Unarchive it in n8n',
}
