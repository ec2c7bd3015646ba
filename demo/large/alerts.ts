/** @module Adds alert rules with open incidents, and channels with sent messages. */
import { evaluateRules } from '../../src/alerts/evaluate.ts'
import type { Deps } from '../../src/deps.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export async function addAlertRules({ alerts }: Deps, userId: string, nowMs: number): Promise<void> {
  const channel = (kind: 'slack' | 'webhook', name: string, url: string) =>
    alerts.createChannel(userId, { kind, name, url })
  const onCall = await channel('slack', '#ops-alerts', 'https://hooks.northwind.example/services/ops-alerts')
  const desk = await channel('webhook', 'Incident desk', 'https://incidents.northwind.example/flowkeep')
  const both = [onCall.id, desk.id]
  await alerts.createRule(userId, { kind: 'error-rate', channelIds: both })
  await alerts.createRule(userId, { kind: 'credential-rejected', channelIds: both })
  await alerts.createRule(userId, { kind: 'drift', channelIds: [onCall.id] })
  const unreachable = await alerts.createRule(userId, { kind: 'instance-unreachable', channelIds: both })
  await alerts.updateRule(userId, unreachable.id, { mutedUntil: new Date(nowMs + 20 * hourMs) }, null)
}

/** Opens the incidents. Call after the statistics are rolled up. Sends nothing. */
export async function openIncidents({ db }: Deps, userId: string, nowMs: number): Promise<void> {
  await evaluateRules(db, new Date(nowMs), 10)
  const sql = db.$client
  await sql`update alert_incidents i
    set opened_at = opened_at - (7 + 23 * n) * interval '1 minute'
    from (select id, row_number() over (order by id desc) as n from alert_incidents where user_id = ${userId}) numbered
    where i.id = numbered.id`
  // The channels do not exist, so no message may stay due.
  await sql`update alert_deliveries d
    set state = case when n = 2 then 'failed' else 'delivered' end, attempts = case when n = 2 then 9 else 1 end,
      last_error = case when n = 2 then 'The server responded with 410' end,
      delivered_at = case when n <> 2 then i.opened_at + interval '4 seconds' end, started_at = i.opened_at
    from alert_incidents i, (
      select id, row_number() over (order by id) as n from alert_deliveries where user_id = ${userId}) numbered
    where d.user_id = ${userId} and d.state = 'pending' and i.id = d.incident_id and numbered.id = d.id`
}
