/** @module Mounts every path of the application. */
import { mountDashboard } from '#dashboard'
import { Hono } from 'hono'
import { usageRoutes } from './budgets/routes.ts'
import { approvalRoutes } from './approvals/routes.ts'
import { alertRoutes } from './alerts/routes.ts'
import { analyticsRoutes } from './analytics/routes.ts'
import { modelPriceRoutes } from './analytics/price-routes.ts'
import { credentialTypeRoutes } from './credentials/catalogue-routes.ts'
import { nodeTypeRoutes } from './credentials/node-type-routes.ts'
import { credentialRoutes } from './credentials/routes.ts'
import { lifecycleRoutes } from './deployments/deploy/routes.ts'
import { credentialDeploymentRoutes } from './deployments/credentials/routes.ts'
import { driftRoutes, remoteWorkflowRoutes } from './deployments/drift/routes.ts'
import { readinessRoutes } from './deployments/plan/readiness-routes.ts'
import { deploymentRoutes } from './deployments/routes.ts'
import type { Deps } from './deps.ts'
import { diagnosisRoutes } from './executions/diagnosis/routes.ts'
import { executionValueRoutes, valueStorageRoutes } from './executions/values/routes.ts'
import { deadLetterRoutes, executionRoutes, hookRoutes, incidentRoutes } from './executions/routes.ts'
import { requireUser } from './http/auth.ts'
import { docsRoutes } from './http/docs.ts'
import type { BaseEnv } from './http/env.ts'
import { healthRoutes } from './http/health.ts'
import { handleFailures, shell } from './http/shell.ts'
import { environmentRoutes } from './environments/routes.ts'
import { instanceRoutes } from './instances/routes.ts'
import { challenge } from './oauth/challenge.ts'
import { discoveryRoutes, oauthRoutes } from './oauth/routes.ts'
import { mcpRoutes } from './mcp/routes.ts'
import { metricsRoutes } from './monitoring/routes.ts'
import { loadCatalogue } from './n8n/catalogue/catalogue.ts'
import { promotionRoutes, releaseRoutes } from './releases/routes.ts'
import { recoveryRoutes } from './users/account-mail/routes.ts'
import { accountExportRoutes } from './users/account-export/routes.ts'
import { auditRoutes } from './users/audit-routes.ts'
import { testRunRoutes, workflowTestRoutes } from './testing/routes.ts'
import { sessionRoutes, signInHistoryRoutes } from './users/session-routes.ts'
import { tokenRoutes } from './users/token-routes.ts'
import { factorRoutes, secondFactorRoutes } from './users/factors/routes.ts'
import { authRoutes, meRoutes } from './users/routes.ts'
import { anonymousChecks } from './workflows/anonymous-checks.ts'
import { workflowCheckRoutes } from './workflows/check-routes.ts'
import { workflowEditRoutes } from './workflows/edits/routes.ts'
import { missingCredentialRoutes, workflowRoutes } from './workflows/routes.ts'

const signedInPaths = [
  '/v1/me/*',
  '/v1/credentials/*',
  '/v1/credential-types/*',
  '/v1/node-types/*',
  '/v1/workflows/*',
  '/v1/environments/*',
  '/v1/test-runs/*',
  '/v1/instances/*',
  '/v1/deployments/*',
  '/v1/releases/*',
  '/v1/promotions/*',
  '/v1/executions/*',
  '/v1/dead-letters/*',
  '/v1/incidents/*',
  '/v1/analytics/*',
  '/v1/model-prices/*',
  '/v1/alerts/*',
  '/v1/audit-events/*',
  '/mcp',
  '/v1/tokens/*',
  '/v1/approvals/*',
]

