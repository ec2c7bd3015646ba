import { describe, expect, test } from 'vitest'
import { readReports } from '../../src/executions/reports/body.ts'

const report = { executionId: '7', workflowId: 'w', status: 'success', data: { json: { body: 1 } } }
const json = JSON.stringify(report)
const form = 'application/x-www-form-urlencoded; charset=utf-8'

describe('a report is parsed', () => {
  test.each<[string, string, string]>([
    ['as JSON', json, 'application/json'],
    ['as plain text', json, 'text/plain'],
    ['as a JSON string', JSON.stringify(json), 'application/json'],
    [
      'in body, like from a webhook node',
      JSON.stringify({ headers: {}, query: {}, body: report }),
      'application/json',
    ],
    ['in data', JSON.stringify({ data: report }), 'application/json'],
    ['in json', JSON.stringify({ json: report }), 'application/json'],
    ['in body as text', JSON.stringify({ body: json }), 'application/json'],
    ['as JSON with the media type of forms', json, form],
    ['percent-encoded without a name', encodeURIComponent(json), form],
    ['percent-encoded with an empty value', `${encodeURIComponent(json)}=`, form],
    ['percent-encoded JSON text', encodeURIComponent(JSON.stringify(json)), form],
    ['in the field payload', `payload=${encodeURIComponent(json)}`, form],
  ])('%s', (_, text, mediaType) => {
    expect(readReports(text, mediaType)).toEqual(report)
  })

  test('percent-encoded like URLs, which leaves & and = unencoded', () => {
    const told = { ...report, error: { message: 'GET /?a=1&b=2 100% é' } }
    expect(readReports(encodeURI(JSON.stringify(told)), form)).toEqual(told)
    expect(() => readReports('%7B%22executionId%22%3A', form)).toThrow('not valid JSON')
  })

  test('as form fields', () => {
    const text = 'executionId=7&workflowId=w&status=error&error[message]=No+such+%22thing%22&error.node=HTTP'
    expect(readReports(text, form)).toEqual({
      executionId: '7',
      workflowId: 'w',
      status: 'error',
      error: { message: 'No such "thing"', node: 'HTTP' },
    })
  })

  test('as form fields with repeated members, separate members, and members added to a JSON object', () => {
    const text = 'error.node=A&status=error&error[message]=one&error[message]=two&data={"a":"1"}&data[b]=2'
    expect(readReports(text, form)).toEqual({
      status: 'error',
      error: { node: 'A', message: 'two' },
      data: { a: '1', b: '2' },
    })
    expect(readReports('status=error&error[message]=one&error=two', form)).toEqual({
      status: 'error',
      error: 'two',
    })
  })

  test('as form fields with an unencoded plus sign in a time', () => {
    const text = 'executionId=7&startedAt=2026-11-29T05:00:00+05:45&error[message]=at+2026-11-29+05:45'
    expect(readReports(text, form)).toEqual({
      executionId: '7',
      startedAt: '2026-11-29T05:00:00+05:45',
      error: { message: 'at 2026-11-29 05:45' },
    })
  })

  test('as form fields with as many members as fit into the body', () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `error[k${index}]=1`)
    const read = readReports(names.join('&'), form)
    expect(Object.keys(Object(Object(read).error))).toHaveLength(names.length)
  })

  test('as n8n items, and as an array in a body', () => {
    const items = JSON.stringify([{ json: report, pairedItem: 0 }, { json: { body: report } }])
    expect(readReports(items, 'application/json')).toEqual([report, report])
    expect(readReports(JSON.stringify({ body: [report] }), 'application/json')).toEqual([report])
  })
})

test.each<[string, unknown]>([
  ['"x"', 'x'],
  ['5', 5],
  ['{"data":5}', { data: 5 }],
  ['{"data":{"rows":3}}', { data: { rows: 3 } }],
  ['{"data":[[1]]}', { data: [[1]] }],
  ['{"id":"1","data":{"executionId":"2"}}', { id: '1', data: { executionId: '2' } }],
])('leaves %s unchanged', (text, value) => {
  expect(readReports(text, 'application/json')).toEqual(value)
})

test('rejects invalid JSON and JSON that is nested too deeply', () => {
  expect(() => readReports('{"a":', 'application/json')).toThrow('not valid JSON')
  const deep = '['.repeat(200) + ']'.repeat(200)
  expect(() => readReports(deep, 'application/json')).toThrow('more than 100 levels deep')
  expect(() => readReports(JSON.stringify({ body: deep }), 'application/json')).toThrow(
    'more than 100 levels deep',
  )
})
