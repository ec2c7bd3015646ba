import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import { expect, test } from 'vitest'
import { drizzleModules, drizzleSubset, withoutConstraints } from '../../scripts/drizzle-subset.ts'

type Statements = typeof import('./fixtures/drizzle-statements.ts')

const root = join(import.meta.dirname, '../..')
const drizzleFile = (name: string) => readFile(join(root, 'node_modules/drizzle-orm', name), 'utf8')

/** The statements, bundled with drizzle-orm. */
async function bundleStatements(plugins: Plugin[]): Promise<Statements & { code: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-drizzle-'))
  try {
    await using bundle = await rolldown({
      input: join(root, 'test/scripts/fixtures/drizzle-statements.ts'),
      experimental: { nativeMagicString: true },
      plugins,
    })
    const { output } = await bundle.generate({ format: 'esm' })
    const file = join(folder, 'statements.mjs')
    await writeFile(file, output[0].code)
    return { ...((await import(pathToFileURL(file).href)) as Statements), code: output[0].code }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const reducing: Plugin[] = [
  {
    name: 'drizzle',
    transform: {
      filter: { id: drizzleModules },
      handler: (source, id) => {
        const code = drizzleSubset(id, source)
        return code === null ? null : { code, map: null }
      },
    },
  },
  {
    name: 'tables',
    transform: {
      filter: { id: /src[\\/]db[\\/]schema[\\/]/ },
      handler: (source, id) => ({ code: withoutConstraints(id, source) }),
    },
  },
]

test('sends and reads the same as the whole package', async () => {
  const [whole, reduced] = [await bundleStatements([]), await bundleStatements(reducing)]
  expect(reduced.code.length).toBeLessThan(whole.code.length * 0.85)
  const texts = Array.from({ length: 40 }, (_, index) => `2026-11-${10 + (index % 20)} 10:00:00+00`)
  const nothing = texts.map(() => null)
  for (const rows of [[], [texts], [texts, nothing]]) {
    const [sent, results] = (await whole.runStatements(rows)) as [{ text: string }[], unknown[]]
    expect(sent.map(({ text }) => text)).toContainEqual(expect.stringContaining('on conflict'))
    expect(results).toHaveLength(14)
    expect(await reduced.runStatements(rows)).toEqual([sent, results])
  }
})

test('removes constraints, indexes and modifiers of a table, and leaves its columns and other calls', () => {
  const source = `const a = pgTable('a', { id: id().notNull(), n: text('n', { enum: x }).default('y').array().notNull() }, (t) => [i(t.id)])
const b = pgTable('b', { id: uuid('id').primaryKey().references(() => a.id, { onDelete: 'cascade' }) })
const c = other('c', d, (t) => [i(t.id)])`
  expect(
    String(withoutConstraints('a.ts', source)),
  ).toBe(`const a = pgTable('a', { id: id(), n: text('n', { enum: x }).array() })
const b = pgTable('b', { id: uuid('id') })
const c = other('c', d, (t) => [i(t.id)])`)
  expect(() => withoutConstraints('src/a.ts', 'const = 1')).toThrow('src/a.ts does not parse')
})

test('leaves other modules as they are', () => {
  expect(drizzleSubset('/x/node_modules/drizzle-orm/pg-core/columns/text.js', 'x')).toBeNull()
})

test('reports a package of another shape', async () => {
  const dialect = await drizzleFile('pg-core/dialect.js')
  expect(() =>
    drizzleSubset('/drizzle-orm/pg-core/dialect.js', dialect.replace('prepareTyping(encoder)', 'x()')),
  ).toThrow('has no')
  expect(() =>
    drizzleSubset('/drizzle-orm/pg-core/dialect.js', dialect.replace('async migrate(', 'async x(')),
  ).toThrow('has no migrate')
})
