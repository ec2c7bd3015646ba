/** @module What a drawing says of its nodes and lines beside their names. */

/** Worst first. */
export const markKinds = ['fails', 'credential', 'removed', 'added', 'changed'] as const
export type MarkKind = (typeof markKinds)[number]

export interface NodeMark {
  kind: MarkKind
  /** In words: what is wrong, or what is new. */
  note: string
  /** The list behind it. */
  href?: string
}

/** By node name. */
export type NodeMarks = ReadonlyMap<string, readonly NodeMark[]>

/** By `connectionKey`. */
export type EdgeMarks = ReadonlyMap<string, 'added' | 'removed'>

/** Adds a mark; the worst of a node stands first. */
export function addMark(marks: Map<string, NodeMark[]>, node: string, mark: NodeMark): void {
  const own = [...(marks.get(node) ?? []).filter(({ kind }) => kind !== mark.kind), mark]
  marks.set(
    node,
    own.toSorted((a, b) => markKinds.indexOf(a.kind) - markKinds.indexOf(b.kind)),
  )
}
