/**
 * @module Many users with workflows, deployments and runs, inserted in bulk and the same for the same sizes. The rollups come
 * from the product's own function.
 */
import type { Client } from 'pg'
import { demoWorkflows } from '../../demo/large/flows.ts'
import { flowsOf } from '../../demo/large/workflow.ts'
import type { JsonObject } from '../../src/lib/json-object.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'
import { contentHash } from '../../src/lib/canonical-json.ts'

export interface HistorySize {
  executions: number
  workflows: number
}

/** IDs of existing users. */
export interface HistoryOwners {
  /** Owns half of everything. */
  many: string
  /** Owns 20 workflows and about 200 runs. */
  few: string
}

/** In one of 50 workflows. */
export const rare = { nodeType: 'n8n-nodes-base.rareNode', credentialType: 'rareApi', word: 'quizzical' }
/** In a third of the workflows or more. */
export const common = { nodeType: 'n8n-nodes-base.slack', credentialType: 'slackApi', word: 'morning' }

export const historyDays = 30
const fewWorkflows = 20
const fewRuns = 200
const workflowsPerUser = 20
const instancesOfMany = 4
const chunk = { workflows: 20_000, executions: 100_000 }
const zeros = '00000000-0000-0000-0000-000000000000'

/** A fraction of 1 that depends only on `n` and `salt`. */
const fraction = (n: string, salt: number) =>
  `((hashint8extended(${n}, ${salt}) & 1048575)::float8 / 1048576)`
const uuidOf = (text: string) => `md5(${text})::uuid`
/** A UUIDv7. */
const idAt = (
  at: string,
  text: string,
) => `(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') || '7'
  || substr(md5(${text}), 1, 3) || '8' || substr(md5(${text}), 4, 15))::uuid`
const oneOf = (texts: readonly string[], index: string) =>
  `(array[${texts.map((text) => `'${text}'`).join(', ')}])[1 + (${index})::integer % ${texts.length}]`

const errors = [
  'Request failed with status code 429',
  'Authorization failed: please check your credentials',
  'getaddrinfo ENOTFOUND api.example.com',
  'Timeout of 300000 ms exceeded',
  'Cannot read properties of undefined',
]
const sentences = [
  'Each morning, read the new orders and write them to a sheet.',
  'Tell the team in Slack when a payment fails or a customer asks for a refund.',
  'Summarize the support tickets of the week with a language model.',
  'If the response is empty, wait for an hour and try again.',
  'Create an issue with the stack trace and link the customer.',
]

/** The workflows of the demo, which have 4 to 30 nodes, and chains of them. */
async function templates(): Promise<Record<string, unknown>[]> {
  const catalogue = await loadCatalogue()
  const small = demoWorkflows.map((workflow): JsonObject => {
    const flow = flowsOf(workflow).at(-1)
    if (!flow) throw new Error(`${workflow.name} has no version`)
    return flow.json(workflow.name, (type) => `Demo ${type}`)
  })
  const rows = []
  for (const [index, data] of [...small, joined(small.slice(0, 4)), joined(small.slice(4, 12))].entries()) {
    const metadata = extractMetadata(data, catalogue)
    const nodes = (data['nodes'] as { name: string; type: string }[])
      .slice(0, 8)
      .map(({ name, type }) => ({ name, type, status: 'success', items: 1 + (name.length % 20), runs: 1 }))
    const { nodeCount, nodeTypes, requiredCredentialTypes, triggerTypes, webhookPaths, endpoints, warnings } =
      metadata
    rows.push({
      t: index,
      name: data['name'],
      data,
      nodes,
      hash: await contentHash(data),
      node_count: nodeCount,
      node_types: nodeTypes,
      credential_types: requiredCredentialTypes,
      trigger_types: triggerTypes,
      webhook_paths: webhookPaths,
      endpoints,
      warnings,
    })
  }
  return rows
}

