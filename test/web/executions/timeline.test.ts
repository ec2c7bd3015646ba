import { describe, expect, test } from 'vitest'
import { layOut, tickLabel, type TimelineInput } from '../../../src/web/executions/detail/timeline.ts'
import { workflowGraph } from '../../../src/executions/diagnosis/run-graph.ts'
import type { NodeRun } from '../../../src/executions/record/node-runs.ts'

const startedAt = '2026-11-22T12:00:00.000Z'
const at = (ms: number) => new Date(Date.parse(startedAt) + ms).toISOString()

const ran = (name: string, ms: number, durationMs: number, more: Partial<NodeRun> = {}): NodeRun => ({
  name,
  type: null,
  status: 'success',
  startedAt: at(ms),
  durationMs,
  items: 1,
  runs: 1,
  error: null,
  ...more,
})
const broke = { status: 'error', error: { message: 'No', httpStatus: 403 } }

const node = (name: string, type = 'n8n-nodes-base.set', more = {}) => ({ name, type, ...more })
const main = (...outputs: string[][]) => ({
  main: outputs.map((targets) => targets.map((target) => ({ node: target, type: 'main', index: 0 }))),
})
const uses = (kind: string, target: string) => ({ [kind]: [[{ node: target, type: kind, index: 0 }]] })

/** Trigger → Check → (Agent → Write | Other → Later), with a model and a tool, plus unconnected nodes. */
const graph = workflowGraph({
  nodes: [
    node('Trigger', 'n8n-nodes-base.webhook'),
    node('Check', 'n8n-nodes-base.if'),
    node('Agent', '@n8n/n8n-nodes-langchain.agent'),
    node('Model', '@n8n/n8n-nodes-langchain.lmChatOpenAi'),
    node('Tool', '@n8n/n8n-nodes-langchain.toolCode'),
    node('Tool model', '@n8n/n8n-nodes-langchain.lmChatOpenAi'),
    node('Unused tool', '@n8n/n8n-nodes-langchain.toolWikipedia'),
    node('Write'),
    node('After write'),
    node('Other'),
    node('Later'),
    node('Off', 'n8n-nodes-base.set', { disabled: true }),
    node('Alone'),
    node('By hand', 'n8n-nodes-base.manualTrigger'),
    node('Note', 'n8n-nodes-base.stickyNote'),
  ],
  connections: {
    Trigger: main(['Check']),
    'By hand': main(['Check']),
    Check: main(['Agent'], ['Other']),
    Agent: main(['Write']),
    Write: main(['After write', 'Off']),
    Other: main(['Later']),
    Model: uses('ai_languageModel', 'Agent'),
    Tool: uses('ai_tool', 'Agent'),
    'Unused tool': uses('ai_tool', 'Agent'),
    'Tool model': uses('ai_languageModel', 'Tool'),
  },
})

const input = (more: Partial<TimelineInput> = {}): TimelineInput => ({
  run: {
    status: 'error',
    startedAt,
    finishedAt: at(1000),
    error: { message: 'No', node: 'Write' },
  },
  nodes: [
    ran('Trigger', 0, 100),
    ran('Check', 100, 0),
    ran('Agent', 100, 400),
    ran('Model', 110, 300, { runs: 12 }),
    ran('Tool', 200, 50),
    ran('Tool model', 210, 20),
    ran('Write', 500, 250, broke),
  ],
  omitted: 0,
  graph,
  now: new Date(at(60_000)),
  ...more,
})
const rowsOf = (more: Partial<TimelineInput> = {}) => layOut(input(more)).rows
const reasons = (more: Partial<TimelineInput> = {}) =>
  Object.fromEntries(rowsOf(more).flatMap(({ name, reason }) => (reason ? [[name, reason]] : [])))

