import { and, eq, type SQL, sql } from 'drizzle-orm'
import { bindingsOfVersion } from '../credentials/node-credentials.ts'
import type { Reader } from '../db/client.ts'
import { deployments, type SlotBinding } from '../db/schema/deployments.ts'
import { executions, executionStatuses } from '../db/schema/executions.ts'
import { instances } from '../db/schema/instances.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import type { ExecutionSummary } from './contract.ts'
import { summaryColumns, toSummary, usageColumns, usageOfRun } from './repository.ts'
import type { SealedBox } from '../crypto/secret-box.ts'
import type { ExecutionUsage } from '../runs/usage.ts'
import { sealedValuesOf } from './values/repository.ts'
import { failedList } from '../runs/meaning.ts'
import { happenedAt, timeOf } from '../runs/order.ts'

export interface BoundCredential extends Record<string, unknown> {
  id: string
  name: string
  type: string
  status: 'untested' | 'valid' | 'invalid'
}

/** Facts about the error group of a run, over all stored runs. */
export interface GroupFacts {
  fingerprint: string
  runs: number
  errorClass: string | null
  firstSeen: { at: Date; version: number; isSameWorkflow: boolean } | null
  /** The previous version of this workflow that ran; null when there is none. */
  versionBefore: { version: number; runs: number } | null
}

/** A later version that ran successfully and has not failed with the same message since. */
export interface KnownFix extends Record<string, unknown> {
  workflow_id: string
  workflow_name: string
  node: string
  failed_in: number
  version: number
  prompt: string | null
  model: string | null
  created_ms: number
  /** JSON of the node in both versions; null if it is not there. */
  node_before: unknown
  node_after: unknown
}

export interface RunPage {
  run: ExecutionSummary
  httpStatus: number | null
  data: unknown
  /** `none`: n8n has no data. `trimmed`: removed after its retention. `pending`: not fetched from n8n yet. */
  dataState: 'there' | 'none' | 'trimmed' | 'pending'
  /** Null while a poll has yet to tell it. */
  usage: ExecutionUsage | null
  /** Stored values; null if there are none, or if they were not requested. */
  sealedValues: SealedBox | null
  /** Null if deleted. */
  workflow: { name: string; dataRetentionDays: number | null } | null
  /** Null if deleted with its workflow. */
  version: {
    json: Record<string, unknown>
    prompt: string | null
    model: string | null
    triggerTypes: string[]
  } | null
  instance: { name: string; baseUrl: string } | null
  /** `bindings`: the bindings while the version was live. */
  deployment: { n8nWorkflowId: string | null; bindings: SlotBinding[] } | null
  /** Credentials that are currently bound. */
  credentials: BoundCredential[]
  group: GroupFacts | null
  /** The first version of this workflow that failed with this error. */
  introducedIn: { version: number; prompt: string | null; model: string | null; createdAt: Date } | null
  /** Newest first. */
  fixes: KnownFix[]
}

const maximumFixes = 3

/**
 * Reads all data for a run's page in one round trip. Null when the user has no such run.
 * @param withValues also the stored values, for a reader who may see them
 */
