/** @module Queries of the credential pages, which show more than the API: sorted by health, with names and instances. */
import { happenedAtOfE } from '../runs/order.ts'
import { likePattern } from '../db/search.ts'
import { sql } from 'drizzle-orm'
import { type CutList, cutList } from '../lib/cut-list.ts'
import type { Reader } from '../db/client.ts'
import type { DeploymentStatus } from '../db/schema/deployments.ts'
import type { ExecutionStatus } from '../db/schema/executions.ts'
import { failedList } from '../runs/meaning.ts'
import { dayMs } from '../lib/time.ts'

export type Health = 'untested' | 'valid' | 'invalid'

export interface CredentialRow extends Record<string, unknown> {
  id: string
  name: string
  type: string
  service: string
  status: Health
  lastValidatedAt: string | null
  validationError: string | null
  /** How many instances have it, and how many of those can test it. */
  places: number
  testable: number
}

export interface CredentialGroup extends Record<string, unknown> {
  type: string
  service: string
  status: Health
  count: number
}

export interface ListFilter {
  /** Part of the name or of the type. */
  q: string
  status: Health | null
  type: string | null
  service: string | null
}

export interface CredentialsRead {
  items: CredentialRow[]
  /** How many match the filter. */
  total: number
  /** The last ID of this page; null on the last page. */
  next: string | null
  /** Counts over all of the user's credentials, for the filters. */
  groups: CredentialGroup[]
}

const pageSize = 50
const recentDays = 30
const recentFailures = 10
const maximumDeployments = 100

/** Whether an instance can test credentials. One with unknown capabilities counts too. */
const canTest = sql`coalesce(i.capabilities ->> 'generation', '') <> 'legacy'`
const testableOn = sql`r.fingerprint is not null and ${canTest}`

/** Rejected credentials first, then untested ones, then by name. `after` is the last ID of the previous page. */
export async function readCredentials(
  db: Reader,
  userId: string,
  { q, status, type, service }: ListFilter,
  after: string | null,
): Promise<CredentialsRead> {
  const like = likePattern(q)
  const place = sql`array_position(array['invalid', 'untested', 'valid'], status), lower(name), id`
  const [{ rows }, { rows: groups }] = await db.batch([
    db.execute<CredentialRow & { total: number }>(sql`
      with filtered as (
        select *, count(*) over ()::int as total from credentials
        where user_id = ${userId}
          and (${status}::text is null or status = ${status})
          and (${type}::text is null or n8n_credential_type = ${type})
          and (${service}::text is null or service = ${service})
          and (${q} = '' or name ilike ${like} or n8n_credential_type ilike ${like} or service ilike ${like})
      ), page as (
        select * from filtered
        where ${after}::uuid is null or (${place}) > (select ${place} from credentials
          where user_id = ${userId} and id = ${after}::uuid)
        order by ${place} limit ${pageSize + 1}
      )
      select id, name, n8n_credential_type as type, service, status, total,
        to_char(last_validated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "lastValidatedAt",
        validation_error as "validationError", remote.places, remote.testable
      from page cross join lateral (
        select count(*)::int as places, (count(*) filter (where ${testableOn}))::int as testable
        from remote_credentials r join instances i on i.user_id = r.user_id and i.id = r.instance_id
        where r.user_id = ${userId} and r.credential_id = page.id and r.fingerprint is not null
      ) remote
      order by ${place}`),
    db.execute<CredentialGroup>(sql`
      select n8n_credential_type as type, service, status, count(*)::int as count
      from credentials where user_id = ${userId} group by 1, 2, 3 order by 1, 2, 3`),
  ])
  const items = rows.slice(0, pageSize)
  return {
    items,
    total: rows[0]?.total ?? 0,
    next: rows.length > pageSize ? (items.at(-1)?.id ?? null) : null,
    groups,
  }
}

export interface Place extends Record<string, unknown> {
  instanceId: string
  name: string
  /** When the credential was last sent there. */
  pushedAt: string | null
  canTest: boolean
}

