/** @module Rows of the conformance table: executions. */
import { expect } from 'vitest'
import {
  EXECUTIONS,
  EXECUTION_KEYS,
  type Json,
  type Row,
  at,
  call,
  create,
  hook,
  keep,
  list,
  live,
  node,
  path,
  publish,
  set,
  workflow,
} from './row.ts'

export const executions: Record<string, Row[]> = {
  executions: [
    create('one that runs well', workflow({ nodes: [hook(path('ok')), set()] }), 200, { check: keep('ok') }),
    publish('published', 'ok', 200),
    create(
      'one that fails',
      workflow({
        nodes: [
          hook(path('fail')),
          node('n8n-nodes-base.stopAndError', 1, { errorMessage: 'Deliberate' }, { name: 'Set' }),
        ],
      }),
      200,
      { check: keep('fail') },
    ),
    publish('published too', 'fail', 200),
    create(
      'one that waits',
      workflow({
        nodes: [
          hook(path('wait')),
          node(
            'n8n-nodes-base.wait',
            1.1,
            { resume: 'timeInterval', amount: 2, unit: 'hours' },
            { name: 'Set' },
          ),
        ],
      }),
      200,
      { check: keep('wait') },
    ),
    publish('published as well', 'wait', 200),
    ...['ok', 'fail', 'wait'].flatMap((key) => [
      live(key),
      { ...call(key, 200), check: (body: Json) => expect(body).toEqual({ message: 'Workflow was started' }) },
    ]),
    call('ok', 200),
    call('ok', 200),
    call('nobody', 404),
    {
      name: 'newest first',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.ok}&status=success`,
      status: 200,
      keys: ['data', 'nextCursor'],
      eventually: true,
      check: (body, memory) => {
        const found = body.data as Json[]
        expect(found).toHaveLength(3)
        expect(Object.keys(found[0] ?? {}).toSorted()).toEqual(EXECUTION_KEYS.toSorted())
        expect(Number(found[0]?.id)).toBeGreaterThan(Number(found[1]?.id))
        memory.execution = String(found[0]?.id)
      },
    },
    {
      name: 'a page of 2',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.ok}&limit=2`,
      status: 200,
      check: (body, memory) => {
        expect(body.data).toHaveLength(2)
        keep('cursor', 'nextCursor')(body, memory)
      },
    },
    {
      name: 'and the rest, by the limit of the cursor',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.ok}&limit=9&cursor=${memory.cursor}`,
      status: 200,
      check: (body) => {
        expect(body.data).toHaveLength(1)
        expect(body.nextCursor).toBeNull()
      },
    },
    {
      name: 'waiting ones are listed',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.wait}`,
      status: 200,
      eventually: true,
      check: (body) => expect(body.data).toMatchObject([{ status: 'waiting', finished: false }]),
    },
    {
      name: 'read',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.execution}`,
      status: 200,
      like: { status: 'success', finished: true, mode: 'webhook', deletedAt: null },
      check: (body) => {
        expect(body).not.toHaveProperty('data')
        expect(body.workflowVersionId).toEqual(expect.any(String))
      },
    },
    {
      name: 'read with data',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.execution}?includeData=true`,
      status: 200,
      check: (body) => {
        expect(body).toMatchObject({ data: { resultData: { runData: {} } }, workflowData: {} })
      },
    },
    {
      name: 'a success retried',
      method: 'POST',
      path: (memory) => `${EXECUTIONS}/${memory.execution}/retry`,
      body: {},
      status: 409,
      keys: ['message'],
    },
    {
      name: 'the failure',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}?workflowId=${memory.fail}&status=error`,
      status: 200,
      eventually: true,
      check: (body, memory) => {
        const [found] = body.data as Json[]
        expect(found).toMatchObject({ status: 'error', finished: false })
        memory.failure = String(found?.id)
      },
    },
    {
      name: 'with its error',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.failure}?includeData=true`,
      status: 200,
      check: (body) =>
        expect(body).toMatchObject({
          data: { resultData: { error: { message: 'Deliberate' }, lastNodeExecuted: 'Set' } },
        }),
    },
    {
      name: 'a failure retried',
      method: 'POST',
      path: (memory) => `${EXECUTIONS}/${memory.failure}/retry`,
      body: {},
      status: 200,
      like: { mode: 'retry', status: 'error' },
    },
    {
      name: 'deleted',
      method: 'DELETE',
      path: (memory) => `${EXECUTIONS}/${memory.execution}`,
      status: 200,
      check: (body) => expect(body.id).toEqual(expect.any(Number)),
    },
    {
      name: 'deleted twice',
      method: 'DELETE',
      path: (memory) => `${EXECUTIONS}/${memory.execution}`,
      status: 404,
    },
    ...['99999999', '99999999999999999999'].map((id) => list(`${EXECUTIONS}/${id}`, 404)),
    ...['abc', '0', '1.5'].map((id) => list(`${EXECUTIONS}/${id}`, 400)),
    list(`${EXECUTIONS}/99999999/retry`, 405),
    ...['status=bogus', 'limit=-1', 'limit=x', 'cursor=zz', 'includeData=x', 'startedAfter=x'].map((query) =>
      list(`${EXECUTIONS}?${query}`, 400),
    ),
    ...[
      'limit=251',
      'foo=1',
      'workflowId=nope',
      'startedAfter=2020-01-01T00:00:00.000Z',
      'status=running',
    ].map((query) => list(`${EXECUTIONS}?${query}`)),
    {
      name: 'nothing before 2020',
      method: 'GET',
      path: `${EXECUTIONS}?startedBefore=2020-01-01T00:00:00.000Z`,
      status: 200,
      check: (body) => expect(body.data).toEqual([]),
    },
    { name: 'unpublished', method: 'POST', path: at('fail', '/unpublish'), status: 200 },
    { name: 'deleted with its workflow', method: 'DELETE', path: at('fail'), status: 200, eventually: true },
    {
      name: 'they are gone',
      method: 'GET',
      path: (memory) => `${EXECUTIONS}/${memory.failure}`,
      status: 404,
    },
  ],
}
