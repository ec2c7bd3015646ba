/** @module The stored state of an instance's error reporter and OpenTelemetry, and the lease for setting them up. */
import { and, eq, isNull, lte, or, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { instances } from '../db/schema/instances.ts'
import { AppError } from '../errors.ts'
import { newWebhookToken, tokenOverlapMs } from './webhook-token.ts'

/** Longer than any single step: the lease is renewed before each. */
const leaseMs = 60_000

/** The label of the reporter's tokens. */
const label = 'reporter'
/** The label of the tokens that n8n sends traces with. */
const otelLabel = 'otel'

/** Whether a column of `instances` names a webhook token without an expiry. */
export const isTokenCurrent = (column: 'reporter_token_id' | 'otel_token_id') => sql<boolean>`exists (
    select 1 from webhook_tokens t where t.user_id = instances.user_id and t.instance_id = instances.id
      and t.id = instances.${sql.raw(column)} and t.expires_at is null
  )`

/** What is stored of the reporter, in a select or `returning` of `instances`. */
export const reporterColumns = {
  workflowId: instances.reporterWorkflowId,
  credentialId: instances.reporterCredentialId,
  isTokenCurrent: isTokenCurrent('reporter_token_id'),
  otelTokenId: instances.otelTokenId,
  otelPrevious: instances.otelPrevious,
}

export interface RememberedReporter {
  workflowId: string | null
  credentialId: string | null
  /** The credential holds a token without an expiry. */
  isTokenCurrent: boolean
  /** Null unless n8n sends traces. */
  otelTokenId: string | null
  otelPrevious: Record<string, unknown> | null
}

export interface Owned {
  id: string
  userId: string
}

export class ReporterState {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /** Null when there is no such instance. */
  async read({ id, userId }: Owned): Promise<RememberedReporter | null> {
    const [row] = await this.#db.read
      .select(reporterColumns)
      .from(instances)
      .where(and(eq(instances.userId, userId), eq(instances.id, id)))
    return row ?? null
  }

  /** Null while another call holds the lease, or when the instance does not exist. */
  async lease(instance: Owned): Promise<ReporterLease | null> {
    const until = new Date(this.#now().getTime() + leaseMs)
    const free = or(isNull(instances.reporterLeaseUntil), lte(instances.reporterLeaseUntil, this.#now()))
    const [remembered] = await this.#db
      .update(instances)
      .set({ reporterLeaseUntil: until })
      .where(and(eq(instances.userId, instance.userId), eq(instances.id, instance.id), free))
      .returning(reporterColumns)
    return remembered ? new ReporterLease(this.#db, this.#now, instance, until, remembered) : null
  }
}

/** Every method except `release` @throws {AppError} `instance-busy` when another call has taken the lease */
export class ReporterLease {
  /** What was stored when the lease began. */
  readonly remembered: RememberedReporter
  readonly #db: Db
  readonly #now: () => Date
  readonly #instance: Owned
  #until: Date

  constructor(db: Db, now: () => Date, instance: Owned, until: Date, remembered: RememberedReporter) {
    this.remembered = remembered
    this.#db = db
    this.#now = now
    this.#instance = instance
    this.#until = until
  }

  /** Call it before each step that must not run twice in n8n. */
  async renew(): Promise<void> {
    const until = this.#nextUntil()
    await this.#update({ reporterLeaseUntil: until })
    this.#until = until
  }

  #nextUntil(): Date {
    return new Date(Math.max(this.#now().getTime() + leaseMs, this.#until.getTime() + 1))
  }

  /** Renews the lease and creates a token that is valid immediately, because n8n may use it before its response arrives. */
  async mintToken(name: typeof label | typeof otelLabel = label): Promise<{ id: string; token: string }> {
    const until = this.#nextUntil()
    const id = uuidv7()
    const { token, hash } = await newWebhookToken()
    await this.#write(sql`
      with renewed as (
        update instances set reporter_lease_until = ${until.toISOString()}::timestamptz
        where ${this.#ownsLease()} returning user_id, id
      )
      insert into webhook_tokens (id, user_id, instance_id, label, hash, created_at)
      select ${id}, user_id, id, ${name}, ${hash}, ${this.#now().toISOString()}::timestamptz from renewed
      returning id`)
    this.#until = until
    return { id, token }
  }

  /** Stores the credential and its token, and lets all earlier reporter tokens expire. */
  async saveCredential(credentialId: string, tokenId: string): Promise<void> {
    const expiresAt = new Date(this.#now().getTime() + tokenOverlapMs).toISOString()
    await this.#write(sql`
      with saved as (
        update instances set reporter_credential_id = ${credentialId}, reporter_token_id = ${tokenId}
        where ${this.#ownsLease()} returning user_id, id
      ), expired as (
        update webhook_tokens t set expires_at = ${expiresAt}::timestamptz from saved
        where t.user_id = saved.user_id and t.instance_id = saved.id and t.label = ${label}
          and t.id <> ${tokenId} and t.expires_at is null
      )
      select id from saved`)
  }

  /** Deletes a token that n8n does not use. */
  async dropToken(id: string): Promise<void> {
    await this.#db.execute(sql`
      delete from webhook_tokens
      where user_id = ${this.#instance.userId} and instance_id = ${this.#instance.id} and id = ${id}`)
  }

  /** Stores n8n's earlier settings before they change. */
  rememberOtel(previous: Record<string, unknown>): Promise<void> {
    return this.#update({ otelPrevious: previous })
  }

  /** Stores the token that n8n sends traces with, and lets earlier ones expire. */
  async saveOtel(tokenId: string, details: Record<string, unknown>): Promise<void> {
    const expiresAt = new Date(this.#now().getTime() + tokenOverlapMs).toISOString()
    await this.#write(sql`
      with saved as (
        update instances set otel_token_id = ${tokenId}
        where ${this.#ownsLease()} returning user_id, id
      ), expired as (
        update webhook_tokens t set expires_at = ${expiresAt}::timestamptz from saved
        where t.user_id = saved.user_id and t.instance_id = saved.id and t.label = ${otelLabel}
          and t.id <> ${tokenId} and t.expires_at is null
      ), audited as (
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}, user_id, 'instance.otel-set-up', id, ${JSON.stringify(details)}::jsonb, ${actorValues()} from saved
      )
      select id from saved`)
  }

  /** Forgets n8n's earlier settings and deletes the tokens. */
  async forgetOtel(): Promise<void> {
    await this.#write(sql`
      with forgotten as (
        update instances set otel_token_id = null, otel_previous = null
        where ${this.#ownsLease()} returning user_id, id
      ), deleted as (
        delete from webhook_tokens t using forgotten
        where t.user_id = forgotten.user_id and t.instance_id = forgotten.id and t.label = ${otelLabel}
      ), audited as (
        insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
        select ${uuidv7()}, user_id, 'instance.otel-removed', id, ${actorValues()} from forgotten
      )
      select id from forgotten`)
  }

  /** Stores the workflow of a reporter that was set up or repaired. */
  async saveWorkflow(workflowId: string): Promise<void> {
    await this.#write(sql`
      with saved as (
        update instances set reporter_workflow_id = ${workflowId} where ${this.#ownsLease()} returning user_id, id
      ), audited as (
        insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
        select ${uuidv7()}, user_id, 'instance.reporter-set-up', id, ${actorValues()} from saved
      )
      select id from saved`)
  }

  /** Clears the stored workflow and credential and deletes the reporter's tokens. */
  async forget(): Promise<void> {
    await this.#write(sql`
      with forgotten as (
        update instances set reporter_workflow_id = null, reporter_credential_id = null, reporter_token_id = null
        where ${this.#ownsLease()} returning user_id, id
      ), deleted as (
        delete from webhook_tokens t using forgotten
        where t.user_id = forgotten.user_id and t.instance_id = forgotten.id and t.label = ${label}
      ), audited as (
        insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
        select ${uuidv7()}, user_id, 'instance.reporter-removed', id, ${actorValues()} from forgotten
      )
      select id from forgotten`)
  }

  async release(): Promise<void> {
    await this.#db.update(instances).set({ reporterLeaseUntil: null }).where(this.#ownsLease())
  }

  #ownsLease() {
    const { id, userId } = this.#instance
    return and(
      eq(instances.userId, userId),
      eq(instances.id, id),
      eq(instances.reporterLeaseUntil, this.#until),
    )
  }

  async #update(change: Partial<typeof instances.$inferInsert>): Promise<void> {
    const rows = await this.#db
      .update(instances)
      .set(change)
      .where(this.#ownsLease())
      .returning({ id: instances.id })
    requireLease(rows)
  }

  /** @param statement that returns no row unless this call holds the lease */
  async #write(statement: SQL): Promise<void> {
    requireLease((await this.#db.execute(statement)).rows)
  }
}

function requireLease(rows: unknown[]): void {
  if (rows.length === 0) throw setupBusy()
}

export const setupBusy = (): AppError =>
  new AppError('instance-busy', 'Another request is setting up this instance in n8n. Try again', {
    retryAfterSeconds: 5,
  })
