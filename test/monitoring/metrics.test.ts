/** `/metrics` over an account that uses every part of Flowkeep. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import type { TestUser } from '../harness/app.ts'
import { type Family, parseOpenMetrics } from '../telemetry/parse-openmetrics.ts'

// Metrics count what a process has done. With modules of its own, this file starts from zero.
vi.resetModules()
const { housekeeping } = await import('../../src/housekeeping.ts')
const { takeSpans } = await import('../../src/telemetry/trace.ts')
const { useTestApp } = await import('../harness/app.ts')
const { createN8nStub } = await import('../harness/n8n-stub.ts')

const token = 'planted-metrics-token-0123456789'
const stub = await createN8nStub({ apiKey: 'planted-api-key' })
/** Headers of the requests to n8n. */
const sentToN8n: Headers[] = []
const pool = { active: 2, idle: 3, waiting: 1, max: 10 }
const app = useTestApp({
  env: {
    METRICS_TOKEN: token,
    // A port that fetch never connects to.
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9/planted-collector',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=planted-collector-secret',
  },
  runtime: {
    instanceFetch: (input, init) => {
      sentToN8n.push(new Headers(init?.headers))
      return stub.fetch(input, init)
    },
    wait: async () => undefined,
  },
})

const workflow = {
  name: 'Planted workflow name',
  nodes: [
    {
      id: 'n1',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: 'planted-path' },
    },
  ],
  connections: {},
}

let user: TestUser
const planted: string[] = []
let families: Map<string, Family>

const scrape = async (headers = { Authorization: `Bearer ${token}` }) =>
  app.call('GET', '/metrics', { headers })

beforeAll(async () => {
  user = await app.user()
  const post = async (path: string, body: unknown) => {
    const { status, json, text } = await user.call('POST', path, { body })
    if (status >= 300) throw new Error(`${path}: ${status} ${text}`)
    return json
  }
  const saved = await post('/v1/workflows', { workflow, prompt: 'planted prompt' })
  const credential = await post('/v1/credentials', {
    type: 'slackApi',
    name: 'Planted credential',
    data: { accessToken: 'xoxb-planted' },
  })
  const instance = await post('/v1/instances', {
    name: 'Planted instance',
    baseUrl: 'https://planted-n8n.example.com',
    apiKey: 'planted-api-key',
  })
  const deployment = await post('/v1/deployments', { workflowId: saved.id, instanceId: instance.id })
  const deployed = await user.call('POST', `/v1/deployments/${deployment.id}/deploy`, { body: {} })
  expect(deployed.json.status).toBe('active')
  const report = (body: unknown) =>
    app.call('POST', `/hooks/n8n/${instance.id}`, { token: instance.webhookToken, body })
  const finishedAt = new Date(Date.now() - 90_000).toISOString()
  const run = {
    workflowId: deployed.json.n8nWorkflowId,
    status: 'success',
    startedAt: finishedAt,
    finishedAt,
  }
  await report({ ...run, executionId: '1' })
  await report({ ...run, executionId: '1' })
  await report({ executionId: '2', workflowId: 'planted-elsewhere', status: 'success' })
  await report({ executionId: 'planted-3' })
  // A duplicate, which the database rejects.
  await app.call('POST', '/v1/auth/register', { body: { email: user.email, password: user.password } })
  await housekeeping(app.deps)
  planted.push(
    user.id,
    user.email,
    user.password,
    saved.id,
    credential.id,
    instance.id,
    instance.webhookToken,
    deployment.id,
    deployed.json.n8nWorkflowId,
    token,
    'planted',
    'Planted',
    'example.com',
    'xoxb',
  )
  app.deps.monitoring.onRequestEnd?.()
  const answer = await scrape()
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Content-Type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
  families = parseOpenMetrics(answer.text)
})

const valueOf = (name: string, labels: Record<string, string> = {}) =>
  families
    .get(name.replace(/_(total|count|sum)$/, ''))
    ?.samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
    .map(({ value }) => value)