export function createApp(deps: Deps) {
  const app = new Hono<BaseEnv>()
  app.use(...shell(deps))
  const { claimAnonymousCheck } = deps
  if (claimAnonymousCheck) app.post('/v1/workflows/check', anonymousChecks(deps.checks, claimAnonymousCheck))
  app.use('/mcp', challenge(deps.config.publicUrl))
  const signedIn = requireUser(deps)
  for (const path of signedInPaths) app.use(path, signedIn)
  const routed = app
    .route('/health', healthRoutes(deps.runtime, deps.ready, deps.networkLimit))
    .route('/v1/auth', authRoutes(deps))
    .route('/v1/auth', recoveryRoutes(deps.recovery))
    .route('/v1/auth', secondFactorRoutes(deps))
    .route('/v1/me', meRoutes(deps))
    .route('/v1/me/sessions', sessionRoutes(deps.sessions))
    .route('/v1/me/sign-ins', signInHistoryRoutes(deps.db.read))
    .route('/v1/me/factors', factorRoutes(deps))
    .route('/v1/me/export', accountExportRoutes(deps.accountExport))
    .route('/v1/me', usageRoutes(deps.usage))
    .route('/v1/credentials/missing', missingCredentialRoutes(deps.requirements))
    .route(
      '/v1/credentials',
      credentialRoutes(deps.credentials, deps.fingerprint, deps.credentialHealth, (userId, id) =>
        deps.credentialPusher.pending(userId, id),
      ),
    )
    .route('/v1/credentials', credentialDeploymentRoutes(deps.credentialPusher, deps.credentialReplacer))
    .route('/v1/credential-types', credentialTypeRoutes(loadCatalogue))
    .route('/v1/node-types', nodeTypeRoutes(loadCatalogue))
    .route('/v1/workflows', workflowRoutes(deps.workflows, deps.fingerprint))
    .route('/v1/workflows', workflowCheckRoutes(deps.workflows, deps.checks))
    .route('/v1/workflows', workflowEditRoutes(deps.workflows, deps.edits))
    .route('/v1/workflows', readinessRoutes(deps.readiness))
    .route('/v1/environments', environmentRoutes(deps.environments, deps.fingerprint))
    .route('/v1/workflows', valueStorageRoutes(deps.runValues))
    .route('/v1/workflows', workflowTestRoutes(deps.testRuns))
    .route('/v1/test-runs', testRunRoutes(deps.testRuns, deps.testRepository))
    .route('/v1/instances', instanceRoutes(deps))
    .route('/v1/instances', remoteWorkflowRoutes(deps.remoteWorkflows, deps.replayResults))
    .route(
      '/v1/deployments',
      deploymentRoutes(deps.deployments, deps.fingerprint, deps.replayResults, deps.deployer),
    )
    .route('/v1/deployments', lifecycleRoutes(deps.deployer))
    .route('/v1/deployments', driftRoutes(deps.drift))
    .route('/v1/releases', releaseRoutes(deps.releasing, deps.fingerprint))
    .route('/v1/promotions', promotionRoutes(deps.releasing, deps.fingerprint))
    .route('/v1/executions', executionRoutes(deps.executions, deps.poll, deps.exporting))
    .route('/v1/executions', diagnosisRoutes(deps.db.read, deps.now, deps.runValues))
    .route('/v1/executions', executionValueRoutes(deps.runValues))
    .route('/v1/dead-letters', deadLetterRoutes(deps.deadLetters))
    .route('/v1/incidents', incidentRoutes(deps.incidents))
    .route('/v1/analytics', analyticsRoutes(deps.analytics, deps.errorStates))
    .route('/v1/model-prices', modelPriceRoutes(deps.modelPrices))
    .route('/v1/alerts', alertRoutes(deps.alerts, deps.deliverAlertsSoon))
    .route('/v1/audit-events', auditRoutes(deps.auditEvents, deps.exporting))
    .route('/v1/tokens', tokenRoutes(deps.apiTokens, deps.fingerprint))
    .route('/v1/approvals', approvalRoutes(deps.approvals))
    .route('/hooks', hookRoutes(deps))
    .route('/mcp', mcpRoutes(deps))
    .route('/.well-known', discoveryRoutes(deps.config.publicUrl))
    .route('/oauth', oauthRoutes(deps))
    .route('/metrics', metricsRoutes(deps.monitoring, deps.isLocal))
  app.route('/', docsRoutes(app, deps.config.publicUrl, deps.networkLimit))
  handleFailures(app, deps.log, mountDashboard(app, { ...deps, db: deps.db.read }))
  return routed
}

export type App = ReturnType<typeof createApp>
