import { IdParam } from '../lib/scalars.ts'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { accountMoved, AppError, type ErrorCode, invalid, notFound } from '../errors.ts'
import { type AuthEnv, bearerToken } from '../http/auth.ts'
import type { BaseEnv } from '../http/env.ts'
import type { NetworkLimit } from '../http/network-limit.ts'
import { describe } from '../http/openapi.ts'
import { defaultLimit, toPage } from '../http/page.ts'
import { tableMediaTypes } from '../http/table-stream.ts'
import { bodyLimits, readBytesOf, readTextOf, valid } from '../http/validate.ts'
import { instanceErrors } from '../instances/connections.ts'
import type { InstanceRepository } from '../instances/repository.ts'
import {
  DeadLetterList,
  DeadLetterQuery,
  DeadLetterWithBody,
  Execution,
  ExecutionExportQuery,
  ExecutionList,
  ExecutionQuery,
  ExecutionSummary,
  IncidentList,
  IncidentQuery,
  PollAnswer,
  PollRequest,
  ReplayAnswer,
  ReportAnswer,
  ReportAnswers,
  Reports,
  type ReportResult,
  TraceAnswer,
  TraceExport,
} from './contract.ts'
import type { DeadLetterRepository } from './reports/dead-letters.ts'
import { downloadExecutions, type ExportOptions } from './export.ts'
import type { IncidentRepository } from './reports/incidents.ts'
import { readReports, reportMediaTypes } from './reports/body.ts'
import type { TraceReceiver } from './otlp/receive.ts'
import { exportResponse, readSpans, traceMediaTypes } from './otlp/wire.ts'
import type { ReportReceiver } from './reports/receive.ts'
import type { ExecutionRepository } from './repository.ts'
import { readRunCursor } from '../runs/order.ts'

/** Null when the user has no such instance. */
export type Poll = (userId: string, instanceId: string) => Promise<PollAnswer | null>

export function executionRoutes(
  executions: ExecutionRepository,
  poll: Poll,
  exporting: ExportOptions = { executions },
) {
  return new Hono<AuthEnv>()
    .post(
      '/poll',
      describe({
        operationId: 'pollExecutions',
        tag: 'Executions',
        summary: 'Poll an instance for executions',
        description:
          'Fetches new executions from n8n now. Flowkeep polls every few minutes anyway. Fails with ' +
          '`too-many-requests` if the instance is being polled or was polled a moment ago.',
        responses: { 200: PollAnswer },
        errors: ['invalid', 'not-found', 'too-many-requests', ...instanceErrors],
      }),
      valid('json', PollRequest),
      async (c) => {
        const answer = await poll(c.var.userId, c.req.valid('json').instanceId)
        if (!answer) throw notFound('Instance')
        return c.json(answer, 200)
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listExecutions',
        tag: 'Executions',
        summary: 'List executions',
        description:
          'Newest first by `startedAt`, then by ID. An execution without a start is sorted by its end, otherwise by ' +
          'when it was first recorded.',
        responses: { 200: ExecutionList },
        errors: ['invalid'],
      }),
      valid('query', ExecutionQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        const after = cursor === undefined ? null : readRunCursor(cursor)
        return c.json(
          await executions.list(c.var.userId, filter, { limit: limit ?? defaultLimit, after }),
          200,
        )
      },
    )
    .get(
      '/export',
      describe({
        operationId: 'exportExecutions',
        tag: 'Executions',
        summary: 'Export executions',
        description:
          'Returns all executions that match the filters, newest first. If the export ' +
          'fails midway, the connection is aborted, so an incomplete download never looks complete. CSV also contains the names of the ' +
          'workflow and the instance.',
        responses: { 200: z.array(ExecutionSummary) },
        mediaTypes: tableMediaTypes,
        errors: ['invalid'],
      }),
      valid('query', ExecutionExportQuery),
      async (c) => {
        const { format = 'csv', ...filter } = c.req.valid('query')
        return downloadExecutions(exporting, format, c.var.userId, filter)
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getExecution',
        tag: 'Executions',
        summary: 'Get an execution',
        description: 'Returns the execution with the data of its nodes.',
        responses: { 200: Execution },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const execution = await executions.find(c.var.userId, c.req.valid('param').id)
        if (!execution) throw notFound('Execution')
        return c.json(execution, 200)
      },
    )
}

