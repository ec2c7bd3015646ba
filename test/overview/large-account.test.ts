/** What the overview reads for accounts with more rows than it shows. */
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDeploymentList } from '../../src/deployments/list-queries.ts'
import { readOverviewFacts } from '../../src/overview/queries.ts'
import { createTestApp, type TestApp } from '../harness/app.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'

let database: PostgresTestDatabase
let app: TestApp
let client: Client
beforeAll(async () => {
  database = await createTestDatabase()
  app = await createTestApp({ database })
  client = new Client({ connectionString: database.postgresUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await app.close()
})

const now = new Date()

/** An account with 200 deployments, whose share in each state depends on the seed. */
async function deploymentsOf(seed: number): Promise<string> {
  const { id: userId } = await app.user()
  const random = (salt: number) => `(abs(hashint8extended(n, ${seed * 10 + salt})) % 1000)`
  const share = (seed % 4) * 300
  await client.query(`
    with servers as (
      insert into instances (id, user_id, name, base_url, api_key, next_poll_at)
      select gen_random_uuid(), '${userId}', 'n8n ' || s, 'https://n8n-${seed}-' || s || '.example.com', '{"header": {"kid": "k1"}}', now() + interval '1 year'
      from generate_series(0, 2) s returning id, right(name, 1)::integer as s
    ), flows as (
      insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types, trigger_types,
        webhook_paths, warnings, workflow_data, content_hash)
      select gen_random_uuid(), '${userId}', 'Flow ' || n, '{}', 0, '{}', '{}', '{}', '{}', '[]', '{}', 'hash ' || n
      from generate_series(1, 200) n returning id, substr(name, 6)::bigint as n
    ), deployed as (
      insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status, drifted_since,
        created_at)
      select gen_random_uuid(), '${userId}', f.id, s.id, 1, 'w' || n,
        (array['pending', 'deploying', 'tracking', 'active', 'inactive', 'failed', 'undeployed'])[
          case when ${random(1)} < ${share} then 4 else 1 + ${random(2)} % 7 end],
        case when ${random(3)} < ${share} then now() end, now() - interval '1 day' * n
      from flows f join servers s on s.s = n % 3
      returning id, workflow_id, instance_id, substr(n8n_workflow_id, 2)::bigint as n
    )
    insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign,
      status, started_at)
    select '${userId}', d.id, d.workflow_id, d.instance_id, 1, now(), 1,
      case when ${random(4)} % 2 = 0 and run % 7 <= ${random(5)} % 7 then 'error' else 'success' end,
      now() - interval '2 hours'
    from deployed d cross join generate_series(1, 12) run where ${random(6)} < ${share}`)
  return userId
}

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  'the first page of the list is the first of all pages (%i)',
  async (seed) => {
    const userId = await deploymentsOf(seed)
    const { read } = app.deps.db
    const rows = await readDeploymentList(read, userId, now, {}, null)
    // With a filter, the state of every deployment is compared. This one matches all.
    const all = await readDeploymentList(read, userId, now, { q: '' }, null)
    expect(all.rows).toHaveLength(50)
    expect(rows).toEqual(all)
    const second = await readDeploymentList(read, userId, now, {}, rows.nextCursor)
    expect(second).toEqual(await readDeploymentList(read, userId, now, { q: '' }, rows.nextCursor))
  },
)

test('the time of the first deployment is exact if it is in the period', async () => {
  const userId = await deploymentsOf(9)
  const day = (days: number) => new Date(Date.now() - days * 86_400_000)
  const { knownFrom, liveByInstance } = await readOverviewFacts(app.deps.db.read, userId, day(365), now)
  const { rows } = await client.query<{ first: Date; live: Record<string, number> }>(
    `select (select min(created_at) from deployments where user_id = $1) as first,
      (select jsonb_object_agg(instance_id, n) from (select instance_id, count(*) as n from deployments
        where user_id = $1 and status = 'active' group by 1) each) as live`,
    [userId],
  )
  expect(knownFrom).toEqual(rows[0]?.first)
  expect(liveByInstance).toEqual(rows[0]?.live)
  const inside = await readOverviewFacts(app.deps.db.read, userId, day(0.5), now)
  expect(inside.knownFrom?.getTime()).toBeLessThan(day(0.5).getTime())
})

test('counts required credentials of workflows that no index entry can hold', async () => {
  const user = await app.user()
  const workflow = (types: string[]) => ({
    name: 'Many types',
    nodes: types.map((type, index) => ({
      id: `n${index}`,
      name: `Node ${index}`,
      type: 'n8n-nodes-base.httpRequest',
      typeVersion: 4,
      position: [0, 0],
      parameters: { authentication: 'predefinedCredentialType', nodeCredentialType: type },
      credentials: { [type]: { id: '1', name: type } },
    })),
    connections: {},
  })
  const long = Array.from({ length: 80 }, (_, index) => `${'averylongname'.repeat(4)}${index}Api`)
  for (const types of [['slackApi'], ['slackApi', 'githubApi'], ['slackApi', ...long]]) {
    const answer = await user.call('POST', '/v1/workflows', { body: { workflow: workflow(types) } })
    expect(answer.status).toBe(201)
  }
  const counted = await app.deps.requirements.countMissing(user.id)
  const { items } = await app.deps.requirements.findMissing(user.id)
  expect(counted).toHaveLength(82)
  expect(counted).toEqual(items.map(({ workflows: _workflows, ...item }) => item))
  expect(counted.find(({ type }) => type === 'slackApi')?.workflowCount).toBe(3)
})
