/** Generates a history of any length for `bench/analytics.ts` in the database, with its rollups. */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { createSecretBox } from '../src/crypto/secret-box.ts'
import type { Db } from '../src/db/client.ts'
import { credentials } from '../src/db/schema/credentials.ts'
import { deployments } from '../src/db/schema/deployments.ts'
import { instances } from '../src/db/schema/instances.ts'
import { users } from '../src/db/schema/users.ts'
import { workflows, workflowVersions } from '../src/db/schema/workflows.ts'

export interface PastUser {
  userId: string
  /** The workflow with the most runs. */
  workflowId: string
  fingerprint: string
}

interface Past {
  executions: number
  from: Date
  to: Date
}

const workflowCount = 30
const versions = [1, 2, 3, 4]
const nodeKinds = [
  'webhook',
  'httpRequest',
  'slack',
  'code',
  'set',
  'if',
  'postgres',
  'agent',
  'openAi',
  'gmail',
  'merge',
  'wait',
]
const chunk = 250_000
const zeros = '00000000-0000-0000-0000-000000000000'

/**
 * Spread evenly over the period. A tenth of the workflows gets two fifths of the runs. Each has its own typical duration
 * between 50 ms and 16 s. Each version is live for a quarter of the period. Every tenth execution still has its data.
 */
export async function fillHistory(db: Db, { executions, from, to }: Past): Promise<PastUser> {
  const userId = uuidv7()
  await db
    .insert(users)
    .values({ id: userId, email: `${userId}@example.com`, passwordHash: 'none', pepperId: 'p1' })
  const box = createSecretBox({
    active: 'k1',
    keys: new Map([['k1', crypto.getRandomValues(new Uint8Array(32))]]),
  })
  const seal = (rowId: string) =>
    box.seal({ purpose: 'n8n-credential', userId, rowId, type: 'slackApi' }, { key: 'x' })
  const instanceIds = [uuidv7(), uuidv7()]
  for (const id of instanceIds) {
    const baseUrl = `https://n8n.example.com/${id}`
    await db.insert(instances).values({ id, userId, name: id, baseUrl, apiKey: await seal(id) })
  }
  const credentialIds = Array.from({ length: 10 }, () => uuidv7())
  for (const id of credentialIds) {
    const kind = { service: 'slack', type: 'slackApi', fields: ['key'], known: true }
    await db.insert(credentials).values({ id, userId, name: id, data: await seal(id), ...kind })
  }
  const workflowIds = Array.from({ length: workflowCount }, () => uuidv7())
  for (const [index, id] of workflowIds.entries()) {
    const kinds = nodeKinds.map((_, each) => nodeKinds[(index + each) % nodeKinds.length] ?? '').slice(0, 6)
    const nodes = kinds.map((kind, each) => ({
      name: `Node ${each}`,
      type: `n8n-nodes-base.${kind}`,
      parameters: {},
    }))
    const content = {
      name: `Workflow ${index}`,
      tags: index % 2 ? ['sales'] : ['ops'],
      nodeCount: nodes.length,
      nodeTypes: nodes.map(({ type }) => type).toSorted(),
      requiredCredentialTypes: ['slackApi'],
      triggerTypes: [],
      webhookPaths: [],
      data: { nodes, connections: {} },
      contentHash: id,
    }
    await db.insert(workflows).values({ id, userId, ...content, warnings: [], version: versions.length })
    for (const version of versions) {
      const origin = { prompt: `Make workflow ${index}, attempt ${version}`, model: `model-${version % 3}` }
      await db.insert(workflowVersions).values({ workflowId: id, version, userId, ...content, ...origin })
    }
    for (const [at, instanceId] of instanceIds.entries()) {
      // Every fourth workflow runs on both instances.
      if (at === 1 && index % 4 > 0) continue
      const credentialId = credentialIds[index % credentialIds.length] ?? ''
      const bindings = [{ node: 'Slack', type: 'slackApi', credentialId }]
      const place = { workflowId: id, instanceId, n8nWorkflowId: `${id}-${at}`, bindings }
      await db.insert(deployments).values({ id: uuidv7(), userId, version: 1, status: 'active', ...place })
    }
  }
  await db.execute(sql`select ensure_execution_partitions(${from.toISOString()}::timestamptz, 3)`)
  for (let first = 1; first <= executions; first += chunk) {
    const last = Math.min(executions, first + chunk - 1)
    await db.execute(insertRuns(userId, { executions, from, to }, first, last))
  }
  const { rows } = await db.execute<{ fingerprint: string }>(sql`
    select error_fingerprint as fingerprint from executions where error_fingerprint is not null limit 1`)
  return { userId, workflowId: workflowIds[0] ?? '', fingerprint: rows[0]?.fingerprint ?? '' }
}