/** One workflow with the nodes of several. */
function joined(workflows: JsonObject[]): JsonObject {
  const nodes: JsonObject[] = []
  const connections: JsonObject = {}
  for (const [part, workflow] of workflows.entries()) {
    const rename = (name: unknown) => `${String(name)} ${part}`
    for (const node of workflow['nodes'] as JsonObject[]) nodes.push({ ...node, name: rename(node['name']) })
    for (const [from, types] of Object.entries(workflow['connections'] as Record<string, JsonObject>)) {
      connections[rename(from)] = JSON.parse(
        JSON.stringify(types, (key, value) => (key === 'node' ? rename(value) : value)),
      )
    }
  }
  return {
    name: `${workflows.length} workflows in one`,
    nodes,
    connections,
    settings: { executionOrder: 'v1' },
  }
}

/**
 * Fills a migrated database.
 * @param client of a superuser
 * @param to when the last run started
 */
export async function fillHistory(
  client: Client,
  owners: HistoryOwners,
  { executions, workflows }: HistorySize,
  to = new Date(),
): Promise<void> {
  const otherUsers = Math.max(1, Math.round(workflows / 2 / workflowsPerUser))
  const spread = Math.floor((workflows - fewWorkflows) / 2)
  const parameters = { ...owners, to: to.toISOString() }
  /** Replaces the names of parameters, because one statement with several commands takes none. */
  const run = (text: string) =>
    client.query(
      text.replaceAll(/:(many|few|to)\b/g, (_, name: keyof typeof parameters) => `'${parameters[name]}'`),
    )
  const owner = `case when n <= ${fewWorkflows} then :few::uuid when n % 2 = 0 then :many::uuid
    else ${uuidOf(`'user ' || (n / 2) % ${otherUsers}`)} end`
  const instance = `case when n <= ${fewWorkflows} then ${uuidOf(`'few'`)}
    when n % 2 = 0 then ${uuidOf(`'many ' || (n / 2) % ${instancesOfMany}`)}
    else ${uuidOf(`'instance ' || (n / 2) % ${otherUsers}`)} end`

  await client.query('begin')
  await run("select ensure_execution_partitions(:to::timestamptz - interval '32 days', 4)")
  await client.query(`create unlogged table bulk_templates (t integer primary key, name text, data jsonb, nodes jsonb,
    hash text, node_count integer, node_types text[], credential_types text[], trigger_types text[], webhook_paths text[],
    endpoints text[], warnings jsonb)`)
  const rows = await templates()
  await client.query(
    'insert into bulk_templates select * from jsonb_populate_recordset(null::bulk_templates, $1)',
    [JSON.stringify(rows)],
  )
  await run(`
    insert into users (id, email, password_hash, pepper_id, created_at)
    select ${uuidOf(`'user ' || n`)}, 'user-' || n || '@example.com', 'none', 'p1', :to::timestamptz - interval '1 year'
    from generate_series(0, ${otherUsers - 1}) n`)
  await run(`
    create unlogged table bulk_workflows as
    select n, n % ${rows.length} as t, ${owner} as user_id, ${instance} as instance_id, made_at,
      ${idAt('made_at', `'workflow ' || n`)} as id, ${idAt('made_at', `'deployment ' || n`)} as deployment_id
    from generate_series(1, ${workflows}) n,
      lateral (select :to::timestamptz - interval '1 year' + interval '300 days' * n / ${workflows} as at) times,
      lateral (select date_trunc('milliseconds', at) as made_at) rounded`)
  await client.query('alter table bulk_workflows add primary key (n)')
  await client.query('analyze bulk_workflows')
  await run(`
    insert into instances (id, user_id, name, base_url, api_key, status, next_poll_at, epoch_started_at)
    select instance_id, user_id, 'n8n ' || instance_id, 'https://' || instance_id || '.example.com',
      '{"protected": "", "header": {"kid": "k1"}, "encrypted_key": "", "iv": "", "ciphertext": "", "tag": ""}', 'ok',
      :to::timestamptz + interval '1 year', null
    from (select distinct instance_id, user_id from bulk_workflows) used`)
  await client.query('commit')

  const isRare = 'n % 100 in (6, 7)'
  for (let first = 1; first <= workflows; first += chunk.workflows) {
    const last = Math.min(workflows, first + chunk.workflows - 1)
    await run(`
      with made as (
        insert into workflows (id, user_id, name, description, prompt, model, tags, node_count, node_types,
          required_credential_types, trigger_types, webhook_paths, endpoints, warnings, workflow_data, content_hash,
          created_at, updated_at)
        select w.id, w.user_id, t.name || ' ' || n, 'Made for team ' || n % 100,
          (select string_agg(${oneOf(sentences, 'n / 7 + part')}, ' ' order by part) from generate_series(0, n % 9) part)
            || case when ${isRare} then ' ${rare.word}' else '' end,
          'model-' || n % 3, array['team-' || n % 20], t.node_count,
          t.node_types || case when ${isRare} then array['${rare.nodeType}'] else '{}' end,
          t.credential_types || case when ${isRare} then array['${rare.credentialType}'] else '{}' end,
          t.trigger_types, t.webhook_paths, t.endpoints, t.warnings,
          jsonb_set(t.data, '{name}', to_jsonb(t.name || ' ' || n)), md5(n || t.hash) || md5(t.hash || n), made_at, made_at
        from bulk_workflows w join bulk_templates t using (t) where n between ${first} and ${last} order by n
        returning *
      ), versions as (
        insert into workflow_versions (workflow_id, version, user_id, name, description, prompt, model, tags, node_count,
          node_types, required_credential_types, trigger_types, webhook_paths, endpoints, workflow_data, content_hash,
          created_at)
        select id, 1, user_id, name, description, prompt, model, tags, node_count, node_types, required_credential_types,
          trigger_types, webhook_paths, endpoints, workflow_data, content_hash, created_at
        from made
      )
      insert into workflow_sizes (workflow_id, user_id, versions, bytes, through)
      select id, user_id, 1, pg_column_size(workflow_data) + pg_column_size(prompt), 1 from made`)
    await run(`
      with made as (
        insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status, managed,
          deployed_hash, live_since, drift_checked_at, created_at, updated_at)
        select w.deployment_id, w.user_id, w.id, w.instance_id, 1, 'w' || n, 'active', true, f.content_hash, made_at,
          :to::timestamptz, made_at, made_at
        from bulk_workflows w join workflows f on f.id = w.id where n between ${first} and ${last} order by n
        returning *
      )
      insert into deployment_versions (deployment_id, sequence, user_id, version, created_at, bindings)
      select id, 1, user_id, 1, created_at, '[]' from made`)
  }
  await client.query('analyze workflows, deployments')

  const step = Math.max(1, Math.floor(executions / fewRuns))
  const place = `case when m % ${step} = 0 then 1 + (m / ${step}) % ${fewWorkflows}
    when m % 2 = 0 then ${fewWorkflows + 2} + 2 * trunc(${spread} * power(${fraction('m', 1)}, 2))::integer
    else ${fewWorkflows + 1} + 2 * trunc(${spread} * ${fraction('m', 1)})::integer end`
  for (let first = 1; first <= executions; first += chunk.executions) {
    const last = Math.min(executions, first + chunk.executions - 1)
    await run(`
      with run as materialized (
        select r.*, ${idAt('recorded_at', `'run ' || m`)} as id, counted.names, counted.counts
        from (
          select drawn.*, case when status = 'running' then started_at else finished_at end as recorded_at,
            status in ('error', 'crashed') as failed,
            case when m % 7 = 0 then (
              select jsonb_build_object('nodes', jsonb_agg(node || jsonb_build_object(
                'startedAt', to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'durationMs', (n * place) % 900, 'error', null) order by place))
              from jsonb_array_elements(t.nodes) with ordinality listed (node, place)) end as data
          from (
            select m, w.n, w.t, w.user_id, w.instance_id, w.deployment_id, w.id as workflow_id, started_at,
              ${fraction('m', 5)} as kind,
              case when m > ${executions} - 10 then 'running' when luck < 0.93 then 'success' when luck < 0.98 then 'error'
                when luck < 0.985 then 'crashed' else 'canceled' end as status,
              case when m > ${executions} - 10 then null else started_at + least(:to::timestamptz - started_at, make_interval(
                secs => trunc(50 * power(1.2, w.t) * exp(2 * ${fraction('m', 3)})) / 1000)) end as finished_at
            from generate_series(${first}, ${last}) m
            cross join lateral (select date_trunc('milliseconds', :to::timestamptz - interval '${historyDays} days'
              + interval '${historyDays} days' * (m::float8 / ${executions})) as started_at, ${fraction('m', 2)} as luck) drawn
            join bulk_workflows w on w.n = ${place}
          ) drawn
          join bulk_templates t using (t)
        ) r
        cross join lateral run_nodes(r.data) counted
      ), stored as (
        insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
          n8n_execution_id, status, mode, started_at, finished_at, error_message, error_node, error_http_status,
          error_fingerprint, error_stamp, data, data_stamp, updated_at)
        select id, recorded_at, user_id, instance_id, workflow_id, 1, deployment_id, m::text, status, 'trigger', started_at,
          finished_at, case when failed then ${oneOf(errors, 'kind * 5')} || ' for order ' || m end,
          case when failed then 'Node ' || t end, case when failed then ${oneOf(['429', '401', '404'], 'kind * 3')}::integer end,
          case when failed then lpad(to_hex(t * 8 + (kind * 4)::integer), 16, '0') end, case when failed then 'x' end,
          data, case when data is not null then 'x' end, recorded_at
        from run order by m
        returning *
      ), keyed as (
        insert into execution_keys (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp, started_at,
          finished_at, n8n_workflow_id)
        select instance_id, m::text, id, recorded_at, user_id, status, 'x', started_at, finished_at, 'w' || n
        from run order by m
      )
      insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign,
        status, started_at, finished_at, error_fingerprint, node_names, node_counts, duration_ms)
      select s.user_id, s.deployment_id, s.workflow_id, s.instance_id, 1, s.recorded_at, 1, s.status, s.started_at,
        s.finished_at, s.error_fingerprint, run.names, run.counts, counted_ms(s.started_at, s.finished_at, false, null)
      from stored s join run on run.id = s.id`)
    for (;;) {
      const { rows: folded } = await client.query<{ changes: number }>(
        `select fold_execution_changes(${chunk.executions}, ${chunk.executions * 10}) as changes`,
      )
      if (!folded[0]?.changes) break
    }
  }
  await run(`
    insert into error_groups (user_id, fingerprint, recorded_month, node, error_class, http_status, message)
    select distinct on (1, 2, 3) user_id, error_fingerprint, utc_month(recorded_at), error_node, 'NodeApiError',
      error_http_status, regexp_replace(error_message, ' for order \\d+', '')
    from executions where error_fingerprint is not null`)
  await client.query('drop table bulk_workflows, bulk_templates')
  await client.query('vacuum analyze')
}

