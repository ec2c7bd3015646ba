/** @module CSRF protection, in addition to SameSite cookies: accepts changes from this dashboard's pages only. */
import type { MiddlewareHandler } from 'hono'
import { AppError } from '../errors.ts'
import type { BaseEnv } from '../http/env.ts'

/**
 * Checks `Sec-Fetch-Site`, or `Origin` for browsers without it. Rejects requests with neither header.
 * @param publicUrl public URL of the server
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
      if (!isOwn) throw new AppError('cross-origin', 'The request was not sent from a page of this dashboard')
    }
    await next()
  }
}
