import { Hono } from 'hono'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import { ModelPrices, NewModelPrices } from './price-contract.ts'
import type { ModelPriceRepository } from './prices.ts'

const tag = 'Analytics'

export function modelPriceRoutes(prices: ModelPriceRepository) {
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'getModelPrices',
        tag,
        summary: 'Get model prices',
        description: 'Your own prices and the default list prices. Your prices take precedence.',
        responses: { 200: ModelPrices },
        errors: [],
      }),
      async (c) => c.json(await prices.list(c.var.userId), 200),
    )
    .put(
      '/',
      describe({
        operationId: 'replaceModelPrices',
        tag,
        summary: 'Replace your model prices',
        description:
          'Costs are computed when they are read, so that a price applies to earlier executions too. Defaults that you ' +
          'omit remain in effect. The last write wins, so `If-Match` is not needed.',
        responses: { 200: ModelPrices },
        errors: ['invalid'],
      }),
      valid('json', NewModelPrices),
      async (c) => c.json(await prices.replace(c.var.userId, c.req.valid('json')), 200),
    )
}
