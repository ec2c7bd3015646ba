/** @module The JavaScript parser, loaded on first use: it is larger than all rules together. */
import type { Program } from 'acorn'
import { sharedLoad } from '../../lib/shared-load.ts'

type Parser = typeof import('acorn').Parser

let parser: Parser | undefined

/** Must have resolved before code and expressions can be checked. */
export const loadParser: () => Promise<void> = sharedLoad(async () => {
  const acorn = await import('acorn')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  parser = withFastScopes(acorn.Parser as unknown as typeof ScopedParser) as unknown as Parser
})

/** Names that are declared in a scope. */
class Names extends Array<string> {
  readonly #known = new Set<string>()

  override push(name: string): number {
    this.#known.add(name)
    return super.push(name)
  }

  override indexOf(name: string): number {
    return this.#known.has(name) ? 0 : -1
  }
}

/** What acorn's types leave out. */
declare class ScopedParser {
  scopeStack: { var: string[]; lexical: string[]; functions: string[] }[]
  enterScope(flags: number): void
}

/** acorn searches the names of a scope at every declaration, which takes quadratic time. It only asks whether one is there. */
export function withFastScopes(base: typeof ScopedParser) {
  return class extends base {
    override enterScope(flags: number): void {
      super.enterScope(flags)
      const scope = this.scopeStack.at(-1)
      if (scope) Object.assign(scope, { var: new Names(), lexical: new Names(), functions: new Names() })
    }
  }
}

export type Parsed = { program: Program; fault?: undefined } | { fault: string; program?: undefined }

/** The body of an async function. Undefined if the parser is not loaded. */
export function parseScript(code: string): Parsed | undefined {
  if (!parser) return undefined
  try {
    const program = parser.parse(code, {
      ecmaVersion: 'latest',
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: true,
      allowHashBang: false,
    })
    return { program }
  } catch (error) {
    if (error instanceof SyntaxError)
      return { fault: error.message.replace(/ \((\d+):(\d+)\)$/, ' on line $1') }
    // A stack overflow on deeply nested code.
    return undefined
  }
}
