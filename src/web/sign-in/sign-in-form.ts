/** @module What the forms that sign in share: their paths and their errors. */
import type * as z from 'zod'
import { AppError } from '../../errors.ts'
import { statusOf } from '../../http/problem.ts'
import { factorErrors } from '../components/factor-answer.ts'
import { errorsByField, type FormState } from '../form-data.ts'
import { plural } from '../format.ts'

export const blank: FormState = { values: {}, errors: {} }

export const withReturn = (path: string, back: string) =>
  back === '/' ? path : `${path}?return=${encodeURIComponent(back)}`

export const invalidInput = (error: z.ZodError) =>
  new AppError('invalid', 'Invalid input', {
    errors: error.issues.map(({ path, message }) => ({ pointer: `/${path.join('/')}`, detail: message })),
  })

/** Returns an error that the form shows; rethrows any other for the error page. */
export function toFormError(error: unknown): AppError {
  const codes = [
    'bad-credentials',
    'second-factor-required',
    'invalid-second-factor',
    'sign-in-expired',
    'account-moved',
    'account-moving',
    'too-many-requests',
    'email-taken',
    'invalid',
    'conflict',
  ]
  if (error instanceof AppError && codes.includes(error.code)) return error
  throw error
}

export function stateOf(error: AppError, names: string[], values: Record<string, string>): FormState {
  if (error.code === 'email-taken') {
    return { values, errors: { email: 'An account with this email already exists. Sign in instead.' } }
  }
  if (error.code === 'too-many-requests') return { values, errors: tooMany(error) }
  return { values, errors: errorsByField(error, names) }
}

const tooMany = ({ retryAfterSeconds = 1 }: AppError) => ({
  '': `Too many attempts. Try again in ${plural(retryAfterSeconds, 'second')}.`,
})

/** After a submission that did not sign in. The second step after the correct password is no error. */
export const stateAfter = (error: AppError, form: URLSearchParams): FormState =>
  error.code === 'second-factor-required'
    ? blank
    : {
        values: { email: (form.get('email') ?? '').trim() },
        errors: error.code === 'too-many-requests' ? tooMany(error) : factorErrors(error, form, fields),
      }

const fields = ['email', 'password', 'code', 'recoveryCode']

export const stepStatus = (error: AppError) =>
  error.code === 'second-factor-required' ? 200 : statusOf(error.code)
