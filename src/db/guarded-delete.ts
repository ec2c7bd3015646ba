/** @module Deletes a resource unless deployments depend on it or the caller forces the deletion. */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { AppError } from '../errors.ts'
import { actorColumns, actorValues } from './audit.ts'
import type { Db } from './client.ts'
import type { DeploymentStatus } from './schema/deployments.ts'
import { isProduction } from './schema/instances.ts'

const maximumDependents = 100

/** A deployment that depends on the resource. */
export interface Dependent {
  deploymentId: string
  workflowId: string
  workflowName: string
  instanceId: string
  status: DeploymentStatus
}

const guarded = {
  credentials: {
    uses: (id: string) =>
      sql`d.bindings @> jsonb_build_array(jsonb_build_object('credentialId', ${id}::text))`,
    audited: 'credential.deleted',
    details: sql`jsonb_build_object('type', n8n_credential_type)`,
    message: 'Deployments use the credential. Bind another one or undeploy them first',
    tests: undefined,
  },
  workflows: {
    uses: (id: string) => sql`d.workflow_id = ${id}`,
    audited: 'workflow.deleted',
    details: sql`null::jsonb`,
    message: 'The workflow is deployed. Undeploy it or stop tracking it first',
    tests: undefined,
  },
  instances: {
    uses: (id: string) => sql`d.instance_id = ${id} and d.managed`,
    audited: 'instance.deleted',
    details: sql`null::jsonb`,
    message: 'Workflows are deployed on the instance. Undeploy them first',
    // Their scratch copies can be removed only while the instance exists.
    tests: (userId: string, id: string) =>
      sql`exists (select from test_runs where user_id = ${userId} and instance_id = ${id} and removed_at is null)`,
  },
} satisfies Record<
  string,
  {
    uses: (id: string) => SQL
    audited: string
    details: SQL
    message: string
    tests: ((userId: string, id: string) => SQL) | undefined
  }
>

/** What a deletion would affect. */
export interface Deletable {
  name: string
  version: number
  /** Whether it is, or any deployment that uses it is on, a production instance. */
  isProduction: boolean
  /** The newest 100. */
  dependents: (Dependent & { instanceName: string; isProduction: boolean; version: number })[]
}

/**
 * The resource with the newest 100 deployments that use it; null when the user has no such resource.
 * @throws {AppError} `in-use` as `deleteUnlessUsed`
 */
export async function findDeletable(
  db: Pick<Db, 'read'>,
  table: keyof typeof guarded,
  { userId, id, force }: { userId: string; id: string; force: boolean },
): Promise<Deletable | null> {
  const dependents = sql`d.user_id = ${userId} and ${inUse} and ${guarded[table].uses(id)}`
  const { rows } = await db.read.execute<Deletable & Record<string, unknown>>(sql`
    select name, version,
      ${
        table === 'instances'
          ? isProduction
          : sql`exists (
              select from deployments d join instances on instances.id = d.instance_id
              where ${dependents} and ${isProduction})`
      } as "isProduction", coalesce((
        select jsonb_agg(to_jsonb(u) order by u."deploymentId" desc) from (
          select d.id as "deploymentId", d.workflow_id as "workflowId", w.name as "workflowName",
            d.instance_id as "instanceId", instances.name as "instanceName", ${isProduction} as "isProduction", d.status,
            d.version
          from deployments d
          join workflows w on w.id = d.workflow_id
          join instances on instances.id = d.instance_id
          where ${dependents}
          order by d.id desc limit ${maximumDependents}
        ) u), '[]'::jsonb) as dependents
    from ${sql.identifier(table)} where user_id = ${userId} and id = ${id}`)
  const [found] = rows
  if (found && !force && found.dependents.length > 0) throw refused(table, found.dependents)
  return found ?? null
}

const inUse = sql`d.status <> 'undeployed' and not (d.status = 'failed' and d.n8n_workflow_id is null)`

const refused = (
  table: keyof typeof guarded,
  dependents: readonly Dependent[],
  reason: string = guarded[table].message,
) => new AppError('in-use', `${reason}, or send ?force=true`, { extra: { dependents } })

/**
 * Ignores undeployed deployments and deployments that failed before they reached n8n. Never deletes anything in n8n. For
 * a workflow or an instance, the lock waits for concurrent deployments, so that the next statement sees them. For a
 * credential it does not wait, because bindings have no foreign key.
 * @param force deletes the resource even if it is in use
 * @returns whether the resource existed
 * @throws {AppError} `in-use` with the newest 100 `dependents`
 */
export async function deleteUnlessUsed(
  db: Db,
  table: keyof typeof guarded,
  { userId, id, force }: { userId: string; id: string; force: boolean },
): Promise<boolean> {
  const { uses, audited, details, tests } = guarded[table]
  const isTested = tests ? tests(userId, id) : sql`false`
  const owned = sql`user_id = ${userId} and id = ${id}`
  const [locked, settled] = await db.batch([
    db.execute(sql`select 1 from ${sql.identifier(table)} where ${owned} for update`),
    db.execute<{ deleted: number; tested: boolean; dependents: Dependent[] }>(sql`
      with dependents as (
        select d.id, d.workflow_id, d.instance_id, d.status, w.name
        from deployments d join workflows w on w.id = d.workflow_id
        where d.user_id = ${userId} and ${inUse} and ${uses(id)}
        order by d.id desc limit ${maximumDependents}
      ), deleted as (
        delete from ${sql.identifier(table)}
        where ${owned} and (${force}::boolean or (not exists (select from dependents) and not ${isTested}))
        returning id, ${details} as details
      ), audited as (
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}, ${userId}, ${audited}, id, details, ${actorValues()} from deleted
      )
      select (select count(*) from deleted)::integer as deleted, ${isTested} as tested, coalesce((
        select jsonb_agg(jsonb_build_object('deploymentId', id, 'workflowId', workflow_id, 'workflowName', name,
          'instanceId', instance_id, 'status', status) order by id desc)
        from dependents
      ), '[]'::jsonb) as dependents`),
  ])
  const [result] = settled.rows
  if (result && result.deleted > 0) return true
  if (locked.rows.length === 0) return false
  const dependents = result?.dependents ?? []
  const isOnlyTested = dependents.length === 0 && result?.tested
  throw refused(
    table,
    dependents,
    isOnlyTested ? 'A test is running on the instance. Wait until its scratch copy is removed' : undefined,
  )
}
