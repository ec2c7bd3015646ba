/** @module Reads and checks input once: size, media type, UTF-8, JSON, nesting, then the contract's schema. */
import type { Context, Env, Input, MiddlewareHandler, ValidationTargets } from 'hono'
import { uniqueSymbol, validator } from 'hono-openapi'
import type * as z from 'zod'
import { AppError, type FieldError, invalid } from '../errors.ts'
import { MAX_CONTAINERS, measureJson } from '../lib/json-text.ts'
import { checkJson } from '../n8n/workflow-json.ts'

export const bodyLimits = {
  default: 64 * 1024,
  workflow: 2 * 1024 * 1024,
  hook: 4 * 1024 * 1024,
} as const

/**
 * So much of what is too large is read all the same, and forgotten: who is answered while still sending may see a broken
 * connection instead of the answer.
 */
const lingerBytes = 512 * 1024

const formats: Record<string, string> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate', br: 'brotli' }

/**
 * The body without its `Content-Encoding`. Decoded as it is read: whoever stops reading stops decoding.
 * @throws {AppError} `unsupported-media-type`
 */
function decoded(request: Request): Request['body'] {
  const encodings = (request.headers.get('Content-Encoding') ?? '').toLowerCase().split(',')
  let body = request.body
  for (const encoding of encodings.map((each) => each.trim()).toReversed()) {
    if (encoding === '' || encoding === 'identity') continue
    body = body && body.pipeThrough(decompression(encoding))
  }
  return body
}

function decompression(encoding: string): DecompressionStream {
  try {
    // Not every runtime has brotli.
    if (Object.hasOwn(formats, encoding)) return new DecompressionStream(formats[encoding] as 'gzip')
  } catch {}
  throw new AppError(
    'unsupported-media-type',
    `Content-Encoding ${encoding.slice(0, 40)} is not supported. Use gzip`,
  )
}

/** @throws {AppError} `too-large`, counted while reading and decoding, whatever Content-Length says; `malformed-json` */
async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new AppError('too-large', `The body may hold ${limitBytes} bytes at most`)
  if (Number(request.headers.get('Content-Length') ?? 0) > limitBytes + lingerBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  // Left unread rather than cancelled where it is too large: cancelling closes the socket before the answer is out.
  const reader = decoded(request)?.getReader()
  for (let next = await read(reader); next && !next.done; next = await read(reader)) {
    sizeBytes += next.value.byteLength
    if (sizeBytes > limitBytes + lingerBytes) throw tooLarge()
    if (sizeBytes <= limitBytes) chunks.push(next.value)
  }
  if (sizeBytes > limitBytes) throw tooLarge()
  const bytes = new Uint8Array(sizeBytes)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array> | undefined) {
  try {
    return await reader?.read()
  } catch (error) {
    throw new AppError('malformed-json', 'The body could not be read or decoded', { cause: error })
  }
}

/**
 * The request's body as text. A byte-order mark and invalid UTF-8 are refused.
 * @throws {AppError} `unsupported-media-type`, `too-large`, `malformed-json`
 */
export async function readText(c: Context, limitBytes: number): Promise<string> {
  return readTextOf(c, ['application/json'], limitBytes)
}

/** As `readText`, of an HTML form. */
export async function readFormText(c: Context, limitBytes: number): Promise<string> {
  return readTextOf(c, ['application/x-www-form-urlencoded'], limitBytes)
}

