/** @module Stores approvals: at most one open one per request, used at most once. */
import { and, desc, eq, gt, inArray, lt, lte, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { currentToken } from '../db/actor.ts'
import { actorColumns, actorValues } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { lockOwner } from '../db/owner-lock.ts'
import { approvals } from '../db/schema/approvals.ts'
import type { ApprovalKind, Lendable } from '../http/approvable.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import { hourMs } from '../lib/time.ts'
import type { Approval } from './contract.ts'

/** How long a request waits for a person. */
export const pendingMs = 24 * hourMs
/** How long an approved request can be made. */
export const usableMs = hourMs
/** A request that repeats a used approval within this time is a retry, not another request. */
const retryMs = 60_000
export const maximumPending = 50
/** How many decided approvals are stored, in addition to denials that still apply. The oldest are deleted first. */
const maximumDecided = 500

export interface NewApproval {
  kind: ApprovalKind
  subjectId: string
  tokenName: string
  summary: string
  request: Record<string, unknown>
  details: Record<string, unknown>
  scopes: readonly Lendable[]
  requestHash: string
  hash: string
  planHash: string | null
}

export type Asked = Pick<Approval, 'id' | 'status' | 'expiresAt'>

/** Every method takes the owner first. */
export class ApprovalRepository {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /**
   * Marks the approval as used: the statement lets exactly one request through.
   * @returns whether this request may proceed
   */
  async use(userId: string, hash: string): Promise<boolean> {
    const at = sql`${this.#now().toISOString()}::timestamptz`
    const { rows } = await this.#db.execute(sql`
      with used as (
        update approvals set status = 'used', used_at = ${at}
        where user_id = ${userId} and token_id = ${currentToken()?.tokenId ?? null}::uuid
          and hash = ${hash} and status = 'approved' and expires_at > ${at}
        returning id, user_id, kind, summary
      )
      ${this.#audited('approval.used')} returning subject_id`)
    return rows.length > 0
  }

  /**
   * Asks once for the same request. Replaces an earlier approval of the request whose state has changed since.
   * @returns the approval of the request, which may be one that was denied or used before; null above the limit
   */
  async ask(userId: string, asked: NewApproval): Promise<Asked | null> {
    const token = currentToken()
    if (!token) return null
    const { kind, subjectId, tokenName, summary, request, details, scopes, requestHash, hash, planHash } =
      asked
    const now = this.#now()
    const at = sql`${now.toISOString()}::timestamptz`
    const own = sql`user_id = ${userId} and token_id = ${token.tokenId}`
    const [, , , , found] = await this.#db.batch([
      // One at a time, so that the limit holds.
      lockOwner(this.#db, userId),
      this.#expire(
        userId,
        sql`expires_at <= ${at} or (${own} and request_hash = ${requestHash} and hash <> ${hash})`,
      ),
      this.#db.execute(sql`
        with used as (
          insert into approvals (id, user_id, token_id, token_name, agent, kind, subject_id, summary, request, details,
            scopes, request_hash, hash, plan_hash, status, created_at, expires_at)
          select ${uuidv7()}::uuid, ${userId}::uuid, ${token.tokenId}::uuid, ${tokenName}, ${agentOf(token.agent)}::text,
            ${kind}, ${subjectId}::uuid, ${summary}, ${JSON.stringify(request)}::jsonb, ${JSON.stringify(details)}::jsonb,
            ${sql.param([...scopes])}::text[], ${requestHash}, ${hash}, ${planHash}::text, 'pending', ${at},
            ${new Date(now.getTime() + pendingMs).toISOString()}::timestamptz
          where (select count(*) from approvals where user_id = ${userId} and status = 'pending') < ${maximumPending}::integer
            and not exists (select from approvals where ${own} and hash = ${hash} and (
              (status = 'denied' and expires_at > ${at})
              or (status = 'used' and used_at > ${new Date(now.getTime() - retryMs).toISOString()}::timestamptz)))
          on conflict (user_id, token_id, hash) where status in ('pending', 'approved') do nothing
          returning id, user_id, kind, summary
        )
        ${this.#audited('approval.asked')}`),
      this.#db.execute(sql`
        delete from approvals where id in (
          select id from approvals where user_id = ${userId} and status not in ('pending', 'approved')
            and not (status = 'denied' and expires_at > ${at})
          order by id desc offset ${maximumDecided}::integer)`),
      this.#db.read
        .select({ id: approvals.id, status: approvals.status, expiresAt: approvals.expiresAt })
        .from(approvals)
        .where(
          and(eq(approvals.userId, userId), eq(approvals.tokenId, token.tokenId), eq(approvals.hash, hash)),
        )
        .orderBy(desc(approvals.id))
        .limit(1),
    ])
    const [row] = found
    const isOver =
      !row ||
      row.status === 'expired' ||
      (row.status === 'denied' && row.expiresAt.getTime() <= now.getTime())
    return isOver ? null : { ...row, expiresAt: row.expiresAt.toISOString() }
  }

  /**
   * Approves a pending one, or denies a pending or approved one.
   * @returns false when there is no such open approval
   */
  async decide(
    userId: string,
    id: string,
    decision: 'approved' | 'denied',
    sessionId: string,
  ): Promise<boolean> {
    const now = this.#now()
    const at = sql`${now.toISOString()}::timestamptz`
    const until = new Date(now.getTime() + usableMs).toISOString()
    const { rows } = await this.#db.execute(sql`
      with used as (
        update approvals set status = ${decision}, decided_at = ${at}, session_id = ${sessionId}::uuid,
          expires_at = case when ${decision} = 'approved' then ${until}::timestamptz
            else greatest(expires_at, created_at + make_interval(secs => ${pendingMs / 1000}::integer)) end
        where user_id = ${userId} and id = ${id} and expires_at > ${at}
          and (status = 'pending' or (status = 'approved' and ${decision} = 'denied'))
        returning id, user_id, kind, summary
      )
      ${this.#audited(decision === 'approved' ? 'approval.approved' : 'approval.denied')} returning subject_id`)
    return rows.length > 0
  }

  /** Marks the expired approvals of all users. @returns how many */
  async expireDue(limit: number): Promise<number> {
    const { rows } = await this.#expire(
      null,
      sql`id in (select id from approvals where status in ('pending', 'approved')
        and expires_at <= ${this.#now().toISOString()}::timestamptz limit ${limit}::integer)`,
    )
    return rows.length
  }

  async find(userId: string, id: string): Promise<Approval | null> {
    const [row] = await this.#db.read
      .select()
      .from(approvals)
      .where(and(this.#visible(userId), eq(approvals.id, id)))
    return row ? this.#toApproval(row) : null
  }

  /** Newest first. An access token sees only those that it asked for. */
  async list(
    userId: string,
    { status }: { status?: Approval['status'] | undefined },
    page: Page,
  ): Promise<Slice<Approval>> {
    const now = this.#now()
    const open = inArray(approvals.status, ['pending', 'approved'])
    const ofStatus =
      status === 'expired'
        ? sql`(${eq(approvals.status, 'expired')} or (${open} and ${lte(approvals.expiresAt, now)}))`
        : status === 'pending' || status === 'approved'
          ? and(eq(approvals.status, status), gt(approvals.expiresAt, now))
          : status && eq(approvals.status, status)
    const rows = await this.#db.read
      .select()
      .from(approvals)
      .where(
        and(this.#visible(userId), ofStatus, page.after === null ? undefined : lt(approvals.id, page.after)),
      )
      .orderBy(desc(approvals.id))
      .limit(page.limit + 1)
    return slice(
      rows.map((row) => this.#toApproval(row)),
      page.limit,
    )
  }

  #visible(userId: string): SQL | undefined {
    const token = currentToken()
    return and(eq(approvals.userId, userId), token && eq(approvals.tokenId, token.tokenId))
  }

  #expire(userId: string | null, condition: SQL) {
    return this.#db.execute(sql`
      with used as (
        update approvals set status = 'expired'
        where ${userId === null ? sql`` : sql`user_id = ${userId} and`} status in ('pending', 'approved') and (${condition})
        returning id, user_id, kind, summary
      )
      ${this.#audited('approval.expired')} returning subject_id`)
  }

  /** An event for each row of the CTE `used`. */
  #audited(action: `approval.${string}`) {
    return sql`insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select uuid_v7(), user_id, ${action}, id,
        jsonb_build_object('kind', kind, 'summary', summary), ${action === 'approval.expired' ? sql`null::uuid, null::text` : actorValues()}
      from used`
  }

  #toApproval(row: typeof approvals.$inferSelect): Approval {
    const { id, subjectId, summary, request, agent, planHash, sessionId, expiresAt } = row
    const isOpen = row.status === 'pending' || row.status === 'approved'
    return {
      id,
      kind: row.kind as ApprovalKind,
      summary,
      subjectId,
      request,
      details: currentToken() ? null : row.details,
      scopes: row.scopes as Lendable[],
      planHash,
      token: { id: row.tokenId, name: row.tokenName },
      agent,
      status: isOpen && expiresAt <= this.#now() ? 'expired' : row.status,
      createdAt: row.createdAt.toISOString(),
      expiresAt: expiresAt.toISOString(),
      decidedAt: row.decidedAt?.toISOString() ?? null,
      sessionId,
      usedAt: row.usedAt?.toISOString() ?? null,
    }
  }
}

const agentOf = (agent: string | undefined): string | null =>
  agent
    ?.replaceAll(/[^\x20-\x7e]/g, '')
    .slice(0, 200)
    .trim() || null
