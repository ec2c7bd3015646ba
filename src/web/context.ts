/** @module The parts of the application that pages use, and the variables of a request. */
import type { Deps } from '../deps.ts'
import type { AuthEnv } from '../http/auth.ts'
import type { NavCounts } from '../overview/nav-counts.ts'
import type { User } from '../users/contract.ts'
import type { Viewer } from './viewer.ts'

/** What the composition root provides. A page names the parts it needs with `Pick`. */
export type DashboardDeps = Pick<
  Deps,
  | 'config'
  | 'db'
  | 'now'
  | 'log'
  | 'defer'
  | 'fingerprint'
  | 'dashboardTokens'
  | 'sessions'
  | 'signIn'
  | 'credentials'
  | 'credentialHealth'
  | 'credentialPusher'
  | 'credentialReplacer'
  | 'workflows'
  | 'requirements'
  | 'instances'
  | 'connections'
  | 'reporter'
  | 'giveBack'
  | 'deployments'
  | 'deployer'
  | 'drift'
  | 'remoteWorkflows'
  | 'executions'
  | 'exporting'
  | 'deadLetters'
  | 'poll'
  | 'replayResults'
  | 'analytics'
  | 'auditEvents'
>

/** The context of a page behind the sign-in. */
export interface DashboardEnv extends AuthEnv {
  Variables: AuthEnv['Variables'] & {
    user: User
    viewer: Viewer
    /** Asked for when the request came, so that it costs a page no time. */
    navCounts: Promise<NavCounts | null>
  }
}
