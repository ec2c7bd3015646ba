/** @module Encodes OTLP trace exports as n8n 2.41 sends them. Field numbers: opentelemetry-proto, `trace/v1/trace.proto`. */
import { PbfWriter } from 'pbf'

type Value = string | number | boolean

export interface TestSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startMs: number
  endMs: number
  attributes: Record<string, Value>
  exception?: { type: string; message: string }
  failed?: boolean
}

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

/** Exact, unlike `writeFixed64Field`. */
function time(tag: number, ms: number, pbf: PbfWriter) {
  const buffer = new DataView(new ArrayBuffer(8))
  buffer.setBigUint64(0, BigInt(ms) * 1_000_000n, true)
  pbf.writeTag(tag, 1)
  pbf.writeFixed32(buffer.getUint32(0, true))
  pbf.writeFixed32(buffer.getUint32(4, true))
}

function attribute([key, value]: [string, Value], pbf: PbfWriter) {
  pbf.writeStringField(1, key)
  pbf.writeMessage(
    2,
    (_: null, any: PbfWriter) => {
      if (typeof value === 'string') any.writeStringField(1, value)
      else if (typeof value === 'boolean') any.writeBooleanField(2, value)
      else if (Number.isInteger(value)) any.writeVarintField(3, value)
      else any.writeDoubleField(4, value)
    },
    null,
  )
}

function writeSpan(span: TestSpan, pbf: PbfWriter) {
  pbf.writeBytesField(1, bytesOf(span.traceId))
  pbf.writeBytesField(2, bytesOf(span.spanId))
  if (span.parentSpanId) pbf.writeBytesField(4, bytesOf(span.parentSpanId))
  pbf.writeStringField(5, span.name)
  pbf.writeVarintField(6, 1)
  time(7, span.startMs, pbf)
  time(8, span.endMs, pbf)
  for (const each of Object.entries(span.attributes)) pbf.writeMessage(9, attribute, each)
  const { exception } = span
  if (exception) {
    pbf.writeMessage(
      11,
      (_: null, event: PbfWriter) => {
        time(1, span.endMs, event)
        event.writeStringField(2, 'exception')
        const named = Object.entries(exception).map(([key, value]): [string, Value] => [
          `exception.${key}`,
          value,
        ])
        for (const each of [
          ...named,
          ['exception.stacktrace', 'Error\n    at /n8n/x.js:1:1'] as [string, Value],
        ])
          event.writeMessage(3, attribute, each)
      },
      null,
    )
  }
  pbf.writeMessage(15, (_: null, status: PbfWriter) => status.writeVarintField(3, span.failed ? 2 : 1), null)
}

export function encodeTraces(spans: TestSpan[]): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter()
  pbf.writeMessage(
    1,
    (_: null, resource: PbfWriter) => {
      resource.writeMessage(
        1,
        (_1: null, r: PbfWriter) => r.writeMessage(1, attribute, ['service.name', 'n8n']),
        null,
      )
      resource.writeMessage(
        2,
        (_1: null, scope: PbfWriter) => {
          scope.writeMessage(1, (_1: null, s: PbfWriter) => s.writeStringField(1, 'n8n-workflow'), null)
          for (const each of spans) scope.writeMessage(2, writeSpan, each)
        },
        null,
      )
    },
    null,
  )
  return Uint8Array.from(pbf.finish())
}

const jsonValue = (value: Value) =>
  typeof value === 'string'
    ? { stringValue: value }
    : typeof value === 'boolean'
      ? { boolValue: value }
      : Number.isInteger(value)
        ? { intValue: String(value) }
        : { doubleValue: value }

const jsonAttributes = (attributes: Record<string, Value>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: jsonValue(value) }))

/** The same in OTLP/JSON. */
export const tracesJson = (spans: TestSpan[]) => ({
  resourceSpans: [
    {
      resource: { attributes: jsonAttributes({ 'service.name': 'n8n' }) },
      scopeSpans: [
        {
          scope: { name: 'n8n-workflow' },
          spans: spans.map((span) => ({
            traceId: span.traceId,
            spanId: span.spanId,
            ...(span.parentSpanId && { parentSpanId: span.parentSpanId }),
            name: span.name,
            kind: 1,
            startTimeUnixNano: `${span.startMs}000000`,
            endTimeUnixNano: `${span.endMs}000000`,
            attributes: jsonAttributes(span.attributes),
            events: span.exception
              ? [
                  {
                    name: 'exception',
                    timeUnixNano: `${span.endMs}000000`,
                    attributes: jsonAttributes({
                      'exception.type': span.exception.type,
                      'exception.message': span.exception.message,
                    }),
                  },
                ]
              : [],
            status: { code: span.failed ? 2 : 1 },
          })),
        },
      ],
    },
  ],
})

const hex = (chars: number) =>
  Array.from({ length: chars }, () => Math.floor(Math.random() * 16).toString(16)).join('')

export interface TestRun {
  executionId: string
  workflowId: string
  startMs: number
  status?: string
  /** In order. Each takes 10 ms. `error`: its message. */
  nodes: { name: string; type?: string; items?: number; error?: string }[]
  /** Of an earlier part of the same run. */
  traceId?: string
  attributes?: Record<string, Value>
}

/** The spans of a run in the order in which n8n ends them: the nodes, then the run. */
export function spansOf({ executionId, workflowId, startMs, nodes, ...run }: TestRun): TestSpan[] {
  const traceId = run.traceId ?? hex(32)
  const ownId = hex(16)
  const failing = nodes.find(({ error }) => error !== undefined)?.error
  const status = run.status ?? (failing === undefined ? 'success' : 'error')
  const exception = (message: string | undefined) =>
    message === undefined ? {} : { failed: true, exception: { type: 'NodeApiError', message } }
  return [
    ...nodes.map(({ name, type = 'n8n-nodes-base.noOp', items = 1, error }, index) => ({
      traceId,
      spanId: hex(16),
      parentSpanId: ownId,
      name: 'node.execute',
      startMs: startMs + index * 10,
      endMs: startMs + index * 10 + 10,
      attributes: {
        'n8n.node.id': name,
        'n8n.node.name': name,
        'n8n.node.type': type,
        'n8n.node.type_version': 1.1,
        'n8n.node.items.input': 1,
        'n8n.node.items.output': items,
      },
      ...exception(error),
    })),
    {
      traceId,
      spanId: ownId,
      name: 'workflow.execute',
      startMs,
      endMs: startMs + nodes.length * 10 + 5,
      attributes: {
        'n8n.workflow.id': workflowId,
        'n8n.workflow.name': 'Invoices',
        'n8n.workflow.version_id': '',
        'n8n.workflow.node_count': nodes.length,
        'n8n.execution.id': executionId,
        'n8n.execution.mode': 'webhook',
        'n8n.execution.status': status,
        'n8n.execution.is_retry': false,
        ...(failing !== undefined && { 'n8n.execution.error_type': 'NodeApiError' }),
        ...run.attributes,
      },
      ...(status === 'error' ? exception(failing) : {}),
    },
  ]
}
