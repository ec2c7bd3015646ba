/** @module The inputs and outputs of one node. */
import { isContainer } from '../../lib/json-object.ts'
import { isEmpty } from '../values/empty.ts'
import { isExpression, ownValue } from '../../n8n/catalogue/display-options.ts'
import type { ConnectionFacts, Connections } from './node-facts.ts'

/** More connections than n8n draws. */
const mostConnections = 500

/** The values of the displayed parameters, with defaults, by name. */
export type ParameterReader = (name: string) => unknown

/** The inputs or outputs of a node, in order. Undefined where an expression decides on them. */
export function connectionsOf(
  given: Connections,
  typeVersion: number,
  read: ParameterReader,
): readonly ConnectionFacts[] | undefined {
  if (!('cases' in given)) return given
  for (const { when = {}, connections } of given.cases) {
    const conditions = Object.entries(when).map(
      ([path, values]) =>
        [path === '@version' ? typeVersion : (valueAt(read, path) ?? null), values] as const,
    )
    if (conditions.some(([actual]) => isExpression(actual))) return undefined
    if (!conditions.every(([actual, values]) => values.some((value) => matches(value, actual)))) continue
    const counted = connections.map((connection) => repeated(connection, read))
    if (counted.includes(undefined)) return undefined
    return counted.flatMap((each) => each ?? []).slice(0, mostConnections)
  }
  // A parameter has a value that n8n does not list.
  return undefined
}

/** The only operator of these conditions is `{ _cnd: { exists: true } }`. */
function matches(condition: unknown, actual: unknown): boolean {
  return isContainer(condition) ? actual !== null && actual !== '' : condition === actual
}

function valueAt(read: ParameterReader, path: string): unknown {
  const [name = '', ...keys] = path.split('.')
  return keys.reduce((value, key) => ownValue(value, key), read(name))
}

function repeated(
  { count, ...connection }: ConnectionFacts,
  read: ParameterReader,
): ConnectionFacts[] | undefined {
  if (!count) return [connection]
  const value = valueAt(read, count.of)
  if (isExpression(value)) return undefined
  // A list in another form.
  if (count.kind === 'list' && value === undefined && !isEmpty(read(count.of.split('.', 1)[0] ?? '')))
    return undefined
  const length = Math.min(lengthOf(value, count.kind) ?? count.default, mostConnections)
  return Array.from({ length }, (_, index) => {
    if (connection.type !== '*') return connection
    const entry: unknown = Array.isArray(value) ? value[index] : undefined
    const { type, required } = { ...(entry as { type?: unknown; required?: unknown } | undefined) }
    return { type: typeof type === 'string' ? type : 'main', ...(required === true && { required }) }
  })
}

function lengthOf(value: unknown, kind: 'number' | 'list' | 'text'): number | undefined {
  if (kind === 'list') return Array.isArray(value) ? value.length : undefined
  if (kind === 'text') return typeof value === 'string' ? value.split(',').length : undefined
  if (!value) return undefined
  // An object can have a `toString` that is not a function.
  const number = isContainer(value) ? 0 : Math.floor(Number(value))
  return number > 0 ? number : 0
}
