import { IdParam } from '../lib/scalars.ts'
import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { notFound, type ErrorCode } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { etagWith, preconditionOf } from '../http/etag.ts'
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
  InstanceList,
  InstanceQuery,
  InstanceTest,
  NewInstance,
  NewOtelSetup,
  OtelRemoval,
  OtelSetup,
  Reporter,
  WebhookTokenAnswer,
} from './contract.ts'
import type { ErrorReporter } from './reporter.ts'
import type { OtelExport } from './otel.ts'
import { renewTokens, setUpOtel, setUpReporter, removeOtel } from './set-up-reporter.ts'

const tag = 'Instances'
const secretErrors: ErrorCode[] = ['credential-undecryptable', 'key-unavailable']

export interface InstanceRouteDeps extends RemovalAccess {
  reporter: ErrorReporter
  otel: OtelExport
  fingerprint: Fingerprint
}

/** Tests, polling and the reporter change these without a new version. */
const initialState = {
  status: 'untested',
  statusDetail: null,
  testedAt: null,
  n8nVersion: null,
  capabilities: null,
  polling: { lastPolledAt: null, polledThrough: null, lagSeconds: null, failures: 0 },
  reporter: null,
  otel: null,
  epoch: 1,
  epochStartedAt: null,
} satisfies Partial<Instance>

function tagOf(instance: Instance): Promise<string> {
  const { status, statusDetail, testedAt, n8nVersion, capabilities } = instance
  const { polling, reporter, otel, epoch, epochStartedAt } = instance
  const state = {
    status,
    statusDetail,
    testedAt,
    n8nVersion,
    capabilities,
    polling,
    reporter,
    otel,
    epoch,
    epochStartedAt,
  }
  return etagWith<Partial<Instance>>(instance.version, state, initialState)
}

