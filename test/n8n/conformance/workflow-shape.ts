/** @module Rows of the conformance table: workflow shape. */
import { expect } from 'vitest'
import { type Row, WORKFLOW_KEYS, create, hook, only, set, without, workflow } from './row.ts'

export const workflowShape: Record<string, Row[]> = {
  'what a workflow may have': [
    create('a plain one', workflow(), 200, {
      keys: [...WORKFLOW_KEYS, 'tags', 'shared', 'parentFolder'],
      like: { active: false, triggerCount: 0, activeVersionId: null },
    }),
    ...['name', 'nodes', 'connections', 'settings'].map((key) =>
      create(`no ${key}`, without(workflow(), key), 400),
    ),
    ...[
      'id',
      'active',
      'tags',
      'versionId',
      'createdAt',
      'updatedAt',
      'meta',
      'triggerCount',
      'isArchived',
      'activeVersion',
      'description',
      'foo',
      'versionCounter',
      'parentFolder',
      'hash',
    ].map((key) => create(`its own ${key}`, workflow({ [key]: null }), 400)),
    create('pin data', workflow({ pinData: {} })),
    create('static data', workflow({ staticData: { a: 1 } })),
    create('static data as JSON', workflow({ staticData: '{"a":1}' })),
    create('static data as text', workflow({ staticData: 'a' }), 400),
    create('a project that is not there', workflow({ projectId: 'nope' }), 404),
    create('empty name', workflow({ name: '' }), 400),
    create('blank name', workflow({ name: '  ' })),
    create('128 characters', workflow({ name: 'x'.repeat(128) })),
    create('129 characters', workflow({ name: 'x'.repeat(129) }), 400),
    create('a number as name', workflow({ name: 4 }), 400),
    create('no nodes at all', only()),
    create('nodes null', workflow({ nodes: null }), 400),
    create('a node null', workflow({ nodes: [null] }), 400),
    create('settings null', workflow({ settings: null }), 400),
    create('settings as text', workflow({ settings: '{}' }), 400),
  ],
  'what a node may have': [
    ...Object.entries<unknown[]>({
      foo: [1],
      color: [1],
      issues: [{}],
      createdAt: ['x'],
      extendsCredential: ['x'],
      disabled: ['x', null],
      notes: [1],
      executeOnce: [null],
      webhookId: [null],
      credentials: ['x', [], null],
      parameters: ['x', null],
      typeVersion: ['1'],
      position: [['0', 1], [1], [1, 2, 3], {}],
      id: [4],
      name: ['', null, 5],
      type: ['', 5],
    }).flatMap(([key, values]) =>
      values.map((value) =>
        create(`no ${key} ${JSON.stringify(value)}`, only(hook('x'), set({ [key]: value })), 400),
      ),
    ),
    ...Object.entries<unknown[]>({
      retryOnFail: [true],
      maxTries: [99],
      waitBetweenTries: [1],
      onError: ['zzz'],
      continueOnFail: [true],
      alwaysOutputData: [true],
      notesInFlow: [true],
      webhookId: [''],
      id: [''],
      type: ['with space'],
      typeVersion: [0, 99],
      customTelemetryTags: [{}],
      credentials: [{ a: null }, { a: 'x' }, { a: {} }],
    }).flatMap(([key, values]) =>
      values.map((value) =>
        create(`${key} ${JSON.stringify(value)}`, only(hook('x'), set({ [key]: value }))),
      ),
    ),
    ...['name', 'type', 'position'].map((key) =>
      create(`not without ${key}`, only(hook('x'), without(set(), key)), 400),
    ),
    ...['id', 'typeVersion', 'parameters'].map((key) =>
      create(`without ${key}`, only(hook('x'), without(set(), key))),
    ),
    create('no two of a name', only(hook('x'), set(), set({ id: 'a3' })), 400),
    create('no two of an id', only(hook('x'), set(), set({ name: 'Other' })), 400),
    create('names that differ by case', only(hook('x'), set(), set({ id: 'a3', name: 'set' }))),
    create('names that differ by a blank', only(hook('x'), set(), set({ id: 'a3', name: 'Set ' }))),
  ],
  'which connections it may have': [
    ...Object.entries<unknown>({
      'from nowhere': { Nope: { main: [[{ node: 'Set', type: 'main', index: 0 }]] } },
      'from nowhere, empty': { Nope: {} },
      'to nowhere': { Webhook: { main: [[{ node: 'Nope', type: 'main', index: 0 }]] } },
      'null target': { Webhook: { main: [[null]] } },
      'text target': { Webhook: { main: [['Set']] } },
      'one level less': { Webhook: { main: [{ node: 'Set', type: 'main', index: 0 }] } },
      'no index': { Webhook: { main: [[{ node: 'Set', type: 'main' }]] } },
      'no type': { Webhook: { main: [[{ node: 'Set', index: 0 }]] } },
      'negative index': { Webhook: { main: [[{ node: 'Set', type: 'main', index: -1 }]] } },
      'text index': { Webhook: { main: [[{ node: 'Set', type: 'main', index: '0' }]] } },
      'null outputs': { Webhook: { main: null } },
      'text outputs': { Webhook: { main: 'x' } },
      'null source': { Webhook: null },
      'array source': { Webhook: [] },
      null: null,
      array: [],
    }).map(([name, connections]) => create(`not: ${name}`, workflow({ connections }), 400)),
    ...Object.entries<unknown>({
      'a null slot': { Webhook: { main: [null, [{ node: 'Set', type: 'main', index: 0 }]] } },
      'an unknown type': { Webhook: { zzz: [[{ node: 'Set', type: 'zzz', index: 0 }]] } },
      'an extra key': { Webhook: { main: [[{ node: 'Set', type: 'main', index: 0, foo: 1 }]] } },
      'to itself': { Webhook: { main: [[{ node: 'Webhook', type: 'main', index: 0 }]] } },
    }).map(([name, connections]) => create(name, workflow({ connections }))),
  ],
  'which settings it may have': [
    ...Object.entries<unknown>({
      foo: 1,
      executionTimeout: '1',
      saveDataErrorExecution: 'DEFAULT',
      saveExecutionProgress: 'DEFAULT',
      errorWorkflow: null,
      callerPolicy: 'x',
      timeSavedMode: 'x',
      redactionPolicy: 'x',
      availableInMCP: 1,
      customTelemetryTags: [{ key: 'a' }],
    }).map(([key, value]) =>
      create(`not ${key} ${JSON.stringify(value)}`, workflow({ settings: { [key]: value } }), 400),
    ),
    ...Object.entries<unknown>({
      executionOrder: 'zzz',
      timezone: 'Nope/Zone',
      executionTimeout: -1,
      saveManualExecutions: true,
      errorWorkflow: 'nope',
      callerPolicy: 'none',
      timeSavedPerExecution: 1,
      callerIds: '1',
      customTelemetryTags: [],
    }).map(([key, value]) => {
      return create(`${key} ${JSON.stringify(value)}`, workflow({ settings: { [key]: value } }), 200, {
        like: { settings: { [key]: value } },
      })
    }),
    ...Object.entries({ binaryMode: 'separate', redactionPolicy: 'none', credentialResolverId: 'x' }).map(
      ([key, value]) => {
        return create(`${key}, and does not keep it`, workflow({ settings: { [key]: value } }), 200, {
          check: (body) => expect(body.settings).toEqual({}),
        })
      },
    ),
  ],
}
