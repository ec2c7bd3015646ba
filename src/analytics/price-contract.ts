/** @module The HTTP shapes of model prices. */
import * as z from 'zod'

const Price = z
  .number('Must be a number')
  .min(0, 'At least 0')
  .max(1_000_000, 'At most 1,000,000')
  .meta({ examples: [2.5] })

const prices = {
  model: z
    .string()
    .trim()
    .regex(/^[^\s*\p{C}][^*\p{C}]{0,126}\*?$/u, 'A model name, or a prefix followed by *')
    .meta({
      description: 'A model name, or a prefix followed by `*`. An exact name wins, then the longest pattern',
      examples: ['gpt-4o-mini', 'claude-sonnet-4-*'],
    }),
  inputPerMillion: Price.meta({ description: 'US dollars per million input tokens' }),
  outputPerMillion: Price.meta({ description: 'US dollars per million output tokens' }),
  cachedInputPerMillion: Price.nullable()
    .optional()
    .meta({ description: "Input read from the provider's cache. Null or omitted: the input price" }),
  cacheWriteInputPerMillion: Price.nullable()
    .optional()
    .meta({ description: "Input written to the provider's cache. Null or omitted: the input price" }),
}
const source = z
  .enum(['own', 'default'])
  .meta({ description: '`own`: you set it. `default`: the public list price at `defaultsAsOf`' })
const currency = z.literal('USD')
const defaultsAsOf = z.iso
  .date()
  .meta({ description: 'Date of the default prices', examples: ['2025-10-01'] })

export const NewModelPrices = z
  .strictObject({
    items: z
      .array(z.strictObject({ ...prices, source: source.optional() }))
      .max(500, 'At most 500 prices')
      .superRefine((items, ctx) => {
        const seen = new Set<string>()
        for (const [index, { model }] of items.entries()) {
          if (seen.has(model.toLowerCase())) {
            ctx.addIssue({ code: 'custom', path: [index, 'model'], message: 'Listed more than once' })
          }
          seen.add(model.toLowerCase())
        }
      })
      .meta({ description: 'Replaces all your prices. `source` is ignored' }),
    currency: currency.optional(),
    defaultsAsOf: defaultsAsOf.optional(),
  })
  .meta({
    ref: 'NewModelPrices',
    'x-example': { items: [{ model: 'gpt-4o-mini', inputPerMillion: 0.15, outputPerMillion: 0.6 }] },
  })
export type NewModelPrices = z.output<typeof NewModelPrices>

export const ModelPrices = z
  .object({
    currency,
    defaultsAsOf,
    items: z.array(
      z.object({
        ...prices,
        cachedInputPerMillion: Price.nullable(),
        cacheWriteInputPerMillion: Price.nullable(),
        source,
      }),
    ),
  })
  .meta({ ref: 'ModelPrices' })
export type ModelPrices = z.output<typeof ModelPrices>
