/** The migration to kinds, version sources and epochs corrects existing runs and their rollups. */
import { seeded } from '../harness/random.ts'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'
import { backfillExecutions } from '../../src/executions/record/backfill.ts'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { emptyDelivery } from '../../src/executions/record/merge.ts'
import { ensurePartitionsFrom } from '../harness/partitions.ts'
import { randomData } from './random-runs.ts'
import { expectRollupsToBeARecount } from './rollup-recount.ts'

const minuteMs = 60_000
const ids = Object.fromEntries(
  ['user', 'workflow', 'instance', 'deployment'].map((name) => [name, uuidv7()]),
) as Record<'user' | 'workflow' | 'instance' | 'deployment', string>
const deployedAtMs = Date.now() - 3 * 60 * minuteMs
const database = await createDatabaseBefore('_run_identity')
const { db, sql } = database

beforeAll(async () => {
  await ensurePartitionsFrom(sql, deployedAtMs)
  await sql`insert into users (id, email, password_hash, pepper_id) values (${ids.user}, 'a@example.com', 'none', 'p1')`
  await sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
      trigger_types, webhook_paths, warnings, workflow_data, content_hash, version)
    values (${ids.workflow}, ${ids.user}, 'w', '{}', 0, '{}', '{}', '{}', '{}', '[]', '{}', 'h', 2)`
  await sql`insert into instances (id, user_id, name, base_url, api_key)
    values (${ids.instance}, ${ids.user}, 'i', 'https://n8n.example.com', '{"header":{"kid":"k1"}}')`
  await sql`insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status)
    values (${ids.deployment}, ${ids.user}, ${ids.workflow}, ${ids.instance}, 2, 'wf1', 'active')`
  for (const [version, at] of [
    [1, deployedAtMs - 24 * 60 * minuteMs],
    [2, deployedAtMs],
  ] as const) {
    await sql`insert into deployment_versions (deployment_id, sequence, user_id, version, created_at)
      values (${ids.deployment}, ${version}, ${ids.user}, ${version}, ${new Date(at).toISOString()})`
  }
  // Twelve runs fetched by one poll, after v2 was deployed: ten of them, one in the editor, had run before.
  const next = seeded(10)
  for (let index = 1; index <= 12; index++) {
    const startedAtMs = deployedAtMs + (index <= 10 ? index - 20 : index) * minuteMs
    // A canceled run with an error was counted in its error group.
    const status = index === 8 ? 'canceled' : index % 4 === 0 ? 'error' : 'success'
    const times = [startedAtMs, startedAtMs + 1500 * index].map((ms) => new Date(ms).toISOString())
    const recordedAtMs = deployedAtMs + 30 * minuteMs + index
    await sql`
      with keyed as (
        insert into execution_keys
          (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp, started_at, finished_at)
        values (${ids.instance}, ${String(index)}, ${uuidv7({ msecs: recordedAtMs })},
          ${new Date(recordedAtMs).toISOString()}, ${ids.user}, ${status}, '401', ${times[0]}, ${times[1]})
        returning *
      ), written as (
        insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
          n8n_execution_id, status, mode, started_at, finished_at, error_message, error_fingerprint, data, data_stamp)
        select id, recorded_at, user_id, instance_id, ${ids.workflow}, 2, ${ids.deployment}, n8n_execution_id, status,
          ${index === 10 ? 'manual' : 'webhook'}, started_at, finished_at,
          ${status === 'success' ? null : 'm'}, ${status === 'success' ? null : '0123456789abcdef'},
          ${JSON.stringify(randomData(next, startedAtMs))}::jsonb, '401'
        from keyed
        returning *
      )
      insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at,
        sign, status, started_at, finished_at, error_fingerprint, node_names, node_counts)
      select user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, 1, status, started_at,
        finished_at, error_fingerprint, n.names, n.counts
      from written cross join lateral run_nodes(data) n`
    if (index === 7) await sql`select fold_execution_changes(5)`
  }
  await database.migrate()
})
afterAll(() => database.close())

test('the key of each run has its n8n workflow', async () => {
  const rows = await sql`select n8n_workflow_id, count(*)::integer as keys from execution_keys group by 1`
  expect(Array.from(rows)).toEqual([{ n8n_workflow_id: 'wf1', keys: 12 }])
})

const runs = async () =>
  Object.groupBy(
    await sql`select workflow_version as version, workflow_version_source as source, kind from executions
      where instance_id = ${ids.instance}`,
    (row) => Object.values(row).join(' '),
  )
const counted = async () =>
  Object.fromEntries(Object.entries(await runs()).map(([key, rows]) => [key, rows?.length]))

test('ten runs of v1 that were fetched after v2 was deployed count for v1', async () => {
  expect(await counted()).toEqual({ '1 time production': 9, '1 time manual': 1, '2 time production': 2 })
  const rows = await sql`select workflow_version as version, sum(success + error + canceled)::integer as runs
    from execution_stats_now where deployment_id = ${ids.deployment} and grain = 'day' and kind = 'production'
    group by 1 having sum(success + error + canceled) <> 0 order by 1`
  expect(Array.from(rows)).toEqual([
    { version: 1, runs: 9 },
    { version: 2, runs: 2 },
  ])
  expect(await expectRollupsToBeARecount(sql, [ids.user])).toBeGreaterThan(100)
})

test('the scheduled job corrects runs from before the migration once', async () => {
  await sql`update executions set workflow_version = 2, kind = 'production' where n8n_execution_id in ('3', '10')`
  // Simulates that they were counted this way.
  await sql`insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, kind,
      recorded_at, sign, status, started_at, finished_at, duration_ms, error_fingerprint, node_names, node_counts)
    select e.user_id, e.deployment_id, e.workflow_id, e.instance_id, c.version, c.kind, e.recorded_at, c.sign, e.status,
      e.started_at, e.finished_at, run_ms(e.started_at, e.finished_at), e.error_fingerprint, n.names, n.counts
    from executions e cross join lateral run_nodes(e.data) n
    cross join lateral (values (-1, 1, run_kind(e.mode)), (1, 2, 'production')) c (sign, version, kind)
    where e.n8n_execution_id in ('3', '10')`
  await expectRollupsToBeARecount(sql, [ids.user])
  await sql`insert into execution_backfill (before_id) values ('ffffffff-ffff-ffff-ffff-ffffffffffff')`
  expect(await backfillExecutions(db, { chunkRows: 5, maxStatements: 1 })).toBe(5)
  expect(await backfillExecutions(db, { chunkRows: 5 })).toBe(7)
  expect(await backfillExecutions(db)).toBe(0)
  expect(await counted()).toEqual({ '1 time production': 9, '1 time manual': 1, '2 time production': 2 })
  await expectRollupsToBeARecount(sql, [ids.user])
  await rollUpChanges(db, { maxStatements: 100 })
  await expectRollupsToBeARecount(sql, [ids.user])
})

test('an earlier run is recognized by its start, which n8n always reports alike', async () => {
  const startedAtMs = deployedAtMs - 19 * minuteMs
  const told = {
    ...emptyDelivery,
    n8nExecutionId: '1',
    n8nWorkflowId: 'wf1',
    status: 'success' as const,
    eventAtMs: startedAtMs,
    receivedAtMs: Date.now(),
  }
  const [same] = await ingest(db, ids.instance, [{ ...told, startedAtMs }], 'poll')
  expect(same).toMatchObject({ created: false, hasNewEpoch: false, workflowVersion: 1 })
  const later = startedAtMs + 2 * minuteMs
  const [other] = await ingest(db, ids.instance, [{ ...told, startedAtMs: later }], 'poll')
  expect(other).toMatchObject({ created: true, hasNewEpoch: true })
  await expectRollupsToBeARecount(sql, [ids.user])
})
