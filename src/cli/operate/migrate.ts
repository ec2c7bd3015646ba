/** @module `flowkeep migrate`: migrates the database from the environment, or the embedded one. */
import type { CommandInput } from '../command.ts'
import { jsonResult, message, result } from '../terminal.ts'
import { openDatabase } from './database.ts'

export async function migrateCommand({ flags }: CommandInput): Promise<void> {
  const database = openDatabase()
  try {
    const applied = await database.migrate()
    if (flags.has('json')) return jsonResult({ applied })
    for (const name of applied) result(`Applied ${name}`)
    message(applied.length === 0 ? 'The schema is up to date.' : `Migrations applied: ${applied.length}.`)
  } finally {
    await database.close()
  }
}
