/** @module What every tool has. */
import type { Deps } from '../deps.ts'
import type { Arguments, Values } from './arguments.ts'

/** What a token may do through a tool. */
export type Scope = 'workflows:read' | 'workflows:write' | 'deployments:read' | 'deploy' | 'executions:read'

/** Who calls. */
export interface Caller {
  userId: string
  /** @throws {AppError} when the token lacks the scope */
  needs: (scope: Scope) => void
  /** Whether the token has the scope. */
  may: (scope: Scope) => boolean
}

export interface Tool<A extends Arguments = Arguments> {
  name: string
  description: string
  arguments: A
  scope: Scope
  /** It changes nothing. */
  isReadOnly?: true
  run: (deps: Deps, caller: Caller, values: Values<A>) => Promise<string>
}

/** A tool whose arguments are known to `run`. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const tool = <A extends Arguments>(definition: Tool<A>): Tool => definition as unknown as Tool
