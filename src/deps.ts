/** @module The composition root: builds the services that the routes use from the configuration and the runtime. */

import { type OnFailedRuns } from './executions/record/ingest.ts'
import { errorNameOf } from './errors.ts'
import { sleep } from './lib/retry.ts'
import type { Context } from 'hono'
import { ErrorGroupStates } from './analytics/error-states.ts'
import { deliverDue, type DeliveryOptions } from './alerts/deliver.ts'
import { AlertRepository } from './alerts/repository.ts'
import { ModelPriceRepository } from './analytics/prices.ts'
import { AnalyticsRepository } from './analytics/repository.ts'
import { Approvals, type Permit } from './approvals/approvals.ts'
import { ApprovalRepository } from './approvals/repository.ts'
import { UsageRepository } from './budgets/usage.ts'
import { RequestRates } from './budgets/request-rates.ts'
import type { Config } from './config.ts'
import { AvailableCredentials } from './credentials/available.ts'
import { CredentialHealth } from './credentials/health.ts'
import { CredentialRepository } from './credentials/repository.ts'
import { createAccessTokens } from './crypto/access-token.ts'
import { auditEvent } from './db/audit.ts'
import { createFingerprint } from './crypto/fingerprint.ts'
import { loadRings } from './crypto/key-ring.ts'
import { type CompareBcrypt, createPasswordHasher } from './crypto/password.ts'
import { createRefreshTokens } from './crypto/refresh-token.ts'
import { createSecretBox } from './crypto/secret-box.ts'
import { createTickets } from './crypto/ticket.ts'
import { createDb } from './db/client.ts'
import { databaseError } from './db/errors.ts'
import { createKeyCheck } from './db/key-check.ts'
import { readFrom, readFromReplica, replicaTimeoutMs } from './db/replica.ts'
import { requireSchema } from './db/schema-version.ts'
import type { Deployment } from './deployments/contract.ts'
import { CredentialPusher } from './deployments/credentials/push.ts'
import { CredentialReplacer } from './deployments/credentials/replacement.ts'
import { Deployer } from './deployments/deploy/deployer.ts'
import { DeploymentDrift } from './deployments/drift/drift.ts'
import { RemoteWorkflows } from './deployments/drift/import-remote.ts'
import { WorkflowReadiness } from './deployments/plan/readiness.ts'
import { DeploymentRepository } from './deployments/repository.ts'
import { DeadLetterRepository } from './executions/reports/dead-letters.ts'
import { rollUpChanges, isTimeToRollUp } from './executions/record/roll-up.ts'
import { IncidentRepository } from './executions/reports/incidents.ts'
import {
  type QueuedMessage,
  queueReports,
  type ReportQueue,
  storeQueued,
} from './executions/reports/queue.ts'
import { type OnRecorded, ReportReceiver } from './executions/reports/receive.ts'
import { RunValues } from './executions/values/repository.ts'
import { TraceReceiver } from './executions/otlp/receive.ts'
import { SpanRepository } from './executions/otlp/span-repository.ts'
import { pollNow } from './executions/poll/reconcile.ts'
import { allExecutions } from './executions/export.ts'
import { ExecutionRepository } from './executions/repository.ts'
import type { RateClass } from './http/rate-classes.ts'
import { createLog, type LogLevel } from './http/log.ts'
import { NetworkLimit } from './http/network-limit.ts'
import { EnvironmentRepository } from './environments/repository.ts'
import { testCredential } from './instances/credential-test.ts'
import { InstanceConnections } from './instances/connections.ts'
import { OtelExport } from './instances/otel.ts'
import { ErrorReporter } from './instances/reporter.ts'
import { InstanceRepository } from './instances/repository.ts'
import type { PrivateNetworks } from './instances/url-guard.ts'
import { ReleaseProgress } from './releases/progress.ts'
import { Releasing } from './releases/releasing.ts'
import { ReleaseRepository } from './releases/repository.ts'
import { ReleaseRunner } from './releases/runner.ts'
import { TargetWork } from './releases/target-work.ts'
import { mailApi, type SendMail } from './mail/mail.ts'
import { createMonitoring } from './monitoring/monitoring.ts'
import { loadCatalogue } from './n8n/catalogue/catalogue.ts'
import type { Metric } from './telemetry/registry.ts'
import { ClientAssertions } from './oauth/client-assertion.ts'
import { OAuthClients } from './oauth/clients.ts'
import { OAuthGrants } from './oauth/grants.ts'
import { tokenEndpointOf } from './oauth/metadata.ts'
import { TestRepository } from './testing/repository.ts'
import { TestRunner } from './testing/runner.ts'
import { TestRuns } from './testing/test-runs.ts'
import { AccountLinks } from './users/account-mail/account-links.ts'
import { AccountMail } from './users/account-mail/account-mail.ts'
import { LinkTokens } from './users/account-mail/link-tokens.ts'
import { Recovery } from './users/account-mail/recovery.ts'
import { AuditEventRepository } from './users/audit-events.ts'
import { purgeDeletedAccounts } from './users/delete-account.ts'
import { Devices } from './users/devices.ts'
import { hashNewPassword } from './users/breached-passwords.ts'
import { SecondFactors } from './users/factors/factors.ts'
import { FactorRepository } from './users/factors/repository.ts'
import { UserRepository } from './users/repository.ts'
import { SessionRepository, sessionLifetimeDays } from './users/session-repository.ts'
import { SignIn } from './users/sign-in.ts'
import { Throttle } from './users/throttle.ts'
import { TokenAccess } from './users/token-access.ts'
import { TokenRepository } from './users/token-repository.ts'
import { WorkflowChecks } from './workflows/checks.ts'
import { WorkflowEdits } from './workflows/edits/edits.ts'
import { WorkflowRepository } from './workflows/repository.ts'
import { CredentialRequirements } from './workflows/requirements.ts'

