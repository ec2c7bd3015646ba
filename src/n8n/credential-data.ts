/** @module Whether the data of a credential fits its n8n type. Says where and why, never what the value was. */
import type { FieldError } from '../errors.ts'
import type { Catalogue } from './catalogue.ts'
import { isRequired } from './catalogue.ts'
import type { FieldRow } from './catalogue-file.ts'
import { isDisplayed, isExpression, ownValue } from './display-options.ts'
import { pointerTo } from './workflow-json.ts'

const MAX_ERRORS = 50
const CONTEXT = { version: 0, tool: false }

/**
 * Faults in `data` for a credential of `type`, none when it fits; pointers start with `/data`. A type that the
 * catalogue does not know (a community node's) takes any object. A required field counts only while n8n would show it.
 */
export function checkCredentialData(catalogue: Catalogue, type: string, data: unknown): FieldError[] {
  if (!isObject(data)) return [{ pointer: '/data', detail: 'must be an object' }]
  const rows = catalogue.credentialFields(type)
  if (catalogue.credentialType(type) === undefined) return []
  const byName = new Map<string, FieldRow[]>()
  for (const row of rows) byName.set(row[0], [...(byName.get(row[0]) ?? []), row])
  const errors: FieldError[] = []
  for (const name of missing(rows, data)) {
    errors.push({ pointer: pointerTo('/data', name), detail: 'is required' })
  }
  for (const [name, value] of Object.entries(data)) {
    const fields = byName.get(name)
    const detail = fields ? unfit(fields, value) : `is not a field of ${type}`
    if (detail !== undefined) errors.push({ pointer: pointerTo('/data', name), detail })
  }
  return errors.slice(0, MAX_ERRORS)
}

/** `data` without what n8n's public API refuses: the fields that n8n fills itself, and notices. */
export function sendableCredentialData(
  catalogue: Catalogue,
  type: string,
  data: Record<string, unknown>,
): Record<string, unknown> {
  const own = new Set(
    catalogue
      .credentialFields(type)
      .filter(([, kind]) => kind === 'hidden' || kind === 'notice')
      .map(([name]) => name),
  )
  return Object.fromEntries(Object.entries(data).filter(([name]) => !own.has(name)))
}

function missing(rows: FieldRow[], data: Record<string, unknown>): Set<string> {
  const values = new Map<string, unknown>()
  for (const [name, , , , defaultValue] of rows) {
    const value = ownValue(data, name)
    if (value !== undefined) values.set(name, value)
    else if (!values.has(name)) values.set(name, defaultValue)
  }
  const names = rows
    .filter(([, kind, flags, , , show, hide]) => {
      return isRequired(kind, flags) && isDisplayed(show, hide, values, CONTEXT)
    })
    .map(([name]) => name)
  return new Set(names.filter((name) => isBlank(ownValue(data, name))))
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** Undefined when one of the fields of that name takes the value, else what the value must be. */
function unfit(fields: FieldRow[], value: unknown): string | undefined {
  // The required ones that are blank are reported as such.
  if (value === '' || (value === null && fields.some(([, kind, flags]) => isRequired(kind, flags))))
    return undefined
  const demands = fields.map(([, kind, , options]) => demand(kind, options ?? undefined, value))
  return demands.includes(undefined) ? undefined : demands.join(' or ')
}

function demand(kind: string, options: unknown[] | undefined, value: unknown): string | undefined {
  if (isExpression(value)) return undefined
  switch (kind) {
    case 'string':
      return typeof value === 'string' ? undefined : 'must be a string'
    case 'number':
      return typeof value === 'number' ? undefined : 'must be a number'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'options':
      if (options) return options.includes(value) ? undefined : `must be one of ${options.join(', ')}`
      return typeof value === 'object' ? 'must be a string' : undefined
    case 'json':
      return typeof value === 'string' || (typeof value === 'object' && value !== null)
        ? undefined
        : 'must be JSON'
    case 'multiOptions':
      return Array.isArray(value) ? undefined : 'must be an array'
    case 'collection':
    case 'fixedCollection':
      return isObject(value) ? undefined : 'must be an object'
    default:
      return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
