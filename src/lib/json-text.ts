/** @module JSON as text, looked at before it becomes values. Linear, and without memory to speak of. */

/**
 * Check before parsing: `[[],[],…` takes thirty times its size in memory. Ordinary bodies of 4 MB have some 70,000, and
 * a workflow may not have so many values.
 */
export const MAX_CONTAINERS = 250_000

export interface JsonMeasure {
  values: number
  /** Arrays and objects: each takes some 50 bytes, empty or not. */
  containers: number
  /** Containers within containers. */
  depth: number
}

/** Of well-formed JSON; what it would take to parse other text does not matter. */
export function measureJson(text: string): JsonMeasure {
  let [values, containers, depth, deepest] = [1, 0, 0, 0]
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at)
        break
      case comma:
        values += 1
        break
      case closeBracket:
      case closeBrace:
        depth -= 1
        break
      case openBracket:
      case openBrace: {
        containers += 1
        depth += 1
        deepest = Math.max(deepest, depth)
        const next = text.charCodeAt(afterSpace(text, at + 1))
        if (next !== closeBracket && next !== closeBrace) values += 1
      }
    }
  }
  return { values, containers, depth: deepest }
}

const quote = 0x22
const comma = 0x2c
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Where the closing quote of the string that opens at `start` stands; the end of the text when there is none. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === backslash) first -= 1
  return (at - first) % 2 === 1
}

function afterSpace(text: string, start: number): number {
  let at = start
  for (let code = text.charCodeAt(at); code === 0x20 || (code >= 0x09 && code <= 0x0d); ) {
    at += 1
    code = text.charCodeAt(at)
  }
  return at
}
