/** @module `/account`: the profile, the password, sessions and sign-ins, and the deletion of the account. */
import { type Context, Hono } from 'hono'
import { AppError, invalid, notFound } from '../../errors.ts'
import { statusOf } from '../../http/problem.ts'
import { check } from '../../http/validate.ts'
import { loadCommonPasswords } from '../../users/common-passwords.ts'
import { downloadAccount } from '../../users/account-export/export.ts'
import { AccountDeletion, PasswordChange, ProfileChange } from '../../users/contract.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { errorsByField, readForm } from '../form-data.ts'
import { plural } from '../format.ts'
import { renderPage } from '../layout/page.tsx'
import { redirectWith } from '../notice.ts'
import type { BrowserSessions } from '../session.ts'
import {
  type AccountErrors,
  type AccountForm,
  type AccountProps,
  AccountView,
  deletionFields,
  passwordFields,
  profileFields,
} from './view.tsx'
import { IdParam } from '../../lib/scalars.ts'
import { listSignIns } from '../../users/sign-in-history.ts'

type AccountDeps = Pick<
  DashboardDeps,
  | ('config' | 'db' | 'users' | 'apiTokens' | 'sessions' | 'signIn' | 'purgeAccount')
  | ('recovery' | 'accountExport')
>

const formCodes = new Set(['invalid', 'bad-credentials', 'too-many-requests', 'conflict', 'email-taken'])

/** Returns an error that the form shows; rethrows any other for the error page. */
function toFormError(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

const fieldsOf = { profile: profileFields, change: passwordFields, delete: deletionFields } as const
const passwordOf = { profile: 'emailPassword', change: 'currentPassword', delete: 'password' } as const

/** The errors of one of the forms. */
function errorsIn(error: AppError, form: AccountForm): AccountErrors {
  if (error.code === 'bad-credentials') return { [passwordOf[form]]: 'Incorrect password' }
  if (error.code === 'email-taken') return { email: 'An account with this email already exists' }
  if (error.code === 'too-many-requests') {
    return { [form]: `Too many attempts. Try again in ${plural(error.retryAfterSeconds ?? 1, 'second')}.` }
  }
  const { '': whole, ...byField } = errorsByField(error, fieldsOf[form])
  return whole === undefined ? byField : { ...byField, [form]: whole }
}

const shownSessions = 50
const shownSignIns = 20

export function accountPages(deps: AccountDeps, browserSessions: BrowserSessions) {
  const { config, db, users, apiTokens, sessions, signIn, recovery, purgeAccount, accountExport } = deps

  async function page(
    c: Context<DashboardEnv>,
    errors: AccountErrors = {},
    status = 200,
    typed: AccountProps['typed'] = {},
  ) {
    const { userId, sessionId, user, viewer } = c.var
    const [live, signIns] = await Promise.all([
      sessions.list(userId, sessionId, { limit: shownSessions, after: null }),
      listSignIns(db, userId, { limit: shownSignIns, after: null }),
    ])
    return renderPage(
      c,
      { title: 'Account', section: 'more', status: status as 200 },
      <AccountView
        user={user}
        errors={errors}
        typed={typed}
        canSend={recovery.canSend}
        sessions={live.items}
        signIns={signIns.items}
        publicUrl={config.publicUrl}
        time={viewer.time}
      />,
    )
  }

  async function updateProfile(c: Context<DashboardEnv>, form: URLSearchParams): Promise<string> {
    const { userId, user } = c.var
    const email = (form.get('email') ?? '').trim()
    const name = (form.get('name') ?? '').trim() || null
    if (email.toLowerCase() === user.email.toLowerCase()) {
      const { name: checked = null } = check(ProfileChange, { name }, 'json')
      await recovery.updateProfile(userId, { name: checked })
      return 'Profile saved.'
    }
    const currentPassword = form.get('emailPassword') ?? ''
    if (currentPassword === '') throw invalid('/emailPassword', 'Required for a new email address')
    const change = check(ProfileChange, { name, email, currentPassword }, 'json')
    await signIn.confirmPassword(c.var, currentPassword)
    const { pendingEmail } = await recovery.updateProfile(userId, { name, email: change.email ?? email })
    return pendingEmail === null
      ? 'Profile saved.'
      : `Profile saved. Open the link sent to ${pendingEmail} to change the address.`
  }

  async function changePassword(c: Context<DashboardEnv>, form: URLSearchParams): Promise<void> {
    const body = Object.fromEntries(passwordFields.map((name) => [name, form.get(name) ?? '']))
    await loadCommonPasswords()
    await signIn.changePassword(c.var, check(PasswordChange, body, 'json'))
    if (form.get('revokeTokens') === 'true') await apiTokens.revokeAll(c.var.userId)
  }

  return new Hono<DashboardEnv>()
    .get('/', (c) => page(c))
    .get('/export', (c) => downloadAccount(accountExport, c.var.userId))
    .post('/profile', async (c) => {
      const form = await readForm(c)
      try {
        return redirectWith(c, '/account', await updateProfile(c, form))
      } catch (error) {
        const failure = toFormError(error)
        const typed = { name: form.get('name') ?? '', email: form.get('email') ?? '' }
        return page(c, errorsIn(failure, 'profile'), statusOf(failure.code), typed)
      }
    })
    .post('/verify-email', async (c) => {
      try {
        await recovery.verifyEmail(c.var.user)
        return redirectWith(c, '/account', `Link sent to ${c.var.user.email}.`)
      } catch (error) {
        const failure = toFormError(error)
        return page(c, errorsIn(failure, 'profile'), statusOf(failure.code))
      }
    })
    .post('/sessions/end-others', async (c) => {
      await sessions.endOthers(c.var.userId, c.var.sessionId)
      return redirectWith(c, '/account', 'All other sessions have ended.')
    })
    .post('/sessions/:id/end', async (c) => {
      const { data } = IdParam.safeParse(c.req.param())
      if (!data || !(await sessions.endById(c.var.userId, data.id))) throw notFound('Session')
      return redirectWith(c, '/account', 'Session ended.')
    })
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
        return page(c, { confirm }, 422, { confirm: typed })
      }
      try {
        const { password } = check(AccountDeletion, { password: form.get('password') ?? '' }, 'json')
        await signIn.confirmPassword(c.var, password)
      } catch (error) {
        const failure = toFormError(error)
        return page(c, errorsIn(failure, 'delete'), statusOf(failure.code), { confirm: typed })
      }
      await users.markDeleted(userId)
      purgeAccount(userId)
      browserSessions.forget(c)
      return redirectWith(c, '/sign-in', 'Your account was deleted.')
    })
}
