/** @module Fetches one execution from n8n. A failure for one execution does not affect the others. */
import type { N8nClient } from '../../n8n/api/client.ts'
import type { N8nExecution } from '../../n8n/api/shapes.ts'
import { N8nError, type N8nErrorKind } from '../../n8n/api/transport.ts'

/**
 * `not-found`: n8n does not have the execution, or hides it from the key. `refused`: n8n rejects the ID permanently.
 * `unreadable`: a temporary failure.
 */
export type Unavailable = 'not-found' | 'refused' | 'too-large' | 'unreadable' | 'forbidden'

const unavailableBy: Partial<Record<N8nErrorKind, Unavailable>> = {
  'not-found': 'not-found',
  'too-large': 'too-large',
  forbidden: 'forbidden',
  rejected: 'refused',
  conflict: 'refused',
  redirected: 'refused',
  // n8n just returned the lists, so the failure concerns this execution only.
  'server-error': 'unreadable',
  timeout: 'unreadable',
  'not-n8n': 'unreadable',
}

/** @throws {N8nError} when n8n as a whole is unavailable, rejects the key or limits the rate */
export async function fetchExecution(
  client: Pick<N8nClient, 'getExecution'>,
  id: string,
  options: { includeData?: boolean } = {},
): Promise<N8nExecution | Unavailable> {
  try {
    return await client.getExecution(id, options)
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    const reason = unavailableBy[error.kind]
    if (!reason) throw error
    return reason
  }
}
