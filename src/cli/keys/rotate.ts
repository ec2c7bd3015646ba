/**
 * @module `flowkeep keys rotate`: rewraps every stored secret with the active key, and reports what still needs other keys.
 * Safe to repeat after a crash and to run concurrently.
 */
import type { SecretBox } from '../../crypto/secret-box.ts'
import type { Db } from '../../db/client.ts'
import { rewrapPage, rowsLeft } from '../../db/key-rotation.ts'
import { type KeyUsage, keyUsage } from '../../db/key-usage.ts'
import { sealedColumns } from '../../db/sealed-columns.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { jsonResult, message, plural, result } from '../terminal.ts'
import { withDeps } from '../operate/with-deps.ts'
import { describeRows, ringsOf } from './rings.ts'
import { untilOf } from './status.ts'

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
  withDeps(async (deps) => {
    const { db, secretBox, keyCheck } = deps
    const { rewrapped, failed, left } = await rotateKeys({
      db,
      secretBox,
      log: message,
      keysVerified: keyCheck.verified,
    })
    const activeKey = secretBox.activeKeyId
    const rings = ringsOf(deps)
    const usage = await keyUsage(db, deps.now())
    const waiting = usage.filter(
      ({ ring, keyId }) => ring !== 'CREDENTIAL_KEYS' && keyId !== null && keyId !== rings[ring].active,
    )
    if (flags.has('json')) {
      jsonResult({
        activeKey,
        rewrapped,
        failed,
        left: Object.fromEntries(left),
        waiting: waiting.map(toJson),
      })
    } else {
      result(`Rewrapped secrets with key ${activeKey}: ${rewrapped}.`)
      for (const [keyId, rows] of left) result(`Still wrapped by key ${keyId}: ${rows}.`)
      for (const each of waiting) {
        const rows = `${describeRows([each])}${untilOf([each])}`
        result(`${each.ring}: key ${each.keyId} is in use by ${rows}. ${moves[each.table] ?? ''}`)
      }
    }
    if (failed === 0) return exitCode.success
    message(
      `${plural(failed, 'secret')} could not be decrypted and ${failed === 1 ? 'was' : 'were'} left unchanged.`,
    )
    return rewrapped > 0 ? exitCode.partial : exitCode.failure
  })

/** What moves the rows that rotation cannot rewrap. */
const moves: Record<string, string> = {
  users: 'A password moves to the active key when its user signs in.',
  sessions: 'A session moves to the active key when it is refreshed.',
  oauth_grants: 'A connected app moves to the active key when it renews its token.',
}

const toJson = ({ ring, keyId, table, rows, until }: KeyUsage) => ({ ring, keyId, table, rows, until })

/** Sweeps until no row is wrapped by an inactive key, or a sweep rewraps none. */
export async function rotateKeys(options: RotationOptions): Promise<RotationResult> {
  const { db, secretBox, keysVerified, log } = options
  await keysVerified()
  let rewrapped = 0
  const total = sum((await rowsLeft(db, secretBox.activeKeyId)).values())
  const onRewrapped = (more: number) => {
    rewrapped += more
    log(`${rewrapped} of ${Math.max(total, rewrapped)} rewrapped`)
  }
  for (;;) {
    const swept = await sweep(options, onRewrapped)
    const left = await rowsLeft(db, secretBox.activeKeyId)
    const rows = sum(left.values())
    const moved = swept.rewrapped + swept.overtaken > 0
    if (!moved || rows <= swept.failed) return { rewrapped, failed: swept.failed, left }
    // Servers that still seal with an old key have added rows during the sweep.
    log(`Repeating for ${plural(rows, 'row')} that servers sealed with ${[...left.keys()].join(', ')}`)
  }
}

const sum = (numbers: Iterable<number>): number =>
  Array.from(numbers).reduce((total, each) => total + each, 0)

async function sweep({ db, secretBox, log }: RotationOptions, onRewrapped: (more: number) => void) {
  const total = { rewrapped: 0, overtaken: 0, failed: 0 }
  for (const column of sealedColumns) {
    let cursor: string | null = null
    do {
      const page = await rewrapPage(db, secretBox, column, cursor)
      cursor = page.cursor
      total.rewrapped += page.rewrapped
      total.overtaken += page.overtaken
      total.failed += page.failed.length
      for (const { id, code } of page.failed) log(`${column.table} ${id} cannot be decrypted: ${code}`)
      if (page.rewrapped > 0) onRewrapped(page.rewrapped)
    } while (cursor !== null)
  }
  return total
}
