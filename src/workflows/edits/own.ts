/** @module Own members of JSON objects. `__proto__` is a member like any other. */

export const ownOf = (owner: object, key: string): unknown =>
  Object.hasOwn(owner, key) ? (Reflect.get(owner, key) as unknown) : undefined

export function putOwn(owner: object, key: string, value: unknown): void {
  Object.defineProperty(owner, key, { value, writable: true, enumerable: true, configurable: true })
}
