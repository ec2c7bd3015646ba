/** @module Whether a text is a JavaScript object literal, which n8n accepts in place of JSON. */

const space = /(?:\s|\/\/[^\n\r]*|\/\*[^]*?\*\/)*/y
const literal =
  /"(?:[^"\\\n\r]|\\[^])*"|'(?:[^'\\\n\r]|\\[^])*'|[-+~!]?\s*(?:0[xXoObB][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/y
const name = /[\p{L}$_][\p{L}\p{N}$_]*/uy
const keyword = /(?:async|await|class|delete|function|in|instanceof|new|typeof|void|yield)\b/y
/** Followed by another part of an expression, this is a program that only a parser can judge. */
const operator = /[.([+\-*/%<>=!&|^?`]/y

/** True also for what only a JavaScript parser could decide, such as `{ a: 1 + 1 }`. */
export function isObjectLiteral(text: string): boolean {
  const reader = new Reader(text)
  try {
    reader.skip()
    if (reader.peek() === '(') return true
    if (reader.peek() !== '{') return false
    reader.value()
    reader.skip()
    return reader.isAtEnd()
  } catch (error) {
    return error === undecided
  }
}

const undecided = new Error('undecided')
const invalid = new Error('invalid')

class Reader {
  #at = 0
  #depth = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  peek(): string {
    return this.#text.charAt(this.#at)
  }

  isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  skip(): void {
    this.#take(space)
  }

  /** @throws `undecided` or `invalid` */
  value(): void {
    this.skip()
    const char = this.peek()
    if (this.#depth > 200) throw undecided
    if (char === '{') this.#list('}', () => this.#member())
    else if (char === '[') this.#list(']', () => this.value())
    else if (this.#take(keyword)) throw undecided
    else if (!this.#take(literal) && !this.#take(name)) throw /[`(/+\-!~]/.test(char) ? undecided : invalid
    this.skip()
    if (this.#take(operator) || this.#take(keyword)) throw undecided
  }

  #list(end: string, item: () => void): void {
    this.#depth += 1
    this.#at += 1
    for (;;) {
      this.skip()
      if (this.peek() === end) break
      item()
      this.skip()
      if (this.peek() === end) break
      if (this.peek() !== ',') throw invalid
      this.#at += 1
    }
    this.#at += 1
    this.#depth -= 1
  }

  #member(): void {
    const char = this.peek()
    if (char === '[' || this.#text.startsWith('...', this.#at)) throw undecided
    const isName = this.#take(name)
    if (!isName && !this.#take(literal)) throw invalid
    this.skip()
    if (this.peek() === ':') {
      this.#at += 1
      this.value()
    } else if (this.peek() === '(' || (isName && this.#take(name))) throw undecided
    else if (!isName) throw invalid
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found) this.#at = pattern.lastIndex
    return found !== null
  }
}
