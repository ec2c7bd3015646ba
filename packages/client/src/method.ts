import type { ListName } from './generated/operations.ts'
import type { Args, Item, OperationName, Result } from './types.ts'

/** Resolves for every response; check `ok` for success. Rejects without a response or on abort. */
export type Method<N extends OperationName> =
  object extends Args<N> ? (args?: Args<N>) => Promise<Result<N>> : (args: Args<N>) => Promise<Result<N>>

export type PagedMethod<N extends ListName> = Method<N> & {
  /** Iterates over the items of all pages. Throws a `FlowkeepError` when a page fails. */
  all: object extends Args<N>
    ? (args?: Args<N>) => AsyncIterableIterator<Item<N>>
    : (args: Args<N>) => AsyncIterableIterator<Item<N>>
}
