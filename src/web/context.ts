/** @module The services that pages use, and the variables of a request. */
import type { Reader } from '../db/client.ts'
import type { Deps } from '../deps.ts'
import type { AuthEnv } from '../http/auth.ts'
import type { NavCounts } from '../overview/nav-counts.ts'
import type { User } from '../users/contract.ts'
import type { RestoredForm } from './components/form-context.ts'
import type { Viewer } from './viewer.ts'

/** Provided by the composition root. Pages select what they need with `Pick`. */
export type DashboardDeps = Pick<
  Deps,
  | 'config'
  | 'now'
  | 'log'
  | 'defer'
  | 'fingerprint'
  | 'claimRequest'
  | 'networkLimit'
  | 'usage'
  | 'dashboardTokens'
  | 'secretBox'
  | 'apiTokens'
  | 'oauth'
  | 'approvals'
  | 'permit'
  | 'users'
  | 'purgeAccount'
  | 'recovery'
  | 'sessions'
  | 'signIn'
  | 'factors'
  | 'factorRepository'
  | 'credentials'
  | 'credentialHealth'
  | 'credentialPusher'
  | 'credentialReplacer'
  | 'workflows'
  | 'checks'
  | 'requirements'
  | 'environments'
  | 'instances'
  | 'connections'
  | 'reporter'
  | 'otel'
  | 'settingsRestorer'
  | 'deployments'
  | 'deployer'
  | 'releasing'
  | 'drift'
  | 'remoteWorkflows'
  | 'testRuns'
  | 'testRepository'
  | 'executions'
  | 'runValues'
  | 'exporting'
  | 'accountExport'
  | 'deadLetters'
  | 'poll'
  | 'replayResults'
  | 'analytics'
  | 'errorStates'
  | 'modelPrices'
  | 'alerts'
  | 'deliverAlertsSoon'
  | 'auditEvents'
  | 'readAsset'
> & { db: Reader }

/** The context of a page that requires a session. */
export interface DashboardEnv extends AuthEnv {
  Variables: AuthEnv['Variables'] & {
    user: User
    viewer: Viewer
    /** The form that the user submitted before signing in again. */
    restored?: RestoredForm | undefined
    /** Read in parallel with the page's own data. */
    navCounts: Promise<NavCounts | null>
  }
}
