import * as whole from 'acorn'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { acornSubset } from '../../scripts/acorn-subset.ts'
import { withFastScopes } from '../../src/check/code/parser.ts'
import { seeded } from '../harness/random.ts'

type Parse = Pick<typeof whole, 'parse'>

const source = await readFile(
  join(dirname(createRequire(import.meta.url).resolve('acorn')), 'acorn.mjs'),
  'utf8',
)

/** acorn as it is in the worker. */
async function reducedAcorn(): Promise<Parse> {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-acorn-'))
  try {
    const file = join(folder, 'acorn.mjs')
    await writeFile(file, acornSubset(source))
    return (await import(pathToFileURL(file).href)) as Parse
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const reduced = await reducedAcorn()

/** The tree, or the message. */
function parsed(acorn: Parse, code: string): string {
  try {
    const program = acorn.parse(code, {
      ecmaVersion: 'latest',
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: true,
      allowHashBang: false,
    })
    return JSON.stringify(program, (_, value: unknown) =>
      typeof value === 'bigint' || value instanceof RegExp ? String(value) : value,
    )
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return error.message
  }
}

const snippets = [
  'return items.map(({ json, ...rest }) => ({ json: { ...json, a: json.a ?? 1 }, ...rest }))',
  'const data = await this.helpers.httpRequest({ url: `https://${$json.host}/a` })\nfor await (const x of data) { x.y ||= 2 ** 3 }',
  'class A extends B { #x = 1; static { this.#y = 2 } static #y; get x() { return this.#x } async *m() { yield* super.m() } }',
  'label: for (;;) { continue label }\nswitch (a) { case 1: let b; break; default: throw new Error(`x`) }',
  '({ a = 1, b: [c, ...d] } = e); [f.g] = h; var { i } = j; new.target',
  '"use strict"; const x = 0b11 + 0o17 + 0xff + 1_000 + 10n + .5e-3',
  'import("a").then(b => import.meta)',
  'if (a) function f() {} else try { b?.[c]?.(d) } catch { debugger } finally { delete e.f, void 0, typeof g }',
  'with (a) do { b++ } while (--c)',
  '/[/\\]]+(?<year>\\d{4})\\k<year>/giu.exec(a) / 2 / b',
  '/[\\p{L}--[a-z]]/v',
  'var größe = 1, \u{20BB7} = 2, a\u200cb = 3, \\u0061b = 4, 変数 = 5',
  '<!-- a comment\n--> another\nasync => await, async (x) => { await x }, async function () {}',
  'let async; async\n(x)\nget\nstatic',
]

test.each(snippets)('reads %s', (code) => {
  const expected = parsed(whole, code)
  expect(parsed(reduced, code)).toBe(expected)
})

test.each([
  'let a; let a',
  'const a',
  'return return',
  'import a from "a"',
  'export const a = 1',
  'if (a) { import a from "a" }',
  '({ a = 1 })',
  'class A { m() { this.#x } }',
  'super.x',
  'break',
  '-x ** y',
  '"use strict"; with (a) b',
  'a => { await b }',
  '`${a',
  '"a\nb"',
  '/(/',
  '/[b-a]/u',
  '/(?<a>x)(?<a>y)/',
  '/\\p{Unknown}/u',
  '/a/q',
  '/a',
  '\\u{110000}',
  'a\ud800',
  'for (let x of a, b) c',
  'new a?.b()',
  '08n',
])('refuses %s', (code) => {
  const expected = parsed(whole, code)
  expect(expected).not.toMatch(/^\{/)
  expect(parsed(reduced, code)).toBe(expected)
})

/** V8 describes some faults of regular expressions in other words. */
const outcome = (acorn: Parse, code: string) =>
  parsed(acorn, code).replace(/^(Invalid|Duplicate) regular expression.*/s, 'Invalid regular expression')

test('reads changed code as acorn does', () => {
  const random = seeded(1)
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item
  const pieces = [
    '(',
    ')',
    '{',
    '}',
    '/',
    '`',
    '"',
    ';',
    '\n',
    '=',
    '=>',
    '...',
    '?.',
    'await ',
    'yield ',
    'let ',
    '#',
    '\\',
    'é',
  ]
  for (let round = 0; round < 2000; round += 1) {
    const code = pick(snippets)
    const at = Math.floor(random() * code.length)
    const changed =
      code.slice(0, at) + (random() < 0.3 ? '' : pick(pieces)) + code.slice(at + Math.floor(random() * 2))
    expect(outcome(reduced, changed), changed).toBe(outcome(whole, changed))
  }
})

test('reads its own source', () => {
  const script = source.replace(/^export .+$/m, '')
  expect(parsed(reduced, script)).toBe(parsed(whole, script))
})

test('reports a package of another shape', () => {
  expect(() => acornSubset('export const a = 1')).toThrow('acorn has no')
  expect(() => acornSubset(source.replaceAll('options.preserveParens', 'options.newOption'))).toThrow(
    'newOption',
  )
})

test('keeps what the check overrides: the names of a scope', () => {
  const { Parser } = reduced as unknown as { Parser: Parameters<typeof withFastScopes>[0] }
  const fast = withFastScopes(Parser) as unknown as Parse
  for (const code of [...snippets, 'let a, b; { let a }', 'let a; let a', 'function f(a) { let b; var b }'])
    expect(parsed(fast, code)).toBe(parsed(reduced, code))
  let entered = 0
  class Counting extends Parser {
    override enterScope(flags: number): void {
      entered += 1
      super.enterScope(flags)
      expect(this.scopeStack.at(-1)).toMatchObject({ var: [], lexical: [], functions: [] })
    }
  }
  parsed(Counting as unknown as Parse, '{ { let a } }')
  expect(entered).toBeGreaterThanOrEqual(3)
})
