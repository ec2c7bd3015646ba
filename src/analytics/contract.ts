/** @module The HTTP shapes of analytics: what chooses the runs, and what they add up to. */
import * as z from 'zod'
import { asInteger } from '../http/openapi.ts'
import { executionStatuses } from '../db/schema/executions.ts'
import { inOrder, Instant, listOf, text, Uuid } from '../executions/contract.ts'
import { includableKinds } from '../runs/meaning.ts'
import { type Interval, intervals } from '../runs/period.ts'
import type { RunFilter } from '../runs/sources.ts'
import { pageQuery } from '../http/page.ts'

export const chosen = {
  from: Instant.optional().meta({ description: 'Start of the period. Default: 30 days before `to`' }),
  to: Instant.optional().meta({ description: 'End of the period, exclusive. Default: now' }),
  workflowId: Uuid.optional(),
  deploymentId: Uuid.optional(),
  instanceId: Uuid.optional(),
  tag: text(64).optional().meta({ description: 'Only executions of workflows that have the tag now' }),
  nodeType: text(256)
    .optional()
    .meta({ description: 'Only executions of workflows that contain the node type now' }),
  include: listOf(z.enum(includableKinds), includableKinds.length)
    .optional()
    .meta({
      description:
        'Kinds of executions to count besides production: `manual` (including evaluations), `sub` (called ' +
        'by another workflow), `error` (of error workflows). Default: production only. Of a chain of ' +
        'retries, only the execution that decided the outcome counts. Comma-separated or repeated',
    }),
}

export const limit = pageQuery.limit

export const Period = z
  .object({ from: z.iso.datetime(), to: z.iso.datetime() })
  .meta({ ref: 'Period', description: 'The period, from `from` up to but not including `to`' })
export type Period = z.output<typeof Period>

export const Count = z.number().int()
export const Percentage = z
  .number()
  .nullable()
  .meta({ description: 'Percentage with two decimals; null when there are no executions' })
export const DurationMs = z.number().int().nullable()
/** Of a histogram whose buckets each end a tenth later than the one before: an estimate is in the bucket of the true value. */
export const durationErrorBound = 0.1
export const ErrorBound = z.number().meta({
  description: 'Percentiles are estimates from a histogram, within 10% of the exact nearest-rank percentile',
})
export const Durations = z
  .object({ p50: DurationMs, p95: DurationMs, p99: DurationMs, errorBound: ErrorBound })
  .meta({
    description:
      'Estimated nearest-rank percentiles of executions with a known start and end, without waiting; ' +
      'null when there are none',
  })
export type Durations = z.output<typeof Durations>

export const total = Count.meta({ description: 'Total number of items, before `limit` is applied' })

export const SummaryQuery = z
  .strictObject({
    ...chosen,
    from: Instant.optional().meta({ description: 'Start of the period. Default: the first execution' }),
    to: Instant.optional().meta({ description: 'End of the period, exclusive. Default: none' }),
  })
  .superRefine(inOrder('from', 'to'))
export type SummaryFilter = RunFilter

export const incidents = Count.meta({
  description:
    'Failures without an execution, such as a trigger that cannot start. Not part of the other counts',
})

const sums = {
  total: Count,
  byStatus: z
    .array(z.object({ status: z.enum(executionStatuses), count: Count, percentage: z.number() }))
    .meta({
      description: 'Statuses that occur, most frequent first. Percentages of `total` with two decimals',
    }),
  incidents,
  successRate: Percentage.meta({
    description:
      'Percentage with two decimals: success / (success + error + crashed); null when there are none',
  }),
  durationMs: Durations,
}

export const Summary = z
  .object({
    ...sums,
    previous: z.object(sums).optional().meta({
      description: 'The preceding period of equal length; absent without `from`',
    }),
  })
  .meta({ ref: 'ExecutionStatistics' })
export type Summary = z.output<typeof Summary>
export type Sums = Omit<Summary, 'previous'>

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
    interval: z
      .enum(intervals)
      .optional()
      .meta({ description: 'Length of a bucket. Default: `day`. Weeks begin on Monday' }),
    timeZone: TimeZone.optional().meta({ description: 'IANA name of the time zone. Default: UTC' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface SeriesFilter extends RunFilter {
  interval?: Interval | undefined
  timeZone?: string | undefined
}

const Bucket = z.object({
  start: z.iso.datetime().meta({
    description:
      'Start of the hour, day or week in the time zone. When clocks change, a day has 23 to 25 hours, ' +
      'and an hour can be shorter. The first bucket can start before the period; only executions in the ' +
      'period are counted.',
  }),
  total: Count,
  byStatus: z
    .record(z.enum(executionStatuses), Count)
    .meta({ description: 'Count of every status, including zeros' }),
  incidents,
  successRate: Percentage,
  durationMs: Durations,
})

export const Series = z
  .object({
    period: Period,
    interval: z.enum(intervals),
    timeZone: z.string(),
    items: z
      .array(Bucket)
      .meta({ description: 'All buckets of the period, oldest first, including empty ones' }),
  })
  .meta({ ref: 'ExecutionSeries' })
export type Series = z.output<typeof Series>

export const workflowSorts = ['runs', 'failed', 'failureRate', 'p95'] as const

export const WorkflowStatsQuery = z
  .strictObject({
    ...chosen,
    limit,
    sort: z.enum(workflowSorts).optional().meta({ description: 'Sort key, highest first. Default: `runs`' }),
    minRuns: z
      .string()
      .regex(/^\d{1,9}$/, 'A whole number')
      .transform(Number)
      .optional()
      .meta({
        ...asInteger({ minimum: 0, default: 0 }),
        description: 'Omits workflows with fewer executions',
      }),
  })
  .superRefine(inOrder('from', 'to'))
export interface WorkflowStatsFilter extends RunFilter {
  limit?: number | undefined
  sort?: (typeof workflowSorts)[number] | undefined
  minRuns?: number | undefined
}

export const failed = Count.meta({ description: 'Executions that ended as `error` or `crashed`' })
export const WorkflowName = z.string().nullable().meta({ description: 'Null: the workflow is deleted' })
const lastRunAt = z.iso
  .datetime()
  .nullable()
  .meta({
    description:
      'Start of its newest stored execution, regardless of the filters; without a start its end, else ' +
      'the time it was received',
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
