/** Checks that no object or array literal is spread, such as `{ ...{ a, b } }`, which only works around the formatter. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type Argument,
  type ArrayExpressionElement,
  type Expression,
  type JSXAttributeItem,
  type ObjectPropertyKind,
  parseSync,
  Visitor,
} from 'oxc-parser'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const folders = ['src', 'test', 'demo', 'scripts', 'bench', 'packages/client/src']
/** Parsing takes most of the time. Other files spread no literal. */
const candidate = /\.\.\.[\s(]*[{[]/

type Member = Argument | ArrayExpressionElement | JSXAttributeItem | ObjectPropertyKind

const typeOf = (node: Expression): string =>
  node.type === 'TSAsExpression' ||
  node.type === 'TSSatisfiesExpression' ||
  node.type === 'ParenthesizedExpression'
    ? typeOf(node.expression)
    : node.type

/** Lines that spread a literal into a literal of the same kind, into arguments or into JSX attributes. */
function literalSpreads(path: string, text: string): number[] {
  const lines: number[] = []
  const check = (members: readonly Member[], literal: 'ObjectExpression' | 'ArrayExpression') => {
    for (const member of members) {
      if (member?.type !== 'SpreadElement' && member?.type !== 'JSXSpreadAttribute') continue
      if (typeOf(member.argument) === literal) lines.push(text.slice(0, member.start).split('\n').length)
    }
  }
  const { program } = parseSync(path, text)
  new Visitor({
    ObjectExpression: ({ properties }) => check(properties, 'ObjectExpression'),
    ArrayExpression: ({ elements }) => check(elements, 'ArrayExpression'),
    CallExpression: (call) => check(call.arguments, 'ArrayExpression'),
    NewExpression: (call) => check(call.arguments, 'ArrayExpression'),
    JSXOpeningElement: ({ attributes }) => check(attributes, 'ObjectExpression'),
  }).visit(program)
  return lines
}

test.each(folders)('no literal is spread in %s', (folder) => {
  const found = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => ({ path: join(folder, path), text: readFileSync(join(root, folder, path), 'utf8') }))
    .filter(({ text }) => candidate.test(text))
    .flatMap(({ path, text }) => literalSpreads(path, text).map((line) => `${path}:${line}`))
  expect(found).toEqual([])
})

test.each([
  ['{ ...{ a, b }, c }', 1],
  ['[...[1, 2], 3]', 1],
  ['f(...[1, 2])', 1],
  ["new Set([...(['a', 'b'] as const)])", 1],
  ['<a {...{ href, title }} />', 1],
  ['[...[...a, ...b], ...c]', 1],
  ['[...a, ...(b ? [1] : [])]', 0],
  ['{ ...a, ...(b && { c }) }', 0],
  ['<a {...props} />', 0],
  ['[...[1, 2].map(f)]', 0],
])('%s has %i', (expression, count) => {
  expect(literalSpreads('planted.tsx', `export const x = ${expression}`)).toHaveLength(count)
})
