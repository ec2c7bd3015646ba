/** @module What is wrong with a response, by the OpenAPI document. */
import type { TargetAnswer } from '../harness/target.ts'
import type { Operation } from './operations.ts'

const maxBytes = 8 * 1024 * 1024
const maxProblemBytes = 64 * 1024
/** n8n did not respond, or not as n8n does. The server itself must not fail. */
const upstream = /^instance-(unreachable|timeout|refused|redirected|busy)$/
const internals =
  /\bselect\b.+\bfrom\b|postgres(ql)?:\/\/|\bat \S+ \(|\bat (file|node):|\/src\/|node_modules|NeonDbError|ECONN|duplicate key/i

export function faultsOf(operation: Operation, { status, headers, text, json }: TargetAnswer): string[] {
  const faults: string[] = []
  const add = (isFault: boolean, fault: string) => {
    if (isFault) faults.push(fault)
  }
  add(status >= 500 && !upstream.test(json?.code), `${status} ${json?.code ?? ''}`)
  const contents = operation.responses.get(String(status))
  add(!contents, `undeclared status ${status} ${json?.code ?? ''}`)
  add(text.length > maxBytes, 'a response above 8 MB')
  const type = headers.get('Content-Type')?.split(';')[0] ?? ''
  add(headers.get('X-Request-Id') === null, 'no X-Request-Id')
  if (contents && text !== '') {
    const validate = contents.get(type)
    add(validate === undefined, `${status}: undeclared media type ${type}`)
    if (validate && !validate(json)) {
      const [error] = validate.errors ?? []
      // Indexes differ between equal faults.
      const path = error?.instancePath.replaceAll(/\d+/g, '*') ?? ''
      faults.push(`${status}: body${path} ${error?.message} ${JSON.stringify(error?.params)}`)
    }
  }
  if (status >= 400) faults.push(...problemFaults({ status, headers, text, json }, type))
  return faults
}

function problemFaults({ status, headers, text, json }: TargetAnswer, type: string): string[] {
  if (type !== 'application/problem+json') return [`${status}: not a problem document but ${type}`]
  const faults: string[] = []
  const wanted = ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId']
  const missing = wanted.filter((name) => json?.[name] === undefined || json[name] === '')
  if (missing.length > 0) faults.push(`${status}: problem without ${missing.join(', ')}`)
  if (json?.status !== status) faults.push(`${status}: problem of status ${json?.status}`)
  if (json?.requestId !== headers.get('X-Request-Id')) faults.push(`${status}: another request ID`)
  if (text.length > maxProblemBytes) faults.push(`${status}: problem above 64 KB`)
  if (internals.test(`${json?.detail} ${json?.title}`)) faults.push(`${status}: names internals`)
  if (status === 401 && !headers.get('WWW-Authenticate')) faults.push('401 without WWW-Authenticate')
  if (
    (status === 429 || json?.code === 'database-unavailable') &&
    !/^\d+$/.test(headers.get('Retry-After') ?? '')
  )
    faults.push(`${status} without Retry-After`)
  return faults
}
