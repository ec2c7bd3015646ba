/** @module Where a PEM block ends, also one that is escaped, on a single line, or cut off. Linear over one text. */

const endMarker = '-----END'
/** A block is shorter: an end further away belongs to another one. */
const maxBlockChars = 64 * 1024
const begin = /-----BEGIN(?:[ +_]|%20)[\w ().+/%-]{1,80}?-----|---- BEGIN [\w ]{1,60} ----/y
const end = /-----END(?:[ +_]|%20)?[\w ().+/%-]{0,80}?(?:-----|$)/y
const bodyGap = /(?:\s|\\+[nrt"'/]|%0[AaDd]|%20|["'+,`]|<br\s?\/?>|-(?![-\w])){1,200}/y
const bodyRun = /(?:[A-Za-z0-9+/=_:.-]|%2[BbFf]|%3[Dd]|\\\/)+/y

export class PemBlocks {
  readonly #text: string
  /** The next end marker, as far as known. */
  #nextEnd = -1
  #noMoreEnds = false
  /** The same for four dashes; the text's length when there is none. */
  #nextShortEnd = -1

  constructor(text: string) {
    this.#text = text
  }

  /** The end of the block that begins at `start`, or -1. */
  endOf(start: number): number {
    const text = this.#text
    const isWhole = text.startsWith('-----BEGIN', start)
    if (!isWhole && !text.startsWith('---- BEGIN', start)) return -1
    begin.lastIndex = start
    // A label that is cut off is the end of the text.
    const bodyStart = begin.test(text) ? begin.lastIndex : start + 10
    const marker = isWhole ? this.#endAfter(bodyStart) : this.#shortEndAfter(bodyStart)
    const another = marker < 0 ? -1 : text.slice(bodyStart, marker).indexOf('-----BEGIN')
    if (marker < 0 || marker - start > maxBlockChars || another >= 0) return this.#cutOff(bodyStart)
    end.lastIndex = marker
    if (isWhole) return end.test(text) ? end.lastIndex : marker + endMarker.length
    const close = text.indexOf('----', marker + 8)
    return close < 0 ? marker + 8 : close + 4
  }

  /** Of a block with four dashes, as SSH writes it. */
  #shortEndAfter(from: number): number {
    if (this.#nextShortEnd < from) {
      const next = this.#text.indexOf('---- END', from)
      this.#nextShortEnd = next < 0 ? this.#text.length : next
    }
    return this.#nextShortEnd === this.#text.length ? -1 : this.#nextShortEnd
  }

  #endAfter(from: number): number {
    if (this.#nextEnd < from && !this.#noMoreEnds) {
      this.#nextEnd = this.#text.indexOf(endMarker, from)
      this.#noMoreEnds = this.#nextEnd < 0
    }
    return this.#noMoreEnds ? -1 : this.#nextEnd
  }

  /** Without an end: everything that can be part of a body, up to the first word of prose. */
  #cutOff(bodyStart: number): number {
    const text = this.#text
    let at = bodyStart
    for (;;) {
      bodyGap.lastIndex = at
      const gap = bodyGap.test(text) ? bodyGap.lastIndex : at
      bodyRun.lastIndex = gap
      if (!bodyRun.test(text)) return at
      const run = text.slice(gap, Math.min(bodyRun.lastIndex, gap + 64))
      if (run.startsWith('-----')) return at
      const isWord = /^[A-Z]?[a-z]{0,15}[.:]?$/.test(run) && gap > at && text[gap - 1] === ' '
      if (isWord) return at
      at = bodyRun.lastIndex
    }
  }
}
