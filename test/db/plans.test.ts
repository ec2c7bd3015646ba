/**
 * The plans of the most frequent statements on many rows of many users, including the statements within functions: no
 * sequential scan of a large table, no sort or hash join that spills to disk, and no more rows read than the user owns.
 */
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApp, type SentStatement, type TestApp, type TestUser } from '../harness/app.ts'
import { common, fillHistory, rare, rollupDifferences } from '../harness/bulk-history.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'

const size = { executions: 50_000, workflows: 10_000 }
/** Partitions and tables with fewer rows may be scanned. */
const largeRows = 2000

const noLimits = {
  RATE_READS_PER_MINUTE: '0',
  RATE_WRITES_PER_MINUTE: '0',
  RATE_HEAVY_PER_MINUTE: '0',
  QUOTA_WORKFLOWS: '1000000',
  QUOTA_STORED_MIB: '1000000',
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows'?: number
  'Actual Loops'?: number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Sort Space Type'?: string
  'Hash Batches'?: number
  Plans?: PlanNode[]
}

interface Plan {
  'Query Text': string
  Plan: PlanNode
}

let database: PostgresTestDatabase
let app: TestApp
let client: Client
let plans: Plan[] = []
let sent: SentStatement[] = []
const users = {} as Record<'many' | 'few', TestUser>
/** Partition or index → its table. */
const tables = new Map<string, string>()
/** Rows by user and table. */
const owned = { many: new Map<string, number>(), few: new Map<string, number>() }
/** In all tables. */
let ownedByFew = 0
let hook = { path: '', token: '' }

beforeAll(async () => {
  database = await createTestDatabase()
  app = await createTestApp({
    database,
    env: noLimits,
    onDatabaseRequest: (body) => sent.push(...('queries' in body ? body.queries : [body])),
  })
  users.many = await app.user()
  users.few = await app.user()
  client = new Client({ connectionString: database.postgresUrl })
  await client.connect()
  await fillHistory(client, { many: users.many.id, few: users.few.id }, size)
  const { rows } = await client.query<{ name: string; table: string }>(`
    select c.relname as name, coalesce(p.inhparent, i.indrelid, c.oid)::regclass::text as table
    from pg_class c left join pg_index i on i.indexrelid = c.oid
    left join pg_inherits p on p.inhrelid = coalesce(i.indrelid, c.oid)
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'i', 'I')`)
  for (const { name, table } of rows) tables.set(name, table)
  const { rows: ofUsers } = await client.query<{ name: string }>(`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`)
  for (const { name } of ofUsers) {
    const { rows: counted } = await client.query<{ many: number; few: number }>(
      `select (count(*) filter (where user_id = $1))::integer as many,
        (count(*) filter (where user_id = $2))::integer as few from "${name}"`,
      [users.many.id, users.few.id],
    )
    owned.many.set(name, counted[0]?.many ?? 0)
    owned.few.set(name, counted[0]?.few ?? 0)
    ownedByFew += counted[0]?.few ?? 0
  }
  const { json: instance } = await users.few.call('POST', '/v1/instances', {
    body: { name: 'Reports', baseUrl: 'https://n8n.example.com', apiKey: 'k'.repeat(30) },
  })
  const { json: list } = await users.few.call('GET', '/v1/workflows?limit=1')
  await users.few.call('POST', '/v1/deployments', {
    body: { workflowId: list.items[0].id, instanceId: instance.id, n8nWorkflowId: 'reported' },
  })
  hook = { path: `/hooks/n8n/${instance.id}`, token: instance.webhookToken }
  await client.query(`load 'auto_explain'`)
  await client.query(`select set_config(name, value, false) from (values
    ('auto_explain.log_min_duration', '0'), ('auto_explain.log_analyze', 'on'), ('auto_explain.log_buffers', 'on'),
    ('auto_explain.log_nested_statements', 'on'), ('auto_explain.log_format', 'json'), ('client_min_messages', 'log')
  ) s (name, value)`)
  client.on('notice', ({ message }) => {
    const at = message?.indexOf('plan:\n') ?? -1
    if (message !== undefined && at >= 0) plans.push(JSON.parse(message.slice(at + 6)))
  })
})
afterAll(async () => {
  await client.end()
  await app.close()
})

test('the rollups match the executions', async () => {
  expect(await rollupDifferences(client)).toEqual({ hours: 0, days: 0, errors: 0, nodes: 0 })
})

