/** @module Checks workflow settings against the keys and values that n8n accepts. */
import { convert, type Kind } from './nodes.ts'
import { isAbsent, type Place, refusedKind, type Repairs } from './repairs.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'

/** The type of each setting that n8n validates. */
const SETTINGS: Readonly<Record<string, Kind | 'tags' | readonly string[]>> = {
  saveExecutionProgress: 'boolean',
  saveManualExecutions: 'boolean',
  saveDataErrorExecution: ['all', 'none'],
  saveDataSuccessExecution: ['all', 'none'],
  executionTimeout: 'number',
  errorWorkflow: 'string',
  timezone: 'string',
  executionOrder: 'string',
  callerPolicy: ['any', 'none', 'workflowsFromAList', 'workflowsFromSameOwner'],
  callerIds: 'string',
  timeSavedMode: ['fixed', 'dynamic'],
  timeSavedPerExecution: 'number',
  redactionPolicy: ['none', 'non-manual', 'manual-only', 'all'],
  availableInMCP: 'boolean',
  customTelemetryTags: 'tags',
}
/** A deployment always overrides these. */
const FORCED_SETTINGS = new Set(['saveDataErrorExecution', 'saveDataSuccessExecution'])
/** n8n's value for an unset setting. */
const NOT_SET = 'DEFAULT'

/** Applies safe repairs; leaves other values unchanged. */
export function checkSettings(given: unknown, place: Place, repairs: Repairs): unknown {
  if (isAbsent(given)) return given
  if (!isObject(given)) {
    const read = Array.isArray(given) && given.length === 0 ? {} : parsedObject(given)
    const applied = repairs.report({
      code: 'invalid-settings',
      place,
      message: 'Settings must be an object',
      n8n: refusedKind(place, 'object', given),
      fix: read && (typeof given === 'string' ? 'Parse the text as JSON' : 'Replace it with an empty object'),
    })
    return applied && read ? checkSettings(read, place, repairs) : given
  }
  const repaired = new Map<string, unknown>()
  for (const [key, value] of Object.entries(given)) {
    if (isAbsent(value) || FORCED_SETTINGS.has(key)) continue
    if (!Object.hasOwn(SETTINGS, key) || value === NOT_SET || isSetting(key, value)) continue
    const at = place.at(key)
    const kind = SETTINGS[key]
    const converted = typeof kind === 'string' && kind !== 'tags' ? convert(value, kind) : undefined
    const applied = repairs.report({
      code: 'invalid-setting',
      place: at,
      message: `${key} must be ${expected(key)}`,
      n8n: typeof kind === 'string' ? refusedKind(at, kind, value) : `${at.body} Invalid enum value`,
      fix: converted === undefined ? undefined : `Set it to ${JSON.stringify(converted)}`,
    })
    if (applied) repaired.set(key, converted)
  }
  return repaired.size === 0 ? given : { ...given, ...Object.fromEntries(repaired) }
}

function expected(key: string): string {
  const kind = SETTINGS[key]
  if (kind === 'tags') return 'a list of { "key": "…", "value": "…" }'
  return typeof kind === 'string' ? `a ${kind}` : `one of ${(kind ?? []).join(', ')}`
}

/** Parses settings stored as JSON text. */
export function parsedObject(text: unknown): JsonObject | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const read: unknown = JSON.parse(text)
    return isObject(read) ? read : undefined
  } catch {
    return undefined
  }
}

/** Whether n8n accepts the value. An unknown key accepts any string. */
export function isSetting(key: string, value: unknown): boolean {
  const kind = SETTINGS[key] ?? 'string'
  if (kind === 'tags') return Array.isArray(value) && value.every((tag) => isObject(tag) && isTag(tag))
  return typeof kind === 'string' ? typeof value === kind : kind.some((each) => each === value)
}

function isTag(tag: JsonObject): boolean {
  return Object.keys(tag).length === 2 && typeof tag.key === 'string' && typeof tag.value === 'string'
}
