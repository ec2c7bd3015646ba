import { describe, expect, test } from 'vitest'
import type { IncomingExecution } from '../../src/executions/record/merge.ts'
import { nodeCountsOf } from '../../src/executions/record/node-counts.ts'
import { readPayload } from '../../src/executions/reports/payload.ts'

const receivedAt = new Date('2026-11-22T11:00:00.000Z')
const nodeError = {
  name: 'NodeOperationError',
  message: 'Deliberate failure',
  timestamp: Date.parse('2026-11-22T10:52:32.624Z'),
  node: { id: 'w4', name: 'Fail', type: 'n8n-nodes-base.stopAndError', parameters: {} },
  stack: 'NodeOperationError: Deliberate failure\n    at /n8n/node_modules/x.js:1:1',
}
const runData = {
  Webhook: [{ startTime: 1, executionStatus: 'success', data: { main: [[{ json: { a: 1 } }]] } }],
}

const webhookRun = {
  name: 'Webhook',
  type: null,
  status: 'success',
  startedAt: null,
  durationMs: null,
  items: 1,
  runs: 1,
  error: null,
}

function read(item: unknown): IncomingExecution {
  const payload = readPayload(item, receivedAt)
  if (!payload.ok || !payload.execution) throw new Error('No execution was read')
  return payload.execution
}

const report = (more: object) => ({ executionId: '1', workflowId: 'w', status: 'success', ...more })

