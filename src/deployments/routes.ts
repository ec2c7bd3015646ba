import { IdParam } from '../lib/scalars.ts'
import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { invalid, notFound } from '../errors.ts'
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
  DeploymentList,
  DeploymentQuery,
  DeploymentVersionList,
  DeploymentVersionQuery,
  NewDeployment,
} from './contract.ts'
import type { Deployer } from './deploy/deployer.ts'
import type { DeploymentRepository } from './repository.ts'

const tag = 'Deployments'
/** @param onMatched called when a new deployment may match earlier reports; it handles its own errors */
export function deploymentRoutes(
  deployments: DeploymentRepository,
  fingerprint: Fingerprint,
  onMatched: (userId: string, deployment: Deployment) => Promise<void>,
  deployer: Pick<Deployer, 'create' | 'track' | 'remove' | 'requireDeployTo'>,
) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        operationId: 'createDeployment',
        tag,
        summary: 'Create a deployment',
        description:
          'Deploys a workflow to an instance. The response shows the progress: `status` is `active`, ' +
          '`inactive` or `failed` (with `step` and `error`), or `deploying` while it continues in the ' +
          'background. A workflow that is tracked on the instance is deployed in place: the response is 200 ' +
          'with the deployment that tracks it, and no second copy is created in n8n. With `n8nWorkflowId`, the ' +
          'existing workflow in n8n is tracked and nothing is sent to n8n. A workflow that n8n would refuse to publish ' +
          'fails with `deployment-blocked` before anything is sent, unless `force` gives a reason. An OAuth2 credential that ' +
          'needs a sign-in is created in n8n, and the request fails with `invalid` and the ' +
          '`consents`: sign in there, then repeat the request.',
        responses: { 200: Deployment, 201: Deployment },
        headers: ['Location'],
        errors: [
          'invalid',
          'invalid-workflow',
          'deployment-blocked',
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
        // A replay succeeds even if the workflow or instance in the body has since been deleted.
        const earlier = key && (await deployments.findCreated(c.var.userId, key))
        const { n8nWorkflowId, ...body } = c.req.valid('json')
        if (body.liveSince !== undefined && n8nWorkflowId === undefined) {
          throw invalid(
            '/liveSince',
            'Requires n8nWorkflowId: it applies only to a workflow that is already in n8n',
          )
        }
        const respond = (deployment: Deployment) => {
          const isInPlace = n8nWorkflowId === undefined && !deployment.managed
          return c.json(deployment, isInPlace ? 200 : 201, { Location: `/v1/deployments/${deployment.id}` })
        }
        if (earlier) return respond(earlier)
        if (n8nWorkflowId === undefined) return respond(await deployer.create(c.var.userId, body, key))
        const deployment = await deployer.track(c.var.userId, { ...body, n8nWorkflowId }, key)
        await onMatched(c.var.userId, deployment)
        return respond(deployment)
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listDeployments',
        tag,
        summary: 'List deployments',
        description: 'Newest first. A deployment must match all filters.',
        responses: { 200: DeploymentList },
        errors: ['invalid'],
      }),
      valid('query', DeploymentQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await deployments.list(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getDeployment',
        tag,
        summary: 'Get a deployment',
        description: 'Returns the current state and any operation in progress.',
        responses: { 200: Deployment },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const deployment = await deployments.find(c.var.userId, c.req.valid('param').id)
        if (!deployment) throw notFound('Deployment')
        return c.json(deployment, 200)
      },
    )
    .patch(
      '/:id',
      describe({
        operationId: 'updateDeployment',
        tag,
        summary: 'Record the live version of a deployment',
        description: 'Changes nothing in n8n. Use it when another version was published outside Flowkeep.',
        responses: { 200: Deployment },
        errors: ['not-found', 'invalid', 'conflict'],
      }),
      valid('param', IdParam),
      valid('json', DeploymentChange),
      async (c) => {
        const { version, liveSince } = c.req.valid('json')
        const { id } = c.req.valid('param')
        await deployer.requireDeployTo(c.var.userId, id)
        const deployment = await deployments.setVersion(c.var.userId, id, version, liveSince)
        if (!deployment) throw notFound('Deployment')
        return c.json(deployment, 200)
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'deleteDeployment',
        tag,
        summary: 'Delete a deployment',
        description:
          'Stops tracking a workflow, or removes an undeployed one. A tracked workflow stays in n8n, ' +
          'with its earlier settings restored. Executions are not deleted. With `force=true` the ' +
          'deployment is deleted even when n8n is unreachable; the settings in n8n then stay unchanged.',
        responses: { 204: null },
        errors: ['not-found', 'in-use', 'invalid', ...instanceErrors],
      }),
      valid('param', IdParam),
      valid('query', DeploymentDeletion),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        if (!(await deployer.remove(c.var.userId, c.req.valid('param').id, { force })))
          throw notFound('Deployment')
        return c.body(null, 204)
      },
    )
    .get(
      '/:id/versions',
      describe({
        operationId: 'listDeploymentVersions',
        tag,
        summary: 'List the versions of a deployment',
        description: 'Lists which version was live when, newest first.',
        responses: { 200: DeploymentVersionList },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', DeploymentVersionQuery),
      async (c) => {
        const history = await deployments.versions(
          c.var.userId,
          c.req.valid('param').id,
          c.req.valid('query'),
        )
        if (!history) throw notFound('Deployment')
        return c.json(history, 200)
      },
    )
}
