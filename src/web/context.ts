/** @module What every page is given: the application's parts, and what is known of the request. */
import type { AnalyticsRepository } from '../analytics/repository.ts'
import type { CredentialHealth } from '../credentials/health.ts'
import type { CredentialRepository } from '../credentials/repository.ts'
import type { AccessTokens } from '../crypto/access-token.ts'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { Db } from '../db/client.ts'
import type { Deployment } from '../deployments/contract.ts'
import type { CredentialPusher } from '../deployments/credential-push.ts'
import type { CredentialReplacer } from '../deployments/credential-replacement.ts'
import type { Deployer } from '../deployments/deployer.ts'
import type { DeploymentDrift } from '../deployments/drift.ts'
import type { RemoteWorkflows } from '../deployments/import-remote.ts'
import type { DeploymentRepository } from '../deployments/repository.ts'
import type { PollAnswer } from '../executions/contract.ts'
import type { DeadLetterRepository } from '../executions/dead-letters.ts'
import type { ExecutionRepository } from '../executions/repository.ts'
import type { AuthEnv } from '../http/auth.ts'
import type { Log } from '../http/log.ts'
import type { InstanceConnections } from '../instances/connections.ts'
import type { GiveBack } from '../deployments/give-back.ts'
import type { ErrorReporter } from '../instances/reporter.ts'
import type { InstanceRepository } from '../instances/repository.ts'
import type { AuditEventRepository } from '../users/audit-events.ts'
import type { User } from '../users/contract.ts'
import type { SessionRepository } from '../users/session-repository.ts'
import type { SignIn } from '../users/sign-in.ts'
import type { WorkflowRepository } from '../workflows/repository.ts'
import type { CredentialRequirements } from '../workflows/requirements.ts'
import type { NavCounts } from './nav-counts.ts'
import type { Viewer } from './viewer.ts'

/** What the composition root hands over. Pages name what they need of it with `Pick`. */
export interface DashboardDeps {
  config: { publicUrl: string; executionRetention: { dataDays: number } }
  db: Db
  now: () => Date
  log: Log
  defer: (work: Promise<unknown>) => void
  fingerprint: Fingerprint
  /** Of the session cookie; never good for the JSON API. */
  dashboardTokens: AccessTokens
  sessions: SessionRepository
  signIn: SignIn
  credentials: CredentialRepository
  credentialHealth: CredentialHealth
  credentialPusher: CredentialPusher
  credentialReplacer: CredentialReplacer
  workflows: WorkflowRepository
  requirements: CredentialRequirements
  instances: InstanceRepository
  connections: InstanceConnections
  reporter: ErrorReporter
  giveBack: GiveBack
  deployments: DeploymentRepository
  deployer: Deployer
  drift: DeploymentDrift
  remoteWorkflows: RemoteWorkflows
  executions: ExecutionRepository
  /** What is downloaded as a whole: as in the composition root. */
  exporting: { executions: Pick<ExecutionRepository, 'list'>; onFailure: (error: unknown) => void }
  deadLetters: DeadLetterRepository
  poll: (userId: string, instanceId: string) => Promise<PollAnswer | null>
  replayResults: (userId: string, deployment: Deployment) => Promise<void>
  analytics: AnalyticsRepository
  auditEvents: AuditEventRepository
}

/** The context of a page behind the sign-in. */
export interface DashboardEnv extends AuthEnv {
  Variables: AuthEnv['Variables'] & {
    user: User
    viewer: Viewer
    /** Asked for when the request came, so that it costs a page no time. */
    navCounts: Promise<NavCounts | null>
  }
}
