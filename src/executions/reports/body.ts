/**
 * @module Parses the body of a webhook request: JSON, JSON as text, form fields, and reports wrapped by n8n and other
 * senders.
 */
import { isContainer, isObject, type JsonObject } from '../../lib/json-object.ts'
import { AppError, invalid } from '../../errors.ts'
import { parseJson } from '../../http/validate.ts'

export const reportMediaTypes = [
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
] as const

const maxDepth = 100
const maxWrapping = 4
/** An object with any of these fields is a report. */
const reportFields = ['executionId', 'id', 'execution', 'run', 'trigger', 'workflow', 'workflowId', 'status']
const wrappers = ['body', 'payload', 'data', 'json']

/**
 * One report, or an array of them.
 * @throws {AppError} `malformed-json`; `invalid` for more than 100 nested levels
 */
export function readReports(text: string, contentType: string): unknown {
  const isForm = /^\s*application\/x-www-form-urlencoded/i.test(contentType)
  const body = unwrap(isForm ? formOf(text) : parsed(text))
  return Array.isArray(body) ? body.map((item: unknown) => unwrap(item)) : body
}

function parsed(text: string): unknown {
  const { value, depth } = parseJson(text)
  if (depth > maxDepth) throw invalid('', `The body is nested more than ${maxDepth} levels deep`)
  return value
}

/** Form fields, or JSON: `curl -d` sends it with this media type; other senders percent-encode it without a name. */
function formOf(text: string): unknown {
  if (/^\s*["{[]/.test(text)) return parsed(text)
  if (!/^\s*%(22|5b|7b)/i.test(text)) return fieldsOf(text)
  const value = text.trim().replace(/=$/, '').replaceAll('&', '%26')
  return parsed(new URLSearchParams(`json=${value}`).get('json') ?? '')
}

/** A time whose offset has an unencoded `+`. */
const plusAsSpace = /^(\d{4}-\d\d-\d\dT[\d:.]{5,18}) (\d\d:?\d\d)$/

/** `error[message]` and `error.message` are members of `error`. */
function fieldsOf(text: string): JsonObject {
  const fields = new Map<string, unknown>()
  const members = new Map<string, Map<string, string>>()
  for (const [name, encoded] of new URLSearchParams(text)) {
    const value = encoded.replace(plusAsSpace, '$1+$2')
    const [, outer = '', inner = ''] = /^([^[.]{1,64})(?:\[([^\]]{1,64})\]|\.(.{1,64}))$/.exec(name) ?? []
    if (outer === '') {
      fields.set(name, textOrJson(value))
      members.delete(name)
      continue
    }
    const below = inner === '' ? name.slice(outer.length + 1) : inner
    const known = members.get(outer)
    if (known) known.set(below, value)
    else members.set(outer, new Map([[below, value]]))
  }
  for (const [outer, below] of members) {
    fields.set(outer, Object.fromEntries([...Object.entries(membersOf(fields.get(outer))), ...below]))
  }
  return Object.fromEntries(fields)
}

const membersOf = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** Invalid JSON stays text. */
function textOrJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return text
  try {
    return parsed(text)
  } catch (error) {
    if (error instanceof AppError && error.code === 'malformed-json') return text
    throw error
  }
}

/** A body without a report is returned unchanged. */
function unwrap(body: unknown): unknown {
  let inner = body
  for (let level = 0; level < maxWrapping && !isReport(inner) && !isList(inner); level += 1) {
    inner = typeof inner === 'string' ? textOrJson(inner) : wrappedIn(inner)
  }
  return isReport(inner) || isList(inner) ? inner : body
}

const isReport = (value: unknown): boolean =>
  isObject(value) && reportFields.some((field) => Object.hasOwn(value, field))

const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isObject)

function wrappedIn(value: unknown): unknown {
  if (!isObject(value)) return undefined
  return wrappers
    .filter((name) => Object.hasOwn(value, name))
    .map((name) => (typeof value[name] === 'string' ? textOrJson(value[name]) : value[name]))
    .find((member) => isContainer(member))
}
