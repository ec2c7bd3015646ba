/**
 * @module The fields of a credential's form, generated from its n8n type: which ones to show, and how to read a
 * posted form. No stored value leaves this module, and no typed secret returns to the form.
 */
import { type JsonObject, pointerTo } from '../../../lib/json-object.ts'
import type { FieldError } from '../../../errors.ts'
import { isRequired } from '../../../n8n/catalogue/catalogue.ts'
import { type FieldType, isPort } from '../../../n8n/catalogue/catalogue-file.ts'
import { isFieldDisplayed, ownValue } from '../../../n8n/catalogue/display-options.ts'
import { fieldLabel, optionLabel } from '../labels.ts'

/** `lines`: multi-line text. `switch`: on or off, with a known default. `choice`: one of several options, or none. */
export type Control = 'text' | 'secret' | 'lines' | 'number' | 'switch' | 'choice' | 'json' | 'notice'

export interface FormField {
  name: string
  label: string
  control: Control
  /** The form needs a value: the type requires one, and none is stored. */
  required: boolean
  /** The type requires a value. */
  isRequiredByType: boolean
  /** Never shown again. */
  secret: boolean
  /** n8n has a default for an empty field. */
  hasDefault: boolean
  /** The default as text. Empty if there is none or the form cannot show it. */
  defaultText: string
  /** The range of a number. Null without a limit. */
  minimum: number | null
  maximum: number | null
  /** Only whole numbers are valid. */
  isInteger: boolean
  /** A stored value stays unless the form has a new one. */
  isStored: boolean
  /** Shown under More settings. */
  advanced: boolean
  /** The typed value; '' for a secret. */
  value: string
  /** Options of a choice. */
  options: (readonly [value: string, text: string])[]
  /** The field whose value shows a notice. Null for all other fields. */
  about: string | null
}

export interface FieldSource {
  rows: readonly FieldType[]
  /** The form's text, by field name. */
  typed: ReadonlyMap<string, string>
  /** The stored values decide which fields to show. Null for a new credential. */
  stored: Readonly<Record<string, unknown>> | null
}

const secretName = /(?:pass(?:word|phrase)|secret|(?<!sig)token|api_?key|private_?key)$/i
const linesName = /(?:private_?key|public_?key|certificate|^ca|^cert|^key|pem)$/i
const advancedNames = new Set(['allowedHttpRequestDomains', 'allowedDomains', 'oauthTokenData'])
const jsonKinds = new Set(['json', 'collection', 'fixedCollection', 'multiOptions'])

const isSecret = ({ name, kind, secret }: FieldType) => secret || (kind === 'string' && secretName.test(name))

/** The fields that n8n shows, each once, in n8n's order but with a port next to its host. Skips fields that n8n fills in. */
export function formFields({ rows, typed, stored }: FieldSource): FormField[] {
  const fields = new Map<string, FormField>()
  for (const row of displayed({ rows, typed, stored })) {
    const { name, label, kind, hasDefault, minimum, maximum, show } = row
    if (kind === 'hidden' || fields.has(name)) continue
    const isChange = stored !== null
    const isStored = ownValue(stored, name) !== undefined
    const control = controlOf(row, isChange)
    const secret = isSecret(row)
    const initial = isChange ? '' : initialValue(row, control)
    fields.set(name, {
      name,
      label: label ?? fieldLabel(name),
      control,
      isRequiredByType: isRequired(row),
      required: isRequired(row) && !isStored,
      secret,
      hasDefault,
      defaultText: secret ? '' : defaultTextOf(row),
      minimum,
      maximum,
      isInteger: isPort(row),
      isStored,
      advanced: advancedNames.has(name),
      value: secret ? '' : (typed.get(name) ?? initial),
      options: control === 'choice' ? choicesOf(row, { isStored, isChange }) : [],
      about: control === 'notice' ? (Object.keys(show ?? {})[0] ?? null) : null,
    })
  }
  return withPortsAtHosts([...fields.values()])
}

const hostNames = /^(?:host|hostname|server)$/

/** Some types of n8n list the port after the TLS settings. */
function withPortsAtHosts(fields: FormField[]): FormField[] {
  const ordered: FormField[] = []
  for (const field of fields) {
    const host = field.isInteger ? ordered.findLastIndex(({ name }) => isHostOf(name, field.name)) : -1
    if (host === -1) ordered.push(field)
    else ordered.splice(host + 1, 0, field)
  }
  return ordered
}

