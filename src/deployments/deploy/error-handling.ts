/**
 * @module Decides which error workflow n8n calls for a failed run: the user's own if there is one, else our reporter.
 *
 * n8n calls one error workflow per workflow. Our reporter cannot be chained with the user's: a workflow that starts
 * with an Error Trigger cannot be called by another one ("Missing node to start execution", verified on 2.41.1), and
 * adding nodes to the user's would change its behavior. Workflows with their own error handling are therefore only
 * polled, once a minute (see `executions/poll/schedule.ts`). Pure.
 */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import type { SettingsBefore } from '../../db/schema/deployments.ts'

const errorTrigger = 'n8n-nodes-base.errorTrigger'
const manualTrigger = 'n8n-nodes-base.manualTrigger'

/** n8n's value for "no error workflow": sending it removes the setting. */
export const noErrorWorkflow = 'DEFAULT'

export interface ErrorHandling {
  /** The value of `settings.errorWorkflow` to set in n8n. */
  errorWorkflow: string | null
  /** Its source. `itself`: the workflow's own Error Trigger, which n8n calls only while no error workflow is set. */
  by: 'reporter' | 'workflow' | 'n8n' | 'itself'
}

export interface ErrorHandlingChoice {
  workflow: JsonObject
  /** The version's own error workflow as an ID on this instance; null when it names none. */
  own: string | null
  /** The current settings in n8n. */
  live: JsonObject | null | undefined
  settingsBefore: SettingsBefore | null
  /** False when an earlier deploy left the owner's error handling in place. */
  reportsErrors: boolean
  reporterWorkflowId: string | null
}

export function errorHandlingOf(choice: ErrorHandlingChoice): ErrorHandling {
  const { workflow, own, reporterWorkflowId } = choice
  if (own !== null) return { errorWorkflow: own, by: own === reporterWorkflowId ? 'reporter' : 'workflow' }
  const live = setInN8n(choice)
  if (live !== null) return { errorWorkflow: live, by: 'n8n' }
  if (reportsToItself(workflow)) return { errorWorkflow: null, by: 'itself' }
  return { errorWorkflow: reporterWorkflowId, by: 'reporter' }
}

/** The error workflow that a workflow names; null when it names none. */
export function namedErrorWorkflow(settings: unknown): string | null {
  const named = isObject(settings) ? settings.errorWorkflow : undefined
  return typeof named === 'string' && named !== '' && named !== noErrorWorkflow ? named : null
}

/** The error workflow that a user set in n8n, before the deploy or in place of our reporter. */
function setInN8n({
  live,
  settingsBefore,
  reportsErrors,
  reporterWorkflowId,
}: ErrorHandlingChoice): string | null {
  const before = settingsBefore?.errorWorkflow ?? null
  const now = namedErrorWorkflow(live)
  if (!live || (now !== null && now === reporterWorkflowId)) return before
  return reportsErrors || now === before ? now : null
}

/** Whether it has an Error Trigger and another trigger, so that n8n calls the former when the latter's runs fail. */
function reportsToItself({ nodes }: JsonObject): boolean {
  const types = (Array.isArray(nodes) ? nodes : [])
    .filter(isObject)
    .flatMap(({ type, disabled }) => (disabled === true ? [] : [String(type)]))
  const isOther = (type: string) =>
    type !== errorTrigger && type !== manualTrigger && /trigger|webhook/i.test(type)
  return types.includes(errorTrigger) && types.some(isOther)
}

/** The settings to store before a deploy changes them, so that they can be restored. */
export function settingsToRemember(
  live: JsonObject | null | undefined,
  {
    managed,
    settingsBefore,
    reporterWorkflowId,
  }: {
    managed: boolean
    settingsBefore: SettingsBefore | null
    reporterWorkflowId: string | null
  },
  { by, errorWorkflow }: ErrorHandling,
): SettingsBefore | null {
  const textOf = (key: keyof SettingsBefore) => (typeof live?.[key] === 'string' ? live[key] : null)
  const first: SettingsBefore | null = managed
    ? null
    : {
        errorWorkflow: namedErrorWorkflow(live) === reporterWorkflowId ? null : namedErrorWorkflow(live),
        saveDataSuccessExecution: textOf('saveDataSuccessExecution'),
        saveDataErrorExecution: textOf('saveDataErrorExecution'),
      }
  const known = settingsBefore ?? first
  if (by !== 'n8n' || errorWorkflow === known?.errorWorkflow) return known
  const nothing = { saveDataSuccessExecution: null, saveDataErrorExecution: null }
  return { ...(known ?? nothing), errorWorkflow }
}

/** The settings that restore the state before the deploy; null when there is nothing to restore. */
export function settingsToRestore(
  live: JsonObject | null | undefined,
  settingsBefore: SettingsBefore | null,
  reporterWorkflowId: string | null,
): JsonObject | null {
  const change: JsonObject = {}
  if (reporterWorkflowId !== null && live?.errorWorkflow === reporterWorkflowId) {
    change.errorWorkflow = settingsBefore?.errorWorkflow ?? noErrorWorkflow
  }
  for (const key of ['saveDataSuccessExecution', 'saveDataErrorExecution'] as const) {
    const before = settingsBefore?.[key]
    // n8n has no value that removes these. Without one it saves all, which is also our setting.
    if (before === 'none' && live?.[key] === 'all') change[key] = before
  }
  return Object.keys(change).length > 0 ? change : null
}
