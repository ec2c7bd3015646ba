/** @module The JSON Patch operations (RFC 6902) that turn one JSON value into another. */
import { isContainer, isObject, pointerTo } from '../lib/json-object.ts'
import type { PatchOperation } from '../n8n/checks/finding.ts'

const maximumDepth = 20

/** Lists of different lengths are replaced as a whole. Identical objects are skipped. */
export function differences(before: unknown, after: unknown, pointer = '', depth = 0): PatchOperation[] {
  if (Object.is(before, after)) return []
  const areLists = Array.isArray(before) && Array.isArray(after) && before.length === after.length
  if (depth > maximumDepth || !isContainer(before) || !(areLists || (isObject(before) && isObject(after)))) {
    return [{ op: 'replace', path: pointer, value: after }]
  }
  const [old, current] = [new Map(Object.entries(before)), new Map(Object.entries(after as object))]
  const removed = [...old.keys()].filter((key) => !current.has(key))
  const changed = [...current].flatMap(([key, value]): PatchOperation[] => {
    const path = pointerTo(pointer, key)
    return old.has(key) ? differences(old.get(key), value, path, depth + 1) : [{ op: 'add', path, value }]
  })
  return [
    ...removed.map((key): PatchOperation => ({ op: 'remove', path: pointerTo(pointer, key) })),
    ...changed,
  ]
}
