/** Words in workflows and errors, in any script and Unicode form, by an index, only of the user's own. */
import { sql } from 'drizzle-orm'
import { search } from '../../src/search/search.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { workflowHolds } from '../../src/db/search.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../harness/database.ts'
import { caller, createUser, createWorkflowServer, node, workflowOf } from './workflow-server.ts'

const none = { nodes: [], connections: {} }
const cafe = { nfc: 'Caf\u00e9', nfd: 'Cafe\u0301' }

describe.each(databaseKinds)('workflow search, on $kind', ({ create }) => {
  let database: TestDatabase
  let server: ReturnType<typeof createWorkflowServer>
  let call: ReturnType<typeof caller>
  beforeAll(async () => {
    database = await create()
    server = createWorkflowServer(database.db)
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    call = caller(server.app, await createUser(database.db))
  })

  const keep = async (body: Record<string, unknown>): Promise<string> => {
    const answer = await call('POST', '/v1/workflows', { workflow: none, ...body })
    expect(answer.status).toBe(201)
    return answer.body.id
  }
  const find = async (q: string, as = call): Promise<string[]> => {
    const { status, body } = await as('GET', `/v1/workflows?q=${encodeURIComponent(q)}`)
    expect(status).toBe(200)
    return body.items.map(({ id }: { id: string }) => id)
  }

  test.each([
    ['part of a Chinese text', '自动发送每日报告', '每日报'],
    ['one character', '自动发送每日报告', '报'],
    ['the last character', '自动发送每日报告', '告'],
    ['rare characters', '\u{20bb7}野家の\u{29e3d}', '家の\u{29e3d}'],
    ['Japanese next to Latin', 'Slackに毎朝通知する', 'slackに毎朝'],
    ['half-width katakana', 'メールを転送', 'ﾒｰﾙを転'],
    ['the middle of Korean', '매일아침보고서', '아침보'],
    ['Korean in separate letters', '매일아침보고서', '아침'.normalize('NFD')],
    ['Thai', 'ส่งรายงานประจำวัน', 'รายงาน'],
    ['Cyrillic in another case', 'Ежедневный отчёт', 'ЕЖЕДН отчет'],
    ['composed accents for separate ones', cafe.nfc, cafe.nfd],
    ['separate accents for composed ones', cafe.nfd, cafe.nfc],
    ['accents for plain letters', `the ${cafe.nfd}`, 'cafe'],
    ['plain letters for accents', 'the cafe', cafe.nfc],
    ['full-width letters', 'ＡＢＣ report', 'abc'],
    ['words in another order', 'Sum up the news', 'news sum'],
    ['punctuation of the query', '自动，发送', '自动 「发送」'],
    ['a word of 200 characters', 'x'.repeat(300), 'x'.repeat(200)],
  ])('finds %s in name, description and prompt', async (_, text, q) => {
    await keep({ name: 'Other', description: '自送每 日', prompt: 'other' })
    const holders = [
      await keep({ name: 'z', prompt: text }),
      await keep({ name: 'z', description: text }),
      await keep({ name: text.slice(0, 200) }),
    ]
    expect(await find(q)).toEqual(holders.toReversed())
  })

  test.each([
    'slack',
    'SLACK',
    'n8n-nodes-base.slack',
    'lack',
    'slack morn',
    'httpRequest',
    'request',
    'orning',
  ])('finds a node type and part of the name: %s', async (q) => {
    await keep({ name: 'Other', workflow: workflowOf('O', node('Start', 'manualTrigger')) })
    const workflow = workflowOf('W', node('A', 'slack'), node('B', 'httpRequest'))
    const holder = await keep({ name: 'Morning', workflow })
    expect(await find(q)).toEqual([holder])
  })

  test('ignores separate letters, parts of words in the prompt, and punctuation', async () => {
    await keep({ name: 'z', prompt: '每日 日报 reporting か' })
    for (const q of ['每日报', 'porting', '%', '_', '100%', "'", '\\', '。', 'が', 'rep_rting', 'report%x']) {
      expect({ q, found: await find(q) }).toEqual({ q, found: [] })
    }
  })

  test('follows a change, and finds a word at the end of the longest prompt and description', async () => {
    const id = await keep({ name: 'z', prompt: 'before' })
    const prompt = Array.from({ length: 99_990 }, (_, i) =>
      String.fromCodePoint(0x4e00 + ((i * i * 31) % 20_011)),
    )
    const body = { prompt: `${prompt.join('')} 最後 now`, description: `${'word '.repeat(1990)}finally` }
    expect((await call('PATCH', `/v1/workflows/${id}`, body, { 'If-Match': '*' })).status).toBe(200)
    expect(await find('before')).toEqual([])
    for (const q of ['最後', 'now', 'finally', prompt.slice(50_000, 50_020).join('')])
      expect(await find(q)).toEqual([id])
  })

  test('finds the words around combining marks, however many follow each other', async () => {
    // Normalized as they are, these marks take minutes.
    const marks = (first: string, second: string) => (first + second).repeat(20_000)
    const id = await keep({
      prompt: `zebra${marks('\u0327', '\u0301')} Tägliche ${marks('\ua8e0', '\u0327')} quagga`,
    })
    for (const q of ['zebra', 'taglich', 'quagga']) expect(await find(q)).toContain(id)
  })

  test('finds nothing of another user', async () => {
    const holder = await keep({ name: '每日报告 report', workflow: workflowOf('W', node('A', 'slack')) })
    const stranger = caller(server.app, await createUser(database.db))
    for (const q of ['每日', '每日报', 'report', 'slack', 'repor', 'ort']) {
      expect(await find(q)).toEqual([holder])
      expect({ q, found: await find(q, stranger) }).toEqual({ q, found: [] })
    }
  })

  test('fills a page with the user’s own workflows even after others create more', async () => {
    const holders = [await keep({ name: '每日报告' }), await keep({ name: '每日报告' })]
    const stranger = caller(server.app, await createUser(database.db))
    for (const _ of holders) await stranger('POST', '/v1/workflows', { workflow: none, name: '每日报告' })
    const { body } = await call('GET', `/v1/workflows?limit=1&q=${encodeURIComponent('每日报')}`)
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([holders[1]])
    expect(body.nextCursor).not.toBeNull()
  })

  test.each(['', '%20', '%09%0a', '%00', 'x'.repeat(201)])('rejects the query %j', async (q) => {
    expect((await call('GET', `/v1/workflows?q=${q}`)).status).toBe(422)
  })
})

