import { and, eq, sql } from 'drizzle-orm'
import { bindingsOfVersion } from '../credentials/node-credentials.ts'
import type { Reader } from '../db/client.ts'
import { deployments, type SlotBinding } from '../db/schema/deployments.ts'
import { executions, executionStatuses } from '../db/schema/executions.ts'
import { instances } from '../db/schema/instances.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import type { ExecutionSummary } from './contract.ts'
import { summaryColumns, toSummary } from './repository.ts'
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

export interface RunPage {
  run: ExecutionSummary
  httpStatus: number | null
  data: unknown
  /** `none`: n8n has no data. `trimmed`: removed after its retention. `pending`: not fetched from n8n yet. */
  dataState: 'there' | 'none' | 'trimmed' | 'pending'
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
}

/** Reads all data for a run's page in one round trip. Null when the user has no such run. */
export async function readRun(db: Reader, userId: string, id: string, now: Date): Promise<RunPage | null> {
  const recordedAt = timeOf(id)
  const thisRun = sql`e.user_id = ${userId} and e.id = ${id} and e.recorded_at = ${recordedAt.toISOString()}::timestamptz`
  const allRuns = sql.join(
    executionStatuses.map((status) => sql`s.${sql.identifier(status)}`),
    sql` + `,
  )
  const [[row], credentials, group, first, before] = await db.batch([
    db
      .select({
        run: summaryColumns(now),
        httpStatus: executions.errorHttpStatus,
        fingerprint: executions.errorFingerprint,
        data: executions.data,
        dataMergeKey: executions.dataMergeKey,
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
  ])
  if (!row) return null
  const run = toSummary(row.run)
  return {
    run,
    httpStatus: run.error && row.httpStatus,
    data: row.data,
    dataState: dataStateOf(row.data, row.dataMergeKey),
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
  }
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
