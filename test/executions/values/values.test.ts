import { beforeAll, describe, expect, test } from 'vitest'
import { createSecretBox } from '../../../src/crypto/secret-box.ts'
import { deleteExpiredRows } from '../../../src/db/expired-rows.ts'
import { rewrapPage } from '../../../src/db/key-rotation.ts'
import { sealedColumns, valuesContext } from '../../../src/db/sealed-columns.ts'
import { type TestUser, useTestApp } from '../../harness/app.ts'
import { randomRing } from '../../crypto/rings.ts'
import { plantedSecrets } from './planted-secrets.ts'
import { createValuesWorld, type ValuesWorld } from './values-world.ts'

const statements: string[] = []
const app = useTestApp({
  onDatabaseRequest: (body) => {
    const queries = 'queries' in body ? (body.queries as { query: string }[]) : [body]
    statements.push(...queries.map(({ query }) => query))
  },
})

let count = 0
const order = { body: { order: 'canary-4711' } }
const tokenWith = async (user: TestUser, ...scopes: string[]) => {
  const { json } = await user.call('POST', '/v1/tokens', { body: { name: `t${++count}`, scopes } })
  return {
    json,
    call: (method: string, path: string, body?: unknown) =>
      app.call(method, path, { token: json.token, body }),
  }
}
const rows = () => app.database.sql`select id, sealed::text, workflow_id from execution_values`
const turnOn = (world: ValuesWorld, body: object = {}) => world.user.call('PUT', world.storage, { body })

describe('value storage', () => {
  let world: ValuesWorld
  beforeAll(async () => {
    world = await createValuesWorld(app)
  })

  test('is off until the owner turns it on', async () => {
    const before = await world.run('1', order)
    expect((await world.values(before)).status).toBe(404)
    expect((await world.user.call('GET', world.storage)).status).toBe(404)
    expect((await turnOn(world)).json).toMatchObject({ retentionDays: 7, maxBytes: 65_536 })
    expect((await world.values(before)).status).toBe(404)
    const id = await world.run('2', order)
    const { status, json } = await world.values(id)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      executionId: id,
      trigger: 'Webhook',
      nodes: [
        { name: 'Webhook', runs: [{ outputs: [{ items: [{ json: order }], total: 1, truncated: false }] }] },
        { name: 'Post', runs: [{ inputs: [{ node: 'Webhook', items: [{ json: order }] }], outputs: [] }] },
      ],
    })
    expect(Date.parse(json.expiresAt)).toBeGreaterThan(Date.now() + 6 * 86_400_000)
  })

  test.each([
    { retentionDays: 0 },
    { retentionDays: 31 },
    { maxBytes: 65_537 },
    { maxBytes: 10 },
    { days: 3 },
  ])('rejects %j', async (body) => {
    expect((await turnOn(world, body)).status).toBe(422)
  })

  test('appears in the diagnosis, and nowhere else', async () => {
    const id = await world.run('3', order)
    const diagnosis = await world.user.call('GET', `/v1/executions/${id}/diagnosis`)
    expect(diagnosis.json.node.inputValues).toMatchObject([{ node: 'Webhook', items: [{ json: order }] }])
    expect(diagnosis.json.text).toContain('canary-4711')
    for (const path of [
      '/v1/executions',
      `/v1/executions/${id}`,
      '/v1/executions/export?format=json',
      '/v1/analytics/errors',
      '/v1/audit-events',
    ])
      expect((await world.user.call('GET', path)).text).not.toContain('canary')
    expect(app.logs.join('\n')).not.toContain('canary')
    const dump = await app.database
      .sql`select coalesce(string_agg(to_jsonb(e)::text, ''), '') as text from executions e`
    expect(JSON.stringify([dump, await rows()])).not.toContain('canary')
  })

  test('is read with the scope executions:values only, and each read is audited', async () => {
    const id = await world.run('4', order)
    const [reader, other] = await Promise.all([
      tokenWith(world.user, 'executions:values', 'executions:read'),
      tokenWith(world.user, 'executions:read', 'workflows:read', 'workflows:write'),
    ])
    expect((await reader.call('GET', `/v1/executions/${id}/values`)).status).toBe(200)
    const refused = await other.call('GET', `/v1/executions/${id}/values`)
    expect(refused.status).toBe(403)
    expect(refused.json.requiredScope).toBe('executions:values')
    const [seen, unseen] = await Promise.all(
      [reader, other].map((token) => token.call('GET', `/v1/executions/${id}/diagnosis`)),
    )
    expect(seen?.text).toContain('canary-4711')
    expect(unseen?.json.node.inputValues).toBeNull()
    expect(unseen?.text).not.toContain('canary')
    const { json } = await world.user.call('GET', '/v1/audit-events?limit=100')
    const reads = json.items.filter(({ action }: { action: string }) => action === 'execution.values-read')
    expect(reads).toMatchObject([
      { subjectId: id, token: { id: reader.json.id } },
      { subjectId: id, token: { id: reader.json.id } },
    ])
  })

  test('is turned on by a person, not by an access token', async () => {
    const own = await createValuesWorld(app)
    for (const scopes of [['workflows:write', 'executions:values'], ['admin']]) {
      const token = await tokenWith(own.user, ...scopes)
      expect((await token.call('PUT', own.storage, {})).status).toBe(403)
      expect((await own.user.call('GET', own.storage)).status).toBe(404)
    }
    await turnOn(own)
    const writer = await tokenWith(own.user, 'workflows:write')
    expect((await writer.call('PUT', own.storage, { retentionDays: 30 })).status).toBe(403)
    expect((await writer.call('DELETE', own.storage)).status).toBe(204)
  })

  test('belongs to the owner', async () => {
    const stranger = await app.user()
    const id = await world.run('5', order)
    expect((await world.values(id, stranger)).status).toBe(404)
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect((await stranger.call(method, world.storage, method === 'PUT' ? { body: {} } : {})).status).toBe(
        404,
      )
    expect(await app.deps.runValues.outputsOf(stranger.id, id)).toBeNull()
    expect(await app.deps.runValues.inputsOf(stranger.id, world.workflowId, { limit: 5 })).toEqual([])
    expect((await world.values(id)).status).toBe(200)
  })

  test('records changes in the audit trail', async () => {
    const own = await createValuesWorld(app)
    await turnOn(own, { retentionDays: 3 })
    await own.user.call('DELETE', own.storage)
    const { json } = await own.user.call('GET', '/v1/audit-events')
    expect(json.items.slice(0, 2)).toMatchObject([
      { action: 'workflow.values-deleted', subjectId: own.workflowId },
      { action: 'workflow.values-stored', details: { retentionDays: 3, maxBytes: 65_536 } },
    ])
  })
})

