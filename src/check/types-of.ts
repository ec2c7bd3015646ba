import { isObject, type JsonObject, listOf } from '../lib/json-object.ts'

/** The node types whose facts a check needs: distinct and sorted. */
export function typesOf({ nodes }: JsonObject): string[] {
  const types = listOf(nodes).map((node) => (isObject(node) ? node.type : undefined))
  return [...new Set(types)].filter((type) => typeof type === 'string').toSorted()
}
