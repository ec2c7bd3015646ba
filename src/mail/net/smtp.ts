/** @module Email over SMTP, on Node only. */
import { createTransport } from 'nodemailer'
import { type SendMail, sendTimeoutMs } from '../mail.ts'

/** @param url such as smtps://user:password@smtp.example.com */
export function smtpMail({ url, from }: { url: string; from: string }): SendMail {
  const transport = createTransport({
    url,
    connectionTimeout: sendTimeoutMs,
    greetingTimeout: sendTimeoutMs,
    socketTimeout: sendTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return async ({ messageId, ...mail }) => {
    await transport.sendMail({ ...mail, from, messageId: `<${messageId}>` })
  }
}
