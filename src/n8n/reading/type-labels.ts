/** @module English names of node types and of the services that they call, derived from the types. */

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
  emailReadImap: 'Email (IMAP)',
  emailSend: 'The email server',
  formTrigger: 'Form',
  manualTrigger: 'Manual',
  chatTrigger: 'Chat',
}

const shortOf = (type: string): string => type.split('.').at(-1) ?? type

/** `n8n-nodes-base.gmailTrigger` → "Gmail trigger". */
export function typeLabel(type: string): string {
  const short = shortOf(type)
  const known = Object.hasOwn(properNames, short) ? properNames[short] : undefined
  if (known) return known
  const words = short.match(/[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])/g) ?? [short]
  return words
    .map((word, index) => (index === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word.toLowerCase()))
    .join(' ')
}

const ownNodes = new Set([
  'code',
  'function',
  'functionItem',
  'set',
  'if',
  'switch',
  'merge',
  'filter',
  'httpRequest',
  'graphql',
  'executeWorkflow',
  'executeCommand',
  'html',
  'xml',
  'crypto',
  'dateTime',
  'splitInBatches',
  'splitOut',
  'itemLists',
  'aggregate',
  'sort',
  'limit',
  'wait',
  'noOp',
  'stopAndError',
  'respondToWebhook',
  'agent',
])

/** The service that a node calls, at the start of a sentence: "Linear", or "The service" if unknown. */
export function serviceOf(type: string | null): string {
  if (!type || ownNodes.has(shortOf(type))) return 'The service'
  const named = shortOf(type)
    .replace(/^(?:lmChat|lm|embeddings)([A-Z])/, (_prefix, first: string) => first.toLowerCase())
    .replace(/(Trigger|Tool)$/, '')
  return typeLabel(named)
}
