/** @module What a value looks like without saying it: keys, types and sizes. Pure. */
import { redact } from '../../../lib/secrets.ts'

export interface OutlineRow {
  key: string
  depth: number
  /** Such as string, expression, object. */
  type: string
  /** Characters of a text, entries of an array; null where there is none. */
  length: number | null
}

const maxRows = 40
const maxDepth = 3
const maxKeyChars = 60

/** The keys of an object, depth first; at most 40 of them. `omitted`: how many more there are at least. */
export function outline(value: unknown): { rows: OutlineRow[]; omitted: number } {
  const rows: OutlineRow[] = []
  let omitted = 0
  const visit = (object: object, depth: number) => {
    for (const [key, member] of Object.entries(object)) {
      if (rows.length >= maxRows) {
        omitted += 1
        continue
      }
      const type = typeOf(member)
      const length = typeof member === 'string' ? member.length : Array.isArray(member) ? member.length : null
      rows.push({ key: redact(key).slice(0, maxKeyChars), depth, type, length })
      if (typeof member === 'object' && member !== null && depth + 1 < maxDepth) visit(member, depth + 1)
    }
  }
  if (typeof value === 'object' && value !== null) visit(value, 0)
  return { rows, omitted }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'string') return value.startsWith('=') ? 'expression' : 'string'
  return typeof value
}

/** "string · 46" */
export const outlineText = ({ type, length }: OutlineRow): string =>
  length === null ? type : `${type} · ${length}`
