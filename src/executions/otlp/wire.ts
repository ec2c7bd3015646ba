/**
 * @module The wire format of OTLP traces, as protobuf and as JSON. Field numbers are from opentelemetry-proto 1.x:
 * `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto` and `common/v1/common.proto`. Reads only what n8n's spans
 * use; other fields are skipped.
 */
import { PbfReader, PbfWriter } from 'pbf'
import { AppError, invalid } from '../../errors.ts'
import { parseJson } from '../../http/validate.ts'
import { toHex } from '../../lib/encoding.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'

export const traceMediaTypes = ['application/x-protobuf', 'application/json'] as const
export type TraceMediaType = (typeof traceMediaTypes)[number]

/** Strings, numbers and booleans. Lists, maps and bytes are left out. */
export type Attributes = Map<string, string | number | boolean>

export interface Span {
  /** Lower-case hex, like the other IDs. */
  traceId: string
  spanId: string
  /** Empty for a root span. */
  parentSpanId: string
  name: string
  startMs: number
  endMs: number
  attributes: Attributes
  events: { name: string; attributes: Attributes }[]
  /** `STATUS_CODE_ERROR` */
  isError: boolean
}

const statusError = 2
const maxJsonDepth = 100

/** @throws {AppError} `malformed-json`; `invalid` for JSON of another shape */
export function readSpans(body: Uint8Array, mediaType: TraceMediaType): Span[] {
  return mediaType === 'application/json' ? spansOfJson(body) : spansOfProtobuf(body)
}

const wire = { varint: 0, fixed64: 1, bytes: 2 } as const

type Fields<T> = Record<number, [type: number, read: (pbf: PbfReader, end: number, into: T) => void]>

/** Reads the fields up to `end`. Unlike pbf's own reader, it detects lengths beyond the enclosing message. */
function readFields<T>(pbf: PbfReader, end: number, fields: Fields<T>, into: T): T {
  for (;;) {
    const field = pbf.nextField(end)
    if (pbf.pos > end) throw new RangeError('Truncated')
    if (field === 0) {
      if (pbf.pos !== end) throw new RangeError('Field number 0')
      return into
    }
    const known = fields[field]
    if (!known) continue
    if (pbf.type !== known[0]) throw new TypeError('Wrong wire type')
    known[1](pbf, end, into)
    if (pbf.pos > end) throw new RangeError('Truncated')
  }
}

function endOf(pbf: PbfReader, outerEnd: number): number {
  const end = pbf.readVarint() + pbf.pos
  if (end > outerEnd) throw new RangeError('Truncated')
  return end
}

const message = <T>(pbf: PbfReader, outerEnd: number, fields: Fields<T>, into: T): T =>
  readFields(pbf, endOf(pbf, outerEnd), fields, into)

const decoder = new TextDecoder()

function bytes(pbf: PbfReader, outerEnd: number): Uint8Array {
  const end = endOf(pbf, outerEnd)
  const value = pbf.buf.subarray(pbf.pos, end)
  pbf.pos = end
  return value
}

const string = (pbf: PbfReader, end: number): string => decoder.decode(bytes(pbf, end))

const milliseconds = (pbf: PbfReader): number => pbf.readFixed64() / 1e6

interface KeyValue {
  key: string
  value: string | number | boolean | null
}

/** `AnyValue`: string, bool, int64 and double. */
const anyValue: Fields<KeyValue> = {
  1: [wire.bytes, (pbf, end, pair) => (pair.value = string(pbf, end))],
  2: [wire.varint, (pbf, _, pair) => (pair.value = pbf.readBoolean())],
  3: [wire.varint, (pbf, _, pair) => (pair.value = pbf.readVarint(true))],
  4: [wire.fixed64, (pbf, _, pair) => (pair.value = pbf.readDouble())],
}

const keyValue: Fields<KeyValue> = {
  1: [wire.bytes, (pbf, end, pair) => (pair.key = string(pbf, end))],
  2: [wire.bytes, (pbf, end, pair) => void message(pbf, end, anyValue, pair)],
}

function attribute(pbf: PbfReader, end: number, { attributes }: { attributes: Attributes }): void {
  const { key, value } = message(pbf, end, keyValue, { key: '', value: null })
  if (value !== null) attributes.set(key, value)
}

const event: Fields<Span['events'][number]> = {
  2: [wire.bytes, (pbf, end, into) => (into.name = string(pbf, end))],
  3: [wire.bytes, attribute],
}

const status: Fields<Span> = {
  3: [wire.varint, (pbf, _, span) => (span.isError = pbf.readVarint() === statusError)],
}

