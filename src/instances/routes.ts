import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { etag, preconditionOf } from '../http/etag.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { changeInstance, type RemovalAccess, removeInstance, testInstance } from './change.ts'
import { instanceErrors } from './connections.ts'
import {
  CreatedInstance,
  Instance,
  InstanceChange,
  InstanceDeletion,
  InstanceId,
  InstanceList,
  InstanceQuery,
  InstanceTest,
  NewInstance,
  Reporter,
  WebhookTokenAnswer,
} from './contract.ts'
import type { ErrorReporter } from './reporter.ts'
import { renewReporter, setUpReporter } from './set-up-reporter.ts'

const tag = 'Instances'
const absent = () => new AppError('not-found', 'No such instance')

const secretErrors: ErrorCode[] = ['credential-undecryptable', 'key-unavailable']

export interface InstanceRouteDeps extends RemovalAccess {
  reporter: ErrorReporter
  fingerprint: Fingerprint
}

export function instanceRoutes(deps: InstanceRouteDeps) {
  const { instances, fingerprint } = deps
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        tag,
        summary: 'Add an n8n server',
        description:
          'Takes Idempotency-Key. The webhook token is shown this once. A server that you have added already is a 409 ' +
          'with its `instanceId`.',
        responses: { 201: CreatedInstance },
        errors: [
          'invalid',
          'url-not-allowed',
          'name-taken',
          'instance-exists',
          'quota-exceeded',
          'idempotency-key-reused',
          'conflict',
        ],
      }),
      valid('json', NewInstance),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/instances', fingerprint)
        const instance = await instances.create(c.var.userId, c.req.valid('json'), key)
        return c.json(instance, 201, {
          Location: `/v1/instances/${instance.id}`,
          ETag: etag(instance.version),
        })
      },
    )
    .get(
      '/',
      describe({ tag, summary: 'List n8n servers', responses: { 200: InstanceList }, errors: ['invalid'] }),
      valid('query', InstanceQuery),
      async (c) => c.json(await instances.list(c.var.userId, toPage(c.req.valid('query'))), 200),
    )
    .get(
      '/:id',
      describe({ tag, summary: 'Get an n8n server', responses: { 200: Instance }, errors: ['not-found'] }),
      valid('param', InstanceId),
      async (c) => {
        const instance = await instances.find(c.var.userId, c.req.valid('param').id)
        if (!instance) throw absent()
        return c.json(instance, 200, { ETag: etag(instance.version) })
      },
    )
    .patch(
      '/:id',
      describe({
        tag,
        summary: 'Change an n8n server',
        description:
          'Needs If-Match. Another origin in baseUrl takes the API key again. A new API key is tried first: one that n8n does not ' +
          'accept changes nothing.',
        responses: { 200: Instance },
        errors: [
          'not-found',
          'invalid',
          'url-not-allowed',
          'name-taken',
          'instance-exists',
          'conflict',
          'version-conflict',
          'precondition-required',
        ],
      }),
      valid('param', InstanceId),
      valid('json', InstanceChange),
      async (c) => {
        const { id } = c.req.valid('param')
        const expected = await preconditionOf(c.req.header('If-Match'), () =>
          instances.find(c.var.userId, id),
        )
        const instance = await changeInstance(deps, c.var.userId, id, c.req.valid('json'), expected)
        if (!instance) throw absent()
        return c.json(instance, 200, { ETag: etag(instance.version) })
      },
    )
    .delete(
      '/:id',
      describe({
        tag,
        summary: 'Remove an n8n server',
        description:
          'Refused with its `dependents` while workflows are deployed on it; `force=true` leaves them behind. Its ' +
          'deployments and dead letters are deleted with it; executions stay as history. If n8n can be reached, the ' +
          'error reporter is removed and workflows that stay get their earlier settings back.',
        responses: { 204: null },
        errors: ['not-found', 'in-use', 'invalid'],
      }),
      valid('param', InstanceId),
      valid('query', InstanceDeletion),
      async (c) => {
        const { id } = c.req.valid('param')
        const force = c.req.valid('query').force === 'true'
        if (!(await removeInstance(deps, c.var.userId, id, { force }))) throw absent()
        return c.body(null, 204)
      },
    )
    .post(
      '/:id/test',
      describe({
        tag,
        summary: 'Test the connection to an n8n server',
        description:
          'Says whether it is reached, whether it takes the API key, and what is not possible with it.',
        responses: { 200: InstanceTest },
        errors: ['not-found', 'url-not-allowed', ...secretErrors],
      }),
      valid('param', InstanceId),
      async (c) => {
        const tested = await testInstance(deps, c.var.userId, c.req.valid('param').id)
        if (!tested) throw absent()
        return c.json(tested, 200)
      },
    )
    .post(
      '/:id/reporter',
      describe({
        tag,
        summary: 'Set up the error reporter in n8n, or mend it',
        description:
          'Deploying does it as well. A workflow that was not deployed from here reports its errors when its error ' +
          'workflow in n8n is set to this one.',
        responses: { 200: Reporter },
        errors: ['not-found', 'url-not-allowed', ...instanceErrors, ...secretErrors],
      }),
      valid('param', InstanceId),
      async (c) => {
        const found = await setUpReporter(deps, c.var.userId, c.req.valid('param').id)
        if (!found) throw absent()
        return c.json(found, 200)
      },
    )
    .post(
      '/:id/webhook-token',
      describe({
        tag,
        summary: 'Make a new webhook token',
        description:
          'The earlier one works for another 24 hours. The error reporter in n8n gets one of its own.',
        responses: { 200: WebhookTokenAnswer },
        errors: ['not-found'],
      }),
      valid('param', InstanceId),
      async (c) => {
        const { id } = c.req.valid('param')
        const webhookToken = await instances.rotateWebhookToken(c.var.userId, id)
        if (webhookToken === null) throw absent()
        return c.json({ webhookToken, reporter: await renewReporter(deps, c.var.userId, id) }, 200)
      },
    )
}
