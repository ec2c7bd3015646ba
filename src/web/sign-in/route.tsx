/** @module The routes that need no session: sign in, register, sign out, theme. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { AppError } from '../../errors.ts'
import type { BaseEnv } from '../../http/env.ts'
import { statusOf } from '../../http/problem.ts'
import { Login, Registration } from '../../users/contract.ts'
import type { StartedSession } from '../../users/sign-in.ts'
import { Button } from '../components/controls.tsx'
import { renderAuthPage } from '../layout/auth-layout.tsx'
import { NoticeBar } from '../components/card.tsx'
import { Form, FormError, TextField } from '../components/form.tsx'
import type { DashboardDeps } from '../context.ts'
import { errorsByField, type FormState, readForm } from '../form-data.ts'
import { type Notice, takeNotice } from '../notice.ts'
import { plural } from '../format.ts'
import { returnPath } from '../return-path.ts'
import type { BrowserSessions } from '../session.ts'
import { readViewer, rememberTheme } from '../viewer.ts'

type AccountDeps = Pick<DashboardDeps, 'signIn' | 'now'>

const blank: FormState = { values: {}, errors: {} }

export function accountPages({ signIn, now }: AccountDeps, sessions: BrowserSessions) {
  const signInPage = (
    c: Context,
    back: string,
    { values, errors }: FormState,
    status: 200 | 401 | 422 | 429,
    notice: Notice | null = null,
  ) =>
    renderAuthPage(
      c,
      {
        title: 'Sign in',
        viewer: readViewer(c, now()),
        status,
        footer: (
          <>
            No account yet?{' '}
            <a class="link" href={withReturn('/register', back)}>
              Create an account
            </a>
          </>
        ),
      },
      <>
        <h1>Sign in</h1>
        {notice && <NoticeBar {...notice} />}
        <Form action={withReturn('/sign-in', back)}>
          <TextField
            name={'email'}
            label={'Email'}
            type={'email'}
            required={true}
            autocomplete={'username'}
            value={values.email ?? ''}
            error={errors.email}
            focus={errors[''] === undefined && !values.email}
          />
          <TextField
            name={'password'}
            label={'Password'}
            type={'password'}
            required={true}
            autocomplete={'current-password'}
            error={errors.password}
            focus={errors[''] === undefined && Boolean(values.email)}
          />
          <FormError>{errors['']}</FormError>
          <Button kind="primary">Sign in</Button>
        </Form>
      </>,
    )

  const registerPage = (
    c: Context,
    back: string,
    { values, errors }: FormState,
    status: 200 | 409 | 422 | 429,
  ) =>
    renderAuthPage(
      c,
      {
        title: 'Create an account',
        viewer: readViewer(c, now()),
        status,
        footer: (
          <>
            Already have an account?{' '}
            <a class="link" href={withReturn('/sign-in', back)}>
              Sign in
            </a>
          </>
        ),
      },
      <>
        <h1>Create an account</h1>
        <Form action={withReturn('/register', back)}>
          <TextField
            name={'email'}
            label={'Email'}
            type={'email'}
            required={true}
            autocomplete={'username'}
            value={values.email ?? ''}
            error={errors.email}
            focus={errors[''] === undefined}
          />
          <TextField
            name={'name'}
            label={'Name'}
            required={false}
            autocomplete={'name'}
            maxlength={200}
            value={values.name ?? ''}
            error={errors.name}
          />
          <TextField
            name={'password'}
            label={'Password'}
            type={'password'}
            required={true}
            autocomplete={'new-password'}
            error={errors.password}
            hint="At least 8 characters. A passphrase beats symbols."
          />
          <FormError>{errors['']}</FormError>
          <Button kind="primary">Create account</Button>
        </Form>
      </>,
    )

  /** Starts a browser session and ends the one that the browser had. */
  async function enter(c: Context, started: StartedSession, back: string) {
    const before = await sessions.read(c)
    if (before) await sessions.end(c, before.claim)
    await sessions.begin(c, { userId: started.user.id, sessionId: started.sessionId })
    return c.redirect(back, 303)
  }

  return new Hono<BaseEnv>()
    .get('/sign-in', async (c) => {
      const back = returnPath(c.req.query('return'))
      return (await sessions.read(c)) ? c.redirect(back, 303) : signInPage(c, back, blank, 200, takeNotice(c))
    })
    .post('/sign-in', async (c) => {
      const back = returnPath(c.req.query('return'))
      const form = await readForm(c)
      const email = (form.get('email') ?? '').trim()
      const failed = (error: AppError) => {
        const status = statusOf(error.code)
        return signInPage(c, back, stateOf(error, ['email', 'password'], { email }), status as 401)
      }
      const input = Login.safeParse({ email, password: form.get('password') ?? '' })
      if (!input.success) return failed(invalidInput(input.error))
      try {
        return await enter(c, await signIn.startSession(c.var.clientIp, input.data), back)
      } catch (error) {
        return failed(toFormError(error))
      }
    })
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
        return registerPage(
          c,
          back,
          stateOf(error, ['email', 'name', 'password'], { email, name }),
          status as 422,
        )
      }
      const input = Registration.safeParse({
        email,
        name: name || null,
        password: form.get('password') ?? '',
      })
      if (!input.success) return failed(invalidInput(input.error))
      try {
        return await enter(c, await signIn.createAccount(c.var.clientIp, input.data), back)
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
      renderAuthPage(
        c,
        { title: 'Signed out', viewer: readViewer(c, now()) },
        <>
          <h1>Signed out</h1>
          <p class="soft">Your session in this browser has ended.</p>
          <a class="button primary" href="/sign-in">
            Sign in again
          </a>
        </>,
      ),
    )
    .post('/theme', async (c) => {
      const form = await readForm(c)
      rememberTheme(c, form.get('theme'))
      return c.redirect(themeReturn(form.get('return')), 303)
    })
}

const withReturn = (path: string, back: string) =>
  back === '/' ? path : `${path}?return=${encodeURIComponent(back)}`

/** The sign-in pages also have the theme switch. */
const themeReturn = (path: string | null) =>
  path !== null && /^\/(?:sign-in|register|signed-out)(?:\?return=[\w%.~-]*)?$/.test(path)
    ? path
    : returnPath(path)

const invalidInput = (error: z.ZodError) =>
  new AppError('invalid', 'Invalid input', {
    errors: error.issues.map(({ path, message }) => ({ pointer: `/${path.join('/')}`, detail: message })),
  })

/** Returns an error that the form shows; rethrows any other for the error page. */
function toFormError(error: unknown): AppError {
  const codes = ['bad-credentials', 'too-many-requests', 'email-taken', 'invalid']
  if (error instanceof AppError && codes.includes(error.code)) return error
  throw error
}

function stateOf(error: AppError, names: string[], values: Record<string, string>): FormState {
  if (error.code === 'email-taken') {
    return { values, errors: { email: 'An account with this email already exists. Sign in instead.' } }
  }
  if (error.code === 'too-many-requests') {
    const seconds = error.retryAfterSeconds ?? 1
    return { values, errors: { '': `Too many attempts. Try again in ${plural(seconds, 'second')}.` } }
  }
  return { values, errors: errorsByField(error, names) }
}
