/** @module The HTTP shapes of executions, of what n8n reports of them, and of reports that could not be used yet. */
import * as z from 'zod'
import { executionStatuses, runKinds, workflowVersionSources } from '../db/schema/executions.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { TableFormat } from '../http/table-stream.ts'
import { readRunCursor } from './run-order.ts'

const Status = z.enum(executionStatuses)
export const Uuid = z.uuid({ version: 'v7', message: 'An id such as this API gives out' })

/** An instant of the years 2000 to 2100. */
export const Instant = z.iso
  .datetime({ offset: true, message: 'An ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z' })
  .refine((text) => {
    const year = new Date(text).getUTCFullYear()
    return year >= 2000 && year <= 2100
  }, 'A time between the years 2000 and 2100')
  .transform((text) => new Date(text))

/** @returns a check that `from` is not after `to`, to be used by `superRefine` */
export const inOrder =
  <F extends string, T extends string>(from: F, to: T) =>
  (query: { [K in F | T]?: Date | undefined }, ctx: z.RefinementCtx): void => {
    const start = query[from]
    const end = query[to]
    if (start && end && start > end) {
      ctx.addIssue({ code: 'custom', path: [to], message: `Not before ${from}` })
    }
  }

export const ExecutionSummary = z
  .object({
    id: z.uuid(),
    n8nExecutionId: z.string(),
    workflowId: z.uuid(),
    workflowVersion: z.number().int().meta({ description: 'The version that ran' }),
    workflowVersionSource: z.enum(workflowVersionSources).meta({
      description:
        'How the version is known: n8n, by the version ID that n8n gives; time, by what was live when the run started',
    }),
    deploymentId: z.uuid(),
    instanceId: z.uuid(),
    status: Status,
    stuck: z.boolean().meta({
      description:
        'True while the run has been running for longer than the executionTimeout of its workflow; without one, for longer than 24 hours',
    }),
    mode: z
      .string()
      .nullable()
      .meta({ description: "n8n's own word: webhook, trigger, manual, integrated, error, …" }),
    kind: z.enum(runKinds).meta({
      description:
        'What it counts as: production, manual (evaluations included), sub (called by another workflow), error (of an error workflow), or superseded (a later retry decided the outcome). A retry counts as the kind of its original',
    }),
    retryOf: z
      .uuid()
      .nullable()
      .meta({ description: 'The run that this one retries; null when it is not recorded' }),
    n8nRetryOf: z
      .string()
      .nullable()
      .meta({ description: "n8n's ID of the execution that this one retries" }),
    retriedBy: z.uuid().nullable().meta({ description: 'The latest retry of this run' }),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    durationMs: z.number().int().nullable().meta({ description: 'From start to end, waiting included' }),
    activeMs: z.number().int().nullable().meta({
      description:
        'For a run that waited: the time in which nodes ran, the Wait node left out; null until its data is fetched. It takes the place of durationMs in the percentiles. Null for a run that did not wait',
    }),
    waited: z.boolean(),
    error: z.object({ message: z.string(), node: z.string().nullable() }).nullable(),
    receivedAt: z.iso.datetime().meta({ description: 'When this server first heard of it' }),
  })
  .meta({ ref: 'ExecutionSummary' })
export type ExecutionSummary = z.output<typeof ExecutionSummary>

const NodeRun = z
  .object({
    name: z.string(),
    type: z.string().nullable(),
    status: z.string().nullable().meta({ description: "n8n's own word, of the node's last run" }),
    startedAt: z.iso.datetime().nullable().meta({ description: 'Of its first run' }),
    durationMs: z.number().int().nullable().meta({ description: 'Of all its runs together' }),
    items: z.number().int().meta({ description: 'That it gave, over all runs and outputs' }),
    runs: z.number().int().meta({ description: 'More than 1 in a loop' }),
    error: z.object({ message: z.string(), httpStatus: z.number().int().nullable() }).nullable(),
  })
  .meta({ ref: 'NodeRun' })

export const RunSummary = z
  .object({ nodes: z.array(NodeRun), omittedNodes: z.number().int().optional() })
  .meta({ ref: 'RunSummary' })

