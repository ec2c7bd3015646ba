/**
 * @module Reduces zod to what the sources call. Each schema class carries a method for every check and format, so that all of
 * them would be bundled. Left out too: metadata and the conversion to JSON Schema, which only the OpenAPI document needs;
 * compiled parsers, which Workers forbid; and the detection of reference cycles, because JSON has none.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ObjectExpression, parseSync, Visitor } from 'oxc-parser'

/** Names that the code in folders calls as methods. Functions of `z` itself do not count. */
export function methodsCalledIn(...folders: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>()
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  )
  for (const path of paths) {
    if (!/(?<!\.d)\.(tsx?|mjs)$/.test(path)) continue
    for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(/(?<!\bz)\.\s*(\w+)\(/g)) {
      names.add(name)
    }
  }
  return names
}

/** Files of the package that `zodSubset` changes. */
export const zodModules = /[\\/]zod[\\/]v4[\\/](classic[\\/](?:schemas|errors)|core[\\/]schemas)\.js$/

/** @param called names of methods that the sources call */
export function zodSubset(path: string, source: string, called: ReadonlySet<string>): string {
  if (/[\\/]core[\\/]/.test(path)) return coreSubset(source)
  return path.endsWith('errors.js') ? errorsSubset(source) : schemasSubset(source, called)
}

/** Code of `v4/classic/schemas.js` to replace. */
const schemaParts: [RegExp, string][] = [
  [/inst\._zod\.processJSONSchema = .+;/g, ''],
  [/create(ToJSONSchema|StandardJSONSchema)Method\(this[^;\n]*\)/g, 'null'],
  [/core\.\$ZodObjectJIT\b/g, 'core.$ZodObject'],
  [/core\.config\(\{ memoizer: core\.memoizer\(\) \}\)/g, ''],
]

/**
 * @param source `v4/classic/schemas.js`
 * @param called names of methods that the sources call
 */
export function schemasSubset(source: string, called: ReadonlySet<string>): string {
  const text = replaced(source, schemaParts)
  const { program, errors } = parseSync('schemas.js', text)
  if (errors.length > 0) throw new Error(`zod does not parse: ${errors[0]?.message}`)
  const own = new Set(Array.from(text.matchAll(/\b(?:this|inst|schema)\.(\w+)/g), ([, name = '']) => name))
  const isCalled = (name: string) => called.has(name) || own.has(name)
  const unused: { start: number; end: number }[] = []
  const keep = ({ properties }: ObjectExpression, isUsed: (name: string) => boolean) => {
    for (const property of properties) {
      if (property.type !== 'Property' || property.key.type !== 'Identifier') continue
      if (isUsed(property.key.name)) continue
      const comma = /^\s*,/.exec(text.slice(property.end, property.end + 80))?.[0] ?? ''
      unused.push({ start: property.start, end: property.end + comma.length })
    }
  }
  new Visitor({
    CallExpression({ callee, arguments: [first, second, methods] }) {
      const name = text.slice(callee.start, callee.end)
      if (name === 'core.$constructor' && methods?.type === 'ObjectExpression') keep(methods, isCalled)
      // `util.derived(metadata, methods)`
      if (name !== 'util.derived') return
      if (first?.type === 'ObjectExpression') keep(first, () => false)
      if (second?.type === 'ObjectExpression') keep(second, isCalled)
    },
  }).visit(program)
  if (unused.length === 0) throw new Error('zod has no methods where they are expected')
  return unused
    .toSorted((a, b) => b.start - a.start)
    .reduce((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text)
}

/** @param source `v4/classic/errors.js` */
export const errorsSubset = (source: string): string =>
  replaced(source, [[/_lazyMethod\(proto, "(format|flatten)", .+;/g, '']])

/**
 * Nothing parses asynchronously or encodes. Node reports schemas that would have to.
 * @param source `v4/core/schemas.js`
 */
const coreSubset = (source: string): string =>
  replaced(source, [
    [/\b\w+ instanceof Promise\b/g, 'false'],
    [/\bif \(ctx\.async\)/g, 'if (false)'],
    [/\bctx\.direction === "backward"/g, 'false'],
    [/\bctx(\?)?\.direction !== "backward"/g, 'true'],
    [/const direction = ctx\.direction \|\| "forward";/g, 'const direction = "forward";'],
    [/\bcore\.globalConfig\.memoizer\b/g, 'null'],
  ])

const replaced = (source: string, parts: readonly [RegExp, string][]): string =>
  parts.reduce((text, [pattern, replacement]) => {
    if (text.search(pattern) === -1) throw new Error(`zod has no ${pattern.source}`)
    return text.replaceAll(pattern, replacement)
  }, source)
