/** @module Runs, failures and authentication failures of the deployments that each credential is bound to. */
import { sql } from 'drizzle-orm'
import { bindingsOfVersion, credentialsOf } from '../credentials/node-credentials.ts'
import type { Reader } from '../db/client.ts'
import type { SlotBinding } from '../db/schema/deployments.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import type { CredentialStats, credentialSorts } from './contract.ts'
import { dayMs, hourMs, isoOf } from '../lib/time.ts'
import { type BoundedRange, floor, partsOf, periodOf } from '../runs/period.ts'
import { type Filter, matching, failuresIn, groupSums, isFiltered, runsIn } from '../runs/sources.ts'

const refusals = sql`(401, 403)`
/** Nodes with authentication failures, most frequent first. */
const maximumRefusedNodes = 200
const maximumWorkflows = 20
/** Parameters that select a credential are short. */
const maximumParameterBytes = 1024
/** The end of the period, for which the last use is exact to the hour. */
const hourlyMs = 2 * dayMs

interface Row extends Record<string, unknown> {
  id: string
  name: string
  type: string
  status: 'untested' | 'valid' | 'invalid'
  workflows: { id: string; name: string }[]
  workflow_count: number
  deployments: number
  runs: number
  failed: number
  last_used_ms: number | null
}

interface RefusedNode extends Record<string, unknown> {
  runs: number
  name: string
  bindings: SlotBinding[]
  node: Record<string, unknown>
}

export async function credentialStats(
  db: Reader,
  userId: string,
  filter: Filter,
  range: BoundedRange,
  options: { limit: number; sort: (typeof credentialSorts)[number]; catalogue: Catalogue },
): Promise<CredentialStats> {
  const split = floor(new Date(range.to.getTime() - hourlyMs), hourMs)
  const hoursFrom = split > range.from ? split : range.from
  const byHour = runsIn(userId, filter, [
    ...partsOf({ from: range.from, to: hoursFrom }),
    ...partsOf({ from: hoursFrom, to: range.to }, ['hour']),
  ])
  const failed = failuresIn(userId, filter, partsOf(range))
  const [{ rows }, refused] = await db.batch([
    db.execute<Row>(sql`
      with bound as materialized (
        select b ->> 'credentialId' as credential_id, deployment_id, workflow_id
        from (
          select id as deployment_id, workflow_id, instance_id, bindings from deployments where user_id = ${userId}
        ) d
        cross join lateral jsonb_array_elements(bindings) b
        where b ? 'credentialId' ${matching(userId, filter)}
      ),
      runs as (${byHour}),
      hours as (select deployment_id, at, ${groupSums} from runs group by deployment_id, at),
      sums as (
        select deployment_id, sum(runs) as runs, sum(failed) as failed, max(at) filter (where runs > 0) as last_at
        from hours group by deployment_id
      ),
      named as (
        select credential_id, count(*)::float8 as workflow_count,
          (array_agg(jsonb_build_object('id', id, 'name', name) order by name, id))[1:${sql.raw(String(maximumWorkflows))}]
            as workflows
        from (select distinct credential_id, workflow_id from bound) b
        join workflows w on w.user_id = ${userId} and w.id = b.workflow_id
        group by credential_id
      ),
      used as (
        select credential_id, count(*)::float8 as deployments, coalesce(sum(runs), 0)::float8 as runs,
          coalesce(sum(failed), 0)::float8 as failed, max(last_at) as last_at
        from (select distinct credential_id, deployment_id from bound) b left join sums using (deployment_id)
        group by credential_id
      )
      select c.id, c.name, c.n8n_credential_type as type, c.status,
        coalesce(to_jsonb(n.workflows), '[]') as workflows, coalesce(n.workflow_count, 0) as workflow_count,
        coalesce(u.deployments, 0) as deployments, coalesce(u.runs, 0) as runs, coalesce(u.failed, 0) as failed,
        extract(epoch from u.last_at)::float8 * 1000 as last_used_ms
      from credentials c
      left join named n on n.credential_id = c.id::text
      ${isFiltered(filter) ? sql`join` : sql`left join`} used u on u.credential_id = c.id::text
      where c.user_id = ${userId}`),
    db.execute<RefusedNode>(sql`
      with refusing as materialized (
        select distinct fingerprint, node from error_groups
        where user_id = ${userId} and http_status in ${refusals} and node is not null
      ),
      failures as (${failed}),
      refused as (
        select deployment_id, workflow_id, workflow_version, node, sum(runs)::float8 as runs
        from failures join refusing using (fingerprint)
        group by deployment_id, workflow_id, workflow_version, node having sum(runs) > 0
        order by runs desc limit ${maximumRefusedNodes}
      )
      select r.runs, r.node as name, ${bindingsOfVersion(sql`r.workflow_version`)} as bindings, jsonb_build_object('name', found -> 'name', 'type', found -> 'type',
        'typeVersion', found -> 'typeVersion', 'credentials', found -> 'credentials', 'parameters', (
          select coalesce(jsonb_object_agg(key, value), '{}')
          from jsonb_each(case jsonb_typeof(found -> 'parameters') when 'object' then found -> 'parameters' end)
          where octet_length(value::text) <= ${maximumParameterBytes})) as node
      from refused r
      join deployments d on d.user_id = ${userId} and d.id = r.deployment_id
      join workflow_versions v on v.user_id = ${userId} and v.workflow_id = r.workflow_id
        and v.version = r.workflow_version
      cross join lateral jsonb_path_query_first(v.workflow_data, '$.nodes[*] ? (@.name == $name)',
        jsonb_build_object('name', r.node)) found
      where found is not null`),
  ])
  const authenticationFailures = countAuthenticationFailures(refused.rows, options.catalogue)
  const items = rows.map((row) => ({
    credentialId: row.id,
    name: row.name,
    type: row.type,
    status: row.status,
    workflows: row.workflows,
    workflowCount: row.workflow_count,
    deployments: row.deployments,
    runs: row.runs,
    failures: row.failed,
    authenticationFailures: authenticationFailures.get(row.id) ?? 0,
    lastUsedAt: isoOf(row.last_used_ms),
  }))
  const order = [options.sort, 'authenticationFailures', 'runs'] as const
  items.sort((a, b) => {
    const decisive = order.find((column) => a[column] !== b[column])
    return decisive ? b[decisive] - a[decisive] : a.credentialId < b.credentialId ? 1 : -1
  })
  return { period: periodOf(range), total: items.length, items: items.slice(0, options.limit) }
}

/** Counts a failure of a node for each credential that it uses. */
function countAuthenticationFailures(refused: RefusedNode[], catalogue: Catalogue): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { runs, name, bindings, node } of refused) {
    const used = credentialsOf(name, node, bindings, catalogue)
    const ids = new Set(used.flatMap((each) => ('credentialId' in each ? [each.credentialId] : [])))
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + runs)
  }
  return counts
}
