/** @module Opened credential data, in a wrapper that no log, error or answer prints by accident. */

const mask = '[redacted]'
/** Shorter values, such as a port or a region, occur in any text. */
const minimumChars = 6

/** The data of one credential. Only `reveal` gives it away; printed or serialised it is `[redacted]`. */
export class SecretData {
  readonly #values: Record<string, unknown>

  constructor(values: Record<string, unknown>) {
    this.#values = values
  }

  reveal(): Record<string, unknown> {
    return this.#values
  }

  /** `text` without any value of the data, as it is, URL-encoded, in base64 or JSON-escaped. */
  redact(text: string): string {
    const forms = leaves(this.#values)
      .filter((value) => value.length >= minimumChars)
      .flatMap((value) => [
        value,
        encodeURIComponent(value),
        base64(value),
        JSON.stringify(value).slice(1, -1),
      ])
      .toSorted((a, b) => b.length - a.length)
    return forms.reduce((redacted, form) => redacted.replaceAll(form, mask), text)
  }

  toJSON(): string {
    return mask
  }

  toString(): string {
    return mask
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return mask
  }
}

function leaves(root: unknown): string[] {
  const found: string[] = []
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') found.push(value)
    else if (typeof value === 'number') found.push(String(value))
    else if (typeof value === 'object' && value !== null) open.push(...Object.values(value))
  }
  return found
}

/** Without padding: what follows the value in the text decides how its last character is encoded. */
function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value))).replace(/=+$/, '')
}
