import { describe, expect, test } from 'vitest'
import { captureValues, type StoredValues } from '../../../src/executions/values/capture.ts'
import { inputsOfFailed } from '../../../src/executions/values/read.ts'
import { seeded } from '../../harness/random.ts'
import { plantedSecrets } from './planted-secrets.ts'

const limit = 65_536
const items = (...json: unknown[]) => json.map((each) => ({ json: each, pairedItem: { item: 0 } }))
const ran = (index: number, outputs: unknown[], more: object = {}) => ({
  startTime: 1_790_000_000_000 + index,
  executionIndex: index,
  executionTime: 5,
  source: index === 0 ? [] : [{ previousNode: 'Webhook' }],
  data: { main: outputs },
  ...more,
})
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length

function capture(runData: Record<string, unknown>, maxBytes = limit): StoredValues {
  const values = captureValues(runData, maxBytes)
  if (!values) throw new Error('No values')
  return values
}

const outputOf = ({ nodes }: StoredValues, node: string) =>
  nodes.find(({ name }) => name === node)?.runs.at(-1)?.outputs[0]

describe('stored values', () => {
  test('hold what each node received and returned', () => {
    const values = capture({
      Post: [
        ran(2, [items({ sent: true })], {
          source: [{ previousNode: 'If', previousNodeOutput: 1 }],
          error: { message: 'No channel' },
        }),
      ],
      If: [ran(1, [[], items({ to: 'Ada', amount: 12.5, none: null })])],
      Webhook: [ran(0, [items({ body: { to: 'Ada' } })])],
    })
    expect(values).toEqual({
      trigger: 'Webhook',
      omittedNodes: 0,
      nodes: [
        {
          name: 'Webhook',
          totalRuns: 1,
          runs: [
            {
              run: 0,
              sources: [],
              outputs: [
                {
                  type: 'main',
                  index: 0,
                  total: 1,
                  truncated: false,
                  items: [{ json: { body: { to: 'Ada' } } }],
                },
              ],
            },
          ],
        },
        expect.objectContaining({ name: 'If' }),
        expect.objectContaining({ name: 'Post' }),
      ],
    })
    expect(inputsOfFailed(values, 'Post')).toEqual([
      {
        node: 'If',
        output: 1,
        total: 1,
        truncated: false,
        items: [{ json: { to: 'Ada', amount: 12.5, none: null } }],
      },
    ])
    expect(inputsOfFailed(values, 'Missing')).toEqual([])
  })

  test('name files without their content', () => {
    const file = {
      mimeType: 'text/csv',
      fileName: 'a.csv',
      fileSize: '3 B',
      data: 'YSxi',
      id: 'filesystem:/x',
    }
    const output = outputOf(capture({ Read: [ran(0, [[{ json: {}, binary: { data: file } }]])] }), 'Read')
    expect(output).toEqual({
      type: 'main',
      index: 0,
      total: 1,
      truncated: true,
      items: [{ json: {}, binary: { data: { mimeType: 'text/csv', fileName: 'a.csv', fileSize: '3 B' } } }],
    })
  })

  test('hold the requests and answers of models', () => {
    const asked = { ai_languageModel: [items({ messages: ['Human: Say hello'] })] }
    const values = capture({
      Agent: [ran(0, [items({ output: 'Hello' })])],
      Model: [
        {
          ...ran(1, []),
          source: [],
          inputOverride: asked,
          data: { ai_languageModel: [items({ response: 'Hello' })] },
        },
      ],
    })
    expect(values.trigger).toBe('Agent')
    expect(inputsOfFailed(values, 'Model')).toMatchObject([
      { node: null, items: [{ json: { messages: ['Human: Say hello'] } }] },
    ])
    expect(outputOf(values, 'Model')).toMatchObject({ type: 'ai_languageModel', total: 1 })
  })

  test('of a loop hold the last run of a node, the run that failed, and what both received', () => {
    const loop = Array.from({ length: 50 }, (_, run) => ran(2 * run + 1, [items({ batch: run })]))
    const call = Array.from({ length: 50 }, (_, run) =>
      ran(2 * run + 2, [items({ answer: run })], {
        source: [{ previousNode: 'Loop', previousNodeRun: run }],
        ...(run === 7 && { error: { message: 'Timeout' } }),
      }),
    )
    const values = capture({ Loop: loop, Call: call })
    const stored = values.nodes.map(({ name, totalRuns, runs }) => [
      name,
      totalRuns,
      runs.map(({ run }) => run),
    ])
    expect(stored).toEqual([
      ['Loop', 50, [7, 49]],
      ['Call', 50, [7, 49]],
    ])
    expect(inputsOfFailed(values, 'Call')).toMatchObject([{ items: [{ json: { batch: 7 } }] }])
  })
})

