/** @module A workflow's settings as one n8n takes them. */
import type { FieldError } from '../errors.ts'
import { isObject } from './sendable-connections.ts'
import { type JsonObject, pointerTo } from './workflow-json.ts'

/** The settings that every n8n takes, from 1.x on. */
const BASE_SETTINGS = [
  'saveExecutionProgress',
  'saveManualExecutions',
  'saveDataErrorExecution',
  'saveDataSuccessExecution',
  'executionTimeout',
  'errorWorkflow',
  'timezone',
  'executionOrder',
]
/** `binaryMode` and `credentialResolverId` are left out: n8n takes and ignores them. */
const NEWER_SETTINGS = [
  'callerPolicy',
  'callerIds',
  'timeSavedMode',
  'timeSavedPerExecution',
  'redactionPolicy',
  'availableInMCP',
  'customTelemetryTags',
]

/** Which keys one n8n takes in `settings`. Ask `N8nClient.capabilities`. */
export type AcceptedSettings = ReadonlySet<string>
export const LEGACY_SETTINGS: AcceptedSettings = new Set(BASE_SETTINGS)
export const KNOWN_SETTINGS: AcceptedSettings = new Set([...BASE_SETTINGS, ...NEWER_SETTINGS])

/** Values of the settings that n8n checks beyond string, number and boolean. */
const SETTING_KINDS: Record<string, 'boolean' | 'number' | 'tags' | readonly string[]> = {
  saveExecutionProgress: 'boolean',
  saveManualExecutions: 'boolean',
  saveDataErrorExecution: ['all', 'none'],
  saveDataSuccessExecution: ['all', 'none'],
  executionTimeout: 'number',
  callerPolicy: ['any', 'none', 'workflowsFromAList', 'workflowsFromSameOwner'],
  timeSavedMode: ['fixed', 'dynamic'],
  timeSavedPerExecution: 'number',
  redactionPolicy: ['none', 'non-manual', 'manual-only', 'all'],
  availableInMCP: 'boolean',
  customTelemetryTags: 'tags',
}

/** What is left out is the default in n8n; `changes` names it. Settings in the form of JSON text are read. */
export function sendableSettings(
  value: unknown,
  accepted: AcceptedSettings,
  changes: FieldError[],
): JsonObject {
  if (value === undefined || value === null) return {}
  const settings = typeof value === 'string' ? parseObject(value) : value
  if (!isObject(settings)) {
    if (!Array.isArray(settings) || settings.length > 0) {
      changes.push({ pointer: '/settings', detail: 'is not an object and was left out' })
    }
    return {}
  }
  const kept: JsonObject = {}
  for (const [key, setting] of Object.entries(settings)) {
    const pointer = pointerTo('/settings', key)
    if (!accepted.has(key)) changes.push({ pointer, detail: 'is not a setting that this n8n takes' })
    else if (!isSetting(key, setting)) changes.push({ pointer, detail: 'has a value that n8n refuses' })
    else kept[key] = setting
  }
  return kept
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isSetting(key: string, value: unknown): boolean {
  const kind = SETTING_KINDS[key] ?? 'string'
  if (kind === 'tags') {
    return Array.isArray(value) && value.every((tag) => isObject(tag) && isTag(tag))
  }
  return typeof kind === 'string' ? typeof value === kind : kind.some((each) => each === value)
}

function isTag(tag: JsonObject): boolean {
  return Object.keys(tag).length === 2 && typeof tag.key === 'string' && typeof tag.value === 'string'
}
