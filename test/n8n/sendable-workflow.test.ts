import type { JsonObject } from '../../src/lib/json-object.ts'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createN8nClient } from '../../src/n8n/api/client.ts'
import type { N8nError } from '../../src/n8n/api/transport.ts'
import { LEGACY_SETTINGS } from '../../src/n8n/sendable/settings.ts'
import { toN8nWorkflow, withName } from '../../src/n8n/sendable/workflow.ts'
import { unwrapWorkflowFile } from '../../src/n8n/reading/workflow-json.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'

const webhook = (path: string) => ({
  id: 'a',
  name: 'Webhook',
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  position: [0, 0],
  parameters: { path, httpMethod: 'POST' },
})
const body = (name = 'Orders', path = 'orders') => ({
  name,
  nodes: [webhook(path)],
  connections: {},
  settings: {},
})
const to = (node: unknown) => ({ main: [[{ node, type: 'main', index: 0 }]] })

describe('toN8nWorkflow', () => {
  test('sends what n8n accepts and lists the omitted bookkeeping', () => {
    const { body, changes, findings } = toN8nWorkflow({
      id: 'x',
      active: true,
      tags: [],
      meta: {},
      pinData: { A: [{ json: { mail: 'a@b.c' } }] },
      name: 'Orders',
      nodes: [
        { ...webhook('p'), color: 3, foo: 1, credentials: 'x', notes: null, position: { x: '5', y: 6 } },
      ],
      connections: { Webhook: { main: [[], null] } },
      settings: { executionOrder: 'v1', saveManualExecutions: 'DEFAULT', foo: 1, timezone: null },
    })
    expect(findings).toEqual([])
    expect(body).toEqual({
      name: 'Orders',
      nodes: [{ ...webhook('p'), position: [5, 6] }],
      connections: { Webhook: { main: [[], null] } },
      settings: { executionOrder: 'v1' },
    })
    expect(changes.map(({ pointer }) => pointer)).toEqual([
      '/pinData',
      '/nodes/0/position',
      '/nodes/0/foo',
      '/nodes/0/credentials',
      '/settings/saveManualExecutions',
      '/settings/foo',
    ])
  })

  test('fills in IDs, positions and the name deterministically', () => {
    const untidy = {
      nodes: [
        { type: 'a', name: 'A' },
        { type: 'b', name: 'B', id: 7, parameters: null },
      ],
    }
    const { body, errors } = toN8nWorkflow(untidy)
    expect(errors).toEqual([])
    expect(body).toEqual({
      name: 'Untitled workflow',
      nodes: [
        { id: 'node-1', name: 'A', type: 'a', position: [0, 0], parameters: {} },
        { id: 'node-2', name: 'B', type: 'b', position: [220, 0], parameters: {} },
      ],
      connections: {},
      settings: {},
    })
    expect(toN8nWorkflow(untidy).body).toEqual(body)
  })

  test('reports an error for everything that it omits and n8n would reject', () => {
    const { errors } = toN8nWorkflow({
      ...body('n'.repeat(129)),
      nodes: [{ ...webhook('p'), typeVersion: '2' }, { ...webhook('q'), disabled: 'true' }, { type: 't' }],
      connections: { Webhook: to('Gone'), a: to('Webhook'), Gone: to('Webhook') },
      settings: { executionTimeout: '60', callerPolicy: 'nobody' },
    })
    expect(errors.map(({ pointer }) => pointer)).toEqual([
      '/name',
      '/nodes/0/typeVersion',
      '/nodes/1/name',
      '/nodes/1/disabled',
      '/nodes/1/id',
      '/nodes/2/name',
      '/connections/Webhook/main/0/0/node',
      '/connections/a',
      '/connections/Gone',
      '/settings/executionTimeout',
      '/settings/callerPolicy',
    ])
  })

  test.for([
    ['no name', {}, 'Saved as'],
    ['a null', { name: null }, 'Saved as'],
    ['a blank name', { name: ' ' }, 'Saved as'],
    ['its own name', { name: 'Its own' }, 'Its own'],
    ['a number, which is a finding', { name: 7 }, 7],
  ] as const)('with %s in its JSON, a workflow is named %j → %s', ([, json, name]) => {
    expect(withName({ nodes: [], ...json }, 'Saved as')).toEqual({ nodes: [], name })
  })

  test('truncates a name to the limit of n8n', () => {
    expect(withName({}, '😀'.repeat(200))).toEqual({ name: '😀'.repeat(128) })
  })

  test('omits settings that an older n8n rejects', () => {
    const workflow = { ...body(), settings: { callerPolicy: 'none', timezone: 'UTC' } }
    expect(toN8nWorkflow(workflow).body.settings).toEqual(workflow.settings)
    const older = toN8nWorkflow(workflow, {
      acceptedSettings: LEGACY_SETTINGS,
      settings: { executionOrder: 'v1' },
    })
    expect(older.body.settings).toEqual({ timezone: 'UTC', executionOrder: 'v1' })
    expect(older.findings).toMatchObject([
      { code: 'unsupported-setting', level: 'warning', pointer: '/settings/callerPolicy' },
    ])
    expect(older.errors).toEqual([])
  })

  test('accepts __proto__ as a node name', () => {
    const workflow = {
      ...body(),
      nodes: [{ ...webhook('p'), name: '__proto__' }],
      connections: JSON.parse('{"__proto__":{"main":[[]]}}'),
    }
    expect(JSON.stringify(toN8nWorkflow(workflow).body.connections)).toBe('{"__proto__":{"main":[[]]}}')
  })
})

const folder = process.env.FLOWKEEP_CORPUS ?? ''
const present = existsSync(path.join(folder, 'index.json'))
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(folder, file), 'utf8'))

describe.skipIf(!present)('real workflows (skipped without FLOWKEEP_CORPUS)', () => {
  test('are accepted by n8n or rejected as predicted', async () => {
    const stub = await createN8nStub()
    const client = createN8nClient({ baseUrl: stub.baseUrl, apiKey: stub.apiKey, fetch: stub.fetch })
    const refused: string[] = []
    const files = (read('index.json') as { file: string; valid: boolean }[]).filter(({ valid }) => valid)
    for (const { file } of files) {
      const [workflow] = unwrapWorkflowFile(read(file))
      const { body, errors } = toN8nWorkflow(workflow as JsonObject)
      if (errors.length > 0) refused.push(file)
      else
        expect(await client.createWorkflow(body).catch((error: N8nError) => error.detail)).toHaveProperty(
          'id',
        )
    }
    expect(refused.length / files.length).toBeLessThan(0.1)
  })
})
