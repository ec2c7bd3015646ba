/** @module JSON Merge Patch (RFC 7396). Does not modify its inputs. Uses Maps, because member names are untrusted. */
import { isObject, type JsonObject } from './json-object.ts'

/** Merges `patch` into `target`: null removes, objects merge, other values replace. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target))
  for (const [name, value] of Object.entries(patch)) {
    const before = merged.get(name)
    if (value === null) merged.delete(name)
    else merged.set(name, isObject(value) ? mergePatch(isObject(before) ? before : {}, value) : value)
  }
  return Object.fromEntries(merged)
}

/** The minimal patch from `from` to `to`. A patch cannot set a value to null. */
export function patchTo(from: JsonObject, to: JsonObject): JsonObject {
  const wanted = new Set(Object.keys(to))
  const removed = Object.keys(from).filter((name) => !wanted.has(name))
  const patch = new Map<string, unknown>(removed.map((name) => [name, null]))
  const before = new Map(Object.entries(from))
  for (const [name, value] of Object.entries(to)) {
    const old = before.get(name)
    if (!isObject(value) || !isObject(old)) {
      if (value !== old) patch.set(name, value)
      continue
    }
    const within = patchTo(old, value)
    if (Object.keys(within).length > 0) patch.set(name, within)
  }
  return Object.fromEntries(patch)
}
