/** @module The workflow list with runs, missing credentials and deployments; most failures first. */
import { type SQL, sql } from 'drizzle-orm'
import { type DeploymentListState, deploymentState, recentSums } from '../runs/deployment-state.ts'
import { groupSums } from '../runs/sources.ts'
import { type CutList, cutList } from '../lib/cut-list.ts'
import type { Reader } from '../db/client.ts'
import { workflowHolds } from '../db/search.ts'
import type { DeploymentStatus } from '../db/schema/deployments.ts'
import { decodeCursor, encodeCursor } from '../http/page.ts'
import { credentialProblems, hasReadiness, type ReadinessState } from './readiness-queries.ts'

export interface ListFilter {
  nodeType?: string | undefined
  credentialType?: string | undefined
  tag?: string | undefined
  /** Word prefixes; all must occur in the name or the prompt. */
  q?: string | undefined
  readiness?: ReadinessState | undefined
}

export interface Lack {
  type: string
  /** true: the service rejected the credential; false: there is no credential. */
  rejected: boolean
}

export interface Place {
  id: string
  instanceName: string
  version: number
  status: DeploymentStatus
  state: DeploymentListState
}

export type ListRow = {
  id: string
  name: string
  tags: string[]
  version: number
  model: string | null
  nodeTypes: string[]
  nodeCount: number
  credentialTypes: string[]
  /** ISO 8601 */
  updatedAt: string
  /** In the last 24 h. */
  runs: number
  failed: number
  succeeded: number
  lacks: Lack[]
  /** At most `maxPlaces`, newest first. */
  places: Place[]
  placeCount: number
}

export interface WorkflowPage {
  rows: ListRow[]
  /** Number of matches on all pages. */
  total: number
  nextCursor: string | null
}

export interface FacetValue {
  value: string
  count: number
}

export interface Facets {
  nodeTypes: CutList<FacetValue>
  credentialTypes: CutList<FacetValue>
  tags: CutList<FacetValue>
}

const pageRows = 50
const maxPlaces = 3
/** Each facet has the most frequent values. */
const maxFacetValues = 200

/** @param cursor from the previous page; null: the first page */
export async function readWorkflowList(
  db: Reader,
  userId: string,
  filter: ListFilter,
  cursor: ListCursor | null,
  now: Date,
): Promise<WorkflowPage> {
  const { rows } = await db.execute<Omit<ListRow, 'updatedAt'> & { updatedMs: number; total: number }>(sql`
    with ${recentSums(userId, {}, now)},
    by_workflow as (select workflow_id, ${groupSums} from runs group by workflow_id),
    ${credentialProblems(userId)},
    matching as (
      select w.id, coalesce(s.runs, 0) as runs, coalesce(s.failed, 0) as failed, coalesce(s.succeeded, 0) as succeeded
      from workflows w left join by_workflow s on s.workflow_id = w.id
      where w.user_id = ${userId} ${conditions(filter)}
    ),
    page as (
      select * from matching
      ${cursor ? sql`where (failed, id) < (${cursor.failed}::bigint, ${cursor.id}::uuid)` : sql``}
      order by failed desc, id desc limit ${pageRows + 1}
    )
    select w.id, w.name, w.tags, w.version, w.model, w.node_types as "nodeTypes", w.node_count as "nodeCount",
      w.required_credential_types as "credentialTypes", extract(epoch from w.updated_at)::float8 * 1000 as "updatedMs",
      p.runs::float8, p.failed::float8, p.succeeded::float8, (select count(*)::integer from matching) as total,
      coalesce((
        select jsonb_agg(jsonb_build_object('type', type, 'rejected', rejected) order by type)
        from problems where workflow_id = w.id
      ), '[]'::jsonb) as lacks,
      coalesce(d.places, '[]'::jsonb) as places, coalesce(d.place_count, 0)::integer as "placeCount"
    from page p
    join workflows w on w.user_id = ${userId} and w.id = p.id
    left join lateral (
      select count(*) as place_count, jsonb_agg(jsonb_build_object('id', id, 'instanceName', name, 'version', version,
        'status', status, 'state', state) order by id desc) filter (where place <= ${maxPlaces}) as places
      from (
        select d.id, d.version, d.status, ${deploymentState} as state, i.name, row_number() over (order by d.id desc) as place
        from deployments d join instances i on i.user_id = d.user_id and i.id = d.instance_id
        left join sums s on s.deployment_id = d.id and s.workflow_version = d.version
        where d.user_id = ${userId} and d.workflow_id = w.id and d.status <> 'undeployed'
      ) placed
    ) d on true
    order by p.failed desc, p.id desc`)
  const shown = rows.slice(0, pageRows)
  const last = shown.at(-1)
  return {
    rows: shown.map(({ updatedMs, ...row }) =>
      Object.assign(row, { updatedAt: new Date(updatedMs).toISOString() }),
    ),
    total: rows[0]?.total ?? 0,
    nextCursor: rows.length > pageRows && last ? `${last.failed}.${encodeCursor(last.id)}` : null,
  }
}

function conditions({ nodeType, credentialType, tag, q, readiness }: ListFilter): SQL {
  return sql.join(
    [
      nodeType !== undefined && sql`and w.node_types @> array[${nodeType}]`,
      credentialType !== undefined && sql`and w.required_credential_types @> array[${credentialType}]`,
      tag !== undefined && sql`and w.tags @> array[${tag}]`,
      q !== undefined && sql`and ${workflowHolds(q, sql`w`)}`,
      readiness !== undefined && sql`and ${hasReadiness(readiness, sql`w.id`)}`,
    ].filter((condition) => condition !== false),
    sql` `,
  )
}

export interface ListCursor {
  failed: number
  id: string
}

/** Null for an invalid cursor. */
export function readListCursor(text: string): ListCursor | null {
  const [, failed, cursor = ''] = /^(\d{1,12})\.([\w-]{22})$/.exec(text) ?? []
  const id = decodeCursor(cursor)
  return failed === undefined || id === null ? null : { failed: Number(failed), id }
}

/** Filter values of the user's workflows, most frequent first. */
export async function readFacets(db: Reader, userId: string): Promise<Facets> {
  const facet = (name: string, column: SQL) => sql`
    (select ${name} as facet, value, count(*)::integer as count
    from workflows w cross join unnest(${column}) as value
    where w.user_id = ${userId} group by value order by count desc, value limit ${maxFacetValues + 1})`
  const { rows } = await db.execute<{ facet: string; value: string; count: number }>(sql`
    ${facet('node', sql`w.node_types`)} union all ${facet('credential', sql`w.required_credential_types`)}
    union all ${facet('tag', sql`w.tags`)}`)
  const of = (name: string) =>
    cutList(
      rows.filter(({ facet }) => facet === name),
      maxFacetValues,
    )
  return { nodeTypes: of('node'), credentialTypes: of('credential'), tags: of('tag') }
}