export const Execution = ExecutionSummary.extend({
  data: z.union([RunSummary, z.unknown()]).meta({
    description: [
      "From n8n's run data: { nodes } in the order in which they first ran, without the items. From a report of your",
      'own: the JSON as you sent it, secrets in headers redacted; { truncated: true, sizeBytes } over 256 KB.',
      'Null when there is none, or none any more.',
    ].join(' '),
  }),
}).meta({ ref: 'Execution' })
export type Execution = ExecutionSummary & { data: unknown }

export const ExecutionList = sliceOf(ExecutionSummary)

/** PostgreSQL text holds no U+0000. */
export const text = (maxChars: number) =>
  z
    .string()
    .min(1, 'At least 1 character')
    .max(maxChars, `At most ${maxChars} characters`)
    .refine((value) => !value.includes('\0'), 'Holds a NUL character')

/** `?name=a,b` and `?name=a&name=b` alike. */
export const listOf = <T extends z.ZodType<unknown, string>>(item: T, maxItems: number) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [...new Set([given].flat().flatMap((text) => text.split(',')))])
    .pipe(z.array(item).max(maxItems, `At most ${maxItems} values`))

const Mode = z.string().regex(/^[A-Za-z_-]{1,32}$/, 'A mode of n8n, such as webhook, trigger or manual')

const Fingerprint = z.string().regex(/^[0-9a-f]{16}$/, 'A fingerprint such as analytics gives out')

const executionFilter = {
  workflowId: Uuid.optional(),
  workflowVersion: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'A whole number from 1 on')
    .transform(Number)
    .optional(),
  deploymentId: Uuid.optional(),
  instanceId: Uuid.optional(),
  status: Status.optional(),
  mode: listOf(Mode, 20)
    .optional()
    .meta({ description: 'Modes of n8n, separated by commas, such as `webhook,trigger`' }),
  kind: listOf(z.enum(runKinds), runKinds.length).optional().meta({
    description: 'Kinds of runs, separated by commas. Analytics counts `production` unless asked for more',
  }),
  stuck: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: 'Runs that are stuck, or all others' }),
  startedAfter: Instant.optional(),
  startedBefore: Instant.optional(),
  tag: text(64).optional().meta({ description: 'Of workflows that have the tag now' }),
  errorFingerprint: Fingerprint.optional().meta({ description: 'Failed runs of this error group' }),
  q: text(200)
    .optional()
    .meta({
      description:
        "n8n's own id of the execution, whole, with `#` before it or without; or words that all occur, anywhere in a word, " +
        "in the workflow's name or in the error's message",
    }),
}

export const ExecutionQuery = z
  .strictObject({
    ...pageQuery,
    cursor: z
      .string()
      .max(64)
      .refine((cursor) => readRunCursor(cursor) !== null, 'Not a cursor of this list')
      .optional(),
    ...executionFilter,
  })
  .superRefine(inOrder('startedAfter', 'startedBefore'))
export type ExecutionFilter = Omit<z.output<typeof ExecutionQuery>, keyof typeof pageQuery>

export const ExecutionExportQuery = z
  .strictObject({ ...executionFilter, format: TableFormat })
  .superRefine(inOrder('startedAfter', 'startedBefore'))

export const ExecutionId = z.object({ id: z.uuid({ version: 'v7' }) })

/** For the description only: n8n's own shapes are read too, and unknown fields are let be. */
const Report = z
  .object({
    executionId: z.string(),
    workflowId: z.string().meta({ description: "n8n's id of the workflow" }),
    status: Status,
    startedAt: z.iso.datetime().optional(),
    finishedAt: z.iso.datetime().optional(),
    mode: z.string().optional(),
    retryOf: z.string().optional().meta({ description: "n8n's ID of the execution that this one retries" }),
    workflowVersionId: z
      .string()
      .optional()
      .meta({ description: "n8n's ID of the workflow version that ran" }),
    error: z.object({ message: z.string(), node: z.string().optional() }).optional(),
    data: z.unknown().optional(),
  })
  .meta({ ref: 'ExecutionReport' })

export const Reports = z.union([Report, z.array(Report).max(500)])

