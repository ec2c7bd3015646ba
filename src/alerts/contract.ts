/** @module The HTTP shapes of alert rules, channels, incidents and deliveries. URLs and signing secrets are write-only. */
import * as z from 'zod'
import {
  type AlertParameters,
  type AlertRuleKind,
  alertChannelKinds,
  alertDeliveryStates,
  alertEvents,
  alertRuleKinds,
} from '../db/schema/alerts.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { Instant, trimmedText, Uuid } from '../lib/scalars.ts'

export const scopes = ['workflowId', 'instanceId', 'credentialId'] as const
export type Scope = (typeof scopes)[number]

interface RuleKind {
  /** What a rule of the kind can be limited to. */
  scopes: readonly Scope[]
  /** Its parameters and their defaults. */
  defaults: AlertParameters
}

export const ruleKinds: Record<AlertRuleKind, RuleKind> = {
  'error-rate': {
    scopes: ['workflowId', 'instanceId'],
    defaults: { percent: 20, windowMinutes: 60, minRuns: 5 },
  },
  'new-error': { scopes: ['workflowId', 'instanceId'], defaults: {} },
  'missed-schedule': { scopes: ['workflowId', 'instanceId'], defaults: { toleranceMinutes: 10 } },
  'credential-rejected': { scopes: ['credentialId'], defaults: {} },
  'instance-unreachable': { scopes: ['instanceId'], defaults: {} },
  drift: { scopes: ['workflowId', 'instanceId'], defaults: {} },
  spend: { scopes: ['workflowId', 'instanceId'], defaults: { usd: 10, tokens: 0, windowHours: 24 } },
}

/** A parameter that rules of the kind do not have. */
export const foreignParameter = (kind: AlertRuleKind, parameters: AlertParameters): string | undefined =>
  Object.keys(parameters).find((name) => !Object.hasOwn(ruleKinds[kind].defaults, name))

/** A limit of tokens alone leaves out the default limit of the cost. */
export const withLimits = (kind: AlertRuleKind, parameters: AlertParameters): AlertParameters =>
  kind === 'spend' && parameters.tokens && parameters.usd === undefined
    ? { ...parameters, usd: 0 }
    : parameters

export const isUnlimited = ({ usd, tokens }: AlertParameters): boolean => usd === 0 && !tokens
export const noSpendLimit = 'Set a limit for the cost or the tokens'

const whole = (from: number, to: number) =>
  z
    .number('Must be a whole number')
    .int('Must be a whole number')
    .min(from, `At least ${from}`)
    .max(to, `At most ${to}`)

const Parameters = z.strictObject({
  percent: whole(0, 99)
    .optional()
    .meta({ description: '`error-rate`: fires above this share of failed runs. Default 20' }),
  windowMinutes: whole(10, 1440).optional().meta({ description: '`error-rate`: default 60' }),
  minRuns: whole(1, 1000)
    .optional()
    .meta({ description: '`error-rate`: finished runs that a workflow needs in the window. Default 5' }),
  toleranceMinutes: whole(5, 1440)
    .optional()
    .meta({ description: '`missed-schedule`: how late a run may start. Default 10' }),
  usd: z.number('Must be a number').min(0, 'At least 0').max(1_000_000, 'At most 1,000,000').optional().meta({
    description: '`spend`: fires above this cost of models, in US dollars. 0: no limit. Default 10',
  }),
  tokens: whole(0, 1_000_000_000_000)
    .optional()
    .meta({ description: '`spend`: fires above this number of tokens. 0: no limit. Default 0' }),
  windowHours: whole(1, 720).optional().meta({ description: '`spend`: default 24' }),
})

const ChannelIds = z
  .array(Uuid)
  .max(10, 'At most 10 channels')
  .transform((ids) => [...new Set(ids)])
  .meta({ description: 'Where the rule sends messages. Without a channel, it only records incidents' })

const Limit = Uuid.nullable().optional()

