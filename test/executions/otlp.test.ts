/** n8n's traces: recorded like reports, complete in any order and number of requests. */
import { gzipSync } from 'node:zlib'
import { PbfReader, PbfWriter } from 'pbf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeTraces, spansOf, type TestRun, type TestSpan, tracesJson } from '../harness/otlp.ts'
import { createTestDatabase } from '../harness/database.ts'
import { createWorld, type World } from './world.ts'

let world: World
let ids = 0
beforeAll(async () => {
  world = createWorld(await createTestDatabase())
})
afterAll(() => world.close())

type Tracked = Awaited<ReturnType<World['tracked']>>
type Target = Pick<Tracked, 'instanceId' | 'token'>

async function post(
  { instanceId, token }: Target,
  body: BodyInit,
  headers: Record<string, string> = { 'Content-Type': 'application/x-protobuf' },
) {
  const response = await world.app.request(`/hooks/n8n/${instanceId}/otlp/v1/traces`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, ...headers },
    body,
  })
  return {
    status: response.status,
    type: response.headers.get('Content-Type'),
    bytes: new Uint8Array(await response.arrayBuffer()),
  }
}
const send = (target: Target, spans: TestSpan[]) => post(target, encodeTraces(spans))

async function runs({ userId }: Tracked) {
  const { body } = await world.call('GET', '/v1/executions', { user: userId })
  return Promise.all(
    body.items.map(
      async ({ id }: { id: string }) =>
        (await world.call('GET', `/v1/executions/${id}`, { user: userId })).body,
    ),
  )
}

const run = (more: Partial<TestRun> = {}): TestRun => ({
  executionId: String((ids += 1)),
  workflowId: 'wf1',
  startMs: world.clock.now.getTime() - 60_000,
  nodes: [{ name: 'Hook' }, { name: 'Split', items: 3 }, { name: 'Save', items: 3 }],
  ...more,
})
const failure = (more: Partial<TestRun> = {}) =>
  run({ nodes: [{ name: 'Hook' }, { name: 'Call', items: 0, error: 'The service refused' }], ...more })

describe('a run in one request', () => {
  test('is recorded with its nodes, times, mode and version', async () => {
    const tracked = await world.tracked()
    const sent = run({ attributes: { 'n8n.workflow.version_id': 'v-1' } })
    const answer = await send(tracked, spansOf(sent))
    expect(answer).toMatchObject({ status: 200, type: 'application/x-protobuf' })
    expect(answer.bytes.length).toBe(0)
    const iso = (ms: number) => new Date(sent.startMs + ms).toISOString()
    const node = (name: string, index: number, items: number) => ({
      name,
      type: 'n8n-nodes-base.noOp',
      status: 'success',
      startedAt: iso(index * 10),
      durationMs: 10,
      items,
      runs: 1,
      error: null,
    })
    expect(await runs(tracked)).toMatchObject([
      {
        n8nExecutionId: sent.executionId,
        status: 'success',
        mode: 'webhook',
        startedAt: iso(0),
        finishedAt: iso(35),
        error: null,
        data: { nodes: [node('Hook', 0, 1), node('Split', 1, 3), node('Save', 2, 3)] },
      },
    ])
  })

  test('is recorded from OTLP/JSON and from a gzipped body', async () => {
    const tracked = await world.tracked()
    const [asJson, zipped] = [run(), run()]
    const body = JSON.stringify(tracesJson(spansOf(asJson)))
    const answer = await post(tracked, body, { 'Content-Type': 'application/json' })
    expect([answer.status, new TextDecoder().decode(answer.bytes)]).toEqual([200, '{}'])
    const headers = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'gzip' }
    expect((await post(tracked, gzipSync(encodeTraces(spansOf(zipped))), headers)).status).toBe(200)
    const found = await runs(tracked)
    expect(found.map(({ data }) => data.nodes.length)).toEqual([3, 3])
  })

  test('a failure has the message, node and group of its error', async () => {
    const tracked = await world.tracked()
    await send(tracked, spansOf(failure()))
    expect(await runs(tracked)).toMatchObject([
      {
        status: 'error',
        error: { message: 'The service refused', node: 'Call' },
        data: { nodes: [{ name: 'Hook' }, { name: 'Call', error: { message: 'The service refused' } }] },
      },
    ])
  })

  test('a failure that several nodes report has no node', async () => {
    const tracked = await world.tracked()
    const error = 'The model refused'
    await send(
      tracked,
      spansOf(
        run({
          nodes: [
            { name: 'Model', error },
            { name: 'Agent', error },
          ],
        }),
      ),
    )
    expect(await runs(tracked)).toMatchObject([{ error: { message: error, node: null } }])
  })

  test('secrets in messages are redacted, including in stored spans', async () => {
    const tracked = await world.tracked()
    const secret = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH'
    await send(tracked, spansOf(run({ nodes: [{ name: 'Call', error: `Bearer ${secret} was rejected` }] })))
    expect(JSON.stringify(await runs(tracked))).toContain('was rejected')
    expect(await world.dump()).not.toContain(secret)
  })
})

