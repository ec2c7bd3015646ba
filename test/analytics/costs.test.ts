/** Tokens and costs by group, compared with a sum over the runs, and the prices that they are computed from. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NodeUsage } from '../../src/db/schema/executions.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { emptyDelivery } from '../../src/executions/record/merge.ts'
import { rollUpChanges } from '../../src/executions/record/roll-up.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createWorld, type World } from '../executions/world.ts'
import { createTestDatabase } from '../harness/database.ts'
import { seeded } from '../harness/random.ts'

let world: World
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

const hourMs = 3_600_000
const prices: Record<string, [input: number, output: number, cached: number]> = {
  'gpt-4o-mini': [0.15, 0.6, 0.075],
  'claude-sonnet-4-20250514': [3, 15, 0.3],
}

interface Run {
  id: string
  atMs: number
  usage: NodeUsage[]
}

const delivery = (
  n8nWorkflowId: string,
  { id, atMs, usage }: Run,
  status: 'success' | 'error' = 'success',
) => ({
  ...emptyDelivery,
  n8nExecutionId: id,
  n8nWorkflowId,
  status,
  startedAtMs: atMs,
  finishedAtMs: atMs + 1000,
  eventAtMs: atMs + 1000,
  receivedAtMs: atMs + 2000,
  data: toRunData({ nodes: [] }, null, usage),
})

const priceOf = ({ model = '', input, output, cached = 0 }: NodeUsage) => {
  const price = prices[model]
  return price && ((input - cached) * price[0] + cached * price[2] + output * price[1]) / 1e6
}

/** A recount of the runs. */
function summed(usage: NodeUsage[]) {
  const costs = usage.map(priceOf)
  const priced = costs.filter((cost) => cost !== undefined)
  const sum = (of: (entry: NodeUsage) => number) => usage.reduce((total, entry) => total + of(entry), 0)
  return {
    calls: sum(({ calls }) => calls),
    inputTokens: sum(({ input }) => input),
    outputTokens: sum(({ output }) => output),
    cachedInputTokens: sum(({ cached = 0 }) => cached),
    unpricedTokens: sum((entry) => (priceOf(entry) === undefined ? entry.input + entry.output : 0)),
    cost:
      priced.length === 0 && usage.length > 0
        ? null
        : expect.closeTo(
            priced.reduce((total, cost) => total + cost, 0),
            9,
          ),
  }
}

const asDay = (ms: number) => new Date(ms).toISOString().slice(0, 10)

describe('costs', () => {
  test('equal a sum over the runs in any period and group, before and after rollups', async () => {
    const { userId, workflowId, instanceId } = await world.tracked()
    const next = seeded(7)
    const now = world.clock.now.getTime()
    const models = ['gpt-4o-mini', 'claude-sonnet-4-20250514', 'in-house', undefined]
    const runs: Run[] = Array.from({ length: 80 }, (_, index) => ({
      id: String(index + 1),
      atMs: now - Math.floor(next() * 72 * hourMs),
      usage: Array.from({ length: Math.floor(next() * 3) }, (_each, node) => {
        const model = models[Math.floor(next() * models.length)]
        const input = 100 + Math.floor(next() * 5000)
        return {
          node: `Model ${node}`,
          ...(model && { model }),
          calls: 1 + Math.floor(next() * 2),
          input,
          output: Math.floor(next() * 900),
          ...(next() < 0.4 && { cached: Math.floor(input / 2) }),
        }
      }),
    }))
    for (const run of runs) {
      const first = { ...delivery('wf1', run), data: null }
      await ingest(
        world.db,
        instanceId,
        next() < 0.5 ? [delivery('wf1', run)] : [first, delivery('wf1', run)],
        'push',
      )
      if (next() < 0.3) await ingest(world.db, instanceId, [delivery('wf1', run)], 'poll')
    }
    const compare = async () => {
      for (let round = 0; round < 6; round++) {
        const [from, to] = [next(), next()]
          .toSorted()
          .map((share) => now - Math.floor((1 - share) * 73 * hourMs))
        const inside = runs.filter(({ atMs }) => atMs >= from! && atMs < to!)
        const period = `from=${new Date(from!).toISOString()}&to=${new Date(to!).toISOString()}`
        const get = async (by: string) =>
          (await world.call('GET', `/v1/analytics/costs?by=${by}&${period}`, { user: userId })).body
        const all = inside.flatMap(({ usage }) => usage)
        const byModel = await get('model')
        expect(byModel.usage).toMatchObject(summed(all))
        const used = new Set(all.map(({ model }) => model ?? null))
        expect(byModel.total).toBe(used.size)
        for (const item of byModel.items) {
          expect(item.usage).toMatchObject(summed(all.filter(({ model }) => (model ?? null) === item.model)))
          expect(item.executions).toBe(
            inside.filter(({ usage }) => usage.some(({ model }) => (model ?? null) === item.model)).length,
          )
        }
        for (const by of ['workflow', 'version', 'instance']) {
          const { items } = await get(by)
          expect(items).toHaveLength(all.length > 0 ? 1 : 0)
          if (items[0]) expect(items[0]).toMatchObject({ usage: summed(all) })
        }
        const days = (await get('day')).items
        expect(days.map(({ day }: { day: string }) => day)).toEqual(
          [
            ...new Set(inside.filter(({ usage }) => usage.length > 0).map(({ atMs }) => asDay(atMs))),
          ].toSorted(),
        )
        for (const { day, usage } of days)
          expect(usage).toMatchObject(
            summed(inside.filter(({ atMs }) => asDay(atMs) === day).flatMap((run) => run.usage)),
          )
      }
    }
    await compare()
    await rollUpChanges(world.db, { maxStatements: 10 })
    await compare()
    const { body } = await world.call('GET', '/v1/analytics/workflows?sort=cost', { user: userId })
    expect(body.items[0]).toMatchObject({ workflowId, usage: summed(runs.flatMap(({ usage }) => usage)) })
  })

  test('of prompts and models are those of their versions', async () => {
    const { userId, workflowId, instanceId } = await world.tracked()
    await world.sql`update workflow_versions set prompt = 'Sort my mail', model = 'author-1' where workflow_id = ${workflowId}`
    const usage = [{ node: 'M', model: 'gpt-4o-mini', calls: 1, input: 1000, output: 100 }]
    const atMs = world.clock.now.getTime() - hourMs
    await ingest(world.db, instanceId, [delivery('wf1', { id: '1', atMs, usage })], 'poll')
    for (const path of ['prompts', 'models']) {
      const { body } = await world.call('GET', `/v1/analytics/${path}?sort=cost`, { user: userId })
      expect(body.items).toMatchObject([{ model: 'author-1', runs: 1, usage: summed(usage) }])
    }
    const other = await world.user()
    const { body } = await world.call('GET', '/v1/analytics/costs', { user: other })
    expect(body).toMatchObject({ total: 0, items: [], usage: { inputTokens: 0, cost: 0 } })
  })

  test.each(['by=team', 'include=manual', 'limit=0'])('reject %s', async (query) => {
    const { status } = await world.call('GET', `/v1/analytics/costs?${query}`, { user: await world.user() })
    expect(status).toBe(422)
  })
})

