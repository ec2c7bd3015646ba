/** @module What a list of executions may be narrowed by, as a condition on `executions`. */
import { and, eq, gte, inArray, lt, lte, type SQL, sql } from 'drizzle-orm'
import * as uuid from 'uuid'
import { type ExecutionStatus, executions } from '../db/schema/executions.ts'
import type { ExecutionFilter } from './contract.ts'
import { n8nRetentionMs } from './known-executions.ts'
import { failingStatuses } from './merge.ts'

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
  /** Its id, its number in n8n, or a part of its workflow's name or of its error's message. */
  text?: string | undefined
}

const happenedAt = sql`coalesce(${executions.startedAt}, ${executions.finishedAt}, ${executions.recordedAt})`

/** Owner first; an empty search is all of a user's. */
export function matching(userId: string, search: ExecutionSearch): SQL | undefined {
  const { workflowId, deploymentId, instanceId, status, startedAfter, startedBefore } = search
  const { workflowVersion, tag, errorFingerprint, q, statuses, errorNode, from, to, text } = search
  return and(
    eq(executions.userId, userId),
    workflowId === undefined ? undefined : eq(executions.workflowId, workflowId),
    workflowVersion === undefined ? undefined : eq(executions.workflowVersion, workflowVersion),
    deploymentId === undefined ? undefined : eq(executions.deploymentId, deploymentId),
    instanceId === undefined ? undefined : eq(executions.instanceId, instanceId),
    status === undefined ? undefined : eq(executions.status, status),
    statuses === undefined ? undefined : inArray(executions.status, [...statuses]),
    startedAfter === undefined ? undefined : gte(executions.startedAt, startedAfter),
    startedAfter && recordedFor(startedAfter),
    startedBefore === undefined ? undefined : lt(executions.startedAt, startedBefore),
    tag === undefined ? undefined : ofWorkflowsTagged(userId, tag),
    q === undefined ? undefined : hasN8nId(userId, q),
    errorFingerprint === undefined
      ? undefined
      : failedWith(eq(executions.errorFingerprint, errorFingerprint)),
    errorNode === undefined ? undefined : failedWith(eq(executions.errorNode, errorNode)),
    from && sql`${happenedAt} >= ${from.toISOString()}::timestamptz`,
    from && recordedFor(from),
    to && sql`${happenedAt} < ${to.toISOString()}::timestamptz`,
    text === undefined ? undefined : mentions(userId, text),
  )
}

/**
 * What partitions and the index are pruned by: a run is heard of when it has begun, or while it is queued, in which n8n
 * forgets it after `n8nRetentionMs`.
 */
const recordedFor = (startedFrom: Date) =>
  gte(executions.recordedAt, new Date(startedFrom.getTime() - n8nRetentionMs))

/** A run that succeeded after all keeps the error that it was first told to have. */
const failedWith = (condition: SQL) => and(inArray(executions.status, [...failingStatuses]), condition)

const ofWorkflowsTagged = (userId: string, tag: string) => sql`${executions.workflowId} = any(array(
  select id from workflows where user_id = ${userId} and tags @> array[${tag}]))`

/** By the keys of each of the user's instances, which lead to the row. */
const hasN8nId = (userId: string, n8nExecutionId: string) => sql`
  (${executions.recordedAt}, ${executions.id}) in (
    select recorded_at, id from execution_keys
    where instance_id = any(array(select id from instances where user_id = ${userId}))
      and n8n_execution_id = ${n8nExecutionId})`

function mentions(userId: string, text: string): SQL | undefined {
  const query = text.replaceAll('\0', '').trim().slice(0, 200)
  if (query === '') return undefined
  if (uuid.validate(query)) return eq(executions.id, query)
  // As it is shown: #48 213
  if (/^#?[\d\s]+$/.test(query)) return hasN8nId(userId, query.replaceAll(/\D/g, ''))
  const like = `%${query.replace(/[\\%_]/g, '\\$&')}%`
  return sql`(${executions.workflowId} in (
      select id from workflows where user_id = ${userId} and name ilike ${like})
    or (${inArray(executions.status, [...failingStatuses])} and ${executions.errorMessage} ilike ${like}))`
}

/** The first 48 bits of a UUIDv7 (RFC 9562 §5.7): the partition key of the id's row. */
export const timeOf = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))

const position = sql`(${executions.recordedAt}, ${executions.id})`
const positionOf = (id: string) => sql`(${timeOf(id).toISOString()}::timestamptz, ${id}::uuid)`

/** The row comparison walks the index; the plain one beside it is what partitions are pruned by. */
export const olderThan = (id: string) =>
  and(lte(executions.recordedAt, timeOf(id)), sql`${position} < ${positionOf(id)}`)

export const newerThan = (id: string) =>
  and(gte(executions.recordedAt, timeOf(id)), sql`${position} > ${positionOf(id)}`)
