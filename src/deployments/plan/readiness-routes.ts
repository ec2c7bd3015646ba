/** @module `GET /v1/workflows/{id}/readiness`: the credential slots of a workflow on the user's instances. */
import { IdParam } from '../../lib/scalars.ts'
import { Hono } from 'hono'
import { notFound } from '../../errors.ts'
import type { AuthEnv } from '../../http/auth.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { instanceErrors } from '../../instances/connections.ts'
import { Readiness, ReadinessQuery } from '../../workflows/readiness-contract.ts'
import type { WorkflowReadiness } from './readiness.ts'

export function readinessRoutes(readiness: Pick<WorkflowReadiness, 'find'>) {
  return new Hono<AuthEnv>().get(
    '/:id/readiness',
    describe({
      operationId: 'getWorkflowReadiness',
      tag: 'Workflows',
      summary: 'Get the readiness of a workflow',
      description:
        'Lists the credential slots of the workflow and what fills them, as a plan for the same instance does. Without ' +
        '`instanceId` it compares your instances.',
      responses: { 200: Readiness },
      errors: ['not-found', 'invalid', 'deployment-exists', ...instanceErrors],
    }),
    valid('param', IdParam),
    valid('query', ReadinessQuery),
    async (c) => {
      const { instanceId } = c.req.valid('query')
      const found = await readiness.find(c.var.userId, c.req.valid('param').id, instanceId)
      if (!found) throw notFound('Workflow')
      return c.json(found, 200)
    },
  )
}
