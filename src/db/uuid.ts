import { type SQL, sql } from 'drizzle-orm'

/** An expression for a new UUIDv7 of the given time, for rows whose number is not known in advance. One per row. */
export const newUuidAt = (at: Date): SQL => sql`encode(set_bit(set_bit(
  overlay(uuid_send(gen_random_uuid()) placing substring(int8send(${at.getTime()}::bigint) from 3) from 1 for 6),
  52, 1), 53, 1), 'hex')::uuid`
