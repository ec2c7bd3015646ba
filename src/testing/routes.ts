import { Hono } from 'hono'
import { requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import { inputLimitBytes, TestRequest, TestRun, TestRunList, TestRunQuery } from './contract.ts'
import type { TestRepository } from './repository.ts'
import type { TestRuns } from './test-runs.ts'

const tag = 'Tests'

export function workflowTestRoutes(tests: Pick<TestRuns, 'start'>) {
  return new Hono<AuthEnv>().post(
    '/:id/test',
    describe({
      operationId: 'testWorkflow',
      tag,
      summary: 'Test a workflow',
      description:
        'Runs a version once on an instance and returns what each node did. A scratch copy is created in n8n, called with ' +
        'the input and removed with its execution and credentials. Nodes that may change data do not run, unless `writes` ' +
        'is `run`. `replay` replays recorded executions. Responds with 202 if that takes longer than ' +
        '25 seconds: poll `GET /v1/test-runs/{id}`.',
      responses: { 200: TestRun, 202: TestRun },
      headers: ['Location'],
      errors: [
        'not-found',
        'invalid',
        'invalid-workflow',
        'credential-undecryptable',
        'key-unavailable',
        'values-undecryptable',
        'too-many-requests',
      ],
    }),
    valid('param', IdParam),
    valid('json', TestRequest, inputLimitBytes * 2),
    async (c) => {
      const test = await tests.start(c.var.userId, c.req.valid('param').id, c.req.valid('json'))
      const isFinished = test.status !== 'running' && test.replay?.status !== 'running'
      return c.json(test, isFinished ? 200 : 202, { Location: `/v1/test-runs/${test.id}` })
    },
  )
}

export function testRunRoutes(tests: Pick<TestRuns, 'find'>, repository: Pick<TestRepository, 'list'>) {
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'listTestRuns',
        tag,
        summary: 'List test runs',
        description: 'Newest first, without nodes. Test runs are stored for 30 days.',
        responses: { 200: TestRunList },
        errors: ['invalid'],
      }),
      valid('query', TestRunQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await repository.list(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getTestRun',
        tag,
        summary: 'Get a test run',
        description:
          'Returns the result of a test. Continues a test that is not finished, or whose scratch copy is not removed, if no ' +
          'other request works on it. For a test of a replay, does this for all tests of the replay.',
        responses: { 200: TestRun },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) =>
        c.json(requireFound(await tests.find(c.var.userId, c.req.valid('param').id), 'Test run'), 200),
    )
}
