/** @module Asks n8n for one execution. What it does not give of one says nothing of the others. */
import type { N8nClient } from '../n8n/api-client.ts'
import type { N8nExecution } from '../n8n/api-shapes.ts'
import { N8nError, type N8nErrorKind } from '../n8n/api-transport.ts'

/**
 * `not-found`: n8n does not have it, or does not show it to the key. `refused`: n8n does not take the id, nor will it
 * another time. `unreadable`: not this time.
 */
export type Missing = 'not-found' | 'refused' | 'too-large' | 'unreadable' | 'forbidden'

const missingBy: Partial<Record<N8nErrorKind, Missing>> = {
  'not-found': 'not-found',
  'too-large': 'too-large',
  forbidden: 'forbidden',
  rejected: 'refused',
  conflict: 'refused',
  redirected: 'refused',
  // n8n has just answered the lists: what it cannot give now is this execution.
  'server-error': 'unreadable',
  timeout: 'unreadable',
  'not-n8n': 'unreadable',
}

/** @throws {N8nError} what stands for n8n as a whole: it is unavailable, rejects the key, or asks to wait */
export async function askFor(
  client: Pick<N8nClient, 'getExecution'>,
  id: string,
  options: { includeData?: boolean } = {},
): Promise<N8nExecution | Missing> {
  try {
    return await client.getExecution(id, options)
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    const missing = missingBy[error.kind]
    if (!missing) throw error
    return missing
  }
}
