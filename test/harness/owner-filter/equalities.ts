/** Two terms that have the same value: `2.user_id` of relation 2, `=text`, or `owner`, the user's ID. */
export type Pair = readonly [string, string]

export class Equalities {
  readonly #parents = new Map<string, string>()

  constructor(pairs: Iterable<Pair> = []) {
    for (const [left, right] of pairs) this.add(left, right)
  }

  add(left: string, right: string): void {
    const [from, to] = [this.#root(left), this.#root(right)]
    if (from !== to) this.#parents.set(from, to)
  }

  same(left: string, right: string): boolean {
    return this.#root(left) === this.#root(right)
  }

  #root(term: string): string {
    let root = term
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root))
      root = parent
    return root
  }
}
