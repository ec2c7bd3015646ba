/**
 * @module Whether a run may be started again: which nodes that ran have written something that would be written twice.
 * Known types are looked up, operations read by their names; everything else is unknown, never safe. Pure.
 */
import type { NodeRun } from '../../../executions/node-runs.ts'
import type { WorkflowGraph } from './workflow-graph.ts'

export type Effect = 'none' | 'writes' | 'unknown'

const harmless = new Set([
  ...[
    'set',
    'if',
    'switch',
    'merge',
    'filter',
    'noOp',
    'splitInBatches',
    'splitOut',
    'itemLists',
    'aggregate',
  ],
  ...[
    'sort',
    'limit',
    'removeDuplicates',
    'summarize',
    'compareDatasets',
    'renameKeys',
    'dateTime',
    'crypto',
  ],
  ...['html', 'htmlExtract', 'markdown', 'xml', 'moveBinaryData', 'extractFromFile', 'convertToFile', 'wait'],
  ...['stopAndError', 'stickyNote', 'respondToWebhook', 'rssFeedRead', 'executionData', 'start', 'webhook'],
  ...[
    'agent',
    'chainLlm',
    'chainSummarization',
    'chainRetrievalQa',
    'informationExtractor',
    'textClassifier',
  ],
  ...['sentimentAnalysis', 'toolCalculator', 'toolWikipedia', 'toolThink', 'retrieverVectorStore'],
])
/** Whatever they do, they do by text that anything may stand in. */
const opaque = new Set([
  ...[
    'code',
    'function',
    'functionItem',
    'executeCommand',
    'ssh',
    'executeWorkflow',
    'toolWorkflow',
    'toolCode',
  ],
  ...['graphql', 'n8n', 'mcpClientTool'],
])
const writers = new Set(['emailSend', 'writeBinaryFile', 'readWriteFile'])

const readOperation =
  /^(get|read|search|list|find|fetch|lookup|look|select|download|count|query|retrieve|exists|info|history|export|head|check|validate|load)/i
const writeOperation =
  /^(create|add|append|insert|update|upsert|delete|remove|send|post|put|patch|set|write|upload|move|copy|archive|clear|close|complete|duplicate|edit|execute(?!query)|invite|join|leave|mark|merge|open|publish|push|reply|rename|replace|reset|share|start|stop|submit|trash|untrash)/i

const shortOf = (type: string) => type.split('.').at(-1) ?? type

const textOf = (parameters: unknown, name: string): string | null => {
  if (typeof parameters !== 'object' || parameters === null || !Object.hasOwn(parameters, name)) return null
  const value = (parameters as Record<string, unknown>)[name]
  return typeof value === 'string' && !value.startsWith('=') ? value : null
}

/**
 * What running a node does outside of the run.
 * @param typeVersion as the workflow's JSON gives it
 */
export function effectOf(type: string | null, parameters: unknown, typeVersion?: unknown): Effect {
  if (!type) return 'unknown'
  const isOwn = /^(n8n-nodes-base|@n8n\/n8n-nodes-langchain)\./.test(type)
  const short = shortOf(type)
  if (!isOwn || opaque.has(short)) return 'unknown'
  if (harmless.has(short) || /trigger$/i.test(short)) return 'none'
  if (/^(lm|embeddings|outputParser|textSplitter|document|reranker)(?=[A-Z])/.test(short)) return 'none'
  if (short.startsWith('memory')) return 'writes'
  if (short === 'vectorStoreInMemory') return 'none'
  if (writers.has(short)) return 'writes'
  if (short === 'toolHttpRequest') return requestEffect(parameters, 'method', 'GET')
  if (/^httpRequest(Tool)?$/.test(short)) {
    if (typeof typeVersion !== 'number') return requestEffect(parameters, 'method', null)
    // 1 and 2 have a parameter of another name, and take no notice of this one.
    return typeVersion < 3
      ? requestEffect(parameters, 'requestMethod', null)
      : requestEffect(parameters, 'method', 'GET')
  }
  const operation = textOf(parameters, 'operation') ?? textOf(parameters, 'mode')
  if (operation === null) return 'unknown'
  if (/^executeQuery$/i.test(operation)) return queryEffect(textOf(parameters, 'query'))
  if (readOperation.test(operation)) return 'none'
  return writeOperation.test(operation) ? 'writes' : 'unknown'
}

