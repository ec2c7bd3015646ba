/** @module Checks and builds of the project itself. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { wranglerBin, wranglerEnv } from './wrangler.ts'

/** Generates from the schemas into a copy of `drizzle/`: a new file there means that a migration is missing. */
export async function drift(): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'flowkeep-drift-'))
  try {
    cpSync('drizzle', copy, { recursive: true })
    const kit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs')
    const generated = spawnSync(
      process.execPath,
      [
        kit,
        'generate',
        '--dialect',
        'postgresql',
        '--schema',
        './src/db/schema/*.ts',
        '--out',
        relative('.', copy),
        '--name',
        'drift',
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const entries = (dir: string) =>
      (JSON.parse(readFileSync(join(dir, 'meta/_journal.json'), 'utf8')) as { entries: unknown[] }).entries
        .length
    if (generated.status !== 0) throw new Error(`drizzle-kit failed:\n${generated.stdout}${generated.stderr}`)
    if (entries(copy) !== entries('drizzle')) {
      throw new Error(
        'The schemas have changed without a migration: run `npm run db:generate -- --name <what-changes>`.',
      )
    }
    console.log('The migrations hold everything that the schemas say.')
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

export async function bundle(): Promise<void> {
  const result = spawnSync(
    process.execPath,
    [wranglerBin(), 'deploy', '--dry-run', '--outdir', 'dist/worker'],
    { encoding: 'utf8', env: wranglerEnv(), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  if (result.status !== 0)
    throw new Error(`wrangler could not bundle the worker:\n${result.stdout}${result.stderr}`)
  const code = readFileSync('dist/worker/worker.js')
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`
  console.log(`The worker's bundle: ${kib(code.length)}, ${kib(gzipSync(code).length)} gzipped.`)
}
