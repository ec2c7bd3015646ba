/**
 * @module Dashboard sessions: a signed token in an HttpOnly cookie, checked against its row in `sessions` on every
 * request. Ending a session anywhere, including through the API, ends it here with the next request.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { CookiePrefixOptions } from 'hono/utils/cookie'
import type { AccessClaim } from '../crypto/access-token.ts'
import { AppError } from '../errors.ts'
import type { User } from '../users/contract.ts'
import type { DashboardDeps, DashboardEnv } from './context.ts'
import { readNavCounts } from '../overview/nav-counts.ts'
import { redirectWith } from './notice.ts'
import { returnPath } from './return-path.ts'
import { readViewer } from './viewer.ts'

export type SessionDeps = Pick<DashboardDeps, 'config' | 'dashboardTokens' | 'sessions' | 'now' | 'db'>

export interface BrowserSession {
  claim: AccessClaim
  user: User
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
    setCookie(c, 'flowkeep', accessToken, {
      ...(this.#prefix && { prefix: this.#prefix }),
      path: '/',
      secure: this.#prefix !== undefined,
      httpOnly: true,
      sameSite: 'Lax',
      maxAge: expiresIn,
    })
  }

  /** Null without the cookie of a live session. */
  async read(c: Context): Promise<BrowserSession | null> {
    const token = this.#prefix ? getCookie(c, 'flowkeep', this.#prefix) : getCookie(c, 'flowkeep')
    const claim = token ? await this.#deps.dashboardTokens.verify(token) : null
    if (!claim) return null
    const user = await this.#deps.sessions.findLive(claim)
    return user && { claim, user }
  }

  async end(c: Context, claim: AccessClaim): Promise<void> {
    await this.#deps.sessions.endOne(claim)
    this.forget(c)
  }

  forget(c: Context): void {
    const name = this.#prefix ? '__Host-flowkeep' : 'flowkeep'
    deleteCookie(c, name, { path: '/', secure: this.#prefix !== undefined })
  }

  /**
   * Requires a session. Redirects browsers to the sign-in page, which returns to the requested page, or to the page
   * whose form was submitted, with a note that the input was lost.
   */
  require(): MiddlewareHandler<DashboardEnv> {
    return async (c, next) => {
      c.header('Cache-Control', 'no-store')
      const session = await this.read(c)
      if (!session) {
        if (!c.req.header('Accept')?.includes('text/html')) {
          throw new AppError('unauthenticated', 'Sign in to continue')
        }
        const { pathname, search } = new URL(c.req.url)
        if (['GET', 'HEAD'].includes(c.req.method)) return c.redirect(signInPath(pathname + search), 303)
        return redirectWith(c, signInPath(this.#formPath(c)), unsent, 'wait')
      }
      c.set('userId', session.user.id)
      c.set('sessionId', session.claim.sessionId)
      c.set('user', session.user)
      c.set('viewer', readViewer(c, this.#deps.now()))
      const isPage = c.req.method === 'GET' && !c.req.header('Accept')?.startsWith('application/json')
      c.set('navCounts', isPage ? readNavCounts(this.#deps.db, session.user.id) : Promise.resolve(null))
      return next()
    }
  }

  /** The dashboard page that submitted the form, from the Referer header; otherwise the start page. */
  #formPath(c: Context): string {
    const referer = c.req.header('Referer') ?? ''
    if (!URL.canParse(referer)) return '/'
    const { origin, pathname, search } = new URL(referer)
    const own = [this.#deps.config.publicUrl, c.req.url].map((url) => new URL(url).origin)
    return own.includes(origin) ? returnPath(pathname + search) : '/'
  }
}

const unsent = 'Your session expired and your changes were not saved. Sign in, then enter them again.'

const signInPath = (back: string): string =>
  back === '/' ? '/sign-in' : `/sign-in?return=${encodeURIComponent(back)}`
