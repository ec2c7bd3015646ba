import type { DashboardDeps } from '../env.ts'

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