describe('in several requests', () => {
  const orders = (count: number): number[][] =>
    count === 1
      ? [[0]]
      : orders(count - 1).flatMap((order) =>
          Array.from({ length: count }, (_, at) => [...order.slice(0, at), count - 1, ...order.slice(at)]),
        )

  test('a run is complete in each of 24 orders, and its nodes count once', async () => {
    for (const order of orders(4)) {
      const tracked = await world.tracked()
      const spans = spansOf(run())
      for (const index of order) await send(tracked, [spans[index] as TestSpan])
      const found = await runs(tracked)
      expect(found.map(({ data }) => data.nodes.map(({ name }: { name: string }) => name))).toEqual([
        ['Hook', 'Split', 'Save'],
      ])
      const query = `workflowId=${tracked.workflowId}`
      const { body } = await world.call('GET', `/v1/analytics/nodes?${query}`, { user: tracked.userId })
      expect(
        body.items.map(({ name, runs: count }: { name: string; runs: number }) => [name, count]).toSorted(),
      ).toEqual([
        ['Hook', 1],
        ['Save', 1],
        ['Split', 1],
      ])
    }
  })

  test('concurrent requests lose nothing', async () => {
    const tracked = await world.tracked()
    const all = Array.from({ length: 5 }, () => spansOf(run()))
    await Promise.all(all.flat().map((span) => send(tracked, [span])))
    const found = await runs(tracked)
    expect(found.map(({ data }) => data.nodes.length)).toEqual([3, 3, 3, 3, 3])
  })

  test('repeated requests change nothing, whichever spans they contain', async () => {
    const tracked = await world.tracked()
    const spans = spansOf(failure())
    await send(tracked, spans)
    const before = await runs(tracked)
    await send(tracked, spans)
    await send(tracked, spans.slice(-1))
    world.clock.now = new Date(world.clock.now.getTime() + 3_600_000)
    await world.db.execute('delete from otel_spans')
    await send(tracked, spans.slice(-1))
    expect(await runs(tracked)).toEqual(before)
  })

  test('the error report of the same failure is the same run', async () => {
    const tracked = await world.tracked()
    const sent = failure()
    const report = {
      execution: {
        id: sent.executionId,
        mode: 'webhook',
        error: {
          message: 'The service refused',
          name: 'NodeApiError',
          node: { name: 'Call' },
          timestamp: sent.startMs + 20,
        },
        lastNodeExecuted: 'Call',
      },
      workflow: { id: 'wf1', name: 'Invoices' },
    }
    await tracked.report(report)
    await send(tracked, spansOf(sent))
    await tracked.report(report)
    const found = await runs(tracked)
    expect(found).toMatchObject([{ status: 'error', data: { nodes: [{}, {}] } }])
  })

  test('a run that waited has the nodes of all parts, and the paused node once', async () => {
    const tracked = await world.tracked()
    const executionId = String((ids += 1))
    const wait = { name: 'Pause', type: 'n8n-nodes-base.wait' }
    const before = spansOf(run({ executionId, status: 'waiting', nodes: [{ name: 'Hook' }, wait] }))
    const traceId = before[0]?.traceId as string
    const startMs = world.clock.now.getTime() - 1000
    const after = spansOf(run({ executionId, traceId, startMs, nodes: [wait, { name: 'Save' }] }))
    await send(tracked, before)
    expect(await runs(tracked)).toMatchObject([{ status: 'waiting', finishedAt: null }])
    await send(tracked, after)
    const expected = [
      {
        status: 'success',
        waited: true,
        startedAt: new Date((before[0] as TestSpan).startMs).toISOString(),
        data: { nodes: [{ name: 'Hook' }, { name: 'Pause', runs: 1 }, { name: 'Save' }] },
      },
    ]
    expect(await runs(tracked)).toMatchObject(expected)
    await send(tracked, before)
    expect(await runs(tracked)).toMatchObject(expected)
  })

  test('a retry belongs to the run that it retries', async () => {
    const tracked = await world.tracked()
    const first = failure()
    await send(tracked, spansOf(first))
    const attributes = { 'n8n.execution.mode': 'retry', 'n8n.execution.retry_of': first.executionId }
    await send(tracked, spansOf(run({ attributes, startMs: first.startMs + 1000 })))
    expect(await runs(tracked)).toMatchObject([
      { status: 'success', n8nRetryOf: first.executionId },
      { status: 'error' },
    ])
  })
})

