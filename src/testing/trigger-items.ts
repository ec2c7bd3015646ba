/** @module The items that a trigger outputs when its event happens, as n8n 2.41 builds them. Pure. */
import { isObject, type JsonObject, listOf } from '../lib/json-object.ts'

/** What a trigger of the type adds to the fields that its event sets. Other triggers add nothing. */
export function triggerItem(node: JsonObject, now: Date): JsonObject {
  switch (String(node['type']).replace(/^.*\./, '')) {
    case 'webhook':
      return { headers: {}, params: {}, query: {}, body: {}, executionMode: 'production' }
    case 'formTrigger':
      return { submittedAt: now.toISOString(), formMode: 'production' }
    case 'chatTrigger':
    case 'manualChatTrigger':
      return { sessionId: 'test', action: 'sendMessage', chatInput: '' }
    case 'scheduleTrigger':
    case 'cron':
    case 'interval':
      return scheduled(now)
    case 'executeWorkflowTrigger':
      return workflowInputs(node['parameters'])
    case 'errorTrigger':
      return {
        execution: { id: '1', mode: 'trigger', error: { message: 'Test' }, lastNodeExecuted: 'Test' },
        workflow: { id: '1', name: 'Test' },
      }
    default:
      return {}
  }
}

function scheduled(now: Date): JsonObject {
  const text = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', ...options }).format(now)
  const pad = (value: number) => String(value).padStart(2, '0')
  const day = now.getUTCDate()
  const time = text({ hour: 'numeric', minute: '2-digit', second: '2-digit', hour12: true }).toLowerCase()
  const month = text({ month: 'long' })
  const year = String(now.getUTCFullYear())
  return {
    timestamp: now.toISOString(),
    'Readable date': `${month} ${day}${ordinal(day)} ${year}, ${time}`,
    'Readable time': time,
    'Day of week': text({ weekday: 'long' }),
    Year: year,
    Month: month,
    'Day of month': pad(day),
    Hour: pad(now.getUTCHours()),
    Minute: pad(now.getUTCMinutes()),
    Second: pad(now.getUTCSeconds()),
    Timezone: 'UTC (UTC+00:00)',
  }
}

function ordinal(day: number): string {
  if (day >= 11 && day <= 13) return 'th'
  return ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'
}

/** Null for each declared input, as n8n passes them when the caller leaves them out. */
function workflowInputs(parameters: unknown): JsonObject {
  const inputs = isObject(parameters) ? parameters['workflowInputs'] : undefined
  const values = isObject(inputs) ? listOf(inputs['values']) : []
  return Object.fromEntries(
    values
      .filter(isObject)
      .flatMap(({ name }) => (typeof name === 'string' && name !== '' ? [[name, null]] : [])),
  )
}

/** The pinned items of a node; none without pinned data. */
export function pinnedItems(workflow: JsonObject, node: string): JsonObject[] {
  const { pinData } = workflow
  const items = isObject(pinData) && Object.hasOwn(pinData, node) ? listOf(pinData[node]) : []
  return items.filter(isObject).map((item) => (isObject(item['json']) ? item['json'] : item))
}
