/**
 * @module The health of credentials: tested through n8n, or learned from runs that a service rejected. Stores a
 * status, a time and a reason with every credential value redacted.
 */
import { and, desc, eq, isNotNull, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { deployments, remoteCredentials, type SlotBinding } from '../db/schema/deployments.ts'
import { AppError, invalid } from '../errors.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import type { CredentialTestResult } from './contract.ts'
import { bindingsOfVersion, credentialsOf } from './node-credentials.ts'
import type { CredentialRepository, OpenCredential } from './repository.ts'

export interface HealthOptions {
  credentials: CredentialRepository
  loadCatalogue: () => Promise<Catalogue>
  /** The digest of the data a deployment sends, comparable to `remote_credentials.fingerprint`. */
  fingerprint: (credential: OpenCredential) => Promise<string>
  /**
   * Runs n8n's own test of a credential on the instance. Null when the user has no such instance.
   * @throws {AppError}
   */
  test: (
    userId: string,
    instanceId: string,
    n8nCredentialId: string,
  ) => Promise<{ ok: boolean; message: string } | null>
}

/** A run that ended in an error. */
export interface FailedRun {
  userId: string
  deploymentId: string
  workflowVersion: number
  /** The node that failed, by name. */
  node: string | null
  message: string
  /** The HTTP status of the service; null when n8n does not report it. */
  httpStatus: number | null
  failedAt: Date
}

interface RefusedRun extends FailedRun {
  node: string
  status: number
}

const refusals: ReadonlySet<number> = new Set([401, 403])
/** How n8n and the HTTP libraries of its nodes describe a 401 or 403. */
const refusalMessages: [RegExp, number][] = [
  [/^authorization failed\b|\bstatus code 401\b|^401\b|\b401 unauthorized\b/i, 401],
  [/^forbidden\b|\bstatus code 403\b|^403\b|\b403 forbidden\b/i, 403],
]
/** n8n's message for a type that has no test. */
const untestable = /no testing function/i
const maximumNodeChars = 120
/** Per delivery. Rarely do more than a few nodes of one delivery fail to authenticate. */
const maximumRuns = 25

export class CredentialHealth {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: HealthOptions

  constructor(db: Db, now: () => Date, options: HealthOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /**
   * Tests a credential on an n8n instance that has it and stores the result. Null when the user has no such credential.
   * @param instanceId default: the instance the credential was last sent to
   * @throws {AppError} `invalid` for another user's instance, `conflict` when no instance has the current value,
   * `instance-*`, `credential-undecryptable`, `key-unavailable`
   */
  async test(userId: string, id: string, instanceId?: string): Promise<CredentialTestResult | null> {
    const { credentials, test, fingerprint } = this.#options
    const opened = await credentials.open(userId, id)
    if (!opened) return null
    const [remote] = await this.#db.read
      .select()
      .from(remoteCredentials)
      .where(
        and(
          eq(remoteCredentials.userId, userId),
          eq(remoteCredentials.credentialId, id),
          isNotNull(remoteCredentials.fingerprint),
          instanceId === undefined ? undefined : eq(remoteCredentials.instanceId, instanceId),
        ),
      )
      .orderBy(sql`${remoteCredentials.pushedAt} desc nulls last`, desc(remoteCredentials.instanceId))
      .limit(1)
    if (!remote) throw notOnInstance('No n8n instance has this credential')
    if (remote.fingerprint !== (await fingerprint(opened))) {
      throw notOnInstance('n8n has an older version of this credential')
    }
    const result = await test(userId, remote.instanceId, remote.n8nCredentialId)
    if (!result) throw invalid('/instanceId', 'Instance not found')
    if (!result.ok && untestable.test(result.message)) {
      return {
        status: 'untested',
        message: 'n8n cannot test credentials of this type',
        testedAt: this.#now().toISOString(),
        instanceId: remote.instanceId,
      }
    }
    const credential = await credentials.recordValidation(
      userId,
      opened,
      result.ok ? { status: 'valid' } : { status: 'invalid', error: result.message },
    )
    if (!credential) throw new AppError('conflict', 'The credential changed during the test. Test it again')
    return {
      status: credential.status,
      message: credential.validationError ?? 'n8n signed in with this credential',
      testedAt: credential.lastValidatedAt ?? this.#now().toISOString(),
      instanceId: remote.instanceId,
    }
  }

  /**
   * Marks credentials as invalid when a service answered 401 or 403. Skips a credential that was changed, sent again
   * or found valid after the run, and nodes that use several credentials, because any of them may be at fault.
   * Idempotent.
   * @returns the IDs of the marked credentials
   */
  async markRefused(runs: FailedRun[]): Promise<string[]> {
    const refused = new Map<string, RefusedRun>()
    for (const run of runs.toSorted((a, b) => a.failedAt.getTime() - b.failedAt.getTime())) {
      const status = refusedWith(run)
      if (status === null || run.node === null) continue
      const { deploymentId, workflowVersion, node } = run
      refused.set(JSON.stringify([deploymentId, workflowVersion, node]), { ...run, node, status })
    }
    const marked: string[] = []
    for (const run of [...refused.values()].slice(-maximumRuns)) {
      const credentialId = await this.#usedBy(run)
      if (credentialId !== null && (await this.#mark(run, credentialId))) marked.push(credentialId)
    }
    return marked
  }

  /** The stored credential that the node is bound to; null when there is none, or more than one. */
  async #usedBy(run: RefusedRun): Promise<string | null> {
    const { rows } = await this.#db.read.execute<{
      bindings: SlotBinding[]
      node: Record<string, unknown>
    }>(sql`
      select ${bindingsOfVersion(run.workflowVersion)} as bindings, node
      from deployments d
      join workflow_versions v on v.user_id = d.user_id and v.workflow_id = d.workflow_id
        and v.version = ${run.workflowVersion}
      cross join lateral jsonb_path_query_first(v.workflow_data, '$.nodes[*] ? (@.name == $name)',
        jsonb_build_object('name', ${run.node}::text)) node
      where d.user_id = ${run.userId} and d.id = ${run.deploymentId} and node is not null`)
    const [row] = rows
    if (!row) return null
    const used = credentialsOf(run.node, row.node, row.bindings, await this.#options.loadCatalogue())
    const [only, another] = used
    return only && !another && 'credentialId' in only ? only.credentialId : null
  }

  async #mark(run: RefusedRun, credentialId: string): Promise<boolean> {
    const { credentials, fingerprint } = this.#options
    const [remote] = await this.#db.read
      .select({ fingerprint: remoteCredentials.fingerprint, pushedAt: remoteCredentials.pushedAt })
      .from(remoteCredentials)
      .innerJoin(
        deployments,
        and(
          eq(deployments.userId, remoteCredentials.userId),
          eq(deployments.instanceId, remoteCredentials.instanceId),
        ),
      )
      .where(
        and(
          eq(remoteCredentials.userId, run.userId),
          eq(remoteCredentials.credentialId, credentialId),
          eq(deployments.id, run.deploymentId),
        ),
      )
    if (!remote?.fingerprint || (remote.pushedAt !== null && remote.pushedAt > run.failedAt)) return false
    const known = await credentials.find(run.userId, credentialId)
    const isNewer =
      known?.lastValidatedAt === null || (known && new Date(known.lastValidatedAt) < run.failedAt)
    if (!known || !isNewer || known.status === 'invalid') return false
    const opened = await credentials.open(run.userId, credentialId)
    if (!opened || (await fingerprint(opened)) !== remote.fingerprint) return false
    const error = `The service responded with ${run.status} to node ${shortened(run.node)}`
    return (await credentials.recordValidation(run.userId, opened, { status: 'invalid', error })) !== null
  }
}

/** Prefers the HTTP status; falls back to n8n's message when there is none. */
function refusedWith({ httpStatus, message }: FailedRun): number | null {
  if (httpStatus !== null) return refusals.has(httpStatus) ? httpStatus : null
  return refusalMessages.find(([pattern]) => pattern.test(message))?.[1] ?? null
}

const shortened = (name: string): string =>
  name.length <= maximumNodeChars ? `“${name}”` : `“${name.slice(0, maximumNodeChars)}…”`

const notOnInstance = (reason: string) =>
  new AppError('conflict', `${reason}. Deploy a workflow that uses it, then test again`)
