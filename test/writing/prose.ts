/** @module The prose of the repository: comments, strings, JSX text, and Markdown outside of code. */
import { readFileSync } from 'node:fs'
import { type Comment, parseSync } from 'oxc-parser'

export interface Prose {
  text: string
  line: number
}

/** Two words in a row: identifiers, paths, class names and SQL keywords alone are no prose. */
const isProse = (text: string) => /[a-z]{2,},? [a-z]{2,}/i.test(text)

function inMarkdown(source: string): Prose[] {
  const blank = (code: string) => code.replaceAll(/[^\n]/g, ' ')
  const prose = source.replaceAll(/^```[\s\S]*?^```/gm, blank).replaceAll(/`[^`\n]*`/g, blank)
  return prose.split('\n').map((text, index) => ({ text, line: index + 1 }))
}

function inTypeScript(path: string, source: string): Prose[] {
  const { program, comments } = parseSync(path, source)
  const found: { text: string; at: number }[] = comments.map(({ value, start }: Comment) => ({
    text: value,
    at: start,
  }))
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit)
    if (typeof node !== 'object' || node === null) return
    const { type, value, start } = node as { type?: string; value?: unknown; start?: number }
    const text =
      type === 'TemplateElement'
        ? (value as { cooked?: string }).cooked
        : typeof value === 'string'
          ? value
          : ''
    if (/^(Literal|JSXText|TemplateElement)$/.test(type ?? '') && text) found.push({ text, at: start ?? 0 })
    for (const child of Object.values(node)) visit(child)
  }
  visit(program)
  const starts = [0, ...Array.from(source.matchAll(/\n/g), ({ index }) => index + 1)]
  const lineOf = (at: number) => starts.findLastIndex((start) => start <= at) + 1
  return found.map(({ text, at }) => ({ text, line: lineOf(at) }))
}

export function proseOf(path: string): Prose[] {
  const source = readFileSync(path, 'utf8')
  const all = path.endsWith('.md') ? inMarkdown(source) : inTypeScript(path, source)
  return all.filter(({ text }) => isProse(text))
}
