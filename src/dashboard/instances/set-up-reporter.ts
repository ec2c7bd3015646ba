/** @module The error reporter in n8n, set up or given a new token. */
import { AppError } from '../../errors.ts'
import { toAppError } from '../../instances/connections.ts'
import { N8nError } from '../../n8n/api-transport.ts'
import type { DashboardDeps } from '../env.ts'

type ReporterDeps = Pick<DashboardDeps, 'connections' | 'reporter'>

/** @throws {AppError} `not-found`, and whatever n8n fails with */
export async function setUpReporter(
  { connections, reporter }: ReporterDeps,
  userId: string,
  id: string,
): Promise<void> {
  const connection = await connections.open(userId, id)
  if (!connection) throw new AppError('not-found', 'No such instance')
  try {
    await reporter.ensureReporter(connection)
  } catch (error) {
    throw error instanceof N8nError ? toAppError(error) : error
  }
}

/** After a webhook token was rotated: that is done and shown, whatever becomes of the reporter. */
export async function renewReporter(
  { connections, reporter }: ReporterDeps,
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
