/** Any JSON is checked and fixed without a throw, and a second fix changes nothing. */
import { seeded } from '../harness/random.ts'
import { beforeAll, expect, test } from 'vitest'
import { check } from '../../src/check/check.ts'
import { loadParser } from '../../src/check/code/parser.ts'
import { loadFacts } from '../../src/check/facts/load.ts'
import type { FactsOf } from '../../src/check/facts/node-facts.ts'
import { fix } from '../../src/check/fix.ts'
import type { JsonObject } from '../../src/lib/json-object.ts'

/** More with `FUZZ_INPUTS`, others with `FUZZ_SEED`. */
const inputs = Number(process.env['FUZZ_INPUTS'] ?? 400)
const seed = Number(process.env['FUZZ_SEED'] ?? 7)

const types = [
  'webhook',
  'set',
  'if',
  'httpRequest',
  'code',
  'merge',
  'splitInBatches',
  'slack',
  'switch',
  'googleSheets',
  'scheduleTrigger',
  'respondToWebhook',
  'wait',
  'stickyNote',
  'filter',
  'emailSend',
  'nope',
].map((type) => `n8n-nodes-base.${type}`)
const aiTypes = [
  'agent',
  'lmChatOpenAi',
  'memoryBufferWindow',
  'chainLlm',
  'outputParserStructured',
  'toolCode',
  'vectorStoreInMemory',
].map((type) => `@n8n/n8n-nodes-langchain.${type}`)
const strings = [
  '',
  'a',
  '=',
  '={{ }}',
  '={{ $json.a }}',
  '={{',
  "={{ $('A').item.json.b }}",
  '={{ $node["Z"].json }}',
  '{{ $json.x }}',
  '={{ {a:{b:1}} }}',
  '={{ ((((((((( }}',
  'return 1',
  'const a = {',
  '{"a":1}',
  '{ a',
  '__proto__',
  'constructor',
  'true',
  'post',
  'keypair',
  'json',
  '=$json.a',
  'YOUR_API_KEY',
  '\\',
  '\u{1f600}',
  'v2',
  'https://a.test',
  '<b>',
  'A',
  'B',
  'runOnceForEachItem',
]
const keys = [
  'resource',
  'operation',
  'mode',
  'options',
  'assignments',
  'values',
  'conditions',
  'body',
  'headers',
  'query',
  'sendBody',
  'jsonBody',
  'specifyBody',
  'bodyParameters',
  'parameters',
  'url',
  'jsCode',
  'functionCode',
  'rules',
  'documentId',
  'path',
  'responseMode',
  'sessionIdType',
  'hasOutputParser',
  '__proto__',
  'constructor',
  'toString',
  'string',
  'name',
  'value',
  '__rl',
  'id',
  'type',
  'operator',
  'combinator',
  'node',
  'index',
  'main',
  'language',
  'numberInputs',
  'workflowInputs',
  'genericAuthType',
]

function generator(random: () => number) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const value = (depth: number): unknown => {
    const roll = random()
    if (roll < 0.45 || depth > 4) return pick(strings)
    if (roll < 0.6) return pick<unknown>([true, false, null, 0, 1, -1, 2.5, 1e9])
    if (roll < 0.75) return Array.from({ length: Math.floor(random() * 3) }, () => value(depth + 1))
    return object(depth + 1)
  }
  const object = (depth: number): JsonObject =>
    Object.fromEntries(Array.from({ length: Math.floor(random() * 5) }, () => [pick(keys), value(depth)]))
  const odd = (usual: unknown): unknown => (random() < 0.06 ? value(2) : usual)
  const names = ['A', 'B', 'C', 'D', 'E', '__proto__', 'constructor', 'a/b~c', '0']
  const node = () =>
    odd({
      id: odd(String(Math.floor(random() * 6))),
      name: odd(pick(names)),
      type: odd(random() < 0.7 ? pick(types) : pick(aiTypes)),
      typeVersion: odd(pick([1, 1.1, 2, 2.2, 3, 3.4, 4.2, 9, undefined])),
      position: [0, 0],
      parameters: odd(object(0)),
      ...(random() < 0.2 && { onError: odd(pick(['continueErrorOutput', 'nope'])) }),
      ...(random() < 0.1 && { credentials: odd({ slackApi: { id: '1' } }), disabled: odd(true) }),
    })
  const target = () =>
    odd({
      node: odd(pick(names)),
      type: odd(pick(['main', 'ai_tool', 'ai_languageModel'])),
      index: odd(Math.floor(random() * 4)),
    })
  const outputs = () => odd(Array.from({ length: Math.floor(random() * 3) }, () => odd([target(), target()])))
  return (): JsonObject => ({
    name: odd('Fuzz'),
    nodes: odd(Array.from({ length: Math.floor(random() * 8) }, node)),
    connections: odd(
      Object.fromEntries(
        names
          .slice(0, Math.floor(random() * 9))
          .map((name) => [name, odd({ [pick(['main', 'main', 'ai_tool', 'x'])]: outputs() })]),
      ),
    ),
    settings: odd({ executionOrder: odd(pick(['v1', 'v2'])), timezone: odd(pick(['UTC', 'Nope/Nope'])) }),
    ...(random() < 0.1 && { pinData: odd(object(0)) }),
  })
}

let facts: FactsOf

beforeAll(async () => {
  await loadParser()
  facts = await loadFacts([...types, ...aiTypes, 'n8n-nodes-base.openAi'])
})

test(`${inputs} random workflows are checked and fixed without a throw`, { timeout: 3_600_000 }, () => {
  const next = generator(seeded(seed))
  for (let count = 0; count < inputs; count += 1) {
    const workflow = next()
    const text = JSON.stringify(workflow)
    const findings = check(workflow, facts)
    expect(findings.length).toBeLessThanOrEqual(200)
    const { workflow: fixed } = fix(workflow, facts)
    const again = fix(fixed, facts)
    expect(JSON.stringify(again.workflow), text).toBe(JSON.stringify(fixed))
    expect(JSON.stringify(workflow)).toBe(text)
  }
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

test.each([
  null,
  [],
  {},
  { nodes: null },
  { nodes: {}, connections: [] },
  { nodes: [null, 1, 'a', []] },
  { nodes: [{}], connections: { A: 1 }, settings: 'x' },
])('checks %j', (value) => {
  expect(() => check((value ?? {}) as JsonObject, facts)).not.toThrow()
})

test('checks deeply nested parameters', () => {
  let deep: unknown = '={{ $json.a }}'
  for (let depth = 0; depth < 90; depth += 1) deep = { options: deep }
  const workflow = {
    nodes: [{ name: 'A', type: 'n8n-nodes-base.set', typeVersion: 3.4, parameters: deep as JsonObject }],
  }
  expect(() => check(workflow, facts)).not.toThrow()
})
