/** Holds the phrases of `banned-phrases.txt` at zero in everything that a person reads. */
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Prose, proseOf } from './prose.ts'

const root = resolve(import.meta.dirname, '../..')

const rules = readFileSync(join(import.meta.dirname, 'banned-phrases.txt'), 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => {
    const [phrase = '', instead = ''] = line.split('\t')
    return { pattern: new RegExp(`(?<!\\w)(?:${phrase})(?!\\w)`, 'gi'), instead }
  })

/** Texts that are data: planted by the demo, or other people's. */
const data =
  /generated|common-passwords|demo\/large\/flow|src\/lib\/secrets\/(token-forms|names|name-scan|ordinary-words)/
const files = [
  ...globSync(['*.md', '{docs,examples,packages/*}/**/*.md', '.github/**/*.md'], { cwd: root }),
  ...globSync(['{src,scripts,examples,demo,bench,test}/**/*.{ts,tsx}', 'packages/*/src/**/*.ts'], {
    cwd: root,
  }),
  ...globSync('drizzle/functions/*.sql', { cwd: root }),
].filter((path) => !path.includes('node_modules') && !data.test(path))

const violations = (path: string, prose: Prose[]): string[] =>
  prose.flatMap(({ text, line }) =>
    rules.flatMap(({ pattern, instead }) =>
      Array.from(text.matchAll(pattern), ([found]) => `${path}:${line}: “${found}”. Write: ${instead}`),
    ),
  )

describe('text for people', () => {
  test('contains none of the banned phrases', () => {
    expect(files.length).toBeGreaterThan(300)
    expect(files.flatMap((path) => violations(path, proseOf(join(root, path))))).toEqual([])
  })

  test.each([
    ['a comment', 'planted.ts', '// It cannot be had back.'],
    ['a string', 'planted.ts', "export const text = 'Mend it and retry'"],
    ['a template', 'planted.ts', 'export const text = (n: number) => `${n} go on by now`'],
    ['JSX', 'planted.tsx', 'export const text = <p>Nobody asked for it.</p>'],
    ['the name of a test', 'planted.test.ts', "test.each([1])('%i goes on as before', () => {})"],
    ['the comment of a SQL function', 'planted.sql', 'select 1 -- whatever there is'],
  ])('is searched in %s', async (_, name, source) => {
    const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs')
    const { tmpdir } = await import('node:os')
    const folder = mkdtempSync(join(tmpdir(), 'flowkeep-writing-'))
    const path = join(folder, name)
    writeFileSync(path, source)
    expect(violations(name, proseOf(path))).not.toEqual([])
    rmSync(folder, { recursive: true })
  })
})
