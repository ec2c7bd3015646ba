/** The lock file works on every platform and with every registry. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Locked {
  version?: string
  resolved?: string
  integrity?: string
  optionalDependencies?: Record<string, string>
  /** A workspace in this repository. */
  link?: boolean
}

const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>
}
const packages = Object.entries(lock.packages).filter(
  ([path, { link }]) => path === '' || (path.includes('node_modules/') && !link),
)

test('contains no registry URLs', () => {
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
})

test("pins every package's version and integrity", () => {
  const loose = packages.filter(([path, { version, integrity }]) => path !== '' && !(version && integrity))
  expect(loose.map(([path]) => path)).toEqual([])
})

test('includes the builds for every platform', () => {
  const missing = packages.flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !(`${path}/node_modules/${name}` in lock.packages) && !(`node_modules/${name}` in lock.packages),
    ),
  )
  expect(missing).toEqual([])
})