describe('the output', () => {
  test('counts requests by route, method and class of status', () => {
    const route = '/hooks/n8n/:instanceId'
    expect(valueOf('flowkeep_http_requests_total', { route, method: 'POST' })).toEqual([4])
    expect(valueOf('flowkeep_http_request_duration_seconds_count', { route })).toEqual([4])
    expect(valueOf('flowkeep_http_requests_active')).toEqual([1])
  })

  test('counts executions once, and measures the lag of the first delivery', () => {
    expect(valueOf('flowkeep_ingest_executions_total', { source: 'push', result: 'created' })).toEqual([1])
    expect(valueOf('flowkeep_ingest_executions_total', { source: 'push', result: 'known' })).toEqual([1])
    expect(valueOf('flowkeep_ingest_lag_seconds_count', { source: 'push' })).toEqual([1])
    expect(valueOf('flowkeep_ingest_lag_seconds_sum')?.[0]).toBeGreaterThanOrEqual(90)
    expect(valueOf('flowkeep_ingest_rejected_reports_total', { code: 'unknown-workflow' })).toEqual([1])
    expect(valueOf('flowkeep_dead_letters', { code: 'unknown-workflow' })).toEqual([1])
  })

  test('has the states, backlogs, keys and sizes of the database', () => {
    expect(valueOf('flowkeep_database_up')).toEqual([1])
    expect(valueOf('flowkeep_deployments', { status: 'active' })).toEqual([1])
    expect(valueOf('flowkeep_instances')).toEqual([1])
    expect(valueOf('flowkeep_secrets', { table: 'credentials', key: 'k1' })).toEqual([1])
    expect(valueOf('flowkeep_secrets', { table: 'instances', key: 'k1' })).toEqual([1])
    expect(valueOf('flowkeep_keys_missing')).toEqual([0])
    expect(valueOf('flowkeep_execution_partitions_ahead')).toEqual([3])
    expect(valueOf('flowkeep_rollup_backlog_changes')).toEqual([0])
    expect(valueOf('flowkeep_database_table_bytes', { table: 'executions' })?.[0]).toBeGreaterThan(0)
    expect(valueOf('flowkeep_database_connections_max')?.[0]).toBeGreaterThan(0)
  })

  test('counts statements, requests to n8n and the parts of the scheduled job', () => {
    expect(valueOf('flowkeep_database_statements_total', { kind: 'read' })?.[0]).toBeGreaterThan(10)
    expect(valueOf('flowkeep_n8n_requests_total', { operation: 'workflow-create', outcome: 'ok' })).toEqual([
      2,
    ])
    expect(valueOf('flowkeep_job_runs_total', { outcome: 'failure' })).toEqual([])
    expect(valueOf('flowkeep_job_last_success_timestamp_seconds', { part: 'rollups' })?.[0]).toBeGreaterThan(
      1e9,
    )
  })

  test('contains no secret, address, name or ID', async () => {
    const { text } = await scrape()
    expect(planted.filter((each) => text.includes(each))).toEqual([])
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-|@|https?:|Bearer/)
  })
})

describe('the dashboard and the alert rules', () => {
  const ops = join(import.meta.dirname, '../../ops')
  interface Rule {
    alert: string
    expr: string
    annotations: { summary: string; reason: string; runbook_url: string }
  }
  interface Panel {
    id: number
    title: string
    targets?: { expr: string }[]
  }
  const dashboard = async (): Promise<{ panels: Panel[] }> =>
    JSON.parse(await readFile(join(ops, 'grafana/flowkeep.json'), 'utf8'))
  const rules = async (): Promise<Rule[]> =>
    parse(await readFile(join(ops, 'prometheus/alerts.yml'), 'utf8')).groups.flatMap(
      (group: { rules: Rule[] }) => group.rules,
    )

  /** Of an expression: each metric with the labels that select from it. */
  const usesOf = (expr: string) =>
    [...expr.matchAll(/(flowkeep_[a-z0-9_]+)(?:\{([^}]*)\})?/g)].map(([, name = '', selector = '']) => ({
      name,
      labels: [...selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label ?? ''),
    }))
  const groupsOf = (expr: string) =>
    [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(',').map((each) => each.trim()),
    )
  /** Added by Prometheus. */
  const added = new Set(['job', 'instance'])

  /** The labels of each sample name; the last samples of families without any are those of the process on Node. */
  const exported = async () => {
    const { nodeRuntime } = await import('../../src/node.ts')
    const { openMetrics } = await import('../../src/telemetry/openmetrics.ts')
    const { metrics } = await import('../../src/telemetry/metrics.ts')
    const config = {
      trustedProxyHops: 0,
      allowLoopbackInstances: false,
      allowPrivateNetworks: [],
      mail: null,
    }
    const ofProcess = nodeRuntime({ config, pool: () => pool }).processMetrics?.() ?? []
    // These count failures that do not occur here.
    metrics.databaseRetries.add(1, 'primary')
    metrics.exportFailures.add(1)
    metrics.droppedSpans.add(1)
    const all = [...parseOpenMetrics((await scrape()).text).values()]
    const labels = new Map<string, Set<string>>()
    for (const { samples } of [...all, ...parseOpenMetrics(openMetrics(ofProcess)).values()]) {
      for (const sample of samples) {
        labels.set(sample.name, new Set([...(labels.get(sample.name) ?? []), ...Object.keys(sample.labels)]))
      }
    }
    return labels
  }

  test('use only metrics and labels that exist', async () => {
    const known = await exported()
    const expressions = [
      ...(await dashboard()).panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...(await rules()).map(({ expr }) => expr),
    ]
    expect(expressions.length).toBeGreaterThan(50)
    const wrong = expressions.flatMap((expr) => {
      const uses = usesOf(expr)
      const grouped = groupsOf(expr).filter(
        (label) => !added.has(label) && !uses.some(({ name }) => known.get(name)?.has(label)),
      )
      const missing = uses.flatMap(({ name, labels }) =>
        known.has(name)
          ? labels
              .filter((label) => !added.has(label) && !known.get(name)?.has(label))
              .map((label) => `${name} ${label}`)
          : [name],
      )
      return [...missing, ...grouped]
    })
    expect(wrong).toEqual([])
  })

  test('show every metric', async () => {
    const text = await readFile(join(ops, 'grafana/flowkeep.json'), 'utf8')
    const shown = new Set(usesOf(text).map(({ name }) => name))
    const names = [...(await exported()).keys()].filter((name) => !/_(count|sum)$/.test(name))
    expect(names.filter((name) => !shown.has(name))).toEqual([])
  })

  test('have a description, a reason and a section in the runbooks', async () => {
    const runbooks = await readFile(join(ops, '../docs/runbooks.md'), 'utf8')
    const sections = [...runbooks.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title)
    const alerts = await rules()
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
    expect(sections.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted())
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(`docs/runbooks.md#${alert.toLowerCase()}`)
      expect(annotations.summary).not.toBe('')
      expect(annotations.reason.length).toBeGreaterThan(40)
    }
    const { panels } = await dashboard()
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  })

  test('the documentation lists every metric', async () => {
    const page = await readFile(join(ops, '../docs/monitoring.md'), 'utf8')
    const names = [...(await exported()).keys()].map((name) => name.replace(/_(bucket|count|sum)$/, ''))
    expect([...new Set(names)].filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })
})

