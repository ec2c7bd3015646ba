/** @module The route that edits a workflow by operations. */
import { Hono } from 'hono'
import type { AuthEnv } from '../../http/auth.ts'
import { preconditionOf } from '../../http/etag.ts'
import { describe } from '../../http/openapi.ts'
import { bodyLimits, valid } from '../../http/validate.ts'
import { quoteOverflow } from '../../lib/json-text.ts'
import { IdParam } from '../../lib/scalars.ts'
import type { WorkflowRepository } from '../repository.ts'
import { tagOf } from '../workflow-etag.ts'
import { EditRequest, EditResult } from './contract.ts'
import type { WorkflowEdits } from './edits.ts'

export function workflowEditRoutes(workflows: WorkflowRepository, edits: WorkflowEdits) {
  return new Hono<AuthEnv>().post(
    '/:id/edits',
    describe({
      operationId: 'editWorkflow',
      tag: 'Workflows',
      summary: 'Edit a workflow by operations',
      description:
        'Applies 1 to 200 operations to the version in `If-Match` and creates the next version, with the operations ' +
        'in its history. If one operation fails, nothing is stored, and the problem names it. If the workflow has a ' +
        'newer version, the problem says whether the edits apply to it; with `rebase` they are applied. Edits do not ' +
        'apply if the versions since then changed a node, a connection of a node, or settings that the edits name or ' +
        'change.',
      responses: { 200: EditResult },
      headers: ['ETag'],
      errors: [
        'quota-exceeded',
        'malformed-json',
        'not-found',
        'version-conflict',
        'too-large',
        'unsupported-media-type',
        'invalid',
        'invalid-edit',
        'invalid-workflow',
        'precondition-required',
      ],
    }),
    valid('param', IdParam),
    valid('json', EditRequest, bodyLimits.workflow, quoteOverflow),
    async (c) => {
      const { id } = c.req.valid('param')
      const { userId } = c.var
      const expected = await preconditionOf(c.req.header('If-Match'), () => workflows.find(userId, id))
      const { result, workflow } = await edits.apply(userId, id, expected, c.req.valid('json'))
      return c.json(result, 200, { ETag: await tagOf(workflow) })
    },
  )
}
