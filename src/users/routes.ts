import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { AccessTokens } from '../crypto/access-token.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import { AppError } from '../errors.ts'
import { type AuthEnv, requireUser } from '../http/auth.ts'
import type { BaseEnv } from '../http/env.ts'
import { describe } from '../http/openapi.ts'
import { valid } from '../http/validate.ts'
import {
  AccountDeletion,
  Login,
  PasswordChange,
  ProfileChange,
  Refreshed,
  RefreshRequest,
  Registration,
  SignedIn,
  User,
} from './contract.ts'
import type { UserRepository } from './repository.ts'
import type { SessionRepository } from './session-repository.ts'
import { accountGone, type SignIn } from './sign-in.ts'

export interface UserRouteDeps {
  users: UserRepository
  sessions: SessionRepository
  signIn: SignIn
  accessTokens: AccessTokens
  hasher: PasswordHasher
  /** Starts to remove a deleted account's data, after the answer; the scheduled job finishes it. */
  purgeAccount: (userId: string) => void
}

const noStore = createMiddleware<BaseEnv>(async (c, next) => {
  c.header('Cache-Control', 'no-store')
  await next()
})

export function authRoutes({ signIn, sessions, accessTokens }: UserRouteDeps) {
  return new Hono<AuthEnv>()
    .use(noStore)
    .post(
      '/register',
      describe({
        tag: 'Users',
        summary: 'Register',
        description: 'A password has 8 to 1,024 characters of any kind; common ones are refused.',
        responses: { 201: SignedIn },
        errors: ['email-taken', 'invalid', 'too-many-requests'],
        public: true,
      }),
      valid('json', Registration),
      async (c) => c.json(await signIn.register(c.var.clientIp, c.req.valid('json')), 201),
    )
    .post(
      '/login',
      describe({
        tag: 'Users',
        summary: 'Sign in',
        description:
          'From the fifth failed attempt on one account from one address, each further one has to wait: 1 second, doubling up to 15 minutes. From twenty failures on one account from anywhere: up to 30 seconds. A success starts the counts again.',
        responses: { 200: SignedIn },
        errors: ['bad-credentials', 'invalid', 'too-many-requests'],
        public: true,
      }),
      valid('json', Login),
      async (c) => c.json(await signIn.login(c.var.clientIp, c.req.valid('json')), 200),
    )
    .post(
      '/refresh',
      describe({
        tag: 'Users',
        summary: 'Exchange the refresh token for its successor and an access token',
        description:
          'A token used again within ten seconds gets the same successor; later, its session ends. A session lasts 30 days.',
        responses: { 200: Refreshed },
        errors: ['invalid-refresh-token', 'invalid'],
        public: true,
      }),
      valid('json', RefreshRequest),
      async (c) => {
        const { refreshToken, ...claim } = await sessions.refresh(c.req.valid('json').refreshToken)
        return c.json({ ...(await accessTokens.sign(claim)), refreshToken }, 200)
      },
    )
    .post(
      '/logout',
      describe({
        tag: 'Users',
        summary: 'End the session of a refresh token',
        description: 'Also answers 204 when there is nothing to end (RFC 7009 §2.2).',
        responses: { 204: null },
        errors: ['invalid'],
        public: true,
      }),
      valid('json', RefreshRequest),
      async (c) => {
        await sessions.end(c.req.valid('json').refreshToken)
        return c.body(null, 204)
      },
    )
    .post(
      '/logout-all',
      describe({ tag: 'Users', summary: "End all of the user's sessions", responses: { 204: null } }),
      requireUser(accessTokens),
      async (c) => {
        await sessions.endAll(c.var.userId)
        return c.body(null, 204)
      },
    )
}

/** Mounted behind `requireUser`. */
export function meRoutes({ signIn, users, hasher, purgeAccount }: UserRouteDeps) {
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({ tag: 'Users', summary: 'The signed-in user', responses: { 200: User } }),
      async (c) => {
        const account = await users.find(c.var.userId)
        if (!account) throw accountGone()
        return c.json(account.user, 200)
      },
    )
    .patch(
      '/',
      describe({
        tag: 'Users',
        summary: 'Change name or e-mail address',
        description: 'Changing the e-mail address needs the current password.',
        responses: { 200: User },
        errors: ['bad-credentials', 'email-taken', 'invalid', 'too-many-requests'],
      }),
      valid('json', ProfileChange),
      async (c) => {
        const { name, email, currentPassword } = c.req.valid('json')
        if (currentPassword !== undefined) {
          await signIn.confirmPassword(c.var.clientIp, c.var.userId, currentPassword)
        }
        const change = { ...(name !== undefined && { name }), ...(email !== undefined && { email }) }
        const user = await users.update(c.var.userId, change)
        if (!user) throw accountGone()
        return c.json(user, 200)
      },
    )
    .post(
      '/password',
      describe({
        tag: 'Users',
        summary: 'Change the password',
        description: 'Ends all other sessions; the one whose access token this is goes on.',
        responses: { 204: null },
        errors: ['bad-credentials', 'invalid', 'conflict', 'too-many-requests'],
      }),
      valid('json', PasswordChange),
      async (c) => {
        const { currentPassword, newPassword } = c.req.valid('json')
        const { password } = await signIn.confirmPassword(c.var.clientIp, c.var.userId, currentPassword)
        const { userId, sessionId } = c.var
        const changed = await users.changePassword(
          userId,
          sessionId,
          password,
          await hasher.hash(newPassword),
        )
        if (!changed)
          throw new AppError('conflict', 'The password was changed at the same time; sign in again')
        return c.body(null, 204)
      },
    )
    .post(
      '/delete',
      describe({
        tag: 'Users',
        summary: 'Delete the account',
        description: 'Sign-in ends and the e-mail address is free at once; the data is purged afterwards.',
        responses: { 204: null },
        errors: ['bad-credentials', 'invalid', 'too-many-requests'],
      }),
      valid('json', AccountDeletion),
      async (c) => {
        await signIn.confirmPassword(c.var.clientIp, c.var.userId, c.req.valid('json').password)
        await users.markDeleted(c.var.userId)
        purgeAccount(c.var.userId)
        return c.body(null, 204)
      },
    )
}
