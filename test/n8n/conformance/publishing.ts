/** @module Rows of the conformance table: publishing. */
import { expect } from 'vitest'
import {
  type Row,
  WORKFLOW_KEYS,
  at,
  call,
  create,
  cron,
  hook,
  keep,
  live,
  node,
  only,
  path,
  publish,
  published,
  set,
  slack,
  without,
  workflow,
} from './row.ts'

export const publishing: Record<string, Row[]> = {
  publishing: [
    create('made', workflow({ nodes: [hook(path('one')), set()] }), 200, {
      check: (body, memory) => {
        keep('one')(body, memory)
        keep('v1', 'versionId')(body, memory)
      },
    }),
    publish('published, and nothing runs yet', 'one', 200, {
      keys: WORKFLOW_KEYS,
      like: { active: true, triggerCount: 0 },
    }),
    live('one'),
    call('one', 200),
    call('one', 404, 'GET'),
    publish('again', 'one', 200, { like: { active: true, triggerCount: 1 } }),
    { name: 'without a body', method: 'POST', path: at('one', '/publish'), status: 200 },
    publish('with what it does not know', 'one', 200, { body: { foo: 1 } }),
    publish('a version that is not there', 'one', 404, { body: { versionId: 'nope' } }),
    {
      name: 'a draft beside it',
      method: 'PUT',
      path: at('one', '?publishIfActive=false'),
      body: workflow({ nodes: [hook(path('two')), set()] }),
      status: 200,
      check: (body, memory) => {
        expect(body.activeVersionId).toBe(memory.v1)
        expect(body.versionId).not.toBe(memory.v1)
      },
    },
    call('one', 200),
    publish('the draft', 'one', 200, { check: (body) => expect(body.activeVersionId).toBe(body.versionId) }),
    call('two', 200),
    call('one', 404),
    publish('the first version again', 'one', 200, { body: {}, check: () => undefined }),
    { name: 'a rollback', method: 'POST', path: at('one', '/publish'), body: {}, status: 200 },
    {
      name: 'an update that n8n cannot publish',
      method: 'PUT',
      path: at('one'),
      body: only(set()),
      status: 400,
      keys: ['message'],
    },
    {
      name: 'is saved all the same',
      method: 'GET',
      path: at('one'),
      status: 200,
      like: { active: true },
      check: (body) => {
        expect(body.nodes).toHaveLength(1)
        expect(body.activeVersionId).not.toBe(body.versionId)
      },
    },
    call('two', 200),
    {
      name: 'an update that publishes',
      method: 'PUT',
      path: at('one'),
      body: workflow({ nodes: [hook(path('three')), set()] }),
      status: 200,
      keys: [...WORKFLOW_KEYS, 'tags'],
      check: (body) => expect(body.activeVersionId).toBe(body.versionId),
    },
    call('three', 200),
    create('another with that path', workflow({ nodes: [hook(path('three')), set()] }), 200, {
      check: keep('rival'),
    }),
    publish('is a conflict', 'rival', 409, { keys: ['message'] }),
    { name: 'and by activating', method: 'POST', path: at('rival', '/activate'), status: 409 },
    create(
      'another with that path and method GET',
      only(hook(path('three'), { parameters: { path: path('three'), httpMethod: 'GET' } })),
      200,
      { check: keep('get') },
    ),
    publish('is none', 'get', 200),
    ...published('the path twice', [hook(path('dup')), hook(path('dup'), { id: 'b', name: 'B' })], 409),
    { name: 'deleting while published', method: 'DELETE', path: at('one'), status: 409, keys: ['message'] },
    {
      name: 'unpublished',
      method: 'POST',
      path: at('one', '/unpublish'),
      status: 200,
      keys: [...WORKFLOW_KEYS, 'shared'],
      like: { active: false, activeVersionId: null, triggerCount: 1 },
    },
    {
      name: 'deleting at once',
      method: 'DELETE',
      path: at('one'),
      status: 409,
      keys: ['message'],
      hurried: true,
    },
    { name: 'unpublished twice', method: 'POST', path: at('one', '/unpublish'), status: 200 },
    { name: 'deleted a little later', method: 'DELETE', path: at('one'), status: 200, eventually: true },
    // Only after the deletion: a call while n8n is still deregistering restores the webhook in n8n's cache, and the path
    // stays in use for every other workflow until n8n restarts.
    call('three', 404),
    publish('and the path is free', 'rival', 200),
    live('rival'),
    {
      name: 'activate is publish',
      method: 'POST',
      path: at('rival', '/activate'),
      status: 200,
      keys: WORKFLOW_KEYS,
    },
    {
      name: 'deactivate is unpublish',
      method: 'POST',
      path: at('rival', '/deactivate'),
      status: 200,
      like: { active: false },
    },
  ],
  'what n8n publishes': [
    ...published('nothing', [], 400),
    ...published('no trigger', [set()], 400),
    ...published('a manual trigger', [node('n8n-nodes-base.manualTrigger', 1)], 400),
    ...published(
      'a manual trigger and a node that waits',
      [node('n8n-nodes-base.manualTrigger', 1), node('n8n-nodes-base.wait', 1.1)],
      200,
    ),
    ...published(
      'a version of a type that has but one',
      [hook(path('u0')), node('n8n-nodes-base.function', 9)],
      200,
    ),
    ...published(
      'a sub-workflow that is not there',
      [
        hook(path('s1')),
        node('n8n-nodes-base.executeWorkflow', 1.2, {
          workflowId: { __rl: true, mode: 'id', value: 'nope' },
        }),
      ],
      400,
    ),
    ...published(
      'a sub-workflow by expression',
      [
        hook(path('s2')),
        node('n8n-nodes-base.executeWorkflow', 1.2, {
          workflowId: { __rl: true, mode: 'id', value: '={{ 1 }}' },
        }),
      ],
      200,
    ),
    ...published(
      'a sub-workflow, disabled',
      [
        hook(path('s3')),
        node(
          'n8n-nodes-base.executeWorkflow',
          1.2,
          { workflowId: { __rl: true, mode: 'id', value: 'nope' } },
          { disabled: true },
        ),
      ],
      200,
    ),
    ...published('a disabled trigger', [hook(path('off'), { disabled: true })], 400),
    ...published('an unknown node type', [hook(path('u1')), node('n8n-nodes-base.nope', 1)], 400),
    ...published(
      'an unknown node type, disabled',
      [hook(path('u2')), node('n8n-nodes-base.nope', 1, {}, { disabled: true })],
      400,
    ),
    ...published('an unknown version', [hook(path('u3')), set({ typeVersion: 99 })], 400),
    ...published('no version', [hook(path('u4')), without(set(), 'typeVersion')], 200),
    ...published('a missing credential', [hook(path('u5')), slack()], 400),
    ...published('a missing credential, disabled', [hook(path('u6')), slack({ disabled: true })], 200),
    ...published(
      'a credential without id',
      [hook(path('u7')), slack({ credentials: { slackApi: { id: null, name: 'x' } } })],
      400,
    ),
    ...published(
      'a missing generic credential',
      [
        hook(path('u8')),
        node('n8n-nodes-base.httpRequest', 4.2, {
          url: 'http://x',
          authentication: 'genericCredentialType',
          genericAuthType: 'httpHeaderAuth',
        }),
      ],
      200,
    ),
    ...published(
      'a credential that is not there',
      [
        hook(path('u9')),
        node(
          'n8n-nodes-base.httpRequest',
          4.2,
          { url: 'http://x' },
          { credentials: { httpHeaderAuth: { id: 'nope', name: 'x' } } },
        ),
      ],
      200,
    ),
    ...published('an error trigger', [node('n8n-nodes-base.errorTrigger', 1)], 200),
    ...published(
      'a trigger for other workflows',
      [node('n8n-nodes-base.executeWorkflowTrigger', 1.1, { inputSource: 'passthrough' })],
      200,
    ),
    ...published('a cron', [cron('0 5 * * *')], 200),
    live('each'),
    ...published(
      'a form',
      [
        node(
          'n8n-nodes-base.formTrigger',
          2.2,
          { formTitle: 'x', formFields: { values: [{ fieldLabel: 'a' }] }, options: {} },
          { webhookId: crypto.randomUUID() },
        ),
      ],
      200,
    ),
    live('each'),
    ...published('two triggers', [hook(path('t1')), cron('0 5 * * *')], 200),
    {
      name: 'count as two',
      method: 'GET',
      path: at('each'),
      status: 200,
      like: { triggerCount: 2 },
      eventually: true,
    },
    ...published('a cron that is none', [cron('not a cron')], 200),
    {
      name: 'never goes live',
      method: 'GET',
      path: at('each'),
      status: 200,
      like: { active: true, triggerCount: 0 },
    },
  ],
}
