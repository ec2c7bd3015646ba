/** @module Finds PEM blocks, including escaped, single-line and truncated ones. Linear over one text. */

const endMarker = '-----END'
/** Maximum length of a block. A more distant end marker belongs to another block. */
const maxBlockChars = 64 * 1024
const begin = /-----BEGIN(?:[ +_]|%20)[\w ().+/%-]{1,80}?-----|---- BEGIN [\w ]{1,60} ----/y
const end = /-----END(?:[ +_]|%20)?[\w ().+/%-]{0,80}?(?:-----|$)/y
const bodyGap =
  /(?:\s|\\+[nrt"'/]|%0[AaDd]|%20|["'+,`>]|&(?:#(?:1[03]|x[aAdD]|3[249]);|quot;|gt;|amp;)|<br\s?\/?>|-(?![-\w])){1,200}/y
/** A truncated end marker: dashes and the start of `END`. */
const endStart = /-{1,5}(?:E(?:N(?:D[\w \\%+]{0,40})?)?)?-{0,4}$/y
const bodyBefore = /[A-Za-z0-9+/=\s\\>&#;"'%,-]/
const bodyRun = /(?:[A-Za-z0-9+/=_:.-]|%2[BbFf]|%3[Dd]|\\\/)+/y

export class PemBlocks {
  readonly #text: string
  /** Index of the next end marker found so far. */
  #nextEnd = -1
  #noMoreEnds = false
  /** Index of the next four-dash end marker; the text's length when there is none. */
  #nextShortEnd = -1
  /** The last end marker that was checked. */
  #lastEnd = 0

  constructor(text: string) {
    this.#text = text
  }

  /** End of the block that starts at `start`, or -1. */
  endOf(start: number): number {
    const text = this.#text
    const isWhole = text.startsWith('-----BEGIN', start)
    if (!isWhole && !text.startsWith('---- BEGIN', start)) return -1
    begin.lastIndex = start
    // A truncated label ends the text.
    const bodyStart = begin.test(text) ? begin.lastIndex : start + 10
    const marker = isWhole ? this.#endAfter(bodyStart) : this.#shortEndAfter(bodyStart)
    const another = marker < 0 ? -1 : text.slice(bodyStart, marker).indexOf('-----BEGIN')
    if (marker < 0 || marker - start > maxBlockChars || another >= 0) return this.#cutOff(bodyStart)
    end.lastIndex = marker
    if (isWhole) return end.test(text) ? end.lastIndex : marker + endMarker.length
    const close = text.indexOf('----', marker + 8)
    return close < 0 ? marker + 8 : close + 4
  }

  /** End marker of a block with four dashes, as in SSH formats. */
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

  /** End of a block without an end marker: everything that can be part of its body, up to the first word of prose. */
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

  /** The text's length if only the start of an end marker follows. */
  #endStartAt(gap: number, otherwise: number): number {
    endStart.lastIndex = gap
    return endStart.test(this.#text) ? this.#text.length : otherwise
  }

  /**
   * Start of a block with a truncated beginning, from its end marker at `marker`, or -1. Does not look further back
   * than `least`, the end of the previous secret.
   */
  startBefore(marker: number, least: number): number {
    const text = this.#text
    if (!text.startsWith(endMarker, marker)) return -1
    const first = Math.max(least, this.#lastEnd)
    this.#lastEnd = marker
    let start = marker
    while (start > first && marker - start < maxBlockChars && bodyBefore.test(text[start - 1] ?? ''))
      start -= 1
    // Text before the first line is prose, because spaces separate its words.
    const body = text.slice(start, marker)
    const prose = /^[^\n\\]{0,200}[ :](?=[A-Za-z0-9+/]{40})/.exec(body)
    start += prose?.[0].length ?? 0
    return /[A-Za-z0-9+/]{24}/.test(text.slice(start, marker)) ? start : -1
  }

  /** End of a block with a truncated `-----BEGIN`, from the dashes after its label, or -1. */
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
