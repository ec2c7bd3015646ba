/**
 * @module Validates credential data against its n8n type and prepares it for n8n. Errors contain the pointer and the
 * reason, never the value.
 *
 * Rules of n8n 2.41's public API for `data`, measured on all 447 types:
 * - Only visible fields of the type are allowed; hidden fields belong to n8n.
 * - Strings, numbers and booleans must have exactly that type, so numbers and booleans cannot be expressions. Options must
 *   be one of the listed strings. JSON and collections accept any value.
 * - Every field marked as required must be present, even with a default. A dependent field is required only if the
 *   field it depends on is sent with the first value that shows it.
 * - Endpoints of an OAuth type must be HTTP or HTTPS URLs.
 *
 * Flowkeep also checks ranges and ports. n8n's API accepts any number, and the node then fails.
 */
import { isContainer, isObject, type JsonObject, pointerTo } from '../../lib/json-object.ts'
import type { FieldError } from '../../errors.ts'
import { type Catalogue, isRequired, legalOptions } from './catalogue.ts'
import { type FieldType, isPort } from './catalogue-file.ts'
import { isFieldDisplayed, ownValue } from './display-options.ts'

const MAX_ERRORS = 50
/** n8n validates these in OAuth types. */
const OAUTH_URLS = new Set(['authUrl', 'accessTokenUrl', 'requestTokenUrl', 'serverUrl'])
/** An object in n8n; its editor stores all other JSON fields as strings. */
const TOKEN_FIELD = 'oauthTokenData'

type Data = Record<string, unknown>

/**
 * Returns the errors in `data`, with pointers that start with `/data`; empty if n8n accepts it. A type outside the
 * catalogue (from a community node) accepts any object. Hidden required fields are not required.
 */
export function checkCredentialData(catalogue: Catalogue, type: string, data: unknown): FieldError[] {
  if (!isObject(data)) return [{ pointer: '/data', detail: 'must be an object' }]
  const known = catalogue.credentialType(type)
  if (known === undefined) return []
  const rows = catalogue.credentialFields(type)
  const byName = Map.groupBy(rows, ({ name }) => name)
  const errors: FieldError[] = []
  for (const name of missingFields(rows, data)) {
    errors.push({ pointer: pointerTo('/data', name), detail: 'is required' })
  }
  for (const [name, value] of Object.entries(data)) {
    const fields = byName.get(name)
    const detail = fields ? mismatchOf(fields, value) : `is not a field of ${type}`
    if (detail !== undefined) errors.push({ pointer: pointerTo('/data', name), detail })
    else if (known.oauth && OAUTH_URLS.has(name) && fields?.some(isVisible) && !isEndpoint(value)) {
      errors.push({ pointer: pointerTo('/data', name), detail: 'must be an HTTP or HTTPS URL' })
    }
  }
  return errors.slice(0, MAX_ERRORS)
}

/**
 * Converts `data` to what n8n's public API accepts: removes hidden fields, notices and non-string blanks, serializes JSON
 * fields, and adds the defaults of required fields.
 */
export function sendableCredentialData(catalogue: Catalogue, type: string, data: Data): Data {
  if (catalogue.credentialType(type) === undefined) return data
  const all = catalogue.credentialFields(type)
  const rows = all.filter(isVisible)
  const kinds = new Map(rows.map(({ name, kind }) => [name, kind]))
  const sent = new Map<string, unknown>()
  for (const [name, value] of Object.entries(data)) {
    const kind = kinds.get(name)
    if (kind === undefined || (isBlank(value) && (kind !== 'string' || value !== ''))) continue
    sent.set(name, kind === 'json' ? asJson(name, value) : value)
  }
  const required = rows.filter((field) => field.required)
  const values = valuesOf(all, data)
  // A default can make another field required.
  for (let size = -1; size !== sent.size; ) {
    size = sent.size
    for (const field of required) {
      const { name } = field
      if (!sent.has(name) && isDemanded(field, sent)) sent.set(name, defaultOf(name, rows, values))
    }
  }
  return Object.fromEntries(sent)
}

/**
 * Adds the default of every omitted field. n8n merges updates into existing data, so a field removed in Flowkeep would
 * otherwise keep its old value in n8n.
 */
