/** @module The routes that check and fix workflows. */
import { Hono } from 'hono'
import { requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { preconditionOf } from '../http/etag.ts'
import { describe } from '../http/openapi.ts'
import { bodyLimits, valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import { quoteOverflow } from '../lib/json-text.ts'
import { parseWorkflow } from '../n8n/reading/workflow-json.ts'
import { readWorkflowMember } from '../n8n/reading/workflow-text.ts'
import { CheckQuery, CheckRequest, CheckResult, FixRequest } from './check-contract.ts'
import type { WorkflowChecks } from './checks.ts'
import { Workflow } from './contract.ts'
import type { WorkflowRepository } from './repository.ts'
import { tagOf } from './workflow-etag.ts'

const tag = 'Workflows'

/**
 * Checks the workflow of a request body.
 * @param userId null without an account
 * @param bodyText with the numbers that JavaScript cannot represent
 */
export function checkOf(
  checks: WorkflowChecks,
  userId: string | null,
  { workflow: given, fix, ...target }: CheckRequest,
  bodyText: string,
): Promise<CheckResult> {
  const read = readWorkflowMember(given, bodyText)
  const { workflow } = parseWorkflow(read.workflow, { pointerPrefix: '/workflow' })
  return checks.check(userId, workflow, target, fix)
}

export function workflowCheckRoutes(workflows: WorkflowRepository, checks: WorkflowChecks) {
  return new Hono<AuthEnv>()
    .post(
      '/check',
      describe({
        operationId: 'checkWorkflow',
        tag,
        summary: 'Check a workflow without saving it',
        description:
          'Finds mistakes that make n8n refuse the workflow, and mistakes that n8n accepts although the ' +
          'workflow cannot work as intended. Each finding has a stable code, a JSON pointer and, if there is ' +
          'only one right answer, a fix as a JSON Patch. Nothing is stored. If the server sets ' +
          '`ANONYMOUS_CHECKS_PER_MINUTE`, this route also works without a token, for bodies of up to 256 KB ' +
          'without `instanceId`. Above that number of requests per minute and address, it returns `too-many-requests`.',
        responses: { 200: CheckResult },
        errors: [
          'malformed-json',
          'not-found',
          'too-large',
          'unsupported-media-type',
          'invalid',
          'invalid-workflow',
          'too-many-requests',
        ],
      }),
      valid('json', CheckRequest, bodyLimits.workflow, quoteOverflow),
      async (c) => c.json(await checkOf(checks, c.var.userId, c.req.valid('json'), c.var.bodyText)),
    )
    .get(
      '/:id/check',
      describe({
        operationId: 'checkSavedWorkflow',
        tag,
        summary: 'Check the current version of a workflow',
        description: 'Returns the same findings as checking its JSON.',
        responses: { 200: CheckResult },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', CheckQuery),
      async (c) => {
        const { userId } = c.var
        const { workflow } = requireFound(await workflows.find(userId, c.req.valid('param').id), 'Workflow')
        return c.json(await checks.check(userId, workflow, c.req.valid('query')))
      },
    )
    .post(
      '/:id/fix',
      describe({
        operationId: 'fixWorkflow',
        tag,
        summary: 'Apply fixes to a workflow',
        description: 'Creates a new version with all fixes, or with the fixes of the given findings.',
        responses: { 200: Workflow },
        headers: ['ETag'],
        errors: [
          'quota-exceeded',
          'malformed-json',
          'not-found',
          'version-conflict',
          'unsupported-media-type',
          'invalid',
          'invalid-workflow',
          'precondition-required',
        ],
      }),
      valid('param', IdParam),
      valid('json', FixRequest),
      async (c) => {
        const { userId } = c.var
        const { id } = c.req.valid('param')
        const current = requireFound(await workflows.find(userId, id), 'Workflow')
        const expected = await preconditionOf(c.req.header('If-Match'), async () => current)
        const workflow = await checks.fix(userId, current.workflow, c.req.valid('json'))
        const isUnchanged = workflow === current.workflow && (expected ?? current.version) === current.version
        const fixed = isUnchanged
          ? current
          : requireFound(
              await workflows.update(userId, id, expected ?? current.version, { workflow }),
              'Workflow',
            )
        return c.json(fixed, 200, { ETag: await tagOf(fixed) })
      },
    )
}
