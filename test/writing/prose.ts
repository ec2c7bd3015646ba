/** @module The prose of the repository: comments, strings, JSX text, test names, and Markdown outside of code. */
import { readFileSync } from 'node:fs'
import { type Comment, parseSync } from 'oxc-parser'

export interface Prose {
  text: string
  line: number
}

/** Two consecutive words. Identifiers, paths, class names and SQL keywords alone are not prose. */
const isProse = (text: string) => /[a-z]{2,},? [a-z]{2,}/i.test(text)

function inMarkdown(source: string): Prose[] {
  const blank = (code: string) => code.replaceAll(/[^\n]/g, ' ')
  const prose = source.replaceAll(/^```[\s\S]*?^```/gm, blank).replaceAll(/`[^`\n]*`/g, blank)
  return prose.split('\n').map((text, index) => ({ text, line: index + 1 }))
}

function inSql(source: string): Prose[] {
  return source.split('\n').map((line, index) => ({ text: /--(.*)/.exec(line)?.[1] ?? '', line: index + 1 }))
}

interface Node {
  type?: string
  value?: unknown
  start: number
}

/** The name of a test or a suite, if the node is one. */
function testNameIn(node: Node, source: string): Node | undefined {
  if (node.type !== 'CallExpression') return undefined
  const { callee, arguments: given } = node as Node & { callee: Node; arguments: Node[] }
  const isTest = /^(test|describe|it)\b/.test(source.slice(callee.start, callee.start + 9))
  const [name] = given
  return isTest && /^(Literal|TemplateLiteral)$/.test(name?.type ?? '') ? name : undefined
}

function textIn({ type, value }: Node): string {
  if (type === 'TemplateElement') return (value as { cooked?: string }).cooked ?? ''
  return /^(Literal|JSXText)$/.test(type ?? '') && typeof value === 'string' ? value : ''
}

/** @param isTest only comments and the names of tests, because other strings in tests are data */
function inTypeScript(path: string, source: string, isTest: boolean): Prose[] {
  const { program, comments } = parseSync(path, source)
  const found: { text: string; at: number }[] = comments.map(({ value, start }: Comment) => ({
    text: value,
    at: start,
  }))
  const visit = (node: unknown, isProse: boolean): void => {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, isProse))
    if (typeof node !== 'object' || node === null) return
    const text = isProse ? textIn(node as Node) : ''
    if (text) found.push({ text, at: (node as Node).start })
    const name = isProse ? undefined : testNameIn(node as Node, source)
    if (name) visit(name, true)
    for (const child of Object.values(node)) visit(child, isProse)
  }
  visit(program, !isTest)
  const starts = [0, ...Array.from(source.matchAll(/\n/g), ({ index }) => index + 1)]
  const lineOf = (at: number) => starts.findLastIndex((start) => start <= at) + 1
  return found.map(({ text, at }) => ({ text, line: lineOf(at) }))
}

function allIn(path: string, source: string): Prose[] {
  if (path.endsWith('.md')) return inMarkdown(source)
  if (path.endsWith('.sql')) return inSql(source)
  return inTypeScript(path, source, /\.test\.tsx?$|(^|\/)test\//.test(path))
}

export function proseOf(path: string): Prose[] {
  return allIn(path, readFileSync(path, 'utf8')).filter(({ text }) => isProse(text))
}
