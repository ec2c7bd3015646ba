/** @module The HTTP shapes of analytics: filters, and the statistics they return. */
import * as z from 'zod'
import { executionStatuses } from '../db/schema/executions.ts'
import { ExecutionSummary, Incident } from '../executions/contract.ts'
import { asInteger } from '../http/openapi.ts'
import { pageQuery } from '../http/page.ts'
import { Fingerprint, inOrder, Instant, listOf, text, Uuid } from '../lib/scalars.ts'
import { includableKinds } from '../runs/meaning.ts'
import { type Interval, intervals } from '../runs/period.ts'
import type { RunFilter } from '../runs/sources.ts'
import { UsageSums } from '../runs/usage.ts'

const runFilter = {
  from: Instant.optional().meta({ description: 'Start of the period. Default: 30 days before `to`' }),
  to: Instant.optional().meta({ description: 'End of the period, exclusive. Default: now' }),
  workflowId: Uuid.optional(),
  deploymentId: Uuid.optional(),
  instanceId: Uuid.optional(),
  tag: text(64).optional().meta({ description: 'Only executions of workflows that currently have the tag' }),
  nodeType: text(256)
    .optional()
    .meta({ description: 'Only executions of workflows that currently contain the node type' }),
  include: listOf(z.enum(includableKinds), includableKinds.length)
    .optional()
    .meta({
      description:
        'Kinds of executions to count besides production: `manual` (including evaluations), `sub` (called ' +
        'by another workflow), `error` (of error workflows). Default: production only. In a chain of ' +
        'retries, only the execution that decided the outcome counts. Comma-separated or repeated',
    }),
}

const limit = pageQuery.limit

export const Period = z
  .object({ from: z.iso.datetime(), to: z.iso.datetime() })
  .meta({ ref: 'Period', description: 'The period, from `from` up to but not including `to`' })
export type Period = z.output<typeof Period>

const Count = z.number().int()
const Percentage = z
  .number()
  .nullable()
  .meta({ description: 'Percentage with two decimals; null when there are no executions' })
const PercentageInterval = z
  .object({ low: z.number(), high: z.number() })
  .nullable()
  .meta({
    description:
      '95% confidence interval (Wilson) of the success rate, in percent. For 3 successes in 3 executions, it is 43.85 to 100. ' +
      'Null when there are no executions',
  })
const DurationMs = z.number().int().nullable()
/** Each bucket of the histogram is 10% longer than the one before, and an estimate is in the bucket of the exact value. */
export const durationErrorBound = 0.1
const ErrorBound = z.number().meta({
  description: 'Percentiles are estimates from a histogram, within 10% of the exact nearest-rank percentile',
})
const Durations = z
  .object({ p50: DurationMs, p95: DurationMs, p99: DurationMs, errorBound: ErrorBound })
  .meta({
    description:
      'Estimated nearest-rank percentiles of executions with a known start and end, without waiting; ' +
      'null when there are none',
  })
export type Durations = z.output<typeof Durations>

interface LimitedFilter extends RunFilter {
  limit?: number | undefined
}

const total = Count.meta({ description: 'Total number of items, before `limit` is applied' })

const statisticsOf = <T extends z.ZodType>(item: T) =>
  z.object({ period: Period, total, items: z.array(item) })

export const SummaryQuery = z
  .strictObject({
    ...runFilter,
    from: Instant.optional().meta({ description: 'Start of the period. Default: the first execution' }),
    to: Instant.optional().meta({ description: 'End of the period, exclusive. Default: none' }),
  })
  .superRefine(inOrder('from', 'to'))
export type SummaryFilter = RunFilter

