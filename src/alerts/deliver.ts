/**
 * @module Delivers queued messages. A lease lets one server send a message at a time. A message is retried at
 * increasing intervals for a day, always with the same ID, so that a receiver can ignore one that it already has.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { SealedBox, SecretBox } from '../crypto/secret-box.ts'
import type { Db } from '../db/client.ts'
import type { AlertParameters, AlertRuleKind } from '../db/schema/alerts.ts'
import { channelContext } from '../db/sealed-columns.ts'
import { AppError } from '../errors.ts'
import { deliveryWaitMs } from '../lib/retry.ts'
import { dayMs, minuteMs } from '../lib/time.ts'
import { type ChannelTarget, type SendOptions, type SendResult, sendMessage } from './send.ts'
import { ruleSentence } from './sentence.ts'

/** Longer than an attempt takes. */
const leaseMs = 2 * minuteMs
const giveUpMs = dayMs
/** Workers allow six open connections. */
const atOnce = 4

export interface DeliveryDeps extends SendOptions {
  db: Db
  secretBox: SecretBox
}

interface DueDelivery extends Record<string, unknown> {
  id: string
  user_id: string
  event: 'opened' | 'resolved'
  attempts: number
  started_ms: number
  channel_id: string
  channel_kind: 'email' | 'slack' | 'webhook'
  target: SealedBox | null
  email: string
  incident_id: string
  summary: string
  link: string
  opened_ms: number
  resolved_ms: number | null
  rule_id: string
  rule_kind: AlertRuleKind
  parameters: AlertParameters
  workflow_name: string | null
  instance_name: string | null
  credential_name: string | null
}

export interface DeliveryOptions {
  /** Messages to send. */
  limit: number
  /** Milliseconds after which no further attempt starts. */
  budgetMs?: number
  signal?: AbortSignal
}

/** Sends the deliveries that are due, longest due first. @returns the number of attempts */
export async function deliverDue(
  deps: DeliveryDeps,
  { limit, budgetMs = Infinity, signal }: DeliveryOptions,
): Promise<number> {
  const startedAtMs = deps.now().getTime()
  const isStopped = () => signal?.aborted === true || deps.now().getTime() - startedAtMs >= budgetMs
  let attempts = 0
  while (attempts < limit && !isStopped()) {
    const due = await claim(deps.db, deps.now(), Math.min(atOnce, limit - attempts))
    if (due.length === 0) break
    attempts += due.length
    await Promise.all(
      due.map(async (delivery) => finish(deps.db, deps.now(), delivery, await attempt(deps, delivery))),
    )
  }
  return attempts
}

const at = (time: Date, plusMs = 0): SQL =>
  sql`${new Date(time.getTime() + plusMs).toISOString()}::timestamptz`

/** A resolution waits until the opening is delivered or given up. */
async function claim(db: Db, now: Date, limit: number): Promise<DueDelivery[]> {
  const ms = (time: SQL) => sql`(extract(epoch from ${time}) * 1000)::float8`
  const { rows } = await db.execute<DueDelivery>(sql`
    with claimed as (
      update alert_deliveries set lease_until = ${at(now, leaseMs)}, attempts = attempts + 1
      where id in (
        select d.id from alert_deliveries d
        where d.state = 'pending' and d.next_attempt_at <= ${at(now)}
          and (d.lease_until is null or d.lease_until <= ${at(now)})
          and (d.event = 'opened' or not exists (
            select from alert_deliveries o
            where o.incident_id = d.incident_id and o.channel_id = d.channel_id and o.event = 'opened'
              and o.state = 'pending'))
        order by d.next_attempt_at limit ${limit} for update of d skip locked)
      returning *
    )
    select d.id, d.user_id, d.event, d.attempts, ${ms(sql`d.started_at`)} as started_ms, d.channel_id,
      c.kind as channel_kind, c.target, u.email, d.incident_id, i.summary, i.link,
      ${ms(sql`i.opened_at`)} as opened_ms, ${ms(sql`i.resolved_at`)} as resolved_ms,
      r.id as rule_id, r.kind as rule_kind, r.parameters, w.name as workflow_name, n.name as instance_name,
      k.name as credential_name
    from claimed d
    join users u on u.id = d.user_id and u.deleted_at is null
    join alert_channels c on c.user_id = d.user_id and c.id = d.channel_id
    join alert_incidents i on i.user_id = d.user_id and i.id = d.incident_id
    join alert_rules r on r.user_id = d.user_id and r.id = i.rule_id
    left join workflows w on w.user_id = r.user_id and w.id = r.workflow_id
    left join instances n on n.user_id = r.user_id and n.id = r.instance_id
    left join credentials k on k.user_id = r.user_id and k.id = r.credential_id`)
  return rows
}

async function attempt(deps: DeliveryDeps, delivery: DueDelivery): Promise<SendResult> {
  const { channel_kind: kind, channel_id: channelId, user_id: userId, event, email } = delivery
  try {
    const target = delivery.target
      ? await openTarget(deps.secretBox, userId, channelId, delivery.target)
      : null
    const openedAt = new Date(delivery.opened_ms)
    const resolvedAt =
      event === 'resolved' && delivery.resolved_ms !== null ? new Date(delivery.resolved_ms) : null
    const sentence = ruleSentence({
      kind: delivery.rule_kind,
      parameters: delivery.parameters,
      workflowName: delivery.workflow_name,
      instanceName: delivery.instance_name,
      credentialName: delivery.credential_name,
    })
    return await sendMessage(
      { kind, target, email },
      {
        id: delivery.id,
        event,
        at: resolvedAt ?? openedAt,
        summary: delivery.summary,
        url: deps.urls.publicUrl + delivery.link,
        rule: { id: delivery.rule_id, kind: delivery.rule_kind, sentence },
        incident: { id: delivery.incident_id, openedAt, resolvedAt },
      },
      deps,
    )
  } catch (error) {
    if (error instanceof AppError) return { ok: false, detail: error.message }
    return { ok: false, detail: 'The message could not be created' }
  }
}

export async function openTarget(
  secretBox: SecretBox,
  userId: string,
  channelId: string,
  sealed: unknown,
): Promise<ChannelTarget> {
  return (await secretBox.open(channelContext(userId, channelId), sealed)) as ChannelTarget
}

/** Ignored if another server took the message over. */
async function finish(db: Db, now: Date, delivery: DueDelivery, result: SendResult): Promise<void> {
  const { id, attempts, started_ms: startedMs } = delivery
  const nextMs = result.ok ? 0 : deliveryWaitMs(attempts, result.retryAfterSeconds)
  const isOver = result.ok || result.isGone === true || now.getTime() + nextMs > startedMs + giveUpMs
  const state = result.ok ? 'delivered' : isOver ? 'failed' : 'pending'
  await db.execute(sql`
    update alert_deliveries set state = ${state}, lease_until = null,
      next_attempt_at = ${at(now, nextMs)},
      last_error = ${result.ok ? null : result.detail},
      delivered_at = ${result.ok ? at(now) : sql`null`}
    where id = ${id} and attempts = ${attempts} and state = 'pending'`)
}