/** @param byDefault of a node that does not say; null: nobody knows */
function requestEffect(parameters: unknown, name: string, byDefault: string | null): Effect {
  if (typeof parameters !== 'object' || parameters === null) return 'unknown'
  const method = Object.hasOwn(parameters, name) ? textOf(parameters, name) : byDefault
  if (method === null) return 'unknown'
  return /^(GET|HEAD|OPTIONS)$/i.test(method) ? 'none' : 'writes'
}

function queryEffect(query: string | null): Effect {
  if (query === null) return 'unknown'
  const isRead =
    /^\s*select\b/i.test(query) && !/\b(insert|update|delete|into|call|do)\b|;\s*\S|\w\s*\(/i.test(query)
  if (isRead) return 'none'
  return /^\s*(insert|update|delete|merge|truncate)\b/i.test(query) ? 'writes' : 'unknown'
}

export interface RetrySafety {
  verdict: 'safe' | 'writes' | 'unknown'
  /** Sentences. */
  text: string
}

/**
 * @param failedAt the node at which the run ended; n8n's retry goes on from there
 * @param httpStatus what the service answered to it
 */
export function retrySafety(
  nodes: readonly NodeRun[],
  graph: WorkflowGraph,
  failedAt: string | null,
  httpStatus: number | null,
): RetrySafety {
  const effect = (name: string, type: string | null) => {
    const { type: known = null, json } = graph.byName.get(name) ?? {}
    return effectOf(type ?? known, json?.['parameters'], json?.['typeVersion'])
  }
  const earlier = nodes
    .filter(({ name }) => name !== failedAt)
    .map(({ name, type }) => ({ name, effect: effect(name, type) }))
  const failed =
    failedAt === null
      ? null
      : fromFailed(
          failedAt,
          effect(failedAt, nodes.find(({ name }) => name === failedAt)?.type ?? null),
          httpStatus,
          itemsInto(failedAt, nodes, graph),
        )
  const wrote = earlier.filter(({ effect }) => effect === 'writes').map(({ name }) => name)
  const unclear = [
    ...earlier.filter(({ effect }) => effect === 'unknown').map(({ name }) => name),
    ...(failedAt !== null && failed?.isSafe === false ? [failedAt] : []),
  ]
  return {
    verdict: wrote.length > 0 ? 'writes' : unclear.length > 0 ? 'unknown' : 'safe',
    text: [failed?.text, fromStart(wrote, unclear)].filter(Boolean).join(' '),
  }
}

/** How many items a node was given at most; null where that is not known. */
function itemsInto(name: string, nodes: readonly NodeRun[], graph: WorkflowGraph): number | null {
  const before = new Set(graph.before.get(name))
  if (before.has(name)) return null
  const items = nodes.reduce((sum, node) => (before.has(node.name) ? sum + node.items : sum), 0)
  // A report of the user's own may leave them out, and a node that ran was given one.
  return items === 0 ? null : items
}

interface FromFailed {
  text: string
  isSafe: boolean
}

/** A node takes its items one after the other: of many, those before the refused one have been carried out. */
function fromFailed(
  name: string,
  effect: Effect,
  httpStatus: number | null,
  items: number | null,
): FromFailed {
  const unknown = (why: string) => ({ text: `From this node, unknown: ${why}.`, isSafe: false })
  if (effect === 'none') return { text: 'From this node, yes.', isSafe: true }
  if (effect === 'unknown') return unknown(`nobody can tell what ${name} does`)
  if (httpStatus === null || httpStatus < 400 || httpStatus >= 500)
    return unknown(`${name} may have been carried out before it failed`)
  if (items === null) return unknown(`${name} was refused, but may have been carried out for items before`)
  if (items > 1)
    return unknown(`${name} was refused for one of ${items} items, but may have been carried out for others`)
  return { text: 'From this node, yes.', isSafe: true }
}

function fromStart(wrote: string[], unclear: string[]): string {
  if (wrote.length > 0) {
    const also = unclear.length > 0 ? ` Unknown: ${listed(unclear)}.` : ''
    return `From the start, ${listed(wrote)} ${wrote.length === 1 ? 'writes' : 'write'} twice.${also}`
  }
  if (unclear.length > 0) return `From the start, unknown: ${listed(unclear)} ran, which may have written.`
  return 'From the start, yes: no node that ran has written anything.'
}

const maxListed = 4

function listed(names: string[]): string {
  const shown = names.slice(0, maxListed)
  const rest = names.length - shown.length
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`
  const last = shown.at(-1) ?? ''
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${last}` : last
}
