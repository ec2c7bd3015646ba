/** @module Sets up the error reporter and OpenTelemetry in n8n and renews their tokens. */
import { requireEnvironment } from '../http/scopes.ts'
import { N8nError } from '../n8n/api/transport.ts'
import { type Connection, type InstanceConnections, toAppError } from './connections.ts'
import type { OtelRemoval, OtelSetup, Reporter } from './contract.ts'
import type { OtelExport } from './otel.ts'
import type { ErrorReporter } from './reporter.ts'

interface ReporterAccess {
  connections: InstanceConnections
  reporter: ErrorReporter
}

interface OtelAccess {
  connections: InstanceConnections
  otel: OtelExport
}

async function openToChange(
  connections: InstanceConnections,
  userId: string,
  id: string,
): Promise<Connection | null> {
  const connection = await connections.open(userId, id)
  if (connection) requireEnvironment(connection.instance.isProduction)
  return connection
}

/**
 * Null when the user has no such instance.
 * @throws {AppError} as `InstanceConnections.open`, `insufficient-scope`, and `instance-*`
 */
export async function setUpReporter(
  { connections, reporter }: ReporterAccess,
  userId: string,
  id: string,
): Promise<Reporter | null> {
  const connection = await openToChange(connections, userId, id)
  if (!connection) return null
  try {
    return await reporter.ensureReporter(connection)
  } catch (error) {
    throw error instanceof N8nError ? toAppError(error) : error
  }
}

/** Null when the user has no such instance. @throws {AppError} `insufficient-scope`, and as `InstanceConnections.open` and `OtelExport.setUp` */
export async function setUpOtel(
  { connections, otel }: OtelAccess,
  userId: string,
  id: string,
  options: { replace?: boolean | undefined },
): Promise<OtelSetup | null> {
  const connection = await openToChange(connections, userId, id)
  return connection && otel.setUp(connection, { replace: options.replace ?? false })
}

/** Null when the user has no such instance. @throws {AppError} `insufficient-scope`, and as `InstanceConnections.open` and `OtelExport.remove` */
export async function removeOtel(
  { connections, otel }: OtelAccess,
  userId: string,
  id: string,
): Promise<OtelRemoval | null> {
  const connection = await openToChange(connections, userId, id)
  return connection && otel.remove(connection)
}

export interface RenewedTokens {
  reporter: Renewal
  otel: Renewal
}
type Renewal = 'none' | 'updated' | 'pending'

/**
 * Renews the tokens of the reporter and of OpenTelemetry after a webhook token was rotated. Never throws, because the new
 * webhook token is shown only once and the earlier tokens work for another 24 hours.
 */
export async function renewTokens(
  { connections, reporter, otel }: ReporterAccess & OtelAccess,
  userId: string,
  id: string,
): Promise<RenewedTokens> {
  const connection = await connections.open(userId, id).catch(() => undefined)
  if (connection === undefined) return { reporter: 'pending', otel: 'pending' }
  if (connection === null) return { reporter: 'none', otel: 'none' }
  const { reporterCredentialId, otelTokenId } = connection.instance
  const renew = async (isSetUp: boolean, work: () => Promise<unknown>): Promise<Renewal> => {
    if (!isSetUp) return 'none'
    return work().then(
      () => 'updated',
      () => 'pending',
    )
  }
  // One after the other, because both need the lease of the instance.
  return {
    reporter: await renew(reporterCredentialId !== null, () => reporter.ensureReporter(connection)),
    otel: await renew(otelTokenId !== null, () => otel.setUp(connection)),
  }
}
