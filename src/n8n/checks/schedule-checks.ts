/** @module Finds invalid cron expressions. n8n publishes them with status 200 but never runs the workflow. Pure. */
import { isExpression } from '../catalogue/display-options.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'

interface BrokenSchedule {
  /** below `/parameters` */
  pointer: string
  text: string
}

/** Covers the Schedule Trigger and Cron nodes. */
export function brokenSchedules(type: string, parameters: JsonObject): BrokenSchedule[] {
  if (type === 'n8n-nodes-base.scheduleTrigger') {
    return brokenIn(parameters.rule, 'rule', 'interval', (entry) =>
      entry.field === 'cronExpression' ? ['expression', entry.expression] : undefined,
    )
  }
  if (type !== 'n8n-nodes-base.cron') return []
  return brokenIn(parameters.triggerTimes, 'triggerTimes', 'item', (entry) =>
    entry.mode === 'custom' ? ['cronExpression', entry.cronExpression] : undefined,
  )
}

function brokenIn(
  collection: unknown,
  name: string,
  group: string,
  expressionOf: (entry: JsonObject) => [key: string, expression: unknown] | undefined,
): BrokenSchedule[] {
  const entries: unknown[] = isObject(collection) && Array.isArray(collection[group]) ? collection[group] : []
  return entries.flatMap((entry, index) => {
    const [key, expression] = (isObject(entry) && expressionOf(entry)) || []
    if (key === undefined || isExpression(expression) || isCron(expression)) return []
    const shown = typeof expression === 'string' ? ` ${expression.slice(0, 60)}` : ''
    const text =
      `The cron expression${shown} is invalid, so n8n publishes the workflow but never runs it. ` +
      'Use 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first'
    return [{ pointer: `/${name}/${group}/${index}/${key}`, text }]
  })
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  from: number
  to: number
  names?: { list: string[]; from: number }
}

const fields: Field[] = [
  { from: 0, to: 59 },
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  { from: 1, to: 12, names: { list: months, from: 1 } },
  { from: 0, to: 7, names: { list: weekdays, from: 0 } },
]
const presets = /^@(?:yearly|monthly|weekly|daily|hourly|minutely|secondly|weekdays|weekends)$/i

function isCron(expression: unknown): boolean {
  if (typeof expression !== 'string') return false
  const text = expression.trim()
  if (presets.test(text)) return true
  const parts = text.split(/\s+/)
  if (parts.length !== 5 && parts.length !== 6) return false
  const wanted = fields.slice(fields.length - parts.length)
  return wanted.every((field, index) => (parts[index] ?? '').split(',').every((part) => isPart(part, field)))
}

/** `*`, `5` or `5-10`, with an optional step. */
function isPart(part: string, field: Field): boolean {
  const [range = '', step, ...more] = part.split('/')
  if (more.length > 0 || (step !== undefined && !(/^\d+$/.test(step) && Number(step) > 0))) return false
  if (range === '*') return true
  const ends = range.split('-').map((end) => valueOf(end, field))
  const [from, to = from] = ends
  return ends.length <= 2 && from !== undefined && to !== undefined && from <= to
}

function valueOf(text: string, { from, to, names }: Field): number | undefined {
  const index = names ? names.list.indexOf(text.toLowerCase()) : -1
  if (names && index >= 0) return names.from + index
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  return value >= from && value <= to ? value : undefined
}