export function completeCredentialData(catalogue: Catalogue, type: string, data: Data): Data {
  const sent = sendableCredentialData(catalogue, type, data)
  const all = catalogue.credentialFields(type)
  const rows = all.filter(isVisible)
  const values = valuesOf(all, data)
  const omitted = rows.filter((field) => {
    return field.name !== TOKEN_FIELD && !Object.hasOwn(sent, field.name) && legalOptions(field)?.length !== 0
  })
  return { ...Object.fromEntries(omitted.map(({ name }) => [name, defaultOf(name, rows, values)])), ...sent }
}

const isVisible = ({ kind }: FieldType): boolean => kind !== 'hidden' && kind !== 'notice'

/** n8n's API evaluates only the first condition and its first value, and only if that field is sent. */
function isDemanded({ show }: FieldType, sent: ReadonlyMap<string, unknown>): boolean {
  const [first] = Object.entries(show ?? {})
  return first === undefined || (sent.has(first[0]) && sent.get(first[0]) === first[1][0])
}

/** The default of the displayed field if several share a name. */
function defaultOf(name: string, rows: FieldType[], values: JsonObject): unknown {
  const named = rows.filter((each) => each.name === name)
  const field = named.find((each) => isFieldDisplayed(each, values)) ?? named[0]
  if (!field) return ''
  if (field.defaultValue !== undefined && field.defaultValue !== null) return field.defaultValue
  switch (field.kind) {
    case 'number':
      return 0
    case 'boolean':
      return false
    case 'options':
      return legalOptions(field)?.[0] ?? ''
    default:
      return ''
  }
}

function asJson(name: string, value: unknown): unknown {
  if (name !== TOKEN_FIELD) return typeof value === 'string' ? value : JSON.stringify(value)
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** The values of all fields, including defaults. */
function valuesOf(rows: FieldType[], data: Data): JsonObject {
  const values: JsonObject = {}
  for (const { name, defaultValue } of rows) {
    const value = ownValue(data, name)
    if (value !== undefined || !Object.hasOwn(values, name))
      values[name] = value === undefined ? defaultValue : value
  }
  return values
}

function missingFields(rows: FieldType[], data: Data): Set<string> {
  const values = valuesOf(rows, data)
  const names = rows
    .filter((field) => isRequired(field) && isFieldDisplayed(field, values))
    .map(({ name }) => name)
  return new Set(names.filter((name) => isBlank(ownValue(data, name))))
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** Undefined if a field with that name accepts the value, otherwise the requirement. */
function mismatchOf(fields: FieldType[], value: unknown): string | undefined {
  // `missingFields` reports blank required fields.
  if (value === '' || (value === null && fields.some(isRequired))) return undefined
  const demands = fields.map((field) => demand(field, value))
  return demands.includes(undefined) ? undefined : [...new Set(demands)].join(' or ')
}

function demand(field: FieldType, value: unknown): string | undefined {
  switch (field.kind) {
    case 'string':
      if (typeof value !== 'string') return 'must be a string'
      // Other text can be an expression.
      return isPort(field) && isNumeric(value) ? rangeFault(field, Number(value)) : undefined
    case 'number':
      return typeof value === 'number' ? rangeFault(field, value) : 'must be a number'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'options': {
      const legal = legalOptions(field)
      if (legal?.length === 0) return 'cannot be set through the n8n API. Omit it and set it in n8n'
      if (legal)
        return typeof value === 'string' && legal.includes(value)
          ? undefined
          : `must be one of ${legal.join(', ')}`
      return typeof value === 'string' ? undefined : 'must be a string'
    }
    case 'json':
      return typeof value === 'string' || isContainer(value) ? undefined : 'must be JSON'
    case 'multiOptions':
      return Array.isArray(value) ? undefined : 'must be an array'
    case 'collection':
    case 'fixedCollection':
      return isObject(value) ? undefined : 'must be an object'
    default:
      return undefined
  }
}

const isNumeric = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text))

function rangeFault(field: FieldType, value: number): string | undefined {
  const minimum = field.minimum ?? -Infinity
  const maximum = field.maximum ?? Infinity
  const isPortField = isPort(field)
  if (value >= minimum && value <= maximum && (!isPortField || Number.isInteger(value))) return undefined
  if (isPortField) return `must be a port: a whole number from ${minimum} to ${maximum}`
  if (maximum === Infinity) return `must be at least ${minimum}`
  return minimum === -Infinity ? `must be at most ${maximum}` : `must be from ${minimum} to ${maximum}`
}

function isEndpoint(value: unknown): boolean {
  if (typeof value !== 'string' || value.trim() === '' || value.startsWith('=')) return true
  return URL.canParse(value.trim()) && /^https?:$/.test(new URL(value.trim()).protocol)
}
