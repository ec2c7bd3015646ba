/** @module Secrets in JSON values: what a member's name says of its value, and the text of each string. Pure. */
import { type NameKind, secretNameKind } from './secret-names.ts'
import { isSecretValue } from './secret-values.ts'
import { redact, redacted } from './secrets.ts'

/** Digits of a number under a name such as `password`. */
const minDigits = 6

/** The name of `{ name, value }` or `{ key, value }`, as n8n stores headers, query parameters and fields. */
export function pairNameOf(value: object): string | undefined {
  const { name, key } = value as { name?: unknown; key?: unknown }
  if (typeof name === 'string') return name
  return typeof key === 'string' ? key : undefined
}

/** A member or an item that is a string, without secrets. @param name of the member, or of the pair that it is part of */
export function redactString(text: string, name?: string): string {
  const kind = name === undefined ? null : jsonKindOf(name)
  return isSecretString(kind, text) ? redacted : redact(text)
}

/** A copy of `value` whose strings hold no secret of a known form. The names of its members are those of our code. */
export const redactStrings = <Value>(value: Value): Value => copyOf(value) as Value

function copyOf(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(copyOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]))
}

/** Whether a number is secret because of its name: a numeric password. */
export const isSecretNumber = (value: number, name: string): boolean =>
  String(value).length >= minDigits && secretNameKind(name) === 'password'

/** Whether the strings directly within the object or array called `name` are all secret, such as cookies. */
export const holdsOnlySecrets = (name: string): boolean => secretNameKind(name) === 'header'

/** In `rawHeaders` a header's name precedes its value. */
export const isHeaderName = (item: unknown): boolean =>
  typeof item === 'string' && item.length <= 64 && secretNameKind(item) === 'header'

const jsonKindOf = (name: string): NameKind | null => {
  const kind = secretNameKind(name)
  return kind === 'parameter' ? null : kind
}

const isSecretString = (kind: NameKind | null, text: string): boolean =>
  kind === 'header' ? text !== '' : kind !== null && isSecretValue(kind, text, 'quoted')
