import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createN8nClient } from '../../src/n8n/api-client.ts'
import type { N8nError } from '../../src/n8n/api-transport.ts'
import { LEGACY_SETTINGS } from '../../src/n8n/sendable-settings.ts'
import { toN8nWorkflow } from '../../src/n8n/sendable-workflow.ts'
import { type JsonObject, unwrapWorkflowFile } from '../../src/n8n/workflow-json.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'

const webhook = (path: string) => ({
  ...{ id: 'a', name: 'Webhook', type: 'n8n-nodes-base.webhook', typeVersion: 2, position: [0, 0] },
  parameters: { path, httpMethod: 'POST' },
})
const body = (name = 'Orders', path = 'orders') => ({
  ...{ name, nodes: [webhook(path)], connections: {}, settings: {} },
})
describe('toN8nWorkflow', () => {
  test('sends what n8n takes, and says what it left out', () => {
    const { body, changes, errors } = toN8nWorkflow({
      ...{
        id: 'x',
        active: true,
        tags: [],
        meta: {},
        pinData: { A: [{ json: { mail: 'a@b.c' } }] },
        name: 'Orders',
      },
      nodes: [{ ...webhook('p'), color: 3, foo: 1, typeVersion: '2', disabled: 'true', credentials: 'x' }],
      connections: {
        Webhook: { main: [[{ node: 'Nope', type: 'main', index: 0 }], null] },
        Gone: { main: [[null]] },
      },
      settings: { executionOrder: 'v1', saveDataErrorExecution: 'DEFAULT', foo: 1 },
    })
    expect(errors).toEqual([])
    expect(body).toEqual({
      name: 'Orders',
      nodes: [{ ...webhook('p'), disabled: true }],
      connections: { Webhook: { main: [[], null] } },
      settings: { executionOrder: 'v1' },
    })
    expect(changes.map(({ pointer }) => pointer)).toEqual([
      ...['/pinData', '/nodes/0/typeVersion', '/nodes/0/foo', '/nodes/0/disabled', '/nodes/0/credentials'],
      ...[
        '/connections/Webhook/main/0/0',
        '/connections/Gone',
        '/settings/saveDataErrorExecution',
        '/settings/foo',
      ],
    ])
  })

  test('mends what is missing, the same way each time', () => {
    const untidy = { nodes: [{ type: 'a' }, { type: 'b', name: 'Node 1', id: 7, parameters: [] }] }
    const { body, errors } = toN8nWorkflow(untidy)
    expect(errors).toEqual([])
    expect(body).toEqual({
      name: 'Untitled workflow',
      nodes: [
        { id: 'node-1', name: 'Node 1 (2)', type: 'a', position: [0, 0], parameters: {} },
        { id: 'node-2', name: 'Node 1', type: 'b', position: [220, 0], parameters: {} },
      ],
      connections: {},
      settings: {},
    })
    expect(toN8nWorkflow(untidy).body).toEqual(body)
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['no nodes', { nodes: 'x' }, '/nodes'],
    ['a node that is none', { nodes: [null] }, '/nodes/0'],
    ['a node without type', { nodes: [{ name: 'A' }] }, '/nodes/0/type'],
    [
      'a name twice',
      {
        nodes: [
          { name: 'A', type: 't' },
          { name: 'A', type: 't' },
        ],
      },
      '/nodes/1/name',
    ],
    [
      'parameters that are none',
      { nodes: [{ name: 'A', type: 't', parameters: 'x' }] },
      '/nodes/0/parameters',
    ],
    ['connections as text', { nodes: [], connections: 'x' }, '/connections'],
    [
      'outputs as text',
      { nodes: [webhook('p')], connections: { Webhook: { main: 'x' } } },
      '/connections/Webhook/main',
    ],
    [
      'a target as text',
      { nodes: [webhook('p')], connections: { Webhook: { main: [['Webhook']] } } },
      '/connections/Webhook/main/0/0',
    ],
    [
      'one level less',
      { nodes: [webhook('p')], connections: { Webhook: { main: [{ node: 'Webhook' }] } } },
      '/connections/Webhook/main/0',
    ],
  ])('refuses %s', (_, workflow, pointer) => {
    expect(toN8nWorkflow(workflow).errors.map((error) => error.pointer)).toEqual([pointer])
  })

  test('leaves out the settings that an older n8n refuses', () => {
    const workflow = { ...body(), settings: { callerPolicy: 'none', timezone: 'UTC' } }
    expect(toN8nWorkflow(workflow).body.settings).toEqual(workflow.settings)
    const older = toN8nWorkflow(workflow, {
      acceptedSettings: LEGACY_SETTINGS,
      settings: { executionOrder: 'v1' },
    })
    expect(older.body.settings).toEqual({ timezone: 'UTC', executionOrder: 'v1' })
  })

  test('takes a node called __proto__ for a name', () => {
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
  test('are taken by n8n, but for a few that say why not', async () => {
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
    expect(refused.length / files.length).toBeLessThan(0.05)
  })
})
