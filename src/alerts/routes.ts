import { Hono } from 'hono'
import { notFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { etag, preconditionOf } from '../http/etag.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import {
  AlertChannelList,
  AlertChannelQuery,
  AlertDelivery,
  AlertDeliveryList,
  AlertDeliveryQuery,
  AlertIncidentList,
  AlertIncidentQuery,
  AlertRule,
  AlertRuleChange,
  AlertRuleList,
  AlertRuleQuery,
  AlertTest,
  CreatedAlertChannel,
  NewAlertChannel,
  NewAlertRule,
  RotatedSigningSecret,
} from './contract.ts'
import type { AlertRepository } from './repository.ts'

const tag = 'Alerts'

/** @param sendNow delivers queued messages after the response */
export function alertRoutes(alerts: AlertRepository, sendNow: () => void) {
  return new Hono<AuthEnv>()
    .post(
      '/rules',
      describe({
        operationId: 'createAlertRule',
        tag,
        summary: 'Create an alert rule',
        description:
          'The rule is evaluated once a minute. It opens one incident per subject (a workflow, deployment, ' +
          'credential, instance or error group), which resolves when its condition has been false for 5 minutes.',
        responses: { 201: AlertRule },
        headers: ['ETag', 'Location'],
        errors: ['invalid', 'quota-exceeded'],
      }),
      valid('json', NewAlertRule),
      async (c) => {
        const rule = await alerts.createRule(c.var.userId, c.req.valid('json'))
        return c.json(rule, 201, { Location: `/v1/alerts/rules/${rule.id}`, ETag: etag(rule.version) })
      },
    )
    .get(
      '/rules',
      describe({
        operationId: 'listAlertRules',
        tag,
        summary: 'List alert rules',
        description: 'Newest first.',
        responses: { 200: AlertRuleList },
        errors: ['invalid'],
      }),
      valid('query', AlertRuleQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await alerts.listRules(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/rules/:id',
      describe({
        operationId: 'getAlertRule',
        tag,
        summary: 'Get an alert rule',
        description: 'Returns the rule with the number of its open incidents.',
        responses: { 200: AlertRule },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const rule = await alerts.findRule(c.var.userId, c.req.valid('param').id)
        if (!rule) throw notFound('Alert rule')
        return c.json(rule, 200)
      },
    )
    .patch(
      '/rules/:id',
      describe({
        operationId: 'updateAlertRule',
        tag,
        summary: 'Update an alert rule',
        description:
          'Changes parameters and channels, mutes the rule until a time, or disables it. The `If-Match` ' +
          'header takes the `version`.',
        responses: { 200: AlertRule },
        headers: ['ETag'],
        errors: ['not-found', 'invalid', 'version-conflict', 'precondition-required'],
      }),
      valid('param', IdParam),
      valid('json', AlertRuleChange),
      async (c) => {
        const { id } = c.req.valid('param')
        const expected = await preconditionOf(c.req.header('If-Match'), () =>
          alerts.findRule(c.var.userId, id),
        )
        const rule = await alerts.updateRule(c.var.userId, id, c.req.valid('json'), expected)
        if (!rule) throw notFound('Alert rule')
        return c.json(rule, 200, { ETag: etag(rule.version) })
      },
    )
    .delete(
      '/rules/:id',
      describe({
        operationId: 'deleteAlertRule',
        tag,
        summary: 'Delete an alert rule',
        description: 'Also deletes its incidents and deliveries.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        if (!(await alerts.deleteRule(c.var.userId, c.req.valid('param').id))) throw notFound('Alert rule')
        return c.body(null, 204)
      },
    )
    .post(
      '/channels',
      describe({
        operationId: 'createAlertChannel',
        tag,
        summary: 'Create an alert channel',
        description:
          'Email goes to the address of the account. URLs must be on the public internet. The signing secret ' +
          'of a webhook is returned only once.',
        responses: { 201: CreatedAlertChannel },
        errors: ['invalid', 'url-not-allowed', 'name-taken', 'quota-exceeded', 'key-unavailable'],
      }),
      valid('json', NewAlertChannel),
      async (c) => c.json(await alerts.createChannel(c.var.userId, c.req.valid('json')), 201),
    )
    .get(
      '/channels',
      describe({
        operationId: 'listAlertChannels',
        tag,
        summary: 'List alert channels',
        description: 'Newest first, without their URLs and secrets.',
        responses: { 200: AlertChannelList },
        errors: ['invalid'],
      }),
      valid('query', AlertChannelQuery),
      async (c) => c.json(await alerts.listChannels(c.var.userId, toPage(c.req.valid('query'))), 200),
    )
    .delete(
      '/channels/:id',
      describe({
        operationId: 'deleteAlertChannel',
        tag,
        summary: 'Delete an alert channel',
        description: 'Rules stop sending to it, and its deliveries are deleted.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        if (!(await alerts.deleteChannel(c.var.userId, c.req.valid('param').id)))
          throw notFound('Alert channel')
        return c.body(null, 204)
      },
    )
    .post(
      '/channels/:id/test',
      describe({
        operationId: 'testAlertChannel',
        tag,
        summary: 'Test an alert channel',
        description: 'Sends a single test message immediately. It is not retried.',
        responses: { 200: AlertTest },
        errors: ['not-found', 'credential-undecryptable', 'key-unavailable'],
      }),
      valid('param', IdParam),
      async (c) => {
        const result = await alerts.testChannel(c.var.userId, c.req.valid('param').id)
        if (!result) throw notFound('Alert channel')
        return c.json(result, 200)
      },
    )
    .post(
      '/channels/:id/secret',
      describe({
        operationId: 'rotateAlertChannelSecret',
        tag,
        summary: 'Rotate the signing secret of a webhook',
        description: 'For 24 hours, messages are signed with both secrets.',
        responses: { 200: RotatedSigningSecret },
        errors: ['not-found', 'invalid', 'conflict', 'credential-undecryptable', 'key-unavailable'],
      }),
      valid('param', IdParam),
      async (c) => {
        const signingSecret = await alerts.rotateSecret(c.var.userId, c.req.valid('param').id)
        if (signingSecret === null) throw notFound('Alert channel')
        return c.json({ signingSecret }, 200)
      },
    )
    .get(
      '/incidents',
      describe({
        operationId: 'listAlertIncidents',
        tag,
        summary: 'List the incidents of alert rules',
        description: 'Newest first. Resolved incidents are stored for 90 days.',
        responses: { 200: AlertIncidentList },
        errors: ['invalid'],
      }),
      valid('query', AlertIncidentQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await alerts.listIncidents(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/deliveries',
      describe({
        operationId: 'listAlertDeliveries',
        tag,
        summary: 'List alert deliveries',
        description: 'The messages of incidents to channels, newest first.',
        responses: { 200: AlertDeliveryList },
        errors: ['invalid'],
      }),
      valid('query', AlertDeliveryQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await alerts.listDeliveries(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .post(
      '/deliveries/:id/replay',
      describe({
        operationId: 'replayAlertDelivery',
        tag,
        summary: 'Replay an alert delivery',
        description: 'Sends the message again, with the same `webhook-id`.',
        responses: { 200: AlertDelivery },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const delivery = await alerts.replay(c.var.userId, c.req.valid('param').id)
        if (!delivery) throw notFound('Alert delivery')
        sendNow()
        return c.json(delivery, 200)
      },
    )
}
