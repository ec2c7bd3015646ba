import { IdParam } from '../../lib/scalars.ts'
import { Hono } from 'hono'
import { requireFound } from '../../errors.ts'
import type { AuthEnv } from '../../http/auth.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { instanceErrors } from '../../instances/connections.ts'
import { Deployment } from '../contract.ts'
import type { DeploymentDrift } from './drift.ts'
import {
  Adoption,
  Drift,
  ImportedWorkflow,
  RemoteWorkflowId,
  RemoteWorkflowList,
  RemoteWorkflowQuery,
} from './contract.ts'
import type { RemoteWorkflows } from './import-remote.ts'

export function driftRoutes(drift: DeploymentDrift) {
  const tag = 'Deployments'
  return new Hono<AuthEnv>()
    .get(
      '/:id/drift',
      describe({
        operationId: 'getDeploymentDrift',
        tag,
        summary: 'Get the drift of a deployment',
        description: 'Compares the workflow in n8n with the deployed version.',
        responses: { 200: Drift },
        errors: ['not-found', 'conflict', 'key-unavailable', ...instanceErrors],
      }),
      valid('param', IdParam),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(requireFound(await drift.find(c.var.userId, id), 'Deployment'), 200)
      },
    )
    .post(
      '/:id/adopt',
      describe({
        operationId: 'adoptDeploymentDrift',
        tag,
        summary: 'Adopt the workflow in n8n',
        description:
          'Saves the workflow in n8n as a version, without the credential IDs, forced settings and error ' +
          'reporter that deploying added. If nothing differs, no version is created. Changes nothing in ' +
          'n8n.',
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
      valid('param', IdParam),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(requireFound(await drift.adopt(c.var.userId, id), 'Deployment'), 200)
      },
    )
    .post(
      '/:id/overwrite',
      describe({
        operationId: 'overwriteDeploymentDrift',
        tag,
        summary: 'Overwrite the workflow in n8n',
        description:
          'Deploys the recorded version again. Whether it is published does not change. A workflow that was deleted in ' +
          'n8n is created again.',
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
      valid('param', IdParam),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(requireFound(await drift.overwrite(c.var.userId, id), 'Deployment'), 200)
      },
    )
}

/** @param onMatched called when a new deployment may match earlier reports; it handles its own errors */
export function remoteWorkflowRoutes(
  remoteWorkflows: RemoteWorkflows,
  onMatched: (userId: string, deployment: Deployment) => Promise<void>,
) {
  const tag = 'Instances'
  return new Hono<AuthEnv>()
    .get(
      '/:id/workflows',
      describe({
        operationId: 'listInstanceWorkflows',
        tag,
        summary: 'List the workflows on an instance',
        description: 'In no particular order. The cursor comes from n8n.',
        responses: { 200: RemoteWorkflowList },
        errors: ['not-found', 'invalid', 'key-unavailable', ...instanceErrors],
      }),
      valid('param', IdParam),
      valid('query', RemoteWorkflowQuery),
      async (c) => {
        const { id } = c.req.valid('param')
        const page = await remoteWorkflows.list(c.var.userId, id, c.req.valid('query'))
        return c.json(requireFound(page, 'Instance'), 200)
      },
    )
    .post(
      '/:id/workflows/:n8nWorkflowId/import',
      describe({
        operationId: 'importInstanceWorkflow',
        tag,
        summary: 'Import a workflow from an instance',
        description:
          'Saves a workflow that exists in n8n and tracks it there. Credentials that Flowkeep created are ' +
          'bound by their Flowkeep ID, all others by their n8n ID. Fails with `deployment-exists` when the ' +
          'workflow is already tracked. Changes nothing in n8n.',
        responses: { 201: ImportedWorkflow },
        headers: ['Location'],
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
        const imported = requireFound(
          await remoteWorkflows.import(c.var.userId, id, n8nWorkflowId),
          'Instance',
        )
        await onMatched(c.var.userId, imported.deployment)
        return c.json(imported, 201, { Location: `/v1/workflows/${imported.workflowId}` })
      },
    )
}
