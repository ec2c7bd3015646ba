/**
 * @module Finds workflows without a working credential, in SQL and without calling n8n. Uses the bindings of deployments,
 * or else the credentials that a plan could bind. Plans and `GET /v1/workflows/{id}/readiness` check each slot.
 */
import { type SQL, sql } from 'drizzle-orm'

/** `missing`: no credential of a required type exists. `rejected`: the service rejects the credential. */
export const readinessStates = ['ready', 'missing', 'rejected'] as const
export type ReadinessState = (typeof readinessStates)[number]

/** Whether the JSON of an enabled node references the credential. */
const isNamed = sql`exists (
  select from jsonb_array_elements(w.workflow_data -> 'nodes') as node
  where btrim(node -> 'credentials' -> c.n8n_credential_type ->> 'name') = btrim(c.name)
    and node -> 'disabled' is distinct from 'true'
)`

/**
 * CTEs that end with `problems`: `workflow_id, type, rejected`, one row per credential type with a problem. Includes types
 * of the deployed version that the current version does not require.
 */
export const credentialProblems = (userId: string): SQL => sql`
  bound as materialized (
    select d.workflow_id, b.type, coalesce(bool_or(c.status = 'invalid'), false) as rejected
    from deployments d
    cross join jsonb_to_recordset(d.bindings) as b (type text, "credentialId" uuid, "n8nCredentialId" text)
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
    where w.user_id = ${userId} and b.type is null and case
      when a.type is null or a.all_rejected then true
      when a.some_rejected then exists (
        select from credentials c
        where c.user_id = ${userId} and c.n8n_credential_type = required.type and c.status = 'invalid' and ${isNamed}
      )
      else false end
    union all select workflow_id, type, true from bound where rejected
  )`

/** Condition on a workflow's ID. Requires `credentialProblems` in scope. */
export function hasReadiness(state: ReadinessState, workflowId: SQL): SQL {
  if (state === 'ready') return sql`${workflowId} not in (select workflow_id from problems)`
  const rejected = sql.raw(String(state === 'rejected'))
  return sql`${workflowId} in (select workflow_id from problems where rejected = ${rejected})`
}