export async function readRun(
  db: Reader,
  userId: string,
  id: string,
  now: Date,
  { withValues = false }: { withValues?: boolean } = {},
): Promise<RunPage | null> {
  const recordedAt = timeOf(id)
  const thisRun = sql`e.user_id = ${userId} and e.id = ${id} and e.recorded_at = ${recordedAt.toISOString()}::timestamptz`
  const allRuns = sql.join(
    executionStatuses.map((status) => sql`s.${sql.identifier(status)}`),
    sql` + `,
  )
  const [[row], credentials, group, first, before, introduced, fixes] = await db.batch([
    db
      .select({
        run: summaryColumns(now),
        httpStatus: executions.errorHttpStatus,
        fingerprint: executions.errorFingerprint,
        data: executions.data,
        ...usageColumns(userId),
        sealedValues: withValues ? sealedValuesOf(userId, now) : sql<null>`null`,
        workflowName: workflows.name,
        dataRetentionDays: workflows.dataRetentionDays,
        json: workflowVersions.data,
        prompt: workflowVersions.prompt,
        model: workflowVersions.model,
        triggerTypes: workflowVersions.triggerTypes,
        instanceName: instances.name,
        baseUrl: instances.baseUrl,
        n8nWorkflowId: deployments.n8nWorkflowId,
        bindings: sql<SlotBinding[] | null>`(
          select ${bindingsOfVersion(sql`${executions.workflowVersion}`)} from deployments d
          where d.user_id = ${userId} and d.id = ${executions.deploymentId})`,
      })
      .from(executions)
      .leftJoin(workflows, and(eq(workflows.userId, userId), eq(workflows.id, executions.workflowId)))
      .leftJoin(
        workflowVersions,
        and(
          eq(workflowVersions.userId, userId),
          eq(workflowVersions.workflowId, executions.workflowId),
          eq(workflowVersions.version, executions.workflowVersion),
        ),
      )
      .leftJoin(instances, and(eq(instances.userId, userId), eq(instances.id, executions.instanceId)))
      .leftJoin(deployments, and(eq(deployments.userId, userId), eq(deployments.id, executions.deploymentId)))
      .where(
        and(eq(executions.userId, userId), eq(executions.id, id), eq(executions.recordedAt, recordedAt)),
      ),
    db.execute<BoundCredential>(sql`
      select c.id, c.name, c.n8n_credential_type as type, c.status
      from executions e
      join deployments d on d.user_id = e.user_id and d.id = e.deployment_id
      join credentials c on c.user_id = e.user_id and c.id::text in (
        select b ->> 'credentialId' from jsonb_array_elements(${bindingsOfVersion(sql`e.workflow_version`)}) b)
      where ${thisRun}`),
    db.execute<{ workflow_id: string; version: number; runs: number; error_class: string | null }>(sql`
      select s.workflow_id, s.workflow_version as version, sum(s.runs)::float8 as runs, min(g.error_class) as error_class
      from executions e
      join error_stats_now s on s.user_id = e.user_id and s.grain = 'day' and s.fingerprint = e.error_fingerprint
      left join lateral (
        select error_class from error_groups
        where user_id = e.user_id and fingerprint = e.error_fingerprint limit 1
      ) g on true
      where ${thisRun} and s.user_id = ${userId}
      group by s.workflow_id, s.workflow_version having sum(s.runs) > 0`),
    db.execute<{ workflow_id: string; version: number; at_ms: number }>(sql`
      select f.workflow_id, f.workflow_version as version, extract(epoch from f.at)::float8 * 1000 as at_ms
      from executions e
      cross join lateral (
        select workflow_id, workflow_version, ${happenedAt} as at from executions
        where user_id = e.user_id and error_fingerprint = e.error_fingerprint and status in ${failedList}
        order by ${happenedAt}, id limit 1
      ) f
      where ${thisRun}`),
    db.execute<{ version: number }>(sql`
      select s.workflow_version as version
      from executions e
      join execution_stats_now s on s.user_id = e.user_id and s.grain = 'day' and s.workflow_id = e.workflow_id
        and s.workflow_version < e.workflow_version
      where ${thisRun} and s.user_id = ${userId}
      group by s.workflow_version having sum(${allRuns}) > 0
      order by s.workflow_version desc limit 1`),
    db.execute<{ version: number; prompt: string | null; model: string | null; created_ms: number }>(sql`
      select v.version, v.prompt, v.model, extract(epoch from v.created_at)::float8 * 1000 as created_ms
      from executions e
      cross join lateral (
        select s.workflow_version as version from error_stats_now s
        where s.user_id = ${userId} and s.grain = 'day' and s.fingerprint = e.error_fingerprint
          and s.workflow_id = e.workflow_id
        group by s.workflow_version having sum(s.runs) > 0
        order by s.workflow_version limit 1
      ) f
      join workflow_versions v on v.user_id = e.user_id and v.workflow_id = e.workflow_id and v.version = f.version
      where ${thisRun}`),
    db.execute<KnownFix>(knownFixes(userId, thisRun)),
  ])
  if (!row) return null
  const [introducedIn] = introduced.rows
  const run = toSummary(row.run)
  return {
    run,
    httpStatus: run.error && row.httpStatus,
    data: row.data,
    dataState: dataStateOf(row.data, row.dataMergeKey),
    usage: usageOfRun(row),
    sealedValues: row.sealedValues,
    workflow:
      row.workflowName === null ? null : { name: row.workflowName, dataRetentionDays: row.dataRetentionDays },
    version: row.json && {
      json: row.json,
      prompt: row.prompt,
      model: row.model,
      triggerTypes: row.triggerTypes ?? [],
    },
    instance:
      row.instanceName === null || row.baseUrl === null
        ? null
        : { name: row.instanceName, baseUrl: row.baseUrl },
    deployment: row.bindings && { n8nWorkflowId: row.n8nWorkflowId, bindings: row.bindings },
    credentials: credentials.rows,
    group:
      row.fingerprint !== null && run.error
        ? groupOf(row.fingerprint, run, group.rows, first.rows[0], before.rows[0])
        : null,
    introducedIn: introducedIn
      ? {
          version: introducedIn.version,
          prompt: introducedIn.prompt,
          model: introducedIn.model,
          createdAt: new Date(introducedIn.created_ms),
        }
      : null,
    fixes: run.error ? fixes.rows : [],
  }
}