describe('what is not a run of a deployed workflow', () => {
  test('other spans and workflows are accepted and leave nothing behind', async () => {
    const tracked = await world.tracked()
    const foreign = {
      ...(spansOf(run())[0] as TestSpan),
      name: 'GET /',
      attributes: { 'http.method': 'GET' },
    }
    const probe = { ...foreign, name: 'n8n.test_trace', attributes: { 'n8n.test': true } }
    const answer = await send(tracked, [foreign, probe, ...spansOf(run({ workflowId: 'elsewhere' }))])
    expect([answer.status, answer.bytes.length]).toEqual([200, 0])
    expect(await runs(tracked)).toEqual([])
    const { body } = await world.call('GET', '/v1/dead-letters', { user: tracked.userId })
    expect(body.items).toEqual([])
    const { rows } = await world.db.execute(
      `select 1 from otel_spans where instance_id = '${tracked.instanceId}'`,
    )
    expect(rows).toEqual([])
  })

  test('unusable spans are counted in the response', async () => {
    const tracked = await world.tracked()
    const unknown = spansOf(run({ status: 'exploded' }))
    const answer = await send(tracked, [...unknown, ...spansOf(run())])
    const rejected = new PbfReader(answer.bytes).readFields(
      (tag: number, result: { rejected: number }, pbf: PbfReader) => {
        if (tag === 1)
          pbf.readMessage((field: number, into: { rejected: number }, inner: PbfReader) => {
            if (field === 1) into.rejected = inner.readVarint()
          }, result)
      },
      { rejected: 0 },
    )
    expect([answer.status, rejected]).toEqual([200, { rejected: 1 }])
    expect(await runs(tracked)).toHaveLength(1)
    const json = await post(tracked, JSON.stringify(tracesJson(unknown)), {
      'Content-Type': 'application/json',
    })
    expect(JSON.parse(new TextDecoder().decode(json.bytes))).toEqual({
      partialSuccess: { rejectedSpans: '1', errorMessage: expect.any(String) },
    })
  })

  test('a token of another instance, or none, is refused', async () => {
    const [one, two] = [await world.tracked(), await world.tracked()]
    const body = encodeTraces(spansOf(run()))
    expect((await post({ ...one, token: two.token }, body)).status).toBe(401)
    expect((await post({ ...one, token: '' }, body)).status).toBe(401)
    expect((await post({ ...one, instanceId: 'none' }, body)).status).toBe(401)
    expect(await runs(one)).toEqual([])
    expect(await runs(two)).toEqual([])
  })
})

