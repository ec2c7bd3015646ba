/** @module Operations on a deployment. Each responds with the status it reached; `failed` is a status, not an error. */
import { IdParam } from '../../lib/scalars.ts'
import { Hono } from 'hono'
import * as z from 'zod'
import { requireFound } from '../../errors.ts'
import type { AuthEnv } from '../../http/auth.ts'
import { describe, asBoolean } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { instanceErrors } from '../../instances/connections.ts'
import { ActivationQuery, Deployment, Redeployment, Rollback } from '../contract.ts'
import type { Deployer } from './deployer.ts'
import { Plan, PlanRequest } from '../plan/contract.ts'

const tag = 'Deployments'
const InUseOverride = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta({ ...asBoolean, description: 'Proceed even if live workflows call it' }),
})
const errors = ['not-found', 'conflict', 'deployment-exists', 'credential-undecryptable'] as const

export function lifecycleRoutes(deployer: Deployer) {
  return new Hono<AuthEnv>()
    .post(
      '/plan',
      describe({
        operationId: 'planDeployment',
        tag,
        summary: 'Plan a deployment',
        description:
          'Returns what deploying would do and what blocks it. Changes nothing in Flowkeep or n8n.',
        responses: { 200: Plan },
        errors: ['invalid', ...instanceErrors],
      }),
      valid('json', PlanRequest),
      async (c) => c.json(await deployer.plan(c.var.userId, c.req.valid('json')), 200),
    )
    .post(
      '/:id/deploy',
      describe({
        operationId: 'deployWorkflowVersion',
        tag,
        summary: 'Deploy a version',
        description:
          'Deploys the current version of the workflow, or the given one. Overwrites changes made in n8n. ' +
          'Does nothing when n8n is up to date.',
        responses: { 200: Deployment },
        errors: [...errors, 'invalid', 'invalid-workflow', 'deployment-blocked'],
      }),
      valid('param', IdParam),
      valid('json', Redeployment),
      async (c) => {
        const change = c.req.valid('json')
        return c.json(
          requireFound(await deployer.deploy(c.var.userId, c.req.valid('param').id, change), 'Deployment'),
          200,
        )
      },
    )
    .post(
      '/:id/rollback',
      describe({
        operationId: 'rollBackDeployment',
        tag,
        summary: 'Roll back a deployment',
        description:
          'Deploys a version that this deployment has deployed before, with the credentials it had then.',
        responses: { 200: Deployment },
        errors: [...errors, 'invalid', 'invalid-workflow', 'deployment-blocked'],
      }),
      valid('param', IdParam),
      valid('json', Rollback),
      async (c) => {
        const { version, force, planHash } = c.req.valid('json')
        const { id } = c.req.valid('param')
        return c.json(
          requireFound(await deployer.rollback(c.var.userId, id, version, { force, planHash }), 'Deployment'),
          200,
        )
      },
    )
    .post(
      '/:id/activate',
      describe({
        operationId: 'activateDeployment',
        tag,
        summary: 'Activate a deployment',
        description: 'Publishes the deployed version in n8n and waits until its triggers are active.',
        responses: { 200: Deployment },
        errors: [...errors, 'invalid', 'deployment-blocked'],
      }),
      valid('param', IdParam),
      valid('query', ActivationQuery),
      async (c) =>
        c.json(
          requireFound(
            await deployer.publish(c.var.userId, c.req.valid('param').id, 'activate', {
              reason: c.req.valid('query').force,
            }),
            'Deployment',
          ),
          200,
        ),
    )
    .post(
      '/:id/deactivate',
      describe({
        operationId: 'deactivateDeployment',
        tag,
        summary: 'Deactivate a deployment',
        description:
          'Unpublishes the workflow; it stays on the instance. Fails with `in-use` and the `dependents` ' +
          'while live workflows there call it, unless `force=true`.',
        responses: { 200: Deployment },
        errors: [...errors, 'in-use', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', InUseOverride),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        const { id } = c.req.valid('param')
        return c.json(
          requireFound(await deployer.publish(c.var.userId, id, 'deactivate', { force }), 'Deployment'),
          200,
        )
      },
    )
    .post(
      '/:id/undeploy',
      describe({
        operationId: 'undeployWorkflow',
        tag,
        summary: 'Undeploy a workflow',
        description:
          'Removes the workflow from n8n, and the credentials that no other deployment there uses. Only ' +
          'what Flowkeep created is removed.',
        responses: { 200: Deployment },
        errors: [...errors, 'in-use', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', InUseOverride),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        const { id } = c.req.valid('param')
        return c.json(requireFound(await deployer.undeploy(c.var.userId, id, { force }), 'Deployment'), 200)
      },
    )
    .post(
      '/:id/retry',
      describe({
        operationId: 'retryDeployment',
        tag,
        summary: 'Retry a failed deployment',
        description:
          'Resumes from the step that failed. Returns the deployment unchanged while it is in progress, or ' +
          'while n8n asks Flowkeep to wait.',
        responses: { 200: Deployment },
        errors: [...errors],
      }),
      valid('param', IdParam),
      async (c) =>
        c.json(requireFound(await deployer.retry(c.var.userId, c.req.valid('param').id), 'Deployment'), 200),
    )
}
