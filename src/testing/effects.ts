/**
 * @module What a node does when it runs: whether it changes data outside the workflow. Unknown nodes and operations count as
 * changes. Pure.
 */
import type { FactsOf } from '../check/facts/node-facts.ts'
import { baseOfTool } from '../check/facts/node-types.ts'
import { resolveNode } from '../check/parameters/resolve.ts'
import type { JsonObject } from '../lib/json-object.ts'
import { typeVersion } from '../n8n/catalogue/required-credentials.ts'

/**
 * `none`: works on its input only. `reads`: reads from a service. `answers`: responds to the caller of a webhook. `waits`:
 * waits for a time or a person. `calls`: runs another workflow.
 */
export type Effect = 'none' | 'reads' | 'writes' | 'answers' | 'waits' | 'calls' | 'unknown'

const base = 'n8n-nodes-base.'
const langchain = '@n8n/n8n-nodes-langchain.'

const namesOf = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const inner = namesOf(
  'aggregate compareDatasets compression convertToFile crypto dateTime editImage executionData extractFromFile filter html ' +
    'htmlExtract iCal if itemLists limit markdown merge moveBinaryData noOp removeDuplicates renameKeys set sort ' +
    'splitInBatches splitOut spreadsheetFile stickyNote stopAndError summarize switch timeSaved xml',
)
/** Read something, and have no operation. */
const reading = namesOf(
  'coinGecko hackerNews openThesaurus openWeatherMap quickChart readBinaryFile readBinaryFiles readPDF rssFeedRead',
)
const waiting = namesOf('wait form')
const codes = namesOf('aiTransform code function functionItem')
const innerAi =
  /^(agent|chain\w+|document\w+|embeddings\w+|guardrails|informationExtractor|lm\w+|memoryBufferWindow|outputParser\w+|reranker\w+|sentimentAnalysis|textClassifier|textSplitter\w+|toolCalculator|toolThink)$/
const readingAi =
  /^(retriever(?!Workflow)\w+|toolSearXng|toolSerpApi|toolVectorStore|toolWikipedia|toolWolframAlpha)$/

/** Verbs of operations that only read. */
const readVerb = /^(analyze|check|classify|count|download|fetch|find|get|list|lookup|read|retrieve|search)/i
/** Verbs that change data although the name begins with one that reads, such as `getOrCreate`. */
const writeVerb =
  /(Add|Ack|Append|Assign|Clear|Create|Delete|Execute|Insert|Move|Out|Remove|Replace|Reset|Send|Set|Store|Update|Upsert|Write|In)(?![a-z])/
/** Code that may call a service. */
const callingCode = /\b(axios|fetch|helpers|import|request|require|requests|urllib|XMLHttpRequest)\b/

export const isWorkflowCall = (type: string): boolean =>
  /\.(executeWorkflow|toolWorkflow|retrieverWorkflow)$/.test(type)

/** @param node with an own `type` */
export function effectOf(node: JsonObject & { type: string }, facts: FactsOf): Effect {
  const tool = baseOfTool(node.type)
  if (tool?.form === 'HitlTool') return 'waits'
  const type = tool?.base ?? node.type
  if (isWorkflowCall(type)) return 'calls'
  const short = type.slice(type.lastIndexOf('.') + 1)
  const isBase = type.startsWith(base)
  const isAi = type.startsWith(langchain)
  if (!isBase && !isAi) return 'unknown'
  if (isBase && waiting.has(short)) return 'waits'
  if (isBase && short === 'respondToWebhook') return 'answers'
  if (isBase && inner.has(short)) return 'none'
  if (isBase && reading.has(short)) return 'reads'
  if ((isBase && codes.has(short)) || (isAi && short === 'toolCode')) return effectOfCode(node)
  if (isAi && innerAi.test(short)) return 'none'
  if (isAi && readingAi.test(short)) return 'reads'
  return effectOfOperation(node, short, facts)
}

function effectOfCode({ parameters }: JsonObject): Effect {
  // The letter of an escape, such as `\n`, would be part of the word that follows.
  const code = JSON.stringify(parameters ?? {}).replaceAll(/\\[a-z]/g, ' ')
  return callingCode.test(code) ? 'writes' : 'none'
}

function effectOfOperation(node: JsonObject & { type: string }, short: string, facts: FactsOf): Effect {
  const known = facts.nodeType(node.type)
  const described = known?.describe(typeVersion(node) ?? known.defaultVersion)
  if (!described) return 'unknown'
  const { values } = resolveNode(node, described)
  if (/^(httpRequest|toolHttpRequest)$/.test(short)) {
    const method = values['method'] ?? values['requestMethod'] ?? 'GET'
    return method === 'GET' || method === 'HEAD' ? 'reads' : 'writes'
  }
  if (short.startsWith('vectorStore'))
    return /^(load|retrieve)/.test(String(values['mode'])) ? 'reads' : 'writes'
  const { operation } = values
  if (typeof operation !== 'string') return 'unknown'
  return readVerb.test(operation) && !writeVerb.test(operation) ? 'reads' : 'writes'
}
