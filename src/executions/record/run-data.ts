/** @module Prepares run data for storage: valid jsonb, without stacks and secrets, up to 256 KB. */
import type { NodeUsage } from '../../db/schema/executions.ts'
import { isContainer, putOwn } from '../../lib/json-object.ts'
import { toStorable } from '../../lib/storable-text.ts'
import {
  holdsOnlySecrets,
  isHeaderName,
  isSecretNumber,
  pairNameOf,
  redactString,
} from '../../lib/secrets/redact-json.ts'
import { redact, redacted } from '../../lib/secrets/redact.ts'
import { type NodeCounts, nodeCountsOf } from './node-counts.ts'
import type { Activity } from './node-runs.ts'

export const dataLimitBytes = 256 * 1024
const encoder = new TextEncoder()
/** Outside this range jsonb prints numbers with hundreds of digits. */
const largestNumber = 1e21
const smallestNumber = 1e-21
export interface RunData {
  /** JSON text that is valid jsonb. */
  json: string
  /** Node statistics to add. */
  nodes: NodeCounts | null
  /** Null without n8n run data. */
  activity: Activity | null
  /** JSON text of the tokens used; null: none known. */
  usage: string | null
  /** AI nodes ran, and a poll will tell their tokens. */
  isUsagePending?: true
}

/**
 * `data`, or `{ truncated: true, sizeBytes }` when it is too large; null without any.
 * `data` is no deeper than the body may be, so recursion is safe.
 */
export function toRunData(
  data: unknown,
  activity: Activity | null = null,
  used: NodeUsage[] | 'pending' | null = null,
): RunData | null {
  if (data === undefined || data === null) return null
  const cleaned = cleanJson(data)
  const json = JSON.stringify(cleaned)
  const usage = {
    usage: Array.isArray(used) ? JSON.stringify(used) : null,
    ...(used === 'pending' && { isUsagePending: true as const }),
  }
  const sizeBytes = encoder.encode(json).length
  return sizeBytes <= dataLimitBytes
    ? { json, nodes: nodeCountsOf(cleaned), activity, ...usage }
    : { json: JSON.stringify({ truncated: true, sizeBytes }), nodes: null, activity, ...usage }
}

/** Returns the value as valid jsonb, without stacks and secrets. */
export const cleanJson = (value: unknown): unknown => cleanMember(value)

/** @param name of the member, or of the pair that it is part of */
function cleanMember(value: unknown, name?: string): unknown {
  if (typeof value === 'string') return redactString(toStorable(value), name)
  if (typeof value === 'number') return cleanNumber(value, name)
  if (!isContainer(value)) return value
  const isSecret = name !== undefined && holdsOnlySecrets(name)
  const clean = (member: unknown, memberName?: string) =>
    isSecret && typeof member === 'string' ? redacted : cleanMember(member, memberName)
  if (Array.isArray(value)) {
    return value.map((item, index) =>
      typeof item === 'string' && isHeaderName(value[index - 1]) ? redacted : clean(item),
    )
  }
  const isError = 'message' in value && 'stack' in value
  const pairName = 'value' in value ? pairNameOf(value) : undefined
  const cleaned: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    if (isError && key === 'stack') continue
    const cleanKey = redact(toStorable(key))
    const memberName = key === 'value' && pairName !== undefined ? pairName : key
    setMember(cleaned, cleanKey, clean(member, memberName))
  }
  return cleaned
}

function cleanNumber(value: number, name: string | undefined): unknown {
  if (name !== undefined && isSecretNumber(value, name)) return redacted
  const size = Math.abs(value)
  return size > largestNumber || (size !== 0 && size < smallestNumber) ? String(value) : value
}

/** Handles `__proto__`, which a plain assignment would not add. */
function setMember(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') putOwn(target, key, value)
  else target[key] = value
}
