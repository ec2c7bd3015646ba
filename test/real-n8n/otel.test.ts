/** n8n's OpenTelemetry traces alone, without polling: 200 runs, all recorded with their nodes within seconds. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, n8nUrl, onRealN8n, until, type World } from './world.ts'
import { chain, node } from './workflows.ts'

const runCount = 200
const atOnce = 4

/** Five nodes. Fails at "Check" for `{"fail":true}`. */
const checking = (path: string) => ({
  name: `Traced ${path}`,
  nodes: [
    {
      ...node('Hook', 'webhook', 2, [0, 0], {
        httpMethod: 'POST',
        path,
        responseMode: 'lastNode',
        options: {},
      }),
      webhookId: `hook-${path}`,
    },
    node('Prepare', 'set', 3.4, [220, 0], {
      mode: 'manual',
      includeOtherFields: true,
      assignments: { assignments: [{ id: 'a', name: 'ready', value: 'yes', type: 'string' }] },
      options: {},
    }),
    node('Split', 'splitOut', 1, [440, 0], { fieldToSplitOut: 'body.items', options: {} }),
    node('Check', 'stopAndError', 1, [880, -100], { errorMessage: 'Deliberate failure' }),
    node('Fail on request', 'if', 2, [660, 0], {
      conditions: {
        options: { caseSensitive: true, typeValidation: 'loose' },
        combinator: 'and',
        conditions: [
          {
            id: 'c',
            leftValue: "={{ $('Hook').first().json.body.fail }}",
            rightValue: '',
            operator: { type: 'boolean', operation: 'true', singleValue: true },
          },
        ],
      },
      looseTypeValidation: true,
      options: {},
    }),
    node('Done', 'noOp', 1, [880, 100], {}),
  ],
  connections: {
    ...chain('Hook', 'Prepare', 'Split', 'Fail on request'),
    'Fail on request': {
      main: [[{ node: 'Check', type: 'main', index: 0 }], [{ node: 'Done', type: 'main', index: 0 }]],
    },
  },
  settings: { executionOrder: 'v1' },
})

const quantile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

