/**
 * @module Makes a restored backup consistent if it was read page by page while the database changed. Rows that cannot be
 * repaired are deleted, and n8n is polled again for everything since the start of the backup.
 */
import { type CatalogTable, type Query, quoted } from './catalog.ts'

export interface Repair {
  table: string
  problem: string
  rows: number
}

/** @param tables parents first @param startedAt of the backup */
export async function repairPages(
  query: Query,
  tables: readonly CatalogTable[],
  startedAt: string,
): Promise<Repair[]> {
  const repairs: Repair[] = []
  const run = async (table: string, problem: string, statement: string, params: string[] = []) => {
    const rows = await query(
      `with done as (${statement} returning 1) select count(*)::text from done`,
      params,
    )
    const count = Number(rows[0]?.[0])
    if (count > 0) repairs.push({ table, problem, rows: count })
  }
  // For the trigger that protects the audit trail.
  await query(`select set_config('flowkeep.audit', 'erase', true)`)
  for (const { name, foreignKeys } of tables) {
    for (const { parent, columns, parentColumns } of foreignKeys) {
      const isSet = columns.map((column) => `c.${quoted(column)} is not null`)
      const isSame = columns.map((column, i) => `p.${quoted(parentColumns[i] ?? '')} = c.${quoted(column)}`)
      await run(
        name,
        `deleted, because their row in ${parent} was deleted during the backup`,
        `delete from ${quoted(name)} c where ${isSet.join(' and ')}
          and not exists (select 1 from ${quoted(parent)} p where ${isSame.join(' and ')})`,
      )
    }
  }
  await run(
    'workflow_versions',
    'added from their workflow, which was saved during the backup',
    `insert into workflow_versions (workflow_id, version, user_id, name, description, prompt, model, tags, node_count,
      node_types, required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash, created_at, endpoints)
    select id, version, user_id, name, description, prompt, model, tags, node_count,
      node_types, required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash, updated_at, endpoints
    from workflows w
    where not exists (select 1 from workflow_versions v where v.workflow_id = w.id and v.version = w.version)`,
  )
  await run(
    'execution_keys',
    'deleted, because their execution changed during the backup; n8n is polled for it again',
    `delete from execution_keys k where not exists (
      select 1 from executions e where e.id = k.id and e.recorded_at = k.recorded_at and e.status = k.status)`,
  )
  await run(
    'executions',
    'deleted, because they changed during the backup; n8n is polled for them again',
    `delete from executions e where not exists (
      select 1 from execution_keys k where k.id = e.id and k.recorded_at = e.recorded_at)`,
  )
  await run(
    'instances',
    'set to be polled again from the start of the backup',
    `update instances set polled_through = $1::timestamptz - interval '5 minutes', poll_cursor = null
      where polled_through > $1::timestamptz - interval '5 minutes'`,
    [startedAt],
  )
  await run(
    'audit_heads',
    'set to the last event of their trail',
    `update audit_heads h set seq = e.seq, hash = e.hash from audit_events e
      where e.user_id = h.user_id and e.seq <> h.seq
        and not exists (select 1 from audit_events l where l.user_id = e.user_id and l.seq > e.seq)`,
  )
  await recount(query)
  return repairs
}

/** Recounts all executions. Node statistics stay as they are: the nodes of old executions are not stored. */
async function recount(query: Query): Promise<void> {
  for (const table of ['execution_stats', 'error_stats', 'usage_stats', 'execution_changes'])
    await query(`delete from ${table}`)
  await query(`
    insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, kind, recorded_at,
      duration_ms, sign, status, started_at, finished_at, error_fingerprint, usage)
    select user_id, deployment_id, workflow_id, instance_id, workflow_version, kind, recorded_at,
      counted_ms(started_at, finished_at, waited, active_ms), 1, status, started_at, finished_at, error_fingerprint, usage
    from executions where recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon)`)
  for (let isLeft = true; isLeft; ) {
    const [row] = await query('select fold_execution_changes(20000)::text')
    isLeft = Number(row?.[0] ?? 0) > 0
  }
}
