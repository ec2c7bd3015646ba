import { beforeEach, describe, expect, test } from 'vitest'
import {
  inSpan,
  inTrace,
  parseTraceparent,
  recordTraces,
  returnSpans,
  takeSpans,
  traceId,
  traceparent,
} from '../../src/telemetry/trace.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'
const sampled = `00-${trace}-${parent}-01`

beforeEach(() => {
  recordTraces(1)
  takeSpans()
})

describe('traceparent', () => {
  test.each([
    [sampled, true],
    [`00-${trace}-${parent}-00`, false],
    [`00-${trace}-${parent}-03`, true],
    [`cc-${trace}-${parent}-01-what-the-future-will-be-like`, true],
    [`cc-${trace}-${parent}-01`, true],
  ])('%s is valid', (header, isSampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId: trace, spanId: parent, isSampled })
  })

  test.each([
    '',
    'x',
    `ff-${trace}-${parent}-01`,
    `00-${trace}-${parent}-01-more`,
    `cc-${trace}-${parent}-01.more`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.slice(1)}-${parent}-01`,
    `00-${trace}-${parent}-1`,
    `00-${trace}-${parent}`,
    ` ${sampled}`,
    `${sampled}\n`,
  ])('%j is invalid', (header) => {
    expect(parseTraceparent(header)).toBeNull()
  })
})

test('the spans of a request are a tree below the span of the caller', async () => {
  const sent = await inTrace(sampled, 'server', 'request', () =>
    inSpan('client', 'outer', () => inSpan('client', 'inner', async () => traceparent())),
  )
  const [inner, outer, request] = takeSpans()
  expect([inner, outer, request].map((span) => [span?.name, span?.traceId, span?.parentId])).toEqual([
    ['inner', trace, outer?.spanId],
    ['outer', trace, request?.spanId],
    ['request', trace, parent],
  ])
  expect(sent).toBe(`00-${trace}-${inner?.spanId}-01`)
  expect(inner?.endMs).toBeGreaterThanOrEqual(inner?.startMs ?? Infinity)
})

test('a request without traceparent starts a trace with an ID of its own', async () => {
  const ids = await Promise.all(
    [undefined, 'invalid'].map((header) => inTrace(header, 'server', 'request', async () => traceId())),
  )
  expect(new Set(ids).size).toBe(2)
  expect(takeSpans().map((span) => [span.traceId, span.parentId])).toEqual(ids.map((id) => [id, undefined]))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
})

test('a failed span is marked', async () => {
  const failing = inTrace(undefined, 'server', 'request', () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(takeSpans()).toMatchObject([{ isFailed: true }])
})

test('without sampling nothing is recorded, and the context is passed on', async () => {
  recordTraces(0)
  const [own, caller] = await Promise.all([
    inTrace(undefined, 'server', 'request', () => inSpan('client', 'call', async () => traceparent())),
    inTrace(`00-${trace}-${parent}-00`, 'server', 'request', async () => traceparent()),
  ])
  expect(own).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  expect(caller).toBe(`00-${trace}-${parent}-00`)
  expect(takeSpans()).toEqual([])
})

test("the caller's sampling decision applies", async () => {
  recordTraces(0)
  await inTrace(sampled, 'server', 'request', async () => undefined)
  recordTraces(1)
  await inTrace(`00-${trace}-${parent}-00`, 'server', 'request', async () => undefined)
  expect(takeSpans()).toHaveLength(1)
})

test('while traces are off, only the context of a caller is passed on', async () => {
  recordTraces(undefined)
  expect(await inTrace(undefined, 'server', 'request', async () => traceparent())).toBeUndefined()
  expect(await inTrace(sampled, 'server', 'request', async () => traceparent())).toBe(sampled)
  expect(takeSpans()).toEqual([])
})

test('spans that are not exported do not fill the memory', async () => {
  for (let index = 0; index < 5000; index += 1) await inTrace(undefined, 'server', 'x', async () => undefined)
  const spans = takeSpans()
  expect(spans.length).toBeLessThanOrEqual(2048)
  returnSpans(spans)
  returnSpans(spans)
  expect(takeSpans().length).toBeLessThanOrEqual(2048)
})
