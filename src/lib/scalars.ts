/** @module The zod schemas of single values that several contracts share. */
import { hasNul } from './storable-text.ts'
import * as z from 'zod'

export const Uuid = z.uuid({ version: 'v7', message: 'Must be a UUIDv7' })

export const isUuid = (text: string): boolean => Uuid.safeParse(text).success

/** The path parameter `:id`. */
export const IdParam = z.object({ id: z.uuid({ version: 'v7' }) })

/** An instant between the years 2000 and 2100. */
export const Instant = z.iso
  .datetime({
    offset: true,
    message: 'Must be an ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z',
  })
  .refine((text) => {
    const year = new Date(text).getUTCFullYear()
    return year >= 2000 && year <= 2100
  }, 'Must be between the years 2000 and 2100')
  .transform((text) => new Date(text))

/** @returns a `superRefine` check that `from` is not after `to` */
export const inOrder =
  <F extends string, T extends string>(from: F, to: T) =>
  (query: { [K in F | T]?: Date | undefined }, ctx: z.RefinementCtx): void => {
    const start = query[from]
    const end = query[to]
    if (start && end && start > end) {
      ctx.addIssue({ code: 'custom', path: [to], message: `Must not be before ${from}` })
    }
  }

const bounded = (string: z.ZodString, maxChars: number) =>
  string
    .min(1, 'Must not be empty')
    .max(maxChars, `At most ${maxChars.toLocaleString('en')} characters`)
    .refine((value) => !hasNul(value), 'Must not contain NUL characters')

export const text = (maxChars: number) => bounded(z.string(), maxChars)
export const trimmedText = (maxChars: number) => bounded(z.string().trim(), maxChars)

/** Accepts `?name=a,b` and `?name=a&name=b`. */
export const listOf = <T extends z.ZodType<unknown, string>>(item: T, maxItems: number) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [...new Set([given].flat().flatMap((text) => text.split(',')))])
    .pipe(z.array(item).max(maxItems, `At most ${maxItems} values`))
    .meta({
      anyOf: undefined,
      type: 'array',
      items: { type: 'string', ...(item instanceof z.ZodEnum && { enum: item.options }) },
    })

/** The fingerprint of an error group. */
export const Fingerprint = z
  .string()
  .regex(/^[0-9a-f]{16}$/, 'Must be an error fingerprint: 16 hexadecimal digits')