describe('hostile bodies', () => {
  const nested = (levels: number) => {
    let inner = new Uint8Array()
    for (let level = 0; level < levels; level += 1) {
      const pbf = new PbfWriter()
      pbf.writeBytesField(5, inner)
      inner = Uint8Array.from(pbf.finish())
    }
    return inner
  }

  test('every truncation is refused or has no effect', async () => {
    const tracked = await world.tracked()
    const body = encodeTraces(spansOf(failure()))
    for (let length = 1; length < body.length; length += 7) {
      expect([length, (await post(tracked, body.slice(0, length))).status]).toEqual([length, 400])
    }
    expect(await runs(tracked)).toEqual([])
  })

  test.each([
    ['a length beyond the body', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a 64-bit length', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['an endless varint', Array.from({ length: 32 }, () => 0xff)],
    ['an inner message that is longer than the outer one', [0x0a, 0x02, 0x12, 0x7f, 0x00]],
    ['a wrong wire type', [0x08, 0x01]],
    ['a group', [0x0b, 0x0c]],
    ['field number 0', [0x00, 0x01]],
    ['text', [...new TextEncoder().encode('{"resourceSpans":[]}')]],
  ])('%s is refused', async (_, bytes) => {
    const tracked = await world.tracked()
    expect((await post(tracked, Uint8Array.from(bytes))).status).toBe(400)
  })

  test('deep nesting in a skipped value is not followed', async () => {
    const tracked = await world.tracked()
    const spans = spansOf(run())
    const value = nested(3_000)
    const pbf = new PbfWriter()
    pbf.writeMessage(
      1,
      (_: null, resource: PbfWriter) => {
        resource.writeBytesField(2, scopeOf(value))
      },
      null,
    )
    const body = new Uint8Array([...pbf.finish(), ...encodeTraces(spans)])
    expect((await post(tracked, body)).status).toBe(200)
    expect(await runs(tracked)).toHaveLength(1)
  })

  /** A scope with one span, whose attribute has `value`. */
  function scopeOf(value: Uint8Array): Uint8Array {
    const pbf = new PbfWriter()
    pbf.writeMessage(
      2,
      (_: null, span: PbfWriter) => {
        span.writeMessage(
          9,
          (_1: null, pair: PbfWriter) => {
            pair.writeStringField(1, 'deep')
            pair.writeBytesField(2, value)
          },
          null,
        )
      },
      null,
    )
    return Uint8Array.from(pbf.finish())
  }

  test('other media types and malformed JSON are refused', async () => {
    const tracked = await world.tracked()
    const statusOf = async (body: BodyInit, type: string) =>
      (await post(tracked, body, { 'Content-Type': type })).status
    expect(await statusOf('{}', 'text/plain')).toBe(415)
    expect(await statusOf('{', 'application/json')).toBe(400)
    expect(await statusOf('[]', 'application/json')).toBe(422)
    expect(await statusOf('{"resourceSpans":[{"scopeSpans":[1]}]}', 'application/json')).toBe(422)
    expect(
      await statusOf('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]}', 'application/json'),
    ).toBe(200)
  })

  test('a decompressed body of more than 4 MB is refused', async () => {
    const tracked = await world.tracked()
    const headers = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'gzip' }
    expect((await post(tracked, gzipSync(new Uint8Array(64 * 1024 * 1024)), headers)).status).toBe(413)
  })

  test('100,000 spans are read, and those of n8n beyond 10,000 are rejected', async () => {
    const tracked = await world.tracked()
    const tiny = (index: number): TestSpan => ({
      traceId: 'a'.repeat(32),
      spanId: index.toString(16).padStart(16, '0'),
      name: '',
      startMs: 1,
      endMs: 1,
      attributes: {},
    })
    // 4 MB hold about 50,000 spans, so the rest is sent in a second request.
    for (let part = 0; part < 2; part += 1) {
      const body = encodeTraces(Array.from({ length: 50_000 }, (_, index) => tiny(index)))
      expect((await post(tracked, body)).status).toBe(200)
    }
    const nodes = Array.from({ length: 12_000 }, (_, index) => ({
      ...tiny(index),
      parentSpanId: 'b'.repeat(16),
      name: 'node.execute',
      attributes: { 'n8n.node.name': `Node ${index % 3}` },
    }))
    expect((await send(tracked, nodes)).bytes.length).toBeGreaterThan(0)
    const [, , , root] = spansOf(run())
    await send(tracked, [{ ...(root as TestSpan), traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }])
    const [found] = await runs(tracked)
    expect(found.data.nodes.reduce((sum: number, each: { runs: number }) => sum + each.runs, 0)).toBe(10_000)
  })
})
