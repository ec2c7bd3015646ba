import { seeded } from '../harness/random.ts'
import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'
import { executionStatuses } from '../../src/db/schema/executions.ts'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { ensurePartitionsFrom } from '../harness/partitions.ts'
import { hourMs, pick, randomData, randomDelivery } from './random-runs.ts'
import { expectRollupsToBeARecount, unfoldedChanges } from './rollup-recount.ts'

test('the migration counts existing executions, and later deliveries for them too', async () => {
  const database = await createDatabaseBefore('0006_analytics')
  const { db, sql } = database

  const [userId, workflowId, instanceId, deploymentId] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()]
  await sql`insert into users (id, email, password_hash, pepper_id) values (${userId}, 'a@example.com', 'none', 'p1')`
  await sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
      trigger_types, webhook_paths, warnings, workflow_data, content_hash, version)
    values (${workflowId}, ${userId}, 'w', '{}', 0, '{}', '{}', '{}', '{}', '[]', '{}', 'h', 1)`
  await sql`insert into instances (id, user_id, name, base_url, api_key)
    values (${instanceId}, ${userId}, 'before', 'https://n8n.example.com', '{"header":{"kid":"k1"}}')`
  await sql`insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status)
    values (${deploymentId}, ${userId}, ${workflowId}, ${instanceId}, 1, 'wf1', 'tracking')`
  const next = seeded(6)
  const nowMs = Date.now()
  await ensurePartitionsFrom(sql, nowMs - 20 * hourMs)
  for (let index = 0; index < 200; index++) {
    const recordedAtMs = nowMs - Math.floor(next() * 20) * hourMs
    const time = () =>
      next() < 0.2 ? null : new Date(recordedAtMs + Math.floor((next() - 0.5) * hourMs)).toISOString()
    const row = {
      id: uuidv7({ msecs: recordedAtMs }),
      recordedAt: new Date(recordedAtMs).toISOString(),
      status: pick(executionStatuses, next),
      startedAt: time(),
      finishedAt: time(),
      data: next() < 0.5 ? randomData(next, recordedAtMs) : null,
    }
    await sql`insert into execution_keys
        (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp, started_at, finished_at)
      values (${instanceId}, ${String(index)}, ${row.id}, ${row.recordedAt}, ${userId}, ${row.status}, '0',
        ${row.startedAt}, ${row.finishedAt})`
    await sql`insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version,
        deployment_id, n8n_execution_id, status, started_at, finished_at, error_message, data, data_stamp)
      values (${row.id}, ${row.recordedAt}, ${userId}, ${instanceId}, ${workflowId}, 1, ${deploymentId},
        ${String(index)}, ${row.status}, ${row.startedAt}, ${row.finishedAt}, 'an error of before', ${row.data},
        ${row.data && '0'})`
  }

  await database.migrate()
  expect(await unfoldedChanges(sql)).toBe(0)
  expect(await expectRollupsToBeARecount(sql, [userId])).toBeGreaterThan(300)

  for (let batch = 0; batch < 10; batch++) {
    const deliveries = Array.from({ length: 30 }, (_, index) =>
      randomDelivery(String(batch * 30 + index), 'wf1', nowMs, next),
    )
    await ingest(
      db,
      instanceId,
      deliveries.map(({ execution }) => execution),
      batch % 2 ? 'poll' : 'push',
    )
  }
  await expectRollupsToBeARecount(sql, [userId])
  await rollUpChanges(db, { maxStatements: 100 })
  await expectRollupsToBeARecount(sql, [userId])
  await database.close()
})

test('the migration to ten-minute rollups includes existing executions, pending or rolled up', async () => {
  const database = await createDatabaseBefore('0008_planned_once')
  const { sql } = database

  const [userId, workflowId, instanceId, deploymentId] = Array.from({ length: 4 }, () => uuidv7())
  const next = seeded(8)
  const nowMs = Date.now()
  await ensurePartitionsFrom(sql, nowMs - 6 * hourMs)
  for (let index = 0; index < 150; index++) {
    const recordedAtMs = nowMs - Math.floor(next() * 6 * hourMs)
    const recordedAt = new Date(recordedAtMs).toISOString()
    const time = () => (next() < 0.2 ? null : new Date(recordedAtMs + Math.floor((next() - 0.5) * hourMs)))
    const [status, startedAt, finishedAt] = [pick(executionStatuses, next), time(), time()]
    await sql`
      with written as (
        insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
          n8n_execution_id, status, started_at, finished_at)
        values (${uuidv7({ msecs: recordedAtMs })}, ${recordedAt}, ${userId}, ${instanceId}, ${workflowId}, 1,
          ${deploymentId}, ${String(index)}, ${status}, ${startedAt?.toISOString() ?? null},
          ${finishedAt?.toISOString() ?? null})
        returning *
      )
      insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at,
        sign, status, started_at, finished_at)
      select user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, 1, status, started_at,
        finished_at
      from written`
    if (index === 90) await sql`select fold_execution_changes(60)`
  }
  expect(await unfoldedChanges(sql)).toBe(90)

  await database.migrate()
  expect(await unfoldedChanges(sql)).toBe(0)
  expect(await expectRollupsToBeARecount(sql, [userId!])).toBeGreaterThan(300)
  await database.close()
})
