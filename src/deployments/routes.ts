import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { instanceErrors } from '../instances/connections.ts'
import {
  Deployment,
  DeploymentChange,
  DeploymentDeletion,
  DeploymentId,
  DeploymentList,
  DeploymentQuery,
  DeploymentVersionList,
  DeploymentVersionQuery,
  NewDeployment,
} from './contract.ts'
import type { Deployer } from './deployer.ts'
import type { DeploymentRepository } from './repository.ts'

const tag = 'Deployments'
const absent = () => new AppError('not-found', 'No such deployment')

/** @param onMatched called when a deployment can match results that came before it; it reports its own failures */
export function deploymentRoutes(
  deployments: DeploymentRepository,
  fingerprint: Fingerprint,
  onMatched: (userId: string, deployment: Deployment) => Promise<void>,
  deployer: Pick<Deployer, 'create' | 'track' | 'remove'>,
) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        tag,
        summary: 'Deploy a workflow to an instance, or track one that is there',
        description:
          'Takes Idempotency-Key. The answer tells how far it came: status active, inactive or failed with step and ' +
          'error, or deploying while it goes on by itself. A workflow that is tracked on the instance is deployed in place: ' +
          '200 with the deployment that tracks it, and n8n has no second copy. With n8nWorkflowId nothing is sent to n8n. An ' +
          'OAuth2 credential that nobody has signed in for is put into n8n, and refused with `invalid` and the places to ' +
          'sign in (`consents`: node, type, consentUrl); repeat the request afterwards.',
        responses: { 200: Deployment, 201: Deployment },
        errors: [
          'invalid',
          'invalid-workflow',
          'deployment-exists',
          'quota-exceeded',
          'idempotency-key-reused',
          'conflict',
          ...instanceErrors,
        ],
      }),
      valid('json', NewDeployment),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/deployments', fingerprint)
        // First of all: what the body names may be gone by now, and the deployment is there all the same.
        const earlier = key && (await deployments.findCreated(c.var.userId, key))
        const { n8nWorkflowId, ...body } = c.req.valid('json')
        const answer = (deployment: Deployment) => {
          const isInPlace = n8nWorkflowId === undefined && !deployment.managed
          return c.json(deployment, isInPlace ? 200 : 201, { Location: `/v1/deployments/${deployment.id}` })
        }
        if (earlier) return answer(earlier)
        if (n8nWorkflowId === undefined) return answer(await deployer.create(c.var.userId, body, key))
        const deployment = await deployer.track(c.var.userId, { ...body, n8nWorkflowId }, key)
        await onMatched(c.var.userId, deployment)
        return answer(deployment)
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
        errors: ['not-found', 'invalid', 'conflict'],
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
        summary: 'Stop tracking, or forget what was undeployed',
        description:
          'A tracked workflow stays on the instance, with the settings that it had before it was deployed from here. ' +
          'The recorded executions stay. `force=true` when n8n cannot be reached: its settings then stay as they are.',
        responses: { 204: null },
        errors: ['not-found', 'in-use', 'invalid', ...instanceErrors],
      }),
      valid('param', DeploymentId),
      valid('query', DeploymentDeletion),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        if (!(await deployer.remove(c.var.userId, c.req.valid('param').id, { force }))) throw absent()
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