describe('the end of stored values', () => {
  test('turning storage off deletes them, including those of reports that arrive in the meantime', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const id = await world.run('1', order)
    expect((await world.values(id)).status).toBe(200)
    const [, ...ids] = await Promise.all([
      world.user.call('DELETE', world.storage),
      ...Array.from({ length: 20 }, (_, n) => world.run(`r${n}`, order)),
    ])
    for (const each of [id, ...ids]) expect((await world.values(each)).status).toBe(404)
    expect((await rows()).filter((row) => row['workflow_id'] === world.workflowId)).toEqual([])
    await turnOn(world)
    for (const each of [id, ...ids]) expect((await world.values(each)).status).toBe(404)
    expect((await world.user.call('DELETE', world.storage)).status).toBe(204)
    expect((await world.user.call('DELETE', world.storage)).status).toBe(404)
  })

  test('expired ones are unreadable immediately, and deleted by the job', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const [old, young] = [await world.run('1', order), await world.run('2', order)]
    await app.database
      .sql`update execution_values set expires_at = now() - interval '1 minute' where id = ${old}`
    expect((await world.values(old)).status).toBe(404)
    expect((await world.user.call('GET', `/v1/executions/${old}/diagnosis`)).text).not.toContain('canary')
    await deleteExpiredRows(app.deps.db, 100)
    const left = (await rows()).map(({ id }) => id)
    expect(left).toContain(young)
    expect(left).not.toContain(old)
  })

  test('a shorter retention applies to values that are stored already', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world, { retentionDays: 30 })
    const id = await world.run('1', order)
    await app.database
      .sql`update value_storage set since = since - interval '9 days' where workflow_id = ${world.workflowId}`
    await turnOn(world, { retentionDays: 1 })
    const { json } = await world.values(id)
    expect(Date.parse(json.expiresAt)).toBeLessThan(Date.now() + 86_400_000)
  })

  test('values from before storage was turned on again are unreadable', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const id = await world.run('1', order)
    await app.database
      .sql`update value_storage set since = now() + interval '1 minute' where workflow_id = ${world.workflowId}`
    expect((await world.values(id)).status).toBe(404)
    expect(await app.deps.runValues.inputsOf(world.user.id, world.workflowId, { limit: 5 })).toEqual([])
  })

  test('a workflow keeps the newest 1,000', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const id = await world.run('1', order)
    await app.database.sql`
      insert into execution_values (id, user_id, workflow_id, recorded_at, expires_at, sealed, stamp)
      select gen_random_uuid(), user_id, workflow_id, recorded_at - n * interval '1 second', expires_at, sealed, stamp
      from execution_values, generate_series(1, 1200) n where id = ${id}`
    const newest = await world.run('2', order)
    const left = (await rows()).filter((row) => row['workflow_id'] === world.workflowId)
    expect(left).toHaveLength(1001)
    expect(left.map((row) => row['id'])).toEqual(expect.arrayContaining([id, newest]))
  })

  test('deleting the workflow or the account deletes them', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const id = await world.run('1', order)
    await app.database.sql`delete from deployments where workflow_id = ${world.workflowId}`
    await app.database.sql`delete from workflows where id = ${world.workflowId}`
    expect((await rows()).map((row) => row['id'])).not.toContain(id)
    const other = await createValuesWorld(app)
    await turnOn(other)
    const gone = await other.run('1', order)
    const { status } = await other.user.call('POST', '/v1/me/delete', {
      body: { password: other.user.password },
    })
    expect(status).toBe(204)
    await expect
      .poll(async () => (await rows()).map((row) => row['id']), { timeout: 60_000 })
      .not.toContain(gone)
  })
})

