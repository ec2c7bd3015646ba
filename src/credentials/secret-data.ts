/** @module Decrypted credential data in a wrapper that prevents accidental logging or serialization. */
import { isContainer } from '../lib/json-object.ts'
import { textToBase64 } from '../lib/encoding.ts'

const mask = '[redacted]'
/** Shorter values, such as a port or a region, occur in ordinary text. */
const minimumChars = 6

/** The data of one credential. Only `reveal` returns it; printed or serialized it reads `[redacted]`. */
export class SecretData {
  readonly #values: Record<string, unknown>

  constructor(values: Record<string, unknown>) {
    this.#values = values
  }

  reveal(): Record<string, unknown> {
    return this.#values
  }

  /** Masks every value of the data in `text`: plain, URL-encoded, base64-encoded or JSON-escaped. */
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

/** Every string and number inside, including JSON stored as a string and passwords in URLs. */
function leaves(root: unknown): string[] {
  const found: string[] = []
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') {
      found.push(value, ...passwords(value))
      if (/^\s*[[{]/.test(value)) open.push(parsed(value))
    } else if (typeof value === 'number') found.push(String(value))
    else if (isContainer(value)) open.push(...Object.values(value))
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

/** The password of a connection string, both encoded and decoded. */
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

/** Without padding, because the text after the value decides how its last character is encoded. */
function base64(value: string): string {
  return textToBase64(value).replace(/=+$/, '')
}