describe('limits of stored values', () => {
  test('mark what is missing', () => {
    const values = capture({
      Many: [ran(0, [items(...Array.from({ length: 30 }, (_, n) => ({ n })))])],
      Long: [ran(1, [items({ text: 'word '.repeat(2000) })])],
      Deep: [ran(2, [items(JSON.parse(`${'{"a":'.repeat(90)}1${'}'.repeat(90)}`))])],
      Short: [ran(3, [items({ text: 'word' })])],
    })
    expect(outputOf(values, 'Many')).toMatchObject({ total: 30, truncated: true })
    expect(outputOf(values, 'Many')?.items).toHaveLength(20)
    expect(outputOf(values, 'Long')).toMatchObject({ truncated: true })
    expect(outputOf(values, 'Long')?.items[0]?.json['text']).toMatch(/^(word ){400}…$/)
    expect(outputOf(values, 'Deep')).toMatchObject({ truncated: true })
    expect(outputOf(values, 'Short')).toMatchObject({ truncated: false })
  })

  test.each([4096, 16_384, 65_536])('hold for any data: %i bytes', (maxBytes) => {
    const random = seeded(maxBytes)
    const pick = (most: number) => Math.floor(random() * most)
    const value = (depth: number): unknown => {
      const kind = pick(depth > 0 ? 6 : 4)
      if (kind === 0) return 'ä\n"'.repeat(pick(random() < 0.05 ? 20_000 : 50))
      if (kind === 1) return pick(1e9)
      if (kind === 2) return null
      if (kind === 3) return random() < 0.5
      if (kind === 4) return Array.from({ length: pick(8) }, () => value(depth - 1))
      return Object.fromEntries(Array.from({ length: pick(9) }, (_, n) => [`k${n}`, value(depth - 1)]))
    }
    for (let round = 0; round < 40; round += 1) {
      const nodes = Object.fromEntries(
        Array.from({ length: 1 + pick(60) }, (_, n) => [
          `Node ${n}`,
          Array.from({ length: 1 + pick(3) }, (__, run) =>
            ran(n * 3 + run, [items(...Array.from({ length: pick(6) }, () => ({ v: value(4) })))], {
              source: n === 0 ? [] : [{ previousNode: `Node ${pick(n)}`, previousNodeRun: pick(3) }],
            }),
          ),
        ]),
      )
      const values = capture(nodes, maxBytes)
      expect(bytes(values)).toBeLessThanOrEqual(maxBytes)
      expect(values.nodes.length + values.omittedNodes).toBe(Object.keys(nodes).length)
      expect(values.nodes[0]?.name).toBe('Node 0')
    }
  })

  test('leave room for the trigger and the failed node', () => {
    const big = () => items(...Array.from({ length: 20 }, () => ({ text: 'x y '.repeat(500) })))
    const others = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`Node ${n}`, [ran(n + 2, [big()])]]),
    )
    const values = capture({
      Webhook: [ran(0, [items({ order: 4711 })])],
      Broken: [ran(1, [], { error: { message: 'No' } })],
      ...others,
    })
    expect(outputOf(values, 'Webhook')?.items).toEqual([{ json: { order: 4711 } }])
    expect(inputsOfFailed(values, 'Broken')).toMatchObject([{ items: [{ json: { order: 4711 } }] }])
    expect(bytes(values)).toBeLessThanOrEqual(limit)
  })

  test('accept what a custom sender invents', () => {
    for (const runs of [null, 'x', [], [null], [{ source: 7, data: { main: [null, 7, [1, 'x']] } }]]) {
      expect(() => captureValues({ Node: runs }, limit)).not.toThrow()
    }
    const proto = JSON.parse('{"__proto__":[{"data":{"main":[[{"json":{"__proto__":{"a":1}}}]]}}]}')
    expect(JSON.stringify(captureValues(proto, limit))).toContain('{"__proto__":{"a":1}}')
    expect(captureValues({}, limit)).toBeNull()
  })
})

describe('secrets in run data', () => {
  test.each(plantedSecrets)('$name', ({ json, secrets }) => {
    const text = JSON.stringify(capture({ Webhook: [ran(0, [items(json)])] }))
    for (const secret of secrets) expect(text).not.toContain(secret)
  })

  test.each(plantedSecrets)('$name, as text in text', ({ json, secrets }) => {
    const body = JSON.stringify({ body: JSON.stringify(json) })
    const text = JSON.stringify(capture({ Webhook: [ran(0, [items({ body })])] }))
    for (const secret of secrets) expect(text).not.toContain(secret)
  })

  test.each(plantedSecrets)('$name, where texts are cut', ({ json, secrets }) => {
    for (let before = 1700; before <= 2000; before += 37) {
      const body = `${'word '.repeat(before / 5)}${JSON.stringify(json)}`
      const text = JSON.stringify(capture({ Webhook: [ran(0, [items({ body })])] }))
      for (const secret of secrets) {
        for (let length = 12; length <= secret.length; length += 4)
          expect(text).not.toContain(secret.slice(0, length))
      }
    }
  })
})
