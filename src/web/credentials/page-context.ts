import type { DashboardDeps } from '../context.ts'

export type CredentialPageDeps = Pick<
  DashboardDeps,
  | 'credentials'
  | 'credentialHealth'
  | 'credentialPusher'
  | 'credentialReplacer'
  | 'requirements'
  | 'analytics'
  | 'fingerprint'
  | 'db'
  | 'now'
>
