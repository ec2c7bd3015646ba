/** n8n stores no version for a retry with the original workflow. It ran the version of the retried run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ingest } from '../../src/executions/record/ingest.ts'
import { polledExecution } from '../../src/executions/reports/payload.ts'
import { N8nExecution } from '../../src/n8n/api/shapes.ts'
import { databaseKinds } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

const minuteMs = 60_000
const startMs = Date.now() - 60 * minuteMs

/** The n-th minute of the hour. */
function fetched(id: number, more: object) {
  const at = (seconds: number) => new Date(startMs + id * minuteMs + seconds * 1000).toISOString()
  const item = { id, workflowId: 'wf1', status: 'error', startedAt: at(0), stoppedAt: at(1), ...more }
  const execution = polledExecution(N8nExecution.parse(item), new Date())
  if (!execution) throw new Error('not read')
  return execution
}
const first = (id: number, workflowVersionId: string) => fetched(id, { mode: 'webhook', workflowVersionId })
const retry = (id: number, retryOf: number, more: object = { workflowVersionId: null }) =>
  fetched(id, { mode: 'retry', retryOf, ...more })

describe.each(databaseKinds)('on $kind', ({ create }) => {
  let world: World
  beforeAll(async () => {
    world = createWorld(await create())
  })
  afterAll(() => world.close())

  /** Version 1 at the start of the hour, version 2 half an hour later. */
  async function tracked() {
    const { deploymentId, userId, instanceId } = await world.tracked()
    await world.sql`delete from deployment_versions where deployment_id = ${deploymentId}`
    for (const [sequence, minutes, n8nVersionId] of [
      [1, 0, 'n8n-a'],
      [2, 30, 'n8n-b'],
    ] as const) {
      await world.sql`insert into deployment_versions (deployment_id, sequence, user_id, version, n8n_version_id, created_at)
        values (${deploymentId}, ${sequence}, ${userId}, ${sequence}, ${n8nVersionId},
          ${new Date(startMs + minutes * minuteMs).toISOString()})`
    }
    return instanceId
  }
  const versionOf = async (instanceId: string, id: number) => {
    const [row] = await world.sql`select workflow_version as version, workflow_version_source as source
      from executions where instance_id = ${instanceId} and n8n_execution_id = ${String(id)}`
    return [row?.['version'], row?.['source']]
  }

  test('a retry without a version, and its own retry, get the version of the first run', async () => {
    const instanceId = await tracked()
    await ingest(world.db, instanceId, [first(1, 'n8n-a')], 'poll')
    await ingest(world.db, instanceId, [retry(40, 1)], 'poll')
    await ingest(world.db, instanceId, [retry(41, 40)], 'poll')
    expect(await versionOf(instanceId, 40)).toEqual([1, 'n8n'])
    expect(await versionOf(instanceId, 41)).toEqual([1, 'n8n'])
  })

  test('a whole chain arrives at once, newest first', async () => {
    const instanceId = await tracked()
    await ingest(world.db, instanceId, [retry(41, 40), retry(40, 1), first(1, 'n8n-a')], 'poll')
    expect(await versionOf(instanceId, 40)).toEqual([1, 'n8n'])
    expect(await versionOf(instanceId, 41)).toEqual([1, 'n8n'])
  })

  test('a retry with the current workflow gets the version that n8n reports', async () => {
    const instanceId = await tracked()
    await ingest(
      world.db,
      instanceId,
      [first(1, 'n8n-a'), retry(40, 1, { workflowVersionId: 'n8n-b' })],
      'poll',
    )
    expect(await versionOf(instanceId, 40)).toEqual([2, 'n8n'])
  })

  test('falls back to the start time when n8n reports no version and the first run is unknown', async () => {
    const instanceId = await tracked()
    const other = { ...first(1, 'n8n-a'), n8nWorkflowId: 'other' }
    const odd = [retry(40, 2, {}), retry(41, 99), retry(42, 43), retry(43, 42), retry(44, 1)]
    await ingest(world.db, instanceId, [other, first(2, 'n8n-a'), ...odd], 'poll')
    for (const id of [40, 41, 42, 43, 44]) expect(await versionOf(instanceId, id)).toEqual([2, 'time'])
    await world.sql`update execution_keys set n8n_workflow_id = 'another'
      where instance_id = ${instanceId} and n8n_execution_id = '2'`
    await ingest(world.db, instanceId, [retry(45, 2)], 'poll')
    expect(await versionOf(instanceId, 45)).toEqual([2, 'time'])
  })
})
