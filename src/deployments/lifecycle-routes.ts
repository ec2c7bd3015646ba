/** @module What can be done with a deployment. Every answer tells how far it came; `failed` is an answer, not an error. */
import { Hono } from 'hono'
import * as z from 'zod'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import { instanceErrors } from '../instances/connections.ts'
import { Deployment, DeploymentId, Redeployment, Rollback } from './contract.ts'
import type { Deployer } from './deployer.ts'
import { Plan, PlanRequest } from './plan-contract.ts'

const tag = 'Deployments'
const InUseOverride = z.strictObject({
  force: z.enum(['true', 'false']).optional().meta({ description: 'true: although live workflows call it' }),
})
const errors = ['not-found', 'conflict', 'deployment-exists', 'credential-undecryptable'] as const

function present(deployment: Deployment | null): Deployment {
  if (deployment) return deployment
  throw new AppError('not-found', 'No such deployment')
}

export function lifecycleRoutes(deployer: Deployer) {
  return new Hono<AuthEnv>()
    .post(
      '/plan',
      describe({
        tag,
        summary: 'What deploying would do',
        description: 'Changes nothing, here or in n8n.',
        responses: { 200: Plan },
        errors: ['invalid', ...instanceErrors],
      }),
      valid('json', PlanRequest),
      async (c) => c.json(await deployer.planner.plan(c.var.userId, c.req.valid('json')), 200),
    )
    .post(
      '/:id/deploy',
      describe({
        tag,
        summary: 'Bring a version live',
        description:
          'By default the current one. Overwrites what was changed in n8n; does nothing when nothing differs.',
        responses: { 200: Deployment },
        errors: [...errors, 'invalid', 'invalid-workflow'],
      }),
      valid('param', DeploymentId),
      valid('json', Redeployment),
      async (c) => {
        const change = c.req.valid('json')
        return c.json(present(await deployer.deploy(c.var.userId, c.req.valid('param').id, change)), 200)
      },
    )
    .post(
      '/:id/rollback',
      describe({
        tag,
        summary: 'Bring a version live that was deployed before',
        responses: { 200: Deployment },
        errors: [...errors, 'invalid', 'invalid-workflow'],
      }),
      valid('param', DeploymentId),
      valid('json', Rollback),
      async (c) => {
        const { version } = c.req.valid('json')
        return c.json(present(await deployer.rollback(c.var.userId, c.req.valid('param').id, version)), 200)
      },
    )
    .post(
      '/:id/activate',
      describe({
        tag,
        summary: 'Publish it',
        description: 'n8n publishes what was deployed; done when its triggers run.',
        responses: { 200: Deployment },
        errors: [...errors],
      }),
      valid('param', DeploymentId),
      async (c) =>
        c.json(present(await deployer.publish(c.var.userId, c.req.valid('param').id, 'activate')), 200),
    )
    .post(
      '/:id/deactivate',
      describe({
        tag,
        summary: 'Unpublish it',
        description:
          'It stays on the instance. Refused with its `dependents` while live workflows there call it; `force=true` ' +
          'overrides that.',
        responses: { 200: Deployment },
        errors: [...errors, 'in-use', 'invalid'],
      }),
      valid('param', DeploymentId),
      valid('query', InUseOverride),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        const { id } = c.req.valid('param')
        return c.json(present(await deployer.publish(c.var.userId, id, 'deactivate', { force })), 200)
      },
    )
    .post(
      '/:id/undeploy',
      describe({
        tag,
        summary: 'Take it back',
        description:
          'Removes the workflow, and the credentials that no other deployment there uses, as far as they were made from here.',
        responses: { 200: Deployment },
        errors: [...errors, 'in-use', 'invalid'],
      }),
      valid('param', DeploymentId),
      valid('query', InUseOverride),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        const { id } = c.req.valid('param')
        return c.json(present(await deployer.undeploy(c.var.userId, id, { force })), 200)
      },
    )
    .post(
      '/:id/retry',
      describe({
        tag,
        summary: 'Go on with what failed',
        description:
          'Goes on at the step that failed. Answers as it is while it is being worked on, or n8n has asked to wait.',
        responses: { 200: Deployment },
        errors: [...errors],
      }),
      valid('param', DeploymentId),
      async (c) => c.json(present(await deployer.retry(c.var.userId, c.req.valid('param').id)), 200),
    )
}
