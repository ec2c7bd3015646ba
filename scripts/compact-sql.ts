/** @module Removes comments and indentation from the SQL in the sources of the worker. */
import { parseSync, Visitor } from 'oxc-parser'
import { RolldownMagicString } from 'rolldown'

/** Quoted text, including in several pieces; a comment with the space before it; other space. */
const parts = /(?<quoted>'[^']*'(?:\s*'[^']*')*|"[^"]*")|(?<comment>\s*--[^\n]*)(?=\n)|\s+/g

/** @param path decides between TypeScript and TSX */
export function compactSql(path: string, source: string): RolldownMagicString {
  const { program, errors } = parseSync(path, source)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const result = new RolldownMagicString(source)
  new Visitor({
    TaggedTemplateExpression({ tag, quasi }) {
      if (tag.type !== 'Identifier' || tag.name !== 'sql') return
      const texts = quasi.quasis.map(({ start, end }) => ({ start, end, text: source.slice(start, end) }))
      if (!texts.every(({ text }) => isComplete(text))) return
      for (const { start, end, text } of texts) {
        if (start < end) result.overwrite(start, end, compact(text))
      }
    },
  }).visit(program)
  return result
}

const compact = (text: string): string =>
  text.replaceAll(parts, (_text, quoted?: string, comment?: string) => quoted ?? (comment ? '' : ' '))

/** Whether no quoted text or comment continues behind an expression, and none is in another syntax. */
const isComplete = (text: string): boolean => !/['"\\]|\$\$|--|\/\*/.test(text.replaceAll(parts, ' '))
