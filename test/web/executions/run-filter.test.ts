import { describe, expect, test } from 'vitest'
import { localInstant, localText } from '../../../src/lib/local-time.ts'
import { listQuery, readRunFilter, runHref } from '../../../src/web/links/run-filter.ts'

const now = new Date('2026-11-22T12:00:00Z')
const read = (query: string, timeZone = 'Europe/Berlin') =>
  readRunFilter(new URLSearchParams(query), now, timeZone)
const id = '01890a5d-ac96-774b-bcce-b302099a8057'

describe('run list filters', () => {
  test.each([
    ['status=failed', { statuses: ['error', 'crashed'] }],
    ['status=running,waiting', { statuses: ['running', 'waiting'] }],
    ['status=success,failed', { statuses: ['success', 'error', 'crashed'] }],
    ['status=stuck', { stuck: true }],
    ['mode=webhook', { mode: ['webhook'] }],
    ['mode=webhook,trigger,webhook', { mode: ['webhook', 'trigger'] }],
    [`wf=${id}&v=14`, { workflowId: id, workflowVersion: 14 }],
    [`inst=${id}&dep=${id}`, { instanceId: id, deploymentId: id }],
    ['node=Create+issue', { errorNode: 'Create issue' }],
    ['error=0123456789abcdef', { errorFingerprint: '0123456789abcdef' }],
    ['from=24h', { from: new Date('2026-11-21T12:00:00Z') }],
    ['from=yesterday', { from: new Date('2026-11-20T23:00:00Z'), to: new Date('2026-11-21T23:00:00Z') }],
    ['from=7d', { from: new Date('2026-11-15T12:00:00Z') }],
    ['from=2026-11-20T10:00:00Z', { from: new Date('2026-11-20T10:00:00Z') }],
    [
      'from=2026-11-20T10:00&to=2026-11-21',
      { from: new Date('2026-11-20T09:00:00Z'), to: new Date('2026-11-20T23:00:00Z') },
    ],
    ['q=+%2348+213+', { q: '#48 213' }],
    ['q=&wf=&from=', {}],
    ['from=&from=24h', { from: new Date('2026-11-21T12:00:00Z') }],
    ['from=24h&from=2026-11-20T10:00', { from: new Date('2026-11-20T09:00:00Z') }],
    ['period=&from=2026-11-20T10:00:30.5', { from: new Date('2026-11-20T09:00:30.500Z') }],
    ['period=24h&from=2026-11-01T10:00&to=2026-11-22', { from: new Date('2026-11-21T12:00:00Z') }],
    [
      'period=24h&to=2026-11-22',
      { from: new Date('2026-11-21T12:00:00Z'), to: new Date('2026-11-21T23:00:00Z') },
    ],
  ])('%s', (query, search) => {
    const filter = read(query)
    expect(filter.search).toEqual(search)
    expect(filter.ignored).toEqual([])
  })

  test.each([
    'status=broken',
    'status=failed,broken',
    'status=constructor',
    'status=stuck,error',
    'mode=a,',
    'mode=%27--',
    'wf=1',
    'wf=6f9619ff-8b86-4011-b42d-00cf4fc964ff',
    'v=0',
    'v=1e3',
    'error=xyz',
    'inst=%27+or+1%3D1',
    'from=tomorrow',
    'from=2026-13-40',
    'from=1999-01-01T00:00:00Z',
    'period=tomorrow',
    'period=2026-11-20T10:00',
    'node=%00',
    'after=1',
    'unknown=1',
  ])('%s is ignored and reported', (query) => {
    const filter = read(query)
    expect(filter.search).toEqual({})
    expect(filter.query).toEqual({})
    expect(filter.ignored).toEqual(
      [`${new URLSearchParams(query)}`].map((text) => decodeURIComponent(text.replaceAll('+', ' '))),
    )
  })

  test.each([
    ['from=24h&from=yesterday', 'from=yesterday'],
    ['from=yesterday&from=24h', 'from=24h'],
    ['status=running&status=failed', 'status=failed'],
    ['status=failed&status=', 'status=failed'],
    ['from=yesterday&period=24h', 'from=24h'],
    ['period=24h&period=yesterday', 'from=yesterday'],
    ['to=2026-11-21T18:00&from=yesterday', 'from=yesterday&to=2026-11-21T18:00'],
    [`wf=${id}&wfname=Orders`, 'wfname=Orders'],
    [`wfname=Orders&wf=${id}`, 'wfname=Orders'],
  ])('%s means %s', (query, same) => {
    expect(read(query)).toEqual(read(same))
    expect(read(query).ignored).toEqual([])
  })

  test('of repeated values, the last valid one applies and invalid ones are reported', () => {
    const filter = read('from=24h&from=tomorrow')
    expect(filter.search).toEqual(read('from=24h').search)
    expect(filter.ignored).toEqual(['from=tomorrow'])
  })

  test('an end before the start is ignored and reported', () => {
    const filter = read('from=2026-11-20T10:00&to=2026-11-19T10:00')
    expect(filter.search.to).toBeUndefined()
    expect(filter.ignored).toEqual(['to=2026-11-19T10:00'])
  })

  test('round-trip through a URL in canonical order', () => {
    const { query } = read(`q=a%26b&after=${id}&status=failed&than=${id}&foo=1`)
    expect(listQuery(query)).toBe('status=failed&q=a%26b')
    expect(read(listQuery(query)).search).toEqual({ statuses: ['error', 'crashed'], q: 'a&b' })
    expect(runHref(id, listQuery(query), 'A & B')).toBe(
      `/executions/${id}?list=status%3Dfailed%26q%3Da%2526b&node=A+%26+B`,
    )
    expect(runHref(id, '')).toBe(`/executions/${id}`)
  })
})

describe('local times', () => {
  test.each([
    ['2026-11-20T10:00', 'UTC', '2026-11-20T10:00:00.000Z'],
    ['2026-11-20T10:00', 'Europe/Berlin', '2026-11-20T09:00:00.000Z'],
    ['2026-07-20', 'America/New_York', '2026-07-20T04:00:00.000Z'],
    ['2026-07-20T10:00', 'Asia/Kathmandu', '2026-07-20T04:15:00.000Z'],
    ['2026-01-01T00:30', 'Pacific/Kiritimati', '2025-12-31T10:30:00.000Z'],
    // An ambiguous time is the first occurrence. A skipped time moves forward by the gap.
    ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
  ])('%s in %s is %s', (text, timeZone, instant) => {
    expect(localInstant(text, timeZone)?.toISOString()).toBe(instant)
  })

  test.each(['', 'today', '2026-02-30', '2026-11-20T25:00', '20261120', '2026-11-20 10:00'])(
    '%j is not a time',
    (text) => {
      expect(localInstant(text, 'UTC')).toBeNull()
    },
  )

  test.each([
    ['2026-11-20T09:00:00.000Z', '2026-11-20T10:00'],
    ['2026-11-20T09:00:07.000Z', '2026-11-20T10:00:07'],
    ['2026-11-20T09:00:00.080Z', '2026-11-20T10:00:00.080'],
  ])('%s round-trips through a field as %s', (instant, text) => {
    expect(localText(new Date(instant), 'Europe/Berlin')).toBe(text)
    expect(localInstant(text, 'Europe/Berlin')?.toISOString()).toBe(instant)
  })
})
