/** @module Requests for the operations of the OpenAPI document: valid, almost valid and hostile ones. */
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { targetRuntime } from '../harness/target.ts'
import type { Operation, Parameter, Resolve } from './operations.ts'
import { hostileTexts, hostileValue, idToken, mutated, mutations, rawJson, valueOf } from './values.ts'

export interface FuzzRequest {
  operation: Operation
  path: string
  headers: Record<string, string>
  /** JSON text, before IDs are inserted. */
  body?: string | undefined
  isCompressed: boolean
  as: 'user' | 'stranger' | 'nobody' | 'token' | 'webhook' | 'forged'
}

/** Costs a password hash: seldom. */
const isExpensive = (id: string): boolean =>
  /^(registerUser|createSession|changePassword|deleteCurrentUser|updateCurrentUser)$/.test(id)

/** wrangler's server itself refuses a request that accepts no encoding. */
const encodings =
  targetRuntime === 'node' ? ['gzip', '*', 'br;q=0, identity;q=0'] : ['gzip', '*', 'br;q=0, *;q=0.1']

interface Options {
  resolve: Resolve
  n8nUrl: string
}

export function requestsOf(operations: readonly Operation[], options: Options): fc.Arbitrary<FuzzRequest> {
  return fc.oneof(
    ...operations.map((operation) => ({
      weight: isExpensive(operation.id) ? 1 : 12,
      arbitrary: requestOf(operation, options),
    })),
  )
}

function requestOf(operation: Operation, options: Options): fc.Arbitrary<FuzzRequest> {
  const inPath = operation.parameters.filter((each) => each.in === 'path')
  const inQuery = operation.parameters.filter((each) => each.in === 'query')
  const isHook = operation.path.startsWith('/hooks')
  return fc
    .record({
      ids: fc.tuple(...inPath.map((parameter) => pathValue(operation, parameter, options))),
      query: queryOf(inQuery, options),
      headers: headersOf(),
      body: operation.body
        ? fc.tuple(valueOf(operation.body, options.resolve, options), mutations, rawBody)
        : fc.constant(null),
      as: fc.constantFrom(
        ...(isHook
          ? (['webhook', 'webhook', 'webhook', 'user', 'nobody'] as const)
          : ([
              ...Array.from({ length: 9 }, () => 'user' as const),
              'stranger',
              'nobody',
              'token',
              'forged',
            ] as const)),
      ),
    })
    .map(({ ids, query, headers, body, as }) => {
      let path = operation.path
      for (const [index, { name }] of inPath.entries()) {
        path = path.replace(`{${name}}`, String(ids[index]))
      }
      const search = new URLSearchParams(query.map(([name, value]) => [name, wellFormed(value)])).toString()
      return {
        operation,
        path: search === '' ? path : `${path}?${search}`,
        headers,
        as,
        isCompressed: headers['Content-Encoding'] === 'gzip' && headers['Range'] === undefined,
        body: body === null ? undefined : (body[2] ?? textOf(mutated(body[0], body[1]))),
      }
    })
}

const wellFormed = (text: string): string => text.toWellFormed()

function pathValue(
  operation: Operation,
  { name, schema }: Parameter,
  options: Options,
): fc.Arbitrary<string> {
  const segments = operation.path.split('/').slice(2)
  const end = segments.findIndex((segment) => segment.startsWith('{'))
  const collection = name === 'instanceId' ? 'instances' : segments.slice(0, end).join('/')
  const known = name === 'id' || name === 'instanceId'
  const valid = known
    ? fc.nat(9).map((index) => idToken(collection, index))
    : name === 'type'
      ? fc.constantFrom('slackApi', 'n8n-nodes-base.slack', '@n8n/n8n-nodes-langchain.agent', 'constructor')
      : valueOf(schema, options.resolve, { ...options, name }).map((value) => encoded(String(value)))
  return fc.oneof(
    { weight: 8, arbitrary: valid },
    { weight: 1, arbitrary: fc.nat(9).map((index) => idToken('*', index)) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...hostileTexts.filter((text) => text.length < 400)).map(encoded),
    },
  )
}

/** Never empty: the path would belong to another operation. */
const encoded = (text: string): string => encodeURIComponent(wellFormed(text)).replace(/^\.{0,2}$/, '%20')

