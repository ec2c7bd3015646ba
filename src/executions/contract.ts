/** @module HTTP schemas of executions, execution reports, failures without an execution, and dead letters. */
import * as z from 'zod'
import { asBoolean, asInteger } from '../http/openapi.ts'
import { executionStatuses, runKinds, workflowVersionSources } from '../db/schema/executions.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { TableFormat } from '../http/table-stream.ts'
import { Fingerprint, inOrder, Instant, listOf, text, Uuid } from '../lib/scalars.ts'
import { readRunCursor } from '../runs/order.ts'
import { ExecutionUsage } from '../runs/usage.ts'

const Status = z.enum(executionStatuses)
export const ExecutionSummary = z
  .object({
    id: z.uuid(),
    n8nExecutionId: z.string(),
    workflowId: z.uuid(),
    workflowVersion: z.number().int().meta({ description: 'The version that ran' }),
    workflowVersionSource: z.enum(workflowVersionSources).meta({
      description:
        'How the version was determined: `n8n`, from the version ID in n8n; `time`, from what was live when the ' +
        'execution started',
    }),
    deploymentId: z.uuid(),
    instanceId: z.uuid(),
    status: Status,
    stuck: z.boolean().meta({
      description:
        'True if the execution has been running for longer than the `executionTimeout` of its workflow, ' +
        'or for more than 24 hours without one',
    }),
    mode: z
      .string()
      .nullable()
      .meta({ description: 'Mode, as named by n8n: webhook, trigger, manual, integrated, error, …' }),
    kind: z.enum(runKinds).meta({
      description:
        'How it is counted: `production`, `manual` (including evaluations), `sub` (called by another ' +
        'workflow), `error` (of an error workflow), or `superseded` (a later retry decided the outcome). ' +
        'A retry has the kind of its original',
    }),
    retryOf: z
      .uuid()
      .nullable()
      .meta({ description: 'The execution that this one retries; null when it is not recorded' }),
    n8nRetryOf: z.string().nullable().meta({ description: 'n8n ID of the execution that this one retries' }),
    retriedBy: z.uuid().nullable().meta({ description: 'The latest retry of this execution' }),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    durationMs: z.number().int().nullable().meta({ description: 'From start to end, including waiting' }),
    activeMs: z
      .number()
      .int()
      .nullable()
      .meta({
        description:
          'For an execution that waited: the time that nodes ran, without the Wait node; null until its ' +
          'data is fetched. Percentiles use it instead of `durationMs`. Null for an execution that did not ' +
          'wait',
      }),
    waited: z.boolean(),
    error: z.object({ message: z.string(), node: z.string().nullable() }).nullable(),
    receivedAt: z.iso.datetime().meta({ description: 'When Flowkeep first received it' }),
  })
  .meta({ ref: 'ExecutionSummary' })
export type ExecutionSummary = z.output<typeof ExecutionSummary>

const DataShape = z
  .string()
  .nullable()
  .meta({
    description:
      'Keys, types and lengths of the items, without values, in TypeScript syntax; null without items',
    examples: ['{ id: number, tags: string(3–12)[], owner?: { name: string(0) } | null }'],
  })

export const NodeInput = z
  .object({
    node: z.string(),
    output: z.number().int().meta({ description: '0-based' }),
    items: z.number().int(),
    shape: DataShape,
  })
  .meta({ ref: 'NodeInput' })

const NodeRun = z
  .object({
    name: z.string(),
    type: z.string().nullable(),
    status: z
      .string()
      .nullable()
      .meta({ description: 'Status of the last run of the node, as named by n8n' }),
    startedAt: z.iso.datetime().nullable().meta({ description: 'Start of the first run of the node' }),
    durationMs: z.number().int().nullable().meta({ description: 'Total duration of all runs of the node' }),
    items: z
      .number()
      .int()
      .meta({ description: 'Items that the node returned, across all runs and outputs' }),
    runs: z.number().int().meta({ description: 'More than 1 in a loop' }),
    error: z.object({ message: z.string(), httpStatus: z.number().int().nullable() }).nullable(),
    input: z
      .array(NodeInput)
      .optional()
      .meta({ description: 'What the failed run of the node received. Only for nodes with an error' }),
    output: z.array(DataShape).optional().meta({
      description: 'Shape of each main output of the last run. Only in executions with a failed node',
    }),
  })
  .meta({ ref: 'NodeRun' })

