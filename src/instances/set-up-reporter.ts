/** @module Sets up the error reporter in n8n and renews its token. */
import { N8nError } from '../n8n/api/transport.ts'
import { type InstanceConnections, toAppError } from './connections.ts'
import type { Reporter } from './contract.ts'
import type { ErrorReporter } from './reporter.ts'

interface ReporterAccess {
  connections: InstanceConnections
  reporter: ErrorReporter
}

/**
 * Null when the user has no such instance.
 * @throws {AppError} as `InstanceConnections.open`, and `instance-*`
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
 * Renews the reporter's token after a webhook token was rotated. Never throws, because the new webhook token is shown
 * only once and the reporter's earlier token works for another 24 hours.
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
