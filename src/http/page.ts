/** @module Cursor paging, newest first. A cursor encodes the last ID of the previous page; IDs sort by time. */
import { base64url } from 'jose'
import { parse, stringify, validate } from 'uuid'
import * as z from 'zod'
import { cutList } from '../lib/cut-list.ts'
import { asInteger } from './openapi.ts'

export interface Page<Position = string> {
  /** 1 to 100. */
  limit: number
  /** Start after (older than) this position: an ID, unless the list has its own order. */
  after: Position | null
}

export interface Slice<T> {
  items: T[]
  nextCursor: string | null
}

export const encodeCursor = (id: string): string => base64url.encode(parse(id))

/** The ID in a cursor; null for an invalid cursor. */
export function decodeCursor(cursor: string): string | null {
  if (!/^[A-Za-z0-9_-]{22}$/.test(cursor)) return null
  const bytes = base64url.decode(cursor)
  if (bytes.length !== 16) return null
  try {
    const id = stringify(bytes)
    return validate(id) && encodeCursor(id) === cursor ? id : null
  } catch {
    return null
  }
}

export const defaultLimit = 50

/** Query parameters `limit` and `cursor`; spread them into each list's query schema. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'Must be a whole number from 1 to 100')
    .transform(Number)
    .pipe(z.number().min(1, 'At least 1').max(100, 'At most 100'))
    .optional()
    .meta({ ...asInteger({ minimum: 1, maximum: 100, default: 50 }), description: 'Items per page' }),
  cursor: z
    .string()
    .max(64)
    .refine(
      (cursor) => decodeCursor(cursor) !== null,
      'Not a cursor from this list. Use the nextCursor of a page',
    )
    .optional(),
}

export const toPage = (query: { limit?: number | undefined; cursor?: string | undefined }): Page => ({
  limit: query.limit ?? defaultLimit,
  after: query.cursor === undefined ? null : decodeCursor(query.cursor),
})

/** A page from `limit + 1` rows; the extra row means that there is a next page. */
export function slice<T extends { id: string }>(
  rows: T[],
  limit: number,
  cursorOf: (last: T) => string = ({ id }) => encodeCursor(id),
): Slice<T> {
  const { items, isCut } = cutList(rows, limit)
  const last = items.at(-1)
  return { items, nextCursor: isCut && last ? cursorOf(last) : null }
}

/** The response schema of a list. */
export const sliceOf = <T extends z.ZodType>(item: T) =>
  z
    .object({
      items: z.array(item),
      nextCursor: z.string().nullable().meta({ description: 'Null on the last page' }),
    })
    .meta({ ref: `${String(item.meta()?.['ref']).replace(/Summary$/, '')}List` })
