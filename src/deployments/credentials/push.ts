/** @module Finds instances with an outdated value of a credential, and pushes the current value without a deploy. */
import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Change, Permit } from '../../approvals/approvals.ts'
import type { PendingDeployment } from '../../credentials/contract.ts'
import type { CredentialRepository, OpenCredential } from '../../credentials/repository.ts'
import { actorColumns, actorValues } from '../../db/audit.ts'
import { isProduction } from '../../db/schema/instances.ts'
import type { Db } from '../../db/client.ts'
import { AppError, invalid } from '../../errors.ts'
import { requireEnvironment } from '../../http/scopes.ts'
import { type InstanceConnections, toAppError } from '../../instances/connections.ts'
import { consentUrl } from '../../instances/oauth-consent.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { CredentialPushResult } from './contract.ts'
import type { RemoteCredentials } from '../remote/credentials.ts'

const maximumDeployments = 500
/** How many instances are updated at the same time. */
const concurrency = 4

type Result = CredentialPushResult['results'][number]

interface Place extends Record<string, unknown> {
  instanceId: string
  instanceName: string
  isProduction: boolean
  n8nCredentialId: string | null
  fingerprint: string | null
}

export interface CredentialPusherOptions {
  credentials: Pick<CredentialRepository, 'open'>
  connections: Pick<InstanceConnections, 'open'>
  remoteCredentials: RemoteCredentials
  loadCatalogue: () => Promise<Catalogue>
  permit: Permit
}

/** Every method takes the owner first. */
export class CredentialPusher {
  readonly #db: Db
  readonly #options: CredentialPusherOptions

  constructor(db: Db, options: CredentialPusherOptions) {
    this.#db = db
    this.#options = options
  }

