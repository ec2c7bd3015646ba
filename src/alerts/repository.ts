/** @module Alert rules, channels, incidents and deliveries. Every method takes the owner first and sees only their rows. */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { SecretBox } from '../crypto/secret-box.ts'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import { idempotentCreate } from '../db/idempotent-create.ts'
import { type AlertParameters, alertChannels, alertRules } from '../db/schema/alerts.ts'
import { channelContext } from '../db/sealed-columns.ts'
import { AppError, invalid } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import { checkTargetUrl } from '../instances/url-guard.ts'
import { dayMs, isoOf } from '../lib/time.ts'
import {
  type AlertChannel,
  type AlertDelivery,
  type AlertIncident,
  type AlertRule,
  type AlertRuleChange,
  type AlertTest,
  type CreatedAlertChannel,
  foreignParameter,
  isUnlimited,
  type NewAlertChannel,
  type NewAlertRule,
  noSpendLimit,
  withLimits,
} from './contract.ts'
import { openTarget } from './deliver.ts'
import { type ChannelTarget, type SendOptions, sendMessage } from './send.ts'
import { ruleSentence } from './sentence.ts'
import { newSigningSecret } from './signing.ts'

/** The previous signing secret also signs for this long. */
const rotationMs = dayMs

export interface AlertSettings extends SendOptions {
  quotas: { alertRules: number; alertChannels: number }
  /** Rejects while the server has the wrong key; awaited before anything is encrypted. */
  keysVerified: () => Promise<void>
}

const ms = (time: string) => sql.raw(`(extract(epoch from ${time}) * 1000)::float8`)

interface RuleRow extends Record<string, unknown> {
  id: string
  kind: AlertRule['kind']
  workflow_id: string | null
  instance_id: string | null
  credential_id: string | null
  workflow_name: string | null
  instance_name: string | null
  credential_name: string | null
  parameters: AlertParameters
  channel_ids: string[]
  enabled: boolean
  muted_ms: number | null
  open_incidents: number
  last_fired_ms: number | null
  version: number
  created_ms: number
  updated_ms: number
}

const timeOf = (timeMs: number): string => new Date(timeMs).toISOString()

function toRule(row: RuleRow): AlertRule {
  return {
    id: row.id,
    kind: row.kind,
    sentence: ruleSentence({
      kind: row.kind,
      parameters: row.parameters,
      workflowName: row.workflow_name,
      instanceName: row.instance_name,
      credentialName: row.credential_name,
    }),
    workflowId: row.workflow_id,
    instanceId: row.instance_id,
    credentialId: row.credential_id,
    parameters: row.parameters,
    channelIds: row.channel_ids,
    enabled: row.enabled,
    mutedUntil: isoOf(row.muted_ms),
    openIncidents: row.open_incidents,
    lastFiredAt: isoOf(row.last_fired_ms),
    version: row.version,
    createdAt: timeOf(row.created_ms),
    updatedAt: timeOf(row.updated_ms),
  }
}

const selectRules = (where: SQL): SQL => sql`
  select r.id, r.kind, r.workflow_id, r.instance_id, r.credential_id, w.name as workflow_name,
    n.name as instance_name, k.name as credential_name, r.parameters, to_jsonb(r.channel_ids) as channel_ids,
    r.enabled, ${ms('r.muted_until')} as muted_ms, f.open_incidents, ${ms('f.last_fired_at')} as last_fired_ms,
    r.version, ${ms('r.created_at')} as created_ms, ${ms('r.updated_at')} as updated_ms
  from alert_rules r
  left join workflows w on w.user_id = r.user_id and w.id = r.workflow_id
  left join instances n on n.user_id = r.user_id and n.id = r.instance_id
  left join credentials k on k.user_id = r.user_id and k.id = r.credential_id
  cross join lateral (
    select (count(*) filter (where i.resolved_at is null))::integer as open_incidents, max(i.opened_at) as last_fired_at
    from alert_incidents i where i.user_id = r.user_id and i.rule_id = r.id
  ) f
  where ${where}`

const after = (column: string, { after: id }: Page): SQL =>
  id === null ? sql`` : sql`and ${sql.raw(column)} < ${id}::uuid`

