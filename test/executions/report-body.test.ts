import { describe, expect, test } from 'vitest'
import { readReports } from '../../src/executions/report-body.ts'

const report = { executionId: '7', workflowId: 'w', status: 'success', data: { json: { body: 1 } } }
const json = JSON.stringify(report)
const form = 'application/x-www-form-urlencoded; charset=utf-8'

describe('a report is read', () => {
  test.each<[string, string, string]>([
    ['as JSON', json, 'application/json'],
    ['as plain text', json, 'text/plain'],
    ['as a JSON string', JSON.stringify(json), 'application/json'],
    [
      'in body, as a webhook node gives it',
      JSON.stringify({ headers: {}, query: {}, body: report }),
      'application/json',
    ],
    ['in data', JSON.stringify({ data: report }), 'application/json'],
    ['in json', JSON.stringify({ json: report }), 'application/json'],
    ['in body as text', JSON.stringify({ body: json }), 'application/json'],
    ['as JSON under the media type of forms', json, form],
    ['percent-encoded and without a name', encodeURIComponent(json), form],
    ['percent-encoded, with an empty value', `${encodeURIComponent(json)}=`, form],
    ['percent-encoded text of JSON', encodeURIComponent(JSON.stringify(json)), form],
    ['in the field payload', `payload=${encodeURIComponent(json)}`, form],
  ])('%s', (_, text, mediaType) => {
    expect(readReports(text, mediaType)).toEqual(report)
  })

  test('percent-encoded as URLs are, which leaves & and = as they are', () => {
    const told = { ...report, error: { message: 'GET /?a=1&b=2 100% é' } }
    expect(readReports(encodeURI(JSON.stringify(told)), form)).toEqual(told)
    expect(() => readReports('%7B%22executionId%22%3A', form)).toThrow('not valid JSON')
  })

  test('as form fields', () => {
    const text = 'executionId=7&workflowId=w&status=error&error[message]=No+such+%22thing%22&error.node=HTTP'
    expect(readReports(text, form)).toEqual({
      ...{
        executionId: '7',
        workflowId: 'w',
        status: 'error',
        error: { message: 'No such "thing"', node: 'HTTP' },
      },
    })
  })

  test('as form fields whose members repeat, stand apart, and add to an object in JSON', () => {
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

  test('as form fields with a time whose plus sign was not encoded', () => {
    const text = 'executionId=7&startedAt=2026-11-29T05:00:00+05:45&error[message]=at+2026-11-29+05:45'
    expect(readReports(text, form)).toEqual({
      executionId: '7',
      startedAt: '2026-11-29T05:00:00+05:45',
      error: { message: 'at 2026-11-29 05:45' },
    })
  })

  test('as form fields with as many members as a body holds', () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `error[k${index}]=1`)
    const read = readReports(names.join('&'), form)
    expect(Object.keys(Object(Object(read).error))).toHaveLength(names.length)
  })

  test('as the items of n8n, and as an array in a body', () => {
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
])('%s stays what it is', (text, value) => {
  expect(readReports(text, 'application/json')).toEqual(value)
})

test('text that is no JSON, and JSON that is too deep, is refused', () => {
  expect(() => readReports('{"a":', 'application/json')).toThrow('not valid JSON')
  const deep = '['.repeat(200) + ']'.repeat(200)
  expect(() => readReports(deep, 'application/json')).toThrow('more than 100 levels deep')
  expect(() => readReports(JSON.stringify({ body: deep }), 'application/json')).toThrow(
    'more than 100 levels deep',
  )
})
