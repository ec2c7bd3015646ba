/** @module Reads a value by a path such as `options.rules[0].name`, as the conditions and issues of n8n do. */

const parsed = new Map<string, readonly string[]>()
const maximumParsed = 5000

/** A name that exists as it is takes precedence over a path. */
export function readPath(from: unknown, path: string): unknown {
  if (from === null || from === undefined) return undefined
  const own: unknown = property(from, path)
  if (own !== undefined || !isPath.test(path)) return own
  let value: unknown = from
  for (const key of keysOf(path)) {
    if (value === null || value === undefined) return undefined
    value = property(value, key)
  }
  return value
}

const isPath = /[.[]/

export function keysOf(path: string): readonly string[] {
  let keys = parsed.get(path)
  if (!keys) {
    keys = path.replace(/\[([^[\]]*)\]/g, '.$1').split('.')
    if (parsed.size >= maximumParsed) parsed.clear()
    parsed.set(path, keys)
  }
  return keys
}

/** n8n does not distinguish own from inherited properties, or strings from objects. */
export const property = (value: unknown, key: string): unknown =>
  value === null || value === undefined ? undefined : (value as Record<string, unknown>)[key]
