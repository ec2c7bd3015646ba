/** @module What the parts of an import share. */
import * as z from 'zod'
import { isRefusal, type Session } from './session.ts'

export interface Context {
  folder: string
  session: Session
  /** Makes a repeat after a lost answer harmless, in this run only. */
  key: (name: string) => string
  /** Something is left out: told, and part of the result. */
  skip: (what: string, reason: string) => void
  progress: (line: string) => void
}

/** Null when the server rejects the content of the request, which is reported. @throws any other error */
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

/** The earlier one works for another 24 hours. */
export async function newWebhookToken(session: Session, instanceId: string): Promise<string> {
  const path = `/v1/instances/${instanceId}/webhook-token`
  const answer = await session.post(path, {}, crypto.randomUUID())
  return z.looseObject({ webhookToken: z.string() }).parse(answer).webhookToken
}
