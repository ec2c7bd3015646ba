import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { AppError, invalid } from '../errors.ts'
import { type AuthEnv, bearerToken } from '../http/auth.ts'
import type { BaseEnv } from '../http/env.ts'
import { describe } from '../http/openapi.ts'
import { defaultLimit, toPage } from '../http/page.ts'
import { downloadTable, tableMediaTypes } from '../http/table-stream.ts'
import { bodyLimits, readTextOf, valid } from '../http/validate.ts'
import { instanceErrors } from '../instances/connections.ts'
import type { InstanceRepository } from '../instances/repository.ts'
import {
  DeadLetterId,
  DeadLetterList,
  DeadLetterQuery,
  DeadLetterWithBody,
  Execution,
  ExecutionExportQuery,
  ExecutionId,
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
} from './contract.ts'
import type { DeadLetterRepository } from './dead-letters.ts'
import { executionPages, exportColumns } from './export.ts'
import type { IncidentRepository } from './incidents.ts'
import { readReports, reportMediaTypes } from './report-body.ts'
import type { ReportReceiver } from './receive.ts'
import type { ExecutionRepository } from './repository.ts'
import { readRunCursor } from './run-order.ts'

/** Null when the user has no such instance. */
export type Poll = (userId: string, instanceId: string) => Promise<PollAnswer | null>

export interface ExportOptions {
  /** What is exported from; may be behind by a moment. */
  executions: Pick<ExecutionRepository, 'list'>
  onFailure?: (error: unknown) => void
}

export function executionRoutes(
  executions: ExecutionRepository,
  poll: Poll,
  exporting: ExportOptions = { executions },
) {
  return new Hono<AuthEnv>()
    .post(
      '/poll',
      describe({
        tag: 'Executions',
        summary: "Ask an instance's n8n for results now",
        description: 'It is asked every few minutes anyway. Not while it is being asked, nor at once again.',
        responses: { 200: PollAnswer },
        errors: ['invalid', 'not-found', 'too-many-requests', ...instanceErrors],
      }),
      valid('json', PollRequest),
      async (c) => {
        const answer = await poll(c.var.userId, c.req.valid('json').instanceId)
        if (!answer) throw new AppError('not-found', 'No such instance')
        return c.json(answer, 200)
      },
    )
    .get(
      '/',
      describe({
        tag: 'Executions',
        summary: 'List executions',
        description:
          'Newest first by `startedAt`, then by id. A run without a start is placed by its end, else by when it was first recorded.',
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
        tag: 'Executions',
        summary: 'Export executions',
        description:
          'All that the filter chooses, newest first. A body that is broken off midway is not whole; in csv and ndjson too, since the transfer then ends without its end.',
        responses: { 200: z.array(ExecutionSummary) },
        mediaTypes: tableMediaTypes,
        errors: ['invalid'],
      }),
      valid('query', ExecutionExportQuery),
      async (c) => {
        const { format = 'csv', ...filter } = c.req.valid('query')
        const { executions: source, onFailure } = exporting
        return downloadTable({
          format,
          name: 'executions',
          columns: exportColumns,
          pages: executionPages(source, c.var.userId, filter),
          ...(onFailure && { onFailure }),
        })
      },
    )
    .get(
      '/:id',
      describe({
        tag: 'Executions',
        summary: 'Get an execution with its data',
        responses: { 200: Execution },
        errors: ['not-found'],
      }),
      valid('param', ExecutionId),
      async (c) => {
        const execution = await executions.find(c.var.userId, c.req.valid('param').id)
        if (!execution) throw new AppError('not-found', 'No such execution')
        return c.json(execution, 200)
      },
    )
}

