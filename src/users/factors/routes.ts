import { Hono } from 'hono'
import type { AuthEnv } from '../../http/auth.ts'
import type { BaseEnv } from '../../http/env.ts'
import { limited, type NetworkLimit } from '../../http/network-limit.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { IdParam } from '../../lib/scalars.ts'
import { SignedIn } from '../contract.ts'
import type { SignIn } from '../sign-in.ts'
import {
  CreatedPasskey,
  Factors,
  NewPasskey,
  PasskeyCreation,
  PasskeyRequest,
  PasskeySignIn,
  Reauthentication,
  RecoveryCodes,
  SecondFactor,
  TotpConfirmation,
  TotpConfirmed,
  TotpSetup,
} from './contract.ts'
import type { SecondFactors } from './factors.ts'
import type { FactorRepository } from './repository.ts'

export interface FactorRouteDeps {
  signIn: SignIn
  factors: SecondFactors
  factorRepository: FactorRepository
  networkLimit: NetworkLimit
}

/** The steps of signing in that use a factor. Mounted below `/v1/auth`. */
export function secondFactorRoutes({ signIn, factors, networkLimit }: FactorRouteDeps) {
  const tag = 'Authentication'
  return new Hono<BaseEnv>()
    .post(
      '/second-factor',
      describe({
        operationId: 'completeSignIn',
        tag,
        summary: 'Complete a sign-in with a second factor',
        description:
          'The second step when signing in fails with `second-factor-required`, whose `secondFactor` contains the token. ' +
          'Send the token with one of `code`, `recoveryCode` and `passkey`. Each code is valid once. After five ' +
          'incorrect codes of one kind, each further attempt has to wait: 1 second, doubling up to 15 minutes.',
        responses: { 200: SignedIn },
        errors: [
          'invalid-second-factor',
          'sign-in-expired',
          'bad-credentials',
          'invalid',
          'too-many-requests',
        ],
        public: true,
      }),
      valid('json', SecondFactor),
      async (c) => c.json(await signIn.finishLogin(c.req.valid('json')), 200),
    )
    .post(
      '/passkey/options',
      describe({
        operationId: 'createPasskeyRequest',
        tag,
        summary: 'Get options to sign in with a passkey',
        description:
          'The challenge is valid once, for five minutes. The browser offers the passkeys of this server. A network can send 100 requests, then 10 a second.',
        responses: { 200: PasskeyRequest },
        errors: ['too-many-requests'],
        public: true,
      }),
      limited(networkLimit),
      async (c) => c.json({ options: await factors.signInOptions() }, 200),
    )
    .post(
      '/passkey',
      describe({
        operationId: 'createPasskeySession',
        tag,
        summary: 'Sign in with a passkey',
        description: 'Needs neither the password nor another factor, because the passkey verifies its user.',
        responses: { 200: SignedIn },
        errors: ['invalid-second-factor', 'bad-credentials', 'unauthenticated', 'invalid'],
        public: true,
      }),
      valid('json', PasskeySignIn),
      async (c) => c.json(await signIn.passkeyLogin(c.req.valid('json')), 200),
    )
}

const confirming = 'Requires the password, and a second factor if the account has one. '
const confirmErrors = [
  'bad-credentials',
  'second-factor-required',
  'invalid-second-factor',
  'invalid',
  'too-many-requests',
] as const

