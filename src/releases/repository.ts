/** @module A user's releases: creation, commands and lists. */
import { and, asc, desc, eq, gt, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { currentToken } from '../db/actor.ts'
import { auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { type CreationKey, earlierResource, idempotentCreate } from '../db/idempotent-create.ts'
import { deployments } from '../db/schema/deployments.ts'
import { instances, isProduction } from '../db/schema/instances.ts'
import {
  releases,
  releaseTargets,
  type ReleaseStatus,
  type ReleaseTargetStatus,
} from '../db/schema/releases.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import { AppError, type FieldError, invalid, requireFound } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import { hasScopes, requireEnvironment, requireScope } from '../http/scopes.ts'
import type { JsonObject } from '../lib/json-object.ts'
import {
  maximumTargets,
  maximumWorkflows,
  type NewPromotion,
  type NewRelease,
  type Release,
  type ReleaseSummary,
  type ReleaseTarget,
} from './contract.ts'
import { calledIds, inCallOrder } from './order.ts'
import { auditOf, countRuns, isInUse, startOf } from './progress.ts'

/** Unfinished releases of a user. */
const maximumOpen = 20
const maximumProblems = 500

interface Place {
  id: string
  isProduction: boolean
}

interface FoundWorkflow {
  workflowId: string
  name: string
  version: number
  data: JsonObject
}

/** Every method takes the owner first. Commands throw `not-found` for an unknown release. */
export class ReleaseRepository {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /** The release that the key created; null when the key is new. @throws {AppError} `idempotency-key-reused` */
  async findCreated(userId: string, key: CreationKey): Promise<string | null> {
    return earlierResource(this.#db, userId, key)
  }

  /**
   * Saves the release with its targets, to be planned.
   * @returns its id
   * @throws {AppError} `invalid`, `insufficient-scope`, `quota-exceeded`, `idempotency-key-reused`; `conflict` for workflows
   * that call each other, and while another release has one of the targets
   */
  async create(
    userId: string,
    body: NewRelease,
    key?: CreationKey,
    fromEnvironment: string | null = null,
  ): Promise<string> {
    const { instanceIds, environment = null } = body
    const [found, places, open] = await Promise.all([
      this.#workflows(userId, body.workflows),
      environment === null
        ? this.#instances(userId, instanceIds ?? [])
        : this.#instancesIn(userId, environment),
      this.#countOpen(userId),
    ])
    const ordered = inCallOrder(found, await this.#knownIds(userId, found))
    if (ordered.length * places.length > maximumTargets) {
      throw new AppError(
        'invalid',
        `The release has ${ordered.length * places.length} targets; the limit is ${maximumTargets}. Split it`,
      )
    }
    if (open >= maximumOpen) {
      throw new AppError(
        'quota-exceeded',
        `You have ${maximumOpen} unfinished releases, which is the limit. Finish some first`,
      )
    }
    requireScope('deploy')
    for (const place of places) requireEnvironment(place.isProduction)
    const id = uuidv7()
    const { observe, dryRun, canary, maxFailureRate, maxFailedTargets, concurrency } = body
    const targets = places.flatMap(({ id: instanceId }, place) =>
      ordered.map(({ workflowId, version }, index) => ({
        releaseId: id,
        position: place * ordered.length + index,
        userId,
        workflowId,
        instanceId,
        version,
        isCanary: place < canary,
        active: !dryRun,
      })),
    )
    const released = ordered.map(({ workflowId, version }) => ({ workflowId, version }))
    const row = {
      id,
      userId,
      status: 'planning' as const,
      autoStart: !dryRun,
      workflows: released,
      fromEnvironment,
      toEnvironment: environment,
      canary,
      observeSeconds: observe.seconds,
      observeMinRuns: observe.minRuns,
      maxFailureRate,
      maxFailedTargets,
      concurrency,
      ...authority(),
      createdAt: this.#now(),
    }
    const created = await idempotentCreate(this.#db, { userId, resourceId: id, key, quota: [] }, [
      this.#db.insert(releases).values(row),
      this.#db.insert(releaseTargets).values(targets),
      auditEvent(this.#db, userId, 'release.created', id, { workflows: released, targets: targets.length }),
    ]).catch((error: unknown) =>
      this.#explain(userId, error, { workflows: released, instanceIds: places.map((place) => place.id) }),
    )
    return created.id
  }

  /** Starts a planned release. @throws {AppError} `conflict`, `deployment-blocked`, `insufficient-scope` */
  async start(userId: string, id: string, planHash: string): Promise<void> {
    const release = await this.#authorized(userId, id)
    if (release.status !== 'planned')
      throw notNow(release.status, 'start', 'Only a planned release can be started')
    if (release.planHash !== planHash) throw new AppError('conflict', 'The plan has changed. Review it again')
    if (release.targets.blocked > 0) {
      throw new AppError('deployment-blocked', release.reason ?? 'Targets are blocked', {
        extra: { problems: release.problems },
      })
    }
    await this.#command(userId, id, {
      action: 'release.started',
      from: sql`status = 'planned' and plan_hash = ${planHash}`,
      change: startOf(release.canary, this.#now()),
      targets: sql`active = true`,
    })
  }

  /** @throws {AppError} `conflict` */
  async halt(userId: string, id: string): Promise<void> {
    const release = await this.#authorized(userId, id)
    if (release.status === 'halted') return
    const isRunning = release.status === 'planning' || release.status === 'running'
    if (!isRunning) throw notNow(release.status, 'halt', 'Only a running release can be halted')
    await this.#command(userId, id, {
      action: 'release.halted',
      from: sql`status in ('planning', 'running')`,
      change: sql`status = 'halted', reason = 'Halted on request', finished_at = ${this.#at()}::timestamptz`,
      targets: sql`active = false`,
    })
  }

  /**
   * Continues a halted release: failed targets are tried again, and runs are counted from now on. Plans the blocked targets
   * of a planned release again.
   * @throws {AppError} `conflict`, `insufficient-scope`
   */
  async resume(userId: string, id: string, { skipObservation }: { skipObservation: boolean }): Promise<void> {
    const { status, phase, targets, planHash } = await this.#authorized(userId, id)
    if (status === 'planned' && targets.blocked > 0) {
      return this.#command(userId, id, {
        action: 'release.resumed',
        from: sql`status = 'planned'`,
        change: sql`status = 'planning', plan_hash = null, reason = null`,
        targets: sql`active = r.auto_start, attempts = 0,
          plan_hash = case when not plan @> '{"problems":[{"blocks":true}]}' then t.plan_hash end`,
      })
    }
    const skips = skipObservation && phase === 'observing'
    if (status === 'running' && skips) {
      return this.#command(userId, id, {
        action: 'release.resumed',
        from: sql`status = 'running' and phase = 'observing'`,
        change: sql`phase = 'rest', observed_from = ${this.#at()}::timestamptz`,
        targets: sql`active = true`,
      })
    }
    if (status !== 'halted') throw notNow(status, 'resume', 'Only a halted release can be resumed')
    if (targets.rollbackFailed + targets.rolledBack + targets.rollingBack > 0) {
      throw new AppError(
        'conflict',
        'The release is partly rolled back. Roll it back again, or create a new release',
      )
    }
    await this.#command(userId, id, {
      action: 'release.resumed',
      from: sql`status = 'halted'`,
      change: sql`status = ${planHash === null ? 'planning' : 'running'}, reason = null, finished_at = null,
        phase = ${skips ? 'rest' : sql`phase`},
        observed_from = case when observed_from is not null then ${this.#at()}::timestamptz end`,
      targets: sql`active = true, status = case when t.status = 'failed' then 'pending' else t.status end,
        attempts = case when t.lease_owner is null then 0 else t.attempts end,
        error = case when t.status = 'failed' then null else t.error end`,
    })
  }

  /**
   * Restores the previous version of every target that the release has touched.
   * @throws {AppError} `conflict`, `insufficient-scope`
   */
  async rollBack(userId: string, id: string): Promise<void> {
    const release = await this.#authorized(userId, id)
    const { status, startedAt } = release
    if (status === 'rolling-back') return
    const isPossible = status === 'running' || status === 'halted' || status === 'completed'
    if (!isPossible || startedAt === null) {
      throw notNow(status, 'roll back', 'Only a release that has started can be rolled back, and only once')
    }
    if (!hasScopes('destructive') && (await this.#hasNew(userId, id))) requireScope('destructive')
    const touched = sql`t.before is not null and t.status in ('pending', 'deploying', 'deployed', 'failed', 'rollback-failed')`
    await this.#command(userId, id, {
      action: 'release.rollback-started',
      from: sql`status in ('running', 'halted', 'completed')`,
      change: sql`status = 'rolling-back', reason = null, finished_at = null`,
      targets: sql`status = case when ${touched} then 'rolling-back' else t.status end,
        active = ${touched} or t.status = 'rolling-back', attempts = 0,
        error = case when ${touched} then null else t.error end,
        lease_until = case when t.lease_owner is not null then t.lease_until end`,
    })
  }

  /** Whether the rollback undeploys a workflow. */
  async #hasNew(userId: string, id: string): Promise<boolean> {
    const { rows } = await this.#db.read.execute(sql`select 1 from release_targets
      where user_id = ${userId} and release_id = ${id} and before @> '{"version":null}' limit 1`)
    return rows.length > 0
  }

  /** One statement: the release, its targets and the audit event. */
  async #command(
    userId: string,
    id: string,
    { action, from, change, targets }: { action: string; from: SQL; change: SQL; targets: SQL },
  ): Promise<void> {
    const { tokenId, tokenName, scopes } = authority()
    const { rows } = await this.#db
      .execute(sql`
        with changed as (
          update releases set ${change}, token_id = ${tokenId}::uuid, token_name = ${tokenName},
            scopes = ${scopes && sql.param(scopes)}::text[]
          where user_id = ${userId} and id = ${id} and ${from} returning id, user_id, auto_start
        ), moved as (
          update release_targets t set ${targets} from changed r
          where t.user_id = r.user_id and t.release_id = r.id returning t.position
        )
        ${auditOf(action, 'changed')}`)
      .catch((error: unknown) => this.#explain(userId, error, { releaseId: id }))
    if (rows.length === 0)
      throw new AppError('conflict', 'The release was changed concurrently. Read it again, then retry')
  }

  /** The release, if the request may deploy to all of its instances. @throws {AppError} `not-found`, `insufficient-scope` */
  async #authorized(userId: string, id: string): Promise<Release> {
    const [release, places] = await Promise.all([
      this.find(userId, id),
      this.#db.read
        .selectDistinct({ isProduction })
        .from(releaseTargets)
        .innerJoin(instances, eq(instances.id, releaseTargets.instanceId))
        .where(and(eq(releaseTargets.userId, userId), eq(releaseTargets.releaseId, id))),
    ])
    requireScope('deploy')
    for (const place of places) requireEnvironment(place.isProduction)
    return requireFound(release, 'Release')
  }

  async find(userId: string, id: string): Promise<Release | null> {
    const [[row], problems, runs] = await Promise.all([
      this.#select(and(eq(releases.userId, userId), eq(releases.id, id))),
      this.#db.read.execute<Release['problems'][number]>(sql`
        select t.position, t.instance_id as "instanceId", i.name as "instanceName", t.workflow_id as "workflowId",
          coalesce(t.error, b.message) as message
        from release_targets t
        join instances i on i.user_id = t.user_id and i.id = t.instance_id
        left join lateral (
          select string_agg(each ->> 'message', '. ') as message from jsonb_array_elements(t.plan -> 'problems') each
          where each @> '{"blocks":true}'
        ) b on true
        where t.user_id = ${userId} and t.release_id = ${id}
          and (t.status in ('failed', 'rollback-failed') or t.plan @> '{"problems":[{"blocks":true}]}')
        order by t.position limit ${maximumProblems}::integer`),
      this.#db.read.execute<{ finished: number; failed: number }>(countRuns(userId, id)),
    ])
    if (!row) return null
    const [counted] = runs.rows
    const { observedFrom, summary } = row
    const observation =
      observedFrom === null
        ? null
        : { since: observedFrom, finishedRuns: counted?.finished ?? 0, failedRuns: counted?.failed ?? 0 }
    return { ...summary, problems: problems.rows, observation }
  }

  async list(
    userId: string,
    filter: { status?: ReleaseStatus | undefined },
    page: Page,
  ): Promise<Slice<ReleaseSummary>> {
    const rows = await this.#select(
      and(
        eq(releases.userId, userId),
        filter.status === undefined ? undefined : eq(releases.status, filter.status),
        page.after === null ? undefined : lt(releases.id, page.after),
      ),
      page.limit + 1,
    )
    return slice(
      rows.map(({ summary }) => summary),
      page.limit,
    )
  }

  /** Ordered by position. Null when there is no such release. @param failedFirst failed and blocked ones come first */
  async targets(
    userId: string,
    id: string,
    page: {
      limit?: number | undefined
      cursor?: number | undefined
      status?: ReleaseTargetStatus | undefined
    },
    { failedFirst = false } = {},
  ): Promise<Slice<ReleaseTarget> | null> {
    const limit = page.limit ?? 50
    const ofRelease = and(eq(releaseTargets.userId, userId), eq(releaseTargets.releaseId, id))
    const isTrouble = sql`(${releaseTargets.status} in ('failed', 'rollback-failed')
      or ${releaseTargets.plan} @> '{"problems":[{"blocks":true}]}') is true`
    const [[release], rows] = await Promise.all([
      this.#db.read
        .select({ id: releases.id })
        .from(releases)
        .where(and(eq(releases.userId, userId), eq(releases.id, id))),
      this.#db.read
        .select({
          position: releaseTargets.position,
          workflowId: releaseTargets.workflowId,
          workflowName: workflows.name,
          instanceId: releaseTargets.instanceId,
          instanceName: instances.name,
          canary: releaseTargets.isCanary,
          status: releaseTargets.status,
          version: releaseTargets.version,
          plan: releaseTargets.plan,
          planHash: releaseTargets.planHash,
          before: releaseTargets.before,
          deploymentId: releaseTargets.deploymentId,
          error: releaseTargets.error,
          finishedAt: releaseTargets.finishedAt,
        })
        .from(releaseTargets)
        .innerJoin(workflows, eq(workflows.id, releaseTargets.workflowId))
        .innerJoin(instances, eq(instances.id, releaseTargets.instanceId))
        .where(
          and(
            ofRelease,
            page.status === undefined ? undefined : eq(releaseTargets.status, page.status),
            page.cursor === undefined ? undefined : gt(releaseTargets.position, page.cursor),
          ),
        )
        .orderBy(...(failedFirst ? [desc(isTrouble)] : []), asc(releaseTargets.position))
        .limit(limit + 1),
    ])
    if (!release) return null
    const items = rows.slice(0, limit).map((row): ReleaseTarget => {
      const { plan, before, finishedAt } = row
      return {
        position: row.position,
        workflowId: row.workflowId,
        workflowName: row.workflowName,
        instanceId: row.instanceId,
        instanceName: row.instanceName,
        canary: row.canary,
        status: row.status,
        action: plan?.action ?? null,
        version: row.version,
        previousVersion: (before ?? plan?.live)?.version ?? null,
        previousStatus: before?.status ?? null,
        deploymentId: row.deploymentId,
        planHash: row.planHash,
        problems: plan?.problems ?? [],
        error: row.error,
        finishedAt: finishedAt?.toISOString() ?? null,
      }
    })
    const last = items.at(-1)
    return { items, nextCursor: rows.length > limit && last ? String(last.position) : null }
  }

  async #select(
    condition: SQL | undefined,
    limit = 1,
  ): Promise<{ summary: ReleaseSummary; observedFrom: string | null }[]> {
    const rows = await this.#db.read
      .select({
        row: releases,
        // Qualified by hand: drizzle leaves the table out, and the inner query has a column of the same name.
        names: sql<Record<string, string> | null>`(select jsonb_object_agg(w.id, w.name) from workflows w
          where w.user_id = releases.user_id and w.id in (
            select (each ->> 'workflowId')::uuid from jsonb_array_elements(releases.workflows) each))`,
        counts: sql<Record<string, number>>`(select jsonb_object_agg(of.status, of.count) from (
          select t.status, count(*) from release_targets t
          where t.user_id = releases.user_id and t.release_id = releases.id group by t.status
          union all
          select 'blocked', count(*) from release_targets t where t.user_id = releases.user_id
            and t.release_id = releases.id and t.plan @> '{"problems":[{"blocks":true}]}') of)`,
      })
      .from(releases)
      .where(condition)
      .orderBy(desc(releases.id))
      .limit(limit)
    return rows.map(({ row, names, counts }) => {
      const { id, status, phase, reason, planHash, fromEnvironment, toEnvironment, canary, concurrency } = row
      const { blocked = 0, ...byStatus } = counts
      const of = (each: ReleaseTargetStatus) => byStatus[each] ?? 0
      const summary = {
        id,
        status,
        phase,
        reason,
        planHash,
        workflows: row.workflows.map((each) => ({ ...each, name: names?.[each.workflowId] ?? '' })),
        fromEnvironment,
        toEnvironment,
        canary,
        observe: { seconds: row.observeSeconds, minRuns: row.observeMinRuns },
        maxFailureRate: row.maxFailureRate,
        maxFailedTargets: row.maxFailedTargets,
        concurrency,
        targets: {
          total: Object.values(byStatus).reduce((sum, each) => sum + each, 0),
          blocked,
          pending: of('pending'),
          deploying: of('deploying'),
          deployed: of('deployed'),
          unchanged: of('unchanged'),
          failed: of('failed'),
          rollingBack: of('rolling-back'),
          rolledBack: of('rolled-back'),
          rollbackFailed: of('rollback-failed'),
          kept: of('kept'),
        },
        startedAt: row.startedAt?.toISOString() ?? null,
        finishedAt: row.finishedAt?.toISOString() ?? null,
        createdAt: row.createdAt.toISOString(),
      }
      return { summary, observedFrom: row.observedFrom?.toISOString() ?? null }
    })
  }

  /** In the given order. @throws {AppError} `invalid` for an unknown workflow or version */
  async #workflows(userId: string, wanted: NewRelease['workflows']): Promise<FoundWorkflow[]> {
    const versions = wanted.map(({ workflowId, version }) =>
      and(
        eq(workflowVersions.workflowId, workflowId),
        version === undefined
          ? eq(workflowVersions.version, workflows.version)
          : eq(workflowVersions.version, version),
      ),
    )
    const rows = await this.#db.read
      .select({
        workflowId: workflows.id,
        name: workflows.name,
        version: workflowVersions.version,
        data: workflowVersions.data,
      })
      .from(workflows)
      .innerJoin(workflowVersions, eq(workflowVersions.workflowId, workflows.id))
      .where(and(eq(workflows.userId, userId), sql`(${sql.join(versions, sql` or `)})`))
    const byId = new Map(rows.map((row) => [row.workflowId, row]))
    const errors: FieldError[] = wanted.flatMap(({ workflowId }, index) =>
      byId.has(workflowId)
        ? []
        : [{ pointer: `/workflows/${index}`, detail: 'Workflow or version not found' }],
    )
    if (errors.length > 0) throw new AppError('invalid', 'A workflow or version was not found', { errors })
    return wanted.flatMap(({ workflowId }) => byId.get(workflowId) ?? [])
  }

  /** In the given order. @throws {AppError} `invalid` for an unknown instance */
  async #instances(userId: string, ids: readonly string[]): Promise<Place[]> {
    const rows = await this.#db.read
      .select({ id: instances.id, isProduction })
      .from(instances)
      .where(and(eq(instances.userId, userId), inArray(instances.id, [...ids])))
    const byId = new Map(rows.map((row) => [row.id, row]))
    const errors: FieldError[] = ids.flatMap((id, index) =>
      byId.has(id) ? [] : [{ pointer: `/instanceIds/${index}`, detail: 'Instance not found' }],
    )
    if (errors.length > 0) throw new AppError('invalid', 'An instance was not found', { errors })
    return ids.flatMap((id) => byId.get(id) ?? [])
  }

  /** Oldest first. @throws {AppError} `invalid` for an environment without instances */
  async #instancesIn(userId: string, environment: string): Promise<Place[]> {
    const places = await this.#db.read
      .select({ id: instances.id, isProduction })
      .from(instances)
      .where(and(eq(instances.userId, userId), eq(instances.environment, environment)))
      .orderBy(asc(instances.id))
      .limit(maximumTargets + 1)
    if (places.length === 0) throw invalid('/environment', 'No instance is in this environment')
    return places
  }

  /**
   * The versions that are live in an environment.
   * @throws {AppError} `invalid` when nothing is live there, `conflict` when its instances run different versions
   */
  async liveIn(
    userId: string,
    { from, workflowIds }: Pick<NewPromotion, 'from' | 'workflowIds'>,
  ): Promise<NewRelease['workflows']> {
    const rows = await this.#db.read
      .selectDistinct({
        workflowId: deployments.workflowId,
        version: deployments.version,
        name: workflows.name,
      })
      .from(deployments)
      .innerJoin(instances, eq(instances.id, deployments.instanceId))
      .innerJoin(workflows, eq(workflows.id, deployments.workflowId))
      .where(
        and(
          eq(deployments.userId, userId),
          eq(instances.environment, from),
          eq(deployments.status, 'active'),
          workflowIds && inArray(deployments.workflowId, workflowIds),
        ),
      )
      .orderBy(asc(deployments.workflowId), asc(deployments.version))
    const live = Map.groupBy(rows, ({ workflowId }) => workflowId)
    const missing = (workflowIds ?? []).findIndex((id) => !live.has(id))
    if (missing >= 0) throw invalid(`/workflowIds/${missing}`, 'The workflow is not live in this environment')
    if (live.size === 0) throw invalid('/from', 'No workflow is live in this environment')
    if (live.size > maximumWorkflows) {
      throw invalid(
        '/workflowIds',
        `${live.size} workflows are live in the environment. Choose at most ${maximumWorkflows}`,
      )
    }
    const mixed = [...live.values()].find((versions) => versions.length > 1)
    if (mixed) {
      throw new AppError(
        'conflict',
        `The instances of the environment run several versions of ${JSON.stringify(mixed[0]?.name)}: ` +
          `${mixed.map(({ version }) => version).join(', ')}. Deploy the same version to all of them, or release it by its version`,
      )
    }
    return rows.map(({ workflowId, version }) => ({ workflowId, version }))
  }

  /** The workflows of the n8n IDs that the workflows call. */
  async #knownIds(userId: string, found: readonly FoundWorkflow[]): Promise<Map<string, string>> {
    const ids = found.length < 2 ? [] : [...new Set(found.flatMap(calledIds))]
    if (ids.length === 0) return new Map()
    const rows = await this.#db.read
      .select({ n8nWorkflowId: deployments.n8nWorkflowId, workflowId: deployments.workflowId })
      .from(deployments)
      .where(and(eq(deployments.userId, userId), inArray(deployments.n8nWorkflowId, ids)))
    return new Map(rows.map(({ n8nWorkflowId, workflowId }) => [n8nWorkflowId ?? '', workflowId]))
  }

  async #countOpen(userId: string): Promise<number> {
    const { rows } = await this.#db.read.execute<{
      open: number
    }>(sql`select count(*)::integer as open from releases
      where user_id = ${userId} and status in ('planning', 'running', 'rolling-back')`)
    return rows[0]?.open ?? 0
  }

  /** @throws {AppError} `conflict` with the `releaseId` of the release that has a target, or `error` */
  async #explain(
    userId: string,
    error: unknown,
    of:
      | { releaseId: string }
      | { workflows: readonly { workflowId: string }[]; instanceIds: readonly string[] },
  ): Promise<never> {
    if (!isInUse(error)) throw error
    const isSame =
      'releaseId' in of
        ? sql`(workflow_id, instance_id) in (select workflow_id, instance_id from release_targets
            where user_id = ${userId} and release_id = ${of.releaseId}) and release_id <> ${of.releaseId}`
        : and(
            inArray(
              releaseTargets.workflowId,
              of.workflows.map(({ workflowId }) => workflowId),
            ),
            inArray(releaseTargets.instanceId, [...of.instanceIds]),
          )
    const [other] = await this.#db.read
      .select({ releaseId: releaseTargets.releaseId })
      .from(releaseTargets)
      .where(and(eq(releaseTargets.userId, userId), eq(releaseTargets.active, true), isSame))
      .limit(1)
    throw new AppError(
      'conflict',
      'Another release is in progress on one of the instances. Wait until it finishes, or halt it',
      { ...(other && { extra: other }) },
    )
  }

  #at(): string {
    return this.#now().toISOString()
  }
}

/** The scopes that the work of the release has: those of the request that starts it. */
function authority() {
  const token = currentToken()
  return {
    tokenId: token?.tokenId ?? null,
    tokenName: token?.name ?? null,
    scopes: token ? [...token.scopes] : null,
  }
}

const notNow = (status: ReleaseStatus, action: string, when: string) =>
  new AppError('conflict', `Cannot ${action} a release with the status ${status}. ${when}`)
