/**
 * @module Dashboard sessions: a signed token in an HttpOnly cookie, checked against its row in `sessions` on every
 * request. Ending a session anywhere, including through the API, ends it here with the next request.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { CookieOptions, CookiePrefixOptions } from 'hono/utils/cookie'
import type { AccessClaim } from '../crypto/access-token.ts'
import { identifySession } from '../db/actor.ts'
import { AppError } from '../errors.ts'
import { countRequest } from '../http/rate-limit.ts'
import type { User } from '../users/contract.ts'
import { deviceLifetimeDays } from '../users/devices.ts'
import type { DashboardDeps, DashboardEnv } from './context.ts'
import { readNavCounts } from '../overview/nav-counts.ts'
import type { StartedSession } from '../users/sign-in.ts'
import type { RestoredForm } from './components/form-context.ts'
import { readViewer } from './viewer.ts'

export type SessionDeps = Pick<
  DashboardDeps,
  'config' | 'dashboardTokens' | 'sessions' | 'now' | 'db' | 'defer' | 'claimRequest'
>

export interface BrowserSession {
  claim: AccessClaim
  user: User
}

/** Stays when the session ends: it holds a device token, which only speeds up signing in. */
const deviceCookie = 'flowkeep-device'

/** A form that was restored after signing in, and the new session. */
export interface Resumed {
  session: BrowserSession
  form: RestoredForm
}

/** What happens to forms that are submitted after the session ended. */
export interface ExpiredForms {
  /** Keeps the fields on a sign-in page. */
  keep: (c: Context<DashboardEnv>) => Promise<Response>
  /** Signs in from that page and shows the form again. */
  resume: (c: Context<DashboardEnv>, session: BrowserSession | null) => Promise<Response>
  /** The form that this request shows again, if any. */
  resumed: (c: Context<DashboardEnv>) => Resumed | undefined
}

export class BrowserSessions {
  readonly #deps: SessionDeps
  /** `__Host-` binds the cookie to this host over https, so that sibling domains cannot set it. */
  readonly #prefix: CookiePrefixOptions | undefined

  constructor(deps: SessionDeps) {
    this.#deps = deps
    this.#prefix = deps.config.publicUrl.startsWith('https:') ? 'host' : undefined
  }

  async begin(c: Context, claim: AccessClaim): Promise<void> {
    const { accessToken, expiresIn } = await this.#deps.dashboardTokens.sign(claim)
    setCookie(c, 'flowkeep', accessToken, this.#options(expiresIn))
  }

  #options(maxAge: number): CookieOptions {
    return {
      ...(this.#prefix && { prefix: this.#prefix }),
      path: '/',
      secure: this.#prefix !== undefined,
      httpOnly: true,
      sameSite: 'Lax',
      maxAge,
    }
  }

  /** Null without the cookie of a live session. */
  async read(c: Context): Promise<BrowserSession | null> {
    const claim = await this.claim(c)
    if (!claim) return null
    const live = await this.#deps.sessions.findLive(claim)
    if (!live) return null
    if (!live.isSeen) this.#deps.defer(this.#deps.sessions.touch(claim))
    return { claim, user: live.user }
  }

  async end(c: Context, claim: AccessClaim): Promise<void> {
    await this.#deps.sessions.endOne(claim)
    this.forget(c)
  }

  forget(c: Context): void {
    const name = this.#prefix ? '__Host-flowkeep' : 'flowkeep'
    deleteCookie(c, name, { path: '/', secure: this.#prefix !== undefined })
  }

  /** The claim of a session that may have ended. Null without a valid cookie. */
  async claim(c: Context): Promise<AccessClaim | null> {
    const token = this.#prefix ? getCookie(c, 'flowkeep', this.#prefix) : getCookie(c, 'flowkeep')
    return token ? this.#deps.dashboardTokens.verify(token) : null
  }

  /** Of an earlier sign-in in this browser. */
  deviceToken(c: Context): string | undefined {
    return this.#prefix ? getCookie(c, deviceCookie, this.#prefix) : getCookie(c, deviceCookie)
  }

  /** Starts a browser session and ends the one that the browser had. */
  async enter(c: Context, { user, sessionId, deviceToken }: StartedSession): Promise<BrowserSession> {
    setCookie(c, deviceCookie, deviceToken, this.#options(deviceLifetimeDays * 86_400))
    const before = await this.read(c)
    if (before) await this.end(c, before.claim)
    const claim = { userId: user.id, sessionId }
    await this.begin(c, claim)
    return { claim, user }
  }

  /**
   * Requires a session. Redirects browsers to the sign-in page, which returns to the requested page. A form that is
   * submitted without a session goes to `expired`.
   */
  require(expired: ExpiredForms): MiddlewareHandler<DashboardEnv> {
    return async (c, next) => {
      c.header('Cache-Control', 'no-store')
      const resumed = expired.resumed(c)
      const session = resumed?.session ?? (await this.read(c))
      const isRead = ['GET', 'HEAD'].includes(c.req.method)
      if (!isRead && c.req.query('resume') !== undefined) return expired.resume(c, session)
      if (!session) {
        if (!c.req.header('Accept')?.includes('text/html')) {
          throw new AppError('unauthenticated', 'Sign in to continue')
        }
        const { pathname, search } = new URL(c.req.url)
        return isRead ? c.redirect(signInPath(pathname + search), 303) : expired.keep(c)
      }
      c.set('userId', session.user.id)
      c.set('sessionId', session.claim.sessionId)
      identifySession(session.claim.sessionId)
      c.set('user', session.user)
      await countRequest(c, session.user.id, this.#deps.claimRequest)
      c.set('viewer', readViewer(c, this.#deps.now()))
      c.set('restored', resumed?.form)
      const hasNavigation = c.req.method === 'GET' && !withoutNavigation.test(c.req.path)
      c.set(
        'navCounts',
        hasNavigation ? readNavCounts(this.#deps.db, session.user.id) : Promise.resolve(null),
      )
      return next()
    }
  }
}

/** Paths of `GET` that respond with a part of a page, with JSON or with a download. */
const withoutNavigation = /\/(suggestions|news|export|export\.csv)$/

export const signInPath = (back: string): string =>
  back === '/' ? '/sign-in' : `/sign-in?return=${encodeURIComponent(back)}`
