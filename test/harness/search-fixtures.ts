/** @module Many workflows and runs of many owners, and the plans of statements that search them. */
import type { Sql } from '../../src/db/client.ts'

export interface SearchSize {
  workflows: number
  runs: number
}

export interface Owners {
  /** Owns half of everything. */
  many: string
  /** Owns 20 workflows and 200 runs. */
  few: string
}

const otherOwners = 500
const few = { workflows: 20, runs: 200 }
/** Long enough for the gateway, short enough for one request. */
const step = { workflows: 1000, runs: 10_000 }

const text = (parts: string[], separator = ' ') => parts.join(` || '${separator}' || `)
const one = (of: string[], salt: number) =>
  `(array[${of.map((each) => `'${each}'`).join(',')}])[1 + (n * ${salt} / 7) % ${of.length}]`

const subjects = [
  'Invoices',
  'Orders',
  'Leads',
  'Café bookings',
  '每日报告',
  '客户数据',
  'Support tickets',
  'Newsletter',
]
const verbs = ['Sync', 'Send', 'Überwachung', 'Sum up', '自动发送', 'Archive', 'Import', 'Check']
const places = ['Slack', 'Gmail', 'Notion', 'Postgres', 'Airtable', 'HubSpot']
const nodes = [
  'slack',
  'gmail',
  'notion',
  'postgres',
  'airtable',
  'hubspot',
  'httpRequest',
  'set',
  'if',
  'code',
]
const errors = [
  'Request failed with status code 429',
  'Authorization failed: please check your credentials',
  'getaddrinfo ENOTFOUND api.example.com',
  '请求失败：权限不足',
  'Le café est fermé',
  'Timeout of 300000 ms exceeded',
]

/** UUIDv7 of `at`, random otherwise. */
const idOf = (at: string) => `(
  select (substr(t, 1, 8) || '-' || substr(t, 9, 4) || '-7' || substr(r, 1, 3) || '-8' || substr(r, 4, 3) || '-' || substr(r, 7, 12))::uuid
  from lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') t, md5(random()::text || n) r)`

/** The first rows belong to `few`, then every other one to `many`. Every owner has each term except the rare ones. */
const ownerOf = (fewCount: number) => `case when n <= ${fewCount} then $1::uuid when n % 2 = 0 then $2::uuid
  else lpad(to_hex(16 + (n / 2) % ${otherOwners}), 32, '0')::uuid end`

/** Rare terms occur in one of `every` rows. */
const rare = (term: string, every: number) => `case when n % ${every} in (7, 8) then ' ${term}' else '' end`

