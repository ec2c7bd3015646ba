/** @module Sends one message to a channel: a single attempt with a timeout, without redirects, to public addresses only. */
import { AppError } from '../errors.ts'
import { checkTargetUrl, type UrlRules } from '../instances/url-guard.ts'
import { retryAfterSeconds } from '../lib/retry.ts'
import { type SendMail, sendTimeoutMs } from '../mail/mail.ts'
import { type AlertMessage, mailOf, slackBody, webhookBody } from './messages.ts'
import { signatureHeaders } from './signing.ts'

/** The opened target of a channel. */
export interface ChannelTarget {
  url: string
  /** Of a signed webhook. */
  secret?: string
  /** Also signs until then, after a rotation. */
  previous?: { secret: string; until: string }
}

export interface SendOptions {
  fetch: typeof fetch
  now: () => Date
  urls: UrlRules
  /** Null: the server cannot send email. */
  sendMail: SendMail | null
}

export type SendResult =
  | { ok: true }
  | { ok: false; detail: string; retryAfterSeconds?: number | undefined; isGone?: boolean }

const failed = (detail: string): SendResult => ({ ok: false, detail })

export async function sendMessage(
  {
    kind,
    target,
    email,
  }: { kind: 'email' | 'slack' | 'webhook'; target: ChannelTarget | null; email: string },
  message: AlertMessage,
  options: SendOptions,
): Promise<SendResult> {
  if (kind === 'email') {
    if (!options.sendMail) return failed('This server is not configured to send email')
    try {
      await options.sendMail(mailOf(message, email, options.urls.publicUrl))
      return { ok: true }
    } catch {
      return failed('The mail server did not accept the message')
    }
  }
  if (!target) return failed('The channel has no URL')
  if (kind === 'slack') return post(target.url, slackBody(message), {}, options)
  const body = webhookBody(message)
  const now = options.now()
  const { secret, previous } = target
  const secrets = [secret, previous && new Date(previous.until) > now ? previous.secret : undefined]
  const headers = await signatureHeaders(
    secrets.flatMap((each) => each ?? []),
    { id: message.id, at: now, body },
  )
  return post(target.url, body, headers, options)
}

async function post(
  url: string,
  body: string,
  headers: Record<string, string>,
  { fetch, now, urls }: SendOptions,
): Promise<SendResult> {
  try {
    const response = await fetch(checkTargetUrl(url, urls, 'url').href, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': 'Flowkeep', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(sendTimeoutMs),
    })
    await response.body?.cancel()
    if (response.ok) return { ok: true }
    return {
      ok: false,
      detail: `The server responded with ${response.status}`,
      retryAfterSeconds: retryAfterSeconds(response.headers.get('Retry-After'), now()),
      isGone: response.status === 410,
    }
  } catch (error) {
    if (error instanceof AppError) return failed(error.message)
    const isTimeout = error instanceof Error && error.name === 'TimeoutError'
    return failed(
      isTimeout
        ? `The server did not respond within ${sendTimeoutMs / 1000} seconds`
        : 'The server could not be reached',
    )
  }
}