const scopeErrors: Record<string, [pointer: string, detail: string]> = {
  alert_rules_workflow_fkey: ['/workflowId', 'Workflow not found'],
  alert_rules_instance_fkey: ['/instanceId', 'Instance not found'],
  alert_rules_credential_fkey: ['/credentialId', 'Credential not found'],
}

export class AlertRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #secretBox: SecretBox
  readonly #settings: AlertSettings

  constructor(db: Db, now: () => Date, secretBox: SecretBox, settings: AlertSettings) {
    this.#db = db
    this.#now = now
    this.#secretBox = secretBox
    this.#settings = settings
  }

  get canSendMail(): boolean {
    return this.#settings.sendMail !== null
  }

  /** @throws {AppError} `invalid` for items that the user does not have, `quota-exceeded` */
  async createRule(userId: string, body: NewAlertRule): Promise<AlertRule> {
    const { kind, channelIds = [] } = body
    const parameters = withLimits(kind, body.parameters ?? {})
    await this.#requireChannels(userId, channelIds)
    const id = uuidv7()
    const createdAt = this.#now()
    const quota = { table: 'alert_rules', limit: this.#settings.quotas.alertRules } as const
    await idempotentCreate(this.#db, { userId, resourceId: id, key: undefined, quota }, [
      this.#db.insert(alertRules).values({
        id,
        userId,
        kind,
        workflowId: body.workflowId ?? null,
        instanceId: body.instanceId ?? null,
        credentialId: body.credentialId ?? null,
        parameters,
        channelIds,
        createdAt,
        updatedAt: createdAt,
      }),
      auditEvent(this.#db, userId, 'alert.rule-created', id, { kind }),
    ]).catch((error: unknown) => {
      const scope = scopeErrors[databaseError(error).constraint ?? '']
      throw scope ? invalid(...scope) : error
    })
    const rule = await this.findRule(userId, id)
    if (!rule) throw new AppError('conflict', 'The rule was deleted concurrently')
    return rule
  }

  async findRule(userId: string, id: string): Promise<AlertRule | null> {
    const { rows } = await this.#db.read.execute<RuleRow>(
      selectRules(sql`r.user_id = ${userId} and r.id = ${id}`),
    )
    return rows[0] ? toRule(rows[0]) : null
  }

  /** @param workflowId only rules of this workflow */
  async listRules(
    userId: string,
    { workflowId }: { workflowId?: string | undefined },
    page: Page,
  ): Promise<Slice<AlertRule>> {
    const { rows } = await this.#db.read.execute<RuleRow>(sql`
      ${selectRules(sql`r.user_id = ${userId} ${after('r.id', page)}
        ${workflowId === undefined ? sql`` : sql`and r.workflow_id = ${workflowId}`}`)}
      order by r.id desc limit ${page.limit + 1}`)
    return slice(rows.map(toRule), page.limit)
  }

  /**
   * Omitted members stay unchanged.
   * @param expected the version that the change is based on; null: any
   * @throws {AppError} `invalid`, `version-conflict`
   */
  async updateRule(
    userId: string,
    id: string,
    change: AlertRuleChange,
    expected: number | null,
  ): Promise<AlertRule | null> {
    const stored = await this.findRule(userId, id)
    if (!stored) return null
    const conflict = () =>
      new AppError('version-conflict', 'The rule has changed since it was read. Read it again, then retry')
    if (expected !== null && expected !== stored.version) throw conflict()
    const foreign = foreignParameter(stored.kind, change.parameters ?? {})
    if (foreign !== undefined)
      throw invalid(`/parameters/${foreign}`, `Rules of kind ${stored.kind} have no ${foreign}. Omit it`)
    const next = {
      parameters: { ...stored.parameters, ...change.parameters },
      channelIds: change.channelIds ?? stored.channelIds,
      enabled: change.enabled ?? stored.enabled,
      mutedUntil:
        change.mutedUntil === undefined ? stored.mutedUntil : (change.mutedUntil?.toISOString() ?? null),
    }
    if (stored.kind === 'spend' && isUnlimited(next.parameters))
      throw invalid('/parameters/usd', noSpendLimit)
    const { parameters, channelIds, enabled, mutedUntil } = stored
    if (JSON.stringify(next) === JSON.stringify({ parameters, channelIds, enabled, mutedUntil }))
      return stored
    if (change.channelIds) await this.#requireChannels(userId, change.channelIds)
    const now = this.#now().toISOString()
    const { rows } = await this.#db.execute(sql`
      with updated as (
        update alert_rules set parameters = ${JSON.stringify(next.parameters)}::jsonb,
          channel_ids = ${`{${next.channelIds.join(',')}}`}::uuid[], enabled = ${next.enabled},
          muted_until = ${next.mutedUntil}::timestamptz, version = version + 1, updated_at = ${now}::timestamptz
        where user_id = ${userId} and id = ${id} and version = ${stored.version}
        returning id
      ),
      closed as (
        update alert_incidents set resolved_at = ${now}::timestamptz
        where user_id = ${userId} and rule_id in (select id from updated) and resolved_at is null
          and not ${next.enabled}::boolean
      )
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}::uuid, ${userId}::uuid, 'alert.rule-updated', id,
        ${JSON.stringify({ changed: Object.keys(change) })}::jsonb, ${actorValues()} from updated
      returning subject_id`)
    if (rows.length === 0) throw conflict()
    return this.findRule(userId, id)
  }

  /** Also deletes its incidents and deliveries. */
  async deleteRule(userId: string, id: string): Promise<boolean> {
    return this.#delete(userId, id, sql`alert_rules`, 'alert.rule-deleted')
  }

  /**
   * @throws {AppError} `url-not-allowed`, `name-taken`, `quota-exceeded`, `key-unavailable`, `invalid` for email when the
   * server cannot send it
   */
  async createChannel(userId: string, { kind, name, url }: NewAlertChannel): Promise<CreatedAlertChannel> {
    if (kind === 'email' && !this.canSendMail) {
      throw invalid('/kind', 'This server is not configured to send email. Use a webhook')
    }
    const id = uuidv7()
    const createdAt = this.#now()
    const checked = url === undefined ? null : checkTargetUrl(url, this.#settings.urls, 'url')
    const signingSecret = kind === 'webhook' ? newSigningSecret() : null
    if (checked) await this.#settings.keysVerified()
    const target =
      checked &&
      (await this.#seal(userId, id, { url: checked.href, ...(signingSecret && { secret: signingSecret }) }))
    const row = { id, kind, name, host: checked?.host ?? null }
    const quota = { table: 'alert_channels', limit: this.#settings.quotas.alertChannels } as const
    await idempotentCreate(this.#db, { userId, resourceId: id, key: undefined, quota }, [
      this.#db.insert(alertChannels).values({ ...row, userId, target, createdAt }),
      auditEvent(this.#db, userId, 'alert.channel-created', id, { kind }),
    ]).catch((error: unknown) => {
      if (databaseError(error).constraint !== 'alert_channels_name_key') throw error
      throw new AppError('name-taken', 'Another channel has this name. Choose another name')
    })
    return { ...row, createdAt: createdAt.toISOString(), signingSecret }
  }

  async listChannels(userId: string, page: Page): Promise<Slice<AlertChannel>> {
    const { rows } = await this.#db.read.execute<
      Omit<AlertChannel, 'createdAt'> & { created_ms: number }
    >(sql`
      select id, kind, name, host, ${ms('created_at')} as created_ms from alert_channels
      where user_id = ${userId} ${after('id', page)} order by id desc limit ${page.limit + 1}`)
    const channels = rows.map(({ id, kind, name, host, created_ms }) => ({
      id,
      kind,
      name,
      host,
      createdAt: timeOf(created_ms),
    }))
    return slice(channels, page.limit)
  }

  /** Rules no longer send to it. Also deletes its deliveries. */
  async deleteChannel(userId: string, id: string): Promise<boolean> {
    return this.#delete(
      userId,
      id,
      sql`alert_channels`,
      'alert.channel-deleted',
      sql`
      released as (
        update alert_rules set channel_ids = array_remove(channel_ids, ${id}::uuid)
        where user_id = ${userId} and channel_ids @> array[${id}::uuid]
      ),`,
    )
  }

  /** Sends a test message now. Null when the channel does not exist. */
  async testChannel(userId: string, id: string): Promise<AlertTest | null> {
    const channel = await this.#channel(userId, id)
    if (!channel) return null
    const { publicUrl } = this.#settings.urls
    const result = await sendMessage(
      channel,
      {
        id: uuidv7(),
        event: 'test',
        at: this.#now(),
        summary: `Flowkeep can send alerts to “${channel.name}”`,
        url: `${publicUrl}/alerts`,
        rule: null,
        incident: null,
      },
      this.#settings,
    )
    return { ok: result.ok, detail: result.ok ? null : result.detail }
  }

  /**
   * The previous secret also signs for 24 hours. Null when the channel does not exist.
   * @throws {AppError} `invalid` for a channel without signatures, `conflict`
   */
  async rotateSecret(userId: string, id: string): Promise<string | null> {
    const channel = await this.#channel(userId, id)
    if (!channel) return null
    const { kind, target, sealed } = channel
    if (kind !== 'webhook' || !target?.secret) throw invalid('', 'Only signed webhooks have a signing secret')
    const secret = newSigningSecret()
    const until = new Date(this.#now().getTime() + rotationMs).toISOString()
    const next = await this.#seal(userId, id, {
      url: target.url,
      secret,
      previous: { secret: target.secret, until },
    })
    const { rows } = await this.#db.execute(sql`
      with updated as (
        update alert_channels set target = ${JSON.stringify(next)}::jsonb
        where user_id = ${userId} and id = ${id} and target = ${JSON.stringify(sealed)}::jsonb
        returning id
      )
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select ${uuidv7()}::uuid, ${userId}::uuid, 'alert.secret-rotated', id, ${actorValues()} from updated returning subject_id`)
    if (rows.length === 0) throw new AppError('conflict', 'The channel was changed concurrently. Try again')
    return secret
  }

  async listIncidents(
    userId: string,
    filter: {
      ruleId?: string | undefined
      workflowId?: string | undefined
      state?: 'open' | 'resolved' | undefined
    },
    page: Page,
  ): Promise<Slice<AlertIncident>> {
    const { ruleId, workflowId, state } = filter
    const { rows } = await this.#db.read.execute<{
      id: string
      rule_id: string
      rule_kind: AlertRule['kind']
      subject: string
      summary: string
      link: string
      opened_ms: number
      resolved_ms: number | null
    }>(sql`
      select i.id, i.rule_id, r.kind as rule_kind, i.subject, i.summary, i.link,
        ${ms('i.opened_at')} as opened_ms, ${ms('i.resolved_at')} as resolved_ms
      from alert_incidents i join alert_rules r on r.user_id = i.user_id and r.id = i.rule_id
      where i.user_id = ${userId} ${after('i.id', page)}
        ${ruleId === undefined ? sql`` : sql`and i.rule_id = ${ruleId}`}
        ${workflowId === undefined ? sql`` : sql`and r.workflow_id = ${workflowId}`}
        ${state === undefined ? sql`` : state === 'open' ? sql`and i.resolved_at is null` : sql`and i.resolved_at is not null`}
      order by i.id desc limit ${page.limit + 1}`)
    const incidents = rows.map(
      (row): AlertIncident => ({
        id: row.id,
        ruleId: row.rule_id,
        ruleKind: row.rule_kind,
        subject: row.subject,
        summary: row.summary,
        link: row.link,
        state: row.resolved_ms === null ? 'open' : 'resolved',
        openedAt: timeOf(row.opened_ms),
        resolvedAt: isoOf(row.resolved_ms),
      }),
    )
    return slice(incidents, page.limit)
  }

  async listDeliveries(
    userId: string,
    filter: { incidentId?: string | undefined; state?: AlertDelivery['state'] | undefined },
    page: Page,
  ): Promise<Slice<AlertDelivery>> {
    const { incidentId, state } = filter
    const { rows } = await this.#db.read.execute<DeliveryRow>(sql`
      ${selectDeliveries(sql`alert_deliveries`)}
      where d.user_id = ${userId} ${after('d.id', page)}
        ${incidentId === undefined ? sql`` : sql`and d.incident_id = ${incidentId}`}
        ${state === undefined ? sql`` : sql`and d.state = ${state}`}
      order by d.id desc limit ${page.limit + 1}`)
    return slice(rows.map(toDelivery), page.limit)
  }

  /** Queues the message again, with the same ID. A pending one is due now. Null when it does not exist. */
  async replay(userId: string, id: string): Promise<AlertDelivery | null> {
    const now = sql`${this.#now().toISOString()}::timestamptz`
    const { rows } = await this.#db.execute<DeliveryRow>(sql`
      with replayed as (
        update alert_deliveries set state = 'pending', next_attempt_at = ${now},
          attempts = case state when 'pending' then attempts else 0 end,
          started_at = case state when 'pending' then started_at else ${now} end,
          lease_until = case state when 'pending' then lease_until end,
          last_error = case state when 'pending' then last_error end,
          delivered_at = null
        where user_id = ${userId} and id = ${id} returning *
      )
      ${selectDeliveries(sql`replayed`)}`)
    return rows[0] ? toDelivery(rows[0]) : null
  }

  async #requireChannels(userId: string, channelIds: string[]): Promise<void> {
    if (channelIds.length === 0) return
    const { rows } = await this.#db.read.execute<{ id: string }>(sql`
      select id from alert_channels where user_id = ${userId} and id = any(${`{${channelIds.join(',')}}`}::uuid[])`)
    const known = new Set(rows.map(({ id }) => id))
    const unknown = channelIds.findIndex((id) => !known.has(id))
    if (unknown >= 0) throw invalid(`/channelIds/${unknown}`, 'Channel not found')
  }

  async #channel(userId: string, id: string) {
    const { rows } = await this.#db.read.execute<{
      kind: AlertChannel['kind']
      name: string
      sealed: Record<string, unknown> | null
      email: string
    }>(sql`
      select c.kind, c.name, c.target as sealed, u.email
      from alert_channels c join users u on u.id = c.user_id where c.user_id = ${userId} and c.id = ${id}`)
    const [row] = rows
    if (!row) return null
    return { ...row, target: row.sealed && (await openTarget(this.#secretBox, userId, id, row.sealed)) }
  }

  #seal(userId: string, id: string, target: ChannelTarget) {
    return this.#secretBox.seal(channelContext(userId, id), target)
  }

  async #delete(
    userId: string,
    id: string,
    table: SQL,
    action: string,
    before: SQL = sql``,
  ): Promise<boolean> {
    const { rows } = await this.#db.execute(sql`
      with ${before} gone as (delete from ${table} where user_id = ${userId} and id = ${id} returning id)
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select ${uuidv7()}::uuid, ${userId}::uuid, ${action}, id, ${actorValues()} from gone returning subject_id`)
    return rows.length > 0
  }
}

interface DeliveryRow extends Record<string, unknown> {
  id: string
  incident_id: string
  channel_id: string
  event: AlertDelivery['event']
  state: AlertDelivery['state']
  summary: string
  attempts: number
  next_ms: number
  delivered_ms: number | null
  last_error: string | null
}

const selectDeliveries = (source: SQL): SQL => sql`
  select d.id, d.incident_id, d.channel_id, d.event, d.state, i.summary, d.attempts,
    ${ms('d.next_attempt_at')} as next_ms, ${ms('d.delivered_at')} as delivered_ms, d.last_error
  from ${source} d join alert_incidents i on i.user_id = d.user_id and i.id = d.incident_id`

const toDelivery = (row: DeliveryRow): AlertDelivery => ({
  id: row.id,
  incidentId: row.incident_id,
  channelId: row.channel_id,
  event: row.event,
  state: row.state,
  summary: row.summary,
  attempts: row.attempts,
  nextAttemptAt: row.state === 'pending' ? timeOf(row.next_ms) : null,
  deliveredAt: isoOf(row.delivered_ms),
  lastError: row.last_error,
})