describe('formats', () => {
  test('the documented report', () => {
    expect(
      read(
        report({
          startedAt: '2026-11-22T10:00:00Z',
          finishedAt: '2026-11-22T10:00:01.5+00:00',
          mode: 'trigger',
          data: { a: 1 },
        }),
      ),
    ).toEqual({
      n8nExecutionId: '1',
      n8nWorkflowId: 'w',
      status: 'success',
      mode: 'trigger',
      n8nVersionId: null,
      retryOf: null,
      startedAtMs: Date.parse('2026-11-22T10:00:00Z'),
      finishedAtMs: Date.parse('2026-11-22T10:00:01.5Z'),
      eventAtMs: Date.parse('2026-11-22T10:00:01.5Z'),
      errorAtMs: null,
      receivedAtMs: receivedAt.getTime(),
      error: null,
      data: { json: '{"a":1}', nodes: null, activity: null, usage: null },
    })
  })

  test("the Error Trigger's data: an error with its own time, without the stack", () => {
    const execution = read({
      execution: {
        id: '13',
        url: 'http://n8n/x',
        error: nodeError,
        lastNodeExecuted: 'Fail',
        mode: 'webhook',
      },
      workflow: { id: '5G1xaTXg4L02Ip7I', name: 'Spike' },
    })
    expect(execution).toMatchObject({
      n8nExecutionId: '13',
      n8nWorkflowId: '5G1xaTXg4L02Ip7I',
      status: 'error',
      mode: 'webhook',
      startedAtMs: null,
      finishedAtMs: null,
      eventAtMs: nodeError.timestamp,
      errorAtMs: nodeError.timestamp,
      error: { message: 'Deliberate failure', node: 'Fail' },
    })
    expect(JSON.stringify(execution)).not.toContain('node_modules')
  })

  test('a report in `execution`, with its workflow inside or next to it', () => {
    const given = { ...report({ status: 'error', error: 'm', finishedAt: '2026-11-22T10:00:01Z' }) }
    const { workflowId, ...rest } = given
    const { executionId: id, ...told } = given
    for (const item of [
      { execution: given },
      { execution: rest, workflow: { id: workflowId } },
      { execution: { ...told, id } },
    ]) {
      expect(read(item)).toEqual(read(given))
    }
    const failed = { executionId: '1', error: 'm' }
    expect(readPayload({ execution: failed, workflow: { id: 'w' } }, receivedAt)).toMatchObject({
      ok: false,
      code: 'missing-status',
      n8nExecutionId: '1',
    })
  })

  test('a crash reported by the Error Trigger', () => {
    const error = { name: 'WorkflowCrashedError', message: 'Workflow did not finish' }
    const item = { execution: { id: 39, error, lastNodeExecuted: 'Slow' }, workflow: { id: 'w' } }
    expect(read(item)).toMatchObject({ n8nExecutionId: '39', status: 'crashed', error: { node: 'Slow' } })
  })

  test("n8n's execution object without data", () => {
    const item = {
      id: '13',
      finished: false,
      mode: 'webhook',
      retryOf: null,
      status: 'error',
      startedAt: '2026-11-22T10:52:32.305Z',
      stoppedAt: '2026-11-22T10:52:32.626Z',
      workflowId: 'w',
      waitTill: null,
    }
    expect(read(item)).toMatchObject({
      status: 'error',
      finishedAtMs: Date.parse(item.stoppedAt),
      error: null,
      data: null,
    })
  })

  test("n8n's execution object with data: finds the error and omits tokens and the execution stack", () => {
    const execution = read({
      id: '13',
      status: 'error',
      workflowId: 'w',
      data: {
        version: 1,
        resultData: { error: nodeError, runData, lastNodeExecuted: 'Fail' },
        executionData: { nodeExecutionStack: ['internal'] },
        resumeToken: 'resume-canary',
      },
    })
    expect(execution.error).toEqual({
      message: 'Deliberate failure',
      node: 'Fail',
      errorClass: 'NodeOperationError',
      httpStatus: null,
    })
    expect(JSON.parse(execution.data?.json ?? '')).toEqual({ nodes: [webhookRun] })
  })

  test('the arguments of the external hook workflow.postExecute', () => {
    const execution = read({
      executionId: '12',
      run: {
        data: { resultData: { runData, lastNodeExecuted: 'Report' } },
        mode: 'webhook',
        startedAt: '2026-11-22T10:52:29.070Z',
        stoppedAt: '2026-11-22T10:52:29.242Z',
        status: 'success',
        finished: true,
      },
      workflow: { id: 'w', name: 'Spike' },
    })
    expect(execution).toMatchObject({
      n8nExecutionId: '12',
      n8nWorkflowId: 'w',
      status: 'success',
      error: null,
      data: {
        json: JSON.stringify({ nodes: [webhookRun] }),
        nodes: nodeCountsOf({ nodes: [webhookRun] }),
      },
    })
  })

  test("a custom report with n8n's run data", () => {
    expect(read(report({ data: { resultData: { runData } } })).data?.json).toBe(
      JSON.stringify({ nodes: [webhookRun] }),
    )
  })

  test('the HTTP status of the service, if n8n reports it', () => {
    const error = {
      name: 'NodeApiError',
      message: 'Authorization failed',
      httpCode: '401',
      node: { name: 'Call' },
    }
    const item = { execution: { id: 39, error }, workflow: { id: 'w' } }
    expect(read(item).error).toEqual({
      message: 'Authorization failed',
      node: 'Call',
      errorClass: 'NodeApiError',
      httpStatus: 401,
    })
  })

  test('a finished run without a status from an old n8n is a success', () => {
    expect(read({ id: 7, finished: true, workflowId: 'w' }).status).toBe('success')
  })
})

