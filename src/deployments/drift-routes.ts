import { Hono } from 'hono'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import { instanceErrors } from '../instances/connections.ts'
import { Deployment, DeploymentId } from './contract.ts'
import type { DeploymentDrift } from './drift.ts'
import {
  Adoption,
  Drift,
  ImportedWorkflow,
  InstanceId,
  RemoteWorkflowId,
  RemoteWorkflowList,
  RemoteWorkflowQuery,
} from './drift-contract.ts'
import type { RemoteWorkflows } from './import-remote.ts'

/** @throws {AppError} `not-found`, the same for a row that is missing and for another user's */
function found<T>(value: T | null, what: string): T {
  if (value === null) throw new AppError('not-found', `No such ${what}`)
  return value
}

export function driftRoutes(drift: DeploymentDrift) {
  const tag = 'Deployments'
  return new Hono<AuthEnv>()
    .get(
      '/:id/drift',
      describe({
        tag,
        summary: 'Compare what n8n has with what was deployed',
        responses: { 200: Drift },
        errors: ['not-found', 'conflict', 'key-unavailable', ...instanceErrors],
      }),
      valid('param', DeploymentId),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(found(await drift.find(c.var.userId, id), 'deployment'), 200)
      },
    )
    .post(
      '/:id/adopt',
      describe({
        tag,
        summary: 'Take over what n8n has as a version of the workflow',
        description:
          'What deploying put in (ids of credentials, forced settings, the error reporter) is taken out again. Without ' +
          'a difference there is no new version. Nothing changes in n8n.',
        responses: { 200: Adoption },
        errors: [
          'not-found',
          'conflict',
          'invalid-workflow',
          'too-large',
          'key-unavailable',
          ...instanceErrors,
        ],
      }),
      valid('param', DeploymentId),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(found(await drift.adopt(c.var.userId, id), 'deployment'), 200)
      },
    )
    .post(
      '/:id/overwrite',
      describe({
        tag,
        summary: 'Deploy the recorded version again, over what n8n has',
        description: 'Published or not, as it was deployed. What was deleted in n8n is made again.',
        responses: { 200: Deployment },
        errors: [
          'not-found',
          'conflict',
          'invalid',
          'invalid-workflow',
          'key-unavailable',
          ...instanceErrors,
        ],
      }),
      valid('param', DeploymentId),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(found(await drift.overwrite(c.var.userId, id), 'deployment'), 200)
      },
    )
}

/** @param onMatched called when a deployment can match results that came before it; it reports its own failures */
export function remoteWorkflowRoutes(
  remoteWorkflows: RemoteWorkflows,
  onMatched: (userId: string, deployment: Deployment) => Promise<void>,
) {
  const tag = 'Instances'
  return new Hono<AuthEnv>()
    .get(
      '/:id/workflows',
      describe({
        tag,
        summary: 'List the workflows that an n8n server has',
        description: 'In no order that means anything; the cursor is n8n’s own.',
        responses: { 200: RemoteWorkflowList },
        errors: ['not-found', 'invalid', 'key-unavailable', ...instanceErrors],
      }),
      valid('param', InstanceId),
      valid('query', RemoteWorkflowQuery),
      async (c) => {
        const { id } = c.req.valid('param')
        const page = await remoteWorkflows.list(c.var.userId, id, c.req.valid('query'))
        return c.json(found(page, 'instance'), 200)
      },
    )
    .post(
      '/:id/workflows/:n8nWorkflowId/import',
      describe({
        tag,
        summary: 'Keep a workflow that an n8n server has, and track it there',
        description:
          'Credentials that Flowkeep put there are bound, others by their id in n8n. One that is tracked already is a ' +
          '409 with its `deploymentId` and `workflowId`. Nothing changes in n8n.',
        responses: { 201: ImportedWorkflow },
        errors: [
          'not-found',
          'deployment-exists',
          'conflict',
          'quota-exceeded',
          'invalid-workflow',
          'too-large',
          'key-unavailable',
          ...instanceErrors,
        ],
      }),
      valid('param', RemoteWorkflowId),
      async (c) => {
        const { id, n8nWorkflowId } = c.req.valid('param')
        const imported = found(await remoteWorkflows.import(c.var.userId, id, n8nWorkflowId), 'instance')
        await onMatched(c.var.userId, imported.deployment)
        return c.json(imported, 201, { Location: `/v1/workflows/${imported.workflowId}` })
      },
    )
}
