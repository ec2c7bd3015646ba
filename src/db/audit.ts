import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { redactStrings } from '../lib/redact-json.ts'
import type { Db } from './client.ts'
import { auditEvents, users } from './schema/users.ts'

type Action = `${string}.${string}`

/** The insert of one audit event, for the batch that makes the change it tells of. Secrets in `details` are redacted. */
export function auditEvent(
  db: Db,
  userId: string,
  action: Action,
  subjectId: string | null,
  details?: Record<string, unknown>,
) {
  return db
    .insert(auditEvents)
    .values({ id: uuidv7(), userId, action, subjectId, details: details ? redactStrings(details) : null })
}

/** As `auditEvent`, for a change that finds nothing when the account is gone: then nothing is told of it either. */
export function auditEventOfUser(
  db: Db,
  userId: string,
  action: Action,
  subjectId: string | null,
  details?: Record<string, unknown>,
) {
  return db.execute(sql`
    insert into ${auditEvents} (id, user_id, action, subject_id, details)
    select ${uuidv7()}::uuid, ${users.id}, ${action}, ${subjectId}::uuid, ${details ? JSON.stringify(redactStrings(details)) : null}::jsonb
    from ${users} where ${users.id} = ${userId}`)
}
