/** @module Checks text in parameters that must be JSON. */
import type { PropertyFacts } from '../facts/node-facts.ts'
import type { CheckedNode } from '../model.ts'
import type { Report } from '../report.ts'
import { type Chunk, splitTemplate } from '../expressions/template.ts'

const maximumChars = 200_000

/** An object is not reported: n8n accepts it. */
export function checkJsonText(
  node: CheckedNode,
  { name }: PropertyFacts,
  value: unknown,
  at: string,
  report: Report,
): void {
  if (
    typeof value !== 'string' ||
    value.startsWith('=') ||
    value.trim() === '' ||
    value.length > maximumChars
  )
    return
  // Reported as a missing `=`.
  if (value.includes('{{')) return
  const reason = whyNotJson(value)
  if (reason === undefined) return
  const isRequest = node.shortType.startsWith('httpRequest') || node.shortType === 'set'
  report.add(node, {
    code: 'invalid-json',
    level: isRequest ? 'error' : 'warning',
    at,
    message: `${name} is not valid JSON: ${reason}`,
  })
}

/** An expression with JSON around its `{{ }}`. */
export function checkJsonTemplate(
  node: CheckedNode,
  name: string,
  value: string,
  at: string,
  report: Report,
): void {
  const chunks = splitTemplate(value.slice(1))
  if (!chunks.some(({ isCode }) => isCode) || value.length > maximumChars) return
  const [first] = chunks
  if (!first || first.isCode || !/^\s*[[{]/.test(first.text)) return
  const filled = filledIn(chunks)
  if (filled === undefined) return
  const reason = whyNotJson(filled)
  if (reason === undefined) return
  report.add(node, {
    code: 'invalid-json',
    level: 'warning',
    at,
    message: `${name} is not valid JSON around its expressions: ${reason}`,
  })
}

/** With a value for each expression. Undefined if an expression stands where no single value can. */
function filledIn(chunks: readonly Chunk[]): string | undefined {
  const parts: string[] = []
  let quotes = 0
  for (const { isCode, text } of chunks) {
    if (isCode) {
      const isInText = quotes % 2 === 1
      if (!isInText && !/[:[]$/.test((parts.at(-1) ?? '').trimEnd())) return undefined
      parts.push('0')
    } else {
      quotes += text.match(/(?<!\\)(?:\\\\)*"/g)?.length ?? 0
      parts.push(text)
    }
  }
  return parts.join('')
}

function whyNotJson(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    // Without the text that V8 quotes: it can hold a secret.
    const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined
    if (position === undefined) return 'it ends unexpectedly'
    const before = text.slice(0, Number(position))
    const line = before.split('\n').length
    return `unexpected character on line ${line}, column ${before.length - before.lastIndexOf('\n')}`
  }
}
