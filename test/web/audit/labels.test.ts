import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readAuditQuery } from '../../../src/web/audit/filter.ts'
import { knownActions, wordsOf } from '../../../src/web/audit/labels.ts'

const src = resolve(import.meta.dirname, '../../../src')
const entity = /['"]((?:user|session|credential|workflow|instance|deployment|execution)\.[a-z-]+)['"]/g

/** Every action that the code writes: beside a mention of audit, so that other dotted words do not count. */
const written = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !/^(?:dashboard|cli)\//.test(path))
  .map((path) => readFileSync(join(src, path), 'utf8'))
  .filter((text) => /audit/i.test(text))
  .flatMap((text) => [...text.matchAll(entity)].map(([, action = '']) => action))

describe('the words of the audit trail', () => {
  test('are there for every action that is written, and for no other', () => {
    expect(written.length).toBeGreaterThan(15)
    expect(knownActions.toSorted()).toEqual([...new Set(written)].toSorted())
  })

  test.each<[string, Record<string, unknown> | null, Partial<ReturnType<typeof wordsOf>>]>([
    ['user.login-failed', null, { actor: 'somebody', tone: 'wait', entity: 'user' }],
    ['user.updated', { fields: ['name'] }, { what: 'Changed the account: name' }],
    [
      'credential.updated',
      { changed: ['data', 'name'] },
      { what: 'Renamed a credential and replaced values' },
    ],
    ['credential.updated', { changed: ['data'] }, { what: 'Replaced values of a credential' }],
    ['credential.updated', null, { what: 'Changed a credential' }],
    [
      'instance.updated',
      { changed: ['baseUrl', 'apiKey'] },
      { what: 'Changed an instance: base url, api key' },
    ],
    ['deployment.created', { version: 3 }, { what: 'Asked for a deployment of v3' }],
    [
      'deployment.finished',
      { action: 'deploy', status: 'active' },
      { what: 'Deployed', actor: 'flowkeep', tone: null },
    ],
    ['deployment.finished', { action: 'deploy', status: 'inactive' }, { what: 'Deployed, not published' }],
    [
      'deployment.finished',
      { action: 'undeploy', status: 'failed' },
      { what: 'Undeploying failed', tone: 'fail' },
    ],
    ['deployment.finished', { action: 'constructor', status: 7 }, { what: 'A deployment ended' }],
    ['workflow.sung-to', { a: 1 }, { what: 'Workflow sung to', entity: 'workflow', tone: null }],
    ['constructor', null, { what: 'Constructor', entity: null }],
  ])('for %s with %j', (action, details, words) => {
    expect(wordsOf({ action, details })).toMatchObject(words)
  })
})

describe('the filter of the audit trail', () => {
  test.each([
    ['', { action: null, after: null, ignored: [] }],
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
