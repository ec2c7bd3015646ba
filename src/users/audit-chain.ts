/**
 * @module Verifies audit trails. Each event has the hash of its content and of the hash before it; the scheduled job signs the
 * newest hash of each trail with a key that is not in the database. docs/audit.md describes the format.
 */
import { sql } from 'drizzle-orm'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { Db, Reader } from '../db/client.ts'
import { toHex } from '../lib/encoding.ts'
import { hourMs } from '../lib/time.ts'

/** A stored event with the columns that its hash covers, as text. */
export interface ChainedEvent {
  seq: number
  id: string
  at: string
  action: string
  subjectId: string | null
  actor: string | null
  tokenId: string | null
  approvalId: string | null
  sessionId: string | null
  requestId: string | null
  /** `[details, clientAddress, userAgent, tokenName]` as Postgres writes it; null after the account was deleted. */
  sealed: string | null
  salt: string | null
  /** Of `sealed` and `salt`, only after they were erased. */
  digest: string | null
  hash: string
}

export interface TrailReport {
  userId: string
  /** Verified events. */
  events: number
  /** The newest event that an anchor covers; 0 without one. */
  signedSeq: number
  /** Events that an earlier release stored and that are not chained yet. */
  unchained: number
  /** The first that was found. */
  problem: { seq: number; id: string | null; message: string } | null
}

const pageRows = 1000
/** The job signs every ten minutes; after this, it does not run or an anchor was removed. */
const unsignedMs = 24 * hourMs

const sha256 = async (text: string): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))

export async function hashOf(userId: string, previous: string, event: ChainedEvent): Promise<string> {
  const { seq, id, at, action, subjectId, actor, tokenId, approvalId, sessionId, requestId } = event
  const digest = event.digest ?? (await sha256(`${event.salt}\n${event.sealed}`))
  const origin = [subjectId, actor, tokenId, approvalId, sessionId, requestId]
  const lines = [previous, userId, seq, id, at, action, ...origin, digest]
  return sha256(lines.map((line) => line ?? '').join('\n'))
}

const signatureOf = (
  fingerprint: Fingerprint,
  userId: string,
  anchor: { seq: number; hash: string; at: string },
) => fingerprint('audit-anchor', [userId, anchor.seq, anchor.hash, anchor.at].join('\n'))

/** `timestamptz` as the hash and the signature contain it. */
const instantText = (column: string) =>
  sql.raw(`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`)

/** The accounts that have or had a trail. */
export async function trailOwners(db: Reader): Promise<string[]> {
  const { rows } = await db.execute<{ id: string }>(sql`
    select user_id as id from audit_heads union select user_id from audit_events
    union select user_id from erased_audit_events order by 1`)
  return rows.map(({ id }) => id)
}

interface Head extends Record<string, unknown> {
  seq: number
  hash: string
  droppedSeq: number
  droppedHash: string
  unchained: number
  anchors: { seq: number; hash: string; at: string; signature: string }[]
}

/** Reads the whole trail, a page at a time. Events that are added meanwhile are not verified. */
export async function verifyTrail(
  db: Reader,
  fingerprint: Fingerprint,
  userId: string,
  now: Date,
): Promise<TrailReport> {
  const { rows } = await db.execute<Head>(sql`
    select seq, hash, dropped_seq as "droppedSeq", dropped_hash as "droppedHash",
      (select count(*)::integer from audit_events e where e.user_id = h.user_id and e.hash is null) as unchained,
      (select coalesce(json_agg(json_build_object('seq', a.seq, 'hash', a.hash, 'signature', a.signature,
          'at', ${instantText('a.signed_at')}) order by a.seq), '[]')
        from audit_anchors a where a.user_id = h.user_id) as anchors
    from audit_heads h where user_id = ${userId}`)
  const [head] = rows
  const report: TrailReport = {
    userId,
    events: 0,
    signedSeq: 0,
    unchained: head?.unchained ?? 0,
    problem: null,
  }
  const broken = (seq: number, id: string | null, message: string): TrailReport => ({
    ...report,
    problem: { seq, id, message },
  })
  if (!head) return broken(1, null, 'The head of the trail is missing')
  const anchors = new Map(head.anchors.map((anchor) => [anchor.seq, anchor]))
  for (const anchor of head.anchors) {
    if (anchor.seq > head.seq)
      return broken(head.seq + 1, null, `Signed events ${head.seq + 1} to ${anchor.seq} are missing`)
    if ((await signatureOf(fingerprint, userId, anchor)) !== anchor.signature)
      return broken(anchor.seq, null, 'The signature is invalid: it was forged, or FINGERPRINT_KEY changed')
  }
  let seq = head.droppedSeq
  let previous = head.droppedHash
  let unsignedSince: string | null = null
  while (seq < head.seq) {
    const page = await readPage(db, userId, { after: seq, until: head.seq })
    for (const event of page) {
      const { id, hash } = event
      if (event.seq > seq + 1)
        return broken(
          seq + 1,
          null,
          event.seq === seq + 2
            ? `Event ${seq + 1} is missing`
            : `Events ${seq + 1} to ${event.seq - 1} are missing`,
        )
      if (event.seq <= seq) return broken(event.seq, id, 'Two events have this number')
      if ((await hashOf(userId, previous, event)) !== hash)
        return broken(event.seq, id, 'This event or the one before it was changed: the hash does not match')
      const anchor = anchors.get(event.seq)
      if (anchor && anchor.hash !== hash)
        return broken(event.seq, id, 'The trail was rewritten: its signed hash is different')
      unsignedSince ??= event.at
      if (anchor) {
        report.signedSeq = event.seq
        unsignedSince = null
      }
      report.events += 1
      seq = event.seq
      previous = hash
    }
    if (page.length === 0) return broken(seq + 1, null, `Events ${seq + 1} to ${head.seq} are missing`)
  }
  if (previous !== head.hash)
    return broken(seq, null, 'The hash of the head differs from the hash of the last event')
  if (unsignedSince !== null && now.getTime() - Date.parse(unsignedSince) > unsignedMs)
    return broken(
      report.signedSeq + 1,
      null,
      'Not signed for more than a day. Run the scheduled job. If it is running, a signature was removed',
    )
  const { rows: later } = await db.execute<{ id: string; seq: number }>(sql`
    select id, seq from audit_events where user_id = ${userId} and seq > ${head.seq}
      and not exists (select from audit_heads where user_id = ${userId} and seq > ${head.seq}) limit 1`)
  return later[0] ? broken(later[0].seq, later[0].id, 'The event is after the head of the trail') : report
}

