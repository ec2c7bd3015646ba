/** @module Email: the message, and its transport through an HTTP API. `net/` has SMTP, which only Node can speak. */

export interface Mail {
  to: string
  /** One line. */
  subject: string
  text: string
  /** The same in every attempt. */
  messageId: string
}

/** Rejects when the message was not accepted. */
export type SendMail = (mail: Mail) => Promise<void>

/** Of one attempt to send a message. */
export const sendTimeoutMs = 10_000

export interface MailApi {
  url: string
  token: string
  from: string
}

/** Sends email through a Resend-compatible HTTP API, for servers that cannot speak SMTP. */
export const mailApi =
  ({ url, token, from }: MailApi, fetch: typeof globalThis.fetch): SendMail =>
  async ({ to, subject, text, messageId }) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${token}`,
        'Idempotency-Key': messageId,
      },
      body: JSON.stringify({ from, to: [to], subject, text }),
      redirect: 'manual',
      signal: AbortSignal.timeout(sendTimeoutMs),
    })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`The mail API responded with ${response.status}`)
  }