describe('the timeline of a run', () => {
  test('lays nodes out as shares of the whole run', () => {
    const { rows, totalMs, ran: count, nodeCount } = layOut(input())
    expect({ totalMs, count, nodeCount }).toEqual({ totalMs: 1000, count: 7, nodeCount: 14 })
    expect(rows.find(({ name }) => name === 'Write')?.bar).toEqual({ x: 0.5, width: 0.25 })
    expect(rows.find(({ name }) => name === 'Check')?.bar).toEqual({ x: 0.1, width: 0 })
  })

  test('nests sub-nodes under an AI node, two levels deep', () => {
    expect(
      rowsOf()
        .slice(0, 7)
        .map(({ name, depth, isParent }) => [name, depth, isParent]),
    ).toEqual([
      ['Trigger', 0, false],
      ['Check', 0, false],
      ['Agent', 0, true],
      ['Model', 1, false],
      ['Tool', 1, true],
      ['Tool model', 2, false],
      ['Write', 0, false],
    ])
    expect(rowsOf().find(({ name }) => name === 'Model')?.runs).toBe(12)
  })

  test('shows why a node did not run', () => {
    expect(reasons()).toEqual({
      'Unused tool': 'not called',
      'After write': 'not reached',
      Other: 'branch not taken',
      Later: 'branch not taken',
      Off: 'disabled',
      Alone: 'not connected',
      'By hand': 'another trigger started the run',
    })
  })

  test('shows that nodes after an empty output received no items', () => {
    const nodes = input().nodes.map((each) =>
      each.name === 'Write' ? ran('Write', 500, 250, { items: 0 }) : each,
    )
    const run = { ...input().run, status: 'success' as const, error: null }
    expect(reasons({ nodes, run })['After write']).toBe('received no items')
  })

  test('distinguishes the failure that ended the run from one that it continued after', () => {
    const nodes = [ran('Trigger', 0, 100, broke), ran('Write', 500, 250, broke)]
    expect(
      rowsOf({ nodes })
        .slice(0, 2)
        .map(({ state }) => state),
    ).toEqual(['continued', 'fail'])
  })

  test('shows a failure reported without data at its node, and other nodes as unknown', () => {
    const { rows } = layOut(input({ nodes: [] }))
    expect(rows).toHaveLength(14)
    expect(rows.find(({ name }) => name === 'Write')).toMatchObject({
      state: 'fail',
      bar: null,
      reason: null,
    })
    expect(rows.find(({ name }) => name === 'Other')).toMatchObject({ state: 'idle', reason: null })
    expect(rows.find(({ name }) => name === 'Off')).toMatchObject({ state: 'skipped', reason: 'disabled' })
  })

  test('extends the bar of a run in progress to the present', () => {
    const run = { status: 'running' as const, startedAt, finishedAt: null, error: null }
    const { rows, totalMs } = layOut(input({ nodes: [], run }))
    expect(totalMs).toBe(60_000)
    expect(rows[0]).toMatchObject({ state: 'run', bar: { x: 0, width: 1 }, durationMs: 60_000 })
  })

  test.each([
    ['no version JSON', { graph: workflowGraph(null) }],
    ['no times', { nodes: [{ ...ran('Trigger', 0, 0), startedAt: null, durationMs: null }] }],
    ['clocks that disagree', { nodes: [ran('Trigger', -5000, 99_000)] }],
    [
      'a run without times',
      { run: { status: 'error' as const, startedAt: null, finishedAt: null, error: null } },
    ],
    ['a node missing from the version', { nodes: [ran('Renamed', 0, 10)] }],
    [
      'cyclic connections',
      {
        nodes: [ran('A', 0, 1), ran('B', 1, 1)],
        graph: workflowGraph({
          nodes: [node('A'), node('B'), node('C'), node('D')],
          connections: {
            A: uses('ai_tool', 'B'),
            B: uses('ai_tool', 'A'),
            C: main(['D']),
            D: main(['C']),
          },
        }),
      },
    ],
  ])('survives %s', (_what, more) => {
    const { rows, totalMs } = layOut(input(more))
    expect(totalMs).toBeGreaterThanOrEqual(1)
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
    for (const { bar } of rows) {
      if (!bar) continue
      expect(bar.x).toBeGreaterThanOrEqual(0)
      expect(bar.x + bar.width).toBeLessThanOrEqual(1.000_001)
    }
  })

  test('marks a loop on an untaken branch as not taken, and an unconnected loop as not reached', () => {
    const loops = workflowGraph({
      nodes: ['Check', 'Taken', 'Loop', 'Body', 'X', 'Y'].map((name) => node(name)),
      connections: {
        Check: main(['Taken'], ['Loop']),
        Loop: main(['Body']),
        Body: main(['Loop']),
        X: main(['Y']),
        Y: main(['X']),
      },
    })
    const nodes = [ran('Check', 0, 1), ran('Taken', 1, 1)]
    const run = { ...input().run, status: 'success' as const, error: null }
    expect(reasons({ nodes, run, graph: loops })).toEqual({
      Loop: 'branch not taken',
      Body: 'branch not taken',
      X: 'not reached',
      Y: 'not reached',
    })
  })

  test('marks a node as not reached if an unreached node leads to it', () => {
    const joined = workflowGraph({
      nodes: ['Check', 'Taken', 'Other', 'Failed', 'Late', 'Join', 'End'].map((name) => node(name)),
      connections: {
        Check: main(['Failed'], ['Other']),
        Failed: main(['Late']),
        Late: main(['Join']),
        Other: main(['Join']),
        Join: main(['End']),
      },
    })
    const nodes = [ran('Check', 0, 1), ran('Failed', 1, 1, broke)]
    const run = { ...input().run, error: { message: 'No', node: 'Failed' } }
    expect(reasons({ nodes, run, graph: joined })).toMatchObject({
      Other: 'branch not taken',
      Late: 'not reached',
      Join: 'not reached',
      End: 'not reached',
    })
  })

  test.each([
    ['in a chain', 'branch not taken', (next: string) => main([next])],
    ['each a sub-node of the next', 'not connected', (next: string) => uses('ai_tool', next)],
  ])('handles 5,000 nodes in reverse order, %s', (_what, reason, connect) => {
    const names = Array.from({ length: 5_000 }, (_, index) => `N${index}`)
    const chain = workflowGraph({
      nodes: [node('Check'), ...names.toReversed().map((name) => node(name))],
      connections: {
        Check: main([], ['N0']),
        ...Object.fromEntries(names.slice(1).map((name, index) => [`N${index}`, connect(name)])),
      },
    })
    const run = { ...input().run, status: 'success' as const, error: null }
    const { rows } = layOut(input({ nodes: [ran('Check', 0, 1)], run, graph: chain }))
    expect(rows).toHaveLength(5_001)
    expect(rows[1]).toMatchObject({ name: 'N4999', reason })
    expect(layOut(input({ nodes: [], run, graph: chain })).rows).toHaveLength(5_001)
  })

  test.each([
    [3, ['0 ms', '1 ms', '2 ms', '3 ms']],
    [950, ['0 ms', '200 ms', '400 ms', '600 ms', '800 ms']],
    [41_800, ['0 s', '10 s', '20 s', '30 s', '40 s']],
    [372_000, ['0 min', '2 min', '4 min', '6 min']],
    [7_500_000, ['0 h', '0.5 h', '1 h', '1.5 h', '2 h']],
    [40 * 86_400_000, ['0 d', '8 d', '16 d', '24 d', '32 d', '40 d']],
  ])('labels %i ms at round times', (totalMs, labels) => {
    const run = { ...input().run, finishedAt: at(totalMs) }
    const { ticks } = layOut(input({ run, nodes: [] }))
    expect(ticks.map(({ ms }) => tickLabel(ms, totalMs))).toEqual(labels)
  })
})

test.each([
  ['null', null],
  ['no nodes', { connections: { A: { main: [[{ node: 'B' }]] } } }],
  ['invalid nodes', { nodes: [null, 1, 'a', {}, { name: 1, type: 2 }], connections: [] }],
  [
    'malformed connections',
    { nodes: [node('A')], connections: { A: { main: [null, [null, 1, {}]], x: 1 } } },
  ],
])('reads a version with %s as far as possible', (_what, json) => {
  expect(() => workflowGraph(json as Record<string, unknown> | null)).not.toThrow()
})
