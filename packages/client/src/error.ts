import type { AnyProblem, Failure } from './types.ts'

/** A failed operation, thrown by `unwrap` and by iterators. */
export class FlowkeepError<P extends { code: string; detail: string } = AnyProblem> extends Error {
  override readonly name = 'FlowkeepError'
  readonly problem: P
  readonly status: number
  readonly requestId: string

  constructor({ problem, status, requestId }: Failure<P>) {
    super(`${problem.code}: ${problem.detail}`)
    this.problem = problem
    this.status = status
    this.requestId = requestId
  }
}

/**
 * Returns the data of a result.
 * @throws {FlowkeepError} if the operation failed
 */
export async function unwrap<D>(result: Wrapped<D> | Promise<Wrapped<D>>): Promise<D> {
  const settled = await result
  if (settled.ok) return settled.data
  throw new FlowkeepError(settled as Failure)
}

type Wrapped<D> = { ok: true; data: D } | { ok: false; problem: { code: string; detail: string } }