export function instanceRoutes(deps: InstanceRouteDeps) {
  const { instances, fingerprint } = deps
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        operationId: 'createInstance',
        tag,
        summary: 'Create an instance',
        description:
          'Adds an n8n server. The webhook token is returned only once. Fails with `instance-exists` and ' +
          'the `instanceId` if the server was already added.',
        responses: { 201: CreatedInstance },
        headers: ['ETag', 'Location'],
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
          ETag: await tagOf(instance),
        })
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listInstances',
        tag,
        summary: 'List instances',
        description: 'Newest first.',
        responses: { 200: InstanceList },
        errors: ['invalid'],
      }),
      valid('query', InstanceQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await instances.list(c.var.userId, toPage({ limit, cursor }), filter), 200)
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getInstance',
        tag,
        summary: 'Get an instance',
        description: 'Returns the state of the last connection test and of polling.',
        responses: { 200: Instance },
        headers: ['ETag'],
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const instance = await instances.find(c.var.userId, c.req.valid('param').id)
        if (!instance) throw notFound('Instance')
        return c.json(instance, 200, { ETag: await tagOf(instance) })
      },
    )
    .patch(
      '/:id',
      describe({
        operationId: 'updateInstance',
        tag,
        summary: 'Update an instance',
        description:
          'A `baseUrl` with another origin requires the API key again. A new API key is tested first: if ' +
          'n8n rejects it, nothing changes. Changed variables and credentials take effect when a workflow is deployed.',
        responses: { 200: Instance },
        headers: ['ETag'],
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
      valid('param', IdParam),
      valid('json', InstanceChange),
      async (c) => {
        const { id } = c.req.valid('param')
        const expected = await preconditionOf(c.req.header('If-Match'), () =>
          instances.find(c.var.userId, id),
        )
        const instance = await changeInstance(deps, c.var.userId, id, c.req.valid('json'), expected)
        if (!instance) throw notFound('Instance')
        return c.json(instance, 200, { ETag: await tagOf(instance) })
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'deleteInstance',
        tag,
        summary: 'Delete an instance',
        description:
          'Fails with `in-use` and the `dependents` while workflows are deployed on it, unless ' +
          '`force=true`. Its deployments and dead letters are deleted; executions are not. If n8n is ' +
          'reachable, Flowkeep removes the error reporter and restores the earlier settings of the remaining ' +
          'workflows.',
        responses: { 204: null },
        errors: ['not-found', 'in-use', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', InstanceDeletion),
      async (c) => {
        const { id } = c.req.valid('param')
        const force = c.req.valid('query').force === 'true'
        if (!(await removeInstance(deps, c.var.userId, id, { force }))) throw notFound('Instance')
        return c.body(null, 204)
      },
    )
    .post(
      '/:id/test',
      describe({
        operationId: 'testInstance',
        tag,
        summary: 'Test an instance',
        description: 'Checks that n8n is reachable and accepts the API key, and lists the limitations.',
        responses: { 200: InstanceTest },
        errors: ['not-found', 'url-not-allowed', ...secretErrors],
      }),
      valid('param', IdParam),
      async (c) => {
        const tested = await testInstance(deps, c.var.userId, c.req.valid('param').id)
        if (!tested) throw notFound('Instance')
        return c.json(tested, 200)
      },
    )
    .post(
      '/:id/reporter',
      describe({
        operationId: 'setUpErrorReporter',
        tag,
        summary: 'Set up the error reporter',
        description:
          'Creates or repairs the error workflow in n8n. Deploying does this too. To receive the ' +
          'failures of a workflow that Flowkeep did not deploy, set its error workflow in n8n to this one.',
        responses: { 200: Reporter },
        errors: ['not-found', 'url-not-allowed', ...instanceErrors, ...secretErrors],
      }),
      valid('param', IdParam),
      async (c) => {
        const found = await setUpReporter(deps, c.var.userId, c.req.valid('param').id)
        if (!found) throw notFound('Instance')
        return c.json(found, 200)
      },
    )
    .put(
      '/:id/otel',
      describe({
        operationId: 'setUpOtel',
        tag,
        summary: 'Receive executions via OpenTelemetry',
        description:
          'Sets Flowkeep up as the OpenTelemetry collector of n8n 2.19 or later: n8n then sends every execution with its ' +
          'nodes within seconds. The API key needs the `otel:manage` scope. n8n sends a test trace first; nothing ' +
          'changes if it does not arrive. Fails with `instance-conflict` if environment variables of n8n set its ' +
          'OpenTelemetry settings, and, unless `replace` is true, if n8n sends traces elsewhere; the host is then in ' +
          '`collector`. `DELETE` restores the earlier settings. Safe to repeat.',
        responses: { 200: OtelSetup },
        errors: ['not-found', 'invalid', 'url-not-allowed', ...instanceErrors, ...secretErrors],
      }),
      valid('param', IdParam),
      valid('json', NewOtelSetup),
      async (c) => {
        const found = await setUpOtel(deps, c.var.userId, c.req.valid('param').id, c.req.valid('json'))
        if (!found) throw notFound('Instance')
        return c.json(found, 200)
      },
    )
    .delete(
      '/:id/otel',
      describe({
        operationId: 'removeOtel',
        tag,
        summary: 'Stop receiving executions via OpenTelemetry',
        description:
          "Restores n8n's earlier OpenTelemetry settings, unless they have been changed since. Polling continues.",
        responses: { 200: OtelRemoval },
        errors: ['not-found', 'url-not-allowed', ...instanceErrors, ...secretErrors],
      }),
      valid('param', IdParam),
      async (c) => {
        const removed = await removeOtel(deps, c.var.userId, c.req.valid('param').id)
        if (!removed) throw notFound('Instance')
        return c.json(removed, 200)
      },
    )
    .post(
      '/:id/webhook-token',
      describe({
        operationId: 'rotateWebhookToken',
        tag,
        summary: 'Rotate the webhook token',
        description:
          'The previous token works for another 24 hours. The error reporter and the OpenTelemetry settings in ' +
          'n8n are updated with tokens of their own.',
        responses: { 200: WebhookTokenAnswer },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const { id } = c.req.valid('param')
        const webhookToken = await instances.rotateWebhookToken(c.var.userId, id)
        if (webhookToken === null) throw notFound('Instance')
        return c.json({ webhookToken, ...(await renewTokens(deps, c.var.userId, id)) }, 200)
      },
    )
}
