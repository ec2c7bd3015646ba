import { Hono } from 'hono'
import type { BaseEnv } from '../../http/env.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { loadCommonPasswords } from '../common-passwords.ts'
import { ForgotPassword, LinkUse, PasswordReset } from '../contract.ts'
import type { Recovery } from './recovery.ts'

const tag = 'Authentication'

export function recoveryRoutes(recovery: Recovery) {
  return new Hono<BaseEnv>()
    .post(
      '/forgot-password',
      describe({
        operationId: 'requestPasswordReset',
        tag,
        summary: 'Request a password reset',
        description:
          'Sends a link to the account with this email address, if there is one; the response is the same either way. ' +
          'The link works once, within 30 minutes. At most 20 requests per hour per network, and 5 per email address.',
        responses: { 202: null },
        errors: ['conflict', 'invalid', 'too-many-requests'],
        public: true,
      }),
      valid('json', ForgotPassword),
      async (c) => {
        await recovery.forgotPassword(c.var.clientIp, c.req.valid('json').email)
        return c.body(null, 202)
      },
    )
    .post(
      '/reset-password',
      describe({
        operationId: 'resetPassword',
        tag,
        summary: 'Reset the password',
        description:
          'Sets a new password with the token of a link from an email, and ends all sessions. A second factor is still ' +
          'required to sign in. Access tokens keep working.',
        responses: { 204: null },
        errors: ['invalid', 'too-many-requests'],
        public: true,
      }),
      async (_, next) => {
        await loadCommonPasswords()
        await next()
      },
      valid('json', PasswordReset),
      async (c) => {
        const { token, newPassword } = c.req.valid('json')
        await recovery.resetPassword(token, newPassword)
        return c.body(null, 204)
      },
    )
    .post(
      '/confirm-email',
      describe({
        operationId: 'confirmEmail',
        tag,
        summary: 'Confirm an email address',
        description:
          'Confirms the address that the link was sent to. A new address replaces the current one, which gets a link to ' +
          'undo the change within 7 days.',
        responses: { 204: null },
        errors: ['email-taken', 'invalid'],
        public: true,
      }),
      valid('json', LinkUse),
      async (c) => {
        await recovery.confirmEmail(c.req.valid('json').token)
        return c.body(null, 204)
      },
    )
    .post(
      '/undo-email-change',
      describe({
        operationId: 'undoEmailChange',
        tag,
        summary: 'Undo an email address change',
        description:
          'Restores the address that the link was sent to and ends all sessions. No one can sign in until a new password ' +
          'is set: a reset link is sent to the restored address.',
        responses: { 204: null },
        errors: ['email-taken', 'invalid'],
        public: true,
      }),
      valid('json', LinkUse),
      async (c) => {
        await recovery.undoEmailChange(c.req.valid('json').token)
        return c.body(null, 204)
      },
    )
}
