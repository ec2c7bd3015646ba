/**
 * @module Reduces `@neondatabase/serverless` to what `neon()` runs. The package is one file, and a bundler must assume that
 * each of its statements has effects. Most of them implement Postgres's protocol over WebSockets, which nothing here uses.
 */
import { type Expression, parseSync, type Statement, Visitor } from 'oxc-parser'
import { RolldownMagicString } from 'rolldown'

const asText = '(exports, module) => { module.exports = String }'

/** Modules in the file that `neon()` loads and never calls: text that only this module has → replacement. */
const unusedModules = {
  // Polyfill. Only values of type `bytea` need it, and no column has this type.
  '.SlowBuffer=': '(exports) => { exports.Buffer = Uint8Array }',
  // Base class of the socket.
  '"defaultMaxListeners"': '(exports) => { exports.EventEmitter = class {} }',
  // Parsers of Postgres's binary format. HTTP carries text.
  parseFloatFromBits: '(exports) => { exports.init = () => {} }',
  // Parsers of text. drizzle reads dates and intervals as text, and no column has the type `bytea`.
  '-?infinity': asText,
  '"PostgresInterval"': asText,
  '"parseBytea"': asText,
  // MD5, for passwords.
  stateIdentity: '() => {}',
}

/** @param source `index.mjs` of the package */
export function httpDriver(source: string): RolldownMagicString {
  const { program, errors } = parseSync('index.mjs', source)
  if (errors.length > 0) throw new Error(`The database driver does not parse: ${errors[0]?.message}`)
  const result = new RolldownMagicString(source)
  const unused = new Map(Object.entries(unusedModules))
  const textOf = ({ start, end }: { start: number; end: number }) => source.slice(start, end)
  // Gives functions their names, which minifying shortens.
  const nameFunction = /(?<=\ba=)\(\w+,\w+\)=>\w+\(\w+,"name",/.exec(source)
  // `types` comes from pg, which loads its client. Only pg's constructor names where it has them from.
  const types = /this\.types=(\w+\(\))/.exec(source)?.[1]
  const exportedTypes = /(?<=export_types=)\w+\.types/.exec(source)
  if (!nameFunction || !types || !exportedTypes) throw new Error('The database driver has changed')
  result.prependRight(nameFunction.index, '/* @__NO_SIDE_EFFECTS__ */ ')

  for (const statement of program.body) {
    if (definesMembers(statement)) result.remove(statement.start, statement.end)
    if (statement.type === 'FunctionDeclaration' && statement.body && warnsInBrowsers(textOf(statement))) {
      result.overwrite(statement.body.start, statement.body.end, '{}')
    }
    if (statement.type !== 'VariableDeclaration') continue
    for (const { init } of statement.declarations) {
      if (!init) continue
      const module = init.type === 'CallExpression' ? init.arguments[0] : undefined
      const [marker, replacement] = [...unused].find(([text]) => textOf(init).includes(text)) ?? []
      if (marker && replacement && module) {
        unused.delete(marker)
        result.overwrite(module.start, module.end, replacement)
      } else if (init.start === exportedTypes.index) result.overwrite(init.start, init.end, types)
      else if (hasEffects(init)) {
        result.prependRight(init.start, '/* @__PURE__ */ (() => ').appendLeft(init.end, ')()')
      }
    }
  }
  new Visitor({
    ClassBody(members) {
      // `neonConfig` is the static side of the socket.
      if (!textOf(members).includes('WebSocketReadQueue')) return
      for (const member of members.body) {
        if (!('static' in member && member.static)) result.remove(member.start, member.end)
      }
    },
  }).visit(program)
  if (unused.size > 0) throw new Error(`The database driver has no ${[...unused.keys()].join(', ')}`)
  return result
}

/** `name(f, 'f')`, or `getters(exports, { f: () => f })` for modules that are unused. */
const definesMembers = (statement: Statement): boolean =>
  statement.type === 'ExpressionStatement' &&
  statement.expression.type === 'CallExpression' &&
  statement.expression.arguments.length === 2

const warnsInBrowsers = (text: string): boolean => text.includes('WARNING: Running SQL directly')

const hasEffects = ({ type }: Expression): boolean =>
  type === 'CallExpression' || type === 'ClassExpression' || type === 'MemberExpression'