export function incidentRoutes(incidents: IncidentRepository) {
  return new Hono<AuthEnv>().get(
    '/',
    describe({
      tag: 'Executions',
      summary: 'List incidents',
      description:
        'Failures without an execution: triggers that could not start, and runs that n8n gave no ID. Newest first.',
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

const noSuchLetter = () => new AppError('not-found', 'No such dead letter')

export function deadLetterRoutes(deadLetters: DeadLetterRepository) {
  const tag = 'Dead letters'
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        tag,
        summary: 'List reports that could not be used yet',
        description: 'Kept for 30 days, up to 1,000 of an instance and 10 MB; then the oldest give way.',
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
        tag,
        summary: 'Get a dead letter',
        responses: { 200: DeadLetterWithBody },
        errors: ['not-found'],
      }),
      valid('param', DeadLetterId),
      async (c) => {
        const letter = await deadLetters.find(c.var.userId, c.req.valid('param').id)
        if (!letter) throw noSuchLetter()
        return c.json(letter, 200)
      },
    )
    .delete(
      '/:id',
      describe({ tag, summary: 'Delete a dead letter', responses: { 204: null }, errors: ['not-found'] }),
      valid('param', DeadLetterId),
      async (c) => {
        if (!(await deadLetters.delete(c.var.userId, c.req.valid('param').id))) throw noSuchLetter()
        return c.body(null, 204)
      },
    )
    .post(
      '/:id/replay',
      describe({
        tag,
        summary: 'Try a dead letter again',
        description: 'It goes once its execution is recorded.',
        responses: { 200: ReplayAnswer },
        errors: ['not-found'],
      }),
      valid('param', DeadLetterId),
      async (c) => {
        const answer = await deadLetters.replay(c.var.userId, c.req.valid('param').id)
        if (!answer) throw noSuchLetter()
        return c.json(answer, 200)
      },
    )
}

export interface HookDeps {
  instances: Pick<InstanceRepository, 'authenticate'>
  reports: Pick<ReportReceiver, 'receive'>
}

export interface HookLimits {
  /** Requests of one isolate that may be at the database at once. */
  requests: number
  /** Their bodies together, in characters. */
  bodyChars: number
}

const maxReports = 500

/**
 * Where n8n posts. The order is fixed: the body's size, then who sends it, then what it says; and no answer of the
 * 200s before everything is committed, because the sender forgets what was answered so.
 */
export function hookRoutes(
  { instances, reports }: HookDeps,
  limits: HookLimits = { requests: 1024, bodyChars: 32 * 1024 * 1024 },
) {
  let requests = 0
  let bodyChars = 0

  async function report(c: Context<BaseEnv>, instanceId: string, text: string) {
    const token = bearerToken(c.req.header('Authorization'))
    const known = token !== null && ExecutionId.safeParse({ id: instanceId }).success
    const instance = known ? await instances.authenticate(instanceId, token) : null
    if (!instance) {
      throw new AppError('unauthenticated', "Send the instance's webhook token: Authorization: Bearer whk_…")
    }
    const body = readReports(text, c.req.header('Content-Type') ?? '')
    if (!Array.isArray(body)) {
      const [{ status, ...answer } = { status: 422, created: false } as ReportResult] = await reports.receive(
        instance,
        [body],
      )
      return c.json(answer, status === 200 ? 200 : 202)
    }
    if (body.length > maxReports) throw invalid('', `An array holds ${maxReports} reports at most`)
    return c.json({ results: await reports.receive(instance, body) }, 200)
  }

  return new Hono<BaseEnv>().post(
    '/n8n/:instanceId',
    describe({
      tag: 'Webhook',
      summary: 'Report executions',
      description: [
        "Authorization: Bearer <webhookToken>. One report or an array of at most 500: this API's own shape,",
        "n8n's execution object, the Error Trigger's data, or what workflow.postExecute is given; also as text, as form",
        'fields, or wrapped in body, data, payload or json. gzip and deflate are decoded.',
        'A failure without an execution, such as a trigger that could not start, is recorded as an incident.',
        '202 for a new execution, 200 for a known one; 202 with created: false and a code for what cannot be used',
        'yet, which is kept as a dead letter; for an array always 200 with the results in its order.',
      ].join(' '),
      responses: { 200: ReportAnswers.or(ReportAnswer), 202: ReportAnswer },
      errors: [
        'unauthenticated',
        'malformed-json',
        'too-large',
        'unsupported-media-type',
        'invalid',
        'too-many-requests',
      ],
      webhook: true,
      body: Reports,
    }),
    async (c) => {
      const text = await readTextOf(c, reportMediaTypes, bodyLimits.hook)
      if (requests >= limits.requests || bodyChars + text.length > limits.bodyChars) {
        throw new AppError('too-many-requests', 'Too many reports at once; send this one again', {
          retryAfterSeconds: 1,
        })
      }
      requests += 1
      bodyChars += text.length
      try {
        c.header('Cache-Control', 'no-store')
        return await report(c, c.req.param('instanceId'), text)
      } finally {
        requests -= 1
        bodyChars -= text.length
      }
    },
  )
}