export const RunSummary = z
  .object({ nodes: z.array(NodeRun), omittedNodes: z.number().int().optional() })
  .meta({ ref: 'RunSummary' })

const OwnData = z.unknown().meta({
  type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
  additionalProperties: true,
  items: {},
})

export const Execution = ExecutionSummary.extend({
  data: z.union([RunSummary, OwnData]).meta({
    description: [
      "From n8n's run data: { nodes } in the order in which they first ran, without the items. From your own",
      'report: the JSON as you sent it, with secrets in headers redacted; { truncated: true, sizeBytes } over 256 KB.',
      'Null if there is no data, or it was purged',
    ].join(' '),
  }),
  usage: ExecutionUsage.nullable().meta({
    description: 'Tokens that the AI nodes used, and their cost. Null until the data is known',
  }),
}).meta({ ref: 'Execution' })
export type Execution = ExecutionSummary & { data: unknown; usage: ExecutionUsage | null }

export const ExecutionList = sliceOf(ExecutionSummary)

const Mode = z.string().regex(/^[A-Za-z_-]{1,32}$/, 'Must be an n8n mode, such as webhook, trigger or manual')

const executionFilter = {
  workflowId: Uuid.optional(),
  workflowVersion: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'Must be a whole number of at least 1')
    .transform(Number)
    .optional()
    .meta({ ...asInteger({ minimum: 1 }), description: 'Only executions of this version' }),
  deploymentId: Uuid.optional(),
  instanceId: Uuid.optional(),
  status: Status.optional(),
  mode: listOf(Mode, 20)
    .optional()
    .meta({ description: 'Modes of n8n, such as `webhook` and `trigger`. Comma-separated or repeated' }),
  kind: listOf(z.enum(runKinds), runKinds.length)
    .optional()
    .meta({
      description:
        'Kinds of executions. Comma-separated or repeated. Default: all; analytics counts `production` ' +
        'by default',
    }),
  stuck: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({
      ...asBoolean,
      'x-default': undefined,
      description: 'Only stuck executions (true), or only others (false)',
    }),
  startedAfter: Instant.optional(),
  startedBefore: Instant.optional(),
  tag: text(64).optional().meta({ description: 'Only executions of workflows that currently have the tag' }),
  errorFingerprint: Fingerprint.optional().meta({ description: 'Only failures of this error group' }),
  q: text(200)
    .optional()
    .meta({
      description:
        'The n8n execution ID, with or without `#`; or words that must all occur in the name of the ' +
        'workflow or in the error message',
    }),
}

export const ExecutionQuery = z
  .strictObject({
    ...pageQuery,
    cursor: z
      .string()
      .max(64)
      .refine(
        (cursor) => readRunCursor(cursor) !== null,
        'Not a cursor from this list. Use the nextCursor of a page',
      )
      .optional(),
    ...executionFilter,
  })
  .superRefine(inOrder('startedAfter', 'startedBefore'))
export type ExecutionFilter = Omit<z.output<typeof ExecutionQuery>, keyof typeof pageQuery>

export const ExecutionExportQuery = z
  .strictObject({ ...executionFilter, format: TableFormat })
  .superRefine(inOrder('startedAfter', 'startedBefore'))

const exampleReport = { executionId: '4711', workflowId: 'kR7yP2nV5cLdH8uJ', status: 'success' }

/** For documentation only: the parser also accepts n8n's own formats and ignores unknown fields. */
const Report = z
  .looseObject({
    executionId: z.string(),
    workflowId: z.string().meta({ description: 'n8n ID of the workflow' }),
    status: Status,
    startedAt: z.iso.datetime().optional(),
    finishedAt: z.iso.datetime().optional(),
    mode: z.string().optional(),
    retryOf: z.string().optional().meta({ description: 'n8n ID of the execution that this one retries' }),
    workflowVersionId: z.string().optional().meta({ description: 'n8n ID of the workflow version that ran' }),
    error: z.object({ message: z.string(), node: z.string().optional() }).optional(),
    data: z.unknown().optional(),
  })
  .meta({ ref: 'ExecutionReport', 'x-example': exampleReport })

export const Reports = z.union([Report, z.array(Report).max(500)])

export const PollRequest = z
  .strictObject({ instanceId: Uuid })
  .meta({ ref: 'PollRequest', 'x-example': { instanceId: '01934f8e-7f00-7b21-8e4f-6a3b2c1d0e9f' } })

