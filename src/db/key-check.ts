/**
 * @module Detects a wrong key before it encrypts anything. The first server that uses a key seals a known text with it;
 * later ones must be able to open that text.
 */
import { inArray, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { KeyRing } from '../crypto/key-ring.ts'
import { createSecretBox, type SecretBox, type SecretContext } from '../crypto/secret-box.ts'
import { AppError } from '../errors.ts'
import type { Db } from './client.ts'
import { keyChecks } from './schema/users.ts'
import { sealedTables } from './sealed-columns.ts'

export const knownText = 'flowkeep'
export const contextOf = (keyId: string): SecretContext => ({
  purpose: 'key-check',
  userId: '',
  rowId: keyId,
  type: 'key-check',
})

/**
 * Checks every key of the ring against the database, and seals the known text under new keys.
 * @throws {AppError} `key-unavailable` when a key differs from the one stored under its ID
 */
export async function verifyKeys(db: Db, ring: KeyRing): Promise<void> {
  const ids = [...ring.keys.keys()]
  const stored = db.read.select().from(keyChecks).where(inArray(keyChecks.keyId, ids))
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
    // Read again: another isolate, perhaps with a different key, may have inserted first.
    checks = (await db.batch([insert, stored]))[1]
  }
  const box = createSecretBox(ring)
  await Promise.all(checks.map(({ keyId, sealed }) => mustOpen(box, keyId, sealed)))
}

/**
 * Whether a key is the one that sealed the known text under its ID.
 * @throws {AppError} `key-unavailable` when a KMS does not respond, which says nothing about the key
 */
export async function opensKeyCheck(
  box: Pick<SecretBox, 'open'>,
  keyId: string,
  sealed: unknown,
): Promise<boolean> {
  try {
    return (await box.open(contextOf(keyId), sealed)) === knownText
  } catch (error) {
    if (error instanceof AppError && error.code === 'key-unavailable') throw error
    return false
  }
}

async function mustOpen(box: SecretBox, keyId: string, sealed: unknown): Promise<void> {
  if (await opensKeyCheck(box, keyId, sealed)) return
  throw new AppError(
    'key-unavailable',
    'The server has the wrong encryption key and rejects writes. Try again later',
    {
      retryAfterSeconds: 30,
      cause: new Error(`Key ${keyId} of CREDENTIAL_KEYS differs from the key previously used under this ID`),
    },
  )
}

/** IDs under which the database knows another key. Reads only, unlike `verifyKeys`. */
export async function mismatchedKeyIds(db: Db, ring: KeyRing): Promise<string[]> {
  const stored = await db.read
    .select()
    .from(keyChecks)
    .where(inArray(keyChecks.keyId, [...ring.keys.keys()]))
  const box = createSecretBox(ring)
  const wrong = await Promise.all(
    stored.map(async ({ keyId, sealed }) => {
      const opened = await box.open(contextOf(keyId), sealed).catch(() => null)
      return opened === knownText ? [] : [keyId]
    }),
  )
  return wrong.flat().toSorted()
}

/** IDs of keys that stored secrets need but the ring does not have, sorted. Reads one index entry per ID in use. */
export async function missingKeyIds(db: Db, ring: KeyRing): Promise<string[]> {
  const steps = sealedTables.map((name) => {
    const [table, ids] = [sql.identifier(name), sql.identifier(`ids_of_${name}`)]
    return sql`${ids}(key_id) as (
      select min(key_id) from ${table}
      union all
      select (select min(key_id) from ${table} t where t.key_id > u.key_id) from ${ids} u where u.key_id is not null
    )`
  })
  const ids = sealedTables.map(
    (name) => sql`select key_id from ${sql.identifier(`ids_of_${name}`)} where key_id is not null`,
  )
  const { rows } = await db.read.execute<{ key_id: string }>(
    sql`with recursive ${sql.join(steps, sql`, `)} ${sql.join(ids, sql` union `)} order by key_id`,
  )
  return rows.map((row) => row.key_id).filter((id) => !ring.keys.has(id))
}

export interface KeyCheck {
  /**
   * Runs `verifyKeys` until it succeeds once. Await it before sealing.
   * @throws {AppError} `key-unavailable`
   */
  verified: () => Promise<void>
  /**
   * For readiness: runs `verifyKeys`, and checks that the ring has every key that stored secrets need.
   * @throws {AppError} `key-unavailable`
   */
  ready: () => Promise<void>
}

/** One per isolate. Caches a result instead of a promise, because workerd ties a promise to its request. */
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
      throw new AppError('key-unavailable', 'The server is missing a key that stored secrets need', {
        retryAfterSeconds: 30,
        cause: new Error(`CREDENTIAL_KEYS is missing ${missing.join(', ')}, which stored secrets need`),
      })
    },
  }
}
