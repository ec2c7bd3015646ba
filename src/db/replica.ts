/** @module Reads that may be a moment behind what was written: from a replica, and from the primary while that is away. */
import { AppError } from '../errors.ts'
import type { Db } from './client.ts'
import { databaseError } from './errors.ts'
import { requireSchema } from './schema-version.ts'

/** Runs statements that only read; may run them twice. */
export type Read = <T>(statements: (db: Db) => Promise<T>) => Promise<T>

export const readFrom =
  (db: Db): Read =>
  (statements) =>
    statements(db)

interface ReplicaOptions {
  replica: Db
  primary: Db
  now: () => Date
  /** Told when it is given up for a while. */
  onAway: (error: unknown) => void
}

/**
 * More than a server takes before it cancels a statement: what is too slow for a replica that is there is told by it, and
 * only one that is gone is given up.
 */
export const replicaTimeoutMs = 12_000

/** So long a replica that was away is not asked again, or every read would wait for it. */
const restMs = 30_000

/** A replica that lags behind a migration is away: what the release asks of its schema could come out wrong there. */
export function readFromReplica({ replica, primary, now, onAway }: ReplicaOptions): Read {
  let isChecked = false
  let restsUntilMs = 0
  return async (statements) => {
    if (now().getTime() < restsUntilMs) return statements(primary)
    const [answer, check] = await Promise.allSettled([
      statements(replica),
      isChecked || requireSchema(replica),
    ])
    isChecked = check.status === 'fulfilled'
    if (isChecked && answer.status === 'fulfilled') return answer.value
    // What breaks for want of the schema does not say so: the check does.
    const failed = check.status === 'rejected' ? check : answer
    const cause: unknown = failed.status === 'rejected' ? failed.reason : undefined
    if (!isAway(cause)) throw cause
    isChecked = false
    restsUntilMs = now().getTime() + restMs
    onAway(cause)
    return statements(primary)
  }
}

/** What takes too long there would do so on the primary as well, to the harm of others. */
function isAway(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'database-unavailable'
  const { kind, sqlState } = databaseError(error)
  return kind === 'unavailable' && sqlState !== '57014'
}
