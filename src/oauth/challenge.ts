/** @module Tells clients of `/mcp` where to get a token, and which scope a token lacks (RFC 6750 §3, RFC 9728 §5.1). */
import type { MiddlewareHandler } from 'hono'
import type { BaseEnv } from '../http/env.ts'
import { resourceMetadataUrl } from './metadata.ts'
import { suggestedScopes } from './scopes.ts'

export function challenge(publicUrl: string): MiddlewareHandler<BaseEnv> {
  const metadata = `resource_metadata="${resourceMetadataUrl(publicUrl)}"`
  const scope = `scope="${suggestedScopes.join(' ')}"`
  return async (c, next) => {
    await next()
    const { status, headers } = c.res
    const given = headers.get('WWW-Authenticate')
    if (status === 401) {
      const isInvalid = c.req.header('Authorization') !== undefined
      headers.set(
        'WWW-Authenticate',
        `Bearer ${isInvalid ? 'error="invalid_token", ' : ''}${metadata}, ${scope}`,
      )
    } else if (status === 403 && given?.startsWith('Bearer ')) {
      headers.set('WWW-Authenticate', `${given}, ${metadata}`)
    }
  }
}
