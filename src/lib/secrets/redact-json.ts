/** @module Finds secrets in JSON values, by member names and in the text of strings. Pure. */
import { isContainer } from '../json-object.ts'
import { type NameKind, secretNameKind } from './names.ts'
import { isSecretValue } from './values.ts'
import { redact, redacted } from './redact.ts'

/** Minimum digits of a secret number under a name such as `password`. */
const minDigits = 6

/** The name in `{ name, value }` or `{ key, value }`, n8n's format for headers, query parameters and fields. */
export function pairNameOf(value: object): string | undefined {
  const { name, key } = value as { name?: unknown; key?: unknown }
  if (typeof name === 'string') return name
  return typeof key === 'string' ? key : undefined
}

/** Redacts a string member or item. @param name the member's name, or the name in its pair */
export function redactString(text: string, name?: string): string {
  const kind = name === undefined ? null : jsonKindOf(name)
  return isSecretString(kind, text) ? redacted : redact(text)
}

/** A copy of `value` with redacted strings. Member names are ours and stay unchanged. */
export const redactStrings = <Value>(value: Value): Value => copyOf(value) as Value

function copyOf(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isContainer(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]))
}

/**
 * As `redactStrings`, for parameters of a node: a name such as `password` also redacts any value that is not an
 * expression.
 */
export const redactParameterStrings = <Value>(value: Value): Value => copyOfNamed(value) as Value

function copyOfNamed(value: unknown, name?: string): unknown {
  if (typeof value === 'string') return value.startsWith('=') ? redact(value) : redactString(value, name)
  if (Array.isArray(value)) return value.map((item) => copyOfNamed(item))
  if (!isContainer(value)) return value
  const pairName = pairNameOf(value)
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      copyOfNamed(member, key === 'value' && pairName !== undefined ? pairName : key),
    ]),
  )
}

/** Whether the name marks a number as secret, such as a numeric password. */
export const isSecretNumber = (value: number, name: string): boolean =>
  String(value).length >= minDigits && secretNameKind(name) === 'password'

/** Whether all strings directly in the object or array `name` are secret, such as cookies. */
export const holdsOnlySecrets = (name: string): boolean => secretNameKind(name) === 'header'

/** In `rawHeaders`, a header's name precedes its value. */
export const isHeaderName = (item: unknown): boolean =>
  typeof item === 'string' && item.length <= 64 && secretNameKind(item) === 'header'

const jsonKindOf = (name: string): NameKind | null => {
  const kind = secretNameKind(name)
  return kind === 'parameter' ? null : kind
}

const isSecretString = (kind: NameKind | null, text: string): boolean =>
  kind === 'header' ? text !== '' : kind !== null && isSecretValue(kind, text, 'quoted')
