/** Pages, neighbors and counts of run lists agree on the order, even if runs arrive in the meantime. */
import { and, eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executions } from '../../src/db/schema/executions.ts'
import { workflowVersions } from '../../src/db/schema/workflows.ts'
import type { ExecutionSummary } from '../../src/executions/contract.ts'
import { ExecutionRepository } from '../../src/executions/repository.ts'
import { happenedAtOf, readRunCursor, runCursor } from '../../src/runs/order.ts'
import type { ExecutionSearch } from '../../src/executions/list-filter.ts'
import { encodeCursor } from '../../src/http/page.ts'
import { randomFrom } from '../analytics/history.ts'
import { databaseKinds } from '../harness/database.ts'
import { ensurePartitionsFrom } from '../harness/partitions.ts'
import { createWorld, type World } from './world.ts'

const now = new Date('2026-11-22T12:00:00.000Z')
const hourMs = 3_600_000

describe.each(databaseKinds)('on $kind', ({ create }) => {
  let world: World
  let tracked: Awaited<ReturnType<World['tracked']>>
  let repository: ExecutionRepository
  beforeAll(async () => {
    world = createWorld(await create())
    repository = new ExecutionRepository(world.db.read, () => now)
    await ensurePartitionsFrom(world.db.$client, now.getTime() - 31 * 24 * hourMs)
  })
  afterAll(() => world.close())

  let number = 0
  const run = (recordedAt: Date, given: Partial<typeof executions.$inferInsert> = {}) => ({
    id: uuidv7({ msecs: recordedAt.getTime() }),
    recordedAt,
    n8nExecutionId: String(++number),
    userId: tracked.userId,
    instanceId: tracked.instanceId,
    workflowId: tracked.workflowId,
    workflowVersion: 1,
    deploymentId: tracked.deploymentId,
    status: 'success' as const,
    ...given,
  })
  const random = randomFrom(7)
  /** With ties: few distinct times, with and without a start and an end. */
  const randomRun = () => {
    const at = () => new Date(now.getTime() - random.upTo(40) * hourMs - random.upTo(2))
    return run(at(), {
      startedAt: random.random() < 0.8 ? at() : null,
      finishedAt: random.random() < 0.5 ? at() : null,
      status: random.oneOf(['success', 'error', 'running', 'crashed']),
      mode: random.oneOf(['webhook', 'trigger', 'manual', null]),
    })
  }
  const keyOf = (item: ExecutionSummary) => `${happenedAtOf(item)} ${item.id}`
  const newestFirst = (items: ExecutionSummary[]) => items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1))

  async function all(search: ExecutionSearch, limit: number, between?: () => Promise<unknown>) {
    const seen: ExecutionSummary[] = []
    let after = null
    do {
      const page = await repository.list(tracked.userId, search, { limit, after })
      seen.push(...page.items)
      after = page.nextCursor === null ? null : readRunCursor(page.nextCursor)
      await between?.()
    } while (after !== null)
    return seen
  }

  test('lists runs by start, else end, else recording time, then by ID', async () => {
    tracked = await world.tracked()
    const late = run(new Date('2026-11-20T12:00:00Z'), { startedAt: new Date('2026-11-01T00:00:00Z') })
    const ended = run(new Date('2026-11-10T12:00:00Z'), { finishedAt: new Date('2026-11-10T11:00:00Z') })
    const bare = run(new Date('2026-11-10T11:30:00Z'))
    await world.db.insert(executions).values([late, ended, bare])
    const { body } = await world.call('GET', '/v1/executions', { user: tracked.userId })
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([bare.id, ended.id, late.id])
  })

  test('pages of any size contain every run once, in order, with any filter', async () => {
    tracked = await world.tracked()
    await world.db.insert(executions).values(Array.from({ length: 150 }, randomRun))
    const whole = newestFirst(await all({}, 100))
    expect(whole).toHaveLength(150)
    for (const [limit, search] of [
      [1, {}],
      [7, {}],
      [100, {}],
      [4, { workflowId: tracked.workflowId, status: 'error' }],
      [5, { statuses: ['error', 'crashed'] }],
      [3, { mode: ['manual', 'webhook'] }],
      [6, { from: new Date(now.getTime() - 20 * hourMs), to: new Date(now.getTime() - 5 * hourMs) }],
    ] satisfies [number, ExecutionSearch][]) {
      const expected = whole.filter((item) => {
        const at = Date.parse(happenedAtOf(item))
        const { status, statuses, mode, from, to } = search as ExecutionSearch
        return (
          (!status || item.status === status) &&
          (!statuses || statuses.includes(item.status)) &&
          (!mode || mode.includes(item.mode ?? '')) &&
          (!from || at >= from.getTime()) &&
          (!to || at < to.getTime())
        )
      })
      expect(expected.length).toBeGreaterThan(3)
      expect(await all(search, limit)).toEqual(expected)
      for (const [index, item] of expected.entries()) {
        if (index % 9 > 0) continue
        expect(await repository.neighbours(tracked.userId, search, item.id)).toEqual({
          newer: expected[index - 1]?.id ?? null,
          older: expected[index + 1]?.id ?? null,
        })
        expect(await repository.countNewer(tracked.userId, search, item.id, 1000)).toBe(index)
      }
    }
    expect(await repository.countNewer(tracked.userId, {}, whole.at(-1)?.id ?? '', 10)).toBe(10)
  })

  test('runs that arrive between two pages hide and repeat nothing', async () => {
    tracked = await world.tracked()
    await world.db.insert(executions).values(Array.from({ length: 40 }, randomRun))
    const before = await all({}, 100)
    const seen = await all({}, 3, () => world.db.insert(executions).values([randomRun(), randomRun()]))
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    expect(before.filter(({ id }) => !seen.some((item) => item.id === id))).toEqual([])
    expect(seen).toEqual(newestFirst(seen))
  })

  test('a run at the end of a page that turns out to have started earlier skips no runs', async () => {
    tracked = await world.tracked()
    const hours = [5, 4, 3, 2, 1].map((ago) => run(new Date(now.getTime() - ago * hourMs)))
    await world.db.insert(executions).values(hours)
    const first = await repository.list(tracked.userId, {}, { limit: 2, after: null })
    const last = first.items.at(-1)?.id ?? ''
    await world.db
      .update(executions)
      .set({ startedAt: new Date(now.getTime() - 4.5 * hourMs) })
      .where(eq(executions.id, last))
    const after = readRunCursor(first.nextCursor ?? '')
    const rest = await repository.list(tracked.userId, {}, { limit: 10, after })
    const missed = hours.filter(({ id }) => ![...first.items, ...rest.items].some((item) => item.id === id))
    expect(missed).toEqual([])
  })

  test('a cursor from an earlier release, which is an ID, still works', async () => {
    tracked = await world.tracked()
    await world.db.insert(executions).values(Array.from({ length: 12 }, randomRun))
    const whole = await all({}, 100)
    const list = (cursor: string) =>
      world.call('GET', `/v1/executions?cursor=${cursor}`, { user: tracked.userId })
    const { status, body } = await list(encodeCursor(whole[4]?.id ?? ''))
    expect(status).toBe(200)
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(whole.slice(5).map(({ id }) => id))
    expect((await list(encodeCursor('6f9619ff-8b86-4011-b42d-00cf4fc964ff'))).status).toBe(422)
    const [last] = whole
    expect((await list(`${runCursor(last!).slice(0, -1)}!`)).status).toBe(422)
    expect((await list('_'.repeat(32))).status).toBe(422)
  })

  test('?mode= accepts one or several modes', async () => {
    tracked = await world.tracked()
    const modes = ['webhook', 'trigger', 'manual', 'integrated', 'error', null]
    await world.db.insert(executions).values(modes.map((mode) => run(now, { mode })))
    const found = async (query: string) => {
      const { status, body } = await world.call('GET', `/v1/executions?${query}`, { user: tracked.userId })
      return status === 200 ? body.items.map(({ mode }: { mode: string }) => mode).toSorted() : status
    }
    expect(await found('mode=manual')).toEqual(['manual'])
    expect(await found('mode=webhook,trigger')).toEqual(['trigger', 'webhook'])
    expect(await found('mode=webhook&mode=error,manual')).toEqual(['error', 'manual', 'webhook'])
    expect(await found('mode=none')).toEqual([])
    for (const wrong of ['mode=', 'mode=a,', 'mode=%00', `mode=${'x'.repeat(33)}`]) {
      expect(await found(wrong)).toBe(422)
    }
    const { text } = await exported('?format=ndjson&mode=manual,integrated')
    expect(text.trim().split('\n')).toHaveLength(2)
  })

  const exported = async (query: string) => {
    const response = await world.app.request(`/v1/executions/export${query}`, {
      headers: { 'X-User': tracked.userId },
    })
    return { text: await response.text() }
  }

  test('a run is stuck once it exceeds the timeout of its workflow, or 24 hours without one', async () => {
    tracked = await world.tracked()
    world.clock.now = now
    const other = await world.workflow(tracked.userId, { versions: 4 })
    const settings = [{ executionTimeout: 60 }, { executionTimeout: -1 }, { executionTimeout: '60' }, null]
    for (const [index, value] of settings.entries()) {
      await world.db
        .update(workflowVersions)
        .set({ data: { nodes: [], connections: {}, ...(value && { settings: value }) } })
        .where(and(eq(workflowVersions.workflowId, other), eq(workflowVersions.version, index + 1)))
    }
    const ago = (ms: number, given: object = {}) =>
      run(now, { status: 'running', startedAt: new Date(now.getTime() - ms), workflowId: other, ...given })
    const stuck = [
      ago(61_000),
      ago(24 * hourMs + 1, { workflowVersion: 2 }),
      ago(30 * hourMs, { workflowVersion: 3 }),
      ago(30 * hourMs, { workflowVersion: 4 }),
      ago(30 * hourMs, { workflowId: uuidv7() }),
    ]
    const others = [
      ago(60_000),
      ago(24 * hourMs, { workflowVersion: 2 }),
      ago(90_000, { workflowVersion: 3 }),
      ago(90_000, { workflowVersion: 4 }),
      ago(90_000, { status: 'waiting' }),
      ago(30 * hourMs, { status: 'waiting' }),
      ago(30 * hourMs, { status: 'success' }),
    ]
    await world.db.insert(executions).values([...stuck, ...others])
    const listed = async (query: string) => {
      const { body } = await world.call('GET', `/v1/executions?${query}`, { user: tracked.userId })
      return body.items as ExecutionSummary[]
    }
    const idsOf = (items: { id: string }[]) => items.map(({ id }) => id).toSorted()
    expect(idsOf((await listed('')).filter((item) => item.stuck))).toEqual(idsOf(stuck))
    expect(idsOf(await listed('stuck=true'))).toEqual(idsOf(stuck))
    expect(idsOf(await listed('stuck=false'))).toEqual(idsOf(others))
    const one = await world.call('GET', `/v1/executions/${stuck[0]?.id}`, { user: tracked.userId })
    expect(one.body.stuck).toBe(true)
  })
})
