/** @module Reads drizzle-kit's migrations. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { Migration } from '../../db/migrate.ts'

const Journal = z.object({ entries: z.array(z.object({ idx: z.int(), tag: z.string() })) })

/** Reads a drizzle folder (`meta/_journal.json` and one SQL file per entry) in the order of the journal. */
export async function readMigrations(dir: string): Promise<Migration[]> {
  const journal = Journal.parse(JSON.parse(await readFile(join(dir, 'meta', '_journal.json'), 'utf8')))
  const entries = journal.entries.toSorted((a, b) => a.idx - b.idx)
  return Promise.all(
    entries.map(async ({ tag }) => ({ name: tag, sql: await readFile(join(dir, `${tag}.sql`), 'utf8') })),
  )
}
