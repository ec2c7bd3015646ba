/** @module Finds the end of a signed, encrypted or truncated JSON web token. Linear over one text. */

const part = /[\w-]+/y
const moreParts = /(?:\.[\w-]*)+/y

export class JsonWebTokens {
  readonly #text: string
  /** No token starts before this index. */
  #blockedUntil = 0

  constructor(text: string) {
    this.#text = text
  }

  /** End of the token whose `eyJ` is at `start`, or -1. A header without further parts is not a token. */
  endOf(start: number): number {
    const text = this.#text
    if (start < this.#blockedUntil || !text.startsWith('eyJ', start)) return -1
    part.lastIndex = start
    part.test(text)
    const headerEnd = part.lastIndex
    moreParts.lastIndex = headerEnd
    if (text[headerEnd] === '.' && headerEnd - start >= 8 && moreParts.test(text)) {
      const rest = text.slice(headerEnd, headerEnd + 24)
      // In signed tokens, JSON claims follow. In encrypted ones, a key, or an empty part for direct encryption.
      if (/^\.eyJ[\w-]{3}/.test(rest) || /^\.(?:[\w-]{20}|\.[\w-]{10})/.test(rest)) return moreParts.lastIndex
    }
    this.#blockedUntil = headerEnd
    return -1
  }
}
