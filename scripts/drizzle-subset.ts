/**
 * @module Reduces drizzle-orm to what the sources call. Left out are relational queries, materialized views, set operations,
 * caches of results, the types of parameters that only other drivers need, and what only drizzle-kit reads of a table: indexes,
 * foreign keys and other constraints.
 */
import { parseSync, Visitor } from 'oxc-parser'
import { RolldownMagicString } from 'rolldown'

/** Modules of the package of which nothing is called. */
const unusedModules: Record<string, readonly string[]> = {
  'relations.js': [
    'createTableRelationsHelpers',
    'extractTablesRelationalConfig',
    'getOperators',
    'getOrderByOperators',
    'Many',
    'mapRelationalRow',
    'normalizeRelation',
    'One',
  ],
  // Builders for tables whose columns are given by a function. The schema imports the builders that it uses.
  'pg-core/columns/all.js': ['getPgColumnBuilders'],
  'pg-core/query-builders/query.js': ['RelationalQueryBuilder'],
  'pg-core/query-builders/refresh-materialized-view.js': ['PgRefreshMaterializedView'],
}

/** Members of classes that nothing calls, by module. */
const unusedMembers: Record<string, readonly string[]> = {
  'neon-http/driver.js': ['$withAuth'],
  'pg-core/columns/common.js': ['buildExtraConfigColumn', 'buildForeignKeys', 'references', 'unique'],
  'pg-core/db.js': ['refreshMaterializedView'],
  'pg-core/dialect.js': [
    'buildRefreshMaterializedViewQuery',
    'buildRelationalQueryWithoutPK',
    'buildSetOperationQuery',
    'buildSetOperations',
    'migrate',
  ],
  'pg-core/query-builders/select.js': [
    '$withCache',
    'createSetOperator',
    'crossJoin',
    'crossJoinLateral',
    'except',
    'exceptAll',
    'fullJoin',
    'innerJoinLateral',
    'intersect',
    'intersectAll',
    'leftJoinLateral',
    'rightJoin',
    'union',
    'unionAll',
  ],
  'pg-core/query-builders/update.js': ['fullJoin', 'rightJoin'],
}

/** Code to replace, by module. */
const replacements: Record<string, readonly [RegExp, string][]> = {
  'pg-core/dialect.js': [
    [/(?<=  prepareTyping\(encoder\) \{)[^]*?(?=\n  \}\n)/, 'return "none";'],
    [/if \(setOperators\.length > 0\) \{\s+return this\.buildSetOperations[^}]+\}/, ''],
  ],
  'pg-core/session.js': [
    [
      /(?<=async queryWithCache\(queryString, params, query\) \{)[^]*?(?=\n  \}\n\}\nclass PgSession)/,
      'try { return await query(); } catch (e) { throw new DrizzleQueryError(queryString, params, e); }',
    ],
  ],
  'pg-core/table.js': [
    [/rawTable\[InlineForeignKeys\]\.push\(.+\);/, ''],
    [/const builtColumnsForExtraConfig = [^]*?\n  \);/, ''],
    [/table\[Table\.Symbol\.ExtraConfigColumns\] = .+;/, ''],
  ],
}

/** Modules of the package that `drizzleSubset` changes. */
export const drizzleModules = /[\\/]drizzle-orm[\\/](relations|neon-http[\\/]driver|pg-core[\\/].+)\.js$/

/** The module without what nothing calls; null if all of it stays. */
export function drizzleSubset(path: string, source: string): string | null {
  const name = path.replaceAll('\\', '/').replace(/^.*\/drizzle-orm\//, '')
  const unused = unusedModules[name]
  if (unused) return `export const ${unused.map((each) => `${each} = null`).join(', ')}`
  if (!unusedMembers[name] && !replacements[name]) return null
  const text = (replacements[name] ?? []).reduce((rest, [pattern, replacement]) => {
    if (!pattern.test(rest)) throw new Error(`drizzle-orm/${name} has no ${pattern.source}`)
    return rest.replace(pattern, replacement)
  }, source)
  return withoutMembers(name, text, new Set(unusedMembers[name]))
}

function withoutMembers(name: string, source: string, unused: Set<string>): string {
  const result = new RolldownMagicString(source)
  const missing = new Set(unused)
  new Visitor({
    ClassBody({ body }) {
      for (const member of body) {
        if (!('key' in member) || member.key?.type !== 'Identifier' || !unused.has(member.key.name)) continue
        result.remove(member.start, member.end)
        missing.delete(member.key.name)
      }
    },
  }).visit(parseSync(name, source).program)
  if (missing.size > 0) throw new Error(`drizzle-orm/${name} has no ${[...missing].join(', ')}`)
  return result.toString()
}

/** Modifiers of columns that only drizzle-kit reads. A default counts for it too: Postgres has its own. */
const columnModifiers = new Set(['default', 'defaultNow', 'notNull', 'primaryKey', 'references', 'unique'])

/** Removes constraints and indexes from a module of `src/db/schema`. */
export function withoutConstraints(path: string, source: string): RolldownMagicString {
  const { program, errors } = parseSync(path, source)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const result = new RolldownMagicString(source)
  new Visitor({
    CallExpression({ callee, arguments: [, columns, constraints], end }) {
      if (callee.type === 'Identifier' && callee.name === 'pgTable' && columns && constraints) {
        result.remove(columns.end, constraints.end)
      } else if (
        callee.type === 'MemberExpression' &&
        callee.property.type === 'Identifier' &&
        columnModifiers.has(callee.property.name)
      ) {
        result.remove(callee.object.end, end)
      }
    },
  }).visit(program)
  return result
}
