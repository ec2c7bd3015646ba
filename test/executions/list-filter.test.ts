/** `q` of executions: an n8n ID, or words of an error or workflow name in any script, only of the user's own runs. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { matching } from '../../src/executions/list-filter.ts'
import { newestFirst } from '../../src/runs/order.ts'
import { executions } from '../../src/db/schema/executions.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
let tracked: Awaited<ReturnType<World['tracked']>>
const runs: Record<string, string> = {}
const messages: Record<string, string> = {
  11: '403 Forbidden: the token lacks scope issues:create (invalid_auth)',
  12: '请求失败：权限不足',
  13: 'Cafe\u0301 100% fermé',
}
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
  tracked = await world.tracked()
  for (const executionId of ['11', '12', '13', '403', '20']) {
    const message = messages[executionId]
    const { body } = await tracked.report({
      executionId,
      workflowId: 'wf1',
      ...(message === undefined ? { status: 'success' } : { status: 'error', error: { message, node: 'A' } }),
    })
    runs[executionId] = body.id
  }
})
afterAll(() => world.close())

const find = async (user: string, q: string): Promise<string[]> => {
  const path = `/v1/executions?q=${encodeURIComponent(q)}`
  const { status, body } = await world.call('GET', path, { user })
  expect(status).toBe(200)
  return body.items.map(({ n8nExecutionId }: { n8nExecutionId: string }) => n8nExecutionId).toSorted()
}

test.each([
  ['a number in an error, and the run with that number', '403', ['11', '403']],
  ['a formatted number', '#403', ['403']],
  ['the middle of a word', 'bidden', ['11']],
  ['words in another order', 'scope TOKEN', ['11']],
  ['the name of an error', 'invalid_auth', ['11']],
  ['Chinese', '权限不', ['12']],
  ['one character', '败', ['12']],
  ['composed accents', 'caf\u00e9 ferme\u0301', ['13']],
  ['plain letters', 'CAFE', ['13']],
  ['a wildcard as itself', '%', []],
  ['another wildcard', 'q_', []],
  ['separate letters', '请失败', []],
  ['part of a workflow name', 'nvoic', ['11', '12', '13', '20', '403']],
])('finds %s, and nothing of another user', async (_, q, expected) => {
  expect(await find(tracked.userId, q)).toEqual(expected)
  expect(await find(await world.user(), q)).toEqual([])
})

test('an error search uses an index', async () => {
  await world.sql`
    insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id, n8n_execution_id, status,
      started_at, error_message)
    select gen_random_uuid(), date_trunc('month', now()), ${tracked.userId}, ${tracked.instanceId}, gen_random_uuid(), 1, gen_random_uuid(),
      'n' || n, case n % 10 when 0 then 'error' else 'success' end, now() - interval '1 day',
      case n % 10 when 0 then 'Timeout of ' || md5(n::text) end
    from generate_series(1, 20000) n`
  await world.sql`analyze executions`
  const condition = matching(tracked.userId, { q: 'invalid scope' }, new Date())
  const statement = world.db.read
    .select({ id: executions.id })
    .from(executions)
    .where(condition)
    .orderBy(...newestFirst)
    .limit(51)
  expect((await statement).map(({ id }) => id)).toEqual([runs['11']])
  const { sql: text, params } = statement.toSQL()
  const plan = (await world.sql.query(`explain ${text}`, params))
    .map((row) => Object.values(row)[0])
    .join('\n')
  expect(plan).toMatch(/Bitmap Index Scan on executions_\d+_\d+_search_words_idx/)
})
