/** @module What the database server says about itself, for the checks of `setup` and `doctor`. Reads only. */
import { sql } from 'drizzle-orm'
import type { Db } from './client.ts'

export interface ServerFacts {
  /** Such as 150018. */
  versionNumber: number
  version: string
  role: string
  isSuperuser: boolean
  bypassesRls: boolean
  schema: string | null
  mayCreate: boolean
  timeZone: string
  dateStyle: string
  encoding: string
  extensions: string[]
  /** Milliseconds; 0 for none. */
  statementTimeoutMs: number
  /** The clock of the server, and half of the time that the statement took. */
  clock: Date
  roundTripMs: number
}

export async function readServerFacts(db: Db): Promise<ServerFacts> {
  // The first statement of a connection takes longer, which would blur the clock.
  await db.read.execute(sql`select 1`)
  const sentAt = performance.now()
  const { rows } = await db.read.execute(sql`
    select current_setting('server_version_num')::integer as version_number,
      current_setting('server_version') as version,
      r.rolname as role, r.rolsuper as is_superuser, r.rolbypassrls as bypasses_rls,
      current_schema() as schema,
      coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
      current_setting('TimeZone') as time_zone,
      current_setting('DateStyle') as date_style,
      pg_encoding_to_char(d.encoding) as encoding,
      array(select extname::text from pg_extension order by 1) as extensions,
      (select setting::integer from pg_settings where name = 'statement_timeout') as statement_timeout_ms,
      extract(epoch from clock_timestamp()) * 1000 as clock_ms
    from pg_roles r, pg_database d
    where r.rolname = current_user and d.datname = current_database()`)
  const roundTripMs = performance.now() - sentAt
  const [row] = rows
  if (!row) throw new Error('The database does not describe the role that is connected')
  return {
    versionNumber: Number(row['version_number']),
    version: String(row['version']),
    role: String(row['role']),
    isSuperuser: row['is_superuser'] === true,
    bypassesRls: row['bypasses_rls'] === true,
    schema: row['schema'] as string | null,
    mayCreate: row['may_create'] === true,
    timeZone: String(row['time_zone']),
    dateStyle: String(row['date_style']),
    encoding: String(row['encoding']),
    extensions: (row['extensions'] as string[]) ?? [],
    statementTimeoutMs: Number(row['statement_timeout_ms']),
    clock: new Date(Number(row['clock_ms'])),
    roundTripMs,
  }
}
