/** @module Why an operation cannot be applied. */

export type EditFailureCode =
  | 'unknown-node'
  | 'ambiguous-node'
  | 'invalid-node'
  | 'name-taken'
  | 'restricted-name'
  | 'id-taken'
  | 'invalid-pointer'
  | 'unknown-parameter'
  | 'text-not-found'
  | 'text-not-unique'
  | 'already-connected'
  | 'not-connected'
  | 'cannot-reconnect'
  | 'invalid-structure'

export interface EditFailure {
  /** Index of the operation. */
  index: number
  code: EditFailureCode
  /** The member of the operation, such as `/node`. */
  pointer: string
  /** What is wrong and how to fix it. */
  message: string
}

/** Ends the application of edits. `applyEdits` returns it as a failure. */
export class Refusal extends Error {
  readonly code: EditFailureCode
  readonly pointer: string

  constructor(code: EditFailureCode, pointer: string, message: string) {
    super(message)
    this.code = code
    this.pointer = pointer
  }
}
