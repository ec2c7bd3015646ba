/** @module Pages of the lists of types. A cursor is the last type of the previous page. */
import type { MiddlewareHandler } from 'hono'
import { base64url } from 'jose'
import * as z from 'zod'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { pageQuery, type Slice } from '../http/page.ts'

/** The last type of the previous page, base64url-encoded; null when the cursor is invalid. */
function decodeTypeCursor(cursor: string): string | null {
  try {
    const type = new TextDecoder('utf-8', { fatal: true }).decode(base64url.decode(cursor))
    return type !== '' && base64url.encode(type) === cursor ? type : null
  } catch {
    return null
  }
}

/** @param q describes the search */
export const typeQuery = (q: string) =>
  z.strictObject({
    limit: pageQuery.limit,
    cursor: z
      .string()
      .max(256)
      .refine(
        (cursor) => decodeTypeCursor(cursor) !== null,
        'Not a cursor from this list. Use the nextCursor of a page',
      )
      .optional(),
    q: z.string().max(100, 'At most 100 characters').optional().meta({ description: q }),
  })
type TypeQuery = z.output<ReturnType<typeof typeQuery>>

export const TypeName = z.object({ type: z.string().max(256) })

/** One page of types, ordered by code unit. */
export function pageOf<T extends { type: string }>(all: T[], query: TypeQuery): Slice<T> {
  const after = query.cursor === undefined ? null : decodeTypeCursor(query.cursor)
  const rest = all
    .filter(({ type }) => after === null || type > after)
    .toSorted((a, b) => (a.type < b.type ? -1 : 1))
  return sliceFrom(rest, query)
}

/** One page of types in their own order. */
export function rankedPageOf<T extends { type: string }>(all: T[], query: TypeQuery): Slice<T> {
  const after = query.cursor === undefined ? null : decodeTypeCursor(query.cursor)
  const position = all.findIndex(({ type }) => type === after)
  return sliceFrom(after === null ? all : position < 0 ? [] : all.slice(position + 1), query)
}

function sliceFrom<T extends { type: string }>(rest: T[], { limit = 50 }: TypeQuery): Slice<T> {
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: rest.length > limit && last ? base64url.encode(last.type) : null }
}

export function requireBuiltIn<T>(value: T | undefined, kind: string): T {
  if (value === undefined) throw new AppError('not-found', `n8n has no built-in ${kind} type with this name`)
  return value
}

/** The catalogue changes with the release only, and is the same for every user. */
export const cachedByClient: MiddlewareHandler<AuthEnv> = async (c, next) => {
  await next()
  if (c.res.status === 200) c.header('Cache-Control', 'private, max-age=3600')
}
