import { sql } from 'drizzle-orm'
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { SealedBox } from '../../crypto/secret-box.ts'
import { createdAt, id, instant, updatedAt } from './columns.ts'
import { credentials } from './credentials.ts'
import { instances } from './instances.ts'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

export const alertRuleKinds = [
  'error-rate',
  'new-error',
  'missed-schedule',
  'credential-rejected',
  'instance-unreachable',
  'drift',
  'spend',
] as const
export type AlertRuleKind = (typeof alertRuleKinds)[number]

export const alertChannelKinds = ['email', 'slack', 'webhook'] as const
export const alertEvents = ['opened', 'resolved'] as const
export const alertDeliveryStates = ['pending', 'delivered', 'failed', 'muted'] as const

export interface AlertParameters {
  /** `error-rate`: the share of failed runs above which the rule fires, in percent. */
  percent?: number | undefined
  windowMinutes?: number | undefined
  /** `error-rate`: finished runs in the window that it takes to judge a workflow. */
  minRuns?: number | undefined
  /** `missed-schedule`: how late a run may start. */
  toleranceMinutes?: number | undefined
  /** `spend`: the cost above which the rule fires, in US dollars. */
  usd?: number | undefined
  /** `spend`: the tokens above which the rule fires; 0: any number. */
  tokens?: number | undefined
  /** `spend` */
  windowHours?: number | undefined
}

const userId = () =>
  uuid('user_id')
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' })

/** Where alerts go. An email channel has no target: it is the account's own address. */
export const alertChannels = pgTable(
  'alert_channels',
  {
    id: id(),
    userId: userId(),
    kind: text('kind', { enum: alertChannelKinds }).notNull(),
    name: text('name').notNull(),
    /** The URL, and the signing secrets of a signed webhook. */
    target: jsonb('target').$type<SealedBox>(),
    keyId: text('key_id').generatedAlwaysAs(sql`(target -> 'header' ->> 'kid')`),
    /** The host of the URL, for display. */
    host: text('host'),
    createdAt: createdAt(),
  },
  (t) => [
    unique('alert_channels_user_id_id_key').on(t.userId, t.id),
    unique('alert_channels_name_key').on(t.userId, t.name),
    index('alert_channels_key_id_idx').on(t.keyId, t.id),
  ],
)

export const alertRules = pgTable(
  'alert_rules',
  {
    id: id(),
    userId: userId(),
    kind: text('kind', { enum: alertRuleKinds }).notNull(),
    /** Null: all of them. The rule is deleted with what it is limited to. */
    workflowId: uuid('workflow_id'),
    instanceId: uuid('instance_id'),
    credentialId: uuid('credential_id'),
    parameters: jsonb('parameters').$type<AlertParameters>().notNull(),
    channelIds: uuid('channel_ids').array().notNull(),
    enabled: boolean('enabled').notNull().default(true),
    mutedUntil: instant('muted_until'),
    version: integer('version').notNull().default(1),
    /** Claims the rule: several scheduled jobs evaluate different rules. */
    evaluatedAt: instant('evaluated_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('alert_rules_user_id_id_key').on(t.userId, t.id),
    foreignKey({
      name: 'alert_rules_workflow_fkey',
      columns: [t.userId, t.workflowId],
      foreignColumns: [workflows.userId, workflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'alert_rules_instance_fkey',
      columns: [t.userId, t.instanceId],
      foreignColumns: [instances.userId, instances.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'alert_rules_credential_fkey',
      columns: [t.userId, t.credentialId],
      foreignColumns: [credentials.userId, credentials.id],
    }).onDelete('cascade'),
    index('alert_rules_workflow_idx').on(t.userId, t.workflowId),
    index('alert_rules_instance_idx').on(t.userId, t.instanceId),
    index('alert_rules_credential_idx').on(t.userId, t.credentialId),
    index('alert_rules_evaluated_at_idx').on(t.evaluatedAt.asc().nullsFirst()).where(sql`${t.enabled}`),
  ],
)

/** A period in which the condition of a rule holds for a subject. At most one is open. */
export const alertIncidents = pgTable(
  'alert_incidents',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    ruleId: uuid('rule_id').notNull(),
    /** The ID of the workflow, deployment, credential or instance, or the fingerprint of the error group. */
    subject: text('subject').notNull(),
    summary: text('summary').notNull(),
    /** Path of the subject's page. */
    link: text('link').notNull(),
    openedAt: instant('opened_at').notNull(),
    /** Since when the condition has been false. */
    clearSince: instant('clear_since'),
    resolvedAt: instant('resolved_at'),
  },
  (t) => [
    unique('alert_incidents_user_id_id_key').on(t.userId, t.id),
    foreignKey({
      name: 'alert_incidents_rule_fkey',
      columns: [t.userId, t.ruleId],
      foreignColumns: [alertRules.userId, alertRules.id],
    }).onDelete('cascade'),
    uniqueIndex('alert_incidents_open_key').on(t.ruleId, t.subject).where(sql`${t.resolvedAt} is null`),
    index('alert_incidents_subject_idx').on(t.userId, t.ruleId, t.subject, t.openedAt),
    index('alert_incidents_resolved_at_idx').on(t.resolvedAt),
  ],
)

/** One message: an event of an incident to a channel. Its ID is the ID of the message in every attempt and replay. */
export const alertDeliveries = pgTable(
  'alert_deliveries',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    incidentId: uuid('incident_id').notNull(),
    channelId: uuid('channel_id').notNull(),
    event: text('event', { enum: alertEvents }).notNull(),
    /** `muted`: not sent, because the rule was muted. */
    state: text('state', { enum: alertDeliveryStates }).notNull(),
    attempts: integer('attempts').notNull().default(0),
    /** Attempts end a day later. A replay starts over. */
    startedAt: instant('started_at').notNull(),
    nextAttemptAt: instant('next_attempt_at').notNull(),
    /** Held by the server that sends it. */
    leaseUntil: instant('lease_until'),
    lastError: text('last_error'),
    deliveredAt: instant('delivered_at'),
  },
  (t) => [
    unique('alert_deliveries_event_key').on(t.incidentId, t.channelId, t.event),
    foreignKey({
      name: 'alert_deliveries_incident_fkey',
      columns: [t.userId, t.incidentId],
      foreignColumns: [alertIncidents.userId, alertIncidents.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'alert_deliveries_channel_fkey',
      columns: [t.userId, t.channelId],
      foreignColumns: [alertChannels.userId, alertChannels.id],
    }).onDelete('cascade'),
    index('alert_deliveries_due_idx').on(t.nextAttemptAt).where(sql`${t.state} = 'pending'`),
    index('alert_deliveries_user_idx').on(t.userId, t.id.desc().nullsFirst()),
    index('alert_deliveries_incident_idx').on(t.userId, t.incidentId),
    index('alert_deliveries_channel_idx').on(t.userId, t.channelId),
  ],
)
