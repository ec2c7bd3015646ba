/** @module Splits a string into text and the code of its `{{ }}`, as n8n does: code ends at the first `}}`. */

export interface Chunk {
  isCode: boolean
  text: string
  /** Offset of the text in the template. */
  start: number
  /** The code ends with `}}`. n8n also runs the rest of a template without it. */
  isClosed: boolean
}

/** @param template without the leading `=` */
export function splitTemplate(template: string): Chunk[] {
  const chunks: Chunk[] = []
  let start = 0
  let isCode = false
  for (;;) {
    const end = findUnescaped(template, isCode ? '}}' : '{{', start)
    const isClosed = end >= 0
    const raw = template.slice(start, isClosed ? end : undefined)
    const text = isCode ? raw.replace('\\}}', '}}') : raw
    if (text !== '' || (isCode && isClosed))
      chunks.push({ isCode, text, start, isClosed: !isCode || isClosed })
    if (!isClosed) return chunks
    start = end + 2
    isCode = !isCode
  }
}

/** A bracket after an odd number of backslashes is text. */
function findUnescaped(text: string, bracket: string, from: number): number {
  for (let at = text.indexOf(bracket, from); at >= 0; at = text.indexOf(bracket, at + 2)) {
    let backslashes = 0
    while (at - backslashes > from && text[at - backslashes - 1] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return at
  }
  return -1
}
