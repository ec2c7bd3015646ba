import { describe, expect, test } from 'vitest'
import { summariseRun } from '../../src/executions/record/node-runs.ts'

const summarise = (runData: unknown, workflow?: unknown) =>
  summariseRun({ resultData: { runData } }, workflow)

test('lists each node once, in the order of their first runs, with its type', () => {
  const summary = summarise(
    {
      Call: [
        {
          startTime: Date.parse('2026-11-22T10:00:01Z'),
          executionIndex: 1,
          executionTime: 81,
          executionStatus: 'success',
          data: {
            main: [[{ json: { password: 'canary' } }, { json: {} }], [], null],
            ai_tool: [[{ json: {} }]],
          },
        },
      ],
      Webhook: [
        {
          startTime: Date.parse('2026-11-22T10:00:00Z'),
          executionIndex: 0,
          executionTime: 1,
          executionStatus: 'success',
          data: { main: [[{ json: {} }]] },
        },
      ],
    },
    { nodes: [{ name: 'Call', type: 'n8n-nodes-base.httpRequest' }] },
  )
  expect(summary).toEqual({
    nodes: [
      {
        name: 'Webhook',
        type: null,
        status: 'success',
        startedAt: '2026-11-22T10:00:00.000Z',
        durationMs: 1,
        items: 1,
        runs: 1,
        error: null,
      },
      {
        name: 'Call',
        type: 'n8n-nodes-base.httpRequest',
        status: 'success',
        startedAt: '2026-11-22T10:00:01.000Z',
        durationMs: 81,
        items: 3,
        runs: 1,
        error: null,
      },
    ],
  })
  expect(JSON.stringify(summary)).not.toContain('canary')
})

test('a loop is one node: sums its runs, times and items, and keeps its last error', () => {
  const run = (executionIndex: number, more: object = {}) => ({
    startTime: Date.parse('2026-11-22T10:00:00Z') + executionIndex,
    executionIndex,
    executionTime: 2,
    executionStatus: 'success',
    data: { main: [[{}]] },
    ...more,
  })
  const failure = (message: string) => ({ executionStatus: 'error', data: undefined, error: { message } })
  expect(
    summarise({ Loop: [run(0), run(1, failure('first')), run(2, failure('second')), run(3)] }),
  ).toMatchObject({
    nodes: [
      { status: 'success', durationMs: 8, items: 2, runs: 4, error: { message: 'second', httpStatus: null } },
    ],
  })
})

describe('an error', () => {
  const failed = (error: unknown) => summarise({ Call: [{ executionStatus: 'error', error }] })?.nodes[0]

  test('has the status of the service and the type of the node that it names', () => {
    const error = {
      message: 'Forbidden - Bearer abc.def was refused',
      httpCode: '403',
      stack: 'canary',
      node: { name: 'Call', type: 'n8n-nodes-base.slack', parameters: { token: 'canary' } },
    }
    expect(failed(error)).toMatchObject({
      type: 'n8n-nodes-base.slack',
      error: { message: 'Forbidden - [redacted] was refused', httpStatus: 403 },
    })
    expect(JSON.stringify(failed(error))).not.toContain('canary')
  })

  test.each([
    ['no message', {}, 'No message was given'],
    ['only a description', { message: '', description: 'why' }, 'why'],
    ['a message that is not a string', { message: { a: 1 } }, 'No message was given'],
    ['U+0000 and an unpaired surrogate', { message: 'a\0\ud800' }, 'a\ufffd'],
  ])('%s', (_, error, message) => {
    expect(failed(error)?.error?.message).toBe(message)
  })

  test.each([['x'], [99], [600], [404.5], [null], [{}]])('ignores a status of %s', (httpCode) => {
    expect(failed({ message: 'm', httpCode })?.error?.httpStatus).toBeNull()
  })
})

test.each([
  ['null', null],
  ['text', 'x'],
  ['no result', {}],
  ['a result without runs', { resultData: {} }],
  ['runs as a list', { resultData: { runData: [] } }],
])('%s is not run data', (_, data) => {
  expect(summariseRun(data, undefined)).toBeNull()
})

test('reads malformed runs as far as possible', () => {
  expect(
    summarise({
      None: [],
      Nothing: null,
      Odd: [null, { startTime: 1795345052, executionTime: -1, data: 7 }],
    }),
  ).toEqual({
    nodes: [
      {
        name: 'Odd',
        type: null,
        status: null,
        startedAt: null,
        durationMs: null,
        items: 0,
        runs: 1,
        error: null,
      },
    ],
  })
})

test('counts the nodes beyond 500 as omitted', () => {
  const runData = Object.fromEntries(
    Array.from({ length: 600 }, (_, executionIndex) => [`N${executionIndex}`, [{ executionIndex }]]),
  )
  const summary = summarise(runData)
  expect(summary?.nodes).toHaveLength(500)
  expect(summary?.omittedNodes).toBe(100)
})
