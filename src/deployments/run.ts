/** @module Who works on a deployment: one run at a time, known by its lease, every step written down at once. */
import { and, asc, desc, eq, inArray, isNotNull, isNull, lte, ne, or, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import {
  type DeploymentIntent,
  deployments,
  deploymentVersions,
  type SlotBinding,
} from '../db/schema/deployments.ts'
import { workflowVersions } from '../db/schema/workflows.ts'
import { AppError } from '../errors.ts'
import type { JsonObject } from '../n8n/workflow-json.ts'
import { appendVersion, attributeRuns } from './version-history.ts'

const leaseMs = 60_000
/** A run whose lease is older asks for it again before a step calls n8n; one request takes 10 s at most, a step more. */
const freshMs = 15_000

const columns = {
  id: deployments.id,
  userId: deployments.userId,
  workflowId: deployments.workflowId,
  instanceId: deployments.instanceId,
  version: deployments.version,
  n8nWorkflowId: deployments.n8nWorkflowId,
  status: deployments.status,
  step: deployments.step,
  bindings: deployments.bindings,
  managed: deployments.managed,
  reportSuccess: deployments.reportSuccess,
  intent: deployments.intent,
  attempts: deployments.attempts,
  deployedHash: deployments.deployedHash,
  n8nVersionId: deployments.n8nVersionId,
  liveSince: deployments.liveSince,
  settingsBefore: deployments.settingsBefore,
  reportsErrors: deployments.reportsErrors,
}

export type RunRow = Pick<typeof deployments.$inferSelect, keyof typeof columns>

export type Progress = Partial<
  Pick<
    typeof deployments.$inferInsert,
    | ('step' | 'version' | 'n8nWorkflowId' | 'intent' | 'deployedHash' | 'n8nVersionId' | 'liveSince')
    | ('settingsBefore' | 'reportsErrors' | 'calls' | 'endpoints')
  >
>

export interface Outcome {
  status: 'active' | 'inactive' | 'undeployed'
  /** Why it was left unpublished. */
  reason?: string
  /** The version is to be in the history. */
  deployed: boolean
}

/** Another run has taken over: nothing may be written any more. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** The rest is done by a later run. */
export class LaterError extends Error {
  readonly waitMs: number
  readonly reason: string | null
  /** The wait is our own back-off: the owner may end it early. */
  readonly backsOff: boolean

  constructor(waitMs: number, reason: string | null, { backsOff = false } = {}) {
    super()
    this.waitMs = waitMs
    this.reason = reason
    this.backsOff = backsOff
  }
}

/** The deployments that something is to be brought about for. Owner first. */
export class DeploymentRuns {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  async find(userId: string, id: string): Promise<RunRow | null> {
    const [row] = await this.#db.select(columns).from(deployments).where(owned(userId, id))
    return row ?? null
  }

  /** The version as it was last deployed by this deployment. Null when it never was. */
  async history(
    userId: string,
    id: string,
    version: number,
  ): Promise<{ bindings: SlotBinding[] | null; content: JsonObject } | null> {
    const [row] = await this.#db
      .select({ bindings: deploymentVersions.bindings, content: workflowVersions.data })
      .from(deploymentVersions)
      .innerJoin(deployments, eq(deployments.id, deploymentVersions.deploymentId))
      .innerJoin(
        workflowVersions,
        and(eq(workflowVersions.workflowId, deployments.workflowId), eq(workflowVersions.version, version)),
      )
      .where(
        and(
          owned(userId, id),
          eq(deploymentVersions.userId, userId),
          eq(deploymentVersions.version, version),
        ),
      )
      .orderBy(desc(deploymentVersions.sequence))
      .limit(1)
    return row ?? null
  }

  /**
   * Sets what is to be brought about and begins with it, unless a run is under way or n8n has asked to wait.
   * @returns null when it cannot begin now
   * @throws {AppError} `deployment-exists` when another deployment of the workflow is on the instance by now
   */
  async begin(
    row: RunRow,
    intent: DeploymentIntent,
    wanted: { bindings?: SlotBinding[]; reportSuccess?: boolean },
  ): Promise<Run | null> {
    // What an earlier intent has left to be deleted is not forgotten.
    const replaced = row.intent?.replacedCredentialIds
    const change = {
      intent: replaced ? { ...intent, replacedCredentialIds: replaced } : intent,
      ...wanted,
      step: null,
      attempts: 1,
    }
    const unchanged = and(eq(deployments.status, row.status), eq(deployments.version, row.version))
    return this.#claim(row.userId, row.id, change, and(unchanged, this.#free())).catch(exists)
  }

  /** Takes up what is to be brought about; null when there is nothing, or not now. `afresh`: the owner asks for it. */
  async resume(userId: string, id: string, { afresh = false } = {}): Promise<Run | null> {
    const attempts = afresh ? 1 : sql`${deployments.attempts} + 1`
    const free = afresh ? this.#free() : this.#unleased()
    return this.#claim(userId, id, { attempts }, and(isNotNull(deployments.intent), free))
  }

  /** What waits for a run, longest first. What has failed waits for its owner. */
  async due(limit: number): Promise<{ userId: string; id: string }[]> {
    return this.#db
      .select({ userId: deployments.userId, id: deployments.id })
      .from(deployments)
      .where(
        and(
          isNotNull(deployments.intent),
          inArray(deployments.status, ['pending', 'deploying']),
          this.#unleased(),
        ),
      )
      .orderBy(sql`${asc(deployments.leaseUntil)} nulls first`, asc(deployments.id))
      .limit(limit)
  }

  async #claim(
    userId: string,
    id: string,
    change: Record<string, unknown>,
    condition: SQL | undefined,
  ): Promise<Run | null> {
    const owner = uuidv7()
    const [row] = await this.#db
      .update(deployments)
      .set({ ...change, status: 'deploying', error: null, leaseOwner: owner, leaseUntil: this.#leaseEnd() })
      .where(and(owned(userId, id), condition))
      .returning(columns)
    return row?.intent ? new Run(this.#db, this.#now, owner, { ...row, intent: row.intent }) : null
  }

  #unleased() {
    return or(isNull(deployments.leaseUntil), lte(deployments.leaseUntil, this.#now()))
  }

  /** As `#unleased`, or only waiting for its next attempt. */
  #free() {
    return or(
      this.#unleased(),
      sql`${deployments.intent} @> '{"backsOff":true}' and ${deployments.leaseOwner} is null`,
    )
  }

  #leaseEnd(): Date {
    return new Date(this.#now().getTime() + leaseMs)
  }
}

/** One run. Every write holds only while the lease is its own. */
export class Run {
  row: RunRow & { intent: DeploymentIntent }
  readonly #db: Db
  readonly #now: () => Date
  readonly #owner: string
  #leasedAtMs: number

  constructor(db: Db, now: () => Date, owner: string, row: Run['row']) {
    this.#db = db
    this.#now = now
    this.#owner = owner
    this.row = row
    this.#leasedAtMs = now().getTime()
  }

  /** @throws {LeaseLostError} */
  async save(change: Progress): Promise<void> {
    const at = this.#now().getTime()
    const [row] = await this.#db
      .update(deployments)
      .set({ ...change, leaseUntil: new Date(at + leaseMs) })
      .where(this.#own())
      .returning(columns)
    if (!row?.intent) throw new LeaseLostError()
    this.row = { ...row, intent: row.intent }
    this.#leasedAtMs = at
  }

  /** Before a call to n8n. @throws {LeaseLostError} */
  async keepLease(): Promise<void> {
    if (this.#now().getTime() - this.#leasedAtMs >= freshMs) await this.save({})
  }

  /** Leaves the rest to a later run. */
  async reschedule({ waitMs, reason, backsOff }: LaterError): Promise<void> {
    const leaseUntil = new Date(this.#now().getTime() + waitMs)
    const { backsOff: _, ...intent } = this.row.intent
    const step = this.row.step ?? 'connect'
    await this.#release({
      leaseUntil,
      error: reason,
      step,
      intent: backsOff ? { ...intent, backsOff } : intent,
    })
  }

  /** Stops where it is: the intent stays for a retry. */
  async fail(reason: string): Promise<void> {
    const step = this.row.step ?? 'connect'
    await this.#release({ status: 'failed', step, error: reason, leaseUntil: null })
  }

  async finish({ status, reason, deployed }: Outcome): Promise<void> {
    const now = this.#now().toISOString()
    const { userId, id } = this.row
    const details = JSON.stringify({ action: this.row.intent.action, status })
    const { rows } = await this.#db.execute(sql`
      with done as (
        update deployments set status = ${status}, step = null, error = ${reason ?? null}, intent = null,
          lease_owner = null, lease_until = null, attempts = 0,
          live_since = case when ${status} = 'active' then coalesce(live_since, ${now}::timestamptz) end
        where user_id = ${userId} and id = ${id} and lease_owner = ${this.#owner}
        returning id, user_id, version, bindings, n8n_version_id
      ), appended as (${appendVersion(sql`select * from done where ${deployed}`, now)})
      insert into audit_events (id, user_id, action, subject_id, details)
      select ${uuidv7()}, user_id, 'deployment.finished', id, ${details}::jsonb from done
      returning subject_id`)
    if (rows.length === 0) throw new LeaseLostError()
  }

  /**
   * Records that n8n runs `version` from now on, before it is known whether its triggers start. What has run of it
   * already is attributed to it.
   */
  async goLive(version: number, n8nVersionId: string | null, endpoints: string[]): Promise<void> {
    const { userId, id } = this.row
    await this.save({ version, n8nVersionId, liveSince: null, endpoints })
    await this.#db.execute(
      appendVersion(
        sql`select id, user_id, version, bindings, n8n_version_id from deployments
          where user_id = ${userId} and id = ${id} and lease_owner = ${this.#owner}`,
        this.#now().toISOString(),
      ),
    )
    if (n8nVersionId !== null) await attributeRuns(this.#db, id, n8nVersionId)
  }

  /** Nothing else is deployed on the instance, is to be, or is tracked there. */
  async isLast(): Promise<boolean> {
    const { userId, instanceId, id } = this.row
    const [other] = await this.#db
      .select({ id: deployments.id })
      .from(deployments)
      .where(
        and(
          eq(deployments.userId, userId),
          eq(deployments.instanceId, instanceId),
          ne(deployments.id, id),
          ne(deployments.status, 'undeployed'),
        ),
      )
      .limit(1)
    return other === undefined
  }

  async #release(change: Partial<typeof deployments.$inferInsert>) {
    const released = await this.#db
      .update(deployments)
      .set({ ...change, leaseOwner: null })
      .where(this.#own())
      .returning({ id: deployments.id })
    if (released.length === 0) throw new LeaseLostError()
  }

  #own() {
    return and(owned(this.row.userId, this.row.id), eq(deployments.leaseOwner, this.#owner))
  }
}

const owned = (userId: string, id: string) => and(eq(deployments.userId, userId), eq(deployments.id, id))

function exists(error: unknown): never {
  if (databaseError(error).constraint === 'deployments_live_key') {
    throw new AppError('deployment-exists', 'Another deployment of this workflow is on this instance')
  }
  throw error
}
