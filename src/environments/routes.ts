import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { etagWith, preconditionOf } from '../http/etag.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import {
  Environment,
  EnvironmentChange,
  EnvironmentList,
  EnvironmentQuery,
  NewEnvironment,
} from './contract.ts'
import type { EnvironmentRepository } from './repository.ts'

const tag = 'Environments'

/** Instances join and leave it without a new version. */
const tagOf = ({ version, instanceCount }: Environment): Promise<string> =>
  etagWith(version, { instanceCount }, { instanceCount: 0 })

export function environmentRoutes(environments: EnvironmentRepository, fingerprint: Fingerprint) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        operationId: 'createEnvironment',
        tag,
        summary: 'Create an environment',
        description:
          'A named group of instances, such as staging, with variables and credentials of its own. To add an instance, ' +
          'set its `environment` to the name.',
        responses: { 201: Environment },
        headers: ['ETag', 'Location'],
        errors: ['invalid', 'name-taken', 'quota-exceeded', 'idempotency-key-reused', 'conflict'],
      }),
      valid('json', NewEnvironment),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/environments', fingerprint)
        const environment = await environments.create(c.var.userId, c.req.valid('json'), key)
        return c.json(environment, 201, {
          Location: `/v1/environments/${environment.id}`,
          ETag: await tagOf(environment),
        })
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listEnvironments',
        tag,
        summary: 'List environments',
        description: 'Newest first.',
        responses: { 200: EnvironmentList },
        errors: ['invalid'],
      }),
      valid('query', EnvironmentQuery),
      async (c) => c.json(await environments.list(c.var.userId, toPage(c.req.valid('query'))), 200),
    )
    .get(
      '/:id',
      describe({
        operationId: 'getEnvironment',
        tag,
        summary: 'Get an environment',
        description:
          'Returns its variables and credentials. List its instances with `GET /v1/instances?environment=`.',
        responses: { 200: Environment },
        headers: ['ETag'],
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const found = await environments.find(c.var.userId, c.req.valid('param').id)
        const environment = requireFound(found, 'Environment')
        return c.json(environment, 200, { ETag: await tagOf(environment) })
      },
    )
    .patch(
      '/:id',
      describe({
        operationId: 'updateEnvironment',
        tag,
        summary: 'Update an environment',
        description:
          'Changed variables and credentials take effect when a workflow is deployed. Until then, `needsRedeploy` of its ' +
          'deployments is true. A new name also applies to its instances.',
        responses: { 200: Environment },
        headers: ['ETag'],
        errors: [
          'not-found',
          'invalid',
          'name-taken',
          'conflict',
          'version-conflict',
          'precondition-required',
        ],
      }),
      valid('param', IdParam),
      valid('json', EnvironmentChange),
      async (c) => {
        const { id } = c.req.valid('param')
        const expected = await preconditionOf(c.req.header('If-Match'), () =>
          environments.find(c.var.userId, id),
        )
        const found = await environments.update(c.var.userId, id, c.req.valid('json'), expected)
        const environment = requireFound(found, 'Environment')
        return c.json(environment, 200, { ETag: await tagOf(environment) })
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'deleteEnvironment',
        tag,
        summary: 'Delete an environment',
        description: 'Fails with `in-use` while it has instances.',
        responses: { 204: null },
        errors: ['not-found', 'in-use'],
      }),
      valid('param', IdParam),
      async (c) => {
        const deleted = await environments.delete(c.var.userId, c.req.valid('param').id)
        requireFound(deleted || null, 'Environment')
        return c.body(null, 204)
      },
    )
}
