/** @module Request and response schemas of accounts and sessions. */
import * as z from 'zod'
import { pageQuery, sliceOf } from '../http/page.ts'
import { isCommonPassword } from './common-passwords.ts'

const maxPasswordChars = 1024
const wellFormed = (text: string) => text.isWellFormed()

/** Accepts an ASCII local part (RFC 5322 atoms) and a domain with two or more labels. */
const emailPattern =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$/

const invisible = /[\s\u200b-\u200d\u2060\ufeff]/

/** Trims white space and invisible characters, which copying often adds. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && invisible.test(text.charAt(start))) start += 1
  while (end > start && invisible.test(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const Email = z
  .string()
  .overwrite(trimmed)
  .max(254, 'At most 254 characters')
  .refine((email) => email.length <= 254 && emailPattern.test(email), 'Must be an email address')
  .refine((email) => email.indexOf('@') <= 64, 'At most 64 characters before the @')
  .meta({ format: 'email', description: 'Unique. Case-insensitive' })

/** A password to verify: any that could have been set. */
const Password = z
  .string()
  .min(1, 'Enter the password')
  .max(maxPasswordChars, 'At most 1,024 characters')
  .refine(wellFormed, 'Must be well-formed Unicode')

/** A new password: long enough and not common. Never trimmed; all kinds of characters are allowed, none is required. */
export const NewPassword = z
  .string()
  .min(8, 'At least 8 characters')
  .max(maxPasswordChars, 'At most 1,024 characters')
  .refine(wellFormed, 'Must be well-formed Unicode')
  .refine((password) => Array.from(password).length >= 8, 'At least 8 characters')
  .refine(
    (password) => password.length > maxPasswordChars || !isCommonPassword(password),
    'Too common and easy to guess. Choose a different password',
  )

const Name = z.string().trim().min(1, 'Must not be empty').max(200, 'At most 200 characters').nullable()

const exampleLogin = { email: 'ada@example.com', password: 'plum lantern velvet orbit' }

export const Registration = z
  .strictObject({ email: Email, password: NewPassword, name: Name.optional() })
  .refine(({ email, password }) => password.toLowerCase() !== email.toLowerCase(), {
    path: ['password'],
    error: 'Must not be the email address',
  })
  .meta({ ref: 'Registration', 'x-example': { ...exampleLogin, name: 'Ada Lovelace' } })

export const KnownDevice = z.string().max(256, 'At most 256 characters').optional().meta({
  description:
    'Of an earlier sign-in or registration on this device. An invalid or revoked one has no effect',
})

export const Login = z
  .strictObject({
    email: z.string().overwrite(trimmed).min(1, 'Enter the email address').max(254, 'At most 254 characters'),
    password: Password,
    deviceToken: KnownDevice,
  })
  .meta({ ref: 'Login', 'x-example': exampleLogin })

export const RefreshRequest = z
  .strictObject({ refreshToken: z.string().min(1).max(512) })
  .meta({ ref: 'RefreshRequest' })

export const ProfileChange = z
  .strictObject({ name: Name.optional(), email: Email.optional(), currentPassword: Password.optional() })
  .refine(({ email, currentPassword }) => email === undefined || currentPassword !== undefined, {
    path: ['currentPassword'],
    error: 'Required to change the email address',
  })
  .meta({ ref: 'ProfileChange', 'x-example': { name: 'Ada King' } })

export const PasswordChange = z
  .strictObject({
    currentPassword: Password,
    newPassword: NewPassword,
    revokeTokens: z.boolean().optional().meta({ description: 'Also revoke all access tokens' }),
  })
  .meta({
    ref: 'PasswordChange',
    'x-example': { currentPassword: exampleLogin.password, newPassword: 'another long passphrase' },
  })

export const ForgotPassword = z
  .strictObject({ email: Login.shape.email })
  .meta({ ref: 'ForgotPassword', 'x-example': { email: exampleLogin.email } })

const linkToken = z
  .string()
  .overwrite(trimmed)
  .min(1, 'Enter the code from the email')
  .max(256, 'At most 256 characters')
  .meta({ description: 'The part of the link after `#`' })

export const PasswordReset = z
  .strictObject({ token: linkToken, newPassword: NewPassword })
  .meta({ ref: 'PasswordReset', 'x-example': { token: 'fkl_…', newPassword: 'another long passphrase' } })

export const LinkUse = z
  .strictObject({ token: linkToken })
  .meta({ ref: 'LinkUse', 'x-example': { token: 'fkl_…' } })

export const AccountDeletion = z.strictObject({ password: Password }).meta({ ref: 'AccountDeletion' })

export const User = z
  .object({
    id: z.uuid(),
    email: z.string(),
    name: z.string().nullable(),
    createdAt: z.iso.datetime(),
    emailVerified: z.boolean().meta({ description: 'Whether the user confirmed the email address' }),
    pendingEmail: z
      .string()
      .nullable()
      .meta({ description: 'A new email address that the user has not confirmed yet' }),
  })
  .meta({ ref: 'User' })
export type User = z.infer<typeof User>

export const Session = z
  .object({
    id: z.uuid(),
    device: z.string().nullable().meta({
      description: 'What the `User-Agent` says, such as `Firefox on Linux` or `curl`',
    }),
    clientAddress: z
      .string()
      .nullable()
      .meta({ description: 'IP address of the sign-in or the last refresh' }),
    current: z.boolean().meta({ description: 'Whether it is the session of this request' }),
    createdAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime().meta({ description: 'Precise to five minutes' }),
    expiresAt: z.iso.datetime(),
  })
  .meta({ ref: 'Session' })
export type Session = z.infer<typeof Session>
export const SessionList = sliceOf(Session)
export const SessionQuery = z.strictObject(pageQuery)

const TokenPair = {
  accessToken: z.string().meta({
    description: 'The session token, valid for 5 minutes. Send it as `Authorization: Bearer <accessToken>`',
  }),
  expiresIn: z.number().int().meta({ description: 'Seconds until the session token expires' }),
  refreshToken: z.string().meta({ description: 'Valid for one refresh, which returns the next one' }),
}

const deviceToken = z.string().meta({
  description:
    'Store it on the device and send it at the next sign-in. Valid for 180 days, until the password changes or the user ' +
    'signs out everywhere. It does not replace the password',
})

export const SignedIn = z.object({ user: User, ...TokenPair, deviceToken }).meta({ ref: 'SignedIn' })
export const Refreshed = z.object(TokenPair).meta({ ref: 'Refreshed' })
