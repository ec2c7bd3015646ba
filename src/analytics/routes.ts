import { Hono } from 'hono'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import { Series, SeriesQuery, Summary, SummaryQuery, WorkflowStats, WorkflowStatsQuery } from './contract.ts'
import { CredentialStats, CredentialStatsQuery } from './credential-contract.ts'
import {
  ErrorFingerprint,
  ErrorGroupDetail,
  ErrorGroupQuery,
  ErrorGroups,
  ErrorGroupsQuery,
} from './error-contract.ts'
import { NodeStats, NodeStatsQuery, NodeTypeStats, NodeTypeStatsQuery } from './node-contract.ts'
import { ModelStats, ModelStatsQuery, PromptStats, PromptStatsQuery } from './prompt-contract.ts'
import type { AnalyticsRepository } from './repository.ts'

const tag = 'Analytics'
const errors = ['invalid'] as ['invalid']

export function analyticsRoutes(analytics: AnalyticsRepository) {
  return new Hono<AuthEnv>()
    .get(
      '/summary',
      describe({
        tag,
        summary: 'Sum up executions',
        description:
          'Executions from `from` up to but not including `to`, by their start. Compared with the period of equal length before, when there is a `from`.',
        responses: { 200: Summary },
        errors,
      }),
      valid('query', SummaryQuery),
      async (c) => c.json(await analytics.summary(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/series',
      describe({
        tag,
        summary: 'Executions by hour, day or week',
        description: 'In the hours, days and weeks of a time zone; their sum is that of the summary.',
        responses: { 200: Series },
        errors,
      }),
      valid('query', SeriesQuery),
      async (c) => c.json(await analytics.series(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/workflows',
      describe({ tag, summary: 'Executions by workflow', responses: { 200: WorkflowStats }, errors }),
      valid('query', WorkflowStatsQuery),
      async (c) => c.json(await analytics.workflows(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/node-types',
      describe({
        tag,
        summary: 'Node types: most used, most executed, slowest, failing most',
        description: 'From the node data that came with executions, by whole UTC days.',
        responses: { 200: NodeTypeStats },
        errors,
      }),
      valid('query', NodeTypeStatsQuery),
      async (c) => c.json(await analytics.nodeTypes(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/nodes',
      describe({
        tag,
        summary: 'The nodes of a workflow',
        description: 'From the node data that came with executions, by whole UTC days.',
        responses: { 200: NodeStats },
        errors,
      }),
      valid('query', NodeStatsQuery),
      async (c) => c.json(await analytics.nodes(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/credentials',
      describe({
        tag,
        summary: 'Executions by the credentials behind them',
        responses: { 200: CredentialStats },
        errors,
      }),
      valid('query', CredentialStatsQuery),
      async (c) => c.json(await analytics.credentials(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/prompts',
      describe({
        tag,
        summary: 'How workflow versions made from a prompt fare',
        responses: { 200: PromptStats },
        errors,
      }),
      valid('query', PromptStatsQuery),
      async (c) => c.json(await analytics.prompts(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/models',
      describe({
        tag,
        summary: 'How workflow versions fare by the model that made them',
        responses: { 200: ModelStats },
        errors,
      }),
      valid('query', ModelStatsQuery),
      async (c) => c.json(await analytics.models(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/errors',
      describe({
        tag,
        summary: 'Failed executions by their error',
        description:
          'Errors are the same when node, error class, HTTP status and message are, the message without what differs from run to run.',
        responses: { 200: ErrorGroups },
        errors,
      }),
      valid('query', ErrorGroupsQuery),
      async (c) => c.json(await analytics.errors(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/errors/:fingerprint',
      describe({
        tag,
        summary: 'One error: which workflows and versions, and the newest executions',
        responses: { 200: ErrorGroupDetail },
        errors: ['not-found', ...errors],
      }),
      valid('param', ErrorFingerprint),
      valid('query', ErrorGroupQuery),
      async (c) => {
        const { fingerprint } = c.req.valid('param')
        const group = await analytics.error(c.var.userId, fingerprint, c.req.valid('query'))
        if (!group) throw new AppError('not-found', 'No such error')
        return c.json(group, 200)
      },
    )
}
