/** @module The HTTP shapes of analytics. */
import * as z from 'zod'
import { executionStatuses } from '../db/schema/executions.ts'
import { inOrder, Instant } from '../executions/contract.ts'

const Uuid = z.uuid({ version: 'v7', message: 'An id such as this API gives out' })

export const SummaryQuery = z
  .strictObject({
    from: Instant.optional(),
    to: Instant.optional(),
    workflowId: Uuid.optional(),
    deploymentId: Uuid.optional(),
  })
  .superRefine(inOrder('from', 'to'))
export type SummaryFilter = z.output<typeof SummaryQuery>

const DurationMs = z.number().int().nullable()

export const Summary = z
  .object({
    total: z.number().int(),
    byStatus: z
      .array(z.object({ status: z.enum(executionStatuses), count: z.number().int(), percentage: z.number() }))
      .meta({
        description: 'Statuses that occur, most frequent first; percentages of total with two decimals',
      }),
    successRate: z.number().nullable().meta({
      description: 'Percentage with two decimals: success / (success + error + crashed); null without any',
    }),
    durationMs: z
      .object({ p50: DurationMs, p95: DurationMs, p99: DurationMs })
      .meta({ description: 'Of runs whose start and end are known; null without any' }),
  })
  .meta({ ref: 'ExecutionSummaryStatistics' })
export type Summary = z.output<typeof Summary>