const uuids = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** What is wrong with the plans of the statements that `request` sends. */
async function faultsOf(owner: 'many' | 'few', request: () => Promise<{ status: number; text: string }>) {
  sent = []
  const startedAt = Date.now()
  const { status, text } = await request()
  if (status >= 400) throw new Error(`${status} ${text}`)
  // With other IDs than those of the rows that the request created.
  const statements: SentStatement[] = JSON.parse(
    JSON.stringify(sent).replaceAll(uuids, (id) =>
      Number.parseInt(id.replace('-', '').slice(0, 12), 16) >= startedAt ? `${id.slice(0, -4)}ffff` : id,
    ),
  )
  expect(statements.length).toBeGreaterThan(0)
  plans = []
  await client.query('begin')
  try {
    for (const { query, params } of statements) await client.query({ text: query, values: params })
  } finally {
    await client.query('rollback')
  }
  expect(plans.length).toBeGreaterThanOrEqual(statements.length)
  const faults = new Set<string>()
  for (const plan of plans) {
    const report = (what: string) =>
      faults.add(`${what}: ${plan['Query Text'].replaceAll(/\s+/g, ' ').slice(0, 300)}`)
    for (const node of nodesOf(plan.Plan)) {
      const table = tables.get(node['Index Name'] ?? node['Relation Name'] ?? '')
      const loops = node['Actual Loops'] ?? 0
      const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
      const read = ((node['Actual Rows'] ?? 0) + removed) * loops
      if (node['Sort Space Type'] === 'Disk' || (node['Hash Batches'] ?? 1) > 1)
        report(`${node['Node Type']} of ${node['Actual Rows'] ?? 0} rows spills to disk`)
      if (table === undefined) continue
      // A user who owns most rows may read them in order.
      if (node['Node Type'].endsWith('Seq Scan') && read > largeRows + 2 * (owned[owner].get(table) ?? 0))
        report(`Sequential scan of ${read} rows of ${table}`)
      if (owner === 'few' && read > ownedByFew) report(`${read} rows of ${table} read, ${ownedByFew} owned`)
    }
  }
  return [...faults]
}

function* nodesOf(node: PlanNode): Generator<PlanNode> {
  yield node
  for (const child of node.Plans ?? []) yield* nodesOf(child)
}

const reads: Record<string, string> = {
  'list of workflows': '/v1/workflows?limit=100',
  'search by node type': `/v1/workflows?nodeType=${common.nodeType}`,
  'search by rare node type': `/v1/workflows?nodeType=${rare.nodeType}`,
  'search by credential type': `/v1/workflows?credentialType=${common.credentialType}`,
  'search by rare credential type': `/v1/workflows?credentialType=${rare.credentialType}`,
  'search by text': `/v1/workflows?q=${common.word}`,
  'search by rare text': `/v1/workflows?q=${rare.word}`,
  'search by tag': '/v1/workflows?tag=team-7',
  'list of executions': '/v1/executions?limit=100',
  'list of failed executions': '/v1/executions?limit=100&status=error',
  'search of executions by text': '/v1/executions?q=timeout',
  'list of deployments': '/v1/deployments',
  summary: '/v1/analytics/summary',
  series: '/v1/analytics/series?interval=day',
  'statistics by workflow': '/v1/analytics/workflows',
  'statistics by node type': '/v1/analytics/node-types',
  'statistics of errors': '/v1/analytics/errors',
}

describe.each(['many', 'few'] as const)('for a user with %s rows', (owner) => {
  test.each(Object.entries(reads))('%s', async (_, path) => {
    expect(await faultsOf(owner, () => users[owner].call('GET', path))).toEqual([])
  })

  test('a workflow', async () => {
    const { json } = await users[owner].call('GET', '/v1/workflows?limit=1')
    expect(
      await faultsOf(owner, () => users[owner].call('GET', `/v1/workflows/${json.items[0].id}`)),
    ).toEqual([])
  })

  test('an execution', async () => {
    const { json } = await users[owner].call('GET', '/v1/executions?limit=1')
    expect(
      await faultsOf(owner, () => users[owner].call('GET', `/v1/executions/${json.items[0].id}`)),
    ).toEqual([])
  })

  test('create a workflow', async () => {
    const workflow = { name: 'New', nodes: [], connections: {} }
    expect(
      await faultsOf(owner, () => users[owner].call('POST', '/v1/workflows', { body: { workflow } })),
    ).toEqual([])
  })

  test('edit a workflow', async () => {
    const { json } = await users[owner].call('GET', '/v1/workflows?limit=1')
    const { id, version } = json.items[0]
    const edit = () =>
      users[owner].call('PATCH', `/v1/workflows/${id}`, {
        headers: { 'If-Match': `"${version}"` },
        body: { description: `Edited by ${owner}` },
      })
    expect(await faultsOf(owner, edit)).toEqual([])
  })
})

test.each([1, 100])('a report of %i executions', async (count) => {
  const at = new Date().toISOString()
  const body = Array.from({ length: count }, (_, index) => ({
    executionId: `${count}-${index}`,
    workflowId: 'reported',
    status: index % 10 === 9 ? 'error' : 'success',
    startedAt: at,
    finishedAt: at,
    ...(index % 10 === 9 && { error: { message: 'Timeout', node: 'Slack' } }),
  }))
  expect(await faultsOf('few', () => app.call('POST', hook.path, { body, token: hook.token }))).toEqual([])
})

test.each(['summary', 'series'])('%s reads no rows of deployments with any plan', async (name) => {
  for (const query of ['', '?from=2020-01-01T00:00:00Z']) {
    sent = []
    const { status } = await users.many.call('GET', `/v1/analytics/${name}${name === 'series' ? '' : query}`)
    expect(status).toBe(200)
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      await client.query(`set plan_cache_mode = ${mode}`)
      plans = []
      for (const [index, statement] of sent.entries())
        await client.query({
          name: `${name} ${query} ${mode} ${index}`,
          text: statement.query,
          values: statement.params,
        })
      await client.query('reset plan_cache_mode')
      let read = 0
      for (const plan of plans)
        for (const node of nodesOf(plan.Plan))
          if (tables.get(node['Index Name'] ?? node['Relation Name'] ?? '') === 'execution_stats')
            read +=
              ((node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)) *
              (node['Actual Loops'] ?? 0)
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(300)
    }
  }
  expect(owned.many.get('execution_stats')).toBeGreaterThan(20_000)
})
