/** @module What an operator runs against the database that the environment names, or the embedded one. */
import { parseConfig } from '../config.ts'
import { createDeps } from '../deps.ts'
import { nodeRuntime } from '../node.ts'
import { openDatabase } from './database.ts'
import { resetPassword } from './reset-password.ts'
import { rotateKeys } from './rotate-keys.ts'
import { generateKeys, loadKeys, passedSettings } from './state.ts'

export async function migrateCommand(): Promise<void> {
  const database = openDatabase()
  try {
    const applied = await database.migrate()
    for (const name of applied) console.log(`applied  ${name}`)
    console.log(applied.length === 0 ? 'The schema is current.' : `${applied.length} migrations applied.`)
  } finally {
    await database.close()
  }
}

/** Runs `work` on the server's own parts, wired as the server wires them. */
async function withDeps(work: (deps: ReturnType<typeof createDeps>) => Promise<void>): Promise<void> {
  const database = openDatabase()
  try {
    await database.opened
    const config = parseConfig({
      PUBLIC_URL: 'http://127.0.0.1:8787',
      LOG_LEVEL: 'warn',
      ...passedSettings(),
      ...loadKeys(),
      DATABASE_URL: database.url,
    })
    await work(createDeps(config, nodeRuntime({ fetch: database.fetch, config })))
  } finally {
    await database.close()
  }
}

export const rotateKeysCommand = () =>
  withDeps(async ({ db, secretBox, keyCheck }) => {
    const log = (line: string) => console.log(line)
    const { rewrapped, failed, left } = await rotateKeys({
      db,
      secretBox,
      keysVerified: keyCheck.verified,
      log,
    })
    console.log(`${rewrapped} secrets rewrapped with key ${secretBox.activeKeyId}.`)
    for (const [keyId, rows] of left) console.log(`${rows} are still under key ${keyId}.`)
    if (failed > 0) throw new Error(`${failed} secrets could not be opened and stay as they are.`)
  })

export const usersCommand = ([verb, ...args]: string[]) => {
  if (verb !== 'reset-password') throw new Error('Usage: npm run flowkeep -- users reset-password <email>')
  return withDeps(({ users, hasher }) => resetPassword(args, { users, hasher }))
}

export async function generateKeysCommand(): Promise<void> {
  for (const [name, value] of Object.entries(generateKeys())) console.log(`${name}=${value}`)
}
