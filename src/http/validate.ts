/** @module Reads and validates input once: size, media type, UTF-8, JSON, nesting, then the contract's schema. */
import { pointerOf } from '../lib/json-object.ts'
import { concatBytes } from '../lib/encoding.ts'
import type { Context, Env, Input, MiddlewareHandler, ValidationTargets } from 'hono'
import type * as z from 'zod'
import { AppError, type FieldError, invalid } from '../errors.ts'
import { MAX_CONTAINERS, mayBeUnstorable, measureJson } from '../lib/json-text.ts'
import { MAX_JSON_DEPTH } from '../lib/canonical-json.ts'
import { checkJson, MAX_WORKFLOW_BYTES } from '../n8n/reading/workflow-json.ts'
import { documented } from './openapi.ts'

export const bodyLimits = {
  default: 64 * 1024,
  workflow: MAX_WORKFLOW_BYTES,
  hook: 4 * 1024 * 1024,
} as const

const sizeText = (bytes: number): string =>
  bytes % (1024 * 1024) === 0 ? `${bytes / (1024 * 1024)} MB` : `${bytes / 1024} KB`

/**
 * Number of bytes to drain from an oversized body. A client that is still sending when the response arrives may see a
 * broken connection instead of the response.
 */
const lingerBytes = 512 * 1024

const formats: Record<string, string> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate', br: 'brotli' }

/**
 * The body without its `Content-Encoding`, decoded while it is read.
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
    // Some runtimes lack brotli.
    if (Object.hasOwn(formats, encoding)) return new DecompressionStream(formats[encoding] as 'gzip')
  } catch {}
  throw new AppError(
    'unsupported-media-type',
    `Content-Encoding ${encoding.slice(0, 40)} is not supported. Use gzip`,
  )
}

/** @throws {AppError} `too-large` by the decoded size, regardless of Content-Length; `malformed-json` */
async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new AppError('too-large', `Request body exceeds ${sizeText(limitBytes)}`)
  if (Number(request.headers.get('Content-Length') ?? 0) > limitBytes + lingerBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  // An oversized body stays unread: canceling would close the socket before the response is sent.
  const reader = decoded(request)?.getReader()
  for (let next = await read(reader); next && !next.done; next = await read(reader)) {
    sizeBytes += next.value.byteLength
    if (sizeBytes > limitBytes + lingerBytes) throw tooLarge()
    if (sizeBytes <= limitBytes) chunks.push(next.value)
  }
  if (sizeBytes > limitBytes) throw tooLarge()
  return concatBytes(chunks)
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array> | undefined) {
  try {
    return await reader?.read()
  } catch (error) {
    throw new AppError('malformed-json', 'Request body could not be read or decoded', { cause: error })
  }
}

/**
 * The request body as text. Rejects a byte-order mark and invalid UTF-8.
 * @throws {AppError} `unsupported-media-type`, `too-large`, `malformed-json`
 */
export async function readText(c: Context, limitBytes: number): Promise<string> {
  return readTextOf(c, ['application/json'], limitBytes)
}

/**
 * The fields of an HTML form, URL-encoded or multipart. A file in `<name>.file` replaces the field `<name>`.
 * @throws {AppError} `unsupported-media-type`, `too-large`, `malformed-json`
 */
export async function readFormFields(c: Context, limitBytes: number): Promise<URLSearchParams> {
  const mediaType = c.req.header('Content-Type') ?? ''
  if (!/^multipart\/form-data\s*;/i.test(mediaType)) {
    return new URLSearchParams(await readTextOf(c, ['application/x-www-form-urlencoded'], limitBytes))
  }
  const bytes = await readBytes(c.req.raw, limitBytes)
  const parts = await new Response(bytes, { headers: { 'Content-Type': mediaType } })
    .formData()
    .catch((error: unknown) => {
      throw new AppError('malformed-json', 'The form could not be read', { cause: error })
    })
  const fields = new URLSearchParams()
  for (const [name, value] of parts) if (typeof value === 'string') fields.append(name, value)
  for (const [name, file] of parts) {
    if (typeof file !== 'string' && file.size > 0) fields.set(name.replace(/\.file$/, ''), await textOf(file))
  }
  return fields
}

/** A text file without its byte order mark. */
async function textOf(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new AppError('malformed-json', 'The file is not a text file in UTF-8')
  }
}

