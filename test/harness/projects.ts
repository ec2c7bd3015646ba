/** @module Finds the test files that need a database: files that import `database.ts` or `postgres-server.ts`, directly or indirectly. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const databases = new Set(
  ['database.ts', 'postgres-server.ts'].map((name) => join(root, 'test/harness', name)),
)
const relativeImport = /(?:from|import\()\s*'(\.[^']+)'/g

function reachesDatabase(file: string, seen = new Set<string>()): boolean {
  if (databases.has(file)) return true
  if (seen.has(file) || !file.startsWith(join(root, 'test')) || !existsSync(file)) return false
  seen.add(file)
  const targets = Array.from(readFileSync(file, 'utf8').matchAll(relativeImport), ([, target = '']) => target)
  return targets.some((target) => reachesDatabase(resolve(dirname(file), target), seen))
}

/** Paths relative to the repository. `db` tests get a Postgres server and a PGlite template; `unit` tests need no setup. */
export function testFiles(pattern: string, exclude: readonly string[]): { unit: string[]; db: string[] } {
  const files = globSync(pattern, { cwd: root }).filter(
    (path) => !exclude.some((prefix) => path.startsWith(prefix)),
  )
  const { unit = [], db = [] } = Object.groupBy(files.toSorted(), (path) =>
    reachesDatabase(join(root, path)) ? 'db' : 'unit',
  )
  return { unit: unit.map((path) => relative(root, join(root, path))), db }
}
