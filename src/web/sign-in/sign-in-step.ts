/** @module One submission of a form that signs in: the password, a second factor, or a passkey alone. */
import type { AppError } from '../../errors.ts'
import { check } from '../../http/validate.ts'
import { Login } from '../../users/contract.ts'
import { PasskeySignIn, SecondFactor } from '../../users/factors/contract.ts'
import type { SecondFactorChallenge } from '../../users/factors/factors.ts'
import type { SignIn, StartedSession } from '../../users/sign-in.ts'
import { factorAnswer, parsedPasskey } from '../components/factor-answer.ts'
import { invalidInput } from './sign-in-form.ts'

/** The second step, as the page shows it. */
export interface SecondStep {
  token: string
  methods: string[]
  /** JSON; empty without a passkey. */
  passkeyOptions: string
}

/** @throws {AppError} as `SignIn` */
export function startFrom(
  signIn: SignIn,
  clientIp: string,
  form: URLSearchParams,
  deviceToken: string | undefined,
): Promise<StartedSession> {
  const token = form.get('token')
  if (token) {
    const input = check(SecondFactor, { token, ...factorAnswer(form) }, 'json')
    return signIn.finishSession({ ...input, deviceToken })
  }
  const passkey = parsedPasskey(form)
  if (passkey !== undefined)
    return signIn.startPasskeySession({ ...check(PasskeySignIn, { passkey }, 'json'), deviceToken })
  const email = (form.get('email') ?? '').trim()
  const input = Login.safeParse({ email, password: form.get('password') ?? '' })
  if (!input.success) throw invalidInput(input.error)
  return signIn.startSession(clientIp, { ...input.data, deviceToken })
}

/** The step to show after an error; null for the first one. */
export function stepAfter(error: AppError, form: URLSearchParams): SecondStep | null {
  if (error.code === 'second-factor-required') {
    const { secondFactor } = error.extra as { secondFactor: SecondFactorChallenge }
    const { token, methods, passkeyOptions } = secondFactor
    return { token, methods, passkeyOptions: passkeyOptions ? JSON.stringify(passkeyOptions) : '' }
  }
  const token = form.get('token')
  if (!token || error.code === 'sign-in-expired' || error.code === 'bad-credentials') return null
  return {
    token,
    methods: (form.get('methods') ?? '').split(' ').filter(Boolean),
    passkeyOptions: form.get('options') ?? '',
  }
}
