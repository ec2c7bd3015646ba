/** @module Error pages, shown to browsers instead of problem documents. */
import type { Context } from 'hono'
import type { AppError } from '../../errors.ts'
import type { BaseEnv } from '../../http/env.ts'
import { requestFailed } from '../../http/failure-log.ts'
import type { Log } from '../../http/log.ts'
import { isForPrograms } from '../../http/shell.ts'
import { problem, statusOf, titleOf, toAppError } from '../../http/problem.ts'
import { renderAuthPage } from './auth-layout.tsx'
import { KeyValues } from '../components/card.tsx'
import type { BrowserSessions } from '../session.ts'
import { readViewer } from '../viewer.ts'

const wantsPage = (c: Context) => c.req.header('Accept')?.includes('text/html') ?? false

/** For `app.notFound`. Null for API paths and for clients that do not accept HTML. */
export const notFoundPage = (sessions: BrowserSessions, now: () => Date) => async (c: Context<BaseEnv>) => {
  const isPage = ['GET', 'HEAD'].includes(c.req.method) && !isForPrograms(c.req.path)
  if (!isPage || !wantsPage(c)) return null
  return notFound(c, (await sessions.read(c)) !== null, now())
}

const notFound = (c: Context, signedIn: boolean, now: Date) =>
  renderAuthPage(
    c,
    { title: 'Not found', viewer: readViewer(c, now), status: 404 },
    <>
      <h1>Page not found</h1>
      <p class="soft">It may have been deleted, or the URL has a typo.</p>
      <a class="button primary" href={signedIn ? '/' : '/sign-in'}>
        {signedIn ? 'Go to overview' : 'Sign in'}
      </a>
    </>,
  )

/** Error handler of the dashboard. Browsers get a page; the script's requests get a problem document. */
export const failurePage =
  (log: Log, now: () => Date) =>
  (error: Error, c: Context<BaseEnv>): Response | Promise<Response> => {
    const failure = toAppError(error)
    requestFailed(log, c, failure)
    if (!wantsPage(c)) return problem(c, failure)
    if (failure.code === 'unauthenticated') return c.redirect('/sign-in', 303)
    if (failure.code === 'not-found') return notFound(c, true, now())
    if (failure.retryAfterSeconds !== undefined) c.header('Retry-After', String(failure.retryAfterSeconds))
    return failed(c, failure, now())
  }

function failed(c: Context<BaseEnv>, failure: AppError, now: Date) {
  const status = statusOf(failure.code)
  const title = titleOf(failure.code)
  const { pathname, search } = new URL(c.req.url)
  const isGet = c.req.method === 'GET'
  return renderAuthPage(
    c,
    { title, viewer: readViewer(c, now), status },
    <>
      <h1>{title}</h1>
      <p class="soft">{failure.message}.</p>
      {!isGet && <p class="soft">Check whether the change was saved before you try again.</p>}
      <KeyValues
        items={[
          ['Request', `${c.req.method} ${c.req.path}`],
          ['Code', failure.code],
          ['Request ID', <code>{c.var.requestId}</code>],
        ]}
      />
      <a class="button primary" href={isGet ? pathname + search : '/'}>
        {isGet ? 'Retry' : 'Go to overview'}
      </a>
    </>,
  )
}
