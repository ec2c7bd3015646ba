/** @module A workflow's settings as one n8n takes them. */
import type { FieldError } from '../errors.ts'
import type { Finding } from './finding.ts'
import { isAbsent, isObject } from './structure-repairs.ts'
import { isSetting, parsedObject } from './structure-settings.ts'
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

export interface SendableSettings {
  settings: JsonObject
  /** What is left out and means nothing. */
  changes: FieldError[]
  /** What this n8n does not take, though others do. */
  findings: Finding[]
}

/** @param value as an object or its JSON text; what n8n would refuse is left out, as `checkStructure` has reported */
export function sendableSettings(value: unknown, accepted: AcceptedSettings): SendableSettings {
  const settings: JsonObject = {}
  const changes: FieldError[] = []
  const findings: Finding[] = []
  for (const [key, setting] of Object.entries(isObject(value) ? value : (parsedObject(value) ?? {}))) {
    if (isAbsent(setting)) continue
    const pointer = pointerTo('/settings', key)
    if (KNOWN_SETTINGS.has(key) && !accepted.has(key)) {
      const message = `The API of this n8n does not take the setting ${key}. Set it in n8n after deploying`
      findings.push({ code: 'unsupported-setting', level: 'warning', pointer, message })
    } else if (!accepted.has(key)) {
      changes.push({ pointer, detail: 'is not a setting that n8n stores' })
    } else if (!isSetting(key, setting)) {
      changes.push({ pointer, detail: 'is left at the default of n8n' })
    } else settings[key] = setting
  }
  return { settings, changes, findings }
}
