/** @module `/account`: changes the password, ends all sessions, deletes the account. */
import { type Context, Hono } from 'hono'
import { AppError } from '../../errors.ts'
import { statusOf } from '../../http/problem.ts'
import { check } from '../../http/validate.ts'
import { loadCommonPasswords } from '../../users/common-passwords.ts'
import { AccountDeletion, PasswordChange } from '../../users/contract.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { errorsByField, readForm } from '../form-data.ts'
import { plural } from '../format.ts'
import { renderPage } from '../layout/page.tsx'
import { redirectWith } from '../notice.ts'
import type { BrowserSessions } from '../session.ts'
import { type AccountErrors, AccountView, deletionFields, passwordFields } from './view.tsx'

type AccountDeps = Pick<
  DashboardDeps,
  'config' | 'users' | 'apiTokens' | 'sessions' | 'signIn' | 'hasher' | 'purgeAccount'
>

const formCodes = new Set(['invalid', 'bad-credentials', 'too-many-requests', 'conflict'])

/** Returns an error that the form shows; rethrows any other for the error page. */
function toFormError(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

/** The errors of one of the two forms. */
function errorsIn(error: AppError, form: 'change' | 'delete'): AccountErrors {
  const names = form === 'change' ? passwordFields : deletionFields
  if (error.code === 'bad-credentials') return { [names[form === 'change' ? 0 : 1]]: 'Incorrect password' }
  if (error.code === 'too-many-requests') {
    return { [form]: `Too many attempts. Try again in ${plural(error.retryAfterSeconds ?? 1, 'second')}.` }
  }
  const { '': whole, ...byField } = errorsByField(error, names)
  return whole === undefined ? byField : { ...byField, [form]: whole }
}

export function accountPages(deps: AccountDeps, browserSessions: BrowserSessions) {
  const { config, users, apiTokens, sessions, signIn, hasher, purgeAccount } = deps

  const page = (c: Context<DashboardEnv>, errors: AccountErrors = {}, status = 200, typed = '') =>
    renderPage(
      c,
      { title: 'Account', section: 'more', status: status as 200 },
      <AccountView
        user={c.var.user}
        errors={errors}
        typed={typed}
        publicUrl={config.publicUrl}
        time={c.var.viewer.time}
      />,
    )

  async function changePassword(c: Context<DashboardEnv>, form: URLSearchParams): Promise<void> {
    const body = Object.fromEntries(passwordFields.map((name) => [name, form.get(name) ?? '']))
    await loadCommonPasswords()
    const { currentPassword, newPassword } = check(PasswordChange, body, 'json')
    const { userId, sessionId } = c.var
    const { password } = await signIn.confirmPassword(c.var, currentPassword)
    const hashed = await hasher.hash(newPassword, userId)
    if (!(await users.changePassword(userId, sessionId, password, hashed))) {
      throw new AppError('conflict', 'The password was changed concurrently. Sign in again')
    }
    if (form.get('revokeTokens') === 'true') await apiTokens.revokeAll(userId)
  }

  return new Hono<DashboardEnv>()
    .get('/', (c) => page(c))
    .post('/password', async (c) => {
      const form = await readForm(c)
      try {
        await changePassword(c, form)
        return redirectWith(c, '/account', 'Password changed. All other sessions have ended.')
      } catch (error) {
        const failure = toFormError(error)
        return page(c, errorsIn(failure, 'change'), statusOf(failure.code))
      }
    })
    .post('/sign-out-everywhere', async (c) => {
      await sessions.endAll(c.var.userId)
      browserSessions.forget(c)
      return c.redirect('/signed-out', 303)
    })
    .post('/delete', async (c) => {
      const form = await readForm(c)
      const { userId, user } = c.var
      const typed = (form.get('confirm') ?? '').trim()
      if (typed.toLowerCase() !== user.email.toLowerCase()) {
        const confirm = `The email address does not match. Type ${user.email} to delete the account.`
        return page(c, { confirm }, 422, typed)
      }
      try {
        const { password } = check(AccountDeletion, { password: form.get('password') ?? '' }, 'json')
        await signIn.confirmPassword(c.var, password)
      } catch (error) {
        const failure = toFormError(error)
        return page(c, errorsIn(failure, 'delete'), statusOf(failure.code), typed)
      }
      await users.markDeleted(userId)
      purgeAccount(userId)
      browserSessions.forget(c)
      return redirectWith(c, '/sign-in', 'Your account was deleted.')
    })
}
