/** @module What every tool has. */
import type { Deps } from '../deps.ts'
import type { RateClass } from '../http/rate-classes.ts'
import type { Scope } from '../http/scopes.ts'
import type { Arguments, Values } from './arguments.ts'

export interface Tool<A extends Arguments = Arguments> {
  name: string
  description: string
  arguments: A
  scope: Scope
  /** It changes nothing. */
  isReadOnly?: true
  /** Class of cost. Default: `read` or `write`. */
  rateClass?: RateClass
  run: (deps: Deps, userId: string, values: Values<A>) => Promise<string>
}

/** A tool whose arguments are known to `run`. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const tool = <A extends Arguments>(definition: Tool<A>): Tool => definition as unknown as Tool
