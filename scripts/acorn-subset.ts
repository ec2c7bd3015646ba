/**
 * @module Reduces acorn to what `src/check/code/parser.ts` calls: it parses the current JavaScript as a script, without
 * callbacks and without line numbers in the tree. Which characters a name can have, and whether a regular expression is
 * valid, is asked of the runtime instead of acorn's own tables and rules.
 */
import { transformSync } from 'esbuild'
import { parseSync, type Statement, Visitor } from 'oxc-parser'
import { minifySync } from 'rolldown/utils'

/** Every option that acorn reads. */
const options: Record<string, unknown> = {
  ecmaVersion: 1e8,
  sourceType: 'script',
  allowReserved: false,
  allowReturnOutsideFunction: true,
  allowAwaitOutsideFunction: true,
  allowHashBang: false,
  allowImportExportEverywhere: false,
  allowSuperOutsideMethod: null,
  checkPrivateFields: true,
  preserveParens: false,
  locations: false,
  ranges: false,
  program: null,
  sourceFile: null,
  directSourceFile: null,
  onInsertedSemicolon: null,
  onTrailingComma: null,
  onToken: null,
  onComment: null,
}

/** In acorn's words, which name no flags. */
const regularExpressions = String.raw`
try { var value = new RegExp(pattern, flags) }
catch ({ message }) {
  var reason = /^Invalid regular expression: [^]*\/\w*: (.+)$/.exec(message);
  this.raise(start, reason ? "Invalid regular expression: /" + pattern + "/: " + reason[1] : "Invalid regular expression flag")
}
`

const replacements: [RegExp, string][] = [
  [/var astralIdentifierCodes = [^]+?(?=var reservedWords = )/, ''],
  [/var nonASCIIidentifierStart = [^]+?(?=function isIdentifierStart)/, ''],
  [
    /if \(code <= 0xffff\)[^]+?return isInAstralSet.+/,
    String.raw`return code >= 0xaa && /\p{ID_Start}/u.test(String.fromCodePoint(code))`,
  ],
  // U+200C and U+200D join letters of some scripts.
  [
    /if \(code <= 0xffff\)[^]+?return isInAstralSet.+/,
    String.raw`return code >= 0xaa && /[\u200c\u200d\p{ID_Continue}]/u.test(String.fromCodePoint(code))`,
  ],
  [/var warnedAboutEcmaVersion = [^]+?(?=var\s+SCOPE_TOP = )/, ''],
  [/var scriptValuesAddedInUnicode = [^]+?(?=var Token = )/, ''],
  [/var state = this\.regexpState [^]+?(?=return this\.finishToken\(types\$1\.regexp)/, regularExpressions],
  [/this\.options = options = getOptions\(options\);/, ''],
  [/this\.inModule = .+;/, ''],
  [/\bthis\.inModule\b/g, 'false'],
  [/return starttype === types\$1\._import \? .+/, ''],
  [/if \(typeof Symbol !== "undefined"\)\s+\{ pp\[Symbol\.iterator\][^]+?\n {2}\}; \}/, ''],
  [/Parser\.acorn = \{[^]+?\n\};/, ''],
  [/export \{[^}]+\};/, 'export { Parser, parse };'],
  // Positions of tokens by line.
  [/, \w+Loc = this\.\w+Loc/g, ''],
  [/, (?:this\.)?\w*Loc\b(?! = )/g, ''],
  [/\b(?:var |this\.)?\w+Loc = .+;/g, ';'],
]

/** Fields of tokens that are also fields of the tree. */
const fieldsOfTree = new Set(['type', 'start', 'end', 'value', 'parse'])
/** Overridden by `src/check/code/parser.ts`. */
const overridden = new Set(['enterScope', 'scopeStack'])

export function acornSubset(source: string): string {
  const text = replaced(source).replaceAll(/(?:[\w.]+\.)?\boptions\.(\w+)/g, (all, name: string) => {
    if (name === 'keyword') return all
    if (!(name in options)) throw new Error(`acorn has a new option ${name}`)
    return JSON.stringify(options[name])
  })
  const { code, errors } = minifySync('acorn.js', text, {
    module: true,
    compress: { sequences: false, joinVars: false },
    mangle: false,
    codegen: { removeWhitespace: false },
  })
  if (errors.length > 0) throw new Error(`acorn does not parse: ${errors[0]?.codeframe}`)
  return withShortNames(withoutUnreachable(code))
}

/** Removes methods that nothing calls, although they may call each other. */
function withoutUnreachable(source: string): string {
  const { body } = parseSync('acorn.js', source).program
  const methods = body.flatMap((statement) => methodOf(statement) ?? [])
  const reached = membersIn(body.filter((statement) => !methodOf(statement)))
  for (const name of reached) {
    for (const method of methods) {
      if (method.name === name) for (const each of membersIn([method.body])) reached.add(each)
    }
  }
  return methods
    .filter(({ name }) => !reached.has(name))
    .toReversed()
    .reduce((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), source)
}

/** `pp.name = function () { … }` */
function methodOf(statement: Statement) {
  const { start, end } = statement
  if (statement.type !== 'ExpressionStatement' || statement.expression.type !== 'AssignmentExpression')
    return undefined
  const { left, right } = statement.expression
  if (left.type !== 'MemberExpression' || left.property.type !== 'Identifier') return undefined
  if (left.object.type !== 'Identifier' || !/^pp(\$\d)?$/.test(left.object.name)) return undefined
  return right.type === 'FunctionExpression' && right.body
    ? { name: left.property.name, body: right.body as Statement, start, end }
    : undefined
}

function membersIn(body: Statement[]): Set<string> {
  const names = new Set<string>()
  new Visitor({
    MemberExpression({ property }) {
      if (property.type === 'Identifier') names.add(property.name)
    },
  }).visit({ type: 'Program', body, sourceType: 'module', hashbang: null, start: 0, end: 0 })
  return names
}

/** Shortens the names of the parser's own methods and fields. */
function withShortNames(source: string): string {
  const names = new Set(Array.from(source.matchAll(/^pp(?:\$\d)?\.(\w+) = /gm), ([, name = '']) => name))
  const parser = /^var Parser = function[^]+?^\}/m.exec(source)?.[0] ?? ''
  for (const [, name = ''] of parser.matchAll(/\bthis\.(\w+)/g)) names.add(name)
  const mangled = [...names].filter((name) => !fieldsOfTree.has(name) && !overridden.has(name))
  if (mangled.length < 50) throw new Error('acorn has no methods where they are expected')
  return transformSync(source, { mangleProps: new RegExp(`^(?:${mangled.join('|')})$`) }).code
}

const replaced = (source: string): string =>
  replacements.reduce((text, [pattern, replacement]) => {
    if (text.search(pattern) === -1) throw new Error(`acorn has no ${pattern.source}`)
    return text.replace(pattern, () => replacement)
  }, source)