const span: Fields<Span> = {
  1: [wire.bytes, (pbf, end, into) => (into.traceId = toHex(bytes(pbf, end)))],
  2: [wire.bytes, (pbf, end, into) => (into.spanId = toHex(bytes(pbf, end)))],
  4: [wire.bytes, (pbf, end, into) => (into.parentSpanId = toHex(bytes(pbf, end)))],
  5: [wire.bytes, (pbf, end, into) => (into.name = string(pbf, end))],
  7: [wire.fixed64, (pbf, _, into) => (into.startMs = milliseconds(pbf))],
  8: [wire.fixed64, (pbf, _, into) => (into.endMs = milliseconds(pbf))],
  9: [wire.bytes, attribute],
  11: [
    wire.bytes,
    (pbf, end, into) => into.events.push(message(pbf, end, event, { name: '', attributes: new Map() })),
  ],
  15: [wire.bytes, (pbf, end, into) => void message(pbf, end, status, into)],
}

const emptySpan = (): Span => ({
  traceId: '',
  spanId: '',
  parentSpanId: '',
  name: '',
  startMs: 0,
  endMs: 0,
  attributes: new Map(),
  events: [],
  isError: false,
})

/** `ScopeSpans.spans`, `ResourceSpans.scope_spans` and `ExportTraceServiceRequest.resource_spans`. */
const scopeSpans: Fields<Span[]> = {
  2: [wire.bytes, (pbf, end, spans) => spans.push(message(pbf, end, span, emptySpan()))],
}
const resourceSpans: Fields<Span[]> = {
  2: [wire.bytes, (pbf, end, spans) => void message(pbf, end, scopeSpans, spans)],
}
const request: Fields<Span[]> = {
  1: [wire.bytes, (pbf, end, spans) => void message(pbf, end, resourceSpans, spans)],
}

function spansOfProtobuf(body: Uint8Array): Span[] {
  try {
    return readFields(new PbfReader(body), body.length, request, [])
  } catch (error) {
    throw new AppError('malformed-json', 'Request body is not a valid OTLP trace export in protobuf', {
      cause: error,
    })
  }
}

function spansOfJson(body: Uint8Array): Span[] {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new AppError('malformed-json', 'Request body is not valid UTF-8')
  }
  const { value, depth } = parseJson(text)
  if (depth > maxJsonDepth) throw invalid('', `The body is nested more than ${maxJsonDepth} levels deep`)
  if (!isObject(value)) throw invalid('', 'Send an object with resourceSpans')
  return objectsIn(value, 'resourceSpans')
    .flatMap((resource) => objectsIn(resource, 'scopeSpans'))
    .flatMap((scope) => objectsIn(scope, 'spans'))
    .map(spanOfJson)
}

function objectsIn(parent: JsonObject, name: string): JsonObject[] {
  const value = parent[name]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every(isObject)) throw invalid(name, 'Must be an array of objects')
  return value
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const spanOfJson = (raw: JsonObject): Span => ({
  traceId: textOf(raw['traceId']).toLowerCase(),
  spanId: textOf(raw['spanId']).toLowerCase(),
  parentSpanId: textOf(raw['parentSpanId']).toLowerCase(),
  name: textOf(raw['name']),
  startMs: Number(raw['startTimeUnixNano'] ?? 0) / 1e6,
  endMs: Number(raw['endTimeUnixNano'] ?? 0) / 1e6,
  attributes: attributesOfJson(raw),
  events: objectsIn(raw, 'events').map((each) => ({
    name: textOf(each['name']),
    attributes: attributesOfJson(each),
  })),
  isError:
    isObject(raw['status']) && [statusError, 'STATUS_CODE_ERROR'].includes(raw['status']['code'] as string),
})

function attributesOfJson(raw: JsonObject): Attributes {
  const attributes: Attributes = new Map()
  for (const { key, value } of objectsIn(raw, 'attributes')) {
    if (typeof key !== 'string' || !isObject(value)) continue
    const { stringValue, boolValue, intValue, doubleValue } = value
    // OTLP sends 64-bit integers as text.
    const number = intValue ?? doubleValue
    if (typeof stringValue === 'string') attributes.set(key, stringValue)
    else if (typeof boolValue === 'boolean') attributes.set(key, boolValue)
    else if (typeof number === 'number' || typeof number === 'string') attributes.set(key, Number(number))
  }
  return attributes
}

const rejectionMessage = 'Some spans have invalid IDs, statuses or times, or exceed the limit of a request'

/** `ExportTraceServiceResponse`: empty, or with `partial_success`. */
export function exportResponse(
  rejectedSpans: number,
  mediaType: TraceMediaType,
): string | Uint8Array<ArrayBuffer> {
  if (mediaType === 'application/json') {
    const partialSuccess = { rejectedSpans: String(rejectedSpans), errorMessage: rejectionMessage }
    return JSON.stringify(rejectedSpans > 0 ? { partialSuccess } : {})
  }
  const writer = new PbfWriter()
  if (rejectedSpans > 0) {
    writer.writeMessage(
      1,
      (count: number, partial: PbfWriter) => {
        partial.writeVarintField(1, count)
        partial.writeStringField(2, rejectionMessage)
      },
      rejectedSpans,
    )
  }
  return Uint8Array.from(writer.finish())
}
