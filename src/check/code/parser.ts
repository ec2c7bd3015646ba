/** @module The JavaScript parser, loaded on first use: it is larger than all rules together. */
import type { Program } from 'acorn'
import { sharedLoad } from '../../lib/shared-load.ts'

type Acorn = typeof import('acorn')

let acorn: Acorn | undefined

/** Must have resolved before code and expressions can be checked. */
export const loadParser: () => Promise<void> = sharedLoad(async () => {
  acorn = await import('acorn')
})

export type Parsed = { program: Program; fault?: undefined } | { fault: string; program?: undefined }

/** The body of an async function. Undefined if the parser is not loaded. */
export function parseScript(code: string): Parsed | undefined {
  if (!acorn) return undefined
  try {
    const program = acorn.parse(code, {
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