const insertRuns = (userId: string, { executions, from, to }: Past, first: number, last: number) => sql`
  with place as (
    select (dense_rank() over (order by workflow_id) - 1)::integer as flow, array_agg(id) over w as ids,
      array_agg(instance_id) over w as instance_ids, workflow_id
    from deployments where user_id = ${userId}
    window w as (partition by workflow_id)
  ), target as (select distinct on (flow) * from place)
  insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
    n8n_execution_id, status, mode, started_at, finished_at, error_message, error_node, error_http_status,
    error_fingerprint, data, data_stamp, updated_at)
  select (lpad(to_hex((extract(epoch from recorded_at) * 1000)::bigint), 12, '0') || '7' || substr(noise, 1, 3) || '8'
      || substr(noise, 4, 15))::uuid,
    recorded_at, ${userId}::uuid, instance_ids[place], workflow_id, version, ids[place], n::text, status, 'trigger',
    started_at, case when status not in ('running', 'waiting') then recorded_at end,
    case when failed then 'The request failed with reason ' || kind end,
    case when failed then 'Node ' || kind % 6 end,
    case when failed then (array[401, 403, 404, 429, 500, null])[1 + kind % 6] end,
    case when failed then lpad(to_hex(flow / 2 * 8 + kind % 4 + 4096), 16, '0') end,
    data, 'x', recorded_at
  from (
    select *, status in ('error', 'crashed') as failed, 1 + (r5 * cardinality(ids))::integer % cardinality(ids) as place,
      started_at + duration as recorded_at
    from (
      select n, noise, r5, started_at, (r5 * 40)::integer as kind, least(4, 1 + (share * 4)::integer) as version,
        case when r1 < 0.93 then 'success' when r1 < 0.98 then 'error' when r1 < 0.985 then 'crashed'
          when r1 < 0.997 then 'canceled' when r1 < 0.999 then 'running' else 'waiting' end as status,
        make_interval(secs => usual_ms * exp(r2 + r3 + r4 - 1.5) / 1000) as duration, t.*,
        case when n % 10 = 0 then (
          select jsonb_build_object('nodes', jsonb_agg(jsonb_build_object('name', 'Node ' || node, 'type',
            'n8n-nodes-base.' || (array[${sql.raw(nodeKinds.map((kind) => `'${kind}'`).join(', '))}])[1 + (flow + node) % 12],
            'status', 'success', 'startedAt', to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'durationMs', round(usual_ms / 8 * exp(r3 + node * r4 / 3)), 'items', 1 + node * 3, 'runs', 1,
            'error', case when r1 > 0.97 and node = 5 then '{"message": "It failed"}'::jsonb end)))
          from generate_series(0, 5) node) end as data
      from (
        select n, md5(n::text) as noise, random() as r1, random() as r2, random() as r3, random() as r4,
          random() as r5, n::float8 / ${executions}::float8 as share,
          trunc(${workflowCount} * power(random(), 2.5))::integer as drawn,
          date_trunc('milliseconds', ${from.toISOString()}::timestamptz
            + (${to.toISOString()}::timestamptz - ${from.toISOString()}::timestamptz) * (n::float8 / ${executions}::float8)
            - interval '1 second') as started_at
        from generate_series(${first}::integer, ${last}::integer) n
      ) drawn_run
      join target t on t.flow = drawn_run.drawn
      cross join lateral (select 50 * power(1.22, drawn_run.drawn) as usual_ms) usual
    ) run
  ) ended
  where recorded_at < ${to.toISOString()}::timestamptz + interval '1 day'`

