export type JsonObject = Record<string, unknown>

/** Whether a JSON value is an object: neither null nor an array. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a value is an object or an array. */
export const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The elements of a JSON array; none for any other value. */
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** Appends a member to a JSON pointer (RFC 6901). */
export const pointerTo = (pointer: string, key: string): string =>
  `${pointer}/${/[~/]/.test(key) ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key}`

export const pointerOf = (path: readonly PropertyKey[]): string => path.map(String).reduce(pointerTo, '')