/** Differences between workerd, Node and the tests. */
export interface Runtime {
  name: 'workerd' | 'node'
  compareBcrypt: CompareBcrypt
  /** Binary logarithm of scrypt's N. */
  passwordCost?: number
  /** Concurrent password hashes per isolate or process. */
  maxHashesInFlight: number
  /** Keeps work running after the response is sent, and handles its rejection. */
  defer: (work: Promise<unknown>) => void
  clientIp: (c: Context) => string
  /** Whether a request comes from this machine and not through a proxy. Absent if the platform cannot tell. */
  isLocal?: (c: Context) => boolean
  /** Memory, CPU time and connections. */
  processMetrics?: () => Metric[]
  writeLog: (line: string, level: LogLevel) => void
  now: () => Date
  /** Defaults to a timer. */
  wait?: (ms: number) => Promise<void>
  /** Requests to users' n8n servers. Connects only to public addresses and those of `privateNetworks`. */
  instanceFetch: typeof fetch
  /** Requests to any other address that a stranger names. Connects only to public addresses. */
  publicFetch: typeof fetch
  /** Absent on Workers. */
  privateNetworks?: PrivateNetworks | undefined
  /** Sends email. Default: through the HTTP mail API, if one is configured. */
  sendMail?: SendMail
  /** In front of ingest, if there is one. */
  reportQueue?: ReportQueue | undefined
  /** In-process gateway of the database. */
  databaseFetch?: (request: Request) => Promise<Response>
  /** In-process gateway of the replica. */
  replicaFetch?: (request: Request) => Promise<Response>
  /**
   * Reads a file below `public` by its path, such as `/assets/client.js`. Absent if the platform serves these files itself.
   */
  readAsset?: (path: string) => Promise<Uint8Array<ArrayBuffer>>
}

