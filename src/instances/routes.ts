import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import {
  CreatedInstance,
  Instance,
  InstanceChange,
  InstanceId,
  InstanceList,
  InstanceQuery,
  NewInstance,
  WebhookTokenAnswer,
} from './contract.ts'
import type { InstanceRepository } from './repository.ts'

const tag = 'Instances'
const absent = () => new AppError('not-found', 'No such instance')

export function instanceRoutes(instances: InstanceRepository, fingerprint: Fingerprint) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        tag,
        summary: 'Add an n8n server',
        description: 'Takes Idempotency-Key. The webhook token is shown this once.',
        responses: { 201: CreatedInstance },
        errors: [
          'invalid',
          'url-not-allowed',
          'name-taken',
          'quota-exceeded',
          'idempotency-key-reused',
          'conflict',
        ],
      }),
      valid('json', NewInstance),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/instances', fingerprint)
        const instance = await instances.create(c.var.userId, c.req.valid('json'), key)
        return c.json(instance, 201, { Location: `/v1/instances/${instance.id}` })
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
        return c.json(instance, 200)
      },
    )
    .patch(
      '/:id',
      describe({
        tag,
        summary: 'Change an n8n server',
        description: 'Another origin in baseUrl takes the API key again.',
        responses: { 200: Instance },
        errors: ['not-found', 'invalid', 'url-not-allowed', 'name-taken', 'conflict'],
      }),
      valid('param', InstanceId),
      valid('json', InstanceChange),
      async (c) => {
        const instance = await instances.update(c.var.userId, c.req.valid('param').id, c.req.valid('json'))
        if (!instance) throw absent()
        return c.json(instance, 200)
      },
    )
    .delete(
      '/:id',
      describe({
        tag,
        summary: 'Remove an n8n server',
        description: 'Its deployments and dead letters go with it; executions stay as history.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', InstanceId),
      async (c) => {
        if (!(await instances.delete(c.var.userId, c.req.valid('param').id))) throw absent()
        return c.body(null, 204)
      },
    )
    .post(
      '/:id/webhook-token',
      describe({
        tag,
        summary: 'Make a new webhook token',
        description: 'The earlier one works for another 24 hours.',
        responses: { 200: WebhookTokenAnswer },
        errors: ['not-found'],
      }),
      valid('param', InstanceId),
      async (c) => {
        const webhookToken = await instances.rotateWebhookToken(c.var.userId, c.req.valid('param').id)
        if (webhookToken === null) throw absent()
        return c.json({ webhookToken }, 200)
      },
    )
}
