/** @module Values that n8n accepts when it publishes, but with which a node fails: URLs, typed fields and date formats. */
import { isContainer, isObject, listOf } from '../../lib/json-object.ts'
import { ownValue } from '../../n8n/catalogue/display-options.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import { luxonFormat } from '../code/members.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'
import type { CheckedNode } from '../model.ts'
import { pointerAt, replacement, type Report } from '../report.ts'

export function checkValue(
  node: CheckedNode,
  { name, type }: PropertyFacts,
  value: unknown,
  at: string,
  report: Report,
): void {
  if (name === 'url' && /^httpRequest(?:Tool)?$/.test(node.shortType)) checkUrl(node, value, at, report)
  else if (name === 'customFormat' && node.shortType === 'dateTime' && node.version >= 2)
    checkFormat(node, value, at, report)
  else if (type === 'assignmentCollection') checkAssignments(node, value, at, report)
  else if (type === 'number') checkNumber(node, name, value, at, report)
}

function checkNumber(node: CheckedNode, name: string, value: unknown, at: string, report: Report): void {
  if (typeof value !== 'string' || /^=|\{\{/.test(value) || converts.number(value)) return
  report.add(node, {
    code: 'invalid-value',
    level: 'error',
    at,
    message: `${name} must be a number, not ${shown(JSON.stringify(value))}`,
  })
}

/** Lists of fields that a node needs, by type. n8n publishes it without them. */
const fieldLists: Readonly<Record<string, readonly string[]>> = {
  compareDatasets: ['mergeByFields'],
  merge: ['mergeByFields', 'fieldsToMatchString'],
  removeDuplicates: ['fieldsToCompare', 'fieldsToExclude'],
  sort: ['sortFieldsUi'],
  summarize: ['fieldsToSummarize'],
}

export function checkFieldLists(node: CheckedNode, report: Report): void {
  const { shortType, values } = node
  for (const name of Object.hasOwn(fieldLists, shortType) ? (fieldLists[shortType] ?? []) : []) {
    if (values.displayed(name).length === 0 || namesField(values.given(name))) continue
    report.add(node, {
      code: 'missing-fields',
      level: 'error',
      at: pointerAt('/parameters', name),
      message: `${name} names no field, so the node fails. Add at least one field`,
    })
  }
}

/** Whether a list of fields, or an entry of it, has a name. */
function namesField(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== ''
  if (Array.isArray(value)) return value.some(namesField)
  return (
    isObject(value) &&
    Object.entries(value).some(([key, each]) => (isContainer(each) || /field/i.test(key)) && namesField(each))
  )
}

function checkUrl(node: CheckedNode, value: unknown, at: string, report: Report): void {
  if (typeof value !== 'string') return
  const url = value.replace(/^=/, '').trimStart()
  // An expression can contain the scheme.
  if (url === '' || url.startsWith('{{') || /^https?:|^https?\{\{/.test(url)) return
  if (value.includes('{{') && !value.startsWith('=')) return
  const isBare = /^[a-z][\w.-]*\.[a-z]{2,}(?:[:/?]|$)/i.test(url)
  report.add(node, {
    code: 'invalid-value',
    level: 'error',
    at,
    message: `The URL must start with http:// or https://${isBare ? '' : ', without quotation marks or a second ='}`,
    n8n: 'Invalid URL',
    fix: isBare
      ? replacement(
          'Add https:// at the start',
          node.pointer + at,
          `${value.startsWith('=') ? '=' : ''}https://${url}`,
        )
      : undefined,
  })
}

function checkFormat(node: CheckedNode, value: unknown, at: string, report: Report): void {
  const meant = typeof value === 'string' && !value.includes('{{') ? luxonFormat(value) : undefined
  if (meant === undefined) return
  report.add(node, {
    code: 'unknown-date-syntax',
    level: 'warning',
    at,
    message: `Luxon does not support the format ${shown(String(value))}. Use ${shown(meant)}`,
    fix: replacement(`Set it to ${meant}`, node.pointer + at, meant),
  })
}

/** Whether n8n converts a text to the type. Any other type takes it as it is. */
const converts = {
  number: (text) => text.trim() === '' || !Number.isNaN(Number(text)),
  boolean: (text) => /^(?:true|false|0|1)?$/i.test(text.trim()),
  array: (text) => text.trim() === '' || isJson(text, '['),
  object: (text) => text.trim() === '' || isJson(text, '{'),
} satisfies Record<string, (text: string) => boolean>

function checkAssignments(node: CheckedNode, value: unknown, at: string, report: Report): void {
  const options = node.values.given('options')
  if (ownValue(options, 'ignoreConversionErrors') === true) return
  for (const [index, each] of listOf(ownValue(value, 'assignments')).entries()) {
    const [type, given] = [ownValue(each, 'type'), ownValue(each, 'value')]
    if (typeof type !== 'string' || typeof given !== 'string' || /^=|\{\{/.test(given)) continue
    if (!isConverted(type) || converts[type](given)) continue
    report.add(node, {
      code: 'invalid-value',
      level: 'error',
      at: pointerAt(at, 'assignments', index, 'value'),
      message: `${shown(JSON.stringify(given))} is not a value of the type ${type}. Correct it, or set type to string`,
      n8n: `expects a ${type}`,
    })
  }
}

const isConverted = (type: string): type is keyof typeof converts => Object.hasOwn(converts, type)

/** n8n also reads text that is only almost JSON. */
const isJson = (text: string, bracket: string): boolean => text.trim().startsWith(bracket)
