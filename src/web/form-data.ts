/** @module Reads submitted forms. */
import type { Context } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { CreationKey } from '../db/idempotent-create.ts'
import type { AppError } from '../errors.ts'
import { bodyLimits, readFormFields } from '../http/validate.ts'

/** Field values, and errors by field name; `''` is the form itself. */
export interface FormState {
  values: Record<string, string>
  errors: Record<string, string>
}

/**
 * @param limitBytes limit of the body's size
 * @throws {AppError} `unsupported-media-type`, `too-large`, `malformed-json`
 */
export const readForm = (c: Context, limitBytes: number = bodyLimits.default): Promise<URLSearchParams> =>
  readFormFields(c, limitBytes)

/**
 * Idempotency key from the hidden field `once`, so that submitting a form twice creates one resource.
 * @param route the form's route, such as `POST /credentials/new`
 */
export async function onceKey(
  fingerprint: Fingerprint,
  form: URLSearchParams,
  route: string,
): Promise<CreationKey | undefined> {
  const once = form.get('once') ?? ''
  if (!/^[0-9a-f-]{36}$/.test(once)) return undefined
  return { key: once, route, bodyHash: await fingerprint('idempotency-body', form.toString()) }
}

/**
 * Maps a failure to errors by field, using the last part of each pointer. Errors outside `names` belong to the form
 * itself.
 */
export function errorsByField(error: AppError, names: readonly string[]): Record<string, string> {
  const byField: Record<string, string> = {}
  for (const { pointer, detail } of error.errors ?? []) {
    const name = pointer.split('/').at(-1) ?? ''
    if (names.includes(name)) byField[name] ??= detail
    else byField[''] ??= `${pointer ? `${pointer}: ` : ''}${detail}`
  }
  if (Object.keys(byField).length === 0) byField[''] = error.message
  return byField
}
