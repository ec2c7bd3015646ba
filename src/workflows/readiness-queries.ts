/**
 * @module Finds workflows without a working credential, in SQL and without calling n8n. Uses the bindings of deployments,
 * or else the credentials that a plan could bind. Plans and `GET /v1/workflows/{id}/readiness` check each slot.
 */
import { type SQL, sql } from 'drizzle-orm'

/** `missing`: no credential of a required type exists. `rejected`: the service rejects the credential. */
export const readinessStates = ['ready', 'missing', 'rejected'] as const
export type ReadinessState = (typeof readinessStates)[number]

const enabledNodes = sql`jsonb_array_elements(w.workflow_data -> 'nodes') as node
  where node -> 'disabled' is distinct from 'true'`

/** Whether the node's JSON names a rejected credential of the type. */
const namesRejected = (userId: string): SQL => sql`exists (
  select from credentials c
  where c.user_id = ${userId} and c.n8n_credential_type = required.type and c.status = 'invalid'
    and btrim(node -> 'credentials' -> required.type ->> 'name') = btrim(c.name)
)`

/** The members that decide, with the node type, which credential a node uses. */
const kind = sql`(select jsonb_build_array(node -> 'type', p -> 'authentication', p -> 'genericAuthType',
  p -> 'nodeCredentialType') from (select node -> 'parameters') as parameters (p))`

/**
 * Whether a slot of the type is unbound, and no working credential can fill it. The slots are the nodes that reference a
 * credential of the type or are configured as a bound one. A renamed node keeps its binding: the number decides too.
 */
const hasUnboundSlot = (userId: string): SQL => sql`exists (
  with nodes as materialized (
    select node, ${kind} as kind, coalesce(node ->> 'name' = any (b.nodes), false) as is_bound from ${enabledNodes}
  ), slots as (
    select * from nodes where is_bound or node -> 'credentials' ->> required.type is not null
      or kind in (select kind from nodes where is_bound)
  )
  select from slots
  where not is_bound and (select count(*) from slots) > cardinality(b.nodes)
    and (a.type is null or a.all_rejected or ${namesRejected(userId)})
)`

/**
 * CTEs that end with `problems`: `workflow_id, type, rejected`, one row per credential type with a problem. Includes types
 * of the deployed version that the current version does not require.
 */
export const credentialProblems = (userId: string): SQL => sql`
  bound as materialized (
    select d.workflow_id, b.type, coalesce(bool_or(c.status = 'invalid'), false) as rejected,
      array_agg(distinct b.node) as nodes
    from deployments d
    cross join jsonb_to_recordset(d.bindings) as b (node text, type text, "credentialId" uuid, "n8nCredentialId" text)
    left join credentials c on c.user_id = d.user_id and c.id = b."credentialId"
    where d.user_id = ${userId} and d.status <> 'undeployed'
      and (c.id is not null or b."n8nCredentialId" is not null)
    group by d.workflow_id, b.type
  ),
  available as materialized (
    select n8n_credential_type as type, bool_and(status = 'invalid') as all_rejected,
      bool_or(status = 'invalid') as some_rejected
    from credentials where user_id = ${userId} group by n8n_credential_type
  ),
  problems as materialized (
    select w.id as workflow_id, required.type, a.type is not null as rejected
    from workflows w cross join unnest(w.required_credential_types) as required (type)
    left join bound b on b.workflow_id = w.id and b.type = required.type
    left join available a on a.type = required.type
    where w.user_id = ${userId} and (a.type is null or a.some_rejected) and case
      when b.type is not null then ${hasUnboundSlot(userId)}
      else a.type is null or a.all_rejected or exists (select from ${enabledNodes} and ${namesRejected(userId)})
    end
    union select workflow_id, type, true from bound where rejected
  )`

/** Condition on a workflow's ID. Requires `credentialProblems` in scope. */
export function hasReadiness(state: ReadinessState, workflowId: SQL): SQL {
  if (state === 'ready') return sql`${workflowId} not in (select workflow_id from problems)`
  const rejected = sql.raw(String(state === 'rejected'))
  return sql`${workflowId} in (select workflow_id from problems where rejected = ${rejected})`
}
