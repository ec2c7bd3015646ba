import { describe, expect, test } from 'vitest'
import { parameterIssues } from '../../../src/check/parameters/issues.ts'
import { resolveNode } from '../../../src/check/parameters/resolve.ts'
import type { NodeFacts } from '../../../src/check/facts/node-facts.ts'

const facts: NodeFacts = {
  name: 'n8n-nodes-base.sample',
  displayName: 'Sample',
  version: [1, 2],
  group: ['transform'],
  inputs: [{ type: 'main' }],
  outputs: [{ type: 'main' }],
  credentials: [],
  webhooks: [],
  isTrigger: false,
  hasWebhook: false,
  isPolling: false,
  canStart: false,
  usableAsTool: false,
  isTool: false,
  properties: [
    {
      name: 'resource',
      type: 'options',
      default: 'file',
      options: [
        { name: 'File', value: 'file' },
        { name: 'Folder', value: 'folder' },
      ],
    },
    {
      name: 'path',
      type: 'string',
      default: '',
      required: true,
      displayOptions: { show: { resource: ['file'] } },
    },
    { name: 'limit', type: 'number', default: 50, validateType: 'number' },
    {
      name: 'options',
      type: 'collection',
      default: {},
      options: [
        {
          name: 'deep',
          type: 'boolean',
          default: false,
          displayOptions: { show: { '/resource': ['folder'] } },
        },
        {
          name: 'timeout',
          type: 'number',
          default: 10,
          displayOptions: { show: { '@version': [{ _cnd: { gte: 2 } }] } },
        },
      ],
    },
    {
      name: 'headers',
      type: 'fixedCollection',
      default: {},
      typeOptions: { multipleValues: true, maxAllowedFields: 1 },
      options: [
        {
          name: 'entries',
          values: [
            { name: 'name', type: 'string', default: '', required: true },
            { name: 'value', type: 'string', default: 'x' },
          ],
        },
      ],
    },
  ],
}

const resolve = (parameters: unknown, typeVersion = 1) => resolveNode({ parameters, typeVersion }, facts)
const issues = (parameters: unknown, typeVersion = 1) => {
  const { values, context } = resolve(parameters, typeVersion)
  return parameterIssues(facts, values, context)
}

describe('resolveNode', () => {
  test('returns the defaults of displayed parameters', () => {
    expect(resolve({}).values).toEqual({ resource: 'file', path: '', limit: 50, options: {}, headers: {} })
    expect(resolve({ resource: 'folder', path: 'unused' }).values).not.toHaveProperty('path')
  })

  test('displays the options of a collection by the root and by the version', () => {
    const options = { deep: true, timeout: 5, unknown: 1 }
    expect(resolve({ options }).values.options).toEqual({})
    expect(resolve({ options, resource: 'folder' }, 2).values.options).toEqual({ deep: true, timeout: 5 })
  })

  test('lists each displayed parameter with its pointer', () => {
    const { displayed } = resolve({ headers: { entries: [{ name: 'a' }] } })
    expect([...displayed.keys()].toSorted()).toEqual([
      '/headers',
      '/headers/entries/0/name',
      '/headers/entries/0/value',
      '/limit',
      '/options',
      '/path',
      '/resource',
    ])
    expect(displayed.get('/headers/entries/0/value')).toMatchObject({ value: 'x', isGiven: false })
  })

  test('reports the parameters that n8n cannot read', () => {
    expect(resolve({ headers: { entries: { name: 'a' } } }).unreadable).toEqual(['/headers'])
    expect(resolve(null).unreadable).toEqual([])
  })
})

describe('parameterIssues', () => {
  test('finds a missing and a malformed parameter with their pointers', () => {
    const found = issues({ limit: 'many', headers: { entries: [{ name: 'a' }, {}] } })
    expect(found.names).toEqual(['path', 'limit', 'headers', 'name'])
    expect(found.issues.map(({ pointer, problem }) => [pointer, problem])).toEqual([
      ['/path', 'missing'],
      ['/limit', 'invalid'],
      ['/headers/entries', 'too-many'],
      ['/headers/entries/1/name', 'missing'],
    ])
  })

  test('accepts expressions and ignores what n8n does not display', () => {
    expect(issues({ path: '=x', limit: '={{ 1 }}' }).issues).toEqual([])
    expect(issues({ resource: 'folder' }).issues).toEqual([])
  })
})