describe('traces', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'

  test('follow a request to its statements and to n8n', async () => {
    takeSpans()
    sentToN8n.length = 0
    const { json } = await user.call('GET', '/v1/instances')
    const answer = await user.call('POST', `/v1/instances/${json.items[0].id}/test`, {
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    })
    expect(answer.status).toBe(200)
    const spans = takeSpans().filter((span) => span.traceId === traceId)
    const server = spans.find(({ kind }) => kind === 'server')
    expect(server).toMatchObject({
      name: 'POST /v1/instances/:id/test',
      parentId: 'b7ad6b7169203331',
      attributes: { 'http.route': '/v1/instances/:id/test', 'http.response.status_code': 200 },
    })
    const statements = spans.filter(({ name }) => name.startsWith('database'))
    expect(statements.length).toBeGreaterThan(0)
    for (const { attributes } of statements) expect(attributes['db.system.name']).toBe('postgresql')
    const calls = spans.filter(({ name }) => name.startsWith('n8n '))
    // The page of n8n's editor is fetched without the key.
    const apiCalls = sentToN8n.filter((headers) => headers.has('x-n8n-api-key'))
    expect(apiCalls.map((headers) => headers.get('traceparent')).toSorted()).toEqual(
      calls.map(({ spanId }) => `00-${traceId}-${spanId}-01`).toSorted(),
    )
    expect(calls.length).toBeGreaterThan(0)
    for (const span of [...statements, ...calls]) expect(span.parentId).toBe(server?.spanId)
    const text = JSON.stringify(spans.map(({ attributes, name }) => ({ attributes, name })))
    expect([...planted, json.items[0].id].filter((each) => text.includes(each))).toEqual([])
    const lines = app.logs.filter((line) => line.includes(traceId)).map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { event: 'request', traceId, requestId: answer.headers.get('X-Request-Id') },
    ])
  })

  test('without a sampled caller, each request has its own trace', async () => {
    await user.call('GET', '/v1/me')
    await user.call('GET', '/v1/me')
    const ids = takeSpans()
      .filter(({ name }) => name === 'GET /v1/me')
      .map((span) => span.traceId)
    expect(new Set(ids).size).toBe(2)
  })
})

test('a failed export is logged without the collector and its headers', async () => {
  await app.deps.monitoring.push()
  const lines = app.logs.filter((line) => line.includes('telemetry-export-failed'))
  expect(lines.length).toBe(1)
  expect(lines[0]).not.toMatch(/planted/)
})
