/** @module Finds values that someone was meant to replace, such as `YOUR_API_KEY`. */
import { isContainer } from '../../lib/json-object.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import type { CheckedNode } from '../model.ts'
import { pointerAt, type Report } from '../report.ts'

const placeholder = new RegExp(
  [
    /(?<![A-Za-z0-9])(?:YOUR|MY)_[A-Z0-9_]{2,60}\b/,
    /\b(?:REPLACE|CHANGE|FILL|INSERT|ENTER|PUT|PASTE|ADD)_(?:ME|THIS|HERE|WITH_[A-Z0-9_]+|[A-Z0-9_]*(?:KEY|TOKEN|SECRET|_ID|URL|HERE))\b/,
    /\b(?:CHANGEME|REPLACEME|TODO:)/,
    /\b[Yy]our-(?:api-?key|api-?token|access-token|token|secret|domain|project-id|channel-id|instance|workspace|subdomain|store|company|server|bucket|bot-token)\b/,
    /\byour_[a-z0-9_]{3,40}\b/,
    /\b[Yy]our(?:Api|API|Access)?(?:Key|Token|Secret)(?:Here)?\b/,
    /\[(?:YOUR|Your|your|INSERT|Insert|ENTER)[ _A-Za-z-]{2,40}\]/,
    /<(?:YOUR|Your|your|INSERT|insert|ENTER|REPLACE)[ _A-Za-z-]{2,40}>/,
    /(?<!\{)\{(?:YOUR|your)[ _A-Za-z-]{2,40}\}(?!\})/,
    /\b[xX]{4,}(?:-[xX]{3,})+\b|\bX{6,}\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
)
/** A value that is only a name in angle brackets. */
const bracketed = /^<[a-z][\w -]{1,40}>$/i
const maximumChars = 5000

/** Keys whose text people read. */
const prose =
  /^(?:content|notes|jsCode|pythonCode|functionCode|description|systemMessage|toolDescription|html|htmlTemplate|text|message|prompt|jsonSchemaExample|inputSchema|id|webhookId)$/

/** The placeholder in a value that no person reads. */
export const placeholderIn = (value: string): string | undefined =>
  (bracketed.exec(value) ?? placeholder.exec(withoutCode(value)))?.[0]

export function checkPlaceholders(node: CheckedNode, report: Report): void {
  const visit = (value: unknown, at: string, key: string): void => {
    if (key.startsWith('cachedResult')) return
    if (typeof value === 'string') {
      if (value.length > maximumChars || value.length < 4) return
      const found =
        bracketed.exec(value) ??
        (prose.test(key) && value.length > 80 ? null : placeholder.exec(withoutCode(value)))
      if (!found || /^<\/?(?:p|b|i|br|div|span|a|h\d|ul|ol|li|table|tr|td|html|body|pre|code)>$/i.test(value))
        return
      report.add(node, {
        code: 'placeholder',
        level: 'warning',
        at,
        message: `${shown(found[0])} is a placeholder. Replace it`,
      })
      return
    }
    if (!isContainer(value)) return
    for (const [name, each] of Object.entries(value)) visit(each, pointerAt(at, name), name)
  }
  for (const [name, value] of Object.entries(node.parameters))
    visit(value, pointerAt('/parameters', name), name)
}

/** Expressions name fields, which can look like placeholders. */
const withoutCode = (value: string): string =>
  value.startsWith('=') ? value.replaceAll(/\{\{[^]*?\}\}/g, '') : value
