/** @module Cursor paging, newest first: a cursor is the last id of the page before, and ids sort by time. */
import { parse, stringify, validate } from 'uuid'
import * as z from 'zod'

export interface Page {
  /** 1 to 100. */
  limit: number
  /** The id after which (older) the page starts. */
  after: string | null
}

export interface Slice<T> {
  items: T[]
  nextCursor: string | null
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')

export const encodeCursor = (id: string): string => base64url(parse(id))

/** The id in a cursor, or null when it is none of ours. */
export function decodeCursor(cursor: string): string | null {
  if (!/^[A-Za-z0-9_-]{22}$/.test(cursor)) return null
  const text = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0))
  if (bytes.length !== 16) return null
  try {
    const id = stringify(bytes)
    return validate(id) && encodeCursor(id) === cursor ? id : null
  } catch {
    return null
  }
}

/** `limit` and `cursor` of a list's query; spread into the query schema of each list. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'A whole number from 1 to 100')
    .transform(Number)
    .pipe(z.number().min(1, 'At least 1').max(100, 'At most 100'))
    .optional()
    .meta({ description: '1 to 100, by default 50' }),
  cursor: z
    .string()
    .max(64)
    .refine((cursor) => decodeCursor(cursor) !== null, 'Not a cursor that this list gave out')
    .optional(),
}

export const toPage = (query: { limit?: number | undefined; cursor?: string | undefined }): Page => ({
  limit: query.limit ?? 50,
  after: query.cursor === undefined ? null : decodeCursor(query.cursor),
})

/** A page from `limit + 1` rows: the surplus row tells that there is a next one. */
export function slice<T extends { id: string }>(rows: T[], limit: number): Slice<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: rows.length > limit && last ? encodeCursor(last.id) : null }
}

/** A list's HTTP shape. */
export const sliceOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })
