/** @module What is remembered of an instance's error reporter, and the lease under which it is set up. */
import { and, eq, isNull, lte, ne, or } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Db } from '../db/client.ts'
import { instances, webhookTokens } from '../db/schema/instances.ts'
import { AppError } from '../errors.ts'
import { newWebhookToken } from './webhook-token.ts'

/** Longer than any one step takes: it is renewed before each. */
const leaseMs = 60_000
/** A token that n8n may still be using when its successor is there. */
const overlapMs = 24 * 60 * 60 * 1000

export interface RememberedReporter {
  workflowId: string | null
  credentialId: string | null
  /** The credential holds a token that does not run out. */
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
    const [row] = await this.#db
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

  /** Null while another holds it, and when there is no such instance. */
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

/** Every method but `release` @throws {AppError} `instance-busy` when another has taken the lease over */
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

  /** To be called before each step that n8n would do twice. */
  async renew(): Promise<void> {
    const until = new Date(Math.max(this.#now().getTime() + leaseMs, this.#until.getTime() + 1))
    await this.#update({ reporterLeaseUntil: until })
    this.#until = until
  }

  /** A new token, valid from now on: n8n may have it before we hear that it does. */
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

  /** n8n has the credential with that token. Those that it had before, or may have had, run out. */
  async keepCredential(credentialId: string, tokenId: string): Promise<void> {
    await this.#update({ reporterCredentialId: credentialId, reporterTokenId: tokenId })
    const { id, userId } = this.#instance
    await this.#db
      .update(webhookTokens)
      .set({ expiresAt: new Date(this.#now().getTime() + overlapMs) })
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

  keepWorkflow(workflowId: string): Promise<void> {
    return this.#update({ reporterWorkflowId: workflowId })
  }

  /** n8n has neither any more; what the credential held is of no use from now on. */
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
    await this.#db.update(instances).set({ reporterLeaseUntil: null }).where(this.#held())
  }

  #held() {
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
      .where(this.#held())
      .returning({ id: instances.id })
    if (rows.length === 0) throw reporterBusy()
  }
}

export const reporterBusy = (): AppError =>
  new AppError('instance-busy', 'Another request is setting up the error reporter; try again', {
    retryAfterSeconds: 5,
  })
