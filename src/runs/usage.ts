/** @module The tokens that models used, and their cost, which is computed from the prices at the time of reading. */
import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import type { NodeUsage } from '../db/schema/executions.ts'

const Tokens = z.number().int()
const Cost = z.number().nullable().meta({
  description:
    'In US dollars, at current prices. Null if no model has a price; otherwise excludes the unpriced tokens',
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

const columns = ['calls', 'input', 'cached', 'written', 'output', 'estimated'] as const
const columnsWith = (text: (name: string) => string): SQL => sql.raw(columns.map(text).join(', '))
export const usageNames = columnsWith((name) => name)

/** Clauses of `with`: `priced`, the rows of `usage` with their `cost`, and with `unpriced`, the tokens without a price. */
export const pricedUsage = (userId: string, usage: SQL): SQL => sql`
  usage as materialized (${usage}),
  prices as materialized (
    select m.model as priced_model, p.*
    from (select distinct model from usage) m cross join lateral price_of_model(${userId}::uuid, m.model) p
  ),
  priced as (
    select usage.*, ${costOf('usage')} as cost,
      case when price.input is null then usage.input + usage.output else 0 end as unpriced
    from usage left join prices price on price.priced_model = usage.model
  )`

/** Sums over `priced`. The cost is null if no token has a price: rows of a partial hour can cancel each other out. */
export const usageSumColumns = sql`${columnsWith((name) => `sum(${name}) as ${name}`)}, sum(unpriced) as unpriced,
  case when sum(input + output) = 0 or sum(unpriced) < sum(input + output) then sum(cost) end as cost`
/** Of a row with the sums, to be read by `toUsageSums`. */
export const usageColumnsOf = sql`${columnsWith((name) => `${name}::float8`)}, unpriced::float8, cost`

export type UsageRow = Record<(typeof columns)[number] | 'unpriced' | 'cost', number | null>

/** @param row with nulls for a group without usage */
export function toUsageSums(row: UsageRow | undefined): UsageSums {
  const { calls, input, output, cached, written, estimated, unpriced, cost } = row ?? noUsage
  const entry = {
    calls: calls ?? 0,
    input: input ?? 0,
    output: output ?? 0,
    cached: cached ?? 0,
    written: written ?? 0,
    estimated: estimated ?? 0,
  }
  return { ...toSums(entry, calls ? cost : 0), unpricedTokens: unpriced ?? 0 }
}

const noUsage: UsageRow = {
  calls: 0,
  input: 0,
  output: 0,
  cached: 0,
  written: 0,
  estimated: 0,
  unpriced: 0,
  cost: 0,
}

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
