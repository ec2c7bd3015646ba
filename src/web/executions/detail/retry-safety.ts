/**
 * @module Whether a run is safe to retry: which nodes have already written data that a retry would write twice. Looks up
 * known node types and classifies operations by name. Everything else is unknown, never safe. Pure.
 */
import { isContainer } from '../../../lib/json-object.ts'
import type { NodeRun } from '../../../executions/record/node-runs.ts'
import type { WorkflowGraph } from '../../../executions/diagnosis/run-graph.ts'

export type Effect = 'none' | 'writes' | 'unknown'

const harmless = new Set([
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
  'sort',
  'limit',
  'removeDuplicates',
  'summarize',
  'compareDatasets',
  'renameKeys',
  'dateTime',
  'crypto',
  'html',
  'htmlExtract',
  'markdown',
  'xml',
  'moveBinaryData',
  'extractFromFile',
  'convertToFile',
  'wait',
  'stopAndError',
  'stickyNote',
  'respondToWebhook',
  'rssFeedRead',
  'executionData',
  'start',
  'webhook',
  'agent',
  'chainLlm',
  'chainSummarization',
  'chainRetrievalQa',
  'informationExtractor',
  'textClassifier',
  'sentimentAnalysis',
  'toolCalculator',
  'toolWikipedia',
  'toolThink',
  'retrieverVectorStore',
])
/** Their effect depends on code or free text, so it is unknown. */
const opaque = new Set([
  'code',
  'function',
  'functionItem',
  'executeCommand',
  'ssh',
  'executeWorkflow',
  'toolWorkflow',
  'toolCode',
  'graphql',
  'n8n',
  'mcpClientTool',
])
const writers = new Set(['emailSend', 'writeBinaryFile', 'readWriteFile'])

const readOperation =
  /^(get|read|search|list|find|fetch|lookup|look|select|download|count|query|retrieve|exists|info|history|export|head|check|validate|load)/i
const writeOperation =
  /^(create|add|append|insert|update|upsert|delete|remove|send|post|put|patch|set|write|upload|move|copy|archive|clear|close|complete|duplicate|edit|execute(?!query)|invite|join|leave|mark|merge|open|publish|push|reply|rename|replace|reset|share|start|stop|submit|trash|untrash)/i

const shortOf = (type: string) => type.split('.').at(-1) ?? type

const textOf = (parameters: unknown, name: string): string | null => {
  if (!isContainer(parameters) || !Object.hasOwn(parameters, name)) return null
  const value = (parameters as Record<string, unknown>)[name]
  return typeof value === 'string' && !value.startsWith('=') ? value : null
}

/**
 * What running a node changes outside the run.
 * @param typeVersion as in the workflow's JSON
 */
export function effectOf(type: string | null, parameters: unknown, typeVersion?: unknown): Effect {
  if (!type) return 'unknown'
  const isBuiltIn = /^(n8n-nodes-base|@n8n\/n8n-nodes-langchain)\./.test(type)
  const short = shortOf(type)
  if (!isBuiltIn || opaque.has(short)) return 'unknown'
  if (harmless.has(short) || /trigger$/i.test(short)) return 'none'
  if (/^(lm|embeddings|outputParser|textSplitter|document|reranker)(?=[A-Z])/.test(short)) return 'none'
  if (short.startsWith('memory')) return 'writes'
  if (short === 'vectorStoreInMemory') return 'none'
  if (writers.has(short)) return 'writes'
  if (short === 'toolHttpRequest') return requestEffect(parameters, 'method', 'GET')
  if (/^httpRequest(Tool)?$/.test(short)) {
    if (typeof typeVersion !== 'number') return requestEffect(parameters, 'method', null)
    // Versions 1 and 2 use `requestMethod` and ignore `method`.
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

/** @param byDefault the method of a node that sets none; null if unknown */
function requestEffect(parameters: unknown, name: string, byDefault: string | null): Effect {
  if (!isContainer(parameters)) return 'unknown'
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
  /** Complete sentences. */
  text: string
}

/**
 * @param failedAt the node that failed the run; n8n's retry resumes there
 * @param httpStatus the service's response to that node
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

/** The maximum number of items that a node received; null if unknown. */
function itemsInto(name: string, nodes: readonly NodeRun[], graph: WorkflowGraph): number | null {
  const before = new Set(graph.before.get(name))
  if (before.has(name)) return null
  const items = nodes.reduce((sum, node) => (before.has(node.name) ? sum + node.items : sum), 0)
  // A custom report may omit item counts, and a node that ran received at least one item.
  return items === 0 ? null : items
}

interface FromFailed {
  text: string
  isSafe: boolean
}

/** A node processes its items in order, so the items before a rejected one are already done. */
function fromFailed(
  name: string,
  effect: Effect,
  httpStatus: number | null,
  items: number | null,
): FromFailed {
  const unknown = (why: string) => ({ text: `From this node: unknown. ${why}.`, isSafe: false })
  if (effect === 'none') return { text: 'From this node: yes.', isSafe: true }
  if (effect === 'unknown') return unknown(`The effect of ${name} is unknown`)
  if (httpStatus === null || httpStatus < 400 || httpStatus >= 500)
    return unknown(`${name} may have completed its request before it failed`)
  if (items === null) return unknown(`${name} was rejected, but may have processed earlier items`)
  if (items > 1)
    return unknown(`${name} was rejected for one of ${items} items, but may have processed others`)
  return { text: 'From this node: yes.', isSafe: true }
}

function fromStart(wrote: string[], unclear: string[]): string {
  if (wrote.length > 0) {
    const also = unclear.length > 0 ? ` Unknown: ${listed(unclear)}.` : ''
    return `From the start: no. ${listed(wrote)} would write twice.${also}`
  }
  if (unclear.length > 0) return `From the start: unknown. ${listed(unclear)} may have written data.`
  return 'From the start: yes. No node has written data.'
}

const maxListed = 4

function listed(names: string[]): string {
  const shown = names.slice(0, maxListed)
  const rest = names.length - shown.length
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`
  const last = shown.at(-1) ?? ''
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${last}` : last
}
