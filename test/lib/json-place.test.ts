import { describe, expect, test } from 'vitest'
import { lineAndColumn, placesOf } from '../../src/lib/json-place.ts'

const text = `{
  "name": "a } [ \\" , : b",
  "nodes": [
    { "type": "x", "list": [1, [2, {"deep": null}]] },
    {"a/b~c": true}
  ],
  "nodes2": {}
}`

describe('placesOf', () => {
  test.each([
    ['/name', '"a }'],
    ['/nodes', '['],
    ['/nodes/0', '{ "type"'],
    ['/nodes/0/list/1/1/deep', 'null'],
    ['/nodes/1', '{"a/b'],
    ['/nodes/1/a~1b~0c', 'true'],
    ['/nodes2', '{}'],
    ['', '{'],
  ])('finds %s', (pointer, start) => {
    const at = placesOf(text, [pointer]).get(pointer) ?? -1
    expect(text.slice(at)).toMatch(new RegExp(`^${start.replaceAll(/[{}[\]\\^$.*+?()|]/g, '\\$&')}`))
  })

  test('skips pointers without a value, and finds several at once', () => {
    expect([...placesOf(text, ['/nodes/9', '/x', '/nodes/1', '/name']).keys()]).toEqual(['/name', '/nodes/1'])
  })

  test('counts lines and columns from 1', () => {
    expect(lineAndColumn(text, 0)).toBe('line 1, column 1')
    expect(lineAndColumn(text, placesOf(text, ['/nodes/1']).get('/nodes/1') ?? 0)).toBe('line 5, column 5')
  })
})
