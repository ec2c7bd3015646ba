/** Credentials and workflows that deployments depend on are not deleted by accident, through their routes. */
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import type { DeploymentStatus } from '../../src/db/schema/deployments.ts'
import { type TestApp, type TestUser, useTestApp } from '../harness/app.ts'

const embedded = useTestApp()
const postgres = useTestApp()

const workflow = {
  name: 'Orders',
  nodes: [{ name: 'Acme', type: 'acme.crm', parameters: {}, credentials: { acmeCrmApi: { name: 'Acme' } } }],
  connections: {},
}

async function setting(app: TestApp) {
  const user = await app.user()
  const post = async (path: string, body: unknown) => {
    const answer = await user.call('POST', path, { body })
    expect({ path, status: answer.status }).toEqual({ path, status: 201 })
    return String(answer.json.id)
  }
  const workflowId = await post('/v1/workflows', { workflow })
  const credentialId = await post('/v1/credentials', {
    type: 'acmeCrmApi',
    name: 'Acme',
    data: { token: 'x'.repeat(20) },
  })
  const instance = { name: uuidv7(), baseUrl: 'https://n8n.example.com', apiKey: 'n8n-api-key' }
  const instanceId = await post('/v1/instances', instance)
  const body = { workflowId, instanceId, bindings: { acmeCrmApi: credentialId } }
  const track = () => user.call('POST', '/v1/deployments', { body: { ...body, n8nWorkflowId: 'w1' } })
  return { user, workflowId, credentialId, instanceId, track, post }
}

const things = [
  ['credentials', 'credentialId'],
  ['workflows', 'workflowId'],
] as const

describe.each(things)('DELETE /v1/%s/{id}', (feature, key) => {
  const made = async () => {
    const it = await setting(embedded)
    const deploymentId = String((await it.track()).json.id)
    const path = `/v1/${feature}/${it[key]}`
    const remove = (query = '', user: TestUser = it.user) => user.call('DELETE', path + query)
    const find = async () => (await it.user.call('GET', path)).status
    return { ...it, deploymentId, remove, find }
  }
  const setStatus = (id: string, status: DeploymentStatus, n8nId: string | null) =>
    embedded.database
      .sql`update deployments set status = ${status}, n8n_workflow_id = ${n8nId} where id = ${id}`

  test('is rejected with the dependent deployments', async () => {
    const { remove, find, deploymentId, workflowId, instanceId } = await made()
    const { status, json } = await remove()
    expect([status, json.code]).toEqual([409, 'in-use'])
    expect(json.dependents).toEqual([
      { deploymentId, workflowId, workflowName: 'Orders', instanceId, status: 'tracking' },
    ])
    expect(await find()).toBe(200)
    expect((await remove('?force=false')).status).toBe(409)
  })

  test.each<[DeploymentStatus, string | null, number]>([
    ['pending', null, 409],
    ['deploying', null, 409],
    ['active', 'w1', 409],
    ['inactive', 'w1', 409],
    ['failed', 'w1', 409],
    ['failed', null, 204],
    ['undeployed', null, 204],
  ])('of a deployment that is %s with %s in n8n returns %i', async (status, n8nId, expected) => {
    const { remove, deploymentId } = await made()
    await setStatus(deploymentId, status, n8nId)
    expect((await remove()).status).toBe(expected)
  })

  test('succeeds with force, once, with its audit event', async () => {
    const { remove, find, user, deploymentId, [key]: id } = await made()
    expect((await remove('?force=true')).status).toBe(204)
    expect((await remove('?force=true')).status).toBe(404)
    expect(await find()).toBe(404)
    const kept = (await user.call('GET', `/v1/deployments/${deploymentId}`)).status
    expect(kept).toBe(feature === 'workflows' ? 404 : 200)
    const audit = await embedded.database
      .sql`select action from audit_events where subject_id = ${id} order by id`
    expect(audit.map((row) => row['action'])).toEqual([
      `${feature.slice(0, -1)}.created`,
      `${feature.slice(0, -1)}.deleted`,
    ])
  })

  test('returns 404 for another user’s resource, with or without force', async () => {
    const { remove, find } = await made()
    const stranger = await embedded.user()
    for (const query of ['', '?force=true']) expect((await remove(query, stranger)).status).toBe(404)
    expect(await find()).toBe(200)
  })

  test.each(['?force=1', '?force=', '?force=true&force=true', '?forced=true'])(
    'rejects %s',
    async (query) => {
      const { remove, find } = await made()
      expect((await remove(query)).status).toBe(422)
      expect(await find()).toBe(200)
    },
  )
})

test('a workflow deleted while it is being tracked is gone, or stays with its deployment', async () => {
  for (let round = 0; round < 15; round += 1) {
    const { user, workflowId, track } = await setting(postgres)
    const [tracked, deleted] = await Promise.all([
      track(),
      user.call('DELETE', `/v1/workflows/${workflowId}`),
    ])
    const left = (await user.call('GET', '/v1/deployments')).json.items.length
    expect([
      [201, 409, 1],
      [422, 204, 0],
    ]).toContainEqual([tracked.status, deleted.status, left])
  }
})

test('a deletion waits for a concurrent deployment and then sees it', async () => {
  const { user, workflowId, instanceId } = await setting(postgres)
  const { sql } = postgres.database
  const recording = sql.transaction([
    sql`insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status)
      values (${uuidv7()}, ${user.id}, ${workflowId}, ${instanceId}, 1, 'w1', 'tracking')`,
    sql`select pg_sleep(0.5)`,
  ])
  await expect
    .poll(
      async () =>
        (
          await sql`select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`
        ).length,
    )
    .toBeGreaterThan(0)
  const [deleted] = await Promise.all([user.call('DELETE', `/v1/workflows/${workflowId}`), recording])
  expect([deleted.status, deleted.json?.dependents?.length]).toEqual([409, 1])
})
