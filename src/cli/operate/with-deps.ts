/** @module The services of the server for a command, on the database from the environment, or the embedded one. */
import { parseConfig } from '../../config.ts'
import { createDeps, type Deps } from '../../deps.ts'
import { nodeRuntime } from '../../node.ts'
import { loadKeys, passedSettings } from '../server/state.ts'
import { checkSchema } from './connection-check.ts'
import { message } from '../terminal.ts'
import { openExistingDatabase } from './database.ts'

export async function withDeps<T>(work: (deps: Deps) => Promise<T>): Promise<T> {
  const database = openExistingDatabase()
  try {
    await database.opened()
    await checkSchema(database)
    const config = parseConfig({
      PUBLIC_URL: process.env.PUBLIC_URL || 'http://127.0.0.1:8787',
      LOG_LEVEL: 'warn',
      ...passedSettings(),
      ...loadKeys(),
      DATABASE_URL: database.url,
    })
    const runtime = nodeRuntime({ fetch: database.fetch, config })
    return await work(createDeps(config, { ...runtime, writeLog: message }))
  } finally {
    await database.close()
  }
}
