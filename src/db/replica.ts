/** @module Reads from a replica that may lag, and falls back to the primary when it is unavailable. */
import { AppError } from '../errors.ts'
import type { Db, Reader } from './client.ts'
import { databaseError } from './errors.ts'
import { requireSchema } from './schema-version.ts'

/** Runs read-only statements, possibly twice. */
export type Read = <T>(statements: (db: Reader) => Promise<T>) => Promise<T>

export const readFrom =
  (db: Db): Read =>
  (statements) =>
    statements(db.read)

interface ReplicaOptions {
  replica: Db
  primary: Db
  now: () => Date
  /** Called when the replica is marked unavailable. */
  onAway: (error: unknown) => void
}

/**
 * Longer than the server's statement timeout: a reachable replica cancels slow statements itself, so that only an
 * unreachable one exceeds this.
 */
export const replicaTimeoutMs = 12_000

/** How long an unavailable replica is skipped, so that reads do not wait for it. */
const restMs = 30_000

/** A replica that lags behind a migration counts as unavailable, because queries may return wrong results. */
export function readFromReplica({ replica, primary, now, onAway }: ReplicaOptions): Read {
  let isChecked = false
  let restsUntilMs = 0
  return async (statements) => {
    if (now().getTime() < restsUntilMs) return statements(primary.read)
    const [answer, check] = await Promise.allSettled([
      statements(replica.read),
      isChecked || requireSchema(replica.read),
    ])
    isChecked = check.status === 'fulfilled'
    if (isChecked && answer.status === 'fulfilled') return answer.value
    // An error does not show that the schema is outdated, so check it.
    const failed = check.status === 'rejected' ? check : answer
    const cause: unknown = failed.status === 'rejected' ? failed.reason : undefined
    if (!isAway(cause)) throw cause
    isChecked = false
    restsUntilMs = now().getTime() + restMs
    onAway(cause)
    return statements(primary.read)
  }
}

/** A statement too slow for the replica would also be slow on the primary and harm other requests. */
function isAway(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'database-unavailable'
  const { kind, sqlState } = databaseError(error)
  return kind === 'unavailable' && sqlState !== '57014'
}
