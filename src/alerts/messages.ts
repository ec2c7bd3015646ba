/** @module What a message says in each kind of channel. Pure. */
import type { AlertRuleKind } from '../db/schema/alerts.ts'
import type { Mail } from '../mail/mail.ts'

export interface AlertMessage {
  /** The same in every attempt and replay. */
  id: string
  event: 'opened' | 'resolved' | 'test'
  /** When the event happened. */
  at: Date
  summary: string
  /** The URL of the subject's page. */
  url: string
  rule: { id: string; kind: AlertRuleKind; sentence: string } | null
  incident: { id: string; openedAt: Date; resolvedAt: Date | null } | null
}

const titles = { opened: 'Alert', resolved: 'Resolved', test: 'Test' } as const

const titleOf = ({ event, summary }: AlertMessage): string => `${titles[event]}: ${summary}`

export const webhookBody = (message: AlertMessage): string =>
  JSON.stringify({
    type: `alert.${message.event}`,
    timestamp: message.at.toISOString(),
    data: {
      incidentId: message.incident?.id ?? null,
      ruleId: message.rule?.id ?? null,
      ruleKind: message.rule?.kind ?? null,
      rule: message.rule?.sentence ?? null,
      summary: message.summary,
      url: message.url,
      openedAt: message.incident?.openedAt.toISOString() ?? null,
      resolvedAt: message.incident?.resolvedAt?.toISOString() ?? null,
    },
  })

/** Slack reads these as markup. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export function slackBody(message: AlertMessage): string {
  const title = escaped(titleOf(message))
  const note = message.rule ? `\n${escaped(message.rule.sentence)}` : ''
  return JSON.stringify({
    text: title,
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `*${title}*${note}` } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: `<${message.url}|Open in Flowkeep>` }] },
    ],
  })
}

const subjectChars = 160

export function mailOf(message: AlertMessage, to: string, publicUrl: string): Mail {
  const subject = `[Flowkeep] ${titleOf(message)}`.replaceAll(/\s+/g, ' ')
  const lines = [
    titleOf(message),
    message.url,
    ...(message.rule ? [`${message.rule.sentence}.`] : []),
    `Change or mute the rule: ${publicUrl}/alerts`,
  ]
  return {
    to,
    subject: subject.length > subjectChars ? `${subject.slice(0, subjectChars - 1)}…` : subject,
    text: `${lines.join('\n\n')}\n`,
    messageId: `${message.id}@${new URL(publicUrl).hostname}`,
  }
}
