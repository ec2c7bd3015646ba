/** @module Request and response schemas of second factors and passkeys. */
import * as z from 'zod'
import { trimmedText } from '../../lib/scalars.ts'
import { KnownDevice } from '../contract.ts'

const base64url = (maxChars: number) =>
  z
    .string()
    .min(1)
    .max(maxChars, 'Too long')
    .regex(/^[A-Za-z0-9_-]+$/, 'Must be base64url')

/** What `PublicKeyCredential.toJSON()` has in common for both responses. */
const credential = { id: base64url(1400), rawId: base64url(1400), type: z.literal('public-key') }

export const PasskeyAssertion = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(8000),
      authenticatorData: base64url(4000),
      signature: base64url(4000),
      userHandle: base64url(100).nullish(),
    }),
  })
  .meta({
    ref: 'PasskeyAssertion',
    description: 'The JSON of the credential from `navigator.credentials.get()`',
  })
export type PasskeyAssertion = z.output<typeof PasskeyAssertion>

export const PasskeyAttestation = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(8000),
      attestationObject: base64url(30_000),
      transports: z.array(z.string().max(50)).max(10).optional(),
    }),
  })
  .meta({
    ref: 'PasskeyAttestation',
    description: 'The JSON of the credential from `navigator.credentials.create()`',
  })
export type PasskeyAttestation = z.output<typeof PasskeyAttestation>

const Code = z
  .string()
  .overwrite((text) => text.replaceAll(/\s/g, ''))
  .regex(/^\d{6}$/, 'Must be the 6 digits that the authenticator app shows')

const answer = {
  code: Code.optional().meta({ description: 'The code of the authenticator app' }),
  recoveryCode: z.string().min(1).max(100).optional().meta({ description: 'An unused recovery code' }),
  passkey: PasskeyAssertion.optional(),
}
/** A proof of a second factor. */
export type FactorAnswer = z.output<z.ZodObject<typeof answer>>

const answersOf = ({ code, recoveryCode, passkey }: FactorAnswer) =>
  [code, recoveryCode, passkey].filter((each) => each !== undefined).length
const onlyOne = 'Send one code, recovery code or passkey'

export const SecondFactor = z
  .strictObject({ token: z.string().min(1).max(1024), ...answer, deviceToken: KnownDevice })
  .refine((body) => answersOf(body) === 1, onlyOne)
  .meta({ ref: 'SecondFactor', 'x-example': { token: '<token>', code: '123456' } })

export const PasskeySignIn = z
  .strictObject({ passkey: PasskeyAssertion, deviceToken: KnownDevice })
  .meta({ ref: 'PasskeySignIn' })

/** A fresh proof of who is there. */
export const Reauthentication = z
  .strictObject({
    password: z.string().min(1, 'Enter the password').max(1024, 'At most 1,024 characters'),
    ...answer,
  })
  .refine((body) => answersOf(body) <= 1, onlyOne)
  .meta({ ref: 'Reauthentication', 'x-example': { password: 'plum lantern velvet orbit' } })
export type Reauthentication = z.output<typeof Reauthentication>

export const TotpConfirmation = z
  .strictObject({ code: Code })
  .meta({ ref: 'TotpConfirmation', 'x-example': { code: '123456' } })

export const NewPasskey = z
  .strictObject({ name: trimmedText(100), passkey: PasskeyAttestation })
  .meta({ ref: 'NewPasskey' })

export const Passkey = z
  .object({
    id: z.uuid(),
    name: z.string(),
    isSynced: z
      .boolean()
      .meta({ description: 'Synchronized between devices, such as by a password manager' }),
    lastUsedAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'Passkey' })
export type Passkey = z.output<typeof Passkey>

export const Factors = z
  .object({
    totp: z
      .object({ confirmedAt: z.iso.datetime(), lastUsedAt: z.iso.datetime().nullable() })
      .nullable()
      .meta({
        description: 'The authenticator app. Null if none is set up',
      }),
    passkeys: z.array(Passkey).meta({ description: 'Newest first' }),
    recoveryCodesLeft: z.number().int(),
  })
  .meta({ ref: 'Factors' })
export type Factors = z.output<typeof Factors>

export const TotpSetup = z
  .object({
    secret: z
      .string()
      .meta({ description: 'Base32, for apps that cannot scan a QR code. Returned only once' }),
    uri: z.string().meta({ description: 'Show it as a QR code: otpauth://totp/…' }),
  })
  .meta({ ref: 'TotpSetup' })
export type TotpSetup = z.output<typeof TotpSetup>

const codes = z.array(z.string())

export const RecoveryCodes = z
  .object({ recoveryCodes: codes.meta({ description: 'Ten codes, each valid once. Returned only once' }) })
  .meta({ ref: 'RecoveryCodes' })

const FirstRecoveryCodes = codes.nullable().meta({
  description: 'With the first factor of the account: ten codes, returned only once. Otherwise null',
})
export const TotpConfirmed = z.object({ recoveryCodes: FirstRecoveryCodes }).meta({ ref: 'TotpConfirmed' })
export const CreatedPasskey = z
  .object({ passkey: Passkey, recoveryCodes: FirstRecoveryCodes })
  .meta({ ref: 'CreatedPasskey' })
export type CreatedPasskey = z.output<typeof CreatedPasskey>

/** Options of the browser's own format (WebAuthn Level 3 §5.1.10). */
const options = z.looseObject({ challenge: z.string() })
export const PasskeyRequest = z
  .object({
    options: options.meta({ description: 'For `PublicKeyCredential.parseRequestOptionsFromJSON()`' }),
  })
  .meta({ ref: 'PasskeyRequest' })
export const PasskeyCreation = z
  .object({
    options: options.meta({ description: 'For `PublicKeyCredential.parseCreationOptionsFromJSON()`' }),
  })
  .meta({ ref: 'PasskeyCreation' })
