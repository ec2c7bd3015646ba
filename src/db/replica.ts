/** @module Reads that may be a moment behind what was written: from a replica, and from the primary while that is away. */
import type { Db } from './client.ts'
import { databaseError } from './errors.ts'

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

/** So long a replica that was away is not asked again, or every read would wait for it. */
const restMs = 30_000

export function readFromReplica({ replica, primary, now, onAway }: ReplicaOptions): Read {
  let restsUntilMs = 0
  return async (statements) => {
    if (now().getTime() < restsUntilMs) return statements(primary)
    try {
      return await statements(replica)
    } catch (error) {
      if (!isAway(error)) throw error
      restsUntilMs = now().getTime() + restMs
      onAway(error)
      return statements(primary)
    }
  }
}

/** What takes too long there would do so on the primary as well, to the harm of others. */
function isAway(error: unknown): boolean {
  const { kind, sqlState } = databaseError(error)
  return kind === 'unavailable' && sqlState !== '57014'
}
