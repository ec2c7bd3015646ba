/** The running release serves every request while the next release's migrations arrive. */
import { expect, test } from 'vitest'
import { readMigrations } from '../../src/cli/migrate/files.ts'
import { type Migration, migrate } from '../../src/db/migrate.ts'
import { createTestApp } from '../harness/app.ts'

const BREAK = '\n--> statement-breakpoint\n'
/** One of each kind that needs no mark. */
const next: Migration[] = [
  {
    name: '9000_columns',
    sql: [
      'create table notes (id uuid primary key, user_id uuid not null references users (id) on delete cascade)',
      'alter table workflows add column note text',
      "alter table credentials add column note text not null default ''",
      'alter table executions add column seen_at timestamptz default now()',
      'alter table workflows add constraint workflows_note_check check (length(note) < 1000) not valid',
      "create or replace function noted(text) returns text language sql as $$ select $1 || '' $$",
    ].join(BREAK),
  },
  {
    name: '9001_index',
    sql: '-- no-transaction\ncreate index concurrently if not exists workflows_note_idx on workflows (note)',
  },
  { name: '9002_validate', sql: 'alter table workflows validate constraint workflows_note_check' },
]
const workflow = { name: 'Load', nodes: [], connections: {}, settings: {} }

test('no request fails while migrations add to the schema', async () => {
  const app = await createTestApp()
  const { sql } = app.database
  const failures: string[] = []
  let answered = 0
  const done = new AbortController()
  const load = async () => {
    const user = await app.user()
    for (let turn = 0; !done.signal.aborted || turn < 3; turn += 1) {
      const created = await user.call('POST', '/v1/workflows', { body: { workflow } })
      const credential = { type: 'slackApi', name: `Slack ${turn}`, data: { accessToken: 'xoxb-1' } }
      const answers = [
        created,
        await user.call('GET', `/v1/workflows/${created.json?.id}`),
        await user.call('PATCH', `/v1/workflows/${created.json?.id}`, {
          body: { description: `Turn ${turn}` },
          headers: { 'If-Match': '*' },
        }),
        await user.call('POST', '/v1/credentials', { body: credential }),
        await user.call('GET', '/v1/executions'),
      ]
      answered += answers.length
      failures.push(
        ...answers.filter(({ status }) => status >= 400).map(({ status, text }) => `${status} ${text}`),
      )
    }
  }
  const loads = Promise.all([load(), load(), load()])
  try {
    const known = await readMigrations('drizzle')
    for (let round = 1; round <= next.length; round += 1)
      await migrate({ sql, migrations: [...known, ...next.slice(0, round)] })
  } finally {
    done.abort()
    await loads
  }
  expect(failures).toEqual([])
  expect(answered).toBeGreaterThan(30)
  // The release still runs on the new schema.
  expect((await app.call('GET', '/health/ready')).status).toBe(200)
  await app.close()
})
