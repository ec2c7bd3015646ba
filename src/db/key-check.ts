/**
 * @module Notices a wrong key before it seals anything: a known text, sealed under each key of the ring by whoever
 * used the key first, must open.
 */
import { inArray, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { KeyRing } from '../crypto/key-ring.ts'
import { createSecretBox, type SecretContext } from '../crypto/secret-box.ts'
import { AppError } from '../errors.ts'
import type { Db } from './client.ts'
import { keyChecks } from './schema/users.ts'

const knownText = 'flowkeep'
const contextOf = (keyId: string): SecretContext => ({
  purpose: 'key-check',
  userId: '',
  rowId: keyId,
  type: 'key-check',
})

/**
 * Checks every key of the ring against the database, and seals the known text under those that it has not seen yet.
 * @throws {AppError} `key-unavailable` when a key is not the one that was used under its id before
 */
export async function verifyKeys(db: Db, ring: KeyRing): Promise<void> {
  const ids = [...ring.keys.keys()]
  const stored = db.select().from(keyChecks).where(inArray(keyChecks.keyId, ids))
  let checks = await stored
  const seen = new Set(checks.map(({ keyId }) => keyId))
  const unseen = ids.filter((id) => !seen.has(id))
  if (unseen.length > 0) {
    const rows = await Promise.all(
      unseen.map(async (keyId) => ({
        keyId,
        sealed: await createSecretBox({ ...ring, active: keyId }).seal(contextOf(keyId), knownText),
      })),
    )
    const insert = db.insert(keyChecks).values(rows).onConflictDoNothing() satisfies BatchItem<'pg'>
    // Read again: another isolate, perhaps with another key, may have been first.
    checks = (await db.batch([insert, stored]))[1]
  }
  const box = createSecretBox(ring)
  await Promise.all(checks.map(({ keyId, sealed }) => mustOpen(keyId, box.open(contextOf(keyId), sealed))))
}

async function mustOpen(keyId: string, opening: Promise<unknown>): Promise<void> {
  try {
    if ((await opening) === knownText) return
  } catch {
    // The same as a text that is not the known one.
  }
  throw new AppError(
    'key-unavailable',
    'The server holds a wrong key, so nothing is written; try again later',
    {
      retryAfterSeconds: 30,
      cause: new Error(`Key ${keyId} of CREDENTIAL_KEYS is not the key that was used under this id before`),
    },
  )
}

/** Ids of keys that stored secrets need and the ring lacks, sorted. Reads one index entry for each id in use. */
export async function missingKeyIds(db: Db, ring: KeyRing): Promise<string[]> {
  const { rows } = await db.execute<{ key_id: string }>(sql`
    with recursive
      of_credentials(key_id) as (
        select min(key_id) from credentials
        union all
        select (select min(key_id) from credentials c where c.key_id > u.key_id)
        from of_credentials u where u.key_id is not null
      ),
      of_instances(key_id) as (
        select min(key_id) from instances
        union all
        select (select min(key_id) from instances i where i.key_id > u.key_id)
        from of_instances u where u.key_id is not null
      )
    select key_id from of_credentials where key_id is not null
    union
    select key_id from of_instances where key_id is not null
    order by key_id`)
  return rows.map((row) => row.key_id).filter((id) => !ring.keys.has(id))
}

export interface KeyCheck {
  /**
   * `verifyKeys` until it has succeeded once, then nothing. Await it before sealing.
   * @throws {AppError} `key-unavailable`
   */
  verified: () => Promise<void>
  /**
   * For readiness: `verifyKeys`, and no stored secret needs a key that the ring lacks.
   * @throws {AppError} `key-unavailable`
   */
  ready: () => Promise<void>
}

/** One for each isolate. A result and no promise is kept: workerd ties a promise to the request that made it. */
export function createKeyCheck(db: Db, ring: KeyRing): KeyCheck {
  let known = false
  return {
    async verified() {
      if (known) return
      await verifyKeys(db, ring)
      known = true
    },
    async ready() {
      const [missing] = await Promise.all([missingKeyIds(db, ring), verifyKeys(db, ring)])
      if (missing.length === 0) return
      throw new AppError('key-unavailable', 'The server lacks a key that stored secrets need', {
        retryAfterSeconds: 30,
        cause: new Error(`CREDENTIAL_KEYS lacks ${missing.join(', ')}, which stored secrets need`),
      })
    },
  }
}
