/** @module Finds invalid cron expressions. n8n publishes them with status 200 but never runs the workflow. Pure. */
import { isExpression } from '../catalogue/display-options.ts'
import { parseCron } from '../../lib/cron.ts'
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
    if (key === undefined || isExpression(expression)) return []
    if (typeof expression === 'string' && parseCron(expression)) return []
    const shown = typeof expression === 'string' ? ` ${expression.slice(0, 60)}` : ''
    const text =
      `The cron expression${shown} is invalid, so n8n publishes the workflow but never runs it. ` +
      'Use 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first'
    return [{ pointer: `/${name}/${group}/${index}/${key}`, text }]
  })
}
