/** @module `/oauth/authorize`: the page on which a user connects an app. */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { AppError } from '../../errors.ts'
import type { BaseEnv } from '../../http/env.ts'
import {
  type AuthorizationRequest,
  readRequest,
  responseUri,
  type VerifiedClient,
  verifyClient,
} from '../../oauth/authorization-request.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import { resourceOf } from '../../oauth/parameters.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { readForm } from '../form-data.ts'
import { renderAuthPage } from '../layout/auth-layout.tsx'
import { redirectWith } from '../notice.ts'
import { type BrowserSessions, signInPath } from '../session.ts'
import { readViewer } from '../viewer.ts'
import { ConsentView, RefusedView, ReturnView } from './view.tsx'

type OAuthPageDeps = Pick<DashboardDeps, 'oauth' | 'config' | 'now'>

export const authorizePath = '/oauth/authorize'

/** An app that opens the page in a pop-up window must find that window again when the page leads back to it. */
export const keepOpener: MiddlewareHandler<BaseEnv> = async (c, next) => {
  const leadsBack = c.req.path === authorizePath || c.req.query('return')?.startsWith(`${authorizePath}?`)
  if (leadsBack) c.header('Cross-Origin-Opener-Policy', 'unsafe-none')
  await next()
}

/** Rejects unknown apps before anyone signs in for them, then leads to the sign-in page. */
export function beforeSignIn(
  deps: OAuthPageDeps,
  sessions: BrowserSessions,
): MiddlewareHandler<DashboardEnv> {
  return async (c, next) => {
    if (c.req.method !== 'GET' || (await sessions.claim(c))) return next()
    try {
      await verifyClient(queryOf(c), deps.oauth.clients, null)
    } catch (error) {
      return refuse(c, deps, error)
    }
    return c.redirect(signInPath(pathOf(c)), 303)
  }
}

export function oauthPages(deps: OAuthPageDeps) {
  const { oauth, config, now } = deps
  const { publicUrl } = config

  /** Responds directly to a request that cannot be approved. */
  async function read(
    c: Context<DashboardEnv>,
  ): Promise<Response | { verified: VerifiedClient; request: AuthorizationRequest }> {
    let verified: VerifiedClient
    try {
      // With a user, the app is always looked up.
      verified = (await verifyClient(queryOf(c), oauth.clients, c.var.userId)) as VerifiedClient
    } catch (error) {
      return refuse(c, deps, error)
    }
    try {
      return { verified, request: readRequest(queryOf(c), publicUrl) }
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      return leave(c, verified, error)
    }
  }

  const leave = (
    c: Context<DashboardEnv>,
    { redirectUri, target }: VerifiedClient,
    response: { code: string } | OAuthError,
  ) => {
    const uri = responseUri(redirectUri, queryOf(c), publicUrl, response)
    if (target.source !== null) return c.redirect(uri, 303)
    c.header('Refresh', `0;url=${uri}`)
    return renderAuthPage(
      c,
      { title: 'Return to the app', viewer: readViewer(c, now()) },
      <ReturnView uri={uri} />,
    )
  }

  const consentPage = (
    c: Context<DashboardEnv>,
    verified: VerifiedClient,
    { scopes }: AuthorizationRequest,
    error?: AppError,
  ) => {
    const { user, viewer } = c.var
    const formTarget = verified.target.source ?? undefined
    return renderAuthPage(
      c,
      { title: `Connect ${verified.client.name}`, viewer, status: error ? 422 : 200, footer, formTarget },
      <ConsentView {...verified} action={pathOf(c)} user={user} scopes={scopes} error={error?.message} />,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/authorize', async (c) => {
      const asked = await read(c)
      return asked instanceof Response ? asked : consentPage(c, asked.verified, asked.request)
    })
    .post('/authorize', async (c) => {
      const form = await readForm(c)
      if (form.get('_owner') !== c.var.userId) {
        return redirectWith(
          c,
          pathOf(c),
          'You have signed in with another account. Check the request again.',
          'wait',
        )
      }
      const asked = await read(c)
      if (asked instanceof Response) return asked
      const { verified, request } = asked
      if (form.get('decision') !== 'allow') {
        return leave(c, verified, new OAuthError('access_denied', 'The user denied the request'))
      }
      const selected = form.getAll('scopes')
      const scopes = request.scopes.filter((scope) => selected.includes(scope))
      const { client, redirectUri } = verified
      const { codeChallenge } = request
      try {
        if (scopes.length === 0)
          throw new AppError('invalid', 'Select what the app may do, or deny the request')
        const approval = { client, redirectUri, scopes, codeChallenge, resource: resourceOf(publicUrl) }
        const code = await oauth.grants.approve(c.var.userId, approval)
        await oauth.clients.keep(client)
        return await leave(c, verified, { code })
      } catch (error) {
        if (!(error instanceof AppError) || !['invalid', 'quota-exceeded'].includes(error.code)) throw error
        return consentPage(c, verified, request, error)
      }
    })
}

const footer = 'You can disconnect the app at any time: Account → Access tokens.'

const queryOf = (c: Context): URLSearchParams => new URL(c.req.url).searchParams

function pathOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url)
  return pathname + search
}

/** Never leads to the redirect URI, which may be an attacker's. */
function refuse(c: Context, { now }: OAuthPageDeps, error: unknown) {
  if (!(error instanceof OAuthError)) throw error
  return renderAuthPage(
    c,
    { title: 'The app cannot connect', viewer: readViewer(c, now()), status: 400 },
    <RefusedView reason={error.message} />,
  )
}
