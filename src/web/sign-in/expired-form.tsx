/**
 * @module Forms that are submitted after the session ended. The sign-in page carries their non-secret fields, sealed for
 * their user; signing in shows the form again with them. Nothing is saved until the user submits the form again.
 */
import type { Context } from 'hono'
import { AppError } from '../../errors.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { type FormState, readForm } from '../form-data.ts'
import { renderAuthPage } from '../layout/auth-layout.tsx'
import { redirectWith } from '../notice.ts'
import { returnPath } from '../return-path.ts'
import {
  type BrowserSession,
  type BrowserSessions,
  type ExpiredForms,
  type Resumed,
  signInPath,
} from '../session.ts'
import { readViewer } from '../viewer.ts'
import { draftLimitBytes, draftOf, openDraft, ownerOf, sealDraft } from './form-draft.ts'
import { blank, stateAfter, stepStatus, toFormError } from './sign-in-form.ts'
import { type SecondStep, startFrom, stepAfter } from './sign-in-step.ts'
import { SignInView } from './view.tsx'

type Deps = Pick<DashboardDeps, 'config' | 'secretBox' | 'signIn' | 'now'>

const unsent = 'Your session expired and your changes were not saved. Sign in, then enter them again.'
const kept =
  'Your session expired, so nothing is saved yet. Sign in to continue: the form keeps your input, except secrets.'
const gone =
  'Your input could not be restored: it belongs to another user or is more than an hour old. Nothing was saved.'

/** @param show answers a request for a page of the dashboard */
export function expiredForms(
  { config, secretBox, signIn, now }: Deps,
  sessions: BrowserSessions,
  show: (request: Request, c: Context<DashboardEnv>) => Promise<Response> | Response,
): ExpiredForms {
  const requests = new WeakMap<Request, Resumed & { vars: { requestId: string; clientIp: string } }>()

  const signInPage = (
    c: Context<DashboardEnv>,
    draft: string,
    state: FormState,
    status: 401 | 422 | 429,
    step: SecondStep | null = null,
  ) =>
    renderAuthPage(
      c,
      { title: 'Sign in', viewer: readViewer(c, now()), status },
      <SignInView
        {...state}
        action={`${c.req.path}?resume`}
        draft={draft}
        step={step}
        notice={state === blank ? { kind: 'wait', text: kept } : null}
      />,
    )

  /** The page that submitted the form, from the Referer header; otherwise the start page. */
  function pageBefore(c: Context): string {
    const referer = c.req.header('Referer') ?? ''
    if (!URL.canParse(referer)) return '/'
    const { origin, pathname, search } = new URL(referer)
    const own = [config.publicUrl, c.req.url].map((url) => new URL(url).origin)
    return own.includes(origin) ? returnPath(pathname + search) : '/'
  }

  async function keep(c: Context<DashboardEnv>): Promise<Response> {
    const before = pageBefore(c)
    const form = await readForm(c, draftLimitBytes).catch((error: unknown) => {
      if (error instanceof AppError) return null
      throw error
    })
    // Only forms with fields name their owner. A page's other buttons have nothing to restore.
    const isOwnPage = before === '/' || before.split('?')[0] === c.req.path
    const owner = form && (ownerOf(form) ?? (isOwnPage ? ((await sessions.claim(c))?.userId ?? null) : null))
    const draft = form && owner && (await sealDraft(secretBox, owner, draftOf(form, c.req.path), now()))
    return draft ? signInPage(c, draft, blank, 401) : redirectWith(c, signInPath(before), unsent, 'wait')
  }

  async function resume(c: Context<DashboardEnv>, current: BrowserSession | null): Promise<Response> {
    const form = await readForm(c, draftLimitBytes)
    const sealed = form.get('draft') ?? ''
    let session = current
    if (!session) {
      try {
        session = await sessions.enter(
          c,
          await startFrom(signIn, c.var.clientIp, form, sessions.deviceToken(c)),
        )
      } catch (thrown) {
        const error = toFormError(thrown)
        return signInPage(
          c,
          sealed,
          stateAfter(error, form),
          stepStatus(error) as 401,
          stepAfter(error, form),
        )
      }
    }
    const draft = await openDraft(secretBox, session.user.id, sealed, now())
    if (!draft) return redirectWith(c, '/', gone, 'wait')
    const { action, page, secrets } = draft
    const request = new Request(new URL(page, c.req.url), { headers: pageHeaders(c) })
    const restored = { action, fields: new URLSearchParams(draft.fields), secrets }
    requests.set(request, {
      session,
      form: restored,
      vars: { requestId: c.var.requestId, clientIp: c.var.clientIp },
    })
    const response = await show(request, c)
    if (response.status !== 200) return redirectWith(c, '/', gone, 'wait')
    for (const [name, value] of response.headers) c.header(name, value, { append: name === 'set-cookie' })
    return c.body(await response.text())
  }

  return {
    keep,
    resume,
    resumed: (c) => {
      const found = requests.get(c.req.raw)
      if (!found) return undefined
      c.set('requestId', found.vars.requestId)
      c.set('clientIp', found.vars.clientIp)
      return found
    },
  }
}

function pageHeaders(c: Context): Headers {
  const headers = new Headers({ Accept: 'text/html' })
  const cookie = c.req.header('Cookie')
  if (cookie !== undefined) headers.set('Cookie', cookie)
  return headers
}
