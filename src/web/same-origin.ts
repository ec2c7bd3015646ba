/** @module Against forged requests, beside the cookie's SameSite: what changes anything comes from these pages only. */
import type { MiddlewareHandler } from 'hono'
import { AppError } from '../errors.ts'
import type { BaseEnv } from '../http/env.ts'

/**
 * Browsers say by `Sec-Fetch-Site` whose page a request comes from, where they do not by `Origin`; a request that says
 * neither is refused.
 * @param publicUrl where this server is reached
 * @throws {AppError} `cross-origin`
 */
export function requireSameOrigin(publicUrl: string): MiddlewareHandler<BaseEnv> {
  const publicOrigin = new URL(publicUrl).origin
  return async (c, next) => {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
      const site = c.req.header('Sec-Fetch-Site')
      const origin = c.req.header('Origin')
      const isOwn =
        site === undefined
          ? origin !== undefined && (origin === publicOrigin || origin === new URL(c.req.url).origin)
          : site === 'same-origin'
      if (!isOwn)
        throw new AppError('cross-origin', 'The request does not come from a page of this dashboard')
    }
    await next()
  }
}
