/** @module Applies JSON Patch operations (RFC 6902) to a copy. */
import { isContainer, putOwn, segmentsOf } from '../lib/json-object.ts'
import type { PatchOperation } from '../n8n/checks/finding.ts'

/** Undefined if an operation does not fit the document, which then stays unchanged. */
export function applyPatch<Document>(
  document: Document,
  operations: readonly PatchOperation[],
): Document | undefined {
  const root = { document: structuredClone(document) as unknown }
  return operations.every((operation) => applyOne(root, operation)) ? (root.document as Document) : undefined
}

function applyOne(root: { document: unknown }, operation: PatchOperation): boolean {
  switch (operation.op) {
    case 'add':
    case 'replace':
      return put(root, operation.path, structuredClone(operation.value), operation.op === 'replace')
    case 'remove':
      return take(root, operation.path) !== undefined
    case 'move': {
      const moved = take(root, operation.from)
      return moved !== undefined && put(root, operation.path, moved.value, false)
    }
    default:
      return false
  }
}

/** The container of the last segment, and that segment. */
function locate(root: { document: unknown }, pointer: string): { parent: object; key: string } | undefined {
  if (!pointer.startsWith('/')) return undefined
  const segments = segmentsOf(pointer)
  let parent: unknown = root.document
  for (const segment of segments.slice(0, -1)) {
    if (!isContainer(parent) || !Object.hasOwn(parent, segment)) return undefined
    parent = Reflect.get(parent, segment)
  }
  const key = segments.at(-1)
  return isContainer(parent) && key !== undefined ? { parent, key } : undefined
}

function put(root: { document: unknown }, pointer: string, value: unknown, mustExist: boolean): boolean {
  const place = locate(root, pointer)
  if (!place) return false
  const { parent, key } = place
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : Number(key)
    if (!Number.isInteger(index) || index < 0 || index > parent.length) return false
    if (mustExist && index === parent.length) return false
    parent.splice(index, mustExist ? 1 : 0, value)
    return true
  }
  if (mustExist && !Object.hasOwn(parent, key)) return false
  putOwn(parent, key, value)
  return true
}

function take(root: { document: unknown }, pointer: string): { value: unknown } | undefined {
  const place = locate(root, pointer)
  if (!place || !Object.hasOwn(place.parent, place.key)) return undefined
  const { parent, key } = place
  const value: unknown = Reflect.get(parent, key)
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else Reflect.deleteProperty(parent, key)
  return { value }
}
