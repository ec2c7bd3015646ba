/** @module The key rings that stored secrets and passwords need, from the environment or the state folder. */
import { parseRing } from '../../config.ts'
import type { KeyRing } from '../../crypto/key-ring.ts'
import { loadKeys } from '../server/state.ts'

/** Invalid rings are absent, like missing ones. */
export function configuredRings(): Record<string, KeyRing | undefined> {
  const env = { ...process.env, ...loadKeys() }
  return Object.fromEntries(
    (['CREDENTIAL_KEYS', 'PASSWORD_PEPPERS'] as const).map((name) => [name, parseRing(name, env)]),
  )
}
