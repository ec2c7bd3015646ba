import { beforeAll, describe, expect, test } from 'vitest'
import { loadParser } from '../../src/check/code/parser.ts'
import { expressionFault } from '../../src/check/expressions/expressions.ts'
import { splitTemplate } from '../../src/check/expressions/template.ts'

beforeAll(loadParser)

describe('splitTemplate', () => {
  const parts = (template: string) =>
    splitTemplate(template).map(
      ({ isCode, text, isClosed }) => `${isCode ? 'code' : 'text'}:${text}${isClosed ? '' : '…'}`,
    )

  test.each([
    ['', []],
    ['text', ['text:text']],
    ['{{ a }}', ['code: a ']],
    ['x {{ a }} y {{ b }}', ['text:x ', 'code: a ', 'text: y ', 'code: b ']],
    ['{{ {a:{b:1}} }}', ['code: {a:{b:1', 'text: }}']],
    ['{{ a', ['code: a…']],
    ['\\{{ a }}', ['text:\\{{ a }}']],
    ["{{ '\\}}' }}", ["code: '}}' "]],
  ])('%s', (template, result) => {
    expect(parts(template)).toEqual(result)
  })
})

describe('expressionFault', () => {
  test.each([
    '$json.a',
    '{a: 1}',
    '$json.a; 2',
    '1 // comment\n',
    'a?.b ?? c',
    '`x${1}`',
    'x => x * 2',
    '010',
  ])('accepts %s', (code) => {
    expect(expressionFault(code)).toBeNull()
  })

  test.each(['1 +', '$json.a }', '{a: {b: 1', 'const a = 1', 'if (a) b', 'return 1', '"a', '$json["a"'])(
    'rejects %s',
    (code) => {
      expect(expressionFault(code)).not.toBeNull()
    },
  )
})
