/** @module Arguments and results of each operation, derived from the OpenAPI document. */
import type { components, operations } from './generated/schema.ts'
import type { ListName, StreamName, WebhookName } from './generated/operations.ts'

/** All schemas of the API by name: `Schemas['Workflow']`. */
export type Schemas = components['schemas']
export type OperationName = keyof operations

type Responses<N extends OperationName> = operations[N]['responses']
type Flat<T> = { [K in keyof T]: T[K] }
/** Lets optional properties be undefined, for projects with `exactOptionalPropertyTypes`. */
type Loose<T> = { [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K] }
type Part<T> = [T] extends [undefined] ? unknown : Loose<NonNullable<T>>

type BodyOf<N extends OperationName> = operations[N] extends {
  requestBody: { content: { 'application/json': infer B } }
}
  ? B
  : never
/** Makes a body without required fields optional, and the refresh token too, because the client has it. */
type BodyArg<N extends OperationName> = [BodyOf<N>] extends [never]
  ? unknown
  : N extends 'endSession' | 'refreshSession'
    ? { body?: BodyOf<N> | undefined }
    : object extends BodyOf<N>
      ? { body?: BodyOf<N> | undefined }
      : { body: BodyOf<N> }

type HeaderOf<N extends OperationName> = NonNullable<operations[N]['parameters']['header']>
type ConditionArg<N extends OperationName> = [HeaderOf<N>] extends [never]
  ? unknown
  : HeaderOf<N> extends { 'If-Match': string }
    ? {
        /** The version or ETag that the change is based on, or `*` for any version. */
        ifMatch: string | number
      }
    : unknown
type KeyArg<N extends OperationName> = [HeaderOf<N>] extends [never]
  ? unknown
  : 'Idempotency-Key' extends keyof HeaderOf<N>
    ? {
        /** Makes the request idempotent across restarts of your program. Default: a new key per call. */
        idempotencyKey?: string | undefined
      }
    : unknown
type WebhookArg<N extends OperationName> = N extends WebhookName
  ? {
      /** The instance's webhook token, returned once when it was created. */
      webhookToken: string
    }
  : unknown

/** The arguments of an operation: path and query parameters, `body`, `ifMatch`, `idempotencyKey`, `signal`. */
export type Args<N extends OperationName> = Flat<
  Part<operations[N]['parameters']['path']> &
    Part<operations[N]['parameters']['query']> &
    BodyArg<N> &
    ConditionArg<N> &
    KeyArg<N> &
    WebhookArg<N> & { signal?: AbortSignal | undefined }
>

type SuccessStatus = 200 | 201 | 202 | 204
type JsonOf<R> = R extends { content: { 'application/json': infer T } } ? T : undefined
type SuccessBody<N extends OperationName> = {
  [S in keyof Responses<N> & SuccessStatus]: JsonOf<Responses<N>[S]>
}[keyof Responses<N> & SuccessStatus]

/** The result of an operation. Exports return a byte stream, because they can have any length. */
export type Data<N extends OperationName> = N extends StreamName ? ReadableStream<Uint8Array> : SuccessBody<N>

/** An item of a list. */
export type Item<N extends ListName> = Data<N> extends { items: (infer T)[] } ? T : never

type HeadersOf<N extends OperationName> = {
  [S in keyof Responses<N> & SuccessStatus]: Responses<N>[S] extends { headers: infer H } ? H : never
}[keyof Responses<N> & SuccessStatus]
type EtagOf<N extends OperationName> = HeadersOf<N> extends { ETag: string } ? string : null

/** The response is not a problem document of this API, such as the error page of a proxy. */
export interface UnexpectedProblem {
  type: string
  title: string
  status: number
  detail: string
  instance: string
  code: 'unexpected-response'
  requestId: string
}

type ProblemIn<R> = R extends { content: { 'application/problem+json': infer P } } ? P : never

/** The documented problems of an operation, discriminated by `code`. A newer server may return other codes. */
export type Problem<N extends OperationName> =
  | { [S in keyof Responses<N>]: ProblemIn<Responses<N>[S]> }[keyof Responses<N>]
  | UnexpectedProblem
export type AnyProblem = { [N in OperationName]: Problem<N> }[OperationName]

export interface Success<N extends OperationName> {
  ok: true
  status: number
  data: Data<N>
  /** For `ifMatch`. */
  etag: EtagOf<N>
  requestId: string
  response: Response
}

export interface Failure<P = AnyProblem> {
  ok: false
  status: number
  problem: P
  requestId: string
  response: Response
}

export type Result<N extends OperationName> = Success<N> | Failure<Problem<N>>
