/** @module JSON in one form: equal values have equal text, so that hashes compare them. Keys sorted by UTF-16 code unit, no whitespace. */
import { AppError } from '../errors.ts'
import { concatBytes, sha256Hex } from './encoding.ts'
import { isContainer, type JsonObject } from './json-object.ts'
import { isStorable } from './storable-text.ts'

/** Nesting depth of arrays and objects, because writing recurses. */
export const MAX_JSON_DEPTH = 100
const chunkChars = 32 * 1024
/** `"key":` by key. */
const keyTexts = new Map<string, string>()
const maxKeyTexts = 4096
const maxKeyChars = 40
/** A string without these is its own JSON text, and Postgres can store it. */
const special = /["\\\p{Cc}\p{Cs}]/u

/** Writes tokens in order. Every `write` returns whether it could: the value is within the limits, and storable if there are any. */
class CanonicalWriter {
  /** Decimal places that exponents stand for. */
  exponents = 0
  readonly #maxValues: number
  readonly #mustStore: boolean
  readonly #encoder = new TextEncoder()
  readonly #chunks: Uint8Array[] = []
  #text = ''
  #values = 0

  /** @param maxValues also refuses what Postgres cannot store */
  constructor(maxValues?: number) {
    this.#maxValues = maxValues ?? Infinity
    this.#mustStore = maxValues !== undefined
  }

  text(): string {
    return this.#chunks.length === 0 ? this.#text : new TextDecoder().decode(this.bytes())
  }

  bytes(): Uint8Array<ArrayBuffer> {
    if (this.#chunks.length === 0) return this.#encoder.encode(this.#text)
    this.#flush()
    return concatBytes(this.#chunks)
  }

  write(value: unknown, depth: number): boolean {
    this.#values += 1
    if (this.#values > this.#maxValues) return false
    if (typeof value === 'string') return this.#writeString(value)
    if (!isContainer(value)) return this.#writeOther(value)
    if (depth >= MAX_JSON_DEPTH) return false
    if (this.#text.length >= chunkChars) this.#flush()
    return Array.isArray(value)
      ? this.#writeArray(value, depth)
      : this.#writeObject(value as JsonObject, depth)
  }

  #writeArray(items: readonly unknown[], depth: number): boolean {
    this.#text += '['
    for (let index = 0; index < items.length; index += 1) {
      if (index > 0) this.#text += ','
      if (!this.write(items[index], depth + 1)) return false
    }
    this.#text += ']'
    return true
  }

  #writeObject(value: JsonObject, depth: number): boolean {
    const keys = sorted(Object.keys(value))
    this.#text += '{'
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] ?? ''
      if (index > 0) this.#text += ','
      if (this.#mustStore && !isStorable(key)) return false
      this.#text += keyText(key)
      if (!this.write(value[key], depth + 1)) return false
    }
    this.#text += '}'
    return true
  }

  #writeString(text: string): boolean {
    if (!special.test(text)) {
      this.#text += `"${text}"`
      return true
    }
    if (this.#mustStore && !isStorable(text)) return false
    this.#text += JSON.stringify(text)
    return true
  }

  #writeOther(value: unknown): boolean {
    if (typeof value === 'number') {
      if (this.#mustStore && !Number.isFinite(value)) return false
      const text = JSON.stringify(value)
      const exponent = text.indexOf('e')
      if (exponent > 0) this.exponents += Math.abs(Number(text.slice(exponent + 1)))
      this.#text += text
      return true
    }
    if (this.#mustStore && typeof value !== 'boolean' && value !== null) return false
    this.#text += JSON.stringify(value)
    return true
  }

  #flush(): void {
    this.#chunks.push(this.#encoder.encode(this.#text))
    this.#text = ''
  }
}

function sorted(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) return keys.toSorted()
  }
  return keys
}

function keyText(key: string): string {
  const known = keyTexts.get(key)
  if (known !== undefined) return known
  const text = `${JSON.stringify(key)}:`
  if (key.length > maxKeyChars) return text
  if (keyTexts.size >= maxKeyTexts) keyTexts.clear()
  keyTexts.set(key, text)
  return text
}

export interface CanonicalJson {
  /** UTF-8 */
  bytes: Uint8Array<ArrayBuffer>
  /** The sum of the absolute values of all exponents. */
  exponents: number
}

/**
 * Null if the value is nested too deeply, has more than `maxValues` strings, numbers, booleans, nulls, arrays and objects, or
 * is not JSON that Postgres can store.
 */
export function storableCanonicalJson(value: unknown, maxValues: number): CanonicalJson | null {
  const writer = new CanonicalWriter(maxValues)
  return writer.write(value, 0) ? { bytes: writer.bytes(), exponents: writer.exponents } : null
}

function written(value: unknown): CanonicalWriter {
  const writer = new CanonicalWriter()
  if (!writer.write(value, 0))
    throw new AppError('invalid', `The JSON is nested more than ${MAX_JSON_DEPTH} levels deep`)
  return writer
}

/** @throws {AppError} `invalid` if nested more than 100 levels deep */
export const canonicalJson = (value: unknown): string => written(value).text()

/** SHA-256 of the canonical JSON in lowercase hex. @throws {AppError} as `canonicalJson` */
export const contentHash = (value: unknown): Promise<string> => sha256Hex(written(value).bytes())
