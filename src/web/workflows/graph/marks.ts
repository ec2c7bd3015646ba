/** @module The marks on the nodes and lines of a graph. */

/** Worst first. */
export const markKinds = ['fails', 'error', 'credential', 'warning', 'removed', 'added', 'changed'] as const
export type MarkKind = (typeof markKinds)[number]

export interface NodeMark {
  kind: MarkKind
  /** Describes the problem or the change. */
  note: string
  /** The target of its link. */
  href?: string
  /** How bad it is, compared to other marks of the kind. Default: 0 */
  weight?: number
}

/** By node name. */
export type NodeMarks = ReadonlyMap<string, readonly NodeMark[]>

/** By `connectionKey`. */
export type EdgeMarks = ReadonlyMap<string, 'added' | 'removed'>

/** Adds a mark and sorts the node's marks, worst first. */
export function addMark(marks: Map<string, NodeMark[]>, node: string, mark: NodeMark): void {
  const own = [...(marks.get(node) ?? []).filter(({ kind }) => kind !== mark.kind), mark]
  marks.set(
    node,
    own.toSorted((a, b) => markKinds.indexOf(a.kind) - markKinds.indexOf(b.kind)),
  )
}
