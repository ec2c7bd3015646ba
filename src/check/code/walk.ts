/** @module Visits the nodes of a syntax tree. */
import type { AnyNode, Node, Pattern } from 'acorn'
import { isContainer } from '../../lib/json-object.ts'

/** @param visit also receives whether the node is inside a function */
export function walk(
  { body }: { body: readonly Node[] },
  visit: (node: AnyNode, parent: AnyNode | undefined, isNested: boolean) => void,
): void {
  const open: [node: AnyNode, parent: AnyNode | undefined, isNested: boolean][] = []
  for (const node of body) open.push([node as AnyNode, undefined, false])
  for (let entry = open.pop(); entry; entry = open.pop()) {
    const [node, parent, isNested] = entry
    visit(node, parent, isNested)
    const isInFunction = isNested || node.type.includes('Function')
    for (const value of Object.values(node) as unknown[]) {
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (isNode(child)) open.push([child, node, isInFunction])
      }
    }
  }
}

const isNode = (value: unknown): value is AnyNode =>
  isContainer(value) && 'type' in value && typeof value.type === 'string'

/** The names that a pattern such as `{ a, b: [c] }` declares. */
export function namesIn(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name]
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) =>
        namesIn(each.type === 'Property' ? each.value : each.argument),
      )
    case 'ArrayPattern':
      return pattern.elements.flatMap((each) => (each ? namesIn(each) : []))
    case 'RestElement':
      return namesIn(pattern.argument)
    case 'AssignmentPattern':
      return namesIn(pattern.left)
    case 'MemberExpression':
      return []
    default:
      return []
  }
}