/**
 * The decoded body and its media type, one of `mediaTypes`, the preferred one first.
 * @throws {AppError} `unsupported-media-type`, `too-large`, `malformed-json`
 */
export async function readBytesOf<M extends string>(
  c: Context,
  mediaTypes: readonly M[],
  limitBytes: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; mediaType: M }> {
  const sent = (c.req.header('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const mediaType = mediaTypes.find((each) => each === sent)
  if (mediaType === undefined) {
    throw new AppError('unsupported-media-type', `Send the body with Content-Type: ${mediaTypes[0]}`)
  }
  return { bytes: await readBytes(c.req.raw, limitBytes), mediaType }
}

/** `readText` for any of several media types, the preferred one first. */
export async function readTextOf(
  c: Context,
  mediaTypes: readonly string[],
  limitBytes: number,
): Promise<string> {
  const { bytes } = await readBytesOf(c, mediaTypes, limitBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new AppError('malformed-json', 'Request body is not valid UTF-8')
  }
}

/**
 * @returns the value, and the nesting depth of its text
 * @throws {AppError} `malformed-json`; `invalid` for more than 250,000 arrays and objects
 */
export function parseJson(text: string): { value: unknown; depth: number } {
  const { containers, depth } = measureJson(text)
  if (containers > MAX_CONTAINERS) {
    throw invalid('', 'Request body has more than 250,000 arrays and objects')
  }
  try {
    return { value: JSON.parse(text), depth }
  } catch {
    throw new AppError('malformed-json', 'Request body is not valid JSON')
  }
}

const placeOf = (path: readonly PropertyKey[], target: keyof ValidationTargets): string =>
  target === 'json' ? pointerOf(path) : path.map(String).join('.')

function fieldErrors(issues: readonly z.core.$ZodIssue[], target: keyof ValidationTargets): FieldError[] {
  return issues.flatMap((issue): FieldError[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: placeOf([...issue.path, key], target),
          detail: 'Unknown field',
        }))
      : issue.code === 'invalid_union' && issue.errors.length > 0
        ? fieldErrors(nearestBranch(issue), target)
        : [{ pointer: placeOf(issue.path, target), detail: issue.message }],
  )
}

/** Issues of the union branch that the value matches best, with paths from the body's root. */
function nearestBranch({ errors, path }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  const depth = (issues: z.core.$ZodIssue[]) =>
    // Not as arguments: a large body may have more issues than a call can take.
    issues.reduce(
      (deepest, { path: { length }, code }) =>
        Math.max(deepest, length + (code === 'unrecognized_keys' ? 1 : 0)),
      0,
    )
  const [nearest = []] = errors.toSorted((a, b) => depth(b) - depth(a))
  return nearest.map((issue) => Object.assign({}, issue, { path: [...path, ...issue.path] }))
}

/** @throws {AppError} `invalid` with one entry per error */
export function check<T extends z.ZodType>(
  schema: T,
  value: unknown,
  target: keyof ValidationTargets,
): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = fieldErrors(result.error.issues, target).slice(0, 50)
  const [first] = errors
  throw new AppError(
    'invalid',
    first ? `${first.pointer || 'Request body'}: ${first.detail}` : 'Invalid value',
    {
      errors,
    },
  )
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
  const { value, depth } = prepared === text ? asSent : parseJson(prepared)
  const errors = depth > MAX_JSON_DEPTH || mayBeUnstorable(prepared) ? checkJson(value) : []
  if (errors.length > 0) {
    throw new AppError('invalid', `${errors[0]?.pointer || 'Request body'}: ${errors[0]?.detail}`, { errors })
  }
  return value
}

type Validated<S extends z.ZodType, T extends keyof ValidationTargets> = {
  in: { [K in T]: z.input<S> }
  out: { [K in T]: z.output<S> }
}

/**
 * Validates one part of the request and documents it in the OpenAPI document.
 * An invalid path parameter is a 404, because no such resource can exist.
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
      if (!result.success) throw new AppError('not-found', 'The resource does not exist. Check the ID')
      c.req.addValidatedData(target, result.data as object)
    } else {
      c.req.addValidatedData(target, check(schema, value, target) as object)
    }
    await next()
  }
  return Object.assign(middleware, documented(target, schema)) as never
}
