/** @module Labels of triggers and kinds of runs. */
import type { RunKind } from '../../db/schema/executions.ts'
import { typeLabel } from '../../n8n/reading/type-labels.ts'

const modeLabels: Record<string, string> = {
  manual: 'Manual',
  webhook: 'Webhook',
  trigger: 'Trigger',
  retry: 'Retry',
  integrated: 'Sub-workflow',
  internal: 'n8n itself',
  error: 'Error workflow',
  cli: 'Command line',
  evaluation: 'Evaluation',
  chat: 'Chat',
}

/** Labels of kinds of runs. */
export const kindLabels: Record<RunKind, string> = {
  production: 'Production',
  manual: 'Manual',
  sub: 'Sub-workflow',
  error: 'Error workflow',
  superseded: 'Superseded',
}

/** Value and label of each n8n execution mode. */
export const modeChoices: readonly (readonly [string, string])[] = Object.entries(modeLabels)

export const modeWord = (mode: string): string =>
  Object.hasOwn(modeLabels, mode) ? (modeLabels[mode] ?? mode) : mode

/** What started a run: the workflow's trigger if it has only one, otherwise n8n's execution mode. */
export function triggerLabel(mode: string | null, triggerTypes: readonly string[]): string {
  const [only] = triggerTypes
  const isTriggered = mode === 'trigger' || mode === 'webhook'
  if (only && triggerTypes.length === 1 && (isTriggered || mode === null)) return typeLabel(only)
  if (mode === null) return '?'
  return modeWord(mode)
}
