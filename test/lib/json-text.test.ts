import { describe, expect, test } from 'vitest'
import {
  describeJsonFault,
  inexactNumbers,
  isInexact,
  jsonSpans,
  mayBeUnstorable,
  measureJson,
  quoteOverflow,
} from '../../src/lib/json-text.ts'
import { checkJson } from '../../src/n8n/reading/workflow-json.ts'

describe('numbers that JavaScript changes', () => {
  test.each([
    '12345678901234567890',
    '9007199254740993',
    '-9007199254740993',
    '0.1234567890123456789',
    '1e400',
    '1e-400',
    '1.00000000000000000001',
    '123456789012345678e3',
  ])('detects %s', (source) => expect(isInexact(source)).toBe(true))

  test.each([
    '0',
    '-0',
    '0.1',
    '1.10',
    '1E2',
    '1e308',
    '5e-324',
    '9007199254740992',
    '0.30000000000000004',
    '1e21',
    '100000000000000000000',
    '0.00000000000000000000',
    '7.105427357601002e-15',
    '0.10000000000000000000',
  ])('ignores %s', (source) => expect(isInexact(source)).toBe(false))

  test('are found with their pointers, outside strings and keys', () => {
    const text = String.raw`{"12345678901234567890":"12345678901234567890","a/b":[1,{"k\"~":12345678901234567890},[0.1234567890123456789]],"c":{},"d":1e400}`
    JSON.parse(text)
    expect(inexactNumbers(text).map(({ source, pointer }) => [pointer, source])).toEqual([
      ['/a~1b/1/k"~0', '12345678901234567890'],
      ['/a~1b/2/0', '0.1234567890123456789'],
      ['/d', '1e400'],
    ])
  })

  test('become strings only where they would overflow to Infinity', () => {
    const text = '{"a":[1e400,-1E999],"b":"1e400","c":12345678901234567890}'
    expect(quoteOverflow(text)).toBe('{"a":["1e400","-1E999"],"b":"1e400","c":12345678901234567890}')
    expect(quoteOverflow('[1,2]')).toBe('[1,2]')
    expect(quoteOverflow('1e400')).toBe('"1e400"')
    expect(quoteOverflow('[1,\n 0.1E+400]')).toBe('[1,\n "0.1E+400"]')
  })
})

describe('text with values that cannot be stored', () => {
  test.each([
    String.raw`{"a":"x\u0000"}`,
    String.raw`{"\u0000":1}`,
    String.raw`["\ud800"]`,
    String.raw`["\uDFFF"]`,
    '1e400',
    '-1E+400',
    '[1e0400]',
    '{"a": 0.1e310}',
    '[1,\n1e309]',
    `[${'9'.repeat(310)}]`,
    `[${'9'.repeat(250)}e99]`,
  ])('is recognized: %s', (text) => {
    expect(checkJson(JSON.parse(text))).not.toEqual([])
    expect(mayBeUnstorable(text)).toBe(true)
  })

  test.each([
    String.raw`{"id":"8d1e2f3a-4b5c-4d6e-8f70-1e400a4b5c6d","a":"\"\n\u00e9 🤖"}`,
    '[7.105427357601002e-15,1e99,12345678901234567890,-1e-400]',
  ])('is not suspected: %s', (text) => {
    expect(mayBeUnstorable(text)).toBe(false)
  })
})

test.each([
  ['[]', 1, 1, 1],
  ['{ }', 1, 1, 1],
  ['5', 1, 0, 0],
  ['[1,[2,3],{"a,[":"b\\",{"}]', 7, 3, 2],
])('measures %s', (text, values, containers, depth) => {
  JSON.parse(text)
  expect(measureJson(text)).toEqual({ values, containers, depth })
})

test('finds JSON in other text, up to the first unclosed container', () => {
  const text = 'See {{ $json.a }} and [this](x): {"a":"}"} and [ {"b":1} ] but {"c":'
  expect([...jsonSpans(text)].map(({ start, end }) => text.slice(start, end ?? undefined))).toEqual([
    '{"a":"}"}',
    '[ {"b":1} ]',
    '{"c":',
  ])
})

test.each([
  ['{"a": 1,\n}', ' at line 2, column 1: remove the trailing comma'],
  ['[1, // one\n2]', ' at line 1, column 5: remove the comment'],
  ['{“a”: 1}', ' at line 1, column 2: replace the typographic quotes with straight ones'],
  ["{'a': 1}", ' at line 1, column 2: use double quotes'],
  ['{"a": x}', ' at line 1, column 7'],
  ['{"a": [', ': it ends too early'],
])('describes the error in %j', (text, description) => {
  expect(describeJsonFault(text)).toBe(description)
})
