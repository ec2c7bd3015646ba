/** @module The routes that need no session: sign in, register, sign out, theme. */
import { type Context, Hono } from 'hono'
import type { AppError } from '../../errors.ts'
import type { BaseEnv } from '../../http/env.ts'
import { limited } from '../../http/network-limit.ts'
import { statusOf } from '../../http/problem.ts'
import { loadCommonPasswords } from '../../users/common-passwords.ts'
import { Registration } from '../../users/contract.ts'
import type { DashboardDeps } from '../context.ts'
import { type FormState, readForm } from '../form-data.ts'
import { renderAuthPage } from '../layout/auth-layout.tsx'
import { type Notice, takeNotice } from '../notice.ts'
import { returnPath } from '../return-path.ts'
import type { BrowserSessions } from '../session.ts'
import { readViewer, rememberTheme } from '../viewer.ts'
import {
  blank,
  invalidInput,
  stateAfter,
  stateOf,
  stepStatus,
  toFormError,
  withReturn,
} from './sign-in-form.ts'
import { type SecondStep, startFrom, stepAfter } from './sign-in-step.ts'
import { RegisterFooter, RegisterView, SignedOutView, SignInFooter, SignInView } from './view.tsx'

type SignInDeps = Pick<DashboardDeps, 'signIn' | 'factors' | 'networkLimit' | 'now'>

export function signInPages({ signIn, factors, networkLimit, now }: SignInDeps, sessions: BrowserSessions) {
  const signInPage = (
    c: Context,
    back: string,
    state: FormState,
    status: 200 | 401 | 422 | 429,
    notice: Notice | null = null,
    step: SecondStep | null = null,
  ) =>
    renderAuthPage(
      c,
      { title: 'Sign in', viewer: readViewer(c, now()), status, footer: <SignInFooter back={back} /> },
      <SignInView {...state} action={withReturn('/sign-in', back)} notice={notice} step={step} />,
    )

  const registerPage = (c: Context, back: string, state: FormState, status: 200 | 409 | 422 | 429) =>
    renderAuthPage(
      c,
      {
        title: 'Create an account',
        viewer: readViewer(c, now()),
        status,
        footer: <RegisterFooter back={back} />,
      },
      <RegisterView {...state} back={back} />,
    )

  return new Hono<BaseEnv>()
    .get('/sign-in', async (c) => {
      const back = returnPath(c.req.query('return'))
      return (await sessions.read(c)) ? c.redirect(back, 303) : signInPage(c, back, blank, 200, takeNotice(c))
    })
    .post('/sign-in', async (c) => {
      const back = returnPath(c.req.query('return'))
      const form = await readForm(c)
      try {
        await sessions.enter(c, await startFrom(signIn, c.var.clientIp, form, sessions.deviceToken(c)))
        return c.redirect(back, 303)
      } catch (thrown) {
        const error = toFormError(thrown)
        return signInPage(
          c,
          back,
          stateAfter(error, form),
          stepStatus(error) as 401,
          null,
          stepAfter(error, form),
        )
      }
    })
    .post('/sign-in/passkey-options', limited(networkLimit), async (c) =>
      c.json(await factors.signInOptions()),
    )
    .get('/register', async (c) => {
      const back = returnPath(c.req.query('return'))
      return (await sessions.read(c)) ? c.redirect(back, 303) : registerPage(c, back, blank, 200)
    })
    .post('/register', async (c) => {
      const back = returnPath(c.req.query('return'))
      const form = await readForm(c)
      const email = (form.get('email') ?? '').trim()
      const name = (form.get('name') ?? '').trim()
      const failed = (error: AppError) => {
        const status = statusOf(error.code)
        const state = stateOf(error, ['email', 'name', 'password'], { email, name })
        return registerPage(c, back, state, status as 422)
      }
      await loadCommonPasswords()
      const input = Registration.safeParse({
        email,
        name: name || null,
        password: form.get('password') ?? '',
      })
      if (!input.success) return failed(invalidInput(input.error))
      try {
        await sessions.enter(c, await signIn.createAccount(c.var.clientIp, input.data))
        return c.redirect(back, 303)
      } catch (error) {
        return failed(toFormError(error))
      }
    })
    .post('/sign-out', async (c) => {
      const session = await sessions.read(c)
      if (session) await sessions.end(c, session.claim)
      else sessions.forget(c)
      return c.redirect('/signed-out', 303)
    })
    .get('/signed-out', (c) =>
      renderAuthPage(c, { title: 'Signed out', viewer: readViewer(c, now()) }, <SignedOutView />),
    )
    .post('/theme', async (c) => {
      const form = await readForm(c)
      rememberTheme(c, form.get('theme'))
      return c.redirect(themeReturn(form.get('return')), 303)
    })
}

/** The sign-in pages also have the theme switch. */
const themeReturn = (path: string | null) =>
  path !== null && /^\/(?:sign-in|register|signed-out)(?:\?return=[\w%.~-]*)?$/.test(path)
    ? path
    : returnPath(path)
