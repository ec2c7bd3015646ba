export type JsonObject = Record<string, unknown>

/** Whether a JSON value is an object: neither null nor an array. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a value is an object or an array. */
export const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null