/** As `readText`, of any of several media types, the preferred one first. */
export async function readTextOf(
  c: Context,
  mediaTypes: readonly string[],
  limitBytes: number,
): Promise<string> {
  const sent = (c.req.header('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (!mediaTypes.includes(sent)) {
    throw new AppError('unsupported-media-type', `Send the body with Content-Type: ${mediaTypes[0]}`)
  }
  const bytes = await readBytes(c.req.raw, limitBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new AppError('malformed-json', 'The body is not valid UTF-8')
  }
}

/** @throws {AppError} `malformed-json`; `invalid` for more than 250,000 arrays and objects */
export function parseJson(text: string): unknown {
  if (measureJson(text).containers > MAX_CONTAINERS) {
    throw invalid('', 'Request body has more than 250,000 arrays and objects')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('malformed-json', 'The body is not valid JSON')
  }
}

const pointerOf = (path: readonly PropertyKey[], target: keyof ValidationTargets): string =>
  target === 'json'
    ? path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    : path.map(String).join('.')

function fieldErrors(issues: readonly z.core.$ZodIssue[], target: keyof ValidationTargets): FieldError[] {
  return issues.flatMap((issue): FieldError[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: pointerOf([...issue.path, key], target),
          detail: 'Unknown field',
        }))
      : issue.code === 'invalid_union' && issue.errors.length > 0
        ? fieldErrors(nearestBranch(issue), target)
        : [{ pointer: pointerOf(issue.path, target), detail: issue.message }],
  )
}

/** Of the shapes that a value may have, the one that it fits furthest; its issues, with their paths from the body. */
function nearestBranch({ errors, path }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  const depth = (issues: z.core.$ZodIssue[]) =>
    Math.max(...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)))
  const [nearest = []] = errors.toSorted((a, b) => depth(b) - depth(a))
  return nearest.map((issue) => Object.assign({}, issue, { path: [...path, ...issue.path] }))
}

/** @throws {AppError} `invalid` with one entry for each fault */
export function check<T extends z.ZodType>(
  schema: T,
  value: unknown,
  target: keyof ValidationTargets,
): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = fieldErrors(result.error.issues, target).slice(0, 50)
  const [first] = errors
  throw new AppError('invalid', first ? `${first.pointer || 'The body'}: ${first.detail}` : 'Not valid', {
    errors,
  })
}

function queryOf(c: Context): Record<string, string | string[]> {
  const entries = Object.entries(c.req.queries())
  return Object.fromEntries(
    entries.map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}

async function valueOf(
  c: Context,
  target: keyof ValidationTargets,
  limitBytes: number,
  prepare: (text: string) => string,
): Promise<unknown> {
  if (target === 'param') return c.req.param()
  if (target === 'query') return queryOf(c)
  const text = await readText(c, limitBytes)
  c.set('bodyText', text)
  const asSent = parseJson(text)
  const prepared = prepare(text)
  const value = prepared === text ? asSent : parseJson(prepared)
  const errors = checkJson(value, {})
  if (errors.length > 0) {
    throw new AppError('invalid', `${errors[0]?.pointer || 'The body'}: ${errors[0]?.detail}`, { errors })
  }
  return value
}

type Validated<S extends z.ZodType, T extends keyof ValidationTargets> = {
  in: { [K in T]: z.input<S> }
  out: { [K in T]: z.output<S> }
}

/**
 * Validates one part of the request and documents it in the OpenAPI description.
 * A path parameter that is not valid is a 404: no such thing can exist.
 * @param prepare changes the text of a well-formed JSON body before it is parsed
 */
export function valid<
  S extends z.ZodType,
  T extends 'json' | 'query' | 'param',
  E extends Env,
  P extends string,
>(
  target: T,
  schema: S,
  limitBytes: number = bodyLimits.default,
  prepare: (text: string) => string = (text) => text,
): MiddlewareHandler<E, P, Validated<S, T> & Input> {
  const middleware: MiddlewareHandler = async (c, next) => {
    const value = await valueOf(c, target, limitBytes, prepare)
    if (target === 'param') {
      const result = schema.safeParse(value)
      if (!result.success) throw new AppError('not-found', 'No such resource')
      c.req.addValidatedData(target, result.data as object)
    } else {
      c.req.addValidatedData(target, check(schema, value, target) as object)
    }
    await next()
  }
  const documented = validator(target, schema) as unknown as Record<symbol, unknown>
  return Object.assign(middleware, { [uniqueSymbol]: documented[uniqueSymbol] }) as never
}