  /**
   * Deployments that run with an outdated value of the credential, newest first, at most 500.
   * @throws {AppError} `credential-undecryptable`, `key-unavailable`
   */
  async pending(userId: string, credentialId: string): Promise<PendingDeployment[]> {
    const { credentials, remoteCredentials } = this.#options
    const { rows } = await this.#db.read.execute<PendingDeployment & { fingerprint: string }>(sql`
      select d.id as "deploymentId", d.workflow_id as "workflowId", w.name as "workflowName",
        i.id as "instanceId", i.name as "instanceName", d.status,
        r.n8n_credential_id as "n8nCredentialId", r.fingerprint,
        to_char(r.pushed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "sentAt"
      from remote_credentials r
      join instances i on i.user_id = r.user_id and i.id = r.instance_id
      join deployments d on d.user_id = r.user_id and d.instance_id = r.instance_id and d.status <> 'undeployed'
        and d.bindings @> jsonb_build_array(jsonb_build_object('credentialId', r.credential_id::text))
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      where r.user_id = ${userId} and r.credential_id = ${credentialId} and r.fingerprint is not null
      order by d.id desc limit ${maximumDeployments}`)
    const opened = rows.length > 0 ? await credentials.open(userId, credentialId) : null
    if (!opened) return []
    const current = await remoteCredentials.fingerprintOf(opened)
    return rows.flatMap(({ fingerprint, ...deployment }) => (fingerprint === current ? [] : [deployment]))
  }

  /**
   * Updates the credential on every instance that has it, or creates or updates it on `instanceId`. Idempotent. Null
   * when the user has no such credential.
   * @throws {AppError} `invalid` for another user's instance, `credential-undecryptable`, `key-unavailable`; as
   * `Approvals.permit`
   */
  async push(
    userId: string,
    credentialId: string,
    instanceId?: string,
  ): Promise<CredentialPushResult | null> {
    const opened = await this.#options.credentials.open(userId, credentialId)
    if (!opened) return null
    const { rows: places } = await this.#db.read.execute<Place>(sql`
      select instances.id as "instanceId", instances.name as "instanceName", ${isProduction} as "isProduction", r.n8n_credential_id as "n8nCredentialId", r.fingerprint
      from instances
      left join remote_credentials r on r.user_id = instances.user_id and r.instance_id = instances.id
        and r.credential_id = ${credentialId}
      where instances.user_id = ${userId} and case when ${instanceId ?? null}::uuid is null
        then r.fingerprint is not null else instances.id = ${instanceId ?? null}::uuid end
      order by instances.id`)
    if (instanceId !== undefined && places.length === 0) throw invalid('/instanceId', 'Instance not found')
    const { name, version } = opened.credential
    const change: Change = {
      kind: 'push-credential',
      subjectId: credentialId,
      request: { ...(instanceId !== undefined && { instanceId }) },
      subject: async () => ({
        name,
        details: {
          version,
          instances: places.map((place) => ({ name: place.instanceName, isProduction: place.isProduction })),
        },
        scopes: places.some((place) => place.isProduction) ? ['deploy:production'] : [],
      }),
    }
    return this.#options.permit(userId, change, () => this.#pushAll(userId, credentialId, opened, places))
  }

  async #pushAll(
    userId: string,
    credentialId: string,
    opened: OpenCredential,
    places: readonly Place[],
  ): Promise<CredentialPushResult> {
    for (const place of places) requireEnvironment(place.isProduction)
    const needsSignIn = await this.#asksForConsent(opened)
    const results: Result[] = []
    for (let at = 0; at < places.length; at += concurrency) {
      const group = places.slice(at, at + concurrency)
      results.push(
        ...(await Promise.all(group.map((place) => this.#pushTo(userId, credentialId, place, needsSignIn)))),
      )
    }
    await this.#audit(userId, credentialId, results)
    return { results, pendingDeployments: await this.pending(userId, credentialId) }
  }

  /** Records the push with the deployments that use the credential on those instances. */
  async #audit(userId: string, credentialId: string, results: readonly Result[]): Promise<void> {
    const instanceIds = results.map(({ instanceId }) => instanceId)
    const failed = results.filter(({ status }) => status === 'failed').length
    await this.#db.execute(sql`
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}::uuid, u.id, 'credential.pushed', ${credentialId}::uuid, jsonb_build_object(
        'instances', ${JSON.stringify(instanceIds)}::jsonb,
        'deployments', (
          select coalesce(jsonb_agg(d.id order by d.id desc), '[]'::jsonb) from (
            select d.id from deployments d
            where d.user_id = u.id and d.status <> 'undeployed'
              and ${JSON.stringify(instanceIds)}::jsonb ? d.instance_id::text
              and d.bindings @> jsonb_build_array(jsonb_build_object('credentialId', ${credentialId}::text))
            order by d.id desc limit ${maximumDeployments}
          ) d
        ),
        'failed', ${failed}::integer
      ), ${actorValues()}
      from users u where u.id = ${userId}`)
  }

  /** True when a user must sign in inside n8n: an OAuth type that needs consent and has no tokens yet. */
  async #asksForConsent({ credential, data }: OpenCredential): Promise<boolean> {
    const type = (await this.#options.loadCatalogue()).credentialType(credential.type)
    const { grantType, oauthTokenData } = data.reveal()
    return Boolean(type?.oauth) && grantType !== 'clientCredentials' && !oauthTokenData
  }

  async #pushTo(userId: string, credentialId: string, place: Place, needsSignIn: boolean): Promise<Result> {
    const { instanceId, instanceName, n8nCredentialId, fingerprint } = place
    const result = { instanceId, instanceName, n8nCredentialId, consentUrl: null, code: null, reason: null }
    const { connections, remoteCredentials } = this.#options
    try {
      const connection = await connections.open(userId, instanceId)
      if (!connection) throw new AppError('not-found', 'The instance has been deleted')
      const { action, id } = await remoteCredentials.push(
        userId,
        connection,
        credentialId,
        (work) => work(),
        {
          updateInPlace: fingerprint !== null,
        },
      )
      const url = needsSignIn ? consentUrl(connection.instance.baseUrl, id) : null
      return { ...result, n8nCredentialId: id, status: action, consentUrl: url }
    } catch (error) {
      const known = error instanceof N8nError ? toAppError(error) : error
      if (!(known instanceof AppError)) throw error
      return { ...result, status: 'failed', code: known.code, reason: known.message }
    }
  }
}