const happenedAt = 'coalesce(started_at, finished_at, recorded_at)'

/** Rollup → the number of its rows that differ from the executions. All are 0 when the rollups match. */
export async function rollupDifferences(client: Client): Promise<Record<string, number>> {
  const compared = (rolledUp: string, counted: string) => `(select count(*)::integer from (
    (${rolledUp} except all ${counted}) union all (${counted} except all ${rolledUp})) different)`
  const { rows } = await client.query(`select
    ${compared(
      `select user_id, workflow_id, at, success, error, canceled, crashed, running from execution_stats
       where grain = 'hour' and workflow_id <> '${zeros}'`,
      `select user_id, workflow_id, date_trunc('hour', ${happenedAt}), count(*) filter (where status = 'success'),
         count(*) filter (where status = 'error'), count(*) filter (where status = 'canceled'),
         count(*) filter (where status = 'crashed'), count(*) filter (where status = 'running')
       from executions group by user_id, workflow_id, deployment_id, recorded_at >= date_trunc('month', recorded_at), 3,
         date_trunc('month', recorded_at)`,
    )} as hours,
    ${compared(
      `select user_id, sum(success + error + canceled + crashed + running)::bigint from execution_stats
       where grain = 'day' and workflow_id = '${zeros}' group by 1`,
      'select user_id, count(*) from executions group by 1',
    )} as days,
    ${compared(
      `select user_id, fingerprint, sum(runs)::bigint from error_stats where grain = 'day' group by 1, 2`,
      'select user_id, error_fingerprint, count(*) from executions where error_fingerprint is not null group by 1, 2',
    )} as errors,
    ${compared(
      `select user_id, sum(executions)::bigint from node_stats where workflow_id <> '${zeros}' group by 1`,
      `select user_id, sum(jsonb_array_length(data -> 'nodes'))::bigint from executions where data is not null group by 1`,
    )} as nodes`)
  return rows[0] as Record<string, number>
}
