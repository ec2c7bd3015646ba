import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import {
  Deployment,
  DeploymentChange,
  DeploymentId,
  DeploymentList,
  DeploymentQuery,
  DeploymentVersionList,
  DeploymentVersionQuery,
  NewDeployment,
} from './contract.ts'
import type { DeploymentRepository } from './repository.ts'

const tag = 'Deployments'
const absent = () => new AppError('not-found', 'No such deployment')

/** @param onMatched called when a deployment can match results that came before it; it reports its own failures */
export function deploymentRoutes(
  deployments: DeploymentRepository,
  fingerprint: Fingerprint,
  onMatched: (userId: string, deployment: Deployment) => Promise<void>,
) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        tag,
        summary: 'Track a workflow on an instance',
        description: 'Takes Idempotency-Key. Results that came before are recorded now.',
        responses: { 201: Deployment },
        errors: ['invalid', 'deployment-exists', 'quota-exceeded', 'idempotency-key-reused', 'conflict'],
      }),
      valid('json', NewDeployment),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/deployments', fingerprint)
        const deployment = await deployments.create(c.var.userId, c.req.valid('json'), key)
        await onMatched(c.var.userId, deployment)
        return c.json(deployment, 201, { Location: `/v1/deployments/${deployment.id}` })
      },
    )
    .get(
      '/',
      describe({ tag, summary: 'List deployments', responses: { 200: DeploymentList }, errors: ['invalid'] }),
      valid('query', DeploymentQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await deployments.list(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/:id',
      describe({ tag, summary: 'Get a deployment', responses: { 200: Deployment }, errors: ['not-found'] }),
      valid('param', DeploymentId),
      async (c) => {
        const deployment = await deployments.find(c.var.userId, c.req.valid('param').id)
        if (!deployment) throw absent()
        return c.json(deployment, 200)
      },
    )
    .patch(
      '/:id',
      describe({
        tag,
        summary: 'Record that another version is live',
        responses: { 200: Deployment },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', DeploymentId),
      valid('json', DeploymentChange),
      async (c) => {
        const { version } = c.req.valid('json')
        const deployment = await deployments.setVersion(c.var.userId, c.req.valid('param').id, version)
        if (!deployment) throw absent()
        return c.json(deployment, 200)
      },
    )
    .delete(
      '/:id',
      describe({
        tag,
        summary: 'Stop tracking',
        description: 'The workflow on the instance and the recorded executions stay.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', DeploymentId),
      async (c) => {
        if (!(await deployments.delete(c.var.userId, c.req.valid('param').id))) throw absent()
        return c.body(null, 204)
      },
    )
    .get(
      '/:id/versions',
      describe({
        tag,
        summary: 'List which version was live when',
        responses: { 200: DeploymentVersionList },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', DeploymentId),
      valid('query', DeploymentVersionQuery),
      async (c) => {
        const history = await deployments.versions(
          c.var.userId,
          c.req.valid('param').id,
          c.req.valid('query'),
        )
        if (!history) throw absent()
        return c.json(history, 200)
      },
    )
}
