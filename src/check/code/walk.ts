/** @module Visits the nodes of a syntax tree. */
import type { AnyNode, Node, Pattern } from 'acorn'
import { isContainer } from '../../lib/json-object.ts'

interface Visited {
  node: AnyNode
  parent: AnyNode | undefined
  isNested: boolean
}

const known = new WeakMap<readonly Node[], readonly Visited[]>()

/** @param visit also receives whether the node is inside a function */
export function walk(
  { body }: { body: readonly Node[] },
  visit: (node: AnyNode, parent: AnyNode | undefined, isNested: boolean) => void,
): void {
  let visited = known.get(body)
  if (!visited) known.set(body, (visited = allIn(body)))
  for (const { node, parent, isNested } of visited) visit(node, parent, isNested)
}

function allIn(body: readonly Node[]): readonly Visited[] {
  const visited: Visited[] = []
  const open = body.map((node): Visited => ({ node: node as AnyNode, parent: undefined, isNested: false }))
  for (let entry = open.pop(); entry; entry = open.pop()) {
    visited.push(entry)
    const { node, isNested } = entry
    const isInFunction = isNested || node.type.includes('Function')
    const add = (child: unknown) => {
      if (isNode(child)) open.push({ node: child, parent: node, isNested: isInFunction })
    }
    Object.values(node).forEach((value: unknown) => {
      if (Array.isArray(value)) value.forEach(add)
      else add(value)
    })
  }
  return visited
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
