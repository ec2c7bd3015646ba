/** @module Mounts every path of the dashboard. Pages are server-rendered and do not call the API. */
import { Hono } from 'hono'
import type { BaseEnv } from '../http/env.ts'
import { expiredForms } from './sign-in/expired-form.tsx'
import { signInPages } from './sign-in/route.tsx'
import { securityPages } from './account/factors/route.tsx'
import { accountPages } from './account/route.tsx'
import { assets, referenceAssets } from '../lib/assets.generated.ts'
import { alertPages } from './alerts/routes.tsx'
import { approvalPages } from './approvals/route.tsx'
import { auditPages } from './audit/route.tsx'
import { credentialPages } from './credentials/routes.tsx'
import { deploymentPages } from './deployments/routes.tsx'
import type { DashboardDeps, DashboardEnv } from './context.ts'
import { environmentPages } from './environments/route.tsx'
import { errorPages } from './errors/route.tsx'
import { executionPages } from './executions/routes.tsx'
import { failurePage } from './layout/failure-page.tsx'
import { generalPages } from './help/route.tsx'
import { instancePages } from './instances/routes.tsx'
import { modelPages } from './models/route.tsx'
import { authorizePath, beforeSignIn, keepOpener, oauthPages } from './oauth/route.tsx'
import { overviewPages } from './overview/route.tsx'
import { requireSameOrigin } from './same-origin.ts'
import { releasePages } from './releases/routes.tsx'
import { searchPages } from './search/route.tsx'
import type { BrowserSessions } from './session.ts'
import { tokenPages } from './tokens/route.tsx'
import { usagePages } from './usage/route.tsx'
import { workflowPages } from './workflows/routes.tsx'
import { recoveryPages, recoveryPaths } from './sign-in/recovery/route.tsx'

const openPaths = ['/sign-in/*', '/register', '/sign-out', '/theme', ...recoveryPaths]
const signedInPaths = [
  '/',
  '/executions/*',
  '/errors/*',
  '/workflows/*',
  '/credentials/*',
  '/deployments/*',
  '/releases/*',
  '/environments/*',
  '/instances/*',
  '/models/*',
  '/alerts/*',
  '/approvals/*',
  '/audit/*',
  '/search/*',
  '/help',
  '/account/*',
  '/more',
  authorizePath,
]
const yearSeconds = 365 * 86_400

/** Mounted at `/`, after all other routes. */
export function dashboardRoutes(deps: DashboardDeps, sessions: BrowserSessions) {
  const app = new Hono<DashboardEnv>()
  app.onError(failurePage(deps.log, deps.now) as never)
  const sameOrigin = requireSameOrigin(deps.config.publicUrl)
  for (const path of [...openPaths, ...signedInPaths]) app.use(path, sameOrigin)
  for (const path of [authorizePath, '/sign-in', '/register']) app.use(path, keepOpener)
  app.use(authorizePath, beforeSignIn(deps, sessions))
  const expired = expiredForms(deps, sessions, (request, c) => app.fetch(request, c.env))
  const signedIn = sessions.require(expired)
  for (const path of signedInPaths) app.use(path, signedIn)
  return app
    .route('/', assetRoutes(deps.readAsset))
    .route('/', signInPages(deps, sessions))
    .route('/', recoveryPages(deps))
    .route('/account', accountPages(deps, sessions))
    .route('/account/tokens', tokenPages(deps))
    .route('/account/usage', usagePages(deps))
    .route('/account/security', securityPages(deps))
    .route('/oauth', oauthPages(deps))
    .route('/', accountRedirects())
    .route('/', generalPages(deps.config.publicUrl))
    .route('/', overviewPages(deps))
    .route('/executions', executionPages(deps))
    .route('/errors', errorPages(deps))
    .route('/workflows', workflowPages(deps))
    .route('/credentials', credentialPages(deps))
    .route('/deployments', deploymentPages(deps))
    .route('/releases', releasePages(deps))
    .route('/environments', environmentPages(deps))
    .route('/instances', instancePages(deps))
    .route('/models', modelPages(deps))
    .route('/alerts', alertPages(deps))
    .route('/approvals', approvalPages(deps))
    .route('/audit', auditPages(deps))
    .route('/search', searchPages(deps))
}

/** Paths where people look for the account page. */
function accountRedirects() {
  const app = new Hono<BaseEnv>()
  for (const path of ['/settings', '/me', '/profile']) app.get(path, (c) => c.redirect('/account', 303))
  return app
}

/** Where the runtime serves `public/assets` by itself, no request for them arrives here. */
function assetRoutes(readAsset: DashboardDeps['readAsset']) {
  const app = new Hono<BaseEnv>()
  if (!readAsset) return app
  for (const { path, mediaType } of [...Object.values(assets), ...Object.values(referenceAssets)]) {
    app.get(path, async (c) =>
      c.body(await readAsset(path), 200, {
        'Content-Type': mediaType,
        'Cache-Control': `public, max-age=${yearSeconds}, immutable`,
      }),
    )
  }
  return app
}
