/** @module Operator commands on the database from the environment, or the embedded one. */
import { parseConfig } from '../../config.ts'
import { createDeps } from '../../deps.ts'
import { nodeRuntime } from '../../node.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { checkSchema } from './connection-check.ts'
import { openDatabase, openExistingDatabase } from './database.ts'
import { resetPassword } from './reset-password.ts'
import { rotateKeys } from './rotate-keys.ts'
import { generateKeys, loadKeys, passedSettings } from '../server/state.ts'
import { ask, jsonResult, message, plural, result } from '../terminal.ts'

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

/** Runs `work` with the services of the server. */
async function withDeps<T>(work: (deps: ReturnType<typeof createDeps>) => Promise<T>): Promise<T> {
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
    return await work(createDeps(config, nodeRuntime({ fetch: database.fetch, config })))
  } finally {
    await database.close()
  }
}

export const rotateKeysCommand = ({ flags }: CommandInput): Promise<number> =>
  withDeps(async ({ db, secretBox, keyCheck }) => {
    const { rewrapped, failed, left } = await rotateKeys({
      db,
      secretBox,
      log: message,
      keysVerified: keyCheck.verified,
    })
    const activeKey = secretBox.activeKeyId
    if (flags.has('json')) jsonResult({ activeKey, rewrapped, failed, left: Object.fromEntries(left) })
    else {
      result(`Rewrapped secrets with key ${activeKey}: ${rewrapped}.`)
      for (const [keyId, rows] of left) result(`Still wrapped by key ${keyId}: ${rows}.`)
    }
    if (failed === 0) return exitCode.success
    message(
      `${plural(failed, 'secret')} could not be decrypted and ${failed === 1 ? 'was' : 'were'} left unchanged.`,
    )
    return rewrapped > 0 ? exitCode.partial : exitCode.failure
  })

export const resetPasswordCommand = ({ positionals, flags }: CommandInput): Promise<void> =>
  withDeps(async ({ users, hasher }) => {
    const askHidden = flags.has('ask') ? (question: string) => ask(question, true) : undefined
    const reset = await resetPassword(positionals[0] ?? '', { users, hasher, askHidden })
    if (flags.has('json')) return jsonResult(reset)
    message(`The password of ${reset.email} was set, and all sessions were ended.`)
    if (reset.password !== null) result(`New password, shown only once: ${reset.password}`)
  })

/** Quoted, so that shells and env files read them alike. */
export async function generateKeysCommand({ flags }: CommandInput): Promise<void> {
  const keys = generateKeys()
  if (flags.has('json')) return jsonResult(keys)
  for (const [name, value] of Object.entries(keys)) result(`${name}='${value}'`)
}
