/** @module Displays values of a workflow: redacts secrets and truncates long values around the differences. Pure. */
import { isContainer, isObject, type JsonObject } from '../../lib/json-object.ts'
import { redact } from '../../lib/secrets/redact.ts'
import { findHardCodedSecrets } from '../../n8n/checks/hard-coded-secrets.ts'
import { plural } from '../format.ts'

const redacted = '[redacted]'
const maxLines = 12
const maxLineChars = 280
/** Characters shown before the first difference. */
const contextChars = 60
/** Longer words are not shown, because they do not make the change readable. */
const maxContextChars = 220
/** Per object. */
const maxLeaves = 40

/** A value in a node with its parent, because an adjacent name may mark it as a secret. */
export interface Placed {
  value: unknown
  /** The object or array that contains it. */
  parent: JsonObject | unknown[] | null
  key: string
}

/** Per path. Only ambiguous keys with dots need more. */
const maxLookups = 1_000

/**
 * The value at a dotted path from `diffWorkflows`; undefined when there is none. Keys may contain dots.
 */
export function valueAt(root: JsonObject, path: string): Placed | undefined {
  return below(root, path, { lookups: maxLookups })
}

function below(parent: JsonObject | unknown[], path: string, left: { lookups: number }): Placed | undefined {
  const has = (key: string) => Object.prototype.propertyIsEnumerable.call(parent, key)
  if (has(path)) return { value: (parent as JsonObject)[path], parent, key: path }
  for (let dot = path.indexOf('.'); dot >= 0 && left.lookups > 0; dot = path.indexOf('.', dot + 1)) {
    left.lookups -= 1
    const key = path.slice(0, dot)
    const value = has(key) ? (parent as JsonObject)[key] : undefined
    if (!isContainer(value)) continue
    const found = below(value as JsonObject | unknown[], path.slice(dot + 1), left)
    if (found) return found
  }
  return undefined
}

/** Text without secrets; objects become JSON. */
export function plainValue({ value, parent, key }: Placed): string {
  if (typeof value === 'string') return isSecret(parent, key, value) ? redacted : value
  if (!isContainer(value)) return String(value)
  return JSON.stringify(withoutSecrets(value, { left: maxLeaves }), null, 1).replaceAll(/\n\s*/g, ' ')
}

function withoutSecrets(value: object, budget: { left: number }): unknown {
  const keep = (key: string, member: unknown): unknown => {
    budget.left -= 1
    if (budget.left < 0) return '…'
    if (typeof member === 'string')
      return isSecret(value as JsonObject, key, member) ? redacted : shortened(member)
    return isContainer(member) ? withoutSecrets(member, budget) : member
  }
  if (Array.isArray(value)) return value.slice(0, maxLeaves).map((item, index) => keep(String(index), item))
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, maxLeaves)
      .map(([key, member]) => [key, keep(key, member)]),
  )
}

/** n8n stores headers and fields as `{ name, value }`, so the adjacent name can mark a value as a secret. */
function isSecret(parent: Placed['parent'], key: string, value: string): boolean {
  const named = isObject(parent)
    ? Object.fromEntries(
        ['name', 'key'].filter((each) => Object.hasOwn(parent, each)).map((each) => [each, parent[each]]),
      )
    : {}
  return findHardCodedSecrets({ ...named, [key]: value }).some(({ path }) => path === key)
}

/** The lines of `text` that differ from `other`, truncated and redacted. */
export function shownLines(text: string, other: string | null): string[] {
  const lines = text.split('\n')
  const others = other?.split('\n') ?? []
  let start = 0
  while (start < lines.length && start < others.length && lines[start] === others[start]) start += 1
  let end = 0
  while (
    end < lines.length - start &&
    end < others.length - start &&
    lines.at(-1 - end) === others.at(-1 - end)
  ) {
    end += 1
  }
  const changed = lines.slice(start, lines.length - end)
  const shown = changed.slice(0, maxLines).map((line, index) => cutLine(line, others[start + index] ?? null))
  const more = changed.length - shown.length
  return [
    ...(start > 0 && other !== null ? ['…'] : []),
    ...shown,
    ...(more > 0 ? [`… ${plural(more, 'more line')}`] : end > 0 && other !== null ? ['…'] : []),
  ]
}

/** Cuts between words, two words before the difference: redaction needs whole secrets and their names. */
function cutLine(line: string, other: string | null): string {
  if (other === null || line.length <= maxLineChars) return shortened(line)
  let same = 0
  while (same < line.length && line[same] === other[same]) same += 1
  if (same <= contextChars || same === line.length) return shortened(line)
  const from = line.lastIndexOf(' ', line.lastIndexOf(' ', same - contextChars) - 1) + 1
  if (same - from > maxContextChars) return `… ${line.length} characters in one line`
  return from === 0 ? shortened(line) : `…${shortened(line.slice(from))}`
}

const shortened = (text: string): string => {
  const safe = redact(text)
  return safe.length > maxLineChars ? `${safe.slice(0, maxLineChars).toWellFormed()}…` : safe
}
