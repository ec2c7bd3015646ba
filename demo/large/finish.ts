/** @module Adds the state that only time and a live n8n produce: creation times, polling state, credentials in n8n. */
import type { Deps } from '../../src/deps.ts'
import type { Timeline } from './timeline.ts'
import { servers } from './fixtures.ts'
import { Random } from './random.ts'
import { dayMs } from './traffic.ts'

interface SeededAccount {
  userId: string
  nowMs: number
  /** Time of the audit events with a later ID, up to the next entry. */
  moments: { id: string; atMs: number }[]
  timeline: Timeline
}

const iso = (ms: number): string => new Date(ms).toISOString()

export async function finish(deps: Deps, { userId, nowMs, moments, timeline }: SeededAccount): Promise<void> {
  const sql = deps.db.$client
  for (const { key, test, lagSeconds, pollFailures } of servers) {
    const id = timeline.servers.get(key) ?? ''
    const testedAt = iso(nowMs - 9 * 60_000)
    await deps.instances.recordTest(userId, id, 1, { ...test, testedAt })
    const readAtMs = nowMs - lagSeconds * 1000
    // The n8n servers do not exist. Prevents the scheduled job from marking them unreachable during the demo.
    await sql`update instances set last_polled_at = ${iso(pollFailures > 0 ? nowMs - 41_000 : readAtMs)}, polled_through = ${iso(readAtMs)},
      poll_failures = ${pollFailures}, next_poll_at = ${iso(nowMs + 365 * dayMs)},
      reporter_workflow_id = ${new Random(key).hex(16)} where user_id = ${userId} and id = ${id}`
  }
  await sql`update deployments set lease_until = ${iso(nowMs + 365 * dayMs)} where user_id = ${userId} and status = 'pending'`
  // Prevents drift checks for the same reason, and marks one deployment as drifted.
  await sql`update deployments d set drift_checked_at = ${iso(nowMs + 365 * dayMs)},
      drifted_since = case when w.name = 'Deal desk alerts' then ${iso(nowMs - dayMs / 5)}::timestamptz end
    from workflows w where d.user_id = ${userId} and w.id = d.workflow_id and d.status in ('active', 'inactive', 'tracking')`
  await pushed(deps, userId, nowMs)
  await backdate(deps, { userId, moments, timeline })
}

/** Records a copy in n8n for every bound credential. */
async function pushed({ db, credentials, deployer }: Deps, userId: string, nowMs: number): Promise<void> {
  const sql = db.$client
  const bound = await sql`
    select distinct d.instance_id, b ->> 'credentialId' as credential_id
    from deployments d cross join jsonb_array_elements(d.bindings) b
    where d.user_id = ${userId} and d.status <> 'pending' and d.status <> 'undeployed'`
  const random = new Random('remote credentials')
  for (const { instance_id: instanceId, credential_id: credentialId } of bound) {
    const opened = await credentials.open(userId, String(credentialId))
    if (!opened) continue
    const fingerprint = await deployer.remoteCredentials.fingerprintOf(opened)
    await sql`insert into remote_credentials (instance_id, credential_id, user_id, n8n_credential_id, fingerprint, pushed_at)
      values (${instanceId}, ${credentialId}, ${userId}, ${random.hex(16)}, ${fingerprint}, ${iso(nowMs - random.between(5, 50) * dayMs)})`
  }
}

/**
 * Moves creation and change times into the past. In one transaction without triggers, because the database sets these
 * times itself.
 */
async function backdate(
  { db }: Deps,
  { userId, moments, timeline }: Omit<SeededAccount, 'nowMs'>,
): Promise<void> {
  const sql = db.$client
  const tables = ['workflows', 'credentials', 'deployments', 'instances']
  const versions = JSON.stringify(timeline.versions.map((each) => ({ ...each, atMs: iso(each.atMs) })))
  const made = JSON.stringify(
    [...timeline.credentials.values()].map(({ id, madeAtMs }) => ({ id, at: iso(madeAtMs) })),
  )
  const momentsJson = JSON.stringify(moments.map(({ id, atMs }) => ({ id, at: iso(atMs) })))
  await sql.transaction([
    ...tables.map((table) => sql.query(`alter table ${table} disable trigger ${table}_updated_at`)),
    sql`alter table audit_events disable trigger audit_events_protect`,
    sql`update audit_events e set seq = null, salt = null, hash = null, created_at = (
        select m.at from jsonb_to_recordset(${momentsJson}::jsonb) m (id uuid, at timestamptz)
        where m.id < e.id order by m.id desc limit 1)
      where e.user_id = ${userId}`,
    sql`alter table audit_events enable trigger audit_events_protect`,
    sql`delete from audit_anchors where user_id = ${userId}`,
    sql`delete from audit_heads where user_id = ${userId}`,
    sql`select start_audit_chain(${userId})`,
    sql`update workflow_versions v set created_at = m."atMs"
      from jsonb_to_recordset(${versions}::jsonb) m ("workflowId" uuid, version integer, "atMs" timestamptz)
      where v.user_id = ${userId} and v.workflow_id = m."workflowId" and v.version = m.version`,
    sql`update workflows w set updated_at = (select max(v.created_at) from workflow_versions v where v.workflow_id = w.id)
      where w.user_id = ${userId}`,
    sql`update credentials c set created_at = m.at, updated_at = m.at
      from jsonb_to_recordset(${made}::jsonb) m (id uuid, at timestamptz)
      where c.user_id = ${userId} and c.id = m.id`,
    sql`update deployments d set updated_at = coalesce(
        (select max(e.created_at) from audit_events e where e.user_id = d.user_id and e.subject_id = d.id), d.created_at)
      where d.user_id = ${userId}`,
    sql`update instances set updated_at = created_at where user_id = ${userId}`,
    ...tables.map((table) => sql.query(`alter table ${table} enable trigger ${table}_updated_at`)),
  ])
}