async function readPage(
  db: Reader,
  userId: string,
  { after, until }: { after: number; until: number },
): Promise<ChainedEvent[]> {
  const common = sql`seq, id, ${instantText('created_at')} as at, action, subject_id as "subjectId", actor,
    token_id as "tokenId", approval_id as "approvalId", session_id as "sessionId", request_id as "requestId"`
  const range = sql`user_id = ${userId} and seq > ${after} and seq <= ${until}`
  const { rows } = await db.execute<ChainedEvent & Record<string, unknown>>(sql`
    (select ${common}, ${sealedText} as sealed, salt, null as digest, hash from audit_events where ${range}
      order by seq limit ${pageRows}::integer)
    union all
    (select ${common}, null, null, digest, hash from erased_audit_events where ${range} order by seq limit ${pageRows}::integer)
    order by 1 limit ${pageRows}::integer`)
  return rows
}

export const sealedText = sql.raw(
  'jsonb_build_array(audit_events.details, audit_events.client_address, audit_events.user_agent, audit_events.token_name)::text',
)

const signPauseMinutes = 10
const signedPerRun = 2000
const chainedPerRun = 20_000
const droppedPerRun = 5000

export interface TrailDeps {
  db: Db
  fingerprint: Fingerprint
  now: () => Date
  log: (level: 'error', event: string, fields: { userId: string }) => void
  config: { auditRetentionDays: number }
}

/**
 * A part of the scheduled job: chains what an earlier release stored, signs trails and deletes those of accounts that were
 * deleted long ago.
 * @returns how many trails it signed
 */
export async function maintainTrails({ db, fingerprint, now, log, config }: TrailDeps): Promise<number> {
  await db.batch([
    db.execute(sql`select start_audit_chains(${chainedPerRun}::integer)`),
    db.execute(
      sql`select drop_erased_audit_trails(${config.auditRetentionDays}::integer, ${droppedPerRun}::integer)`,
    ),
  ])
  const { signed, broken } = await signAuditHeads(db, fingerprint, now())
  for (const userId of broken) log('error', 'audit-trail-broken', { userId })
  return signed
}

/**
 * Signs the heads that changed since their last anchor, at most every ten minutes each. Never signs a trail that no longer
 * contains what was signed before.
 * @returns how many were signed, and the accounts whose trails are broken
 */
export async function signAuditHeads(
  db: Db,
  fingerprint: Fingerprint,
  now: Date,
): Promise<{ signed: number; broken: string[] }> {
  const at = now.toISOString()
  const { rows } = await db.read.execute<{ userId: string; seq: number; hash: string; isWhole: boolean }>(sql`
    select h.user_id as "userId", h.seq, h.hash,
      not exists (select from audit_anchors a where a.user_id = h.user_id and a.seq = h.signed_seq and a.seq > h.dropped_seq
        and not exists (select from audit_events e where e.user_id = a.user_id and e.seq = a.seq and e.hash = a.hash)
        and not exists (select from erased_audit_events e where e.user_id = a.user_id and e.seq = a.seq and e.hash = a.hash))
        as "isWhole"
    from audit_heads h
    where h.seq > h.signed_seq
      and (h.signed_at is null or h.signed_at < ${at}::timestamptz - make_interval(mins => ${signPauseMinutes}::integer))
    order by h.signed_at nulls first limit ${signedPerRun}::integer`)
  const whole = rows.filter(({ isWhole }) => isWhole)
  const broken = rows.filter(({ isWhole }) => !isWhole).map(({ userId }) => userId)
  const anchors = await Promise.all(
    whole.map(async ({ userId, seq, hash }) => ({
      user_id: userId,
      seq,
      hash,
      signature: await signatureOf(fingerprint, userId, { seq, hash, at }),
    })),
  )
  if (anchors.length === 0) return { signed: 0, broken }
  await db.execute(sql`
    with signed as (
      select * from jsonb_to_recordset(${JSON.stringify(anchors)}::jsonb) as a (user_id uuid, seq integer, hash text, signature text)
    ), anchored as (
      insert into audit_anchors (user_id, seq, hash, signed_at, signature)
      select user_id, seq, hash, ${at}::timestamptz, signature from signed on conflict do nothing
    ), expired as (
      delete from audit_anchors a using signed s where a.user_id = s.user_id and a.signed_at < ${at}::timestamptz - interval '400 days'
    )
    update audit_heads h set signed_seq = greatest(h.signed_seq, s.seq), signed_at = ${at}::timestamptz
    from signed s where h.user_id = s.user_id`)
  return { signed: anchors.length, broken }
}
