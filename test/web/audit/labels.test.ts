import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readAuditQuery } from '../../../src/web/audit/filter.ts'
import { knownActions, labelOf } from '../../../src/web/audit/labels.ts'

const src = resolve(import.meta.dirname, '../../../src')
const entity =
  /['"]((?:user|session|factor|token|app|approval|credential|workflow|environment|instance|deployment|release|execution|dead-letter|error|audit|alert|model-prices)\.[a-z-]+)['"]/g

/** Every action that the code records. Only files that mention audit count, because other code has dotted names too. */
const recorded = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !/^(?:web|cli)\//.test(path))
  .map((path) => readFileSync(join(src, path), 'utf8'))
  .filter((text) => /audit/i.test(text))
  .flatMap((text) => [...text.matchAll(entity)].map(([, action = '']) => action))

describe('audit labels', () => {
  test('cover exactly the actions that the code records', () => {
    expect(recorded.length).toBeGreaterThan(15)
    expect(knownActions.toSorted()).toEqual([...new Set(recorded)].toSorted())
  })

  test.each<[string, Record<string, unknown> | null, Partial<ReturnType<typeof labelOf>>]>([
    ['user.login-failed', null, { actor: 'unknown', tone: 'wait', entity: 'user' }],
    ['user.updated', { fields: ['name'] }, { text: 'Updated the account: name' }],
    [
      'credential.updated',
      { changed: ['data', 'name'] },
      { text: 'Renamed a credential and replaced values' },
    ],
    ['credential.updated', { changed: ['data'] }, { text: 'Replaced values of a credential' }],
    ['credential.updated', null, { text: 'Updated a credential' }],
    [
      'instance.updated',
      { changed: ['baseUrl', 'apiKey'] },
      { text: 'Updated an instance: base URL, API key' },
    ],
    [
      'instance.created',
      { privateNetwork: '10.0.0.0/8' },
      { text: 'Added an instance in the private network 10.0.0.0/8' },
    ],
    ['deployment.created', { version: 3 }, { text: 'Started a deployment of v3' }],
    [
      'deployment.finished',
      { action: 'deploy', status: 'active' },
      { text: 'Deployed', actor: 'flowkeep', tone: null },
    ],
    [
      'deployment.finished',
      { action: 'deploy', status: 'active', version: 3, from: 2 },
      { text: 'Deployed v2 → v3' },
    ],
    [
      'deployment.finished',
      { action: 'undeploy', status: 'undeployed', version: 3 },
      { text: 'Undeployed v3' },
    ],
    ['deployment.finished', { action: 'deploy', status: 'inactive' }, { text: 'Deployed, not published' }],
    [
      'deployment.finished',
      { action: 'undeploy', status: 'failed' },
      { text: 'Undeploying failed', tone: 'fail' },
    ],
    ['deployment.finished', { action: 'constructor', status: 7 }, { text: 'Finished a deployment' }],
    ['workflow.made-up', { a: 1 }, { text: 'Workflow made up', entity: 'workflow', tone: null }],
    ['constructor', null, { text: 'Constructor', entity: null }],
  ])('describe %s with %j', (action, details, label) => {
    expect(labelOf({ action, details })).toMatchObject(label)
  })
})

describe('the audit filter', () => {
  test.each([
    ['', { action: null, q: null, by: null, after: null, ignored: [] }],
    ['q=+Slack+&by=flowkeep', { q: 'Slack', by: 'flowkeep', ignored: [] }],
    ['action=credential', { action: 'credential', ignored: [] }],
    [
      'action=credential.deleted&period=7d',
      { action: 'credential.deleted', period: expect.objectContaining({ days: 7 }) },
    ],
    ['action=drop', { action: null, ignored: ['action=drop'] }],
    ['period=1y', { period: expect.objectContaining({ days: null }), ignored: ['period=1y'] }],
    ['after=zzz', { after: null, ignored: ['after=zzz'] }],
  ])('reads %s', (query, expected) => {
    expect(readAuditQuery(new URLSearchParams(query))).toMatchObject(expected)
  })
})
