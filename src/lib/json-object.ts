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

const unescaped = (segment: string): string => segment.replaceAll('~1', '/').replaceAll('~0', '~')

/** The segments of a JSON pointer (RFC 6901); none for the whole document. */
export const segmentsOf = (pointer: string): string[] => pointer.split('/').slice(1).map(unescaped)

/** The value of an own member. `__proto__` is a member like any other. */
export const ownOf = (owner: object, key: string): unknown =>
  Object.hasOwn(owner, key) ? (Reflect.get(owner, key) as unknown) : undefined

/** Sets an own member. Not an assignment, because `__proto__` is a legal key. */
export function putOwn(owner: object, key: string, value: unknown): void {
  Object.defineProperty(owner, key, { value, writable: true, enumerable: true, configurable: true })
}
