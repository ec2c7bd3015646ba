/** @module Runs that work on a deployment: one at a time, identified by a lease. Each step is saved immediately. */
import type { JsonObject } from '../../lib/json-object.ts'
import { and, asc, desc, eq, inArray, isNotNull, isNull, lte, ne, or, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../../db/audit.ts'
import type { Db } from '../../db/client.ts'
import { databaseError } from '../../db/errors.ts'
import {
  type DeploymentIntent,
  deployments,
  deploymentVersions,
  type SlotBinding,
} from '../../db/schema/deployments.ts'
import { instances, isProduction } from '../../db/schema/instances.ts'
import { workflows, workflowVersions } from '../../db/schema/workflows.ts'
import { AppError } from '../../errors.ts'
import { redactStrings } from '../../lib/secrets/redact-json.ts'
import type { NamedDeployment } from '../permission.ts'
import type { Forced } from '../plan/publish-guard.ts'
import { appendVersion, attributeRuns, attributeSome, isMore } from '../version-history.ts'

const leaseMs = 60_000
/** An older lease is renewed before a step calls n8n. One request takes at most 10 s, a step longer. */
const freshMs = 15_000
/** n8n has received every request of an interrupted run by then. */
const cleanUpMs = 5 * 60_000

/** What a run needs to know of its deployment. */
export const runColumns = {
  id: deployments.id,
  userId: deployments.userId,
  workflowId: deployments.workflowId,
  instanceId: deployments.instanceId,
  version: deployments.version,
  n8nWorkflowId: deployments.n8nWorkflowId,
  status: deployments.status,
  step: deployments.step,
  bindings: deployments.bindings,
  variables: deployments.variables,
  managed: deployments.managed,
  reportSuccess: deployments.reportSuccess,
  intent: deployments.intent,
  attempts: deployments.attempts,
  deployedHash: deployments.deployedHash,
  n8nVersionId: deployments.n8nVersionId,
  liveSince: deployments.liveSince,
  settingsBefore: deployments.settingsBefore,
  reportsErrors: deployments.reportsErrors,
  isProduction: sql<boolean>`(select ${isProduction} from instances where instances.id = ${deployments.instanceId})`,
}

export type RunRow = Pick<
  typeof deployments.$inferSelect,
  Exclude<keyof typeof runColumns, 'isProduction'>
> & {
  /** Of the instance. */
  isProduction: boolean
}

export type Progress = Partial<
  Pick<
    typeof deployments.$inferInsert,
    | ('version' | 'n8nWorkflowId' | 'intent' | 'deployedHash' | 'n8nVersionId' | 'liveSince')
    | ('settingsBefore' | 'reportsErrors' | 'calls' | 'endpoints' | 'variables')
  >
>

export interface Outcome {
  status: 'active' | 'inactive' | 'undeployed'
  /** Why it was not published. */
  reason?: string
  /** Whether to add the version to the history. */
  deployed: boolean
}

/** Another run has taken the lease, so this one must not write anything. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** A later run continues. */
export class RetryLaterError extends Error {
  readonly waitMs: number
  readonly reason: string | null
  /** The wait is our own back-off, which the user may skip. */
  readonly backsOff: boolean

  constructor(waitMs: number, reason: string | null, { backsOff = false } = {}) {
    super()
    this.waitMs = waitMs
    this.reason = reason
    this.backsOff = backsOff
  }
}

/** Starts, resumes and lists runs. Every method except `due` takes the owner first. */
export class DeploymentRuns {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  async find(userId: string, id: string): Promise<RunRow | null> {
    const [row] = await this.#db.read.select(runColumns).from(deployments).where(owned(userId, id))
    return row ?? null
  }

  /** Names of what the deployment connects, with its state. */
  async named(userId: string, id: string): Promise<NamedDeployment | null> {
    const [row] = await this.#db.read
      .select({
        workflowName: workflows.name,
        instanceName: instances.name,
        isProduction,
        version: deployments.version,
        status: deployments.status,
        intent: deployments.intent,
        n8nWorkflowId: deployments.n8nWorkflowId,
      })
      .from(deployments)
      .innerJoin(workflows, eq(workflows.id, deployments.workflowId))
      .innerJoin(instances, eq(instances.id, deployments.instanceId))
      .where(owned(userId, id))
    return row ?? null
  }

  /** The last time this deployment deployed the version. Null when it never did. */
  async history(
    userId: string,
    id: string,
    version: number,
  ): Promise<{ bindings: SlotBinding[] | null; content: JsonObject } | null> {
    const [row] = await this.#db.read
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
   * Saves the intent and starts a run, unless a run is in progress or n8n asked to wait.
   * @returns null when it cannot start now
   * @throws {AppError} `deployment-exists` when another deployment of the workflow is on the instance now
   */
  async begin(
    row: RunRow,
    intent: DeploymentIntent,
    wanted: { bindings?: SlotBinding[]; reportSuccess?: boolean },
    forced?: Forced,
  ): Promise<Run | null> {
    // Carries over the credentials that an earlier intent still has to delete.
    const replaced = row.intent?.replacedCredentialIds
    const isLive = ['active', 'inactive', 'tracking'].includes(row.status)
    const change = {
      intent: {
        ...intent,
        ...(isLive && intent.action === 'deploy' && { from: row.version }),
        ...(replaced && { replacedCredentialIds: replaced }),
      },
      ...wanted,
      step: null,
      attempts: 1,
    }
    const unchanged = and(eq(deployments.status, row.status), eq(deployments.version, row.version))
    return this.#claim(
      row.userId,
      row.id,
      change,
      and(unchanged, this.#free()),
      forced && { version: intent.version ?? row.version, ...forced },
    ).catch(exists)
  }

  /** Resumes the intent; null when there is none or it cannot start now. `afresh`: requested by the user. */
  async resume(userId: string, id: string, { afresh = false } = {}): Promise<Run | null> {
    const attempts = afresh ? 1 : sql`${deployments.attempts} + 1`
    const free = afresh ? this.#free() : this.#unleased()
    return this.#claim(userId, id, { attempts }, and(isNotNull(deployments.intent), free))
  }

  /** Deployments that wait for a run, longest first. Failed ones wait for the user instead. */
  async due(limit: number): Promise<{ userId: string; id: string }[]> {
    return this.#db.read
      .select({ userId: deployments.userId, id: deployments.id })
      .from(deployments)
      .where(
        and(
          isNotNull(deployments.intent),
          inArray(deployments.status, ['pending', 'deploying']),
          this.#unleased(),
          sql`not exists (select 1 from user_routes r where r.user_id = ${deployments.userId})`,
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
    forced?: Forced & { version: number },
  ): Promise<Run | null> {
    const owner = uuidv7()
    const claim = this.#db
      .update(deployments)
      .set({
        ...change,
        status: 'deploying',
        error: null,
        leaseOwner: owner,
        leaseUntil: this.#leaseEnd(),
        cleanUpAt: this.#cleanUpAfterInterruption(),
      })
      .where(and(owned(userId, id), condition))
      .returning(runColumns)
    const audit = () => {
      const details = JSON.stringify(redactStrings({ ...forced }))
      return this.#db.execute(sql`
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}, user_id, 'deployment.forced', id, ${details}::jsonb, ${actorValues()} from deployments
        where user_id = ${userId} and id = ${id} and lease_owner = ${owner}`)
    }
    const [row] = forced ? (await this.#db.batch([claim, audit()]))[0] : await claim
    return row?.intent ? new Run(this.#db, this.#now, owner, { ...row, intent: row.intent }) : null
  }

  #unleased() {
    return or(isNull(deployments.leaseUntil), lte(deployments.leaseUntil, this.#now()))
  }

  /** As `#unleased`, or waiting only for its next attempt. */
  #free() {
    return or(
      this.#unleased(),
      sql`${deployments.intent} @> '{"backsOff":true}' and ${deployments.leaseOwner} is null`,
    )
  }

  /** Any run that did not end in its first attempt left a lease or attempts. */
  #cleanUpAfterInterruption() {
    const { leaseOwner, attempts, cleanUpAt } = deployments
    const at = new Date(this.#now().getTime() + cleanUpMs).toISOString()
    return sql`case when ${leaseOwner} is not null or ${attempts} > 0 then ${at}::timestamptz else ${cleanUpAt} end`
  }

  #leaseEnd(): Date {
    return new Date(this.#now().getTime() + leaseMs)
  }
}

/** One run. Every write requires that it holds the lease. */
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

  /** Names the step in progress. Saved with the next progress, failure or wait: a resumed run begins at the first step. */
  enter(step: string): void {
    this.row = { ...this.row, step }
  }

  /** @throws {LeaseLostError} */
  async save(change: Progress): Promise<void> {
    const at = this.#now().getTime()
    this.#saved(await this.#progress(change, at), at)
  }

  #progress(change: Progress, atMs: number) {
    return this.#db
      .update(deployments)
      .set({ step: this.row.step, ...change, leaseUntil: new Date(atMs + leaseMs) })
      .where(this.#own())
      .returning(runColumns)
  }

  #saved([row]: RunRow[], atMs: number): void {
    if (!row?.intent) throw new LeaseLostError()
    this.row = { ...row, intent: row.intent }
    this.#leasedAtMs = atMs
  }

  /** Call it before each request to n8n. @throws {LeaseLostError} */
  async renewLease(): Promise<void> {
    if (this.#now().getTime() - this.#leasedAtMs >= freshMs) await this.save({})
  }

  /** Lets a later run continue. */
  async reschedule({ waitMs, reason, backsOff }: RetryLaterError): Promise<void> {
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

  /** Stops at the current step. The intent stays for a retry. */
  async fail(reason: string): Promise<void> {
    const step = this.row.step ?? 'connect'
    await this.#release({ status: 'failed', step, error: reason, leaseUntil: null })
  }

  async finish({ status, reason, deployed }: Outcome): Promise<void> {
    const now = this.#now().toISOString()
    const { userId, id, intent } = this.row
    const version = intent.version ?? this.row.version
    const details = JSON.stringify({
      action: intent.action,
      status,
      version,
      ...(intent.from !== undefined && intent.from !== version && { from: intent.from }),
    })
    const { rows } = await this.#db.execute(sql`
      with done as (
        update deployments set status = ${status}, step = null, error = ${reason ?? null}, intent = null,
          lease_owner = null, lease_until = null, attempts = 0,
          live_since = case when ${status} = 'active' then coalesce(live_since, ${now}::timestamptz) end
        where user_id = ${userId} and id = ${id} and lease_owner = ${this.#owner}
        returning id, user_id, version, bindings, n8n_version_id
      ), appended as (${appendVersion(sql`select * from done where ${deployed}`, now)})
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}, user_id, 'deployment.finished', id, ${details}::jsonb, ${actorValues()} from done
      returning subject_id`)
    if (rows.length === 0) throw new LeaseLostError()
  }

  /**
   * Records that n8n runs `version`, before its triggers are known to start. Attributes its earlier runs to it.
   */
  async goLive(version: number, n8nVersionId: string | null, endpoints: string[]): Promise<void> {
    const { userId, id } = this.row
    const now = this.#now()
    const live = sql`select id, user_id, version, bindings, n8n_version_id from deployments
      where user_id = ${userId} and id = ${id} and lease_owner = ${this.#owner}`
    const [saved, , attributed] = await this.#db.batch([
      this.#progress({ version, n8nVersionId, liveSince: null, endpoints }, now.getTime()),
      this.#db.execute(appendVersion(live, now.toISOString())),
      this.#db.execute(attributeSome(id, n8nVersionId)),
    ])
    this.#saved(saved, now.getTime())
    if (n8nVersionId !== null && isMore(attributed)) await attributeRuns(this.#db, id, n8nVersionId)
  }

  /** Whether the instance has no other deployment. */
  async isLast(): Promise<boolean> {
    return !(await hasOther(this.#db, this.row))
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

/** Whether n8n has another deployment than this one. */
export async function hasOther(
  db: Db,
  { userId, instanceId, id }: Pick<RunRow, 'userId' | 'instanceId' | 'id'>,
): Promise<boolean> {
  const [other] = await db.read
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
  return other !== undefined
}

const owned = (userId: string, id: string) => and(eq(deployments.userId, userId), eq(deployments.id, id))

function exists(error: unknown): never {
  if (databaseError(error).constraint === 'deployments_live_key') {
    throw new AppError(
      'deployment-exists',
      'This workflow already has another deployment on this instance. Use that one',
    )
  }
  throw error
}