/** Workers count every statement as a subrequest. The scheduled job purges the rest. */
const purgeStatements = 30
/** Targets of releases that one request and one run of the job work on. Each takes about 35 subrequests. */
const releaseTargets = { workerd: { perRequest: 20, perJob: 6 }, node: { perRequest: 1000, perJob: 1000 } }

export type Deps = ReturnType<typeof createDeps>

export function createDeps(config: Config, runtime: Runtime) {
  const { now, defer, clientIp } = runtime
  const log = createLog(config.logLevel, runtime.writeLog, now)
  const db = createDb({
    databaseUrl: config.databaseUrl,
    ...(runtime.databaseFetch && { fetch: runtime.databaseFetch }),
    ...(config.databaseGatewayUrl && { fetchEndpoint: config.databaseGatewayUrl }),
    onSlow: (slow) => log('warn', 'slow-statement', { ...slow }),
  })
  const read =
    config.databaseReplicaUrl === undefined
      ? readFrom(db)
      : readFromReplica({
          replica: createDb({
            databaseUrl: config.databaseReplicaUrl,
            name: 'replica',
            timeoutMs: replicaTimeoutMs,
            ...(runtime.replicaFetch && { fetch: runtime.replicaFetch }),
            onSlow: (slow) => log('warn', 'slow-statement', { ...slow }),
          }),
          primary: db,
          now,
          onAway: (error) =>
            log('warn', 'replica-unavailable', { sqlState: databaseError(error).sqlState ?? null }),
        })
  const monitoring = createMonitoring({
    ...config.monitoring,
    runtime: runtime.name,
    isOpen: runtime.isLocal !== undefined,
    db: db.read,
    credentialKeys: config.credentialKeys,
    log,
    now,
    defer,
    processMetrics: runtime.processMetrics,
  })
  const secretBox = createSecretBox(config.credentialKeys)
  const keyCheck = createKeyCheck(db, config.credentialKeys)
  const fingerprint = createFingerprint(config.fingerprintKey)
  const hasher = createPasswordHasher({
    compareBcrypt: runtime.compareBcrypt,
    peppers: config.passwordPeppers,
    maxInFlight: runtime.maxHashesInFlight,
    defer,
    ...(runtime.passwordCost !== undefined && { cost: runtime.passwordCost }),
  })
  const hashNew = hashNewPassword(hasher, {
    url: config.passwordBreachCheck,
    fetch: runtime.instanceFetch,
    onFailure: (error) => log('warn', 'password-breach-check-failed', { errorName: errorNameOf(error) }),
  })
  const accessTokens = createAccessTokens(config.accessTokenKeys, {
    issuer: config.publicUrl,
    audience: 'flowkeep',
    now,
  })
  const dashboardTokens = createAccessTokens(config.accessTokenKeys, {
    issuer: config.publicUrl,
    audience: 'flowkeep-dashboard',
    type: 'session+jwt',
    lifetimeSeconds: sessionLifetimeDays * 86_400,
    now,
  })
  const sessions = new SessionRepository(db, now, {
    accessKeyId: accessTokens.activeKeyId,
    refreshTokens: createRefreshTokens(config.refreshTokenKeys),
  })
  const users = new UserRepository(db, now, sessions)
  const tokenAccess = new TokenAccess(db, now)
  const rates = new RequestRates(db, now, config.rates)
  const throttle = new Throttle(db, now, fingerprint)
  const { mail } = config
  const sendMail =
    runtime.sendMail ??
    (mail?.apiUrl === undefined || mail.apiToken === undefined
      ? null
      : mailApi({ url: mail.apiUrl, token: mail.apiToken, from: mail.from }, runtime.instanceFetch))
  const linkTokens = new LinkTokens(fingerprint)
  const accountMail = new AccountMail(db, now, {
    links: linkTokens,
    publicUrl: config.publicUrl,
    sendMail,
    defer: (work) =>
      defer(
        work.catch((error: unknown) => {
          log('error', 'account-mail-failed', { errorName: errorNameOf(error) })
        }),
      ),
  })
  const accountLinks = new AccountLinks(db, now, linkTokens, accountMail)
  const recovery = new Recovery({ users, throttle, hashNew, links: accountLinks, mail: accountMail })
  const { notify } = accountMail
  const factorRepository = new FactorRepository(db, now, sessions)
  const factors = new SecondFactors({
    repository: factorRepository,
    tickets: createTickets(config.accessTokenKeys, config.publicUrl, now),
    secretBox,
    keysVerified: keyCheck.verified,
    fingerprint,
    throttle,
    publicUrl: config.publicUrl,
    defer,
    notify,
    now,
  })
  const signIn = new SignIn({
    users,
    sessions,
    throttle,
    devices: new Devices(fingerprint, now),
    hasher,
    hashNew,
    accessTokens,
    factors,
    defer,
    notify,
    welcome: (user) => recovery.welcome(user),
  })
  const approvals = new ApprovalRepository(db, now)
  const guard = new Approvals({ approvals, fingerprint, publicUrl: config.publicUrl })
  const permit: Permit = (userId, change, work) => guard.permit(userId, change, work)
  const credentials = new CredentialRepository(db, now, {
    secretBox,
    keysVerified: keyCheck.verified,
    loadCatalogue,
    quota: config.quotas.credentials,
    storage: config.quotas,
    permit,
  })
  const workflows = new WorkflowRepository(db, now, loadCatalogue, config.quotas, permit)
  const deadLetters = new DeadLetterRepository(db, now)
  const { privateNetworks, instanceFetch } = runtime
  const connections = new InstanceConnections(db, now, secretBox, {
    ...config,
    privateNetworks,
    fetch: instanceFetch,
  })
  const wait = runtime.wait ?? sleep
  const reporter = new ErrorReporter(db, now, { ...config, wait })
  const deployments = new DeploymentRepository(db, now, config.quotas)
  const availableCredentials = new AvailableCredentials(db, credentials, loadCatalogue)
  const requirements = new CredentialRequirements(db, availableCredentials, loadCatalogue)
  const deployer = new Deployer(db, now, {
    deployments,
    workflows,
    connections,
    reporter,
    credentials,
    availableCredentials,
    fingerprint,
    loadCatalogue,
    log,
    wait,
    publicUrl: config.publicUrl,
    permit,
  })
  const releaseRunner = new ReleaseRunner(now, {
    progress: new ReleaseProgress(db, now),
    targets: new TargetWork({ deployer, connections }),
    log,
    ...releaseTargets[runtime.name],
  })
  const credentialHealth = new CredentialHealth(db, now, {
    credentials,
    loadCatalogue,
    fingerprint: (opened) => deployer.remoteCredentials.fingerprintOf(opened),
    test: (userId, instanceId, n8nId) => testCredential(connections, userId, instanceId, n8nId),
  })
  /** Marks the credentials that a service rejected in failed runs. */
  const onFailed: OnFailedRuns = (runs) => {
    const marking = credentialHealth.markRefused(runs).catch((error: unknown) => {
      log('error', 'credential-marking-failed', { errorName: errorNameOf(error) })
    })
    defer(marking)
  }
  /** Rolls up between runs of the scheduled job, and on servers without one. */
  const onRecorded: OnRecorded = (recorded) => {
    if (!isTimeToRollUp(recorded)) return
    const rollUp = rollUpChanges(db).catch((error: unknown) => {
      log('error', 'rollup-failed', { errorName: errorNameOf(error) })
    })
    defer(rollUp)
  }
  const sending = {
    fetch: runtime.instanceFetch,
    now,
    urls: { publicUrl: config.publicUrl, allowLoopback: config.allowLoopbackInstances, privateNetworks },
    sendMail,
  }
  const appDocuments = {
    fetch: runtime.publicFetch,
    rules: { publicUrl: config.publicUrl, allowLoopback: config.allowLoopbackInstances },
    onFailure: (errorName: string) => log('info', 'app-document-rejected', { errorName }),
  }
  const deliverAlerts = (options: DeliveryOptions) => deliverDue({ ...sending, db, secretBox }, options)
  const runValues = new RunValues(db, now, { secretBox, keysVerified: keyCheck.verified, log })
  const reports = new ReportReceiver(db, deadLetters, now, onFailed, onRecorded, runValues)
  const testRepository = new TestRepository(db, now)
  const { releases, remoteCredentials } = deployer
  const testing = { connections, releases, remoteCredentials, runValues, loadCatalogue, log, wait }
  const instances = new InstanceRepository(db, now, secretBox, {
    ...config,
    privateNetworks,
    keysVerified: keyCheck.verified,
  })

  const auditEvents = new AuditEventRepository(db.read)
  /** Data for full exports. */
  const exporting = {
    executions: {
      listNamed: (...query: Parameters<ExecutionRepository['listNamed']>) =>
        read((from) => new ExecutionRepository(from, now).listNamed(...query)),
    },
    /** Before the first row, so that no download is without its event. */
    audit: async (
      userId: string,
      action: 'user.exported' | 'execution.exported' | 'audit.exported',
      details: Record<string, unknown>,
    ) => {
      await auditEvent(db, userId, action, null, details)
    },
    onFailure: (error: unknown) => log('error', 'export-aborted', { errorName: errorNameOf(error) }),
  }
  return {
    runtime: runtime.name,
    config,
    log,
    corsOrigins: config.corsOrigins,
    clientIp,
    isLocal: runtime.isLocal,
    monitoring,
    onRequestEnd: monitoring.onRequestEnd,
    db,
    now,
    fingerprint,
    hasher,
    hashNew,
    secretBox,
    keyCheck,
    accessTokens,
    dashboardTokens,
    sessions,
    users,
    signIn,
    networkLimit: new NetworkLimit(now),
    recovery,
    notify,
    accountMail,
    accountLinks,
    factors,
    factorRepository,
    oauth: {
      clients: new OAuthClients(db, now, {
        ...appDocuments,
        claimLookup: (userId) => throttle.claimAppLookup(userId),
      }),
      grants: new OAuthGrants(db, now, {
        access: tokenAccess,
        refreshTokens: createRefreshTokens(config.refreshTokenKeys, 'app-refresh-token'),
        assertions: new ClientAssertions({
          ...appDocuments,
          now,
          audience: [config.publicUrl, tokenEndpointOf(config.publicUrl)],
        }),
        quota: config.quotas.apiTokens,
      }),
      claimRegistration: (clientIp: string) => throttle.claimAppRegistration(clientIp),
    },
    approvals,
    permit,
    apiTokens: new TokenRepository(db, now, { access: tokenAccess, quota: config.quotas.apiTokens, notify }),
    usage: new UsageRepository(db.read, config),
    claimRequest: (userId: string, of: RateClass) => rates.claim(userId, of),
    authenticateToken: (token: string) => tokenAccess.authenticate(token),
    purgeAccount: (userId: string) => {
      tokenAccess.forgetUser(userId)
      const keepsTrail = config.auditRetentionDays > 0
      defer(purgeDeletedAccounts(db, { userId, maxStatements: purgeStatements, keepsTrail }))
    },
    credentials,
    credentialHealth,
    credentialPusher: new CredentialPusher(db, {
      credentials,
      connections,
      loadCatalogue,
      remoteCredentials: deployer.remoteCredentials,
      permit,
    }),
    credentialReplacer: new CredentialReplacer(db, now, { credentials, deployer, permit }),
    workflows,
    checks: new WorkflowChecks(db),
    /** Undefined unless checks without an account are allowed. */
    claimAnonymousCheck:
      config.anonymousChecksPerMinute === 0
        ? undefined
        : (clientIp: string) => throttle.claimAnonymousCheck(clientIp, config.anonymousChecksPerMinute),
    edits: new WorkflowEdits(workflows),
    requirements,
    readiness: new WorkflowReadiness(db, {
      requirements,
      connections,
      loadCatalogue,
      releases: deployer.releases,
      settledSlots: deployer.settledSlots,
    }),
    environments: new EnvironmentRepository(db, now),
    instances,
    connections,
    reporter,
    otel: new OtelExport(db, now, config),
    defer,
    deployments,
    deployer,
    settingsRestorer: deployer.settingsRestorer,
    releaseRunner,
    releasing: new Releasing({
      repository: new ReleaseRepository(db, now),
      runner: releaseRunner,
      defer,
      onFailure: (releaseId, error) =>
        log('error', 'release-stopped', { releaseId, errorName: errorNameOf(error) }),
    }),
    testRepository,
    testRuns: new TestRuns(now, {
      releases,
      executions: new ExecutionRepository(db.read, now),
      runValues,
      repository: testRepository,
      runner: new TestRunner(now, { ...testing, repository: testRepository }),
      loadCatalogue,
    }),
    drift: new DeploymentDrift(db, now, {
      connections,
      workflows,
      loadCatalogue,
      deploy: (userId, id, change) => deployer.deploy(userId, id, change),
    }),
    remoteWorkflows: new RemoteWorkflows(db, now, {
      connections,
      workflows,
      deployments,
      loadCatalogue,
      quotas: config.quotas,
    }),
    executions: new ExecutionRepository(db.read, now),
    exporting,
    /** Polls an instance for executions now. */
    poll: (userId: string, instanceId: string) =>
      pollNow({ db, connections, values: runValues, now, log, onFailed }, userId, instanceId),
    runValues,
    deadLetters,
    incidents: new IncidentRepository(db.read),
    reports,
    queuedReports:
      runtime.reportQueue && queueReports({ queue: runtime.reportQueue, receiver: reports, now, log }),
    /** Records the reports of queued messages and acknowledges them. */
    storeQueued: (messages: readonly QueuedMessage[]) =>
      storeQueued({ receiver: reports, instances, log }, messages),
    traces: new TraceReceiver(new SpanRepository(db, now), reports, now),
    onFailed,
    /** Replays the dead letters that arrived before their deployment existed. */
    replayResults: async (userId: string, { id, instanceId, n8nWorkflowId }: Deployment) => {
      try {
        if (n8nWorkflowId !== null) await deadLetters.replayMatching(userId, instanceId, n8nWorkflowId)
      } catch (error) {
        log('error', 'replay-failed', { deploymentId: id, errorName: errorNameOf(error) })
      }
    },
    analytics: new AnalyticsRepository(read, now, loadCatalogue),
    modelPrices: new ModelPriceRepository(db),
    errorStates: new ErrorGroupStates(db, now),
    alerts: new AlertRepository(db, now, secretBox, {
      ...sending,
      quotas: config.quotas,
      keysVerified: keyCheck.verified,
    }),
    /** Sends queued alerts. */
    deliverAlerts,
    /** Sends a few queued alerts after the response. */
    deliverAlertsSoon: () => {
      const delivery = deliverAlerts({ limit: 4 }).catch((error: unknown) => {
        log('error', 'alert-delivery-failed', { errorName: errorNameOf(error) })
      })
      defer(delivery)
    },
    auditEvents,
    accountExport: {
      ...exporting,
      db: db.read,
      auditEvents,
      executionsOf: (userId: string) => allExecutions(exporting.executions, userId),
    },
    readAsset: runtime.readAsset,
    /** Rejects when the server cannot serve requests. */
    ready: async () => {
      await requireSchema(db.read)
      await loadRings([config.accessTokenKeys, config.refreshTokenKeys, config.passwordPeppers])
      await keyCheck.ready()
    },
  }
}
