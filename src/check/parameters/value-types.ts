/** @module Whether n8n can convert a value to a declared type, such as `number` or `dateTime`. */
import { isContainer, isObject } from '../../lib/json-object.ts'
import { property as read } from '../../n8n/catalogue/paths.ts'
import { isDateTime } from './date-times.ts'
import { isObjectLiteral } from './object-literal.ts'

/** @throws {TypeError} for an object that cannot be converted to a text */
export const toText = (value: unknown): string => (value as { toString(): string }).toString()

/** n8n also takes an array for an expression if its text starts with `=`. */
export const isExpressionLike = (value: unknown): boolean =>
  value !== null && value !== undefined && toText(value).startsWith('=')

/** True for a value that is not set, and for a type that n8n does not validate. @param options the legal values */
export function hasType(value: unknown, type: string, options: unknown): boolean {
  if (value === null || value === undefined) return true
  switch (type.toLowerCase()) {
    case 'string-alphanumeric':
      return /^[a-z_]\w*$/i.test(typeof value === 'object' ? JSON.stringify(value) : toText(value))
    case 'number':
      return !Number.isNaN(Number(value))
    case 'boolean':
      return isBoolean(value)
    case 'datetime':
      return isDateTime(toText(value).trim())
    case 'time':
      return /^\d{2}:\d{2}(:\d{2})?([-+]\d{4})?([-+]\d{1,2}(:\d{2})?)?$/.test(toText(value))
    case 'binary':
      return isObject(value) && 'mimeType' in value && ('data' in value || 'id' in value)
    case 'object':
      return isObject(value) || isObjectText(toText(value))
    case 'array':
      return Array.isArray(value) || isArrayText(toText(value))
    case 'options':
      return ((options ?? []) as object[]).some((option) => read(option, 'value') === value)
    case 'url':
      return isUrl(value)
    case 'jwt':
      return Boolean(value) && /^[\w-]+\.[\w-]+\.[\w\-.+/=]*$/.test(toText(value))
    case 'form-fields':
      return areFormFields(value)
    default:
      return true
  }
}

function isBoolean(value: unknown): boolean {
  if (typeof value === 'boolean' || (typeof value === 'string' && /^(?:true|false)$/i.test(value)))
    return true
  if (typeof value === 'string' && value.trim() === '') return false
  const number = Number(value)
  return number === 0 || number === 1
}

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

function isObjectText(text: string): boolean {
  const parsed = parse(text)
  return parsed ? isContainer(parsed.value ?? {}) && !Array.isArray(parsed.value) : isObjectLiteral(text)
}

const isArrayText = (text: string): boolean =>
  Array.isArray((parse(text) ?? parse(text.replaceAll("'", '"')))?.value)

const protocols = new Set(['http:', 'https:', 'ftp:', 'file:'])

function isUrl(value: unknown): boolean {
  const text = toText(value)
  const url = typeof value === 'string' && !text.includes('://') ? `https://${text}` : text
  return URL.canParse(url) && protocols.has(new URL(url).protocol)
}

const fieldKeys = new Set(
  (
    'fieldLabel fieldType placeholder defaultValue fieldOptions multiselect multipleFiles acceptFileTypes formatDate ' +
    'requiredField fieldValue elementName html fieldName limitSelection numberOfSelections minSelections maxSelections'
  ).split(' '),
)
const fieldTypes = new Set(
  'date dropdown email file number password text textarea checkbox radio html hiddenField'.split(' '),
)

function areFormFields(value: unknown): boolean {
  const fields = parse(value as string)?.value
  return Array.isArray(fields) && fields.every(isFormField)
}

const isFormField = (field: unknown): boolean =>
  isObject(field) &&
  Object.entries(field).every(([key, value]) => {
    if (!fieldKeys.has(key)) return false
    if (key === 'fieldType') return fieldTypes.has(toText(value ?? ''))
    return key !== 'fieldOptions' || areFieldOptions(value)
  })

function areFieldOptions(given: unknown): boolean {
  const options: unknown = isObject(given) ? given.values : given
  return (
    Array.isArray(options) &&
    options.every(
      (option) => isObject(option) && Object.keys(option).length === 1 && typeof option.option === 'string',
    )
  )
}
