/**
 * @module A local server that answers like the HTTP APIs of OpenAI, Anthropic and Google Gemini, with usage that differs from
 * call to call. Keeps the usage that it reported, as the providers bill it.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Tokens of one response, by what they are billed as. */
export interface BilledCall {
  provider: 'openai' | 'anthropic' | 'gemini'
  model: string
  /** Neither read from nor written to a cache. */
  input: number
  cachedInput: number
  cacheWrite: number
  /** With the thinking. */
  output: number
}

export interface ModelProviders {
  url: string
  calls: BilledCall[]
  /** Whether responses report cached input and thinking. */
  hasCache: boolean
  close: () => Promise<void>
}

type Json = Record<string, unknown>

export async function startModelProviders(): Promise<ModelProviders> {
  const calls: BilledCall[] = []
  const settings = { hasCache: true }
  const bill = (provider: BilledCall['provider'], model: string): BilledCall => {
    const nth = calls.length + 1
    const call = {
      provider,
      model,
      input: 1000 + 37 * nth,
      cachedInput: 0,
      cacheWrite: 0,
      output: 200 + 11 * nth,
    }
    calls.push(call)
    return call
  }
  const answer = (path: string, body: Json): Json | null => {
    const gemini = /^\/v1beta\/(?:models\/)?([^:]+):(generateContent|streamGenerateContent)/.exec(path)
    if (gemini) return geminiAnswer(bill('gemini', gemini[1] ?? ''), settings.hasCache)
    const model = String(body['model'])
    if (path.endsWith('/chat/completions'))
      return chatCompletion(bill('openai', model), body, settings.hasCache)
    if (path.endsWith('/responses')) return openAiResponse(bill('openai', model), settings.hasCache)
    if (path.endsWith('/messages')) return anthropicAnswer(bill('anthropic', model), settings.hasCache)
    return null
  }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      const body = (text === '' ? {} : JSON.parse(text)) as Json
      const path = (request.url ?? '').split('?')[0] ?? ''
      const json = request.method === 'POST' ? answer(path, body) : null
      response.writeHead(json ? 200 : 404, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(json ?? { error: { message: `No such path: ${path}` } }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(settings, {
    url: `http://127.0.0.1:${port}`,
    calls,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  })
}

const openAiName = (model: string) => `${model}-2024-07-18`

function chatCompletion(call: BilledCall, body: Json, hasCache: boolean): Json {
  call.model = openAiName(call.model)
  call.cachedInput = hasCache ? 128 : 0
  const tools = Array.isArray(body['tools']) && body['tools'].length > 0
  const messages = body['messages'] as { role: string }[]
  const asksTool = tools && !messages.some(({ role }) => role === 'tool')
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: call.model,
    choices: [
      {
        index: 0,
        finish_reason: asksTool ? 'tool_calls' : 'stop',
        message: asksTool
          ? {
              role: 'assistant',
              content: null,
              tool_calls: [
                {
                  id: 'call_1',
                  type: 'function',
                  function: {
                    name: (body['tools'] as { function: { name: string } }[])[0]?.function.name,
                    arguments: '{"input":"1 + 1"}',
                  },
                },
              ],
            }
          : { role: 'assistant', content: 'An answer.' },
      },
    ],
    usage: {
      prompt_tokens: call.input + call.cachedInput,
      completion_tokens: call.output,
      total_tokens: call.input + call.cachedInput + call.output,
      prompt_tokens_details: { cached_tokens: call.cachedInput },
      completion_tokens_details: { reasoning_tokens: 64 },
    },
  }
}

function openAiResponse(call: BilledCall, hasCache: boolean): Json {
  call.model = openAiName(call.model)
  call.cachedInput = hasCache ? 256 : 0
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    model: call.model,
    output: [
      {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'An answer.', annotations: [] }],
      },
    ],
    usage: {
      input_tokens: call.input + call.cachedInput,
      input_tokens_details: { cached_tokens: call.cachedInput },
      output_tokens: call.output,
      output_tokens_details: { reasoning_tokens: 64 },
      total_tokens: call.input + call.cachedInput + call.output,
    },
  }
}

function anthropicAnswer(call: BilledCall, hasCache: boolean): Json {
  call.cachedInput = hasCache ? 300 : 0
  call.cacheWrite = hasCache ? 90 : 0
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: call.model,
    content: [{ type: 'text', text: 'An answer.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: call.input,
      cache_creation_input_tokens: call.cacheWrite,
      cache_read_input_tokens: call.cachedInput,
      output_tokens: call.output,
      service_tier: 'standard',
    },
  }
}

function geminiAnswer(call: BilledCall, hasCache: boolean): Json {
  call.cachedInput = hasCache ? 200 : 0
  const thoughts = hasCache ? 50 : 0
  return {
    candidates: [
      { content: { role: 'model', parts: [{ text: 'An answer.' }] }, finishReason: 'STOP', index: 0 },
    ],
    usageMetadata: {
      promptTokenCount: call.input + call.cachedInput,
      cachedContentTokenCount: call.cachedInput,
      candidatesTokenCount: call.output - thoughts,
      thoughtsTokenCount: thoughts,
      totalTokenCount: call.input + call.cachedInput + call.output,
    },
    modelVersion: call.model,
    responseId: 'r1',
  }
}