export function incidentRoutes(incidents: IncidentRepository) {
  return new Hono<AuthEnv>().get(
    '/',
    describe({
      operationId: 'listIncidents',
      tag: 'Executions',
      summary: 'List failures without an execution',
      description:
        'Triggers that could not start, and failed runs without an n8n execution ID. Newest first.',
      responses: { 200: IncidentList },
      errors: ['invalid'],
    }),
    valid('query', IncidentQuery),
    async (c) => {
      const { limit, cursor, ...filter } = c.req.valid('query')
      return c.json(await incidents.list(c.var.userId, filter, toPage({ limit, cursor })), 200)
    },
  )
}

export function deadLetterRoutes(deadLetters: DeadLetterRepository) {
  const tag = 'Dead letters'
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'listDeadLetters',
        tag,
        summary: 'List dead letters',
        description:
          'Reports that could not be used yet. Stored for 30 days, up to 1,000 reports or 10 MB per ' +
          'instance; the oldest are dropped first.',
        responses: { 200: DeadLetterList },
        errors: ['invalid'],
      }),
      valid('query', DeadLetterQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await deadLetters.list(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getDeadLetter',
        tag,
        summary: 'Get a dead letter',
        description: 'Returns the dead letter with the report as it was received.',
        responses: { 200: DeadLetterWithBody },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const deadLetter = await deadLetters.find(c.var.userId, c.req.valid('param').id)
        if (!deadLetter) throw notFound('Dead letter')
        return c.json(deadLetter, 200)
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'deleteDeadLetter',
        tag,
        summary: 'Delete a dead letter',
        description: 'The report is lost. This cannot be undone.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        if (!(await deadLetters.delete(c.var.userId, c.req.valid('param').id))) throw notFound('Dead letter')
        return c.body(null, 204)
      },
    )
    .post(
      '/:id/replay',
      describe({
        operationId: 'replayDeadLetter',
        tag,
        summary: 'Replay a dead letter',
        description: 'Processes the report again. The dead letter is deleted when its execution is recorded.',
        responses: { 200: ReplayAnswer },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const answer = await deadLetters.replay(c.var.userId, c.req.valid('param').id)
        if (!answer) throw notFound('Dead letter')
        return c.json(answer, 200)
      },
    )
}

const tooManyReports = () =>
  new AppError('too-many-requests', 'Too many concurrent reports. Retry this request', {
    retryAfterSeconds: 1,
  })

export interface HookDeps {
  instances: Pick<InstanceRepository, 'authenticate' | 'movedTo'>
  reports: Pick<ReportReceiver, 'receive'>
  /** Stores reports in a queue first, where there is one. */
  queuedReports?: Pick<ReportReceiver, 'receive'> | undefined
  traces: Pick<TraceReceiver, 'receive'>
  /** Of wrong tokens. */
  networkLimit: NetworkLimit
}

export interface HookLimits {
  /** Concurrent requests per isolate. */
  requests: number
  /** Total size of their bodies in characters or bytes. */
  bodyChars: number
}

const maxReports = 500
const hookErrors = [
  'unauthenticated',
  'account-moved',
  'malformed-json',
  'too-large',
  'unsupported-media-type',
  'invalid',
  'too-many-requests',
] satisfies ErrorCode[]

/**
 * Receives reports from n8n. Checks the token before it reads the body, then the size, then the content. Responds 2xx only after
 * everything is committed or in the queue, because the sender does not repeat a report that succeeded.
 */
