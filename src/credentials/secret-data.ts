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
      .flatMap((value) => (value.length < minimumChars ? [] : formsOf(value)))
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

/** Every text and number within, also within JSON that is kept as text; of a URL its password as well. */
function leaves(root: unknown): string[] {
  const found: string[] = []
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') {
      found.push(value, ...passwords(value))
      if (/^\s*[[{]/.test(value)) open.push(parsed(value))
    } else if (typeof value === 'number') found.push(String(value))
    else if (typeof value === 'object' && value !== null) open.push(...Object.values(value))
  }
  return found
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Of a connection string: as it stands in it, and decoded. */
function passwords(text: string): string[] {
  const password = URL.canParse(text) ? new URL(text).password : ''
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password]
  }
}

function formsOf(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1)
  return [value, encodeURIComponent(value), base64(value), escaped]
}

/** Without padding: what follows the value in the text decides how its last character is encoded. */
function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value))).replace(/=+$/, '')
}
