/** @module W1 to W9: reports of n8n. */
import { v7 } from 'uuid'
import { expect } from 'vitest'
import { comparable, isFull, range, threat, type World } from './suite.ts'

export function webhooks(world: World): void {
  const startedAt = new Date().toISOString()
  const report = (executionId: string, more: object = {}) => ({
    executionId,
    workflowId: world.owner.resources.n8nWorkflowId,
    status: 'success',
    startedAt,
    ...more,
  })
  const send = (
    body: unknown,
    token: string | undefined,
    instanceId = world.owner.resources.ids['instances'],
  ) => world.target.call('POST', `/hooks/n8n/${instanceId}`, { body, token, headers: { Prefer: 'wait' } })
  const deliver = (body: unknown) => send(body, world.owner.resources.webhookToken)
  const executionsOf = async (executionId: string) =>
    world.target.database.sql`select status, started_at, finished_at, mode from executions
      where n8n_execution_id = ${executionId} and user_id = ${world.owner.id}`

  threat('W1', async () => {
    const { owner, stranger } = world
    const tokens = [
      undefined,
      'x',
      `${owner.resources.webhookToken.slice(0, -1)}A`,
      stranger.resources.webhookToken,
      owner.accessToken,
      'fk_00000000000000000000000000000000000000',
    ]
    const answers = []
    for (const token of tokens) answers.push(await send(report('W1'), token))
    const unknown = v7()
    const elsewhere = await send(report('W1'), owner.resources.webhookToken, unknown)
    const known = answers.map((answer) => comparable(answer, owner.resources.ids['instances']))
    for (const each of [...known, comparable(elsewhere, unknown)]) expect(each).toEqual(known[0])
    expect(elsewhere.status).toBe(401)
    expect(await executionsOf('W1')).toEqual([])
  })

  threat('W5', async () => {
    const { owner, target } = world
    const id = owner.resources.ids['instances']
    const old = owner.resources.webhookToken
    const stream = range(isFull ? 1000 : 60).map((i) => i)
    let fresh = old
    const statuses = new Set<number>()
    for (const i of stream) {
      if (i === stream.length >> 1) {
        await owner.renew()
        fresh = (await owner.call('POST', `/v1/instances/${id}/webhook-token`)).json.webhookToken
        target.answers.length = 0
      }
      statuses.add((await send(report(`W5-${i}`), i % 2 ? old : fresh)).status)
    }
    expect(statuses).toEqual(new Set([202]))
    expect(fresh).not.toBe(old)
    await target.database.sql`update webhook_tokens set expires_at = now() - interval '1 second'
      where instance_id = ${id} and expires_at is not null`
    owner.resources.webhookToken = fresh
    // A server may remember a token for a moment.
    await expect
      .poll(async () => (await send(report('W5-late'), old)).status, { timeout: 90_000, interval: 2000 })
      .toBe(401)
    expect((await deliver(report('W5-late'))).status).toBe(202)
  })

  threat('W6', async () => {
    const count = isFull ? 1000 : 60
    const answers = await Promise.all(range(count).map(() => deliver(report('W6'))))
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(count - 1)
    expect(await executionsOf('W6')).toHaveLength(1)
    const finishedAt = new Date(Date.parse(startedAt) + 5000).toISOString()
    const history = [
      { status: 'new' },
      { status: 'running' },
      { status: 'waiting' },
      { status: 'running' },
      { status: 'success', finishedAt },
      { status: 'success', finishedAt },
    ]
    const results = new Set<string>()
    for (const round of range(isFull ? 100 : 12)) {
      const id = `W6-${round}`
      const order = history.toSorted(() => Math.random() - 0.5)
      for (const each of order) expect((await deliver(report(id, each))).status).toBeLessThan(300)
      results.add(JSON.stringify(await executionsOf(id)))
    }
    expect(results.size).toBe(1)
    expect([...results][0]).toContain('"success"')
  })

  threat('W8', async () => {
    const deadLetters = async () => (await world.owner.call('GET', '/v1/dead-letters?limit=100')).json.items
    const before = (await deadLetters()).length
    const { executionId: _, ...withoutId } = report('W8')
    const poison = [
      withoutId,
      report('W8', { status: { a: 1 } }),
      report('W8', { workflowId: 'elsewhere' }),
      { x: 1 },
    ]
    for (const body of poison) {
      const answer = await deliver(body)
      expect(answer.status).toBe(202)
      expect(answer.json).toMatchObject({ created: false, code: expect.any(String) })
    }
    const letters = await deadLetters()
    expect(letters.length).toBeGreaterThan(before)
    const replayed = await world.owner.call('POST', `/v1/dead-letters/${letters[0].id}/replay`)
    expect(replayed.status).toBe(200)
    const stored = await world.owner.call('GET', `/v1/dead-letters/${letters[0].id}`)
    expect([200, 404]).toContain(stored.status)
    const mixed = await deliver([report('W8-a'), { x: 1 }, report('W8-b')])
    expect(mixed.json.results.map(({ status }: { status: number }) => status)).toEqual([202, 422, 202])
  })

  threat('W9', async () => {
    const { owner, stranger, target } = world
    const totals = async () => (await stranger.call('GET', '/v1/analytics/summary')).json.total
    const before = await totals()
    for (const more of [
      { workflowId: stranger.resources.n8nWorkflowId },
      { workflowId: stranger.resources.ids['workflows'] },
    ]) {
      const answer = await deliver(report('W9', more))
      expect(answer.json).toEqual({ created: false, code: 'unknown-workflow' })
    }
    const claims = {
      userId: stranger.id,
      instanceId: stranger.resources.ids['instances'],
      user_id: stranger.id,
    }
    expect((await deliver(report('W9-claims', claims))).status).toBeLessThan(300)
    const rows = await target.database
      .sql`select distinct user_id from executions where n8n_execution_id like 'W9%'`
    expect(rows).toEqual([{ user_id: owner.id }])
    expect(await totals()).toBe(before)
  })
}