describe('with 5,000 workflows, on Postgres', () => {
  let database: TestDatabase
  let users: string[]
  beforeAll(async () => {
    database = await createTestDatabase()
    users = [await createUser(database.db), await createUser(database.db)]
    for (let from = 1; from < 5000; from += 1000)
      await database.sql`
      insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types, trigger_types,
        webhook_paths, warnings, workflow_data, content_hash, prompt)
      select gen_random_uuid(), case n % 2 when 0 then ${users[0]}::uuid else ${users[1]}::uuid end, 'Workflow ' || n, '{}', 1,
        array['n8n-nodes-base.slack'], '{}', '{}', '{}', '[]', '{}', 'h',
        'Send report ' || md5(n::text) || case when n % 250 < 2 then ' 自动发送每日报告 café' else ' 每天 cafeteria' end
      from generate_series(${from}::integer, ${from}::integer + 999) n`
    await database.sql`analyze workflows`
  })
  afterAll(() => database.close())

  test.each(['每日报', '告', 'café auto 每日', 'workflow 4901 report'])('%s uses the index', async (q) => {
    const of = sql`workflows`
    const condition = sql`user_id = ${users[0]} and ${workflowHolds(q, of)}`
    const { rows } = await database.db.execute(sql`explain select id from workflows where ${condition}`)
    const plan = rows.map((row) => Object.values(row)[0]).join('\n')
    expect(plan).toContain('workflows_search_idx')
    expect(plan).not.toContain('Seq Scan')
    const found = await database.db.execute(sql`select user_id from workflows where ${condition}`)
    expect(found.rows.every((row) => row['user_id'] === users[0])).toBe(true)
    expect(found.rows).toHaveLength(q.includes('auto') || q.startsWith('workflow') ? 0 : 20)
  })
})

test('the migration makes existing descriptions, prompts, nodes and errors searchable', async () => {
  const database = await createTestDatabase()
  const { sql: run } = database
  try {
    await run`drop schema public cascade`
    await run`create schema public`
    const migrations = await readMigrations('drizzle')
    const before = migrations.findIndex(({ name }) => name.endsWith('_search_words'))
    await migrate({ sql: run, migrations: migrations.slice(0, before) })
    const userId = await createUser(database.db)
    await run`insert into workflows (id, user_id, name, description, prompt, tags, node_count, node_types,
        required_credential_types, trigger_types, webhook_paths, warnings, workflow_data, content_hash, version, updated_at)
      values (gen_random_uuid(), ${userId}, 'Old', 'Tägliche Übersicht', '自动发送每日报告', '{}', 1, '{n8n-nodes-base.slack}',
        '{}', '{}', '{}', '[]', '{"nodes":[{"name":"Tell the team"}]}', 'h', 1, '2026-01-01')`
    await run`insert into workflow_versions (workflow_id, version, user_id, name, prompt, tags, node_count, node_types,
        required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash)
      select id, number, user_id, name, case number when 1 then 'Überwachung, 自动发送每日报告' end, tags, 1, '{}', '{}', '{}', '{}', '{}', 'h'
      from workflows, generate_series(1, 2) number where user_id = ${userId}`
    await run`insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id, n8n_execution_id, status, error_message)
      select gen_random_uuid(), now(), ${userId}, gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), n::text, 'error', case n when 1 then 'quota überschritten' end
      from generate_series(1, 2) n`
    await migrate({ sql: run, migrations })
    const call = caller(createWorkflowServer(database.db).app, userId)
    for (const q of ['taglich ubersicht', '每日报', 'slack', 'old', 'tell team']) {
      const { body } = await call('GET', `/v1/workflows?q=${encodeURIComponent(q)}`)
      expect({ q, names: body.items.map(({ name }: { name: string }) => name) }).toEqual({
        q,
        names: ['Old'],
      })
      expect(body.items[0].updatedAt).toBe('2026-01-01T00:00:00.000Z')
    }
    for (const q of ['每日报', 'uberwach']) {
      const { groups } = await search(database.db.read, userId, q)
      expect(groups.flatMap(({ hits }) => hits).filter(({ kind }) => kind === 'prompt')).toMatchObject([
        { name: 'Old', number: 1 },
      ])
    }
    expect(
      await run`select n8n_execution_id as id from executions
        where search_words(error_message, true) @@ search_query('QUOTA uberschr')`,
    ).toEqual([{ id: '1' }])
  } finally {
    await database.close()
  }
})
