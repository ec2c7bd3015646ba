import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { type CreationKey, idempotentCreate, earlierResource } from '../db/idempotent-create.ts'
import { databaseError } from '../db/errors.ts'
import { deployments, deploymentVersions, type SlotBinding } from '../db/schema/deployments.ts'
import { instances } from '../db/schema/instances.ts'
import { workflowVersions } from '../db/schema/workflows.ts'
import { AppError, invalid } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { Deployment, DeploymentFilter, DeploymentVersion } from './contract.ts'
import type { Forced } from './plan/publish-guard.ts'
import { columns, deployedVersion, toDeployment } from './rows.ts'

/** A user's deployments. Every method takes the owner first and reads only that user's rows. */
export class DeploymentRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #quota: number

  constructor(db: Db, now: () => Date, quotas: { deployments: number }) {
    this.#db = db
    this.#now = now
    this.#quota = quotas.deployments
  }

  /**
   * The deployment that the key created; null when the key is new.
   * @throws {AppError} `idempotency-key-reused`, `conflict` when the deployment has been deleted
   */
  async findCreated(userId: string, key: CreationKey): Promise<Deployment | null> {
    const id = await earlierResource(this.#db, userId, key)
    if (id === null) return null
    return this.#requireExisting(userId, id)
  }

  /**
   * Tracks a workflow that already exists on the instance.
   * @throws {AppError} `invalid` for an unknown workflow, version or instance, `deployment-exists`,
   * `quota-exceeded`, `idempotency-key-reused`, `conflict`
   */
  async track(
    userId: string,
    place: Pick<typeof deployments.$inferInsert, 'workflowId' | 'instanceId' | 'version'> & {
      n8nWorkflowId: string
      bindings: SlotBinding[]
      /** Default: now. */
      liveSince?: string | undefined
    },
    key?: CreationKey,
  ): Promise<Deployment> {
    const { workflowId, instanceId, version, n8nWorkflowId, bindings } = place
    const id = uuidv7()
    const createdAt = this.#now()
    const liveSince = this.#notInFuture(place.liveSince)
    const status = 'tracking' as const
    const row = {
      id,
      workflowId,
      instanceId,
      version,
      n8nWorkflowId,
      status,
      bindings,
      createdAt,
      updatedAt: createdAt,
    }
    const quota = { table: 'deployments', limit: this.#quota } as const
    const created = await idempotentCreate(this.#db, { userId, resourceId: id, key, quota }, [
      this.#db.insert(deployments).values({ ...row, userId }),
      this.#db
        .insert(deploymentVersions)
        .values({ deploymentId: id, sequence: 1, userId, version, bindings, createdAt: liveSince }),
      auditEvent(this.#db, userId, 'deployment.created', id, { workflowId, instanceId, version }),
    ]).catch(creationFailed)
    return this.#requireExisting(userId, created.id)
  }

  /** @throws {AppError} `invalid` */
  #notInFuture(liveSince: string | undefined): Date {
    const now = this.#now()
    if (liveSince === undefined) return now
    const time = new Date(liveSince)
    if (time > now) throw invalid('/liveSince', 'Must not be in the future')
    return time
  }

  /** Assigns the key to an existing deployment. @throws {AppError} as `track` */
  async claimKey(
    userId: string,
    id: string,
    key: CreationKey | undefined,
  ): Promise<{ id: string; replayed: boolean }> {
    if (!key) return { id, replayed: false }
    return idempotentCreate(this.#db, { userId, resourceId: id, key, quota: [] }, [])
  }

  async #requireExisting(userId: string, id: string): Promise<Deployment> {
    const deployment = await this.find(userId, id)
    if (deployment) return deployment
    throw new AppError(
      'conflict',
      'The deployment created with this Idempotency-Key has been deleted. Use a new key',
    )
  }

  /**
   * Saves a pending deployment before anything is sent to n8n.
   * @throws {AppError} `deployment-exists` when the workflow is already deployed on the instance; otherwise as `create`
   */
  async createManaged(
    userId: string,
    row: Pick<
      typeof deployments.$inferInsert,
      'id' | 'workflowId' | 'instanceId' | 'version' | 'bindings' | 'reportSuccess' | 'intent'
    >,
    key?: CreationKey,
    forced?: Forced,
  ): Promise<{ id: string; replayed: boolean }> {
    const { id, workflowId, instanceId, version } = row
    const createdAt = this.#now()
    const quota = { table: 'deployments', limit: this.#quota } as const
    return idempotentCreate(this.#db, { userId, resourceId: id, key, quota }, [
      this.#db
        .insert(deployments)
        .values({ ...row, userId, managed: true, status: 'pending', createdAt, updatedAt: createdAt }),
      auditEvent(this.#db, userId, 'deployment.created', id, { workflowId, instanceId, version }),
      ...(forced ? [auditEvent(this.#db, userId, 'deployment.forced', id, { version, ...forced })] : []),
    ]).catch(creationFailed)
  }

  async find(userId: string, id: string): Promise<Deployment | null> {
    const [row] = await this.#select().where(owned(userId, id))
    return row ? toDeployment(row) : null
  }

  async list(userId: string, filter: DeploymentFilter, page: Page): Promise<Slice<Deployment>> {
    const rows = await this.#select()
      .where(
        and(
          eq(deployments.userId, userId),
          page.after === null ? undefined : lt(deployments.id, page.after),
          filter.workflowId === undefined ? undefined : eq(deployments.workflowId, filter.workflowId),
          filter.instanceId === undefined ? undefined : eq(deployments.instanceId, filter.instanceId),
          filter.status === undefined ? undefined : eq(deployments.status, filter.status),
        ),
      )
      .orderBy(desc(deployments.id))
      .limit(page.limit + 1)
    return slice(rows.map(toDeployment), page.limit)
  }

  /**
   * Records another live version of a tracked workflow. The same version again changes nothing.
   * @param since default: now
   * @throws {AppError} `invalid` when the workflow has no such version, or `since` is not later than the previous change;
   * `conflict` when Flowkeep deployed the workflow
   */
  async setVersion(userId: string, id: string, version: number, since?: string): Promise<Deployment | null> {
    const liveSince = this.#notInFuture(since).toISOString()
    // The update locks the row, so that the following insert continues from the latest sequence.
    const [known] = await this.#db.batch([
      this.#db.read
        .select({ version: workflowVersions.version })
        .from(deployments)
        .innerJoin(workflowVersions, eq(workflowVersions.workflowId, deployments.workflowId))
        .where(and(owned(userId, id), eq(workflowVersions.version, version))),
      this.#db.execute(sql`
        update deployments d set version = ${version}::integer, endpoints = null
        where d.user_id = ${userId} and d.id = ${id} and d.version <> ${version}::integer and d.status = 'tracking' and exists (
          select 1 from workflow_versions v where v.workflow_id = d.workflow_id and v.version = ${version}::integer)
        ${since === undefined ? sql`` : isLatest(liveSince)}`),
      this.#db.execute(sql`
        with latest as (
          select h.sequence, h.version from deployment_versions h
          where h.user_id = ${userId} and h.deployment_id = ${id} order by h.sequence desc limit 1
        ), appended as (
          insert into deployment_versions (deployment_id, sequence, user_id, version, bindings, created_at)
          select d.id, latest.sequence + 1, d.user_id, d.version, d.bindings, ${liveSince}::timestamptz
          from deployments d, latest
          where d.user_id = ${userId} and d.id = ${id} and d.status = 'tracking' and d.version <> latest.version
          returning deployment_id
        )
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}, ${userId}, 'deployment.version-changed', deployment_id,
          jsonb_build_object('version', ${version}::integer), ${actorValues()}
        from appended`),
    ])
    const deployment = await this.find(userId, id)
    if (deployment && known.length === 0) throw versionNotFound(version)
    if (deployment && deployment.status !== 'tracking') {
      throw new AppError(
        'conflict',
        'Flowkeep deployed this workflow. Change its version with /deploy or /rollback',
      )
    }
    if (since !== undefined && deployment && deployment.version !== version) {
      throw invalid('/liveSince', 'Must be later than the previous change')
    }
    return deployment
  }

  /** Newest first. Null when there is no such deployment. */
  async versions(
    userId: string,
    id: string,
    page: { limit?: number | undefined; cursor?: number | undefined },
  ): Promise<Slice<DeploymentVersion> | null> {
    const limit = page.limit ?? 50
    const rows = await this.#db.read
      .select({
        row: {
          sequence: deploymentVersions.sequence,
          version: deploymentVersions.version,
          bindings: deploymentVersions.bindings,
          createdAt: deploymentVersions.createdAt,
        },
      })
      .from(deployments)
      .leftJoin(
        deploymentVersions,
        and(
          eq(deploymentVersions.userId, deployments.userId),
          eq(deploymentVersions.deploymentId, deployments.id),
          page.cursor === undefined ? undefined : lt(deploymentVersions.sequence, page.cursor),
        ),
      )
      .where(owned(userId, id))
      .orderBy(desc(deploymentVersions.sequence))
      .limit(limit + 1)
    if (rows.length === 0) return null
    const items = rows.flatMap(({ row }) => (row ? [{ ...row, createdAt: row.createdAt.toISOString() }] : []))
    const last = items.at(limit - 1)
    return {
      items: items.slice(0, limit),
      nextCursor: items.length > limit && last ? String(last.sequence) : null,
    }
  }

  /**
   * Deletes the deployment. A tracked workflow in n8n and the recorded executions stay.
   * @throws {AppError} `in-use` while n8n has or may have a workflow that Flowkeep created
   */
  async delete(userId: string, id: string): Promise<boolean> {
    const { rows } = await this.#db.execute(sql`
      with deleted as (
        delete from deployments where user_id = ${userId} and id = ${id} and (
          status = 'undeployed' or (not managed and (lease_until is null or lease_until <= ${this.#now().toISOString()}))
        ) returning id
      )
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select ${uuidv7()}, ${userId}, 'deployment.deleted', id, ${actorValues()} from deleted
      returning subject_id`)
    if (rows.length > 0) return true
    if (!(await this.find(userId, id))) return false
    throw new AppError(
      'in-use',
      'The workflow is still on the n8n server. Undeploy it first, then delete the deployment',
    )
  }

  #select() {
    return this.#db.read
      .select(columns)
      .from(deployments)
      .innerJoin(instances, eq(instances.id, deployments.instanceId))
      .innerJoin(workflowVersions, deployedVersion)
      .$dynamic()
  }
}

/** Whether every version change of `d` is earlier than `since`. */
const isLatest = (since: string) => sql`and not exists (
  select 1 from deployment_versions h where h.deployment_id = d.id and h.created_at >= ${since}::timestamptz)`

const owned = (userId: string, id: string) => and(eq(deployments.userId, userId), eq(deployments.id, id))

const workflowNotFound = () => invalid('/workflowId', 'Workflow not found')
const instanceNotFound = () => invalid('/instanceId', 'Instance not found')
const versionNotFound = (version: number) => invalid('/version', `The workflow has no version ${version}`)

export const existing =
  'The workflow is already deployed on this instance. Deploy a version with POST /v1/deployments/{id}/deploy'

function creationFailed(error: unknown): never {
  const constraint = databaseError(error).constraint
  if (constraint === 'deployments_workflow_fkey') throw workflowNotFound()
  if (constraint === 'deployments_instance_fkey') throw instanceNotFound()
  if (constraint === 'deployments_live_key') {
    throw new AppError('deployment-exists', existing)
  }
  if (constraint === 'deployments_n8n_workflow_key') {
    throw new AppError(
      'deployment-exists',
      'A deployment already tracks this n8n workflow on this instance. Use that one',
    )
  }
  throw error
}