function queryOf(parameters: readonly Parameter[], options: Options): fc.Arbitrary<[string, string][]> {
  const one = ({ name, schema }: Parameter): fc.Arbitrary<[string, string][]> =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constant<[string, string][]>([]) },
      {
        weight: 4,
        arbitrary: valueOf(schema, options.resolve, { ...options, name }).map((value): [string, string][] => [
          [name, String(value)],
        ]),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(...hostileTexts).map((value): [string, string][] => [[name, value]]),
      },
      {
        weight: 1,
        arbitrary: fc.constant<[string, string][]>([
          [name, '1'],
          [name, '2'],
        ]),
      },
    )
  const unknown = fc.oneof(
    { weight: 9, arbitrary: fc.constant<[string, string][]>([]) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<[string, string][]>(
        [['unknown', '1']],
        [['__proto__', 'x']],
        [['limit[]', '1']],
      ),
    },
  )
  return fc.tuple(...parameters.map(one), unknown).map((lists) => lists.flat())
}

const sometimes = (values: readonly string[], weight: number): fc.Arbitrary<string | undefined> =>
  fc.oneof(
    { weight, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  )

function headersOf(): fc.Arbitrary<Record<string, string>> {
  return fc
    .record({
      'If-Match': fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('*', '"1"', '"2"') },
        { weight: 1, arbitrary: fc.constant(undefined) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            '',
            '""',
            '"0"',
            'W/"1"',
            '"1", "2"',
            '1',
            '"-1"',
            `"${'9'.repeat(30)}"`,
            'x'.repeat(500),
          ),
        },
      ),
      'If-None-Match': sometimes(['*', '"1"', 'W/"1"', 'x', '"1", "2"'], 6),
      'Idempotency-Key': sometimes(
        ['k1', 'k2', '', ' ', 'x'.repeat(255), 'x'.repeat(256), 'ключ'.normalize().replace(/./g, 'é')],
        4,
      ),
      'Content-Encoding': sometimes(
        ['gzip', 'br', 'identity', 'deflate', 'gzip, gzip', 'x', '__proto__'],
        14,
      ),
      'Content-Type': sometimes(
        [
          'text/plain',
          'application/json; charset=utf-16',
          'application/x-www-form-urlencoded',
          'multipart/form-data; boundary=x',
          'application/json;;',
        ],
        25,
      ),
      Accept: sometimes(['text/html', 'application/json', 'text/csv', '*/*;q=0', 'x'], 6),
      'Accept-Encoding': sometimes(encodings, 12),
      Range: sometimes(['bytes=0-10', 'bytes=5-1', 'items=0-1'], 14),
      Prefer: sometimes(['wait', 'return=minimal', 'respond-async'], 6),
      traceparent: sometimes(
        ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x', '00-0-0-0'],
        20,
      ),
      'X-HTTP-Method-Override': sometimes(['DELETE'], 30),
    })
    .map((headers) => JSON.parse(JSON.stringify(headers)) as Record<string, string>)
}

/** Instead of JSON of a value. */
const rawBody: fc.Arbitrary<string | null> = fc.oneof(
  { weight: 14, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '0',
      '\ufeff{}',
      '{}{}',
      '{"a":NaN}',
      '{"a":1,}',
      "{'a':1}",
      '{"a":"\u0001"}',
      '{"a":"\\ud800"}',
      '{"\\u0000":1}',
      ...Object.values(rawJson),
    ),
  },
  { weight: 1, arbitrary: hostileValue.map((value) => textOf(value)) },
)

function textOf(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(/"(\{raw:[a-z-]+\})"/g, (text, name: string) =>
    Object.hasOwn(rawJson, name) ? (rawJson[name] ?? text) : text,
  )
}

export const bytesOf = (text: string, isCompressed: boolean): Buffer =>
  isCompressed ? gzipSync(text) : Buffer.from(text)

/** The request as a command, for a report. */
export function curlOf(
  origin: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
) {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const parts = [`curl -X ${method} ${quote(origin + path)}`]
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`)
  if (body !== undefined) parts.push(`--data-binary ${quote(body)}`)
  return parts.join(' \\\n  ')
}
