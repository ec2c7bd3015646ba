export { type Client, type ClientOptions, createClient } from './client.ts'
export type { Method, PagedMethod } from './method.ts'
export { FlowkeepError, unwrap } from './error.ts'
export type { RetryOptions } from './retry.ts'
export { memoryStore, type Session, type SessionStore, webStore } from './session.ts'
export type {
  AnyProblem,
  Args,
  Data,
  Failure,
  OperationName,
  Problem,
  Result,
  Schemas,
  Success,
  UnexpectedProblem,
} from './types.ts'
