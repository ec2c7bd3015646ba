/** @module When the schedules of a workflow are due: n8n's Schedule Trigger and the Cron node. Pure. */
import { type Cron, nextCronTime, parseCron } from '../lib/cron.ts'
import { isObject, type JsonObject } from '../lib/json-object.ts'
import { dayMs, hourMs, minuteMs } from '../lib/time.ts'

export const scheduleTypes = ['n8n-nodes-base.scheduleTrigger', 'n8n-nodes-base.cron'] as const

/**
 * `cron`: at the times of an expression; `isShifted`: at unknown times with the same gaps, because n8n fills in an hour or
 * minute that is not set. `everyMs`: at most this long after the previous run.
 */
type Schedule = { cron: string; isShifted?: boolean } | { everyMs: number }

/** Clock changes move a run by an hour. */
const clockChangeMs = hourMs

/**
 * The first time after `after` at which one of the schedules is due; null if none is known to be, for example because it
 * is an expression of n8n.
 * @param timeZone of the workflow; null when it uses the default of its n8n, which is unknown. A cron expression is then
 * due after the longest gap between its times.
 */
export function nextDue(nodes: readonly unknown[], timeZone: string | null, after: Date): Date | null {
  const times = nodes
    .flatMap(schedulesOf)
    .flatMap((schedule) => dueAfter(schedule, timeZone, after) ?? [])
    .map((time) => time.getTime())
  return times.length > 0 ? new Date(Math.min(...times)) : null
}

function dueAfter(schedule: Schedule, timeZone: string | null, after: Date): Date | null {
  if ('everyMs' in schedule) return new Date(after.getTime() + schedule.everyMs)
  const cron = parseCron(schedule.cron)
  if (!cron) return null
  try {
    return timeZone === null || schedule.isShifted
      ? afterLongestGap(cron, timeZone ?? 'UTC', after)
      : nextCronTime(cron, timeZone, after)
  } catch {
    // The zone is unknown.
    return null
  }
}

const runsCompared = 32

function afterLongestGap(cron: Cron, timeZone: string, after: Date): Date | null {
  let gap = 0
  let time = nextCronTime(cron, timeZone, after)
  for (let run = 1; time && run < runsCompared; run++) {
    const next = nextCronTime(cron, timeZone, time)
    if (next) gap = Math.max(gap, next.getTime() - time.getTime())
    time = next
  }
  return gap === 0 ? null : new Date(after.getTime() + gap + (gap > hourMs ? clockChangeMs : 0))
}

function schedulesOf(node: unknown): Schedule[] {
  if (!isObject(node) || node.disabled === true || !isObject(node.parameters)) return []
  const { parameters } = node
  if (node.type === scheduleTypes[0]) return entriesOf(parameters.rule, 'interval').flatMap(ofInterval)
  return entriesOf(parameters.triggerTimes, 'item').flatMap(ofTriggerTime)
}

function entriesOf(collection: unknown, group: string): JsonObject[] {
  const entries: unknown = isObject(collection) ? collection[group] : undefined
  return Array.isArray(entries) ? entries.filter(isObject) : []
}

/** A number, or its default if the parameter is not set; null for an expression. */
function numberOf(value: unknown, fallback: number): number | null {
  if (value === undefined) return fallback
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : null
}

const known = (schedule: Schedule | null): Schedule[] => (schedule === null ? [] : [schedule])

/** The parameters of the Schedule Trigger, with n8n's defaults. */
function ofInterval(entry: JsonObject): Schedule[] {
  const field = entry.field ?? 'days'
  if (field === 'cronExpression') return ofExpression(entry.expression)
  const size = numberOf(
    entry[`${typeof field === 'string' ? field : ''}Interval`],
    field === 'seconds' ? 30 : field === 'minutes' ? 5 : 1,
  )
  const minute = numberOf(entry.triggerAtMinute, 0)
  const hour = numberOf(entry.triggerAtHour, 0)
  const day = numberOf(entry.triggerAtDayOfMonth, 1)
  if (size === null || size === 0 || minute === null || hour === null || day === null) return []
  const every = (ms: number): Schedule => ({ everyMs: size * ms + clockChangeMs })
  const at = (cron: string, ...times: unknown[]): Schedule => ({ cron, isShifted: times.includes(undefined) })
  const { triggerAtMinute: setMinute, triggerAtHour: setHour, triggerAtDayOfMonth: setDay } = entry
  switch (field) {
    case 'seconds':
      return [{ everyMs: size * 1000 }]
    case 'minutes':
      return [{ everyMs: size * minuteMs }]
    case 'hours':
      return [24 % size === 0 ? at(`${minute} */${size} * * *`, setMinute) : every(hourMs)]
    case 'days':
      return [size === 1 ? at(`${minute} ${hour} * * *`, setMinute, setHour) : every(dayMs)]
    case 'weeks': {
      const days: unknown = entry.triggerAtDay ?? [0]
      const list = Array.isArray(days) ? days.map((each) => numberOf(each, 0)) : [null]
      if (list.includes(null)) return []
      const onDays = list.length === 0 ? '*' : list.join(',')
      return [size === 1 ? at(`${minute} ${hour} * * ${onDays}`, setMinute, setHour) : every(7 * dayMs)]
    }
    case 'months':
      return [
        size === 1 && day <= 28
          ? at(`${minute} ${hour} ${day} * *`, setMinute, setHour, setDay)
          : { everyMs: (size + 1) * 31 * dayMs },
      ]
    default:
      return []
  }
}

/** The parameters of the Cron node, which old workflows contain. */
function ofTriggerTime(entry: JsonObject): Schedule[] {
  const minute = numberOf(entry.minute, 0)
  const hour = numberOf(entry.hour, 14)
  if (minute === null || hour === null) return []
  switch (entry.mode ?? 'everyDay') {
    case 'everyMinute':
      return [{ everyMs: minuteMs }]
    case 'everyHour':
      return [{ cron: `${minute} * * * *` }]
    case 'everyDay':
      return [{ cron: `${minute} ${hour} * * *` }]
    case 'everyWeek': {
      const weekday = numberOf(entry.weekday, 1)
      return known(weekday === null ? null : { cron: `${minute} ${hour} * * ${weekday}` })
    }
    case 'everyMonth': {
      const day = numberOf(entry.dayOfMonth, 1)
      return known(day === null ? null : { cron: `${minute} ${hour} ${day} * *` })
    }
    case 'everyX': {
      const value = numberOf(entry.value, 2)
      const unit = entry.unit === 'minutes' ? minuteMs : hourMs
      return known(value === null || value === 0 ? null : { everyMs: value * unit })
    }
    case 'custom':
      return ofExpression(entry.cronExpression)
    default:
      return []
  }
}

const ofExpression = (expression: unknown): Schedule[] =>
  typeof expression === 'string' && !expression.startsWith('=') ? [{ cron: expression.trim() }] : []