onRealN8n()('runs received via OpenTelemetry', () => {
  let world: World
  let before: unknown
  let deploymentId = ''
  const path = `otel-${randomBytes(5).toString('hex')}`
  const items = async (query = '') => {
    const found = []
    for (let cursor = ''; ; ) {
      const { json } = await world.call(
        'GET',
        `/v1/executions?deploymentId=${deploymentId}&limit=100${query}${cursor}`,
      )
      found.push(...json.items)
      if (json.nextCursor === null) return found
      cursor = `&cursor=${encodeURIComponent(json.nextCursor)}`
    }
  }
  const call = (fail: boolean) =>
    fetch(`${n8nUrl}/webhook/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ fail, items: [{ a: 1 }, { a: 2 }] }),
    })

  beforeAll(async () => {
    world = await createWorld()
    before = (await world.n8n('GET', '/settings/otel')).json
    const saved = await world.call('POST', '/v1/workflows', { workflow: checking(path) })
    const deployed = await world.call('POST', '/v1/deployments', {
      workflowId: saved.json.id,
      instanceId: world.instanceId,
    })
    deploymentId = deployed.json.id
    await until(
      () => world.call('GET', `/v1/deployments/${deploymentId}`),
      ({ json }) => json.status === 'active',
    )
  })
  afterAll(async () => {
    await world?.call('DELETE', `/v1/instances/${world.instanceId}/otel`)
    await world?.close()
  })

  test('200 runs are all recorded with their nodes, and none twice', async () => {
    const setUp = await world.call('PUT', `/v1/instances/${world.instanceId}/otel`, { replace: true })
    expect([setUp.status, setUp.json.endpoint]).toEqual([200, expect.stringContaining('/otlp/v1/traces')])
    await until(
      () => call(false),
      ({ status }) => status === 200,
    )
    // No scheduled poll, however long this takes.
    await world.database.sql`update instances set next_poll_at = now() + interval '1 hour'`
    const endedAt: number[] = []
    const seenAt = new Map<string, number>()
    const watch = { isRunning: true }
    // Watches the list like a user: a run counts as visible when it is listed.
    const watching = (async () => {
      while (watch.isRunning) {
        const { json } = await world.call('GET', `/v1/executions?deploymentId=${deploymentId}&limit=100`)
        const now = Date.now()
        for (const { id } of json.items) if (!seenAt.has(id)) seenAt.set(id, now)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    const caller = async (first: number) => {
      for (let index = first; index < runCount; index += atOnce) {
        await call(index % 5 === 0)
        endedAt.push(Date.now())
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
    await Promise.all(Array.from({ length: atOnce }, (_, first) => caller(first)))
    const all = await until(items, (found) => found.length >= runCount + 1, 60_000)
    await until(
      async () => seenAt.size,
      (size) => size >= runCount + 1,
    )
    watch.isRunning = false
    await watching

    expect(all).toHaveLength(runCount + 1)
    expect(new Set(all.map(({ n8nExecutionId }) => n8nExecutionId)).size).toBe(runCount + 1)
    expect(all.filter(({ status }) => status === 'error')).toHaveLength(runCount / 5)
    const complete = await Promise.all(all.map(({ id }) => world.call('GET', `/v1/executions/${id}`)))
    for (const { json } of complete) {
      const isFailed = json.status === 'error'
      expect(json.data?.nodes.map(({ name }: { name: string }) => name)).toEqual([
        'Hook',
        'Prepare',
        'Split',
        'Fail on request',
        isFailed ? 'Check' : 'Done',
      ])
      expect(json.workflowVersionSource).toBe('n8n')
      if (isFailed) expect(json.error).toEqual({ message: 'Deliberate failure', node: 'Check' })
    }
    const polled = await world.database.sql`select 1 from executions where data_stamp >= '40'`
    expect(polled).toEqual([])
    // Only traces report successes; the error workflow reports failures too.
    const delays = all.flatMap(({ id, status, finishedAt }) => {
      const at = seenAt.get(id)
      return at === undefined || status !== 'success' ? [] : [at - Date.parse(finishedAt)]
    })
    const [median, late, longest] = [0.5, 0.95, 1].map((share) => quantile(delays, share))
    console.log(
      `${delays.length} successful runs of ${runCount + 1}: visible after ${median} ms (median), ${late} ms (p95), ${longest} ms (longest)`,
    )

    // n8n's own record agrees.
    const pushed = new Map(complete.map(({ json }) => [json.id, json]))
    await until(
      () => world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId }),
      ({ json }) => json.lagSeconds === 0,
    )
    const after = await items()
    expect(after).toHaveLength(runCount + 1)
    for (const { id } of after) {
      const { json } = await world.call('GET', `/v1/executions/${id}`)
      const { status, mode, error, workflowVersion, kind } = json
      const earlier = pushed.get(id)
      expect({ status, mode, error, workflowVersion, kind }).toEqual({
        status: earlier.status,
        mode: earlier.mode,
        error: earlier.error,
        workflowVersion: earlier.workflowVersion,
        kind: earlier.kind,
      })
      const summary = (each: { nodes: Record<string, unknown>[] }) =>
        each.nodes.map(({ name, type, status: ended, items: count, runs }) => [
          name,
          type,
          ended,
          count,
          runs,
        ])
      expect(summary(json.data)).toEqual(summary(earlier.data))
    }
  })

  test('a run that waits has the nodes of both parts, as n8n records them', async () => {
    const at = `otel-${randomBytes(5).toString('hex')}`
    const workflow = {
      name: `Paused ${at}`,
      nodes: [
        {
          ...node('Hook', 'webhook', 2, [0, 0], { httpMethod: 'POST', path: at, options: {} }),
          webhookId: `hook-${at}`,
        },
        node('Before', 'noOp', 1, [220, 0], {}),
        {
          ...node('Pause', 'wait', 1.1, [440, 0], { resume: 'webhook', options: {} }),
          webhookId: `wait-${at}`,
        },
        node('Call', 'httpRequest', 4.2, [660, 0], { url: `${n8nUrl}/webhook/missing-${at}`, options: {} }),
      ],
      connections: chain('Hook', 'Before', 'Pause', 'Call'),
      settings: { executionOrder: 'v1' },
    }
    const saved = await world.call('POST', '/v1/workflows', { workflow })
    const { json: made } = await world.call('POST', '/v1/deployments', {
      workflowId: saved.json.id,
      instanceId: world.instanceId,
    })
    const { json: live } = await until(
      () => world.call('GET', `/v1/deployments/${made.id}`),
      ({ json }) => json.status === 'active',
    )
    await until(
      () => fetch(`${n8nUrl}/webhook/${at}`, { method: 'POST' }),
      ({ status }) => status === 200,
    )
    const seen = async (status: string) => {
      const listed = await until(
        async () => (await world.call('GET', `/v1/executions?deploymentId=${made.id}`)).json.items,
        (found) => found[0]?.status === status && (status === 'waiting' || found[0].finishedAt !== null),
      )
      return (await world.call('GET', `/v1/executions/${listed[0].id}`)).json
    }
    const { n8nExecutionId } = await seen('waiting')
    const { json: paused } = await world.n8n('GET', `/executions/${n8nExecutionId}?includeData=true`)
    const resumed = await fetch(
      `${n8nUrl}/webhook-waiting/${n8nExecutionId}?signature=${paused.data.resumeToken ?? ''}`,
    )
    expect(resumed.status).toBe(200)
    await until(
      () => seen('error'),
      ({ data }) => data !== null,
    )
    const traced = await seen('error')
    await until(
      () => world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId }),
      ({ json }) => json.lagSeconds === 0,
    )
    const polled = await seen('error')
    const summary = ({ data, waited, error, workflowVersion }: typeof traced) => ({
      nodes: data.nodes.map((each: Record<string, unknown>) => [each['name'], each['status'], each['runs']]),
      waited,
      error,
      workflowVersion,
    })
    expect(summary(traced)).toEqual(summary(polled))
    expect(traced.data.nodes.map(({ name }: { name: string }) => name)).toEqual([
      'Hook',
      'Before',
      'Pause',
      'Call',
    ])
    expect((await world.call('GET', `/v1/executions?deploymentId=${live.id}`)).json.items).toHaveLength(1)
  })

  test('another collector is replaced after confirmation and restored', async () => {
    const path = `/v1/instances/${world.instanceId}/otel`
    await world.call('DELETE', path)
    const theirs = {
      ...(before as Record<string, unknown>),
      enabled: true,
      exporterEndpoint: `${n8nUrl}/nowhere`,
      exporterHeaders: 'x-team=secret',
    }
    expect((await world.n8n('PUT', '/settings/otel', theirs)).status).toBe(200)
    try {
      const refused = await world.call('PUT', path, {})
      const { host } = new URL(n8nUrl)
      expect([refused.status, refused.json.collector]).toEqual([409, host])
      expect((await world.call('PUT', path, { replace: true })).json).toMatchObject({
        replaced: host,
        headersLost: ['x-team'],
      })
      expect((await world.call('DELETE', path)).json).toEqual({ restored: host, headersLost: ['x-team'] })
      expect((await world.n8n('GET', '/settings/otel')).json).toEqual({ ...theirs, exporterHeaders: '' })
    } finally {
      await world.n8n('PUT', '/settings/otel', before)
      await world.call('PUT', path, {})
    }
  })

  test('removing it restores the settings of n8n', async () => {
    await world.call('DELETE', `/v1/instances/${world.instanceId}/otel`)
    const now = (await world.n8n('GET', '/settings/otel')).json
    expect({ ...now, exporterHeaders: '' }).toEqual({ ...(before as object), exporterHeaders: '' })
  })
})
