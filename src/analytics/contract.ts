/** @module The HTTP shapes of analytics: what chooses the runs, and what they add up to. */
import * as z from 'zod'
import { executionStatuses } from '../db/schema/executions.ts'
import { inOrder, Instant, listOf, text, Uuid } from '../executions/contract.ts'
import { type IncludableKind, includableKinds } from '../executions/run-meaning.ts'
import { pageQuery } from '../http/page.ts'

export const chosen = {
  from: Instant.optional().meta({ description: 'Default: 30 days before `to`' }),
  to: Instant.optional().meta({ description: 'Not included. Default: now' }),
  workflowId: Uuid.optional(),
  deploymentId: Uuid.optional(),
  instanceId: Uuid.optional(),
  tag: text(64).optional().meta({ description: 'Runs of workflows that have the tag now' }),
  nodeType: text(256).optional().meta({ description: 'Runs of workflows that contain the node type now' }),
  include: listOf(z.enum(includableKinds), includableKinds.length).optional().meta({
    description:
      'Kinds of runs that count beside production runs, separated by commas: manual (evaluations included), sub (called by another workflow), error (of error workflows). Default: production runs only. Of a chain of retries, only the run that decided the outcome counts',
  }),
}

/** Which runs are counted. Two filters narrow each other. */
export interface RunFilter {
  from?: Date | undefined
  to?: Date | undefined
  workflowId?: string | undefined
  deploymentId?: string | undefined
  instanceId?: string | undefined
  tag?: string | undefined
  nodeType?: string | undefined
  include?: readonly IncludableKind[] | undefined
}

export const limit = pageQuery.limit

export const Period = z
  .object({ from: z.iso.datetime(), to: z.iso.datetime() })
  .meta({ ref: 'Period', description: 'What was counted: from, up to but not including to' })
export type Period = z.output<typeof Period>

export const Count = z.number().int()
export const Percentage = z
  .number()
  .nullable()
  .meta({ description: 'With two decimals; null without any run that counts' })
export const DurationMs = z.number().int().nullable()
/** Of a histogram whose buckets each end a tenth later than the one before: an estimate is in the bucket of the true value. */
export const durationErrorBound = 0.1
export const ErrorBound = z.number().meta({
  description:
    'Percentiles are estimates from a histogram: each is less than 10 % away from the exact nearest-rank percentile',
})
export const Durations = z
  .object({ p50: DurationMs, p95: DurationMs, p99: DurationMs, errorBound: ErrorBound })
  .meta({
    description:
      'Estimated nearest-rank percentiles of runs whose start and end are known, waiting left out; null without any',
  })
export type Durations = z.output<typeof Durations>

export const total = Count.meta({ description: 'How many there are in all; items are cut at limit' })

export const SummaryQuery = z
  .strictObject({
    ...chosen,
    from: Instant.optional().meta({ description: 'Default: since the beginning' }),
    to: Instant.optional().meta({ description: 'Not included. Default: no end' }),
  })
  .superRefine(inOrder('from', 'to'))
export type SummaryFilter = RunFilter

export const incidents = Count.meta({
  description: 'Failures without a run, such as a trigger that cannot start; not part of the other counts',
})

const sums = {
  total: Count,
  byStatus: z
    .array(z.object({ status: z.enum(executionStatuses), count: Count, percentage: z.number() }))
    .meta({
      description: 'Statuses that occur, most frequent first; percentages of total with two decimals',
    }),
  incidents,
  successRate: Percentage.meta({
    description: 'Percentage with two decimals: success / (success + error + crashed); null without any',
  }),
  durationMs: Durations,
}

export const Summary = z
  .object({
    ...sums,
    previous: z.object(sums).optional().meta({
      description: 'The same of the period of equal length that ends at `from`; absent without `from`',
    }),
  })
  .meta({ ref: 'ExecutionSummaryStatistics' })
export type Summary = z.output<typeof Summary>
export type Sums = Omit<Summary, 'previous'>

export const intervals = ['hour', 'day', 'week'] as const
export type Interval = (typeof intervals)[number]
export const maxBuckets = 1000

/** Neither an offset, whose sign Postgres reads the other way round, nor an abbreviation, which it reads as an offset. */
const TimeZone = z
  .string()
  .regex(
    /^(UTC|GMT|[A-Za-z_]{1,32}(\/[A-Za-z0-9_+-]{1,32}){1,2})$/,
    'A time zone of the IANA database, such as Europe/Berlin',
  )
  .refine(isTimeZone, 'A time zone of the IANA database, such as Europe/Berlin')

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}

export const SeriesQuery = z
  .strictObject({
    ...chosen,
    interval: z.enum(intervals).optional().meta({ description: 'Default: day. Weeks begin on Monday' }),
    timeZone: TimeZone.optional().meta({ description: 'IANA name. Default: UTC' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface SeriesFilter extends RunFilter {
  interval?: Interval | undefined
  timeZone?: string | undefined
}

const Bucket = z.object({
  start: z.iso.datetime().meta({
    description:
      'Where the hour, day or week begins on the clocks of the time zone, to the minute. Where clocks change, a day lasts 23 to 25 hours, and an hour may last less. The first bucket may begin before the period, which it counts from.',
  }),
  total: Count,
  byStatus: z.record(z.enum(executionStatuses), Count).meta({ description: 'Every status, zeros too' }),
  incidents,
  successRate: Percentage,
  durationMs: Durations,
})

export const Series = z
  .object({
    period: Period,
    interval: z.enum(intervals),
    timeZone: z.string(),
    items: z.array(Bucket).meta({ description: 'Every bucket of the period, oldest first, empty ones too' }),
  })
  .meta({ ref: 'ExecutionSeries' })
export type Series = z.output<typeof Series>

export const workflowSorts = ['runs', 'failed', 'failureRate', 'p95'] as const

export const WorkflowStatsQuery = z
  .strictObject({
    ...chosen,
    limit,
    sort: z.enum(workflowSorts).optional().meta({ description: 'Highest first. Default: runs' }),
    minRuns: z
      .string()
      .regex(/^\d{1,9}$/, 'A whole number')
      .transform(Number)
      .optional()
      .meta({ description: 'Leaves out those with fewer runs. Default: 0' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface WorkflowStatsFilter extends RunFilter {
  limit?: number | undefined
  sort?: (typeof workflowSorts)[number] | undefined
  minRuns?: number | undefined
}

export const failed = Count.meta({ description: 'Runs that ended as error or crashed' })
export const WorkflowName = z.string().nullable().meta({ description: 'Null: the workflow is deleted' })
const lastRunAt = z.iso.datetime().nullable().meta({
  description:
    'When its newest run that is kept started, whatever the filters; else ended, else was heard of',
})

export const WorkflowStats = z
  .object({
    period: Period,
    total,
    items: z.array(
      z.object({
        workflowId: z.uuid(),
        name: WorkflowName,
        runs: Count,
        failed,
        incidents,
        successRate: Percentage,
        durationMs: Durations,
        lastRunAt,
      }),
    ),
  })
  .meta({ ref: 'WorkflowStatistics' })
export type WorkflowStats = z.output<typeof WorkflowStats>