export const PollRequest = z.strictObject({ instanceId: Uuid }).meta({ ref: 'PollRequest' })

export const PollAnswer = z
  .object({
    recorded: z.number().int().meta({ description: 'Executions that were not known' }),
    updated: z.number().int().meta({ description: 'Known ones whose status has changed' }),
    passedOver: z.number().int().meta({ description: 'New ones of workflows that no deployment tracks' }),
    lagSeconds: z
      .number()
      .int()
      .meta({ description: 'Since when n8n has not been read to the end: 0, or there is more to read' }),
  })
  .meta({ ref: 'PollAnswer' })
export type PollAnswer = z.output<typeof PollAnswer>

export const ReportAnswer = z
  .object({
    id: z.uuid().optional(),
    created: z.boolean(),
    incident: z.boolean().optional().meta({
      description: 'True when the report is a failure without an execution: `id` is an incident then',
    }),
    code: z
      .string()
      .optional()
      .meta({ description: 'Why it could not be used yet, such as unknown-workflow' }),
  })
  .meta({ ref: 'ReportAnswer' })
export type ReportAnswer = z.output<typeof ReportAnswer>

export const ReportAnswers = z
  .object({
    results: z.array(
      ReportAnswer.extend({ status: z.union([z.literal(200), z.literal(202), z.literal(422)]) }),
    ),
  })
  .meta({ ref: 'ReportAnswers' })
export type ReportResult = z.output<typeof ReportAnswers>['results'][number]

export const DeadLetter = z
  .object({
    id: z.uuid(),
    instanceId: z.uuid(),
    code: z.string(),
    n8nExecutionId: z.string().nullable(),
    n8nWorkflowId: z.string().nullable(),
    sizeBytes: z.number().int(),
    deliveries: z.number().int().meta({ description: 'How often this very report came' }),
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'DeadLetter' })
export type DeadLetter = z.output<typeof DeadLetter>

export const DeadLetterWithBody = DeadLetter.extend({
  body: z.string().meta({ description: 'The report as JSON text' }),
}).meta({ ref: 'DeadLetterWithBody' })
export type DeadLetterWithBody = z.output<typeof DeadLetterWithBody>

export const DeadLetterList = sliceOf(DeadLetter)
export const DeadLetterQuery = z.strictObject({ ...pageQuery, instanceId: Uuid.optional() })
export type DeadLetterFilter = Omit<z.output<typeof DeadLetterQuery>, keyof typeof pageQuery>
export const DeadLetterId = z.object({ id: z.uuid({ version: 'v7' }) })

export const ReplayAnswer = z
  .object({
    replayed: z.boolean(),
    executionId: z.uuid().nullable(),
    incidentId: z.uuid().optional(),
    code: z.string().nullable().meta({ description: 'Why it still cannot be used; the letter stays' }),
  })
  .meta({ ref: 'ReplayAnswer' })
export type ReplayAnswer = z.output<typeof ReplayAnswer>

export const Incident = z
  .object({
    id: z.uuid(),
    workflowId: z.uuid(),
    workflowVersion: z.number().int(),
    deploymentId: z.uuid(),
    instanceId: z.uuid(),
    source: z.enum(['trigger', 'run']).meta({
      description: 'trigger: a trigger that could not start; run: a run that failed and has no ID in n8n',
    }),
    mode: z.string().nullable(),
    error: z.object({ message: z.string(), node: z.string().nullable() }),
    errorFingerprint: z.string().meta({ description: 'The same as that of runs that fail with this error' }),
    occurredAt: z.iso.datetime(),
    deliveries: z.number().int().meta({ description: 'How often it was reported within ten minutes' }),
  })
  .meta({ ref: 'Incident' })
export type Incident = z.output<typeof Incident>

export const IncidentList = sliceOf(Incident)
export const IncidentQuery = z.strictObject({
  ...pageQuery,
  workflowId: Uuid.optional(),
  deploymentId: Uuid.optional(),
  instanceId: Uuid.optional(),
  errorFingerprint: Fingerprint.optional(),
})
export type IncidentFilter = Omit<z.output<typeof IncidentQuery>, keyof typeof pageQuery>