describe('prices', () => {
  const put = (user: string, items: object[]) =>
    world.call('PUT', '/v1/model-prices', { user, body: { items } })
  const price = (model: string, input: number, more: object = {}) => ({
    model,
    inputPerMillion: input,
    outputPerMillion: 2 * input,
    ...more,
  })

  test('of a user take precedence over the defaults, an exact name over patterns, and the longest pattern', async () => {
    const { userId, instanceId } = await world.tracked()
    const atMs = world.clock.now.getTime() - hourMs
    const names = ['gpt-4o-mini', 'acme-large', 'acme-large-2', 'acme-small', 'GPT-4o']
    const usage = names.map((model) => ({ node: model, model, calls: 1, input: 1_000_000, output: 0 }))
    const [run] = await ingest(world.db, instanceId, [delivery('wf1', { id: '1', atMs, usage })], 'poll')
    const costs = async () => {
      const { body } = await world.call('GET', `/v1/executions/${run?.id}`, { user: userId })
      return body.usage.items.map(({ cost }: { cost: number | null }) => cost)
    }
    expect(await costs()).toEqual([0.15, null, null, null, 2.5])
    const answer = await put(userId, [
      price('gpt-4o-mini', 9),
      price('acme-*', 1),
      price('acme-large*', 2),
      price('acme-large', 3),
    ])
    expect(answer.status).toBe(200)
    expect(await costs()).toEqual([9, 3, 2, 1, 2.5])
    await put(userId, [price('acme-*', 4)])
    expect(await costs()).toEqual([0.15, 4, 4, 4, 2.5])
    const events =
      await world.sql`select details from audit_events where user_id = ${userId} and action = 'model-prices.updated' order by id`
    expect(events.map(({ details }) => (details as { models: string[] }).models)).toEqual([
      ['acme-*', 'acme-large', 'acme-large*', 'gpt-4o-mini'],
      ['acme-*', 'acme-large', 'acme-large*', 'gpt-4o-mini'],
    ])
  })

  test('can be read, edited and sent back: unchanged defaults are not stored', async () => {
    const user = await world.user()
    const { body } = await world.call('GET', '/v1/model-prices', { user })
    expect(body).toMatchObject({ currency: 'USD', defaultsAsOf: '2025-10-01' })
    const items = body.items.map((item: { model: string }) =>
      item.model === 'gpt-4o' ? { ...item, inputPerMillion: 1.25 } : item,
    )
    const changed = await world.call('PUT', '/v1/model-prices', { user, body: { ...body, items } })
    expect(changed.body.items.filter(({ source }: { source: string }) => source === 'own')).toEqual([
      { ...items.find(({ model }: { model: string }) => model === 'gpt-4o'), source: 'own' },
    ])
    expect(changed.body.items).toHaveLength(body.items.length)
    expect((await world.call('PUT', '/v1/model-prices', { user, body })).body).toEqual(body)
    expect(Array.from(await world.sql`select 1 from model_prices where user_id = ${user}`)).toEqual([])
  })

  test.each([
    ['a negative price', [price('a', -1)], '/items/0/inputPerMillion'],
    ['a price that is text', [{ ...price('a', 1), outputPerMillion: '2' }], '/items/0/outputPerMillion'],
    ['an asterisk inside a name', [price('a*b', 1)], '/items/0/model'],
    ['an asterisk alone', [price('*', 1)], '/items/0/model'],
    ['an empty name', [price(' ', 1)], '/items/0/model'],
    ['a model listed twice', [price('a', 1), price('A', 2)], '/items/1/model'],
    ['a price that is missing', [{ model: 'a' }], '/items/0/inputPerMillion'],
    ['too many prices', Array.from({ length: 501 }, (_, index) => price(`m${index}`, 1)), '/items'],
  ])('reject %s', async (_, items, pointer) => {
    const { status, body } = await put(await world.user(), items)
    expect(status).toBe(422)
    expect(JSON.stringify(body)).toContain(pointer)
  })
})
