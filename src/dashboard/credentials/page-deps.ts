import type { DashboardDeps } from '../env.ts'

export type CredentialPageDeps = Pick<
  DashboardDeps,
  'credentials' | 'credentialHealth' | 'requirements' | 'analytics' | 'fingerprint' | 'db' | 'now'
>
