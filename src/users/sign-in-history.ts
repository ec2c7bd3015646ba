/** @module Sign-ins to an account, successful and failed: the audit events that record them. */
import { and, desc, eq, inArray, lt } from 'drizzle-orm'
import * as z from 'zod'
import type { Reader } from '../db/client.ts'
import { auditEvents } from '../db/schema/users.ts'
import { type Page, pageQuery, type Slice, slice, sliceOf } from '../http/page.ts'
import { deviceName } from './device-name.ts'

export const SignInEntry = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    success: z.boolean(),
    method: z
      .string()
      .meta({ description: 'Such as `password`, `totp`, `passkey`, `recovery-code` or `registration`' }),
    device: z.string().nullable().meta({ description: 'What the `User-Agent` says' }),
    clientAddress: z.string().nullable(),
    sessionId: z.uuid().nullable().meta({ description: 'The session that started, which may have ended' }),
  })
  .meta({ ref: 'SignInEntry' })
export type SignInEntry = z.infer<typeof SignInEntry>
export const SignInEntryList = sliceOf(SignInEntry)
export const SignInQuery = z.strictObject(pageQuery)

const started = ['session.started', 'user.registered']
const failed = ['user.login-failed', 'factor.failed']

/** Newest first. */
export async function listSignIns(db: Reader, userId: string, page: Page): Promise<Slice<SignInEntry>> {
  const rows = await db
    .select()
    .from(auditEvents)
    .where(
      and(
        eq(auditEvents.userId, userId),
        inArray(auditEvents.action, [...started, ...failed]),
        page.after === null ? undefined : lt(auditEvents.id, page.after),
      ),
    )
    .orderBy(desc(auditEvents.id))
    .limit(page.limit + 1)
  const items = rows.map(
    ({ id, action, details, createdAt, clientAddress, userAgent, sessionId }): SignInEntry => {
      const success = started.includes(action)
      const { method } = details ?? {}
      return {
        id,
        at: createdAt.toISOString(),
        success,
        method:
          action === 'user.registered' ? 'registration' : typeof method === 'string' ? method : 'password',
        device: deviceName(userAgent),
        clientAddress,
        sessionId: success ? sessionId : null,
      }
    },
  )
  return slice(items, page.limit)
}
