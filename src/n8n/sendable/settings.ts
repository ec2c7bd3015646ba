/** @module Reduces a workflow's settings to the ones that a given n8n version accepts. */
import type { FieldError } from '../../errors.ts'
import type { Finding } from '../checks/finding.ts'
import { isAbsent } from '../structure/repairs.ts'
import { isObject, type JsonObject, pointerTo } from '../../lib/json-object.ts'
import { isSetting, parsedObject } from '../structure/settings.ts'

/** Accepted by every n8n version since 1.x. */
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
/** Without `binaryMode` and `credentialResolverId`: n8n accepts but ignores them. */
const NEWER_SETTINGS = [
  'callerPolicy',
  'callerIds',
  'timeSavedMode',
  'timeSavedPerExecution',
  'redactionPolicy',
  'availableInMCP',
  'customTelemetryTags',
]

/** The `settings` keys that an n8n version accepts; see `N8nClient.capabilities`. */
export type AcceptedSettings = ReadonlySet<string>
export const LEGACY_SETTINGS: AcceptedSettings = new Set(BASE_SETTINGS)
export const KNOWN_SETTINGS: AcceptedSettings = new Set([...BASE_SETTINGS, ...NEWER_SETTINGS])

export interface SendableSettings {
  settings: JsonObject
  /** Omitted settings without effect. */
  changes: FieldError[]
  /** Settings that this n8n version does not support. */
  findings: Finding[]
}

/** @param value an object or JSON text. Omits invalid settings; `checkStructure` has already reported them. */
export function sendableSettings(value: unknown, accepted: AcceptedSettings): SendableSettings {
  const settings: JsonObject = {}
  const changes: FieldError[] = []
  const findings: Finding[] = []
  for (const [key, setting] of Object.entries(isObject(value) ? value : (parsedObject(value) ?? {}))) {
    if (isAbsent(setting)) continue
    const pointer = pointerTo('/settings', key)
    if (KNOWN_SETTINGS.has(key) && !accepted.has(key)) {
      const message = `The API of this n8n version does not accept the setting ${key}. Set it in n8n after deploying`
      findings.push({ code: 'unsupported-setting', level: 'warning', pointer, message })
    } else if (!accepted.has(key)) {
      changes.push({ pointer, detail: 'is not a setting that n8n stores' })
    } else if (!isSetting(key, setting)) {
      changes.push({ pointer, detail: "is left at n8n's default" })
    } else settings[key] = setting
  }
  return { settings, changes, findings }
}
