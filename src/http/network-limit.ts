/**
 * @module Limits requests without an account by client network, in the memory of the isolate: counting them in the database
 * would cost more than answering them. So every isolate has its own counts, and a restart resets them.
 */
import type { MiddlewareHandler } from 'hono'
import { AppError } from '../errors.ts'
import { networkOf } from '../lib/network.ts'
import type { BaseEnv } from './env.ts'

const burst = 100
const msPerRequest = 100
const maxNetworks = 10_000

export class NetworkLimit {
  readonly #now: () => Date
  /** When all requests of a network are available again. Oldest first. */
  readonly #fullAt = new Map<string, number>()

  constructor(now: () => Date) {
    this.#now = now
  }

  /** @throws {AppError} `too-many-requests` when `claim` would throw. Counts nothing */
  check(clientIp: string): void {
    const now = this.#now().getTime()
    const waitMs = this.#laterOf(networkOf(clientIp), now) - now - msPerRequest * (burst - 1)
    if (waitMs <= 0) return
    throw new AppError('too-many-requests', 'Too many requests from this network. Wait, then try again', {
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    })
  }

  /** Counts one request. @throws {AppError} `too-many-requests`, without counting it */
  claim(clientIp: string): void {
    this.check(clientIp)
    const network = networkOf(clientIp)
    const fullAt = this.#laterOf(network, this.#now().getTime()) + msPerRequest
    this.#fullAt.delete(network)
    this.#fullAt.set(network, fullAt)
    const [oldest] = this.#fullAt.keys()
    if (oldest !== undefined && this.#fullAt.size > maxNetworks) this.#fullAt.delete(oldest)
  }

  #laterOf(network: string, now: number): number {
    return Math.max(this.#fullAt.get(network) ?? 0, now)
  }
}

/** Counts every request. */
export function limited(limit: NetworkLimit): MiddlewareHandler<BaseEnv> {
  return async (c, next) => {
    limit.claim(c.var.clientIp)
    await next()
  }
}

/**
 * Counts wrong tokens and codes, and rejects them when there are too many of them. A right one is always accepted.
 */
export async function limitFailures<T>(
  limit: NetworkLimit,
  clientIp: string,
  isFailure: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isFailure(error)) limit.claim(clientIp)
    throw error
  }
}
