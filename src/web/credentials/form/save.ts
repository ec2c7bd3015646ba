/** @module Creates or updates a credential from a posted form. */
import { isObject, segmentsOf } from '../../../lib/json-object.ts'
import { type FormInput } from './view.tsx'
import { capitalized } from '../../format.ts'
import { type Credential, CredentialChange, NewCredential } from '../../../credentials/contract.ts'
import type { CredentialRepository } from '../../../credentials/repository.ts'
import type { Fingerprint } from '../../../crypto/fingerprint.ts'
import { AppError, type FieldError } from '../../../errors.ts'
import { check } from '../../../http/validate.ts'
import { patchTo } from '../../../lib/merge-patch.ts'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import { checkJson } from '../../../n8n/reading/workflow-json.ts'
import { onceKey } from '../../form-data.ts'
import { readFields } from './type-fields.ts'

/** Prefix of the type's fields, because some types have a field `name` too. */
export const fieldPrefix = 'data.'
/** The field for all values of a type that is not in the catalogue. */
export const wholeName = 'json'

export function typedFields(form: URLSearchParams): Map<string, string> {
  const typed = new Map<string, string>()
  // A switch sends a hidden `false` before its checkbox, so the last value counts.
  for (const [name, value] of form) {
    if (name.startsWith(fieldPrefix)) typed.set(name.slice(fieldPrefix.length), value)
  }
  return typed
}

/**
 * @returns null if this form already created a credential that has since been deleted
 * @throws {AppError} as `CredentialRepository.create`
 */
export async function createFromForm(
  { credentials, fingerprint }: { credentials: CredentialRepository; fingerprint: Fingerprint },
  userId: string,
  catalogue: Catalogue,
  type: string,
  form: URLSearchParams,
): Promise<Credential | null> {
  const data = givenData(catalogue, type, form, null)
  const service = form.get('service')?.trim()
  const input = check(
    NewCredential,
    { type, name: form.get('name') ?? '', data, ...(service && { service }) },
    'json',
  )
  return credentials.create(userId, input, await onceKey(fingerprint, form, 'POST /credentials/new'))
}

export type Changed = 'name' | 'values'

/**
 * Saves the values in the form and keeps the stored value of an empty field. If the credential cannot be decrypted,
 * `stored` is null and the form replaces all values.
 * @param version the version that the form showed
 * @returns null if the credential no longer exists
 * @throws {AppError} `version-conflict`, `invalid`, `name-taken`, `key-unavailable`
 */
export async function updateFromForm(
  credentials: CredentialRepository,
  userId: string,
  catalogue: Catalogue,
  credential: Credential,
  change: { form: URLSearchParams; version: number; stored: Record<string, unknown> | null },
): Promise<{ credential: Credential; changed: Changed[] } | null> {
  const { form, version, stored } = change
  const isKnown = catalogue.credentialType(credential.type) !== undefined
  const given = givenData(catalogue, credential.type, form, stored ?? {})
  const removed = isKnown ? form.getAll('remove').filter((name) => credential.fields.includes(name)) : []
  const data = isKnown || !stored ? fieldsPatch(credential, stored, given, removed) : given
  const hasData = Object.keys(data).length > 0
  const name = form.get('name') ?? credential.name
  const input = check(CredentialChange, { name, ...(hasData && { data }) }, 'json')
  const changed: Changed[] = [
    ...(input.name === credential.name ? [] : ['name' as const]),
    ...(hasData ? ['values' as const] : []),
  ]
  const updated = await credentials.update(userId, credential.id, version, input)
  return updated && { credential: updated, changed }
}

/** A field in the form replaces the stored one as a whole, objects included. */
function fieldsPatch(
  { fields }: Credential,
  stored: Record<string, unknown> | null,
  given: Record<string, unknown>,
  removed: readonly string[],
): Record<string, unknown> {
  if (!stored) {
    if (Object.keys(given).length === 0) return {}
    return { ...Object.fromEntries(fields.map((name) => [name, null])), ...given }
  }
  const kept = Object.entries({ ...stored, ...given }).filter(([name]) => !removed.includes(name))
  return patchTo(stored, Object.fromEntries(kept))
}

function givenData(
  catalogue: Catalogue,
  type: string,
  form: URLSearchParams,
  stored: Record<string, unknown> | null,
): Record<string, unknown> {
  if (!catalogue.credentialType(type)) return wholeData(form)
  return checked(readFields({ rows: catalogue.credentialFields(type), typed: typedFields(form), stored }))
}

function wholeData(form: URLSearchParams): Record<string, unknown> {
  const text = (form.get(wholeName) ?? '').trim()
  if (text === '') return {}
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    throw invalidData([{ pointer: '/data', detail: 'must be valid JSON' }])
  }
  if (!isObject(data)) {
    throw invalidData([{ pointer: '/data', detail: 'must be a JSON object: { "field": "value" }' }])
  }
  return checked({ data, errors: [] })
}

/** Applies the API's checks of a body: depth, and characters that the database cannot store. */
function checked({ data, errors }: { data: Record<string, unknown>; errors: FieldError[] }) {
  const all = [...errors, ...checkJson(data, { pointerPrefix: '/data' })]
  if (all.length > 0) throw invalidData(all)
  return data
}

const invalidData = (errors: FieldError[]) =>
  new AppError('invalid', `${errors[0]?.pointer}: ${errors[0]?.detail}`, { errors })

/** Error messages by control name; '' for the form as a whole. */
export function errorsByControl(error: AppError, controls: ReadonlySet<string>): Record<string, string> {
  const byControl: Record<string, string> = {}
  for (const { pointer, detail } of error.errors ?? []) {
    const [top = '', field = ''] = segmentsOf(pointer)
    const name = top === 'data' ? `${fieldPrefix}${field}` : top
    if (controls.has(name)) byControl[name] ??= capitalized(detail)
    else if (top === 'data' && controls.has(wholeName))
      byControl[wholeName] ??= capitalized(field ? `${field} ${detail}` : detail)
    else byControl[''] ??= capitalized(`${field || top} ${detail}`.trim())
  }
  if (Object.keys(byControl).length === 0) {
    byControl[error.code === 'name-taken' && controls.has('name') ? 'name' : ''] = capitalized(error.message)
  }
  return byControl
}

const formErrorCodes: ReadonlySet<string> = new Set([
  'invalid',
  'name-taken',
  'quota-exceeded',
  'conflict',
  'version-conflict',
  'idempotency-key-reused',
  'credential-undecryptable',
  'key-unavailable',
])

/** Returns an error that the form shows; rethrows any other for the error page. */
export function toFormError(error: unknown): AppError {
  if (error instanceof AppError && formErrorCodes.has(error.code)) return error
  throw error
}

/** Only the choices in a query. Other values do not belong in a URL. */
export function choicesIn(query: URLSearchParams, controlling: ReadonlySet<string>): Map<string, string> {
  return new Map([...typedFields(query)].filter(([name]) => controlling.has(name)))
}

export const inputOf = (form: URLSearchParams): FormInput => ({
  name: form.get('name') ?? '',
  service: form.get('service') ?? '',
  typed: typedFields(form),
  removed: new Set(form.getAll('remove')),
})
