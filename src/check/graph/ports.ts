/** @module The inputs and outputs of a node. Most descriptions list them; the others depend on parameters. */
import { isObject } from '../../lib/json-object.ts'
import { ownValue } from '../../n8n/catalogue/display-options.ts'
import type { ConnectionFacts } from '../facts/node-facts.ts'
import { type CheckedNode, listOf, MAIN } from '../model.ts'

export interface Ports {
  /** Undefined if unknown. */
  inputs: readonly ConnectionFacts[] | undefined
  outputs: readonly ConnectionFacts[] | undefined
}

const cache = new WeakMap<CheckedNode, Ports>()

export function portsOf(node: CheckedNode): Ports {
  let ports = cache.get(node)
  if (!ports) {
    ports = readPorts(node)
    cache.set(node, ports)
  }
  return ports
}

function readPorts(node: CheckedNode): Ports {
  const { facts, json } = node
  if (!facts) return { inputs: undefined, outputs: undefined }
  const inputs = typeof facts.inputs === 'string' ? computedInputs(node) : facts.inputs
  const outputs = typeof facts.outputs === 'string' ? computedOutputs(node) : facts.outputs
  const hasErrors = json.onError === 'continueErrorOutput' && outputs?.some(({ type }) => type === MAIN)
  return { inputs, outputs: hasErrors && outputs ? [...outputs, main] : outputs }
}

const main: ConnectionFacts = { type: MAIN }
const one = (type: string, required = false): ConnectionFacts => ({ type, maxConnections: 1, required })
const model: ConnectionFacts = { ...one('ai_languageModel', true), displayName: 'Model' }
const chatModel: ConnectionFacts = { ...model, displayName: 'Chat Model' }
const memory = one('ai_memory')
const tools: ConnectionFacts = { type: 'ai_tool' }
const parser = one('ai_outputParser')
const times = (count: unknown, port: ConnectionFacts): ConnectionFacts[] | undefined =>
  typeof count === 'number' && count >= 0 && count <= 1000
    ? Array.from({ length: count }, () => port)
    : undefined
const when = (condition: boolean, ...ports: ConnectionFacts[]): ConnectionFacts[] => (condition ? ports : [])

function computedInputs(node: CheckedNode): readonly ConnectionFacts[] | undefined {
  const { shortType, version, values } = node
  const get = (name: string) => values.get(name)
  if (shortType.startsWith('vectorStore') || shortType.startsWith('chatHubVectorStore')) {
    const mode = get('mode')
    return [
      one('ai_embedding', true),
      ...when(
        get('useReranker') === true &&
          (mode === 'load' || mode === 'retrieve' || mode === 'retrieve-as-tool'),
        one('ai_reranker', true),
      ),
      ...when(mode === 'insert' || mode === 'load' || mode === 'update', main),
      ...when(mode === 'insert', one('ai_document', true)),
    ]
  }
  switch (shortType) {
    case 'merge':
      return times(get('numberInputs') || 2, main)
    case 'modelSelector':
      return times(get('numberInputs') || 2, model)
    case 'agent':
    case 'agentTool':
    case 'microsoftAgent365Trigger': {
      const agent = version < 2 ? get('agent') : undefined
      const parsesOutput = get('hasOutputParser') ?? true
      return [
        ...when(shortType === 'agent', main),
        chatModel,
        ...when(version >= 2 && get('needsFallback') === true, chatModel),
        ...when(agent !== 'reActAgent' && agent !== 'planAndExecuteAgent', memory),
        ...when(agent !== 'sqlAgent', tools),
        ...when(agent !== 'sqlAgent' && parsesOutput === true, parser),
      ]
    }
    case 'chainLlm':
      return [
        main,
        model,
        ...when(get('needsFallback') === true, model),
        ...when((get('hasOutputParser') ?? true) === true, parser),
      ]
    case 'chainSummarization':
      return [
        main,
        model,
        ...(get('operationMode') === 'documentLoader'
          ? [one('ai_document', true)]
          : when(get('chunkingMode') === 'advanced', one('ai_textSplitter'))),
      ]
    case 'documentDefaultDataLoader':
    case 'documentGithubLoader': {
      const splitting = get('textSplittingMode')
      return when(!splitting || splitting === 'custom', one('ai_textSplitter', true))
    }
    case 'outputParserStructured':
      return when(get('autoFix') === true, model)
    default:
      return serviceInputs(node)
  }
}

