import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { performancePage, performancePagePath } from '../../bench/fast/page.ts'
import { describe, expect, test } from 'vitest'
import { defaults, type Measured, scalePage, scalePagePath } from '../../bench/scale-page.ts'
import { configurationPage, configurationPath } from '../../scripts/configuration-page.ts'
import { errorsPage, errorsPath } from '../../scripts/errors-page.ts'
import { limitsPage, limitsPath } from '../../scripts/limits-page.ts'
import { commandVariables } from '../../src/cli/variables.ts'
import { Environment } from '../../src/config.ts'

const root = resolve(import.meta.dirname, '../..')
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].map((name) => join(root, name)),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name)),
]

describe('docs/configuration.md', () => {
  test('is up to date (`npm run docs`)', () => {
    expect(readFileSync(configurationPath, 'utf8')).toBe(configurationPage())
  })

  test('lists every variable that users set once', () => {
    const names = [...Object.keys(Environment.shape), ...Object.keys(commandVariables)]
    const rows = [...configurationPage().matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, name]) => name)
    expect(rows.toSorted()).toEqual(names.filter((name) => name !== 'DATABASE_GATEWAY_URL').toSorted())
  })
})

test('docs/errors.md is up to date (`npm run docs`)', () => {
  expect(readFileSync(errorsPath, 'utf8')).toBe(errorsPage())
})

test('docs/limits.md is up to date (`npm run docs`)', () => {
  expect(readFileSync(limitsPath, 'utf8')).toBe(limitsPage())
})

describe('docs/scale.md', () => {
  const measured: Measured = JSON.parse(readFileSync(join(root, 'bench/scale.json'), 'utf8'))

  test('is up to date (`npm run bench:scale -- --write`)', () => {
    expect(readFileSync(scalePagePath, 'utf8')).toBe(scalePage(measured))
  })

  test('follows the assumptions', () => {
    const page = (more: Partial<typeof defaults>) => scalePage(measured, { ...defaults, ...more })
    const row = (text: string, name: string) => text.split('\n').find((line) => line.startsWith(`| ${name}`))
    expect(row(page({ neonGbMonth: 0 }), 'Neon: storage')).toBe('| Neon: storage | $0.00 | $0.00 | $0.00 |')
    expect(row(page({ runs: 3000 }), 'New rows')).not.toBe(row(page({}), 'New rows'))
  })
})

test('docs/performance.md is up to date (`npm run bench -- --page`)', () => {
  const measured = JSON.parse(readFileSync(join(root, 'bench/fast.json'), 'utf8'))
  expect(readFileSync(performancePagePath, 'utf8')).toBe(performancePage(measured))
})

describe('the documentation', () => {
  const links = (page: string) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      // `/docs` is a path of the server.
      .filter((target) => !/^([a-z]+:|\/)/.test(target))

  test.each(pages.map((page) => [relative(root, page), page]))('%s contains only valid links', (_, page) => {
    const missing = links(page).filter((target) => {
      const [path = ''] = target.split('#')
      return path !== '' && !existsSync(resolve(dirname(page), path))
    })
    expect(missing).toEqual([])
  })

  test.each(pages.map((page) => [relative(root, page), page]))(
    '%s mentions only existing scripts',
    (_, page) => {
      const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
        scripts: Record<string, string>
      }
      const named = [...readFileSync(page, 'utf8').matchAll(/\bnpm run (?:-s )?([a-z0-9:-]+)/g)]
      const unknown = named.map(([, name = '']) => name).filter((name) => !(name in scripts))
      expect(page.endsWith('CHANGELOG.md') ? [] : unknown).toEqual([])
    },
  )

  /** `src/errors.ts`, `drizzle/functions/search_*.sql`; not `src/<feature>/rows.ts`. */
  const filesIn = (text: string): string[] =>
    [...text.matchAll(/`((?:src|test|scripts|docs|demo|bench|drizzle|packages|public)\/[\w./*-]+)`/g)].map(
      ([, path = '']) => path,
    )
  const isMissing = (path: string) => globSync(path, { cwd: root }).length === 0

  test.each(
    pages
      .filter((page) => !page.endsWith('CHANGELOG.md'))
      .map((page) => [relative(root, page), page] as const),
  )('%s names only existing files', (_, page) => {
    expect(filesIn(readFileSync(page, 'utf8')).filter(isMissing)).toEqual([])
  })

  test('detects the name of a missing file', () => {
    expect(
      filesIn('`src/planted.ts`, `src/errors.ts` and `src/<feature>/rows.ts`').filter(isMissing),
    ).toEqual(['src/planted.ts'])
  })

  test('lists every decision in its index', () => {
    const folder = join(root, 'docs/decisions')
    const index = readFileSync(join(folder, 'README.md'), 'utf8')
    const files = readdirSync(folder).filter((name) => /^\d{4}-/.test(name))
    expect(files.length).toBeGreaterThan(5)
    expect(files.filter((name) => !index.includes(`(${name})`))).toEqual([])
  })

  test('describes every folder of src in the architecture', () => {
    const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )
    expect(folders.map(({ name }) => name).filter((name) => !text.includes(`\`${name}/\``))).toEqual([])
  })
})