export function hookRoutes(
  { instances, reports, queuedReports, traces, networkLimit }: HookDeps,
  limits: HookLimits = { requests: 1024, bodyChars: 32 * 1024 * 1024 },
) {
  let requests = 0
  let bodyChars = 0

  /**
   * Wrong tokens from the same network never hold up a right one, because its sender would lose the report.
   * @throws {AppError} `unauthenticated`, `account-moved`; `too-many-requests` after many wrong tokens from one network
   */
  async function authenticate(c: Context<BaseEnv>): Promise<{ id: string; userId: string }> {
    const token = bearerToken(c.req.header('Authorization'))
    const instanceId = c.req.param('instanceId') ?? ''
    const isId = token !== null && IdParam.safeParse({ id: instanceId }).success
    const instance = isId ? await instances.authenticate(instanceId, token) : null
    if (!instance) {
      networkLimit.claim(c.var.clientIp)
      const movedTo = isId ? await instances.movedTo(instanceId) : null
      if (movedTo !== null) throw accountMoved(movedTo)
      throw new AppError('unauthenticated', "Send the instance's webhook token: Authorization: Bearer whk_…")
    }
    return instance
  }

  /**
   * Runs `receive` for the instance of the token, within the limits.
   * @param read reads the body, which only an authenticated request may make this server do
   */
  async function accept<B, T>(
    c: Context<BaseEnv>,
    read: () => Promise<{ body: B; size: number }>,
    receive: (instance: { id: string; userId: string }, body: B) => Promise<T>,
  ): Promise<T> {
    let reserved = 0
    const reserve = (size: number) => {
      if (bodyChars - reserved + size > limits.bodyChars) throw tooManyReports()
      bodyChars += size - reserved
      reserved = size
    }
    if (requests >= limits.requests) throw tooManyReports()
    requests += 1
    try {
      c.header('Cache-Control', 'no-store')
      const instance = await authenticate(c)
      reserve(Math.min(Number(c.req.header('Content-Length')) || 0, bodyLimits.hook))
      const { body, size } = await read()
      reserve(size)
      return await receive(instance, body)
    } finally {
      requests -= 1
      bodyChars -= reserved
    }
  }

  async function report(c: Context<BaseEnv>, instance: { id: string; userId: string }, text: string) {
    const body = readReports(text, c.req.header('Content-Type') ?? '')
    const waits = /(^|[\s,;])wait\b/i.test(c.req.header('Prefer') ?? '')
    const receiver = (waits ? undefined : queuedReports) ?? reports
    if (!Array.isArray(body)) {
      const [{ status, ...answer } = { status: 422, created: false } as ReportResult] =
        await receiver.receive(instance, [body])
      return c.json(answer, status === 200 ? 200 : 202)
    }
    if (body.length > maxReports)
      throw invalid('', `The array exceeds ${maxReports} reports. Send them in several requests`)
    const results = await receiver.receive(instance, body)
    return c.json({ results }, results.some(({ queued }) => queued) ? 202 : 200)
  }

  const receiving = new Hono<BaseEnv>().post(
    '/n8n/:instanceId',
    describe({
      operationId: 'reportExecutions',
      tag: 'Webhooks',
      summary: 'Report executions',
      description:
        "Accepts one report or an array of up to 500: the shape below, n8n's execution object, the data " +
        'of the Error Trigger, or the arguments of `workflow.postExecute`; also as text, as form fields, ' +
        'or wrapped in `body`, `data`, `payload` or `json`. gzip and deflate are decoded. A failure ' +
        'without an execution, such as a trigger that could not start, is listed by `GET /v1/incidents`. ' +
        'Returns 202 for a new execution and 200 for a known one; 202 with `created: false` and a `code` ' +
        'for a report that cannot be used yet, which is stored as a dead letter. For an array, returns 200 ' +
        'with the results in the same order. On a server with a queue, returns 202 with `queued: true` as soon as the ' +
        'queue has stored the reports. `Prefer: wait` (RFC 7240) records them first.',
      responses: { 200: ReportAnswers.or(ReportAnswer), 202: ReportAnswer.or(ReportAnswers) },
      errors: hookErrors,
      webhook: true,
      body: Reports,
    }),
    (c) =>
      accept(
        c,
        async () => {
          const body = await readTextOf(c, reportMediaTypes, bodyLimits.hook)
          return { body, size: body.length }
        },
        (instance, text) => report(c, instance, text),
      ),
  )
  return receiving.post(
    '/n8n/:instanceId/otlp/v1/traces',
    describe({
      operationId: 'receiveTraces',
      tag: 'Webhooks',
      summary: 'Receive traces from n8n',
      description:
        'An OpenTelemetry collector for n8n 2.19 and later: accepts OTLP trace exports in protobuf or JSON and ' +
        'records the executions of deployed workflows with their nodes. Set it up with ' +
        '`PUT /v1/instances/{id}/otel`. Spans of other programs and workflows are ignored. gzip and deflate ' +
        'are decoded. Responds with an `ExportTraceServiceResponse` in the media type of the request; ' +
        '`partialSuccess` counts unusable spans. A repeated export changes nothing.',
      responses: { 200: TraceAnswer },
      mediaTypes: traceMediaTypes,
      errors: hookErrors,
      webhook: true,
      body: TraceExport,
    }),
    (c) =>
      accept(
        c,
        async () => {
          const body = await readBytesOf(c, traceMediaTypes, bodyLimits.hook)
          return { body, size: body.bytes.length }
        },
        async (instance, { bytes, mediaType }) => {
          const rejected = await traces.receive(instance, readSpans(bytes, mediaType))
          return c.body(exportResponse(rejected, mediaType), 200, { 'Content-Type': mediaType })
        },
      ),
  )
}
