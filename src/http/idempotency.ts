import type { Context } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { CreationKey } from '../db/idempotent-create.ts'
import { invalid } from '../errors.ts'
import type { AuthEnv } from './auth.ts'

/**
 * The request's `Idempotency-Key` with its route and a keyed digest of the body; undefined without the header.
 * Call it after `valid('json', …)`.
 * @throws {AppError} `invalid` when the key is empty, longer than 255 characters or not printable ASCII
 */
export async function creationKey(
  c: Context<AuthEnv>,
  route: string,
  fingerprint: Fingerprint,
): Promise<CreationKey | undefined> {
  const key = c.req.header('Idempotency-Key')
  if (key === undefined) return undefined
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw invalid('Idempotency-Key', 'Idempotency-Key must be 1 to 255 printable ASCII characters')
  }
  return { key, route, bodyHash: await fingerprint('idempotency-body', c.var.bodyText) }
}
