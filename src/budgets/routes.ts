import { Hono } from 'hono'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { Usage } from './contract.ts'
import type { UsageRepository } from './usage.ts'

/** Requires `requireUser`. */
export function usageRoutes(usage: UsageRepository) {
  return new Hono<AuthEnv>().get(
    '/usage',
    describe({
      operationId: 'getUsage',
      tag: 'Account',
      summary: 'Get the usage of the account',
      description: 'Returns what the account uses of each quota, and its limits of requests per minute.',
      responses: { 200: Usage },
    }),
    async (c) => c.json(await usage.of(c.var.userId), 200),
  )
}
