/** @module The tokens that models used, and their cost, which is computed from the prices at the time of reading. */
import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import type { NodeUsage } from '../db/schema/executions.ts'

const Tokens = z.number().int()
const Cost = z.number().nullable().meta({
  description:
    'In US dollars, from the current prices. Null if no model has a price; otherwise without the unpriced tokens',
})

const usageSums = {
  calls: z.number().int().meta({ description: 'Requests to models' }),
  inputTokens: Tokens.meta({
    description: "All input, including what was read from or written to a provider's cache",
  }),
  cachedInputTokens: Tokens.meta({
    description: "Of the input: read from a provider's cache, where n8n records it",
  }),
  cacheWriteInputTokens: Tokens.meta({ description: "Of the input: written to a provider's cache" }),
  outputTokens: Tokens.meta({ description: 'Including thinking, where n8n records it' }),
  estimatedTokens: Tokens.meta({
    description: 'Of input and output: estimated by n8n, because the response contained no usage',
  }),
  cost: Cost,
}

export const UsageSums = z
  .object({
    ...usageSums,
    unpricedTokens: Tokens.meta({ description: 'Of input and output: of models without a price' }),
  })
  .meta({
    ref: 'Usage',
    description: 'Tokens of the executions and their cost. Counts executions of all kinds, with all retries',
  })
export type UsageSums = z.output<typeof UsageSums>

export const ExecutionUsage = z
  .object({
    items: z
      .array(
        z.object({
          node: z.string().nullable().meta({ description: 'Null: all nodes beyond the first 200' }),
          provider: z
            .string()
            .nullable()
            .meta({ description: 'From the type of the node', examples: ['openai'] }),
          model: z
            .string()
            .nullable()
            .meta({
              description: "From the provider's response if n8n records it, otherwise from the node",
              examples: ['gpt-4o-mini'],
            }),
          ...usageSums,
        }),
      )
      .meta({ description: 'By node and model' }),
    ...UsageSums.shape,
  })
  .meta({ ref: 'ExecutionUsage' })
export type ExecutionUsage = z.output<typeof ExecutionUsage>

/** The columns of a price from `price_of_model`, as arguments of `usage_cost`. */
export const costOf = (row: string): SQL =>
  sql.raw(
    `usage_cost(${row}.input, ${row}.cached, ${row}.written, ${row}.output, price.input, price.cached, price.written, price.output)`,
  )

/** The cost of each entry of the `usage` of a run; null for entries without a price. */
export const costsOfRun = (userId: string, usage: SQL): SQL<(number | null)[] | null> => sql`(
  select jsonb_agg(${costOf('u')} order by u.nth)
  from (
    select nth, model, input, coalesce(cached, 0) as cached, coalesce(written, 0) as written, output
    from rows from (jsonb_to_recordset(${usage}) as (
      model text, input numeric, cached numeric, written numeric, output numeric)) with ordinality
      as entry (model, input, cached, written, output, nth)
  ) u
  left join lateral price_of_model(${userId}::uuid, u.model) price on true)`

/** @param costs of the entries, from `costsOfRun` */
export function toExecutionUsage(usage: NodeUsage[] | null, costs: (number | null)[] | null): ExecutionUsage {
  const items = (usage ?? []).map((entry, index) => toItem(entry, costs?.[index] ?? null))
  const total: UsageSums = { ...toSums({ calls: 0, input: 0, output: 0 }, null), unpricedTokens: 0 }
  for (const item of items) {
    for (const name of sumNames) total[name] += item[name]
    if (item.cost === null) total.unpricedTokens += item.inputTokens + item.outputTokens
    else total.cost = (total.cost ?? 0) + item.cost
  }
  return { items, ...total, cost: items.length === 0 ? 0 : roundCost(total.cost) }
}

const toItem = (entry: NodeUsage, cost: number | null) => ({
  node: entry.node ?? null,
  provider: entry.provider ?? null,
  model: entry.model ?? null,
  ...toSums(entry, cost),
})

const sumNames = [
  'calls',
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteInputTokens',
  'outputTokens',
  'estimatedTokens',
] as const

/** Removes the noise of binary fractions. */
export const roundCost = (cost: number | null): number | null =>
  cost === null ? null : Number(cost.toPrecision(12))

const toSums = (
  { calls, input, cached = 0, written = 0, output, estimated = 0 }: NodeUsage,
  cost: number | null,
) => ({
  calls,
  inputTokens: input,
  cachedInputTokens: cached,
  cacheWriteInputTokens: written,
  outputTokens: output,
  estimatedTokens: estimated,
  cost: roundCost(cost),
})
