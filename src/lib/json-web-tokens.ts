/** @module Where a JSON web token ends, signed or encrypted, also one that is cut off. Linear over one text. */

const part = /[\w-]+/y
const moreParts = /(?:\.[\w-]*)+/y

export class JsonWebTokens {
  readonly #text: string
  /** No token begins before this. */
  #blockedUntil = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The end of the token whose `eyJ` is at `start`, or -1. A header alone is no token. */
  endOf(start: number): number {
    const text = this.#text
    if (start < this.#blockedUntil || !text.startsWith('eyJ', start)) return -1
    part.lastIndex = start
    part.test(text)
    const headerEnd = part.lastIndex
    moreParts.lastIndex = headerEnd
    if (text[headerEnd] === '.' && headerEnd - start >= 8 && moreParts.test(text)) {
      const rest = text.slice(headerEnd, headerEnd + 24)
      // Signed: the claims are JSON too. Encrypted: a key, or nothing for a direct one.
      if (/^\.eyJ[\w-]{3}/.test(rest) || /^\.(?:[\w-]{20}|\.[\w-]{10})/.test(rest)) return moreParts.lastIndex
    }
    this.#blockedUntil = headerEnd
    return -1
  }
}
