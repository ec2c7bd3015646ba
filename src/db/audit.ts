import { v7 as uuidv7 } from 'uuid'
import type { Db } from './client.ts'
import { auditEvents } from './schema/users.ts'

/** The insert of one audit event, for the batch that makes the change it tells of. `details` holds no secret. */
export function auditEvent(
  db: Db,
  userId: string,
  action: `${string}.${string}`,
  subjectId: string | null,
  details?: Record<string, unknown>,
) {
  return db.insert(auditEvents).values({ id: uuidv7(), userId, action, subjectId, details: details ?? null })
}
