/** @module What nodes and triggers are called in a sentence, from their types alone. */
import type { RunKind } from '../../db/schema/executions.ts'

const properNames: Record<string, string> = {
  httpRequest: 'HTTP request',
  n8nTrigger: 'n8n trigger',
  openAi: 'OpenAI',
  lmChatOpenAi: 'OpenAI model',
  githubTrigger: 'GitHub trigger',
  github: 'GitHub',
  gitlab: 'GitLab',
  hubspot: 'HubSpot',
  hubspotTrigger: 'HubSpot trigger',
  mySql: 'MySQL',
  mongoDb: 'MongoDB',
  postgres: 'Postgres',
  rssFeedRead: 'RSS feed',
  emailReadImap: 'E-mail (IMAP)',
  emailSend: 'The mail server',
  formTrigger: 'Form',
  manualTrigger: 'Started by hand',
  chatTrigger: 'Chat',
}

const shortOf = (type: string): string => type.split('.').at(-1) ?? type

/** `n8n-nodes-base.gmailTrigger` is "Gmail trigger". */
export function typeWords(type: string): string {
  const short = shortOf(type)
  const known = Object.hasOwn(properNames, short) ? properNames[short] : undefined
  if (known) return known
  const words = short.match(/[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])/g) ?? [short]
  return words
    .map((word, index) => (index === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word.toLowerCase()))
    .join(' ')
}

const ownNodes = new Set([
  ...['code', 'function', 'functionItem', 'set', 'if', 'switch', 'merge', 'filter', 'httpRequest', 'graphql'],
  ...['executeWorkflow', 'executeCommand', 'html', 'xml', 'crypto', 'dateTime', 'splitInBatches', 'splitOut'],
  ...['itemLists', 'aggregate', 'sort', 'limit', 'wait', 'noOp', 'stopAndError', 'respondToWebhook', 'agent'],
])

/** The service that a node calls, as the beginning of a sentence: "Linear", or "The service" where none is known. */
export function serviceOf(type: string | null): string {
  if (!type || ownNodes.has(shortOf(type))) return 'The service'
  const named = shortOf(type)
    .replace(/^(?:lmChat|lm|embeddings)([A-Z])/, (_prefix, first: string) => first.toLowerCase())
    .replace(/(Trigger|Tool)$/, '')
  return typeWords(named)
}

const modeWords: Record<string, string> = {
  manual: 'By hand',
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
export const kindWords: Record<RunKind, string> = {
  production: 'Production',
  manual: 'Manual',
  sub: 'Sub-workflow',
  error: 'Error workflow',
  superseded: 'Superseded',
}

/** Value and label of each mode of n8n. */
export const modeChoices: readonly (readonly [string, string])[] = Object.entries(modeWords)

export const modeWord = (mode: string): string =>
  Object.hasOwn(modeWords, mode) ? (modeWords[mode] ?? mode) : mode

/** What started a run: its workflow's trigger where there is only one, else n8n's mode. */
export function triggerWords(mode: string | null, triggerTypes: readonly string[]): string {
  const [only] = triggerTypes
  const isTriggered = mode === 'trigger' || mode === 'webhook'
  if (only && triggerTypes.length === 1 && (isTriggered || mode === null)) return typeWords(only)
  if (mode === null) return '?'
  return modeWord(mode)
}