const incidents = Count.meta({
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
  successRateInterval: PercentageInterval,
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

/** Postgres reverses the sign of an offset and reads an abbreviation as an offset, so both are invalid. */
const TimeZone = z
  .string()
  .regex(
    /^(UTC|GMT|[A-Za-z_]{1,32}(\/[A-Za-z0-9_+-]{1,32}){1,2})$/,
    'An IANA time zone, such as Europe/Berlin',
  )
  .refine(isTimeZone, 'An IANA time zone, such as Europe/Berlin')

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}

export const SeriesQuery = z
  .strictObject({
    ...runFilter,
    interval: z
      .enum(intervals)
      .optional()
      .meta({ description: 'Length of a bucket. Default: `day`. Weeks begin on Monday' }),
    timeZone: TimeZone.optional().meta({ description: 'IANA name of the time zone. Default: UTC' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface SeriesFilter extends RunFilter {
  interval?: Interval | undefined
  /** Number of intervals in each bucket. Default: 1 */
  perBucket?: number | undefined
  timeZone?: string | undefined
}

const Bucket = z.object({
  start: z.iso.datetime().meta({
    description:
      'Start of the hour, day or week in the time zone. When clocks change, a day has 23 to 25 hours, ' +
      'and an hour can be shorter. The first bucket can start before the period; only executions in the ' +
      'period are counted',
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

export const workflowSorts = ['runs', 'failed', 'failureRate', 'p95', 'cost'] as const

export const WorkflowStatsQuery = z
  .strictObject({
    ...runFilter,
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
export interface WorkflowStatsFilter extends LimitedFilter {
  sort?: (typeof workflowSorts)[number] | undefined
  minRuns?: number | undefined
}

const failed = Count.meta({ description: 'Executions that ended as `error` or `crashed`' })
const WorkflowName = z.string().nullable().meta({ description: 'Null: the workflow was deleted' })
const lastRunAt = z.iso
  .datetime()
  .nullable()
  .meta({
    description:
      'Start of its newest stored execution, regardless of the filters. If the start is unknown, its end; ' +
      'if both are, the time it was received',
  })

export const WorkflowStats = statisticsOf(
  z.object({
    workflowId: z.uuid(),
    name: WorkflowName,
    runs: Count,
    failed,
    incidents,
    successRate: Percentage,
    successRateInterval: PercentageInterval,
    durationMs: Durations,
    usage: UsageSums,
    lastRunAt,
  }),
).meta({ ref: 'WorkflowStatistics' })
export type WorkflowStats = z.output<typeof WorkflowStats>

export const nodeTypeSorts = ['used', 'executions', 'slowest', 'failures', 'failureRate'] as const
export const nodeSorts = ['executions', 'slowest', 'failures', 'failureRate'] as const

const nodePeriod = {
  from: Instant.optional().meta({
    description: 'Start of the period, rounded down to a whole UTC day. Default: 30 days before `to`',
  }),
  to: Instant.optional().meta({
    description: 'End of the period, rounded up to a whole UTC day. Default: now',
  }),
}

export const NodeTypeStatsQuery = z
  .strictObject({
    ...runFilter,
    ...nodePeriod,
    nodeType: text(256).optional().meta({ description: 'Only this node type' }),
    limit,
    sort: z
      .enum(nodeTypeSorts)
      .optional()
      .meta({ description: 'Sort key, highest first; `slowest` sorts by p95. Default: `used`' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface NodeTypeStatsFilter extends LimitedFilter {
  sort?: (typeof nodeTypeSorts)[number] | undefined
}

export const NodeStatsQuery = z
  .strictObject({
    ...runFilter,
    ...nodePeriod,
    workflowId: Uuid,
    nodeType: text(256).optional().meta({ description: 'Only nodes of this type' }),
    limit,
    sort: z
      .enum(nodeSorts)
      .optional()
      .meta({ description: 'Sort key, highest first; `slowest` sorts by p95. Default: `executions`' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface NodeStatsFilter extends LimitedFilter {
  workflowId: string
  sort?: (typeof nodeSorts)[number] | undefined
}

const nodeSums = {
  executions: Count.meta({ description: 'Executions with node data in which the node ran' }),
  runs: Count.meta({ description: 'Number of times the node ran; in a loop, several times per execution' }),
  failures: Count.meta({ description: 'Executions in which the node failed' }),
  failureRate: Percentage.meta({
    description: 'Percentage with two decimals: failures / executions; null when there are none',
  }),
  items: Count.meta({ description: 'Items that the node returned' }),
  totalMs: Count.meta({ description: 'Total duration' }),
  durationMs: z.object({ p50: DurationMs, p95: DurationMs, errorBound: ErrorBound }).meta({
    description:
      'Estimated nearest-rank percentiles of one run of the node; a loop counts once, with its mean',
  }),
}

export const NodeTypeStats = statisticsOf(
  z.object({
    nodeType: z.string().nullable().meta({ description: 'Null: nodes whose type was not reported' }),
    workflows: Count.meta({ description: 'Workflows that currently contain the node type' }),
    ...nodeSums,
  }),
).meta({ ref: 'NodeTypeStatistics' })
export type NodeTypeStats = z.output<typeof NodeTypeStats>

export const NodeStats = statisticsOf(
  z.object({ name: z.string(), nodeType: z.string().nullable(), ...nodeSums }),
).meta({ ref: 'NodeStatistics' })
export type NodeStats = z.output<typeof NodeStats>

export const credentialSorts = ['authenticationFailures', 'failures', 'runs'] as const

export const CredentialStatsQuery = z
  .strictObject({
    ...runFilter,
    limit,
    sort: z
      .enum(credentialSorts)
      .optional()
      .meta({ description: 'Sort key, highest first. Default: `authenticationFailures`' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface CredentialStatsFilter extends LimitedFilter {
  sort?: (typeof credentialSorts)[number] | undefined
}

export const CredentialStats = statisticsOf(
  z.object({
    credentialId: z.uuid(),
    name: z.string(),
    type: z.string(),
    status: z.enum(['untested', 'valid', 'invalid']),
    workflows: z
      .array(z.object({ id: z.uuid(), name: z.string() }))
      .meta({ description: 'Workflows of the deployments bound to it, by name, at most 20' }),
    workflowCount: Count,
    deployments: Count.meta({ description: 'Deployments bound to the credential' }),
    runs: Count.meta({ description: 'Executions of these deployments' }),
    failures: failed,
    authenticationFailures: Count.meta({
      description: 'Executions that failed at a node that uses it because the service returned 401 or 403',
    }),
    lastUsedAt: z.iso
      .datetime()
      .nullable()
      .meta({
        description:
          'UTC hour of the newest execution of a deployment bound to it in the period; UTC day if it is ' +
          'more than two days before `to`',
      }),
  }),
).meta({ ref: 'CredentialStatistics' })
export type CredentialStats = z.output<typeof CredentialStats>

export const promptSorts = ['runs', 'newest', 'successRate', 'failureRate', 'p95', 'cost'] as const
export const modelSorts = ['runs', 'successRate', 'failureRate', 'p95', 'cost'] as const

export const PromptStatsQuery = z
  .strictObject({
    ...runFilter,
    limit,
    sort: z.enum(promptSorts).optional().meta({
      description:
        'Sort key, highest first; `successRate` sorts by the lower end of its interval. Default: `runs`',
    }),
  })
  .superRefine(inOrder('from', 'to'))
export interface PromptStatsFilter extends LimitedFilter {
  sort?: (typeof promptSorts)[number] | undefined
}

export const ModelStatsQuery = z
  .strictObject({
    ...runFilter,
    limit,
    sort: z.enum(modelSorts).optional().meta({
      description:
        'Sort key, highest first; `successRate` sorts by the lower end of its interval. Default: `runs`',
    }),
  })
  .superRefine(inOrder('from', 'to'))
export interface ModelStatsFilter extends LimitedFilter {
  sort?: (typeof modelSorts)[number] | undefined
}

export const costGroups = ['workflow', 'version', 'model', 'instance', 'day'] as const
export type CostGroup = (typeof costGroups)[number]

const { include: _include, ...costFilter } = runFilter
export const CostQuery = z
  .strictObject({
    ...costFilter,
    by: z.enum(costGroups).optional().meta({ description: 'What to group by. `day`: UTC. Default: `model`' }),
    limit,
  })
  .superRefine(inOrder('from', 'to'))
export interface CostFilter extends Omit<LimitedFilter, 'include'> {
  by?: CostGroup | undefined
}

export const Costs = z
  .object({
    period: Period,
    by: z.enum(costGroups),
    currency: z.literal('USD'),
    total,
    usage: UsageSums.meta({ description: 'Of all groups' }),
    items: z
      .array(
        z.object({
          workflowId: z.uuid().nullable().meta({ description: 'By workflow or version' }),
          version: Count.nullable().meta({ description: 'By version' }),
          instanceId: z.uuid().nullable().meta({ description: 'By instance' }),
          name: z
            .string()
            .nullable()
            .meta({ description: 'Name of the workflow or instance; null if it was deleted' }),
          model: z.string().nullable().meta({ description: 'By model: the model that ran. Null: unknown' }),
          day: z.iso.date().nullable().meta({ description: 'By day' }),
          executions: Count.nullable().meta({ description: 'By model: executions that used it' }),
          usage: UsageSums,
        }),
      )
      .meta({ description: 'Highest cost first; days: oldest first' }),
  })
  .meta({ ref: 'Costs' })
export type Costs = z.output<typeof Costs>

export const promptExcerptChars = 500

export const PromptStats = z
  .object({
    period: Period,
    total,
    items: z
      .array(
        z.object({
          workflowId: z.uuid(),
          name: z.string(),
          version: Count,
          prompt: z.string().meta({ description: `The first ${promptExcerptChars} characters` }),
          model: z.string().nullable(),
          createdAt: z.iso.datetime(),
          runs: Count,
          failed,
          successRate: Percentage,
          successRateInterval: PercentageInterval,
          durationMs: Durations,
          usage: UsageSums,
        }),
      )
      .meta({ description: 'Workflow versions that have a prompt and ran in the period' }),
  })
  .meta({ ref: 'PromptStatistics' })
export type PromptStats = z.output<typeof PromptStats>

export const ModelStats = z
  .object({
    period: Period,
    total,
    items: z
      .array(
        z.object({
          model: z
            .string()
            .nullable()
            .meta({ description: 'Null: versions without a model, and versions of deleted workflows' }),
          workflows: Count,
          versions: Count,
          runs: Count,
          failed,
          successRate: Percentage,
          successRateInterval: PercentageInterval,
          durationMs: Durations,
          usage: UsageSums,
        }),
      )
      .meta({ description: 'Models of the versions that ran in the period' }),
  })
  .meta({ ref: 'ModelStatistics' })
export type ModelStats = z.output<typeof ModelStats>

export const errorSorts = ['runs', 'lastSeen', 'newest'] as const

export const errorStates = ['open', 'regressed', 'resolved', 'ignored'] as const
export type ErrorState = (typeof errorStates)[number]
export const errorStateFilters = ['unresolved', ...errorStates, 'all'] as const
export type ErrorStateFilter = (typeof errorStateFilters)[number]

export const ErrorGroupsQuery = z
  .strictObject({
    ...runFilter,
    limit,
    state: z
      .enum(errorStateFilters)
      .optional()
      .meta({ description: '`unresolved` (default): open and regressed groups' }),
    q: text(200)
      .optional()
      .meta({ description: 'Words in the error message, the name of the node, or an HTTP status' }),
    sort: z
      .enum(errorSorts)
      .optional()
      .meta({
        description:
          '`runs` (default): most failures first; `lastSeen`: last seen most recently; ' +
          '`newest`: first seen most recently',
      }),
  })
  .superRefine(inOrder('from', 'to'))
export interface ErrorGroupsFilter extends LimitedFilter {
  state?: ErrorStateFilter | undefined
  q?: string | undefined
  sort?: (typeof errorSorts)[number] | undefined
}

const errorState = {
  state: z.enum(errorStates).meta({
    description:
      '`regressed`: resolved, but it failed again in an execution that started after `stateChangedAt`, not counting ' +
      'manual executions and versions before `fixedIn`',
  }),
  stateChangedAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'When it was resolved or ignored; null for an open group' }),
  fixedIn: z
    .object({ workflowId: z.uuid(), version: z.number().int() })
    .nullable()
    .meta({ description: 'The workflow version that fixes it, if you named one' }),
}

const errorGroup = {
  fingerprint: z.string(),
  ...errorState,
  node: z.string().nullable(),
  errorClass: z.string().nullable().meta({ description: 'Class of the error, such as `NodeApiError`' }),
  httpStatus: z.number().int().nullable(),
  message: z
    .string()
    .meta({ description: 'The message, with the parts that vary between executions replaced' }),
  latestMessage: z
    .string()
    .nullable()
    .meta({ description: 'The full message of the newest failure; null if it is no longer stored' }),
  runs: Count,
  incidents: Count.meta({ description: 'Failures with this error that have no execution' }),
  previousRuns: Count.meta({ description: 'Executions in the preceding period of equal length' }),
  previousIncidents: Count.meta({
    description: 'Failures without an execution in the preceding period of equal length',
  }),
  firstSeenAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Among all stored executions and failures without one, regardless of the filters' }),
  lastSeenAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Among all stored executions and failures without one, regardless of the filters' }),
  workflows: Count,
  topWorkflows: z
    .array(z.object({ workflowId: z.uuid(), name: WorkflowName }))
    .meta({ description: 'At most 3 of the workflows, most failures first' }),
  versions: Count.meta({ description: 'Workflow versions' }),
  series: z.array(Count).meta({
    description: 'Failures in each `seriesInterval` of the period (UTC), oldest first, including zeros',
  }),
}

export const ErrorGroups = z
  .object({
    period: Period,
    total,
    seriesInterval: z.enum(intervals),
    items: z.array(z.object(errorGroup)),
  })
  .meta({ ref: 'ErrorGroups' })
export type ErrorGroups = z.output<typeof ErrorGroups>
export type ErrorGroup = ErrorGroups['items'][number]

export const ErrorFingerprint = z.object({ fingerprint: Fingerprint })
export const ErrorGroupQuery = z.strictObject(runFilter).superRefine(inOrder('from', 'to'))

export const ErrorGroupChange = z
  .discriminatedUnion('state', [
    z.strictObject({
      state: z.literal('resolved'),
      fixedIn: z
        .strictObject({ workflowId: Uuid, version: z.number().int().min(1, 'At least 1').max(999_999_999) })
        .nullable()
        .optional()
        .meta({ description: 'Failures of earlier versions of this workflow do not reopen the group' }),
    }),
    z.strictObject({ state: z.literal('ignored') }),
    z.strictObject({ state: z.literal('open') }),
  ])
  .meta({ ref: 'ErrorGroupChange', 'x-example': { state: 'resolved' } })
export type ErrorGroupChange = z.output<typeof ErrorGroupChange>

export const ErrorGroupState = z
  .object({ fingerprint: z.string(), ...errorState })
  .meta({ ref: 'ErrorGroupState' })
export type ErrorGroupState = z.output<typeof ErrorGroupState>

export const ErrorGroupDetail = z
  .object({
    period: Period,
    seriesInterval: z.enum(intervals),
    ...errorGroup,
    byWorkflow: z
      .array(
        z.object({
          workflowId: z.uuid(),
          name: WorkflowName,
          currentVersion: Count.nullable().meta({ description: 'Null: the workflow was deleted' }),
          runs: Count,
          incidents: Count,
        }),
      )
      .meta({ description: 'Most failures first, at most 100' }),
    byVersion: z
      .array(
        z.object({ workflowId: z.uuid(), name: WorkflowName, version: Count, runs: Count, incidents: Count }),
      )
      .meta({ description: 'Most failures first, at most 100' }),
    newestIncidents: z.array(Incident).meta({ description: 'The newest 20, regardless of the filters' }),
    executions: z
      .array(ExecutionSummary)
      .meta({ description: 'The newest 20 of the counted kinds, regardless of the other filters' }),
  })
  .meta({ ref: 'ErrorGroup' })
export type ErrorGroupDetail = z.output<typeof ErrorGroupDetail>
