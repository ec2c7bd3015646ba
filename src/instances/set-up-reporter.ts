/** @module The error reporter in n8n, set up or given a new token. */
import { N8nError } from '../n8n/api-transport.ts'
import { type InstanceConnections, toAppError } from './connections.ts'
import type { Reporter } from './contract.ts'
import type { ErrorReporter } from './reporter.ts'

interface ReporterAccess {
  connections: InstanceConnections
  reporter: ErrorReporter
}

/**
 * Null when the user has no such instance.
 * @throws {AppError} as `InstanceConnections.open`, and whatever n8n fails with
 */
export async function setUpReporter(
  { connections, reporter }: ReporterAccess,
  userId: string,
  id: string,
): Promise<Reporter | null> {
  const connection = await connections.open(userId, id)
  if (!connection) return null
  try {
    return await reporter.ensureReporter(connection)
  } catch (error) {
    throw error instanceof N8nError ? toAppError(error) : error
  }
}

/**
 * After a webhook token was rotated: that is done and shown this once, whatever becomes of the reporter, whose earlier
 * token works for another 24 hours.
 */
export async function renewReporter(
  { connections, reporter }: ReporterAccess,
  userId: string,
  id: string,
): Promise<'none' | 'updated' | 'pending'> {
  try {
    const connection = await connections.open(userId, id)
    if (!connection || connection.instance.reporterCredentialId === null) return 'none'
    await reporter.ensureReporter(connection)
    return 'updated'
  } catch {
    return 'pending'
  }
}
