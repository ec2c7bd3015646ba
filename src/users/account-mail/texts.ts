/** @module What each email to the owner of an account says. Pure. */
import type { accountLinkPurposes } from '../../db/schema/users.ts'
import { redact } from '../../lib/secrets/redact.ts'
import type { Mail } from '../../mail/mail.ts'

export type LinkPurpose = (typeof accountLinkPurposes)[number]

/** Page of each link. The token follows in the fragment, which browsers do not send to servers. */
export const linkPaths: Record<LinkPurpose, string> = {
  'confirm-email': '/confirm-email',
  'undo-email': '/undo-email-change',
  'reset-password': '/reset-password',
}

export type Details = Readonly<Record<string, unknown>>

interface Text {
  subject: string
  /** Paragraphs. `null` is where the link goes. */
  body: (details: Details) => (string | null)[]
}

const ifNotYou = 'If this was not you, change your password and end the sessions that you do not recognize:'

const texts = {
  'confirm-email': {
    subject: 'Confirm your email address',
    body: () => [
      'Open this page to confirm that this address belongs to your Flowkeep account:',
      null,
      'The link works once, within 24 hours. If you did not request it, ignore this message.',
    ],
  },
  'reset-password': {
    subject: 'Reset your password',
    body: () => [
      'Open this page to set a new password for your Flowkeep account:',
      null,
      'The link works once, within 30 minutes. If you did not request it, ignore this message: your password stays the same.',
    ],
  },
  'email-changed': {
    subject: 'Your email address was changed',
    body: ({ email }) => [
      `The email address of your Flowkeep account was changed to ${quoted(email)}.`,
      'If this was not you, undo the change within 7 days. That also ends all sessions and requires a new password:',
      null,
    ],
  },
  'email-restored': {
    subject: 'Your email address was restored',
    body: () => [
      'The change to your email address was undone, and all sessions were ended. Set a new password to sign in:',
      null,
      'The link works once, within 30 minutes. Afterwards, revoke the access tokens that you do not recognize.',
    ],
  },
  'new-device': {
    subject: 'New sign-in to your account',
    body: (details) => [`Someone signed in to your Flowkeep account${from(details)}.`, ifNotYou],
  },
  'password-changed': {
    subject: 'Your password was changed',
    body: (details) => [`The password of your Flowkeep account was changed${from(details)}.`, ifNotYou],
  },
  'factors-changed': {
    subject: 'Your sign-in security was changed',
    body: (details) => [`On your Flowkeep account, ${plain(details.change)}${from(details)}.`, ifNotYou],
  },
  'token-created': {
    subject: 'An access token was created',
    body: (details) => [
      `An access token${named(details)} was created for your Flowkeep account${from(details)}.`,
      'If this was not you, revoke it, change your password and end the sessions that you do not recognize:',
    ],
  },
} as const satisfies Record<string, Text>

export type AccountMailKind = keyof typeof texts

export const isAccountMailKind = (kind: string): kind is AccountMailKind => Object.hasOwn(texts, kind)

/** One line without secrets, for text that a user or a client chose. */
const plain = (value: unknown): string =>
  typeof value === 'string'
    ? redact(value)
        .replaceAll(/[\s\p{C}]+/gu, ' ')
        .slice(0, 200)
        .trim()
    : ''

const quoted = (value: unknown): string => `“${plain(value)}”`
const named = ({ name }: Details): string => (plain(name) === '' ? '' : ` ${quoted(name)}`)

/** Such as `, from Firefox on Linux at 203.0.113.7`. */
function from({ device, address }: Details): string {
  const parts = [plain(device), plain(address)].filter((part) => part !== '')
  return parts.length === 0 ? '' : `, from ${parts.join(' at ')}`
}

export interface AccountMessage {
  /** The same in every attempt. */
  id: string
  kind: AccountMailKind
  recipient: string
  details: Details
  at: Date
  link: { purpose: LinkPurpose; token: string } | null
}

export function accountMailOf(message: AccountMessage, publicUrl: string): Mail {
  const { subject, body }: Text = texts[message.kind]
  const { link } = message
  const time = `${message.at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const url = link ? `${publicUrl}${linkPaths[link.purpose]}#${link.token}` : `${publicUrl}/account`
  const paragraphs = body(message.details).map((paragraph) => paragraph ?? url)
  return {
    to: message.recipient,
    subject: `[Flowkeep] ${subject}`,
    text: `${[...paragraphs, ...(link ? [] : [url]), time].join('\n\n')}\n`,
    messageId: `${message.id}@${new URL(publicUrl).hostname}`,
  }
}