describe('sealed values', () => {
  test('hold none of the planted secrets', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const json = Object.fromEntries(plantedSecrets.map((each, index) => [`case${index}`, each.json]))
    const answer = await world.values(await world.run('1', json))
    expect(answer.status).toBe(200)
    for (const { secrets } of plantedSecrets)
      for (const secret of secrets) expect(answer.text).not.toContain(secret)
    expect(answer.json.nodes[0].runs[0].outputs[0].items[0].json.case0).toEqual({
      headers: { authorization: '[redacted]' },
    })
  })

  test('that were changed fail with an error of their own, and the run stays readable', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const [id, other] = [await world.run('1', order), await world.run('2', order)]
    await app.database
      .sql`update execution_values v set sealed = o.sealed from execution_values o where v.id = ${id} and o.id = ${other}`
    const { status, json } = await world.values(id)
    expect([status, json.code]).toEqual([500, 'values-undecryptable'])
    const diagnosis = await world.user.call('GET', `/v1/executions/${id}/diagnosis`)
    expect(diagnosis.status).toBe(200)
    expect(diagnosis.json.node.inputValues).toBeNull()
    expect((await world.user.call('GET', `/v1/executions/${id}`)).status).toBe(200)
    const inputs = await app.deps.runValues.inputsOf(world.user.id, world.workflowId, { limit: 5 })
    expect(inputs.map(({ executionId }) => executionId)).toEqual([other])
  })

  test('move to a new key', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const id = await world.run('1', order)
    const old = app.deps.config.credentialKeys
    const fresh = randomRing('k2')
    const both = createSecretBox({ active: 'k2', keys: new Map([...old.keys, ...fresh.keys]) })
    const column = sealedColumns.find(({ table }) => table === 'execution_values')
    if (!column) throw new Error('Not in the list')
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await rewrapPage(app.deps.db, both, column, cursor ?? null)
      cursor = page.cursor
    }
    const [row] = await app.database.sql`select sealed, key_id from execution_values where id = ${id}`
    expect(row?.['key_id']).toBe('k2')
    const opened = await createSecretBox(fresh).open(valuesContext(world.user.id, id), row?.['sealed'])
    expect(JSON.stringify(opened)).toContain('canary-4711')
  })
})

describe('reports', () => {
  test('cost one more statement with storage, and none without', async () => {
    const world = await createValuesWorld(app)
    const cost = async (executionId: string) => {
      statements.length = 0
      await world.run(executionId, order)
      return statements.length
    }
    await cost('0')
    const without = await cost('1')
    await turnOn(world)
    expect(await cost('2')).toBe(without + 1)
  })

  test('that are repeated or arrive in any order leave the same values', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const id = await world.run('1', { order: 'second' }, { stoppedAt: '2026-11-22T10:00:03.000Z' })
    expect(await world.run('1', { order: 'first' })).toBe(id)
    expect((await world.values(id)).text).toContain('second')
    await world.run('1', { order: 'second' }, { stoppedAt: '2026-11-22T10:00:03.000Z' })
    expect((await world.values(id)).text).toContain('second')
  })

  test('record the run when its values cannot be stored', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    await app.database.sql`alter table execution_values rename to execution_values_away`
    const id = await world.run('1', order)
    await app.database.sql`alter table execution_values_away rename to execution_values`
    expect((await world.user.call('GET', `/v1/executions/${id}`)).status).toBe(200)
    expect(app.logs.join('\n')).toContain('values-not-stored')
  })
})

describe('recorded inputs and outputs', () => {
  test('are those of the newest finished production runs', async () => {
    const world = await createValuesWorld(app)
    await turnOn(world)
    const ids: string[] = []
    for (const n of [1, 2, 3]) ids.push(await world.run(String(n), { n }))
    await world.run('4', { n: 4 }, { mode: 'manual' })
    const inputs = await app.deps.runValues.inputsOf(world.user.id, world.workflowId, { limit: 2 })
    expect(inputs).toEqual(
      [3, 2].map((n) => ({
        executionId: ids[n - 1],
        status: 'error',
        workflowVersion: 1,
        startedAt: '2026-11-22T10:00:00.000Z',
        trigger: 'Webhook',
        outputs: [[{ json: { n } }]],
        truncated: false,
      })),
    )
    expect(await app.deps.runValues.outputsOf(world.user.id, ids[0] ?? '')).toEqual([
      { node: 'Webhook', outputs: [{ items: [{ json: { n: 1 } }], total: 1, truncated: false }] },
      { node: 'Post', outputs: [] },
    ])
  })
})
