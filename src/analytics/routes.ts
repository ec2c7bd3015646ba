import { Hono } from 'hono'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import { Summary, SummaryQuery } from './contract.ts'
import type { AnalyticsRepository } from './repository.ts'

export function analyticsRoutes(analytics: AnalyticsRepository) {
  return new Hono<AuthEnv>().get(
    '/summary',
    describe({
      tag: 'Analytics',
      summary: 'Sum up executions',
      description: 'Executions from `from` up to but not including `to`, by their start.',
      responses: { 200: Summary },
      errors: ['invalid'],
    }),
    valid('query', SummaryQuery),
    async (c) => c.json(await analytics.summary(c.var.userId, c.req.valid('query')), 200),
  )
}