export const PollAnswer = z
  .object({
    recorded: z.number().int().meta({ description: 'New executions recorded' }),
    updated: z.number().int().meta({ description: 'Known executions whose status changed' }),
    passedOver: z.number().int().meta({ description: 'New executions of untracked workflows' }),
    lagSeconds: z.number().int().meta({
      description: 'Seconds since polling last caught up with n8n; 0 when there is nothing left to fetch',
    }),
  })
  .meta({ ref: 'PollResult' })
export type PollAnswer = z.output<typeof PollAnswer>

export const ReportAnswer = z
  .object({
    id: z.uuid().optional(),
    created: z.boolean(),
    incident: z.boolean().optional().meta({
      description:
        'True if the report is a failure without an execution. `id` is its ID in `GET /v1/incidents`',
    }),
    queued: z.boolean().optional().meta({
      description:
        'True if the report is in the queue and will be recorded within seconds. `id` is not known yet',
    }),
    code: z
      .string()
      .optional()
      .meta({ description: 'Why it cannot be used yet, such as `unknown-workflow`' }),
  })
  .meta({ ref: 'ReportResult' })
export type ReportAnswer = z.output<typeof ReportAnswer>

export const ReportAnswers = z
  .object({
    results: z.array(
      ReportAnswer.extend({ status: z.union([z.literal(200), z.literal(202), z.literal(422)]) }),
    ),
  })
  .meta({ ref: 'ReportResults' })
export type ReportResult = z.output<typeof ReportAnswers>['results'][number]

export const DeadLetter = z
  .object({
    id: z.uuid(),
    instanceId: z.uuid(),
    code: z.string(),
    n8nExecutionId: z.string().nullable(),
    n8nWorkflowId: z.string().nullable(),
    sizeBytes: z.number().int(),
    deliveries: z.number().int().meta({ description: 'Number of times this report was received' }),
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'DeadLetter' })
export type DeadLetter = z.output<typeof DeadLetter>

export const DeadLetterWithBody = DeadLetter.extend({
  body: z.string().meta({ description: 'The report as it was received' }),
}).meta({ ref: 'DeadLetterWithBody' })
export type DeadLetterWithBody = z.output<typeof DeadLetterWithBody>

export const DeadLetterList = sliceOf(DeadLetter)
export const DeadLetterQuery = z.strictObject({ ...pageQuery, instanceId: Uuid.optional() })
export type DeadLetterFilter = Omit<z.output<typeof DeadLetterQuery>, keyof typeof pageQuery>
export const ReplayAnswer = z
  .object({
    replayed: z.boolean(),
    executionId: z.uuid().nullable(),
    incidentId: z.uuid().optional(),
    code: z
      .string()
      .nullable()
      .meta({ description: 'Why it still cannot be used. The dead letter is not deleted' }),
  })
  .meta({ ref: 'ReplayResult' })
export type ReplayAnswer = z.output<typeof ReplayAnswer>

export const Incident = z
  .object({
    id: z.uuid(),
    workflowId: z.uuid(),
    workflowVersion: z.number().int(),
    deploymentId: z.uuid(),
    instanceId: z.uuid(),
    source: z.enum(['trigger', 'run']).meta({
      description:
        '`trigger`: a trigger that could not start; `run`: an execution that failed and has no ID in n8n',
    }),
    mode: z.string().nullable(),
    error: z.object({ message: z.string(), node: z.string().nullable() }),
    errorFingerprint: z.string().meta({
      description: 'Fingerprint of the error group, shared with executions that fail with this error',
    }),
    occurredAt: z.iso.datetime(),
    deliveries: z.number().int().meta({ description: 'Number of times it was reported within 10 minutes' }),
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

/** OTLP's JSON form, as far as Flowkeep reads it. Other fields are allowed. */
export const TraceExport = z
  .looseObject({
    resourceSpans: z.array(
      z.looseObject({ scopeSpans: z.array(z.looseObject({ spans: z.array(z.looseObject({})) })) }),
    ),
  })
  .meta({
    ref: 'TraceExport',
    description:
      'An `ExportTraceServiceRequest` of opentelemetry-proto. n8n sends it as `application/x-protobuf`',
    'x-example': { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'workflow.execute' }] }] }] },
  })

export const TraceAnswer = z
  .object({
    partialSuccess: z
      .object({ rejectedSpans: z.string(), errorMessage: z.string() })
      .optional()
      .meta({ description: 'Present only if spans were unusable' }),
  })
  .meta({ ref: 'TraceResult' })
