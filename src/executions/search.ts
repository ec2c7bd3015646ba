/** @module What a list of executions may be narrowed by, as a condition on `executions`. */
import { and, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import * as uuid from 'uuid'
import { type ExecutionStatus, executions } from '../db/schema/executions.ts'
import { nameHolds, textHolds } from '../db/search.ts'
import type { ExecutionFilter } from './contract.ts'
import { n8nRetentionMs } from './known-executions.ts'
import { failedList, hasErrorList, isStuck } from '../runs/meaning.ts'
import { happenedAt } from '../runs/order.ts'

/** Filters narrow each other. */
export interface ExecutionSearch extends ExecutionFilter {
  /** One of these. */
  statuses?: readonly ExecutionStatus[] | undefined
  /** The node that it failed at, by name. */
  errorNode?: string | undefined
  /** When it started; when that is unknown ended, else was first heard of. As analytics counts it. */
  from?: Date | undefined
  /** Not included. */
  to?: Date | undefined
}

/** Owner first; an empty search is all of a user's. */
export function matching(userId: string, search: ExecutionSearch, now: Date): SQL | undefined {
  const { workflowId, deploymentId, instanceId, status, mode, kind, stuck, startedAfter, startedBefore } =
    search
  const { workflowVersion, tag, errorFingerprint, q, statuses, errorNode, from, to } = search
  return and(
    eq(executions.userId, userId),
    workflowId === undefined ? undefined : eq(executions.workflowId, workflowId),
    workflowVersion === undefined ? undefined : eq(executions.workflowVersion, workflowVersion),
    deploymentId === undefined ? undefined : eq(executions.deploymentId, deploymentId),
    instanceId === undefined ? undefined : eq(executions.instanceId, instanceId),
    status === undefined ? undefined : eq(executions.status, status),
    statuses === undefined ? undefined : inArray(executions.status, [...statuses]),
    mode === undefined ? undefined : inArray(executions.mode, mode),
    kind === undefined ? undefined : inArray(executions.kind, kind),
    stuck === undefined ? undefined : stuck ? isStuck(now) : sql`not ${isStuck(now)}`,
    startedAfter && and(gte(executions.startedAt, startedAfter), happenedFrom(startedAfter)),
    startedBefore && and(lt(executions.startedAt, startedBefore), happenedBefore(startedBefore)),
    tag === undefined ? undefined : ofWorkflowsTagged(userId, tag),
    q === undefined ? undefined : mentions(userId, q),
    errorFingerprint === undefined
      ? undefined
      : failedWith(eq(executions.errorFingerprint, errorFingerprint)),
    errorNode === undefined ? undefined : failedWith(eq(executions.errorNode, errorNode)),
    from && happenedFrom(from),
    to && happenedBefore(to),
  )
}

/**
 * The second condition prunes partitions: a run is recorded once it has started, or while it is queued, and n8n forgets
 * queued runs after `n8nRetentionMs`.
 */
const happenedFrom = (from: Date) =>
  and(
    sql`${happenedAt} >= ${from.toISOString()}::timestamptz`,
    gte(executions.recordedAt, new Date(from.getTime() - n8nRetentionMs)),
  )

const happenedBefore = (to: Date) => sql`${happenedAt} < ${to.toISOString()}::timestamptz`

/** A success keeps the error that was reported before it. */
const failedWith = (condition: SQL) => and(sql`${executions.status} in ${failedList}`, condition)

const ofWorkflowsTagged = (userId: string, tag: string) => sql`${executions.workflowId} = any(array(
  select id from workflows where user_id = ${userId} and tags @> array[${tag}]))`

const hasN8nId = (userId: string, n8nExecutionId: string) =>
  sql`(${executions.recordedAt}, ${executions.id}) in (${withN8nId(userId, n8nExecutionId)})`

/** By the keys of each of the user's instances, which lead to the row. */
const withN8nId = (userId: string, n8nExecutionId: string) => sql`
  select recorded_at, id from execution_keys
  where instance_id = any(array(select id from instances where user_id = ${userId}))
    and n8n_execution_id = ${n8nExecutionId}`

/** Each kind of text by its own index; a row is then only looked up in what was found. */
function mentions(userId: string, text: string): SQL | undefined {
  const query = text.replaceAll('\0', '').trim().slice(0, 200)
  if (query === '') return undefined
  if (uuid.validate(query)) return eq(executions.id, query)
  // As it is shown: #48 213
  const isNumber = /^#?[\d\s]+$/.test(query)
  const n8nExecutionId = isNumber ? query.replaceAll(/\D/g, '') : query
  if (isNumber && query.startsWith('#')) return hasN8nId(userId, n8nExecutionId)
  return sql`(${executions.workflowId} = any(array(
      select w.id from workflows w
      where w.user_id = ${userId} and w.search @@ search_query(${query}) and ${nameHolds(query, sql`w.name`)}))
    or (${executions.recordedAt}, ${executions.id}) in (
      ${withN8nId(userId, n8nExecutionId)}
      union all
      select e.recorded_at, e.id from executions e
      where e.user_id = ${userId} and e.status in ${hasErrorList} and e.error_message is not null
        and ${textHolds(query, sql`e.error_message`)}))`
}
