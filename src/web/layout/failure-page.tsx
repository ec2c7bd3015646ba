/** @module What a browser is shown instead of a problem document. */
import type { Context } from 'hono'
import type { AppError } from '../../errors.ts'
import type { BaseEnv } from '../../http/env.ts'
import { requestFailed } from '../../http/failure-log.ts'
import type { Log } from '../../http/log.ts'
import { problem, statusOf, toAppError } from '../../http/problem.ts'
import { renderAlone } from './auth-layout.tsx'
import { KeyValues } from '../components/card.tsx'
import type { BrowserSessions } from '../session.ts'
import { readViewer } from '../viewer.ts'

const wantsPage = (c: Context) => c.req.header('Accept')?.includes('text/html') ?? false

/** For `app.notFound`: null under the API's paths and for whoever does not ask for HTML. */
export const missingPage = (sessions: BrowserSessions, now: () => Date) => async (c: Context<BaseEnv>) => {
  const isPage = ['GET', 'HEAD'].includes(c.req.method) && !/^\/(?:v1|hooks|health)(?:\/|$)/.test(c.req.path)
  if (!isPage || !wantsPage(c)) return null
  return notFound(c, (await sessions.read(c)) !== null, now())
}

const notFound = (c: Context, signedIn: boolean, now: Date) =>
  renderAlone(
    c,
    { title: 'Not found', viewer: readViewer(c, now), status: 404 },
    <>
      <h1>There is no such page</h1>
      <p class="soft">It may have been deleted, or the address has a slip in it.</p>
      <a class="button primary" href={signedIn ? '/' : '/sign-in'}>
        {signedIn ? 'To the overview' : 'Sign in'}
      </a>
    </>,
  )

/** For the pages' own failures. Logged as any; a browser gets a page, the script's requests a problem document. */
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
  const isOurs = status >= 500
  const { pathname, search } = new URL(c.req.url)
  const isGet = c.req.method === 'GET'
  return renderAlone(
    c,
    { title: isOurs ? 'It failed here' : 'Refused', viewer: readViewer(c, now), status },
    <>
      <h1>{isOurs ? 'This failed on our side' : 'This was refused'}</h1>
      <p class="soft">{failure.message}.</p>
      {!isGet && <p class="soft">Look whether the change was made before you try again.</p>}
      <KeyValues
        items={[
          ['What', `${c.req.method} ${c.req.path}`],
          ['Why', failure.code],
          ['Request id', <code>{c.var.requestId}</code>],
        ]}
      />
      <a class="button primary" href={isGet ? pathname + search : '/'}>
        {isGet ? 'Retry' : 'To the overview'}
      </a>
    </>,
  )
}
