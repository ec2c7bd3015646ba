/** @module Column builders that every table shares. */
import { customType, timestamp, uuid } from 'drizzle-orm/pg-core'

/** UUIDv7, made by the application. */
export const id = () => uuid('id').primaryKey()

/** Milliseconds, as a JavaScript date holds: a cursor made from a read value finds the same row again. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const createdAt = () => instant('created_at').notNull().defaultNow()

/** Kept by the trigger `set_updated_at`. */
export const updatedAt = () => instant('updated_at').notNull().defaultNow()

export const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' })
