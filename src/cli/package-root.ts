/** @module Locates the package, from its sources or from the build in `dist/`. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'drizzle/meta/_journal.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error("Flowkeep's migrations (drizzle/) are missing. Reinstall Flowkeep.")
  return findRoot(parent)
}

export const packageRoot = findRoot(import.meta.dirname)

export const packageVersion = (): string => {
  const { version }: { version: string } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
  return version
}
