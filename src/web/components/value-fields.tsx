/** @module The form fields for variables and credentials, for environments and instances. */
import type { ChosenCredential, Variables } from '../../db/schema/environments.ts'
import type { ChosenCredentials, VariableChanges } from '../../environments/contract.ts'
import { invalid } from '../../errors.ts'
import type * as z from 'zod'
import { loadCatalogue } from '../../n8n/catalogue/catalogue.ts'
import type { DashboardDeps } from '../context.ts'
import { SelectField, TextArea } from './form.tsx'
import { noLimit } from './period.ts'

export interface OwnCredential {
  id: string
  name: string
  type: string
  typeLabel: string
}

/** The credentials to choose from. */
export async function readOwnCredentials(
  credentials: DashboardDeps['credentials'],
  userId: string,
): Promise<OwnCredential[]> {
  const [{ items }, catalogue] = await Promise.all([
    credentials.list(userId, {}, { limit: noLimit, after: null }),
    loadCatalogue(),
  ])
  return items.map(({ id, name, type }) => ({
    id,
    name,
    type,
    typeLabel: catalogue.credentialType(type)?.displayName ?? type,
  }))
}

interface Values {
  variables: Variables
  credentials: readonly ChosenCredential[]
}

/** Used as the field name of a type. */
const prefix = 'credential.'

/** A value that does not fit on a line is a JSON string. */
const lineOf = ([name, value]: readonly [string, string]): string =>
  `${name}=${/[\r\n]|^"|^\s|\s$/.test(value) ? JSON.stringify(value) : value}`

const textOf = (variables: Variables): string => Object.entries(variables).map(lineOf).join('\n')

interface ValueFieldsProps {
  stored: Values
  own: readonly OwnCredential[]
  /** The text that was sent. */
  text: string | undefined
  error: string | undefined
}

export const ValueFields = ({ stored, own, text, error }: ValueFieldsProps) => (
  <>
    <TextArea
      name="variables"
      label="Variables"
      value={text ?? textOf(stored.variables)}
      error={error}
      required={false}
      rows={5}
      mono
      hint="NAME=value, one per line. Workflows read them as $vars.NAME. No secrets: create a credential instead."
    />
    {[...Map.groupBy(own, ({ type }) => type)].map(([type, ofType]) => (
      <SelectField
        name={`${prefix}${type}`}
        label={`Credential for ${ofType[0]?.typeLabel ?? type}`}
        value={stored.credentials.find((each) => each.type === type && !each.insteadOf)?.credentialId ?? ''}
        options={[['', 'Not chosen'], ...ofType.map(({ id, name }) => [id, name] as const)]}
        required={false}
      />
    ))}
  </>
)

/** Entries with `insteadOf`, which the form does not show, stay. @throws {AppError} `invalid` */
export function readValues(
  form: URLSearchParams,
  stored: Values,
): { variables: VariableChanges; credentials?: z.output<typeof ChosenCredentials> } | Record<string, never> {
  const text = form.get('variables')
  if (text === null) return {}
  const entered = new Map(text.split(/\r?\n/).flatMap((line) => (line.trim() === '' ? [] : [entryOf(line)])))
  const removed = Object.keys(stored.variables).filter((name) => !entered.has(name))
  const variables = Object.fromEntries([
    ...[...entered].filter(([name, value]) => stored.variables[name] !== value),
    ...removed.map((name) => [name, null] as const),
  ])
  const shown = [...form.keys()].filter((name) => name.startsWith(prefix))
  const chosen = shown.flatMap((name) => {
    const credentialId = form.get(name) ?? ''
    return credentialId === '' ? [] : [{ type: name.slice(prefix.length), credentialId }]
  })
  const types = new Set(shown.map((name) => name.slice(prefix.length)))
  const kept = stored.credentials.filter(({ type, insteadOf }) => insteadOf !== undefined || !types.has(type))
  const credentials = [...kept, ...chosen]
  const isSame =
    JSON.stringify(credentials.toSorted(byType)) === JSON.stringify(stored.credentials.toSorted(byType))
  return { variables, ...(!isSame && { credentials }) }
}

/** Each variable has its own pointer. */
export function withVariableError(errors: Record<string, string>): Record<string, string> {
  const { '': general, ...rest } = errors
  const isOfVariable = general?.startsWith('/variables/')
  return isOfVariable ? { ...rest, variables: String(general?.slice('/variables/'.length)) } : errors
}

const byType = (a: ChosenCredential, b: ChosenCredential): number =>
  a.type + String(a.insteadOf) < b.type + String(b.insteadOf) ? -1 : 1

function entryOf(line: string): [name: string, value: string] {
  const at = line.indexOf('=')
  if (at < 0) throw invalid('/variables', 'Write each variable as NAME=value on a line of its own')
  const [name, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()]
  return [name, value.startsWith('"') ? unquoted(value) : value]
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}
