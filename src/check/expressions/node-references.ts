/** @module How expressions and code name a node: `$('A')`, `$node["A"]`, `$node.A`, `$items("A")`, in Python with `_`. */

const quotedName = String.raw`"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|${'`'}(?:[^${'`'}\\$]|\\[^])*${'`'}`
/** The name is in one of three groups, as written. */
export const capturedName = String.raw`(?:"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'|${'`'}((?:[^${'`'}\\$]|\\[^])*)${'`'})`
const patternOf = (sigil: string) =>
  new RegExp(
    String.raw`(?<![\w$])(?:(${sigil}(?:\(|node\s*(?:\?\.)?\[|items\()\s*)(${quotedName})|(${sigil}node)\.([A-Za-z_$][\w$]*))`,
    'g',
  )
const javaScript = patternOf(String.raw`\$`)
const python = patternOf('_')

/** The text around references, and the references, in order. */
export type ReferencePiece = string | NodeReference

export interface NodeReference {
  name: string
  /** As written, with quotes; for `$node.A` with its period. */
  raw: string
}

/** Splits expressions or code at the names of nodes. Undefined without a reference. Linear. */
export function splitReferences(text: string, isPython = false): ReferencePiece[] | undefined {
  if (!text.includes(isPython ? '_' : '$')) return undefined
  const pieces: ReferencePiece[] = []
  let end = 0
  for (const match of text.matchAll(isPython ? python : javaScript)) {
    const [, before, quoted, object = '', property = ''] = match
    const start = match.index + (before ?? object).length
    pieces.push(text.slice(end, start))
    end = match.index + match[0].length
    const name = quoted === undefined ? property : unescaped(quoted.slice(1, -1))
    pieces.push({ name, raw: text.slice(start, end) })
  }
  if (end === 0) return undefined
  pieces.push(text.slice(end))
  return pieces
}

/** The text of a reference to a renamed node. */
export function renamedReference({ raw }: NodeReference, name: string, isPython = false): string {
  if (raw.startsWith('.')) return isIdentifier(name) ? `.${name}` : `["${escaped(name, isPython)}"]`
  const quote = raw.charAt(0)
  return quote + escaped(name, isPython) + quote
}

const isIdentifier = (name: string): boolean => /^[A-Za-z_$][\w$]*$/.test(name)

/** Every quote, because code can quote a reference in turn, and what ends an expression, a comment or a placeholder. */
function escaped(name: string, isPython: boolean): string {
  const text = name
    .replaceAll(/["'\\]/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
  return isPython
    ? text
    : text
        .replaceAll(/`|\$(?=\{)|\}(?=\})|(?<=\*)\//g, String.raw`\$&`)
        .replaceAll('\u2028', String.raw`\u2028`)
        .replaceAll('\u2029', String.raw`\u2029`)
}

const named: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  0: '\0',
}

/** The value of a string literal, without its quotes. */
export const unescaped = (text: string): string =>
  text.includes('\\')
    ? text.replaceAll(
        /\\(?:x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]{1,6})\}|\r\n|([^]))/gi,
        (_, two?: string, four?: string, braced?: string, character?: string) => {
          const hex = two ?? four ?? braced
          if (hex !== undefined) {
            const point = Number.parseInt(hex, 16)
            return point > 0x10ffff ? '' : String.fromCodePoint(point)
          }
          if (character === undefined || /[\n\r\u2028\u2029]/.test(character)) return ''
          return Object.hasOwn(named, character) ? (named[character] ?? '') : character
        },
      )
    : text
