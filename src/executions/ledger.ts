/** @module What a statement that writes executions adds to the ledger of the rollups, as parts of that statement. */
import { type SQL, sql } from 'drizzle-orm'

/**
 * A CTE `changes`, to stand behind `keyed` (the rows of `execution_keys` as written) and `written` (those of
 * `executions`): for each execution what it is from now on, and with the opposite sign what it was before.
 */
const changes = (delivered: { join: SQL; nodeNames: SQL; nodeCounts: SQL }) => sql`changes as (
    insert into execution_changes
      (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign, status, started_at,
       finished_at, error_fingerprint, node_names, node_counts)
    select w.user_id, w.deployment_id, w.workflow_id, w.instance_id, w.workflow_version, w.recorded_at, c.*
    from written w
    join keyed k on k.id = w.id
    ${delivered.join}
    cross join lateral (values
      (1, w.status, w.started_at, w.finished_at, w.error_fingerprint, ${delivered.nodeNames}, ${delivered.nodeCounts}),
      (-1, k.previous_status, k.previous_started_at, k.previous_finished_at, w.previous_error_fingerprint,
        case when w.previous_data is not null then (run_nodes(w.previous_data)).names end,
        case when w.previous_data is not null then (run_nodes(w.previous_data)).counts end)
    ) c (sign, status, started_at, finished_at, error_fingerprint, node_names, node_counts)
    where c.status is not null
  )`

/** For a statement that brings no data. */
export const changesWithoutData = changes({
  join: sql``,
  nodeNames: sql`null::text[]`,
  nodeCounts: sql`null::integer[]`,
})

const isNewData = sql`w.data is not null and w.data_stamp is distinct from w.previous_data_stamp`

/** Behind `matched` too: what was delivered, with `node_names` and `node_counts` of its data as texts. */
export const changesWithData = changes({
  join: sql`join matched m on m.n8n_execution_id = w.n8n_execution_id`,
  nodeNames: sql`case when ${isNewData} then m.node_names::text[] end`,
  nodeCounts: sql`case when ${isNewData} then m.node_counts::integer[] end`,
})

/**
 * A CTE `groups`, behind `written` and `matched`, for a statement that brings errors. The sort comes before the first
 * row, so every key is locked by then, and all statements lock groups in one order.
 */
export const groups = sql`groups as (
    insert into error_groups (user_id, fingerprint, recorded_month, node, error_class, http_status, message)
    select distinct on (w.user_id, w.error_fingerprint, recorded_month)
      w.user_id, w.error_fingerprint, utc_month(w.recorded_at) as recorded_month, m.error_node, m.error_class, m.error_http_status, m.error_pattern
    from written w
    join matched m on m.n8n_execution_id = w.n8n_execution_id and m.error_fingerprint = w.error_fingerprint
    order by w.user_id, w.error_fingerprint, recorded_month
    on conflict (user_id, fingerprint, recorded_month) do nothing
  )`
