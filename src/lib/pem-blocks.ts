/** @module Where a PEM block ends, also one that is escaped, on a single line, or cut off. Linear over one text. */

const endMarker = '-----END'
/** A block is shorter: an end further away belongs to another one. */
const maxBlockChars = 64 * 1024
const begin = /-----BEGIN(?:[ +_]|%20)[\w ().+/%-]{1,80}?-----|---- BEGIN [\w ]{1,60} ----/y
const end = /-----END(?:[ +_]|%20)?[\w ().+/%-]{0,80}?(?:-----|$)/y
const bodyGap =
  /(?:\s|\\+[nrt"'/]|%0[AaDd]|%20|["'+,`>]|&(?:#(?:1[03]|x[aAdD]|3[249]);|quot;|gt;|amp;)|<br\s?\/?>|-(?![-\w])){1,200}/y
/** An end marker that is cut off: dashes, and the start of `END`. */
const endStart = /-{1,5}(?:E(?:N(?:D[\w \\%+]{0,40})?)?)?-{0,4}$/y
const bodyBefore = /[A-Za-z0-9+/=\s\\>&#;"'%,-]/
const bodyRun = /(?:[A-Za-z0-9+/=_:.-]|%2[BbFf]|%3[Dd]|\\\/)+/y

export class PemBlocks {
  readonly #text: string
  /** The next end marker, as far as known. */
  #nextEnd = -1
  #noMoreEnds = false
  /** The same for four dashes; the text's length when there is none. */
  #nextShortEnd = -1
  /** The end marker that was looked at last. */
  #lastEnd = 0

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
      if (!bodyRun.test(text)) return this.#endStartAt(gap, at)
      const run = text.slice(gap, Math.min(bodyRun.lastIndex, gap + 64))
      if (run.startsWith('-')) return this.#endStartAt(gap, at)
      const isWord = /^[A-Z]?[a-z]{0,15}[.:]?$/.test(run) && gap > at && text[gap - 1] === ' '
      if (isWord) return at
      at = bodyRun.lastIndex
    }
  }

  /** The end of the text, when nothing but the start of an end marker follows. */
  #endStartAt(gap: number, otherwise: number): number {
    endStart.lastIndex = gap
    return endStart.test(this.#text) ? this.#text.length : otherwise
  }

  /**
   * The start of a block whose beginning was cut off, by its end marker at `marker`, or -1. Looks no further back than
   * `least`, the end of the last secret.
   */
  startBefore(marker: number, least: number): number {
    const text = this.#text
    if (!text.startsWith(endMarker, marker)) return -1
    const first = Math.max(least, this.#lastEnd)
    this.#lastEnd = marker
    let start = marker
    while (start > first && marker - start < maxBlockChars && bodyBefore.test(text[start - 1] ?? ''))
      start -= 1
    // What precedes the first line is prose: its words are separated by spaces.
    const body = text.slice(start, marker)
    const prose = /^[^\n\\]{0,200}[ :](?=[A-Za-z0-9+/]{40})/.exec(body)
    start += prose?.[0].length ?? 0
    return /[A-Za-z0-9+/]{24}/.test(text.slice(start, marker)) ? start : -1
  }

  /** The end of a block whose `-----BEGIN` was cut off, by the dashes after its label, or -1. */
  endAfterLabel(dashes: number): number {
    const text = this.#text
    if (!/(?:PRIVATE KEY|KEY BLOCK)$/.test(text.slice(Math.max(0, dashes - 12), dashes))) return -1
    const end = this.#cutOff(dashes + 5)
    return end > dashes + 30 ? Math.max(end, this.#closeAt(end)) : -1
  }

  #closeAt(at: number): number {
    bodyGap.lastIndex = at
    const gap = bodyGap.test(this.#text) ? bodyGap.lastIndex : at
    end.lastIndex = gap
    return end.test(this.#text) ? end.lastIndex : at
  }
}
