/** @module One line that says what approving a request allows. */
import { approvable, type ApprovalKind } from '../http/approvable.ts'
import { isContainer } from '../lib/json-object.ts'

/** What hides text from people, or changes its direction. */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu
const maxNameChars = 120

/** A name in quotes, without what hides text from people. */
function quoted(name: string): string {
  const clean = name.replaceAll(hidden, ' ').trim()
  return `“${clean.length > maxNameChars ? `${clean.slice(0, maxNameChars).toWellFormed()}…` : clean}”`
}

/** A copy in which people see every character. */
export function visible<Value>(value: Value): Value {
  return copy(value) as Value
}

function copy(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(hidden, ' ')
  if (Array.isArray(value)) return value.map(copy)
  if (!isContainer(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]))
}

interface Named {
  name: string
  instance?: { name: string; isProduction: boolean } | undefined
  version?: number | undefined
  request: Record<string, unknown>
}

export function summaryOf(kind: ApprovalKind, { name, instance, version, request }: Named): string {
  const what = kind.endsWith('-credential')
    ? `the credential ${quoted(name)}`
    : kind === 'delete-instance'
      ? `the instance ${quoted(name)}`
      : kind === 'delete-workflow'
        ? `the workflow ${quoted(name)}`
        : quoted(name)
  const ofVersion = version === undefined ? '' : kind === 'roll-back' ? ` to v${version}` : ` v${version}`
  const where =
    instance && kind !== 'delete-instance'
      ? ` on ${quoted(instance.name)}${instance.isProduction ? ', a production instance' : ''}`
      : ''
  const forced = request['force'] === undefined || request['force'] === false ? '' : ', with force'
  return `${approvable[kind].verb} ${what}${ofVersion}${where}${forced}`
}
