/** @module The context shared by the parts of an import. */
import * as z from 'zod'
import { isRefusal, type Session } from './session.ts'

export interface Context {
  folder: string
  session: Session
  /** Idempotency keys, so that requests can be repeated after a lost response within this run. */
  key: (name: string) => string
  /** Reports something as skipped, in messages and in the result. */
  skip: (what: string, reason: string) => void
  progress: (line: string) => void
}

/** Reports a request that the server rejects because of its content, and returns null. @throws any other error */
export async function unlessRefused(
  request: () => Promise<unknown>,
  skip: Context['skip'],
  what: string,
): Promise<unknown> {
  try {
    return await request()
  } catch (error) {
    if (!isRefusal(error)) throw error
    skip(what, error.message)
    return null
  }
}

/** The previous token works for another 24 hours. */
export async function newWebhookToken(session: Session, instanceId: string): Promise<string> {
  const path = `/v1/instances/${instanceId}/webhook-token`
  const answer = await session.post(path, {}, crypto.randomUUID())
  return z.looseObject({ webhookToken: z.string() }).parse(answer).webhookToken
}
