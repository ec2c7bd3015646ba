/** The migration to model usage keeps existing runs and their pending rollups, and a later report adds the usage of an old run. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { emptyDelivery } from '../../src/executions/record/merge.ts'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { seeded } from '../harness/random.ts'
import { ensurePartitionsFrom } from '../harness/partitions.ts'
import { randomData } from './random-runs.ts'
import { expectRollupsToBeARecount } from './rollup-recount.ts'

const ids = Object.fromEntries(
  ['user', 'workflow', 'instance', 'deployment'].map((name) => [name, uuidv7()]),
) as Record<'user' | 'workflow' | 'instance' | 'deployment', string>
const ranAtMs = Date.now() - 60 * 60_000
const database = await createDatabaseBefore('_model_usage')
const { db, sql } = database

beforeAll(async () => {
  await ensurePartitionsFrom(sql, ranAtMs)
  await sql`insert into users (id, email, password_hash, pepper_id) values (${ids.user}, 'a@example.com', 'none', 'p1')`
  await sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
      trigger_types, webhook_paths, warnings, workflow_data, content_hash, version)
    values (${ids.workflow}, ${ids.user}, 'w', '{}', 0, '{}', '{}', '{}', '{}', '[]', '{}', 'h', 1)`
  await sql`insert into instances (id, user_id, name, base_url, api_key)
    values (${ids.instance}, ${ids.user}, 'i', 'https://n8n.example.com', '{"header":{"kid":"k1"}}')`
  await sql`insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status)
    values (${ids.deployment}, ${ids.user}, ${ids.workflow}, ${ids.instance}, 1, 'wf1', 'active')`
  await sql`insert into deployment_versions (deployment_id, sequence, user_id, version, created_at)
    values (${ids.deployment}, 1, ${ids.user}, 1, ${new Date(ranAtMs - 60_000).toISOString()})`
  const next = seeded(14)
  for (let index = 1; index <= 8; index++) {
    const times = [ranAtMs, ranAtMs + 1500 * index].map((ms) => new Date(ms).toISOString())
    const recordedAtMs = ranAtMs + 10_000 + index
    await sql`
      with keyed as (
        insert into execution_keys (instance_id, n8n_execution_id, id, recorded_at, user_id, n8n_workflow_id, status, stamp,
          started_at, is_start_polled, finished_at)
        values (${ids.instance}, ${String(index)}, ${uuidv7({ msecs: recordedAtMs })},
          ${new Date(recordedAtMs).toISOString()}, ${ids.user}, 'wf1', 'success', '401', ${times[0]}, true, ${times[1]})
        returning *
      ), written as (
        insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
          n8n_execution_id, status, started_at, finished_at, data, data_stamp)
        select id, recorded_at, user_id, instance_id, ${ids.workflow}, 1, ${ids.deployment}, n8n_execution_id, status,
          started_at, finished_at, ${JSON.stringify(randomData(next, ranAtMs))}::jsonb, '401'
        from keyed returning *
      )
      insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign,
        status, started_at, finished_at, duration_ms, node_names, node_counts)
      select user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, 1, status, started_at,
        finished_at, run_ms(started_at, finished_at), n.names, n.counts
      from written cross join lateral run_nodes(data) n`
    if (index === 4) await sql`select fold_execution_changes(2)`
  }
  await database.migrate()
})
afterAll(() => database.close())

const usageRows = async () =>
  Array.from(
    await sql`select grain, model, sum(executions)::integer as executions, sum(input)::integer as input
    from usage_stats_now where user_id = ${ids.user} group by 1, 2 having sum(executions) <> 0 order by 1`,
  )

test('existing runs keep their rollups and have no usage', async () => {
  expect(await usageRows()).toEqual([])
  await expectRollupsToBeARecount(sql, [ids.user])
})

test('a later report adds the usage of an old run once, and the rollups equal a recount', async () => {
  const used = [{ node: 'Model', model: 'gpt-4o', calls: 1, input: 120, output: 30 }]
  const delivery = {
    ...emptyDelivery,
    n8nExecutionId: '3',
    n8nWorkflowId: 'wf1',
    status: 'success' as const,
    startedAtMs: ranAtMs,
    finishedAtMs: ranAtMs + 4500,
    eventAtMs: ranAtMs + 4500,
    receivedAtMs: Date.now(),
    data: toRunData(randomData(seeded(15), ranAtMs), null, used),
  }
  await ingest(db, ids.instance, [delivery], 'poll')
  await ingest(db, ids.instance, [delivery], 'push')
  const expected = ['day', 'hour'].map((grain) => ({ grain, model: 'gpt-4o', executions: 1, input: 120 }))
  expect(await usageRows()).toEqual(expected)
  await expectRollupsToBeARecount(sql, [ids.user])
  await rollUpChanges(db, { maxStatements: 10 })
  expect(await usageRows()).toEqual(expected)
  await expectRollupsToBeARecount(sql, [ids.user])
})
