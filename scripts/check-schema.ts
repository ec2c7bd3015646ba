/**
 * @module `npm run db:check`: fails when the Drizzle schema has changes that no migration contains, or when a migration
 * removes something, or blocks writes, without a comment that says why.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { planMigrations } from '../src/cli/migrate/plan.ts'

const drizzleKit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs')

/** Generates a migration in a copy of `drizzle/`. A new journal entry means that a migration is missing. */
function checkSchema(): string | null {
  const copy = mkdtempSync(join(tmpdir(), 'flowkeep-schema-'))
  try {
    cpSync('drizzle', copy, { recursive: true })
    const source = ['--dialect', 'postgresql', '--schema', './src/db/schema/*.ts']
    const target = ['--out', relative('.', copy), '--name', 'check']
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [drizzleKit, 'generate', ...source, ...target],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    if (status !== 0) return `drizzle-kit failed:\n${stdout}${stderr}`
    if (migrationCount(copy) === migrationCount('drizzle')) return null
    return 'The schema has changed without a migration. Run `npm run db:generate -- --name <what-changes>`.'
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function migrationCount(folder: string): number {
  const journal: { entries: unknown[] } = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8'))
  return journal.entries.length
}

const migrations = await readMigrations('drizzle')
const { objections } = await planMigrations(
  migrations,
  migrations.map(({ name }) => name),
)
const schemaProblem = checkSchema()
const problems = schemaProblem === null ? objections : [schemaProblem, ...objections]
if (problems.length === 0) console.log('The migrations match the schema, and none removes anything unmarked.')
else {
  for (const problem of problems) console.error(problem)
  process.exitCode = 1
}
