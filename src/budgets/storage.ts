/** @module The quotas of versions and bytes, checked in the transaction that writes. */
import { sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import { AppError } from '../errors.ts'

/** Undefined: no limit. */
export interface StorageQuotas {
  /** Per workflow. */
  versions?: number
  /** Of a user's workflow versions and credentials. */
  storedBytes?: number
}

/** The last statement of a batch that writes. @param workflowId null: only the bytes are checked */
export const claimStorage = (
  db: Db,
  userId: string,
  workflowId: string | null,
  { versions, storedBytes }: StorageQuotas,
) =>
  db.execute(
    sql`select claim_storage(${userId}::uuid, ${workflowId}::uuid, ${versions ?? null}::integer, ${storedBytes ?? null}::bigint)`,
  )

/** @throws {AppError} `quota-exceeded` */
export async function withinStorage<T>(
  { versions, storedBytes }: StorageQuotas,
  write: () => PromiseLike<T>,
): Promise<T> {
  try {
    return await write()
  } catch (error) {
    const { sqlState, constraint } = databaseError(error)
    if (sqlState !== 'FK403') throw error
    if (constraint === 'versions') {
      throw new AppError(
        'quota-exceeded',
        `The workflow has ${versions} versions, which is the limit. Compact them, or save the change as a new workflow`,
      )
    }
    if (constraint === 'stored_bytes') {
      throw new AppError(
        'quota-exceeded',
        `Workflows and credentials would take more than ${(storedBytes ?? 0) / 1024 / 1024} MiB, which is the limit. Delete workflows, or compact their versions`,
      )
    }
    throw error
  }
}