export interface BoundDeployment extends Record<string, unknown> {
  id: string
  workflowId: string
  workflowName: string
  instanceName: string
  version: number
  status: DeploymentStatus
  /** Names of the nodes bound to it. */
  nodes: string[]
}

export interface RecentFailure extends Record<string, unknown> {
  id: string
  n8nExecutionId: string
  status: ExecutionStatus
  workflowName: string | null
  node: string | null
  message: string | null
  httpStatus: number | null
  at: string
}

export interface CredentialPlaces {
  /** The instances that have it. */
  places: Place[]
  /** The instances that do not have it yet and can test it. */
  offered: Pick<Place, 'instanceId' | 'name'>[]
  /** Live ones first. */
  deployments: CutList<BoundDeployment>
  /** The newest runs of these deployments in the last 30 days that failed at a node bound to it. */
  failures: RecentFailure[]
}

const iso = (column: ReturnType<typeof sql>) =>
  sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** The instances that have or can test a credential, the nodes bound to it, and the recent runs that failed at those nodes. */
export async function readPlaces(
  db: Reader,
  userId: string,
  id: string,
  now: Date,
): Promise<CredentialPlaces> {
  const isBound = sql`d.bindings @> jsonb_build_array(jsonb_build_object('credentialId', ${id}::text))`
  const since = new Date(now.getTime() - recentDays * dayMs).toISOString()
  const [places, deployments, failures] = await db.batch([
    db.execute<Place & { hasIt: boolean }>(sql`
      select i.id as "instanceId", i.name, ${iso(sql`r.pushed_at`)} as "pushedAt", ${canTest} as "canTest",
        r.fingerprint is not null as "hasIt"
      from instances i
      left join remote_credentials r on r.user_id = i.user_id and r.instance_id = i.id and r.credential_id = ${id}
      where i.user_id = ${userId} and (r.fingerprint is not null or ${canTest})
      order by "hasIt" desc, r.pushed_at desc nulls last, i.id desc`),
    db.execute<BoundDeployment>(sql`
      select d.id, d.workflow_id as "workflowId", w.name as "workflowName", i.name as "instanceName", d.version, d.status,
        (select jsonb_agg(b ->> 'node') from jsonb_array_elements(d.bindings) b where b ->> 'credentialId' = ${id}) as nodes
      from deployments d
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      join instances i on i.user_id = d.user_id and i.id = d.instance_id
      where d.user_id = ${userId} and ${isBound}
      order by d.status = 'undeployed', d.id desc limit ${maximumDeployments + 1}`),
    db.execute<RecentFailure>(sql`
      select e.id, e.n8n_execution_id as "n8nExecutionId", e.status, w.name as "workflowName", e.error_node as node,
        e.error_message as message, e.error_http_status as "httpStatus",
        ${iso(happenedAtOfE)} as at
      from executions e left join workflows w on w.user_id = e.user_id and w.id = e.workflow_id
      where e.user_id = ${userId} and e.status in ${failedList}
        and ${happenedAtOfE} >= ${since}::timestamptz
        and exists (
          select from deployments d where d.user_id = ${userId} and d.id = e.deployment_id and ${isBound}
            and d.bindings @> jsonb_build_array(jsonb_build_object('node', e.error_node, 'credentialId', ${id}::text)))
      order by ${happenedAtOfE} desc, e.id desc limit ${recentFailures}`),
  ])
  return {
    places: places.rows.filter(({ hasIt }) => hasIt),
    offered: places.rows.filter(({ hasIt }) => !hasIt),
    deployments: cutList(deployments.rows, maximumDeployments),
    failures: failures.rows,
  }
}

export interface RequiringWorkflow extends Record<string, unknown> {
  id: string
  name: string
  /** How many workflows require the type in all. */
  total: number
}

/** The newest workflows that require the type, at most 5. */
export async function readRequiring(db: Reader, userId: string, type: string): Promise<RequiringWorkflow[]> {
  const { rows } = await db.execute<RequiringWorkflow>(sql`
    select id, name, count(*) over ()::int as total from workflows
    where user_id = ${userId} and required_credential_types @> array[${type}]
    order by id desc limit 5`)
  return rows
}
