import { Hono } from 'hono'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import {
  CostQuery,
  Costs,
  CredentialStats,
  CredentialStatsQuery,
  ErrorFingerprint,
  ErrorGroupChange,
  ErrorGroupDetail,
  ErrorGroupQuery,
  ErrorGroups,
  ErrorGroupsQuery,
  ErrorGroupState,
  ModelStats,
  ModelStatsQuery,
  NodeStats,
  NodeStatsQuery,
  NodeTypeStats,
  NodeTypeStatsQuery,
  PromptStats,
  PromptStatsQuery,
  Series,
  SeriesQuery,
  Summary,
  SummaryQuery,
  WorkflowStats,
  WorkflowStatsQuery,
} from './contract.ts'
import type { ErrorGroupStates } from './error-states.ts'
import type { AnalyticsRepository } from './repository.ts'

const tag = 'Analytics'
const errors = ['invalid'] as ['invalid']

export function analyticsRoutes(analytics: AnalyticsRepository, errorStates: ErrorGroupStates) {
  return new Hono<AuthEnv>()
    .get(
      '/summary',
      describe({
        operationId: 'getAnalyticsSummary',
        tag,
        summary: 'Get a summary of executions',
        description:
          'Counts executions that started from `from` up to but not including `to`. With `from`, the ' +
          'summary includes the preceding period of equal length.',
        responses: { 200: Summary },
        errors,
      }),
      valid('query', SummaryQuery),
      async (c) => c.json(await analytics.summary(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/series',
      describe({
        operationId: 'getAnalyticsSeries',
        tag,
        summary: 'Get executions over time',
        description:
          'Counts executions by hour, day or week in a time zone. The buckets add up to the summary.',
        responses: { 200: Series },
        errors,
      }),
      valid('query', SeriesQuery),
      async (c) => c.json(await analytics.series(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/workflows',
      describe({
        operationId: 'listWorkflowStatistics',
        tag,
        summary: 'List statistics by workflow',
        description: 'Counts, rates and durations of each workflow that ran in the period.',
        responses: { 200: WorkflowStats },
        errors,
      }),
      valid('query', WorkflowStatsQuery),
      async (c) => c.json(await analytics.workflows(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/node-types',
      describe({
        operationId: 'listNodeTypeStatistics',
        tag,
        summary: 'List statistics by node type',
        description: 'Based on the node data of executions, in whole UTC days.',
        responses: { 200: NodeTypeStats },
        errors,
      }),
      valid('query', NodeTypeStatsQuery),
      async (c) => c.json(await analytics.nodeTypes(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/nodes',
      describe({
        operationId: 'listNodeStatistics',
        tag,
        summary: 'List node statistics of a workflow',
        description: 'Based on the node data of executions, in whole UTC days.',
        responses: { 200: NodeStats },
        errors,
      }),
      valid('query', NodeStatsQuery),
      async (c) => c.json(await analytics.nodes(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/credentials',
      describe({
        operationId: 'listCredentialStatistics',
        tag,
        summary: 'List statistics by credential',
        description:
          'Counts the executions of the deployments bound to each credential, and its authentication ' +
          'failures.',
        responses: { 200: CredentialStats },
        errors,
      }),
      valid('query', CredentialStatsQuery),
      async (c) => c.json(await analytics.credentials(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/prompts',
      describe({
        operationId: 'listPromptStatistics',
        tag,
        summary: 'List statistics by prompt',
        description: 'Workflow versions that have a prompt and ran in the period.',
        responses: { 200: PromptStats },
        errors,
      }),
      valid('query', PromptStatsQuery),
      async (c) => c.json(await analytics.prompts(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/models',
      describe({
        operationId: 'listModelStatistics',
        tag,
        summary: 'List statistics by model',
        description: 'Groups the workflow versions that ran in the period by the model that generated them.',
        responses: { 200: ModelStats },
        errors,
      }),
      valid('query', ModelStatsQuery),
      async (c) => c.json(await analytics.models(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/costs',
      describe({
        operationId: 'listCosts',
        tag,
        summary: 'List tokens and costs',
        description:
          'Tokens that AI nodes used in executions, and their cost at the current prices, by workflow, version, model, ' +
          'instance or day. Counts executions of all kinds, with all retries, because providers charge for them.',
        responses: { 200: Costs },
        errors,
      }),
      valid('query', CostQuery),
      async (c) => c.json(await analytics.costs(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/errors',
      describe({
        operationId: 'listErrorGroups',
        tag,
        summary: 'List error groups',
        description:
          'Groups failures by node, error class, HTTP status and message, ignoring the parts of the message ' +
          'that vary between executions.',
        responses: { 200: ErrorGroups },
        errors,
      }),
      valid('query', ErrorGroupsQuery),
      async (c) => c.json(await analytics.errors(c.var.userId, c.req.valid('query')), 200),
    )
    .get(
      '/errors/:fingerprint',
      describe({
        operationId: 'getErrorGroup',
        tag,
        summary: 'Get an error group',
        description:
          'Returns the affected workflows and versions, the newest executions, and the newest failures without an ' +
          'execution.',
        responses: { 200: ErrorGroupDetail },
        errors: ['not-found', ...errors],
      }),
      valid('param', ErrorFingerprint),
      valid('query', ErrorGroupQuery),
      async (c) => {
        const { fingerprint } = c.req.valid('param')
        const group = await analytics.error(c.var.userId, fingerprint, c.req.valid('query'))
        if (!group) throw new AppError('not-found', 'Error group not found')
        return c.json(group, 200)
      },
    )
    .patch(
      '/errors/:fingerprint',
      describe({
        operationId: 'updateErrorGroup',
        tag,
        summary: 'Resolve, ignore or reopen an error group',
        description:
          'The last write wins, so `If-Match` is not needed. A resolved group that fails again is `regressed` ' +
          'and returns to the default list. An ignored group stays out of it until you reopen it.',
        responses: { 200: ErrorGroupState },
        errors: ['not-found', ...errors],
      }),
      valid('param', ErrorFingerprint),
      valid('json', ErrorGroupChange),
      async (c) => {
        const { fingerprint } = c.req.valid('param')
        const state = await errorStates.set(c.var.userId, fingerprint, c.req.valid('json'))
        if (!state) throw new AppError('not-found', 'Error group not found')
        return c.json(state, 200)
      },
    )
}