export const NewAlertRule = z
  .strictObject({
    kind: z.enum(alertRuleKinds),
    workflowId: Limit.meta({ description: 'Null or omitted: every workflow' }),
    instanceId: Limit.meta({ description: 'Null or omitted: every instance' }),
    credentialId: Limit.meta({ description: 'Null or omitted: every credential' }),
    parameters: Parameters.optional(),
    channelIds: ChannelIds.optional(),
  })
  .superRefine(({ kind, parameters = {}, ...body }, ctx) => {
    const allowed = ruleKinds[kind].scopes
    for (const scope of scopes) {
      if (body[scope] && !allowed.includes(scope)) {
        ctx.addIssue({
          code: 'custom',
          path: [scope],
          message: `Rules of kind ${kind} have no ${scope}. Omit it`,
        })
      }
    }
    const name = foreignParameter(kind, parameters)
    if (name !== undefined) {
      const message = `Rules of kind ${kind} have no ${name}. Omit it`
      ctx.addIssue({ code: 'custom', path: ['parameters', name], message })
    }
    if (kind === 'spend' && isUnlimited(parameters))
      ctx.addIssue({ code: 'custom', path: ['parameters', 'usd'], message: noSpendLimit })
  })
  .meta({
    ref: 'NewAlertRule',
    'x-example': { kind: 'error-rate', parameters: { percent: 20, windowMinutes: 60 }, channelIds: [] },
  })
export type NewAlertRule = z.output<typeof NewAlertRule>

export const AlertRuleChange = z
  .strictObject({
    parameters: Parameters.optional().meta({ description: 'Omitted members stay unchanged' }),
    channelIds: ChannelIds.optional(),
    enabled: z.boolean().optional().meta({ description: 'Disabling a rule closes its open incidents' }),
    mutedUntil: Instant.nullable()
      .optional()
      .meta({ description: 'Until then, incidents are recorded but not sent' }),
  })
  .meta({ ref: 'AlertRuleChange', 'x-example': { mutedUntil: '2026-12-01T08:00:00Z' } })
export type AlertRuleChange = z.output<typeof AlertRuleChange>

export const AlertRule = z
  .object({
    id: z.uuid(),
    kind: z.enum(alertRuleKinds),
    sentence: z.string().meta({
      description: 'The rule in plain English',
      examples: ['Alert me when more than 20% of the runs of any workflow fail within 1 hour'],
    }),
    workflowId: z.uuid().nullable(),
    instanceId: z.uuid().nullable(),
    credentialId: z.uuid().nullable(),
    parameters: z.object(Parameters.shape),
    channelIds: z.array(z.uuid()),
    enabled: z.boolean(),
    mutedUntil: z.iso.datetime().nullable(),
    openIncidents: z.number().int(),
    lastFiredAt: z.iso.datetime().nullable(),
    version: z.number().int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'AlertRule' })
export type AlertRule = z.output<typeof AlertRule>

const ChannelUrl = z
  .string()
  .min(1, 'Must not be empty')
  .max(2048, 'At most 2,048 characters')
  .meta({
    description: '`slack` and `webhook`: URL to post to, on the public internet. Write-only',
    examples: ['https://hooks.example.com/alerts'],
  })

export const NewAlertChannel = z
  .strictObject({
    kind: z.enum(alertChannelKinds).meta({
      description:
        "`email`: to the account's own address. `slack`: an incoming webhook of Slack or a compatible " +
        'service. `webhook`: JSON, signed according to Standard Webhooks',
    }),
    name: trimmedText(128),
    url: ChannelUrl.optional(),
  })
  .superRefine(({ kind, url }, ctx) => {
    if (kind === 'email' && url !== undefined) {
      const message = "Email goes to the account's own address. Omit the URL"
      ctx.addIssue({ code: 'custom', path: ['url'], message })
    }
    if (kind !== 'email' && url === undefined)
      ctx.addIssue({ code: 'custom', path: ['url'], message: 'Required' })
  })
  .meta({
    ref: 'NewAlertChannel',
    'x-example': { kind: 'webhook', name: 'On-call', url: 'https://hooks.example.com/alerts' },
  })
export type NewAlertChannel = z.output<typeof NewAlertChannel>