const isHostOf = (host: string, port: string): boolean =>
  port === 'port'
    ? hostNames.test(host)
    : host === port.replace(/port$/i, (end) => (end === 'Port' ? 'Host' : 'host'))

function defaultTextOf({ kind, hasDefault, defaultValue }: FieldType): string {
  if (!hasDefault || jsonKinds.has(kind)) return ''
  if (kind === 'boolean' || kind === 'options') return choiceLabel(defaultValue)
  return ['string', 'number'].includes(typeof defaultValue) ? String(defaultValue) : ''
}

/** The names of choices that show or hide other fields. */
export function controllingNames(rows: readonly FieldType[]): Set<string> {
  const named = new Set(rows.flatMap(({ show, hide }) => Object.keys({ ...show, ...hide })))
  const choices = rows.filter(({ kind }) => kind === 'options' || kind === 'boolean').map(({ name }) => name)
  return new Set(choices.filter((name) => named.has(name)))
}

/**
 * Parses the form's text by field name. Skips empty and hidden fields. Invalid JSON is an error; the check of the whole
 * data finds all other faults.
 */
export function readFields(source: FieldSource): { data: Record<string, unknown>; errors: FieldError[] } {
  const data: Record<string, unknown> = {}
  const errors: FieldError[] = []
  for (const row of displayed(source)) {
    const { name, kind } = row
    const text = source.typed.get(name)
    if (kind === 'hidden' || kind === 'notice' || text === undefined || text === '') continue
    const value = valueOf(row, text)
    if (value === undefined) errors.push({ pointer: pointerTo('/data', name), detail: 'must be valid JSON' })
    else data[name] = value
  }
  return { data, errors }
}

function displayed({ rows, typed, stored }: FieldSource): FieldType[] {
  const values: JsonObject = {}
  for (const row of rows) {
    const { name, defaultValue } = row
    const text = typed.get(name)
    const storedValue = ownValue(stored, name)
    if (text !== undefined && text !== '') values[name] = valueOf(row, text)
    else if (storedValue !== undefined) values[name] = storedValue
    else if (!Object.hasOwn(values, name)) values[name] = defaultValue
  }
  return rows.filter((row) => isFieldDisplayed(row, values))
}

function controlOf(row: FieldType, isChange: boolean): Control {
  const { name, kind, defaultValue } = row
  if (kind === 'notice') return 'notice'
  if (kind === 'options') return 'choice'
  // A checkbox cannot express "unchanged" or an unknown default.
  if (kind === 'boolean') return isChange || typeof defaultValue !== 'boolean' ? 'choice' : 'switch'
  if (kind === 'number') return 'number'
  if (jsonKinds.has(kind)) return 'json'
  if (linesName.test(name)) return 'lines'
  return isSecret(row) ? 'secret' : 'text'
}

function initialValue({ defaultValue }: FieldType, control: Control): string {
  if (control === 'switch') return String(defaultValue)
  return control === 'choice' && typeof defaultValue === 'string' ? defaultValue : ''
}

function choicesOf(
  row: FieldType,
  { isStored, isChange }: { isStored: boolean; isChange: boolean },
): FormField['options'] {
  const { kind, options, hasDefault, defaultValue } = row
  const values = kind === 'boolean' ? [true, false] : (options ?? [])
  const choices = values.map((value) => [String(value), choiceLabel(value)] as const)
  if (isStored) return [['', 'Keep the stored value'], ...choices]
  if (!isChange && typeof defaultValue === 'string' && values.includes(defaultValue)) return choices
  return [['', hasDefault ? `Default: ${defaultTextOf(row)}` : 'None'], ...choices]
}

const choiceLabel = (value: unknown) =>
  typeof value === 'boolean' ? (value ? 'Yes' : 'No') : optionLabel(value)

/** Undefined for invalid JSON. */
function valueOf(row: FieldType, text: string): unknown {
  const { name, kind, options } = row
  if (kind === 'boolean') return text === 'true'
  if (kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text
  // Some options are numbers.
  if (kind === 'options') return (options ?? []).find((option) => String(option) === text) ?? text
  const lines = text.replaceAll('\r\n', '\n')
  if (!jsonKinds.has(kind)) return isSecret(row) ? lines : lines.trim()
  try {
    const value: unknown = JSON.parse(lines)
    // n8n stores JSON from its editor as text, and only token data as an object.
    return kind === 'json' && name !== 'oauthTokenData' ? lines : value
  } catch {
    return undefined
  }
}
