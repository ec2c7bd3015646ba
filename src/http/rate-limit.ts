/**
 * @module Counts the requests of a user by class, and tells the client what is left in the header fields `RateLimit` and
 * `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
 */
import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import { AppError } from '../errors.ts'
import { type RateClass, rateClassOf } from './rate-classes.ts'

/** What is left of a class in the current minute. */
export interface Rate {
  class: RateClass
  limit: number
  /** Negative: the request is one too many. */
  remaining: number
  /** Until the next minute. */
  resetSeconds: number
}

/** Counts one request. Null: the class has no limit. */
export type ClaimRequest = (userId: string, of: RateClass) => Rate | null | Promise<Rate | null>

export const windowSeconds = 60

const windowName: Record<RateClass, string> = {
  read: 'read requests',
  write: 'changes',
  heavy: 'analytics, searches, exports and checks',
  outgoing: 'requests that call n8n or send a message',
}

/** @throws {AppError} `too-many-requests` */
export function requireRate(rate: Rate | null): void {
  if (!rate || rate.remaining >= 0) return
  const { class: requestClass, limit, resetSeconds } = rate
  throw new AppError(
    'too-many-requests',
    `The account is limited to ${limit} ${windowName[requestClass]} per minute. Wait ${resetSeconds} ${resetSeconds === 1 ? 'second' : 'seconds'}, then try again`,
    { retryAfterSeconds: resetSeconds, extra: { requestsPerMinute: limit, requestClass } },
  )
}

/**
 * The route is the first handler that is not middleware. A request without one counts by its method.
 * @throws {AppError} `too-many-requests`
 */
export async function countRequest(c: Context, userId: string, claim: ClaimRequest): Promise<void> {
  const { method, path } = matchedRoutes(c).find((route) => route.method !== 'ALL') ?? c.req
  const claimed = claim(userId, rateClassOf(method, path))
  // Without a wait for the classes that are counted in memory.
  const rate = claimed instanceof Promise ? await claimed : claimed
  if (!rate) return
  c.header('RateLimit-Policy', `"${rate.class}";q=${rate.limit};w=${windowSeconds}`)
  c.header('RateLimit', `"${rate.class}";r=${Math.max(rate.remaining, 0)};t=${rate.resetSeconds}`)
  requireRate(rate)
}
