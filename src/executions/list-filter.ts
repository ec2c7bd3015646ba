/** @module Builds the SQL condition for the filters of an execution list. */
import { and, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import * as uuid from 'uuid'
import { type ExecutionStatus, executions } from '../db/schema/executions.ts'
import { nameHolds, textHolds, toSearchText } from '../db/search.ts'
import type { ExecutionFilter } from './contract.ts'
import { n8nRetentionMs } from './poll/known-executions.ts'
import { failedList, hasErrorList, isStuck } from '../runs/meaning.ts'
import { happenedAt } from '../runs/order.ts'

/** All filters must match. */
export interface ExecutionSearch extends ExecutionFilter {
  /** Any of these. */
  statuses?: readonly ExecutionStatus[] | undefined
  /** Workflows with this name, else those with this text in their name. */
  workflowName?: string | undefined
  /** Name of the failed node. */
  errorNode?: string | undefined
  /** Filters by start, else end, else first report, like analytics. */
  from?: Date | undefined
  /** Exclusive. */
  to?: Date | undefined
}

/** An empty search matches all executions of the user. */
export function matching(userId: string, search: ExecutionSearch, now: Date): SQL | undefined {
  const { workflowId, deploymentId, instanceId, status, mode, kind, stuck, startedAfter, startedBefore } =
    search
  const { workflowVersion, tag, errorFingerprint, q, statuses, errorNode, workflowName, from, to } = search
  return and(
    eq(executions.userId, userId),
    workflowId === undefined ? undefined : eq(executions.workflowId, workflowId),
    workflowName === undefined ? undefined : ofWorkflowsNamed(userId, workflowName),
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
 * The second condition prunes partitions: a run is recorded after it starts, or while it is queued, and n8n prunes
 * queued runs after `n8nRetentionMs`.
 */
const happenedFrom = (from: Date) =>
  and(
    sql`${happenedAt} >= ${from.toISOString()}::timestamptz`,
    gte(executions.recordedAt, new Date(from.getTime() - n8nRetentionMs)),
  )

const happenedBefore = (to: Date) => sql`${happenedAt} < ${to.toISOString()}::timestamptz`

/** A successful execution retains an error reported earlier, so the status matters too. */
const failedWith = (condition: SQL) => and(sql`${executions.status} in ${failedList}`, condition)

const ofWorkflowsTagged = (userId: string, tag: string) => sql`${executions.workflowId} = any(array(
  select id from workflows where user_id = ${userId} and tags @> array[${tag}]))`

function ofWorkflowsNamed(userId: string, name: string) {
  const text = toSearchText(name)
  const named = sql`select id from workflows where user_id = ${userId} and lower(name) = lower(${text})`
  return sql`${executions.workflowId} = any(array(
    select w.id from workflows w where w.user_id = ${userId} and case when exists (${named})
      then lower(w.name) = lower(${text}) else ${nameHolds(text, sql`w.name`)} end))`
}

const hasN8nId = (userId: string, n8nExecutionId: string) =>
  sql`(${executions.recordedAt}, ${executions.id}) in (${withN8nId(userId, n8nExecutionId)})`

/** Looks up the keys of the user's instances. */
const withN8nId = (userId: string, n8nExecutionId: string) => sql`
  select recorded_at, id from execution_keys
  where instance_id = any(array(select id from instances where user_id = ${userId}))
    and n8n_execution_id = ${n8nExecutionId}`

/** Searches each column with its own index. */
function mentions(userId: string, text: string): SQL | undefined {
  const query = toSearchText(text)
  if (query === '') return undefined
  if (uuid.validate(query)) return eq(executions.id, query)
  // The UI shows IDs as #48 213.
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