describe('returns the code for', () => {
  test.each([
    ['text', 'text', 'not-an-object'],
    ['null', null, 'not-an-object'],
    ['an array', [], 'not-an-object'],
    ['no execution ID', { workflowId: 'w', status: 'success' }, 'missing-execution-id'],
    [
      'the arguments of workflow.preExecute',
      { workflowId: 'w', workflowName: 'x', mode: 'webhook' },
      'missing-execution-id',
    ],
    ['a path as the ID', report({ executionId: '../1' }), 'invalid-execution-id'],
    ['an ID of 65 characters', report({ executionId: 'x'.repeat(65) }), 'invalid-execution-id'],
    ['an ID with a line break', report({ executionId: '1\n' }), 'invalid-execution-id'],
    ['an object as the ID', report({ executionId: {} }), 'invalid-execution-id'],
    ['no workflow ID', { executionId: '1', status: 'success' }, 'missing-workflow-id'],
    ['a workflow ID with a query', report({ workflowId: 'x?y' }), 'invalid-workflow-id'],
    ['no status', { executionId: '1', workflowId: 'w' }, 'missing-status'],
    [
      "a last node's report without a status",
      { executionId: '1', workflowId: 'w', mode: 'production', items: 1 },
      'missing-status',
    ],
    ['an unknown status', report({ status: 'paused' }), 'unknown-status'],
    ['a name that every object inherits', report({ status: 'constructor' }), 'unknown-status'],
    ['a status that is not a string', report({ status: 1 }), 'unknown-status'],
    ['a time without an offset', report({ startedAt: '2026-11-22T10:00:00' }), 'invalid-time'],
    ['infinity', report({ startedAt: 'infinity' }), 'invalid-time'],
    ['the year 999999', report({ finishedAt: '+999999-01-01T00:00:00Z' }), 'invalid-time'],
    ['the year 1970', report({ finishedAt: 0 }), 'invalid-time'],
    ['two days ahead', report({ startedAt: '2026-11-24T11:00:00Z' }), 'invalid-time'],
    ['31 February', report({ startedAt: '2026-02-31T09:00:00Z' }), 'invalid-time'],
    [
      'the 29th of February outside a leap year',
      report({ finishedAt: '2025-02-29T09:00:00Z' }),
      'invalid-time',
    ],
    ['an object as the time', report({ startedAt: {} }), 'invalid-time'],
  ])('%s', (_, item, code) => {
    expect(readPayload(item, receivedAt)).toMatchObject({ ok: false, code })
  })
})

describe('sanitizing', () => {
  test('accepts a clock that is an hour ahead', () => {
    expect(read(report({ startedAt: '2026-11-22T12:00:00Z' })).startedAtMs).toBe(
      Date.parse('2026-11-22T12:00:00Z'),
    )
  })

  test.each([
    ['U+0000', 'a\0b', 'ab'],
    ['an unpaired surrogate', 'a\ud800b', 'a\ufffdb'],
    ['a webhook token', 'sent whk_abcdefghijk away', 'sent [redacted] away'],
    ['a bearer token', 'Authorization: Bearer abc.def', 'Authorization: [redacted]'],
  ])('cleans %s in an error message', (_, message, expected) => {
    expect(read(report({ status: 'error', error: { message } })).error?.message).toBe(expected)
  })

  test('truncates a message at 2,000 characters, never inside a surrogate pair', () => {
    const message =
      read(report({ status: 'error', error: { message: '😀'.repeat(3000) } })).error?.message ?? ''
    expect(message.length).toBeLessThanOrEqual(2000)
    expect(message.isWellFormed()).toBe(true)
  })

  test('removes stacks, secrets in headers and what jsonb cannot store from data', () => {
    const data = {
      'k\0ey': 'a\0\ud800',
      big: 1e308,
      tiny: 5e-324,
      failed: { message: 'm', stack: 's' },
      headers: { Authorization: 'Bearer canary', cookie: 'canary', accept: '*/*' },
      stack: 'of plates',
    }
    expect(JSON.parse(read(report({ data })).data?.json ?? '')).toEqual({
      key: 'a\ufffd',
      big: '1e+308',
      tiny: '5e-324',
      failed: { message: 'm' },
      headers: { Authorization: '[redacted]', cookie: '[redacted]', accept: '*/*' },
      stack: 'of plates',
    })
  })

  test('replaces data over 256 KB by its size', () => {
    expect(read(report({ data: 'x'.repeat(256 * 1024 - 2) })).data?.json.length).toBe(256 * 1024)
    expect(read(report({ data: 'x'.repeat(256 * 1024 - 1) })).data).toEqual({
      json: '{"truncated":true,"sizeBytes":262145}',
      nodes: null,
      activity: null,
      usage: null,
    })
  })
})
