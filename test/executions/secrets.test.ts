import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const github = `ghp_${'a1B2c3'.repeat(6)}`
const password = 'q7-Winter-Tale'
const pemBody = 'MIIfakeKey0'.repeat(6)
const message = `Request to https://maya:${password}@api.example/x?token=${github} failed with key -----BEGIN PRIVATE KEY-----\n${pemBody}\n-----END PRIVATE KEY-----`
const secrets = [github, password, pemBody]

const failed = {
  executionId: '31',
  status: 'error',
  finishedAt: '2026-11-22T10:52:29.242Z',
  error: { message },
  data: {
    resultData: {
      runData: {},
      deep: [{ a: { b: { headers: { authorization: `Bearer ${github}` }, text: message } } }],
    },
  },
}

test('a report that waits for its deployment contains no secret and is replayed into the right run', async () => {
  const { userId, workflowId, instanceId, report } = await world.tracked()
  expect((await report({ ...failed, workflowId: 'later' })).body.code).toBe('unknown-workflow')
  const { body: list } = await world.call('GET', '/v1/dead-letters', { user: userId })
  const kept = await world.call('GET', `/v1/dead-letters/${list.items[0].id}`, { user: userId })
  for (const secret of secrets) expect(kept.text).not.toContain(secret)
  const body = { workflowId, instanceId, n8nWorkflowId: 'later' }
  expect((await world.call('POST', '/v1/deployments', { user: userId, body })).status).toBe(201)
  const { body: executions } = await world.call('GET', '/v1/executions', { user: userId })
  expect(executions.items).toMatchObject([{ n8nExecutionId: '31', status: 'error' }])
  const found = await world.call('GET', `/v1/executions/${executions.items[0].id}`, { user: userId })
  expect(found.text).toContain('[redacted]')
  for (const secret of secrets) expect(found.text).not.toContain(secret)
})
