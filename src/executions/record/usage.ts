/**
 * @module Extracts the tokens that a run's AI nodes used from n8n's run data. A model that is connected to an agent or a
 * chain records `tokenUsage`, or `tokenUsageEstimate` when its provider's response has none. Nodes that call a provider
 * themselves record their total in the metadata of the run (n8n 2.x), and may return the provider's response with its usage.
 * Data may come from a custom sender: invalid numbers count as 0.
 */
import type { NodeUsage } from '../../db/schema/executions.ts'
import { isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { isAiNode, nodeText, runDataOf, startMsOf } from './node-runs.ts'

type Tokens = Omit<NodeUsage, 'node' | 'provider'>

const maxEntries = 200
const maxModelChars = 128
const maxTokens = 1e12

const tokens = (value: unknown): number =>
  typeof value === 'number' && value > 0 ? Math.min(Math.trunc(value), maxTokens) : 0

/**
 * Null when the run used no tokens, and when `data` is not n8n run data.
 * @param workflow with the `nodes` that ran
 * @param startedAt start of the run, ISO 8601: a retry's data begins with the node runs of the original
 */
export function usageOf(data: unknown, workflow: unknown, startedAt: unknown): NodeUsage[] | null {
  const runData = runDataOf(data)
  if (!runData) return null
  const sinceMs = startMsOf(startedAt)
  const found = new Map<string, NodeUsage>()
  // Names and models repeat in loops, and redaction is the expensive part.
  const texts = new Map<string, string | null>()
  const once = (value: unknown, toText: (value: string) => string | null): string | null => {
    if (typeof value !== 'string') return null
    const known = texts.get(value)
    if (known !== undefined) return known
    const text = toText(value)
    texts.set(value, text)
    return text
  }
  let nodes: Map<unknown, JsonObject> | undefined
  for (const [name, runs] of Object.entries(runData)) {
    for (const run of listOf(runs).filter(isObject)) {
      const { startTime, executionTime } = run
      if (typeof startTime === 'number' && startTime + tokens(executionTime) < sinceMs) continue
      const outputs = isObject(run['data']) ? run['data'] : {}
      const metadata = isObject(run['metadata']) ? run['metadata']['tokenUsage'] : undefined
      const total = isObject(metadata) ? metadata : null
      if (!outputs['ai_languageModel'] && !outputs['main'] && !total) continue
      nodes ??= new Map(
        (isObject(workflow) ? listOf(workflow['nodes']) : [])
          .filter(isObject)
          .map((node) => [node['name'], node]),
      )
      const node = nodes.get(name)
      const type = typeof node?.['type'] === 'string' ? node['type'] : ''
      const calls = outputs['ai_languageModel']
        ? callsOfModel(run, outputs['ai_languageModel'])
        : callsOfNode(outputs['main'], total, type)
      for (const call of calls) {
        const model = once(call.model, modelText) ?? once(modelParameter(node), modelText)
        add(found, once(name, nodeText) ?? '', isAiNode(type) ? providerOf(type) : null, { ...call, model })
      }
    }
  }
  return found.size === 0 ? null : [...found.values()]
}

interface Call extends Omit<Required<Tokens>, 'model'> {
  model: unknown
}

const none = { calls: 1, input: 0, output: 0, cached: 0, written: 0, estimated: 0 }

/** A model that is connected to another node. Its prompt tokens include the provider's cache. */
function callsOfModel(run: JsonObject, outputs: unknown): Call[] {
  const [asked] = itemsOf(isObject(run['inputOverride']) ? run['inputOverride']['ai_languageModel'] : null)
  return itemsOf(outputs).flatMap((json) => {
    const { tokenUsage, tokenUsageEstimate } = json
    const usage = isObject(tokenUsage) ? tokenUsage : tokenUsageEstimate
    if (!isObject(usage)) return []
    const input = tokens(usage['promptTokens'])
    const output = tokens(usage['completionTokens'])
    if (input + output === 0) return []
    const estimated = usage === tokenUsage ? 0 : input + output
    const model = modelOfResponse(json['response']) ?? modelOfOptions(asked?.['options'])
    return [{ ...none, input, output, estimated, model }]
  })
}

/**
 * A node that calls a provider itself. Its total counts all requests, as n8n counts them; the responses in its output
 * also tell the model, the cache and the thinking, of the last request for each item.
 */
function callsOfNode(outputs: unknown, total: JsonObject | null, type: string): Call[] {
  if (!total && !returnsResponses(type)) return []
  const items = itemsOf(outputs)
  const responses = items.flatMap((json) => responseUsage(json) ?? responseUsage(json['body']) ?? [])
  if (!total) return responses.map(({ call }) => call)
  const sum = { ...none, model: undefined as unknown, calls: Math.max(1, items.length) }
  let [input, output] = [tokens(total['inputTokens']), tokens(total['outputTokens'])]
  for (const { call, counted } of responses) {
    sum.model ??= call.model
    for (const part of ['input', 'output', 'cached', 'written'] as const) sum[part] += call[part]
    input -= counted.input
    output -= counted.output
  }
  sum.input += Math.max(0, input)
  sum.output += Math.max(0, output)
  return sum.input + sum.output === 0 ? [] : [sum]
}

/** Also requests to a provider by the HTTP Request node. */
const returnsResponses = (type: string): boolean =>
  isAiNode(type) || /^n8n-nodes-base\.httpRequest(Tool)?$/.test(type)

/** @returns also what n8n counts of the response */
function responseUsage(json: unknown): { call: Call; counted: { input: number; output: number } } | null {
  if (!isObject(json)) return null
  const { usage, usageMetadata } = json
  const call: Call = { ...none, model: json['model'] }
  let counted: { input: number; output: number }
  if (isObject(usageMetadata)) {
    // Gemini: the candidates do not include the thinking.
    counted = {
      input: tokens(usageMetadata['promptTokenCount']),
      output: tokens(usageMetadata['candidatesTokenCount']),
    }
    call.input = counted.input
    call.output = counted.output + tokens(usageMetadata['thoughtsTokenCount'])
    call.cached = tokens(usageMetadata['cachedContentTokenCount'])
    call.model = json['modelVersion']
  } else if (isObject(usage)) {
    counted = {
      input: tokens(usage['input_tokens'] ?? usage['prompt_tokens']),
      output: tokens(usage['output_tokens'] ?? usage['completion_tokens']),
    }
    // Anthropic: the input does not include the cache. OpenAI: it does.
    const read = tokens(usage['cache_read_input_tokens'])
    call.written = tokens(usage['cache_creation_input_tokens'])
    call.input = counted.input + read + call.written
    call.output = counted.output
    const details = usage['input_tokens_details'] ?? usage['prompt_tokens_details']
    call.cached = read + (isObject(details) ? tokens(details['cached_tokens']) : 0)
  } else return null
  call.cached = Math.min(call.cached, call.input - call.written)
  return call.input + call.output === 0 ? null : { call, counted }
}

/** The JSON of the items of all outputs: `[[{ json }, …], …]`; an output without items may be null. */
const itemsOf = (outputs: unknown): JsonObject[] =>
  listOf(outputs)
    .flatMap(listOf)
    .flatMap((item) => (isObject(item) && isObject(item['json']) ? [item['json']] : []))

function modelOfResponse(response: unknown): unknown {
  const generations = isObject(response) ? listOf(response['generations']).flatMap(listOf) : []
  const info = isObject(generations[0]) ? generations[0]['generationInfo'] : undefined
  return isObject(info) ? (info['model_name'] ?? info['model']) : undefined
}

const modelOfOptions = (options: unknown): unknown =>
  isObject(options) ? (options['model'] ?? options['modelName'] ?? options['model_name']) : undefined

function modelParameter(node: JsonObject | undefined): unknown {
  const parameters = isObject(node?.['parameters']) ? node['parameters'] : {}
  const value = parameters['model'] ?? parameters['modelId'] ?? parameters['modelName']
  return isObject(value) ? value['value'] : value
}

/** Null for an expression. Gemini's names have a prefix. */
function modelText(value: string): string | null {
  if (value.startsWith('=')) return null
  return nodeText(value.replace(/^models\//, '')).slice(0, maxModelChars) || null
}

/** `@n8n/n8n-nodes-langchain.lmChatOpenAi` → `openai` */
const providerOf = (type: string): string =>
  type
    .slice(type.lastIndexOf('.') + 1)
    .replace(/^lm(Chat)?/, '')
    .toLowerCase()
    .slice(0, 64)

/** Beyond the limit, sums by model without the node, then without the model. */
function add(
  found: Map<string, NodeUsage>,
  node: string,
  provider: string | null,
  call: Omit<Call, 'model'> & { model: string | null },
): void {
  const { model, ...amounts } = call
  const keys = [`${node}\n${model ?? ''}`, `\n${model ?? ''}`, '\n']
  const depth = found.has(keys[0] ?? '') || found.size < maxEntries ? 0 : found.size < maxEntries * 2 ? 1 : 2
  const key = keys[depth] ?? ''
  const entry = found.get(key) ?? {
    ...(depth === 0 && { node }),
    ...(depth === 0 && provider !== null && { provider }),
    ...(depth < 2 && model !== null && { model }),
    calls: 0,
    input: 0,
    output: 0,
  }
  found.set(key, entry)
  for (const [name, amount] of Object.entries(amounts) as [keyof typeof amounts, number][]) {
    if (amount > 0) entry[name] = Math.min((entry[name] ?? 0) + amount, maxTokens)
  }
}
