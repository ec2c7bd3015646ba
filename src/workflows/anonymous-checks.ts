/** @module `POST /v1/workflows/check` without an account, limited by the client's address. Stores nothing. */
import type { MiddlewareHandler } from 'hono'
import type { BaseEnv } from '../http/env.ts'
import { valid } from '../http/validate.ts'
import { quoteOverflow } from '../lib/json-text.ts'
import { CheckRequest } from './check-contract.ts'
import { checkOf } from './check-routes.ts'
import type { WorkflowChecks } from './checks.ts'

/** Bounds the work of one request. */
export const anonymousLimitBytes = 256 * 1024

const AnonymousCheckRequest = CheckRequest.omit({ instanceId: true })

/**
 * Answers requests without an Authorization header; passes on the others.
 * @param claim counts one check of an address @throws {AppError} `too-many-requests`
 */
export function anonymousChecks(
  checks: WorkflowChecks,
  claim: (clientIp: string) => Promise<void>,
): MiddlewareHandler<BaseEnv> {
  const read = valid('json', AnonymousCheckRequest, anonymousLimitBytes, quoteOverflow)
  return async (c, next) => {
    if (c.req.header('Authorization') !== undefined) return next()
    c.header('Cache-Control', 'no-store')
    await claim(c.var.clientIp)
    await read(c as never, async () => undefined)
    const request = c.req.valid('json' as never) as ReturnType<typeof AnonymousCheckRequest.parse>
    return c.json(await checkOf(checks, null, request, c.var.bodyText))
  }
}
