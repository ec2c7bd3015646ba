/** @module The second factor in a form: one field for both kinds of codes, and a field that the script fills with a passkey. */

import type { AppError } from '../../errors.ts'
import { errorsByField } from '../form-data.ts'

/** As `errorsByField`, with a wrong code at its field. */
export const factorErrors = (error: AppError, form: URLSearchParams, names: readonly string[]) =>
  error.code === 'invalid-second-factor' && !form.get('passkey')
    ? { code: error.message }
    : errorsByField(error, names)

/** Undefined without one; null, which no schema accepts, if it is not JSON. */
export function parsedPasskey(form: URLSearchParams): unknown {
  const text = form.get('passkey') ?? ''
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Six digits are a code of the authenticator app, anything else is a recovery code. */
export function factorAnswer(form: URLSearchParams): Record<string, unknown> {
  const passkey = parsedPasskey(form)
  if (passkey !== undefined) return { passkey }
  const code = (form.get('code') ?? '').trim()
  if (code === '') return {}
  return /^[\d\s]+$/.test(code) ? { code } : { recoveryCode: code }
}
