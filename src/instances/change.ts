/** @module Updates, tests and deletions of an instance that call its n8n server. */
import type { Change, Permit } from '../approvals/approvals.ts'
import { affecting } from '../approvals/deletion.ts'
import { invalid } from '../errors.ts'
import { testConnection } from './connection-test.ts'
import type { Connection, InstanceConnections } from './connections.ts'
import { isExactVersion } from '../n8n/api/version.ts'
import type { Instance, InstanceChange, InstanceTest } from './contract.ts'
import type { OtelExport } from './otel.ts'
import type { ErrorReporter } from './reporter.ts'
import type { InstanceRepository } from './repository.ts'

export interface InstanceAccess {
  instances: InstanceRepository
  connections: InstanceConnections
  now: () => Date
}

/** A version that the user has set applies where n8n does not state its own. */
function withVersion(tested: InstanceTest, n8nVersion: string | null): InstanceTest {
  const isUnknown = tested.n8nVersion !== null && !isExactVersion(tested.n8nVersion)
  return isUnknown && isExactVersion(n8nVersion) ? { ...tested, n8nVersion } : tested
}

/** Null when the user has no such instance. @throws {AppError} as `InstanceConnections.open` */
export async function testInstance(
  { instances, connections, now }: InstanceAccess,
  userId: string,
  id: string,
): Promise<InstanceTest | null> {
  const connection = await connections.open(userId, id)
  if (!connection) return null
  const found = await testConnection(connection.client, now)
  const tested = withVersion(found, connection.instance.n8nVersion)
  await instances.recordTest(userId, id, connection.instance.version, tested)
  return tested
}

/**
 * Tests a new API key before it replaces the old one. A key that n8n rejects changes nothing. If n8n is unreachable,
 * the key is stored untested.
 * @param expected the version that the change is based on; null for any version
 * @throws {AppError} `invalid` at `/apiKey`, and as `InstanceRepository.update`
 */
export async function changeInstance(
  { instances, connections, now }: InstanceAccess,
  userId: string,
  id: string,
  change: InstanceChange,
  expected: number | null,
): Promise<Instance | null> {
  if (change.apiKey === undefined) return instances.update(userId, id, change, expected)
  const stored = await instances.find(userId, id)
  if (!stored) return null
  const client = connections.clientFor(change.baseUrl ?? stored.baseUrl, change.apiKey)
  const found = await testConnection(client, now)
  const isSameServer = change.baseUrl === undefined || change.baseUrl === stored.baseUrl
  const known = change.n8nVersion !== undefined ? change.n8nVersion : isSameServer ? stored.n8nVersion : null
  const tested = withVersion(found, known)
  if (tested.status === 'refused')
    throw invalid('/apiKey', `${tested.detail}. The stored key was not changed`)
  return instances.update(userId, id, change, expected, tested)
}

export interface RemovalAccess extends InstanceAccess {
  reporter: Pick<ErrorReporter, 'removeReporter'>
  otel: Pick<OtelExport, 'removeFromDeleted'>
  /** Reads the deployments of the instance. Its result restores the original settings in n8n after the removal. */
  settingsRestorer: {
    onInstance: (userId: string, id: string) => Promise<(connection: Connection) => Promise<void>>
  }
  defer: (work: Promise<unknown>) => void
  permit: Permit
}

/**
 * Removes an instance and, when n8n is reachable, everything Flowkeep set up there.
 * @returns false when the user has no such instance
 * @throws {AppError} as `InstanceRepository.delete` and `Approvals.permit`
 */
export async function removeInstance(
  access: RemovalAccess,
  userId: string,
  id: string,
  { force }: { force: boolean },
): Promise<boolean> {
  const change: Change = {
    kind: 'delete-instance',
    subjectId: id,
    request: { force },
    subject: async () => {
      const found = await access.instances.findDeletable(userId, id, force)
      if (!found) return null
      const { name, isProduction } = found
      return { ...affecting(found), instance: { name, isProduction } }
    },
  }
  const removal = () => remove(access, userId, id, { force })
  return (await access.permit(userId, change, removal)) ?? false
}

async function remove(
  { instances, connections, reporter, otel, settingsRestorer, defer }: RemovalAccess,
  userId: string,
  id: string,
  options: { force: boolean },
): Promise<boolean> {
  await instances.requireChange(userId, id)
  // An API key that cannot be decrypted does not prevent the removal.
  const connection = await connections.open(userId, id).catch(() => null)
  const restore = connection && (await settingsRestorer.onInstance(userId, id))
  if (!(await instances.delete(userId, id, options))) return false
  if (connection) {
    await restore?.(connection)
    defer(reporter.removeReporter(connection))
    defer(otel.removeFromDeleted(connection))
  }
  return true
}
