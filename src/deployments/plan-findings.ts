/** @module All that a plan has found: what would stop it, and what to know. Every check of a plan adds its findings here. */
import type { Finding } from '../n8n/finding.ts'
import { quoted, type ResolvedSlot } from '../workflows/slot-bindings.ts'
import { slotFindings } from './slot-findings.ts'
import type { ConflictSearch } from './webhook-conflicts.ts'

export interface PlanFacts {
  slots: readonly ResolvedSlot[]
  /** What n8n would refuse in the workflow: see `checkStructure`. */
  structure: readonly Finding[]
  webhooks: ConflictSearch
  /** It was in n8n before Flowkeep and is not there any more. */
  isTrackedGone: boolean
  /** n8n neither changes nor publishes an archived workflow. */
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
          `${method} ${path} is a webhook of the published workflow ${quoted(name)}, and n8n publishes one workflow for a ` +
          `path. Change the path, or unpublish that workflow`,
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
  message: 'The instance has many workflows: not all of them were searched for the same webhook paths',
}

const trackedGone: Finding = {
  code: 'n8n-workflow-missing',
  level: 'error',
  pointer: '',
  message:
    'n8n no longer has the workflow that this deployment tracks. Delete the deployment, then deploy the workflow again',
}

const archived: Finding = {
  code: 'n8n-workflow-archived',
  level: 'error',
  pointer: '',
  message: 'The workflow is archived in n8n, which neither changes nor publishes it. Unarchive it there',
}
