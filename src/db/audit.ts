import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { redactStrings } from '../lib/secrets/redact-json.ts'
import { currentActor } from './actor.ts'
import type { Db } from './client.ts'
import { auditEvents, users } from './schema/users.ts'

type Action = `${string}.${string}`

/** Who makes the change, in statements that insert an audit event themselves. */
export const actorColumns = sql`token_id, token_name, actor, approval_id, session_id, request_id, client_address, user_agent`
export function actorValues() {
  const { tokenId, tokenName, actor, approvalId, sessionId, requestId, clientAddress, userAgent } =
    currentActor()
  return sql`${tokenId}::uuid, ${tokenName}::text, ${actor}::text, ${approvalId}::uuid, ${sessionId}::uuid,
    ${requestId}::uuid, ${clientAddress}::text, ${userAgent}::text`
}

/** Inserts one audit event, in the batch of the change that it describes. Redacts secrets in `details`. */
export function auditEvent(
  db: Db,
  userId: string,
  action: Action,
  subjectId: string | null,
  details?: Record<string, unknown>,
) {
  return db.insert(auditEvents).values({
    id: uuidv7(),
    userId,
    action,
    subjectId,
    details: details ? redactStrings(details) : null,
    ...currentActor(),
  })
}

/** Like `auditEvent`, but inserts nothing when the account no longer exists. */
export function auditEventOfUser(
  db: Db,
  userId: string,
  action: Action,
  subjectId: string | null,
  details?: Record<string, unknown>,
) {
  return db.execute(sql`
    insert into ${auditEvents} (id, user_id, action, subject_id, details, ${actorColumns})
    select ${uuidv7()}::uuid, ${users.id}, ${action}, ${subjectId}::uuid, ${details ? JSON.stringify(redactStrings(details)) : null}::jsonb,
      ${actorValues()}
    from ${users} where ${users.id} = ${userId}`)
}
