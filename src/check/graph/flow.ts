/** @module Which nodes run before others: ancestors, triggers, and the nodes whose data a sub-node reads. */
import { type CheckedNode, MAIN, type WorkflowModel } from '../model.ts'

/** Steps of all searches together; large workflows with many references stop here. */
const maximumSteps = 500_000

export class Flow {
  readonly model: WorkflowModel
  readonly triggers: readonly CheckedNode[]
  readonly #ancestors = new Map<CheckedNode, ReadonlySet<CheckedNode>>()
  readonly #after = new Map<CheckedNode, ReadonlySet<CheckedNode>>()
  readonly #starts = new Map<CheckedNode, readonly CheckedNode[]>()
  readonly #roots = new Map<CheckedNode, readonly CheckedNode[]>()
  readonly #subNodes: ReadonlySet<CheckedNode>
  #steps = 0

  constructor(model: WorkflowModel) {
    this.model = model
    this.#subNodes = new Set(model.links.flatMap(({ type, source }) => (type === MAIN ? [] : [source])))
    this.triggers = model.nodes.filter((node) => node.isEnabled && (isTrigger(node) || this.#mayStart(node)))
  }

  /** A node of an unknown type without inputs can be a trigger. */
  #mayStart(node: CheckedNode): boolean {
    if (node.nodeType || node.isSticky || this.model.incoming(node).length > 0) return false
    return this.model.outgoing(node).some(({ type }) => type === MAIN)
  }

  /** False once the searches took too long; do not use the answers then. */
  get isExact(): boolean {
    return this.#steps < maximumSteps
  }

  /** Nodes with a path of main connections to this one, and sub-nodes' roots. Includes the node. */
  ancestors(node: CheckedNode): ReadonlySet<CheckedNode> {
    return memo(this.#ancestors, node, () =>
      this.#search(this.roots(node), (each) =>
        this.model
          .incoming(each)
          .filter(({ type }) => type === MAIN)
          .map(({ source }) => source),
      ),
    )
  }

  /** Triggers with a path to the node. */
  startsOf(node: CheckedNode): readonly CheckedNode[] {
    return memo(this.#starts, node, () => {
      this.#steps += this.triggers.length
      const before = this.ancestors(node)
      return this.isExact ? this.triggers.filter((each) => before.has(each)) : []
    })
  }

  /** Nodes that can run in an execution that starts at one of the triggers before or without `without`. */
  reachableWithout(without: CheckedNode, triggers: readonly CheckedNode[]): ReadonlySet<CheckedNode> {
    return memo(this.#after, without, () =>
      this.#search(
        triggers.filter((each) => each !== without),
        (each) =>
          this.model
            .outgoing(each)
            .filter(({ type, target }) => type === MAIN && target !== without)
            .map(({ target }) => target),
      ),
    )
  }

  /** Nodes that a trigger starts, sub-nodes included. */
  reachable(): ReadonlySet<CheckedNode> {
    const main = this.#search(this.triggers, (each) =>
      this.model
        .outgoing(each)
        .filter(({ type }) => type === MAIN)
        .map(({ target }) => target),
    )
    return this.#search([...main], (each) =>
      this.model
        .incoming(each)
        .filter(({ type }) => type !== MAIN)
        .map(({ source }) => source),
    )
  }

  /** The nodes in the main flow that use a sub-node; the node itself if it is in the main flow. */
  roots(node: CheckedNode): readonly CheckedNode[] {
    if (!this.isSubNode(node)) return [node]
    return memo(this.#roots, node, () => {
      const found = this.#search([node], (each) =>
        this.model
          .outgoing(each)
          .filter(({ type }) => type !== MAIN)
          .map(({ target }) => target),
      )
      const roots = [...found].filter((each) => !this.isSubNode(each))
      return roots.length > 0 ? roots : [node]
    })
  }

  isSubNode(node: CheckedNode): boolean {
    return this.#subNodes.has(node)
  }

  #search(
    from: readonly CheckedNode[],
    next: (node: CheckedNode) => readonly CheckedNode[],
  ): ReadonlySet<CheckedNode> {
    const found = new Set(from)
    const open = [...found]
    for (let node = open.pop(); node && this.isExact; node = open.pop()) {
      for (const each of next(node)) {
        this.#steps += 1
        if (found.has(each)) continue
        found.add(each)
        open.push(each)
      }
    }
    return found
  }
}

function memo<Value>(cache: Map<CheckedNode, Value>, node: CheckedNode, compute: () => Value): Value {
  const known = cache.get(node)
  if (known !== undefined) return known
  const value = compute()
  cache.set(node, value)
  return value
}

/** Unknown types are triggers by name, as in n8n. */
export const isTrigger = ({ facts, type, nodeType }: CheckedNode): boolean =>
  facts?.isTrigger ?? (nodeType?.describe(nodeType.defaultVersion)?.isTrigger || /trigger/i.test(type))