/** Groups with the same error class, HTTP status and message count as one, regardless of the node. */
function knownFixes(userId: string, thisRun: SQL): SQL {
  const nodeIn = (version: SQL) => sql`(
    select each.json from jsonb_array_elements(${version}.workflow_data -> 'nodes') each (json)
    where each.json ->> 'name' = f.node limit 1)`
  return sql`
    with same as materialized (
      select distinct other.fingerprint, other.node
      from executions e
      join error_groups g on g.user_id = e.user_id and g.fingerprint = e.error_fingerprint
      join error_groups other on other.user_id = ${userId} and other.message = g.message
        and other.error_class is not distinct from g.error_class
        and other.http_status is not distinct from g.http_status
      where ${thisRun} and other.node is not null
    ),
    failed as (
      select workflow_id, node, max(version) as version from (
        select s.workflow_id, same.node, s.workflow_version as version
        from same join error_stats_now s on s.fingerprint = same.fingerprint
        where s.user_id = ${userId} and s.grain = 'day'
        group by s.workflow_id, same.node, s.workflow_version having sum(s.runs) > 0
      ) versions
      group by workflow_id, node
    )
    select f.workflow_id, w.name as workflow_name, f.node, f.version as failed_in, after.version, after.prompt, after.model,
      extract(epoch from after.created_at)::float8 * 1000 as created_ms,
      ${nodeIn(sql`before`)} as node_before, ${nodeIn(sql`after`)} as node_after
    from failed f
    cross join lateral (
      select s.workflow_version as version from execution_stats_now s
      where s.user_id = ${userId} and s.grain = 'day' and s.workflow_id = f.workflow_id
        and s.workflow_version > f.version
      group by s.workflow_version having sum(s.success) > 0
      order by s.workflow_version limit 1
    ) fixed
    join workflows w on w.user_id = ${userId} and w.id = f.workflow_id
    join workflow_versions before on before.user_id = ${userId} and before.workflow_id = f.workflow_id
      and before.version = f.version
    join workflow_versions after on after.user_id = ${userId} and after.workflow_id = f.workflow_id
      and after.version = fixed.version
    order by after.created_at desc, f.workflow_id, f.node limit ${maximumFixes}`
}

function dataStateOf(data: unknown, mergeKey: string | null): RunPage['dataState'] {
  if (data !== null) return 'there'
  if (mergeKey === null) return 'pending'
  return mergeKey === '-' ? 'none' : 'trimmed'
}

function groupOf(
  fingerprint: string,
  run: ExecutionSummary,
  versions: { workflow_id: string; version: number; runs: number; error_class: string | null }[],
  first: { workflow_id: string; version: number; at_ms: number } | undefined,
  before: { version: number } | undefined,
): GroupFacts {
  const runsOf = (version: number) =>
    versions.find((each) => each.workflow_id === run.workflowId && each.version === version)?.runs ?? 0
  return {
    fingerprint,
    runs: versions.reduce((sum, { runs }) => sum + runs, 0),
    errorClass: versions[0]?.error_class ?? null,
    firstSeen: first
      ? {
          at: new Date(first.at_ms),
          version: first.version,
          isSameWorkflow: first.workflow_id === run.workflowId,
        }
      : null,
    versionBefore: before ? { version: before.version, runs: runsOf(before.version) } : null,
  }
}
