/** @module The stored state of an instance's error reporter, and the lease for setting it up. */
import { and, eq, isNull, lte, ne, or } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Db } from '../db/client.ts'
import { instances, webhookTokens } from '../db/schema/instances.ts'
import { AppError } from '../errors.ts'
import { newWebhookToken, tokenOverlapMs } from './webhook-token.ts'

/** Longer than any single step: the lease is renewed before each. */
const leaseMs = 60_000

export interface RememberedReporter {
  workflowId: string | null
  credentialId: string | null
  /** The credential holds a token without an expiry. */
  isTokenCurrent: boolean
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
      .select({
        workflowId: instances.reporterWorkflowId,
        credentialId: instances.reporterCredentialId,
        tokenId: webhookTokens.id,
      })
      .from(instances)
      .leftJoin(
        webhookTokens,
        and(
          eq(webhookTokens.userId, instances.userId),
          eq(webhookTokens.instanceId, instances.id),
          eq(webhookTokens.id, instances.reporterTokenId),
          isNull(webhookTokens.expiresAt),
        ),
      )
      .where(and(eq(instances.userId, userId), eq(instances.id, id)))
    if (!row) return null
    const { tokenId, ...ids } = row
    return { ...ids, isTokenCurrent: tokenId !== null }
  }

  /** Null while another call holds the lease, or when the instance does not exist. */
  async lease(instance: Owned): Promise<ReporterLease | null> {
    const until = new Date(this.#now().getTime() + leaseMs)
    const free = or(isNull(instances.reporterLeaseUntil), lte(instances.reporterLeaseUntil, this.#now()))
    const rows = await this.#db
      .update(instances)
      .set({ reporterLeaseUntil: until })
      .where(and(eq(instances.userId, instance.userId), eq(instances.id, instance.id), free))
      .returning({ id: instances.id })
    return rows.length > 0 ? new ReporterLease(this.#db, this.#now, instance, until) : null
  }
}

/** Every method except `release` @throws {AppError} `instance-busy` when another call has taken the lease */
export class ReporterLease {
  readonly #db: Db
  readonly #now: () => Date
  readonly #instance: Owned
  #until: Date

  constructor(db: Db, now: () => Date, instance: Owned, until: Date) {
    this.#db = db
    this.#now = now
    this.#instance = instance
    this.#until = until
  }

  /** Call it before each step that must not run twice in n8n. */
  async renew(): Promise<void> {
    const until = new Date(Math.max(this.#now().getTime() + leaseMs, this.#until.getTime() + 1))
    await this.#update({ reporterLeaseUntil: until })
    this.#until = until
  }

  /** Creates a token that is valid immediately, because n8n may use it before its response arrives. */
  async mintToken(): Promise<{ id: string; token: string }> {
    await this.renew()
    const id = uuidv7()
    const { token, hash } = await newWebhookToken()
    const { id: instanceId, userId } = this.#instance
    await this.#db
      .insert(webhookTokens)
      .values({ id, userId, instanceId, label: 'reporter', hash, createdAt: this.#now() })
    return { id, token }
  }

  /** Stores the credential and its token, and lets all earlier reporter tokens expire. */
  async saveCredential(credentialId: string, tokenId: string): Promise<void> {
    await this.#update({ reporterCredentialId: credentialId, reporterTokenId: tokenId })
    const { id, userId } = this.#instance
    await this.#db
      .update(webhookTokens)
      .set({ expiresAt: new Date(this.#now().getTime() + tokenOverlapMs) })
      .where(
        and(
          eq(webhookTokens.userId, userId),
          eq(webhookTokens.instanceId, id),
          eq(webhookTokens.label, 'reporter'),
          ne(webhookTokens.id, tokenId),
          isNull(webhookTokens.expiresAt),
        ),
      )
  }

  saveWorkflow(workflowId: string): Promise<void> {
    return this.#update({ reporterWorkflowId: workflowId })
  }

  /** Clears the stored workflow and credential and deletes the reporter's tokens. */
  async forget(): Promise<void> {
    await this.#update({ reporterWorkflowId: null, reporterCredentialId: null, reporterTokenId: null })
    const { id, userId } = this.#instance
    await this.#db
      .delete(webhookTokens)
      .where(
        and(
          eq(webhookTokens.userId, userId),
          eq(webhookTokens.instanceId, id),
          eq(webhookTokens.label, 'reporter'),
        ),
      )
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
    if (rows.length === 0) throw reporterBusy()
  }
}

export const reporterBusy = (): AppError =>
  new AppError('instance-busy', 'Another request is setting up the error reporter. Try again', {
    retryAfterSeconds: 5,
  })