/** Requires `requireUser`. No access token can use these routes. */
export function factorRoutes({ signIn, factors, factorRepository }: FactorRouteDeps) {
  const tag = 'Second factors'
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'getFactors',
        tag,
        summary: 'Get the second factors of the account',
        description: 'Returns no secrets.',
        responses: { 200: Factors },
      }),
      async (c) => c.json(await factorRepository.list(c.var.userId), 200),
    )
    .post(
      '/totp',
      describe({
        operationId: 'startTotp',
        tag,
        summary: 'Start setting up an authenticator app',
        description: `${confirming}The app becomes a second factor once a code confirms it. Starting again replaces the secret.`,
        responses: { 201: TotpSetup },
        errors: [...confirmErrors, 'conflict'],
      }),
      valid('json', Reauthentication),
      async (c) => {
        const { user } = await signIn.confirmOwner(c.var, c.req.valid('json'))
        return c.json(await factors.startTotp(user), 201)
      },
    )
    .post(
      '/totp/confirm',
      describe({
        operationId: 'confirmTotp',
        tag,
        summary: 'Confirm an authenticator app with a code',
        description: 'From now on, signing in with the password requires a second factor.',
        responses: { 200: TotpConfirmed },
        errors: ['invalid', 'conflict', 'too-many-requests'],
      }),
      valid('json', TotpConfirmation),
      async (c) =>
        c.json({ recoveryCodes: await factors.confirmTotp(c.var.userId, c.req.valid('json').code) }, 200),
    )
    .post(
      '/totp/remove',
      describe({
        operationId: 'removeTotp',
        tag,
        summary: 'Remove the authenticator app',
        description: `${confirming}Removing the last factor also deletes the recovery codes.`,
        responses: { 204: null },
        errors: [...confirmErrors, 'not-found'],
      }),
      valid('json', Reauthentication),
      async (c) => {
        await signIn.confirmOwner(c.var, c.req.valid('json'))
        await factors.removeTotp(c.var.userId)
        return c.body(null, 204)
      },
    )
    .post(
      '/passkeys/options',
      describe({
        operationId: 'createPasskeyCreation',
        tag,
        summary: 'Get options to create a passkey',
        description: `${confirming}The challenge is valid once, for five minutes.`,
        responses: { 200: PasskeyCreation },
        errors: confirmErrors,
      }),
      valid('json', Reauthentication),
      async (c) => {
        const { user } = await signIn.confirmOwner(c.var, c.req.valid('json'))
        return c.json({ options: await factors.creationOptions(user) }, 200)
      },
    )
    .post(
      '/passkeys',
      describe({
        operationId: 'addPasskey',
        tag,
        summary: 'Add a passkey',
        description:
          'An account can have 20 passkeys. From now on, signing in with the password requires a second factor.',
        responses: { 201: CreatedPasskey },
        errors: ['invalid', 'conflict'],
      }),
      valid('json', NewPasskey),
      async (c) => {
        const { name, passkey } = c.req.valid('json')
        return c.json(await factors.addPasskey(c.var.userId, name, passkey), 201)
      },
    )
    .post(
      '/passkeys/:id/remove',
      describe({
        operationId: 'removePasskey',
        tag,
        summary: 'Remove a passkey',
        description: `${confirming}Removing the last factor also deletes the recovery codes.`,
        responses: { 204: null },
        errors: [...confirmErrors, 'not-found'],
      }),
      valid('param', IdParam),
      valid('json', Reauthentication),
      async (c) => {
        await signIn.confirmOwner(c.var, c.req.valid('json'))
        await factors.removePasskey(c.var.userId, c.req.valid('param').id)
        return c.body(null, 204)
      },
    )
    .post(
      '/recovery-codes',
      describe({
        operationId: 'replaceRecoveryCodes',
        tag,
        summary: 'Replace the recovery codes',
        description: `${confirming}Earlier codes stop working.`,
        responses: { 200: RecoveryCodes },
        errors: [...confirmErrors, 'conflict'],
      }),
      valid('json', Reauthentication),
      async (c) => {
        const account = await signIn.confirmOwner(c.var, c.req.valid('json'))
        return c.json({ recoveryCodes: await factors.newRecoveryCodes(account) }, 200)
      },
    )
    .post(
      '/passkey-check',
      describe({
        operationId: 'createPasskeyCheck',
        tag,
        summary: 'Get options to confirm a change with a passkey',
        description: 'The challenge is valid once, for five minutes.',
        responses: { 200: PasskeyRequest },
      }),
      async (c) => c.json({ options: await factors.checkOptions(c.var.userId) }, 200),
    )
}
