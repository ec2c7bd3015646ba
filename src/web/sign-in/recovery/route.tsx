/** @module `/forgot-password` and the pages of emailed links. Opening one changes nothing: mail scanners open links too. */
import { type Context, Hono } from 'hono'
import type { Child } from 'hono/jsx'
import type * as z from 'zod'
import type { AppError } from '../../../errors.ts'
import type { BaseEnv } from '../../../http/env.ts'
import { statusOf } from '../../../http/problem.ts'
import { loadCommonPasswords } from '../../../users/common-passwords.ts'
import { ForgotPassword, LinkUse, PasswordReset } from '../../../users/contract.ts'
import type { DashboardDeps } from '../../context.ts'
import { type FormState, readForm } from '../../form-data.ts'
import { renderAuthPage } from '../../layout/auth-layout.tsx'
import { redirectWith } from '../../notice.ts'
import { readViewer } from '../../viewer.ts'
import { blank, invalidInput, stateOf, toFormError } from '../sign-in-form.ts'
import {
  BackToSignIn,
  ConfirmView,
  DoneView,
  ForgotView,
  ResetView,
  SentView,
  UndoView,
  WithoutMailView,
} from './view.tsx'

export const recoveryPaths = ['/forgot-password', '/reset-password', '/confirm-email', '/undo-email-change']

interface FormPage<T> {
  title: string
  schema: z.ZodType<T>
  /** Fields that are shown again after an error. */
  shown: readonly string[]
  view: (state: FormState) => Child
  submit: (c: Context<BaseEnv>, input: T) => Promise<Response> | Response
}

export function recoveryPages({ recovery, now }: Pick<DashboardDeps, 'recovery' | 'now'>) {
  const page = (c: Context, title: string, content: Child, status = 200) =>
    renderAuthPage(
      c,
      { title, viewer: readViewer(c, now()), status: status as 200, footer: <BackToSignIn /> },
      content,
    )

  const show =
    <T,>({ title, view }: FormPage<T>) =>
    (c: Context) =>
      page(c, title, view(blank))

  const submit =
    <T,>({ title, schema, shown, view, submit: use }: FormPage<T>) =>
    async (c: Context<BaseEnv>) => {
      const form = Object.fromEntries(await readForm(c))
      const failed = (error: AppError) => {
        const values = Object.fromEntries(shown.map((name) => [name, form[name] ?? '']))
        return page(
          c,
          title,
          view(stateOf(error, ['email', 'token', 'newPassword'], values)),
          statusOf(error.code),
        )
      }
      const input = schema.safeParse(form)
      if (!input.success) return failed(invalidInput(input.error))
      try {
        return await use(c, input.data)
      } catch (error) {
        return failed(toFormError(error))
      }
    }

  const forgot: FormPage<z.infer<typeof ForgotPassword>> = {
    title: 'Forgot password',
    schema: ForgotPassword,
    shown: ['email'],
    view: (state) => (recovery.canSend ? <ForgotView {...state} /> : <WithoutMailView />),
    submit: async (c, { email }) => {
      await recovery.forgotPassword(c.var.clientIp, email)
      return page(c, 'Check your email', <SentView />)
    },
  }
  const reset: FormPage<z.infer<typeof PasswordReset>> = {
    title: 'Set a new password',
    schema: PasswordReset,
    shown: ['token'],
    view: (state) => <ResetView {...state} />,
    submit: async (c, { token, newPassword }) => {
      await recovery.resetPassword(token, newPassword)
      return redirectWith(c, '/sign-in', 'Password set. Sign in with it.')
    },
  }
  const confirm: FormPage<z.infer<typeof LinkUse>> = {
    title: 'Confirm your email address',
    schema: LinkUse,
    shown: ['token'],
    view: (state) => <ConfirmView {...state} />,
    submit: async (c, { token }) => {
      const { email } = await recovery.confirmEmail(token)
      return page(
        c,
        'Email confirmed',
        <DoneView title="Email confirmed" text={`The address of your account is ${email}.`} />,
      )
    },
  }
  const undo: FormPage<z.infer<typeof LinkUse>> = {
    title: 'Undo the change to your email address',
    schema: LinkUse,
    shown: ['token'],
    view: (state) => <UndoView {...state} />,
    submit: async (c, { token }) => {
      const { email } = await recovery.undoEmailChange(token)
      const text = `The address of your account is ${email} again. To set a new password, open the link sent to it.`
      return page(c, 'Email restored', <DoneView title="Email restored" text={text} />)
    },
  }

  return new Hono<BaseEnv>()
    .get('/forgot-password', show(forgot))
    .post('/forgot-password', submit(forgot))
    .get('/reset-password', show(reset))
    .post('/reset-password', async (c) => {
      await loadCommonPasswords()
      return submit(reset)(c)
    })
    .get('/confirm-email', show(confirm))
    .post('/confirm-email', submit(confirm))
    .get('/undo-email-change', show(undo))
    .post('/undo-email-change', submit(undo))
}
