/** @module What a form of these pages has sent. */
import type { Context } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { CreationKey } from '../db/creation.ts'
import type { AppError } from '../errors.ts'
import { bodyLimits, readFormText } from '../http/validate.ts'

/** The values of a form, and what is wrong with them by field name; `''` names the form as a whole. */
export interface FormState {
  values: Record<string, string>
  errors: Record<string, string>
}

/**
 * @param limitBytes of the whole body
 * @throws {AppError} `unsupported-media-type`, `too-large`, `malformed-json`
 */
export async function readForm(
  c: Context,
  limitBytes: number = bodyLimits.default,
): Promise<URLSearchParams> {
  return new URLSearchParams(await readFormText(c, limitBytes))
}

/**
 * A form that is sent twice makes one thing: by what its hidden field `once` holds.
 * @param route of the form, such as `POST /credentials/new`
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
 * A failure as what to write under the fields: by the last part of each pointer. What concerns no field of `names` is
 * said above the form.
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
