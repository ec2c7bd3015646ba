import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../db/audit.ts'
import { workflowVersions } from '../db/schema/workflows.ts'
import type { Slice } from '../http/page.ts'
import type { WorkflowDiff, WorkflowVersion, WorkflowVersionSummary } from './contract.ts'
import { diffWorkflows, sameJson } from './diff.ts'
import {
  fittingKeys,
  matchedCount,
  pageOf,
  sizeBytes,
  toVersion,
  versionColumns,
  versionSummaryColumns,
} from './rows.ts'

/** Reads the versions of a user's workflows. Every method takes the owner first and reads only the owner's rows. */
export class WorkflowVersions {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Newest first. The cursor is the last version number of the previous page. Null if the workflow does not exist. */
  async versions(
    userId: string,
    id: string,
    page: { limit?: number | undefined; cursor?: number | undefined },
  ): Promise<Slice<WorkflowVersionSummary> | null> {
    const limit = page.limit ?? 50
    const matching = this.#db.$with('matching').as(
      this.#db.read
        .select({ key: sql`${workflowVersions.version}`.as('key'), sizeBytes: sizeBytes(workflowVersions) })
        .from(workflowVersions)
        .where(
          and(
            ownedVersions(userId, id),
            page.cursor === undefined ? undefined : lt(workflowVersions.version, page.cursor),
          ),
        )
        .orderBy(desc(workflowVersions.version))
        .limit(limit + 1),
    )
    const rows = await this.#db.read
      .with(matching)
      .select({ row: versionSummaryColumns, matched: matchedCount })
      .from(workflowVersions)
      .where(and(ownedVersions(userId, id), sql`${workflowVersions.version} in ${fittingKeys}`))
      .orderBy(desc(workflowVersions.version))
    // Every workflow has its first version.
    if (rows.length === 0) return null
    return pageOf(rows, limit, toVersion, (row) => String(row.version))
  }

  async findVersion(userId: string, id: string, version: number): Promise<WorkflowVersion | null> {
    const [row] = await this.#db.read
      .select(versionColumns)
      .from(workflowVersions)
      .where(ownedVersions(userId, id, version))
    return row ? toVersion(row) : null
  }

  /**
   * Deletes the oldest versions except the newest `keep` and those that something refers to: see the SQL function.
   * @returns their numbers; null if the workflow does not exist
   */
  async compact(userId: string, id: string, keep: number): Promise<number[] | null> {
    const { rows } = await this.#db.execute<{ versions: number[] | null }>(sql`
      with compacted as materialized (
        select compact_versions(${userId}::uuid, ${id}::uuid, ${keep}::integer) as versions
      ), audited as (
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}::uuid, ${userId}::uuid, 'workflow.versions-compacted', ${id}::uuid,
          jsonb_build_object('versions', to_jsonb(versions)), ${actorValues()}
        from compacted where cardinality(versions) > 0
      )
      select versions from compacted`)
    return rows[0]?.versions ?? null
  }

  /** Null if the workflow or one of the versions does not exist. */
  async diff(userId: string, id: string, from: number, to: number): Promise<WorkflowDiff | null> {
    const rows = await this.#db.read
      .select(versionColumns)
      .from(workflowVersions)
      .where(ownedVersions(userId, id, from, to))
    const older = rows.find((row) => row.version === from)
    const newer = rows.find((row) => row.version === to)
    if (!older || !newer) return null
    return diffVersions(older, newer)
  }
}

type Compared = Pick<
  WorkflowVersion,
  'version' | 'name' | 'description' | 'prompt' | 'model' | 'tags' | 'workflow'
>

export function diffVersions(older: Compared, newer: Compared): WorkflowDiff {
  const fields = (['name', 'description', 'prompt', 'model', 'tags'] as const).filter(
    (field) => !sameJson(older[field], newer[field]),
  )
  const settings = sameJson(older.workflow.settings, newer.workflow.settings) ? [] : (['settings'] as const)
  return {
    from: older.version,
    to: newer.version,
    ...diffWorkflows(older.workflow, newer.workflow),
    fields: [...fields, ...settings],
  }
}

export const ownedVersions = (userId: string, id: string, ...versions: number[]) =>
  and(
    eq(workflowVersions.userId, userId),
    eq(workflowVersions.workflowId, id),
    versions.length === 0 ? undefined : inArray(workflowVersions.version, versions),
  )