/** Nodes of AI services, and nodes that use a model for some operations. */
function serviceInputs({ shortType, version, values }: CheckedNode): readonly ConnectionFacts[] | undefined {
  const get = (name: string) => values.get(name)
  switch (shortType) {
    case 'evaluation': {
      const metric = get('metric')
      const usesModel =
        get('operation') === 'setMetrics' && (metric === 'correctness' || metric === 'helpfulness')
      return [main, ...when(usesModel, one('ai_languageModel'))]
    }
    case 'openAi': {
      const [resource, operation] = [get('resource'), get('operation')]
      if (resource === 'assistant' && operation === 'message') {
        return [main, tools, ...when(get('memory') !== 'threadId', memory)]
      }
      const isText = resource === 'text' && (operation === 'message' || operation === 'response')
      return [main, ...when(isText && get('hideTools') !== 'hide', tools)]
    }
    case 'alibabaCloud':
    case 'anthropic':
    case 'googleGemini':
    case 'minimax':
    case 'moonshot':
    case 'ollama':
      return [main, ...when(get('resource') === 'text' && get('operation') === 'message', tools)]
    case 'guardrails': {
      if (version < 2) return [main, ...when(get('operation') !== 'sanitize', model)]
      const checks = Object.keys(asObject(get('guardrails')))
      const asksModel = ['nsfw', 'topicalAlignment', 'custom', 'jailbreak'].some((each) =>
        checks.includes(each),
      )
      return [main, ...when(asksModel, model)]
    }
    case 'chat':
      return [main, ...when(Boolean(ownValue(get('options'), 'memoryConnection')), memory)]
    case 'chatTrigger': {
      const loads = ownValue(get('options'), 'loadPreviousSession') === 'memory'
      return when(
        loads && (get('mode') === 'hostedChat' || get('mode') === 'webhook'),
        one('ai_memory', true),
      )
    }
    default:
      return undefined
  }
}

function computedOutputs(node: CheckedNode): readonly ConnectionFacts[] | undefined {
  const { shortType, version, values, parameters } = node
  const get = (name: string) => values.get(name)
  if (shortType.startsWith('vectorStore') || shortType.startsWith('chatHubVectorStore')) {
    const mode = get('mode') ?? 'retrieve'
    return [{ type: mode === 'retrieve-as-tool' ? 'ai_tool' : mode === 'retrieve' ? 'ai_vectorStore' : MAIN }]
  }
  switch (shortType) {
    case 'switch': {
      const isExpression = get('mode') === 'expression'
      if (version < 3) {
        return isExpression ? times(get('outputsAmount'), main) : listed(ownValue(get('rules'), 'rules'))
      }
      if (isExpression) return times(get('numberOutputs'), main)
      const extra = ownValue(get('options'), 'fallbackOutput') === 'extra'
      return listed(ownValue(get('rules'), 'values'), extra)
    }
    case 'textClassifier': {
      const categories = ownValue(get('categories'), 'categories')
      return listed(categories, ownValue(get('options'), 'fallback') === 'other')
    }
    case 'sentimentAnalysis': {
      const categories = ownValue(parameters.options, 'categories') ?? 'Positive, Neutral, Negative'
      return typeof categories === 'string' && !categories.startsWith('=')
        ? listed(categories.split(','))
        : undefined
    }
    case 'webhook': {
      const method = get('httpMethod')
      return Array.isArray(method) ? listed(method) : [main]
    }
    case 'respondToWebhook': {
      const both = version === 1.3 || (version >= 1.4 && get('enableResponseOutput') === true)
      return [main, ...when(both, main)]
    }
    case 'evaluation':
      return [main, ...when(get('operation') === 'checkIfEvaluating', main)]
    case 'guardrails':
      return [main, ...when((get('operation') ?? 'classify') === 'classify', main)]
    default:
      return undefined
  }
}

const listed = (list: unknown, isExtra = false): ConnectionFacts[] => [
  ...listOf(list).map(() => main),
  ...when(isExtra, main),
]
const asObject = (value: unknown): object => (isObject(value) ? value : {})
