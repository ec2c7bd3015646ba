/** @module Creates a resource at most once for an idempotency key and within the owner's quota, in one batch. */
import { and, eq, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import { AppError } from '../errors.ts'
import type { Db } from './client.ts'
import { databaseError } from './errors.ts'
import { idempotencyKeys } from './schema/users.ts'

/** The idempotency key of a request that creates a resource. */
export interface CreationKey {
  key: string
  route: string
  /** Keyed digest of the body, hex. */
  bodyHash: string
}

export interface Quota {
  table:
    | 'credentials'
    | 'workflows'
    | 'instances'
    | 'deployments'
    | 'alert_rules'
    | 'alert_channels'
    | 'api_tokens'
    | 'environments'
  limit: number
}

export interface Creation {
  userId: string
  resourceId: string
  key: CreationKey | undefined
  /** One or more quotas that the creation counts against. */
  quota: Quota | readonly Quota[]
}

/**
 * Runs `statements` in one batch after claiming the key and checking the quota. The quota check locks the owner's row, so
 * that concurrent requests are checked one at a time.
 * @returns the id of the resource: `resourceId`, or the earlier one if the key was already used with the same body
 * @throws {AppError} `idempotency-key-reused`, `quota-exceeded`, `unauthenticated` when the account no longer exists
 */
export async function idempotentCreate(
  db: Db,
  creation: Creation,
  statements: BatchItem<'pg'>[],
): Promise<{ id: string; replayed: boolean }> {
  const { userId, resourceId, key, quota } = creation
  const claim = key ? [db.insert(idempotencyKeys).values({ userId, ...key, resourceId })] : []
  const quotas = [quota].flat()
  const withinQuotas = quotas.map(({ table, limit }) =>
    db.execute(sql`select claim_quota(${userId}::uuid, ${table}, ${limit}::integer)`),
  )
  try {
    const [first, ...rest]: BatchItem<'pg'>[] = [...claim, ...withinQuotas, ...statements]
    if (first) await db.batch([first, ...rest])
    return { id: resourceId, replayed: false }
  } catch (error) {
    const failure = databaseError(error)
    if (failure.sqlState === 'FK403' && failure.constraint === undefined) {
      throw new AppError(
        'quota-exceeded',
        `You have ${quotas.map(({ table, limit }) => `${limit} ${table === 'api_tokens' ? 'access tokens' : table.replace('_', ' ')}`).join(' or ')}, which is the limit. Delete some first`,
      )
    }
    if (failure.sqlState === 'FK401') throw new AppError('unauthenticated', 'The account no longer exists')
    if (!key || failure.constraint !== 'idempotency_keys_pkey') throw error
    const id = await earlierResource(db, userId, key)
    if (id) return { id, replayed: true }
    throw new AppError('conflict', 'The Idempotency-Key just expired. Retry the request')
  }
}

/**
 * Finds the resource that an earlier request with the key created, or null. For routes whose input may be invalid on a
 * retry.
 * @throws {AppError} `idempotency-key-reused`
 */
export async function earlierResource(db: Db, userId: string, key: CreationKey): Promise<string | null> {
  const [earlier] = await db.read
    .select({ bodyHash: idempotencyKeys.bodyHash, resourceId: idempotencyKeys.resourceId })
    .from(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.userId, userId),
        eq(idempotencyKeys.key, key.key),
        eq(idempotencyKeys.route, key.route),
      ),
    )
  if (!earlier) return null
  if (earlier.bodyHash !== key.bodyHash) {
    throw new AppError(
      'idempotency-key-reused',
      'This Idempotency-Key was already used with a different body. Use a new key',
    )
  }
  return earlier.resourceId
}
