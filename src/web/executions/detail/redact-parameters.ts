/** @module Summarizes a value without revealing it: keys, types and sizes. Pure. */
import { isContainer } from '../../../lib/json-object.ts'
import { redact } from '../../../lib/secrets/redact.ts'

export interface ParameterSummary {
  key: string
  depth: number
  /** Such as string, expression, object. */
  type: string
  /** Characters of a string or entries of an array; null for other types. */
  length: number | null
}

const maxRows = 40
const maxDepth = 3
const maxKeyChars = 60

/** Lists the keys of an object, depth first, at most 40. `omitted` is the minimum number of further keys. */
export function redactParameters(value: unknown): { rows: ParameterSummary[]; omitted: number } {
  const rows: ParameterSummary[] = []
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
      if (isContainer(member) && depth + 1 < maxDepth) visit(member, depth + 1)
    }
  }
  if (isContainer(value)) visit(value, 0)
  return { rows, omitted }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'string') return value.startsWith('=') ? 'expression' : 'string'
  return typeof value
}

/** "string · 46" */
export const parameterText = ({ type, length }: ParameterSummary): string =>
  length === null ? type : `${type} · ${length}`