export const AlertChannel = z
  .object({
    id: z.uuid(),
    kind: z.enum(alertChannelKinds),
    name: z.string(),
    host: z
      .string()
      .nullable()
      .meta({ description: 'Host of the URL', examples: ['hooks.example.com'] }),
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'AlertChannel' })
export type AlertChannel = z.output<typeof AlertChannel>

const SigningSecret = z
  .string()
  .nullable()
  .meta({
    description: 'Verifies the signatures of a webhook. Only returned here; null for other kinds',
    examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  })

export const CreatedAlertChannel = z
  .object({ ...AlertChannel.shape, signingSecret: SigningSecret })
  .meta({ ref: 'CreatedAlertChannel' })
export type CreatedAlertChannel = z.output<typeof CreatedAlertChannel>

export const RotatedSigningSecret = z
  .object({ signingSecret: z.string().meta({ examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] }) })
  .meta({ ref: 'RotatedSigningSecret' })

export const AlertTest = z
  .object({
    ok: z.boolean(),
    detail: z.string().nullable().meta({ description: 'Why the message was not delivered' }),
  })
  .meta({ ref: 'AlertTest' })
export type AlertTest = z.output<typeof AlertTest>

export const AlertIncident = z
  .object({
    id: z.uuid(),
    ruleId: z.uuid(),
    ruleKind: z.enum(alertRuleKinds),
    subject: z.string().meta({
      description: 'ID of the workflow, deployment, credential, instance or account, or an error fingerprint',
      examples: ['3f9a1c77b2d84e05'],
    }),
    summary: z.string().meta({ examples: ['9 of 12 runs of “Order intake” failed within 1 hour'] }),
    link: z
      .string()
      .meta({ description: "Path of the subject's page", examples: ['/errors/3f9a1c77b2d84e05'] }),
    state: z.enum(['open', 'resolved']),
    openedAt: z.iso.datetime(),
    resolvedAt: z.iso.datetime().nullable(),
  })
  .meta({ ref: 'AlertIncident' })
export type AlertIncident = z.output<typeof AlertIncident>

export const AlertDelivery = z
  .object({
    id: z.uuid().meta({ description: 'The `webhook-id` of every attempt and replay' }),
    incidentId: z.uuid(),
    channelId: z.uuid(),
    event: z.enum(alertEvents),
    state: z.enum(alertDeliveryStates).meta({
      description:
        '`pending`: not delivered yet, retried for 24 hours. `failed`: gave up. `muted`: not sent, because ' +
        'the rule was muted',
    }),
    summary: z.string().meta({ examples: ['9 of 12 runs of “Order intake” failed within 1 hour'] }),
    attempts: z.number().int(),
    nextAttemptAt: z.iso.datetime().nullable(),
    deliveredAt: z.iso.datetime().nullable(),
    lastError: z
      .string()
      .nullable()
      .meta({ examples: ['The server responded with 503'] }),
  })
  .meta({ ref: 'AlertDelivery' })
export type AlertDelivery = z.output<typeof AlertDelivery>

export const AlertRuleList = sliceOf(AlertRule)
export const AlertChannelList = sliceOf(AlertChannel)
export const AlertIncidentList = sliceOf(AlertIncident)
export const AlertDeliveryList = sliceOf(AlertDelivery)

export const AlertRuleQuery = z.strictObject({
  ...pageQuery,
  workflowId: Uuid.optional().meta({ description: 'Only rules that are limited to this workflow' }),
})
export const AlertChannelQuery = z.strictObject({ ...pageQuery })
export const AlertIncidentQuery = z.strictObject({
  ...pageQuery,
  ruleId: Uuid.optional().meta({ description: 'Only incidents of this rule' }),
  state: z.enum(['open', 'resolved']).optional().meta({ description: 'Only incidents in this state' }),
})
export const AlertDeliveryQuery = z.strictObject({
  ...pageQuery,
  incidentId: Uuid.optional().meta({ description: 'Only messages of this incident' }),
  state: z.enum(alertDeliveryStates).optional().meta({ description: 'Only messages in this state' }),
})
