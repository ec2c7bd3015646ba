/**
 * @module Whether credentials work: asked of an n8n that has them, and learnt from runs that were refused. What is
 * kept of it is a state, a time and a reason without any value of the data.
 */
import { and, desc, eq, isNotNull, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { deployments, remoteCredentials, type SlotBinding } from '../db/schema/deployments.ts'
import { AppError, invalid } from '../errors.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import type { CredentialTestResult } from './contract.ts'
import { bindingsOfVersion, credentialsOf } from './node-credentials.ts'
import type { CredentialRepository, OpenCredential } from './repository.ts'

export interface HealthOptions {
  credentials: CredentialRepository
  loadCatalogue: () => Promise<Catalogue>
  /** The digest of what a deployment sends, as `remote_credentials.fingerprint` holds it. */
  fingerprint: (credential: OpenCredential) => Promise<string>
  /**
   * n8n's own test of a credential that it has. Null when the user has no such instance.
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
  /** What the service answered, where n8n tells it. */
  httpStatus: number | null
  failedAt: Date
}

interface RefusedRun extends FailedRun {
  node: string
  status: number
}

const refusals: ReadonlySet<number> = new Set([401, 403])
/** How n8n and the libraries of its nodes put a 401 or 403 into words. */
const refusalMessages: [RegExp, number][] = [
  [/^authorization failed\b|\bstatus code 401\b|^401\b|\b401 unauthorized\b/i, 401],
  [/^forbidden\b|\bstatus code 403\b|^403\b|\b403 forbidden\b/i, 403],
]
/** What n8n says of a type that it has no test for. */
const untestable = /no testing function/i
const maximumNodeChars = 120
/** Of one delivery; different nodes that are refused in one are few. */
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
   * Tests a credential with an n8n that has it, and keeps the result. Null when the user has no such credential.
   * @param instanceId default: the instance that it was sent to last
   * @throws {AppError} `invalid` for an instance that is not the user's, `conflict` when no n8n has the credential as
   * it is now, `instance-*`, `credential-undecryptable`, `key-unavailable`
   */
  async test(userId: string, id: string, instanceId?: string): Promise<CredentialTestResult | null> {
    const { credentials, test, fingerprint } = this.#options
    const opened = await credentials.open(userId, id)
    if (!opened) return null
    const [remote] = await this.#db
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
    if (!remote) throw notThere('No n8n has the credential')
    if (remote.fingerprint !== (await fingerprint(opened))) {
      throw notThere('n8n has the credential as it was before you changed it')
    }
    const result = await test(userId, remote.instanceId, remote.n8nCredentialId)
    if (!result) throw invalid('/instanceId', 'No such instance')
    if (!result.ok && untestable.test(result.message)) {
      return {
        status: 'untested',
        message: 'n8n has no test for credentials of this type',
        testedAt: this.#now().toISOString(),
        instanceId: remote.instanceId,
      }
    }
    const credential = await credentials.recordValidation(
      userId,
      opened,
      result.ok ? { status: 'valid' } : { status: 'invalid', error: result.message },
    )
    if (!credential) throw new AppError('conflict', 'The credential was changed meanwhile; test it again')
    return {
      status: credential.status,
      message: credential.validationError ?? 'n8n signed in with it',
      testedAt: credential.lastValidatedAt ?? this.#now().toISOString(),
      instanceId: remote.instanceId,
    }
  }

  /**
   * Marks the credentials with which a service answered 401 or 403. Not when they were changed, sent again or found
   * valid since, nor when the node uses several, of which any may be the one. Safe to repeat.
   * @returns the ids of those marked
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

  /** The credential of ours that the node is bound to; null when there is none, or more than one. */
  async #usedBy(run: RefusedRun): Promise<string | null> {
    const { rows } = await this.#db.execute<{ bindings: SlotBinding[]; node: Record<string, unknown> }>(sql`
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
    const [remote] = await this.#db
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
    const isNews =
      known?.lastValidatedAt === null || (known && new Date(known.lastValidatedAt) < run.failedAt)
    if (!known || !isNews || known.status === 'invalid') return false
    const opened = await credentials.open(run.userId, credentialId)
    if (!opened || (await fingerprint(opened)) !== remote.fingerprint) return false
    const error = `The service answered ${run.status} to the node ${shortened(run.node)} in a run`
    return (await credentials.recordValidation(run.userId, opened, { status: 'invalid', error })) !== null
  }
}

/** The status, by which n8n's words are not needed; else by those. */
function refusedWith({ httpStatus, message }: FailedRun): number | null {
  if (httpStatus !== null) return refusals.has(httpStatus) ? httpStatus : null
  return refusalMessages.find(([pattern]) => pattern.test(message))?.[1] ?? null
}

const shortened = (name: string): string =>
  name.length <= maximumNodeChars ? `“${name}”` : `“${name.slice(0, maximumNodeChars)}…”`

const notThere = (what: string) =>
  new AppError('conflict', `${what}: deploy a workflow that uses it first, then test it`)