/** @param every rare terms occur in two of this many rows */
export async function fillForSearch(sql: Sql, size: SearchSize, every = 5000): Promise<Owners> {
  const owners: Owners = {
    many: '00000000-0000-7000-8000-00000000000a',
    few: '00000000-0000-7000-8000-00000000000b',
  }
  await sql.query(`insert into users (id, email, password_hash, pepper_id)
    select id, id || '@example.com', 'x', 'x' from (
      select unnest(array['${owners.many}', '${owners.few}'])::uuid as id
      union all select lpad(to_hex(16 + n), 32, '0')::uuid from generate_series(0, ${otherOwners - 1}) n) ids`)
  const insertWorkflows = `
    insert into workflows (id, user_id, name, description, prompt, tags, node_count, node_types, required_credential_types,
      trigger_types, webhook_paths, warnings, workflow_data, content_hash)
    select ${idOf(`timestamptz '2026-01-01Z' + n * interval '1 minute'`)}, ${ownerOf(few.workflows)},
      ${text([one(verbs, 3), one(subjects, 5), `'to'`, one(places, 11), 'n::text'])} || ${rare('zyxgate 罕見', every)},
      'Made for team ' || n % 100,
      'Each morning read ' || ${one(subjects, 13)} || ', then write them to ' || ${one(places, 17)} || ' and tell ' || md5(n::text)
        || ${rare('quizzical 鱻字 naïvement', every)},
      array['team-' || n % 100], 4,
      array['n8n-nodes-base.' || ${one(nodes, 19)}, 'n8n-nodes-base.' || ${one(nodes, 23)}]
        || case when n % ${every} in (7, 8) then array['n8n-nodes-base.rareNode'] else '{}' end,
      array[${one(nodes, 19)} || 'Api'] || case when n % ${every} in (7, 8) then array['rareApi'] else '{}' end,
      '{}', '{}', '[]', '{"nodes":[],"connections":{}}', md5(n::text)
    from generate_series($3::integer, $4::integer) n`
  const insertRuns = `
    insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
      n8n_execution_id, status, started_at, finished_at, data_stamp, error_message, error_fingerprint)
    select ${idOf('at')}, at, ${ownerOf(few.runs)}, md5('i' || n % 1000)::uuid, w.id, 1, md5('d' || n % 5000)::uuid, n::text,
      case when n % 10 in (7, 8) then 'error' else 'success' end, at, at, 's',
      case when n % 10 in (7, 8) then ${one(errors, 3)} || ' in step ' || n % 50 || ${rare('zyxfault 罕見', every)} end,
      case when n % 10 in (7, 8) then 'f' || n % 40 end
    from generate_series($3::integer, $4::integer) n,
      lateral (select date_trunc('milliseconds', now() - n * interval '7 days' / $5::integer) as at) times,
      lateral (select id from search_owned where user_id = ${ownerOf(few.runs)} and place = n % owned) w`
  const insert = async (statement: string, count: number, by: number, more: unknown[] = []) => {
    const starts = Array.from({ length: Math.ceil(count / by) }, (_, index) => index * by + 1)
    const take = async () => {
      for (let from = starts.shift(); from; from = starts.shift())
        await sql.query(statement, [owners.few, owners.many, from, Math.min(from + by - 1, count), ...more])
    }
    await Promise.all([take(), take()])
  }
  await sql.query("select ensure_execution_partitions(now() - interval '1 month', 4)")
  await insert(insertWorkflows, size.workflows, step.workflows)
  await sql.query(`create table search_owned as select user_id, id, (row_number() over mine - 1)::integer as place,
    (count(*) over (partition by user_id))::integer as owned from workflows window mine as (partition by user_id order by id)`)
  await sql.query('create index on search_owned (user_id, place)')
  await sql.query('analyze search_owned')
  await insert(insertRuns, size.runs, step.runs, [size.runs])
  await sql.query(`insert into error_groups (user_id, fingerprint, recorded_month, message)
    select distinct on (user_id, error_fingerprint, date_trunc('month', recorded_at at time zone 'UTC'))
      user_id, error_fingerprint, date_trunc('month', recorded_at at time zone 'UTC'), error_message
    from executions where error_fingerprint is not null`)
  await sql.query('drop table search_owned')
  await sql.query('analyze')
  return owners
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Actual Rows'?: number
  'Actual Loops'?: number
  Plans?: PlanNode[]
}

export interface Plan {
  ms: number
  blocks: number
  /** Rows that were read and discarded. */
  dropped: number
  indexes: string[]
  /** Tables that were scanned completely. */
  scanned: string[]
}

/** Runs a statement and returns its plan. */
export async function planOf(
  sql: Sql,
  { query, params }: { query: string; params: unknown[] },
): Promise<Plan> {
  const [row] = await sql.query(`explain (analyze, buffers, format json) ${query}`, params)
  const answer = row?.['QUERY PLAN']
  const [whole] = (typeof answer === 'string' ? JSON.parse(answer) : answer) as [
    { Plan: PlanNode & Record<string, number>; 'Execution Time': number; 'Planning Time': number },
  ]
  const nodes: PlanNode[] = []
  const walk = (node: PlanNode) => {
    nodes.push(node)
    for (const child of node.Plans ?? []) walk(child)
  }
  walk(whole.Plan)
  return {
    ms: whole['Execution Time'],
    blocks: (whole.Plan['Shared Hit Blocks'] ?? 0) + (whole.Plan['Shared Read Blocks'] ?? 0),
    dropped: nodes.reduce(
      (sum, node) =>
        sum +
        ((node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) *
          (node['Actual Loops'] ?? 1),
      0,
    ),
    indexes: [...new Set(nodes.flatMap((node) => node['Index Name'] ?? []))],
    scanned: nodes.flatMap((node) =>
      node['Node Type'].endsWith('Seq Scan') ? (node['Relation Name'] ?? []) : [],
    ),
  }
}
