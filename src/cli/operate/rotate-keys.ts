/** @module `flowkeep rotate-keys`: rewraps every stored secret with the active key. Safe to repeat after a crash and to run concurrently. */
import type { SecretBox } from '../../crypto/secret-box.ts'
import type { Db } from '../../db/client.ts'
import { rewrapPage, rowsLeft, sealedTables } from '../../db/key-rotation.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { jsonResult, message, plural, result } from '../terminal.ts'
import { withDeps } from './with-deps.ts'

export interface RotationOptions {
  db: Db
  secretBox: SecretBox
  /** Rejects with a wrong key, before anything is rewrapped. */
  keysVerified: () => Promise<void>
  log: (line: string) => void
}

export interface RotationResult {
  rewrapped: number
  /** Rows that could not be decrypted. They stay unchanged. */
  failed: number
  /** Inactive key ID → rows that it still wraps. Remove a key from the ring once it wraps none, now and a day later. */
  left: Map<string, number>
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

/** Sweeps until no row is wrapped by an inactive key, or a sweep rewraps none. */
export async function rotateKeys(options: RotationOptions): Promise<RotationResult> {
  const { db, secretBox, keysVerified, log } = options
  await keysVerified()
  let rewrapped = 0
  for (;;) {
    const swept = await sweep(options)
    rewrapped += swept.rewrapped
    const left = await rowsLeft(db, secretBox.activeKeyId)
    const rows = [...left.values()].reduce((sum, each) => sum + each, 0)
    const moved = swept.rewrapped + swept.overtaken > 0
    if (!moved || rows <= swept.failed) return { rewrapped, failed: swept.failed, left }
    // Servers that still seal with an old key have added rows during the sweep.
    log(
      `${plural(rewrapped, 'secret')} rewrapped. Repeating for ${rows} still wrapped by ${[...left.keys()].join(', ')}.`,
    )
  }
}

async function sweep({ db, secretBox, log }: RotationOptions) {
  const total = { rewrapped: 0, overtaken: 0, failed: 0 }
  for (const table of sealedTables) {
    let cursor: string | null = null
    do {
      const page = await rewrapPage(db, secretBox, table, cursor)
      cursor = page.cursor
      total.rewrapped += page.rewrapped
      total.overtaken += page.overtaken
      total.failed += page.failed.length
      for (const { id, code } of page.failed) log(`${table} ${id} cannot be decrypted: ${code}`)
      if (cursor !== null) log(`${plural(total.rewrapped, 'secret')} rewrapped, now at ${table} ${cursor}`)
    } while (cursor !== null)
  }
  return total
}