const month = sql`date_trunc('month', recorded_at at time zone 'UTC')::date`
const happenedAt = sql`coalesce(started_at, finished_at, recorded_at)`
const origin = sql`user_id, deployment_id, workflow_id, instance_id`

/** Computes the rollups from the executions in bulk, inserting rows in about the order of the rollup job. */
export async function fillRollups(db: Db): Promise<void> {
  const together = sql`user_id, ${zeros}::uuid, ${zeros}::uuid, ${zeros}::uuid`
  const owners = (version: SQL, name: SQL) =>
    [
      [origin, version, name],
      [together, sql`0`, sql`''`],
    ] as const
  // Counts per bucket first, because adding numbers with a hundred digits is expensive.
  const histogram = sql`coalesce(sum(bucket_runs * duration_histogram(bucket)), 0)`
  for (const [grain, width] of [
    ['10min', '10 minutes'],
    ['hour', '1 hour'],
    ['day', '1 day'],
  ] as const) {
    const at = sql`date_bin(${width}::interval, ${happenedAt}, '2000-01-01Z')`
    for (const [whose, version] of owners(sql`workflow_version`, sql``)) {
      if (grain === '10min' && whose === origin) continue
      await db.execute(sql`
        insert into execution_stats (${origin}, recorded_month, workflow_version, grain, at,
          "new", running, waiting, success, error, canceled, crashed, "unknown", durations)
        select ${origin}, recorded_month, version, ${grain}, at, 0, sum(running), sum(waiting), sum(success), sum(error),
          sum(canceled), sum(crashed), 0, ${histogram}
        from (
          select ${whose}, ${month}, ${version}, ${at}, duration_bucket(run_ms(started_at, finished_at)),
            count(*) filter (where status = 'running'), count(*) filter (where status = 'waiting'),
            count(*) filter (where status = 'success'), count(*) filter (where status = 'error'),
            count(*) filter (where status = 'canceled'), count(*) filter (where status = 'crashed'),
            count(*) filter (where finished_at >= started_at)
          from executions group by 1, 2, 3, 4, 5, 6, 7, 8
        ) counted (${origin}, recorded_month, version, at, bucket, running, waiting, success, error, canceled, crashed,
          bucket_runs)
        group by 1, 2, 3, 4, 5, 6, 7, 8 order by 8`)
    }
    if (grain === '10min') continue
    await db.execute(sql`
      insert into error_stats (${origin}, recorded_month, workflow_version, grain, at, fingerprint, runs)
      select ${origin}, ${month}, workflow_version, ${grain}, ${at}, error_fingerprint, count(*)
      from executions where error_fingerprint is not null group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 8`)
  }
  await db.execute(sql`
    insert into error_groups (user_id, fingerprint, recorded_month, node, error_class, http_status, message)
    select distinct on (1, 2, 3) user_id, error_fingerprint, ${month}, error_node, 'NodeApiError', error_http_status,
      error_message
    from executions where error_fingerprint is not null`)
  for (const [whose, version, name] of owners(sql`workflow_version`, sql`node.name`)) {
    await db.execute(sql`
      insert into node_stats (${origin}, recorded_month, workflow_version, node_type, node_name, at,
        runs, executions, failures, items, total_ms, durations)
      select ${origin}, recorded_month, version, type, name, at, sum(bucket_runs), sum(bucket_runs), sum(failures),
        sum(items), sum(total_ms), ${histogram}
      from (
        select ${whose}, ${month}, ${version}, node.type, ${name}, date_trunc('day', "startedAt", 'UTC'),
          duration_bucket("durationMs"), count(*), count(*) filter (where jsonb_typeof(node.error) = 'object'),
          sum(node.items), sum("durationMs")
        from executions
        cross join jsonb_to_recordset(data -> 'nodes') node (name text, type text, "startedAt" timestamptz,
          "durationMs" bigint, items integer, error jsonb)
        where data is not null
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
      ) counted (${origin}, recorded_month, version, type, name, at, bucket, bucket_runs, failures, items, total_ms)
      group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 9`)
  }
}
