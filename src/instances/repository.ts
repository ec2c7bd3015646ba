import { and, arrayContains, desc, eq, gt, inArray, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm'
import { isTokenCurrent } from './reporter-state.ts'
import { v7 as uuidv7 } from 'uuid'
import type { SecretBox, SecretContext } from '../crypto/secret-box.ts'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { type CreationKey, idempotentCreate } from '../db/idempotent-create.ts'
import { databaseError } from '../db/errors.ts'
import { type Deletable, deleteUnlessUsed, findDeletable } from '../db/guarded-delete.ts'
import { instances, isProduction, webhookTokens } from '../db/schema/instances.ts'
import { userRoutes, users } from '../db/schema/users.ts'
import { AppError, invalid } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import { hasScopes, requireEnvironment } from '../http/scopes.ts'
import { changedVariables, requireCredentials } from '../environments/values.ts'
import type {
  CreatedInstance,
  Instance,
  InstanceChange,
  InstanceFilter,
  InstanceTest,
  NewInstance,
} from './contract.ts'
import { checkBaseUrl, type PrivateNetworks, privateEntryOf, serverKeyOf } from './url-guard.ts'
import { hashWebhookToken, newWebhookToken, tokenOverlapMs } from './webhook-token.ts'

const updateAttempts = 3

export interface InstanceSettings {
  publicUrl: string
  allowLoopbackInstances: boolean
  privateNetworks?: PrivateNetworks | undefined
  quotas: { instances: number }
  /** Rejects while the server has the wrong key; awaited before anything is encrypted. */
  keysVerified: () => Promise<void>
}

const columns = {
  id: instances.id,
  name: instances.name,
  baseUrl: instances.baseUrl,
  environment: instances.environment,
  isProduction,
  variables: instances.variables,
  credentials: instances.credentials,
  status: instances.status,
  statusDetail: instances.statusDetail,
  testedAt: instances.testedAt,
  n8nVersion: instances.n8nVersion,
  capabilities: instances.capabilities,
  lastPolledAt: instances.lastPolledAt,
  polledThrough: instances.polledThrough,
  epoch: instances.epoch,
  epochStartedAt: instances.epochStartedAt,
  pollFailures: instances.pollFailures,
  reporterWorkflowId: instances.reporterWorkflowId,
  otelTokenId: instances.otelTokenId,
  isOtelCurrent: isTokenCurrent('otel_token_id'),
  version: instances.version,
  createdAt: instances.createdAt,
  updatedAt: instances.updatedAt,
}

type Row = Pick<
  typeof instances.$inferSelect,
  Exclude<keyof typeof columns, 'isOtelCurrent' | 'isProduction'>
> & {
  isOtelCurrent: boolean
  isProduction: boolean
}

const untested = {
  status: 'untested',
  statusDetail: null,
  testedAt: null,
  n8nVersion: null,
  capabilities: null,
  lastPolledAt: null,
  polledThrough: null,
  epoch: 1,
  epochStartedAt: null,
  pollFailures: 0,
  reporterWorkflowId: null,
  otelTokenId: null,
} as const

/** A user's n8n servers. Every method takes the owner first and reads only that user's rows. */
export class InstanceRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #secretBox: SecretBox
  readonly #settings: InstanceSettings

  constructor(db: Db, now: () => Date, secretBox: SecretBox, settings: InstanceSettings) {
    this.#db = db
    this.#now = now
    this.#secretBox = secretBox
    this.#settings = settings
  }

  /** @throws {AppError} `url-not-allowed`, `name-taken`, `instance-exists`, `quota-exceeded`, `idempotency-key-reused`, `conflict`, `key-unavailable` */
  async create(userId: string, body: NewInstance, key?: CreationKey): Promise<CreatedInstance> {
    const id = uuidv7()
    const createdAt = this.#now()
    const baseUrl = this.#checked(body.baseUrl)
    await this.#settings.keysVerified()
    const apiKey = await this.#secretBox.seal(apiKeyContext(userId, id, baseUrl), body.apiKey)
    const { token, hash } = await newWebhookToken()
    const { name, environment = null, credentials = [] } = body
    const variables = changedVariables({}, body.variables ?? {})
    await requireCredentials(this.#db, userId, credentials)
    const place = { environment, variables, credentials }
    const row = { ...untested, ...place, id, name, baseUrl, version: 1, createdAt, updatedAt: createdAt }
    const quota = { table: 'instances', limit: this.#settings.quotas.instances } as const
    const created = await idempotentCreate(this.#db, { userId, resourceId: id, key, quota }, [
      this.#db.insert(instances).values({ ...row, userId, apiKey, serverKey: serverKeyOf(baseUrl) }),
      this.#db
        .insert(webhookTokens)
        .values({ id: uuidv7(), userId, instanceId: id, label: 'first', hash, createdAt }),
      auditEvent(this.#db, userId, 'instance.created', id, this.#privateNetworkOf(baseUrl)),
    ]).catch((error: unknown) => this.#rethrowTaken(userId, baseUrl, error))
    const webhookToken = created.replayed ? null : token
    if (!created.replayed && environment === null)
      return { ...this.#toInstance({ ...row, isOtelCurrent: false, isProduction: false }), webhookToken }
    const earlier = await this.find(userId, created.id)
    if (!earlier)
      throw new AppError(
        'conflict',
        'The instance created with this Idempotency-Key has been deleted. Use a new key',
      )
    return { ...earlier, webhookToken }
  }

  async find(userId: string, id: string): Promise<Instance | null> {
    const [row] = await this.#db.read.select(columns).from(instances).where(owned(userId, id))
    return row ? this.#toInstance(row) : null
  }

  async list(userId: string, page: Page, { environment }: InstanceFilter = {}): Promise<Slice<Instance>> {
    const rows = await this.#db.read
      .select(columns)
      .from(instances)
      .where(
        and(
          eq(instances.userId, userId),
          environment === undefined ? undefined : eq(instances.environment, environment),
          page.after === null ? undefined : lt(instances.id, page.after),
        ),
      )
      .orderBy(desc(instances.id))
      .limit(page.limit + 1)
    return slice(
      rows.map((row) => this.#toInstance(row)),
      page.limit,
    )
  }

  /** Another n8n starts its execution IDs over, so that they collide with the recorded ones. */
  async #hasHistory(userId: string, id: string): Promise<boolean> {
    const { rows } = await this.#db.read.execute<{ found: boolean }>(sql`
      select exists (select 1 from deployments where user_id = ${userId} and instance_id = ${id})
        or exists (select 1 from execution_keys where instance_id = ${id}) as found`)
    return rows[0]?.found === true
  }

  /**
   * The API key is bound to its origin, so another origin requires the key again.
   * @param tested the result of testing the new key at the new URL; without it a changed connection becomes untested
   * @throws {AppError} `url-not-allowed`, `invalid`, `name-taken`, `instance-exists`, `in-use` for another origin once
   * the instance has a history, `conflict` after too many concurrent changes
   */
  async update(
    userId: string,
    id: string,
    change: InstanceChange,
    expected: number | null,
    tested?: InstanceTest,
  ): Promise<Instance | null> {
    const baseUrl = change.baseUrl === undefined ? undefined : this.#checked(change.baseUrl)
    if (change.apiKey !== undefined) await this.#settings.keysVerified()
    await requireCredentials(this.#db, userId, change.credentials ?? [])
    const changed = JSON.stringify({
      changed: Object.keys(change),
      ...(baseUrl !== undefined && this.#privateNetworkOf(baseUrl)),
    })
    for (let attempt = 0; attempt < updateAttempts; attempt++) {
      const [stored] = await this.#db.read.select(columns).from(instances).where(owned(userId, id))
      if (!stored) return null
      if (expected !== null && expected !== stored.version) {
        throw new AppError(
          'version-conflict',
          `The instance is at version ${stored.version}. Read it again`,
          {
            extra: { currentVersion: stored.version },
          },
        )
      }
      const next = { name: change.name ?? stored.name, baseUrl: baseUrl ?? stored.baseUrl }
      const environment = change.environment === undefined ? stored.environment : change.environment
      const credentials = change.credentials ?? stored.credentials
      const variables = changedVariables(stored.variables, change.variables ?? {})
      requireEnvironment(stored.isProduction)
      const isMoved = originOf(next.baseUrl) !== originOf(stored.baseUrl)
      if (isMoved && (await this.#hasHistory(userId, id))) {
        throw new AppError(
          'in-use',
          'The instance has deployments or executions. Add the other server as a new instance',
        )
      }
      if (change.apiKey === undefined && isMoved) {
        throw invalid(
          '/apiKey',
          'The URL points to another server. Send its API key: a key is only ever sent to the server it was entered for',
        )
      }
      const n8nVersion =
        change.n8nVersion === undefined ? (isMoved ? null : stored.n8nVersion) : change.n8nVersion
      const isUnchanged =
        next.name === stored.name &&
        next.baseUrl === stored.baseUrl &&
        environment === stored.environment &&
        change.credentials === undefined &&
        JSON.stringify(variables) === JSON.stringify(stored.variables) &&
        n8nVersion === stored.n8nVersion
      if (change.apiKey === undefined && isUnchanged) {
        return this.#toInstance(stored)
      }
      const apiKey =
        change.apiKey === undefined
          ? undefined
          : await this.#secretBox.seal(apiKeyContext(userId, id, next.baseUrl), change.apiKey)
      const reconnected = apiKey !== undefined || next.baseUrl !== stored.baseUrl
      const { rows } = await this.#db
        .execute(sql`
          with updated as (
            update instances
            set name = ${next.name}, base_url = ${next.baseUrl}, environment = ${environment}, version = version + 1,
              variables = ${JSON.stringify(variables)}::jsonb, credentials = ${JSON.stringify(credentials)}::jsonb,
              n8n_version = ${tested?.n8nVersion ?? n8nVersion},
              server_key = case when base_url = ${next.baseUrl} then server_key else ${serverKeyOf(next.baseUrl)} end,
              api_key = coalesce(${apiKey ? JSON.stringify(apiKey) : null}::jsonb, api_key)
              ${reconnected ? sql`, ${testResult(tested)}, next_poll_at = ${this.#now()}, poll_failures = 0` : sql``}
            where user_id = ${userId} and id = ${id} and version = ${stored.version}
            returning id
          )
          insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
          select ${uuidv7()}, ${userId}, 'instance.updated', id, ${changed}::jsonb, ${actorValues()} from updated
          returning subject_id`)
        .catch((error: unknown) => this.#rethrowTaken(userId, next.baseUrl, error))
      if (rows.length > 0) return this.find(userId, id)
    }
    throw new AppError('conflict', 'The instance was changed concurrently. Read it again, then retry')
  }

  /**
   * Stores the result of a test, unless the instance has changed since.
   * @param version the version that was tested
   */
  async recordTest(userId: string, id: string, version: number, tested: InstanceTest): Promise<void> {
    await this.#db.execute(sql`
      update instances set ${testResult(tested)}, n8n_version = coalesce(${tested.n8nVersion}, n8n_version)
      where user_id = ${userId} and id = ${id} and version = ${version}`)
  }

  /**
   * Also deletes its deployments, tokens and dead letters. Executions stay as history.
   * @param force delete it even if deployed workflows stay in n8n
   * @throws {AppError} `in-use`
   */
  async delete(userId: string, id: string, { force }: { force: boolean }): Promise<boolean> {
    return deleteUnlessUsed(this.#db, 'instances', { userId, id, force })
  }

  /** What `delete` would affect. @throws {AppError} `in-use` as `delete` */
  findDeletable(userId: string, id: string, force: boolean): Promise<Deletable | null> {
    return findDeletable(this.#db, 'instances', { userId, id, force })
  }

  /** Needs no statement unless an access token is limited. @throws {AppError} `insufficient-scope` */
  async requireChange(userId: string, id: string): Promise<void> {
    if (!hasScopes('deploy:production'))
      requireEnvironment((await this.find(userId, id))?.isProduction ?? false)
  }

  /**
   * Creates a new token. Earlier tokens work for another 24 hours. Null when the instance does not exist.
   * @throws {AppError} `insufficient-scope`
   */
  async rotateWebhookToken(userId: string, id: string): Promise<string | null> {
    await this.requireChange(userId, id)
    const now = this.#now()
    const { token, hash } = await newWebhookToken()
    const ofInstance = and(eq(webhookTokens.userId, userId), eq(webhookTokens.instanceId, id))
    try {
      await this.#db.batch([
        this.#db.delete(webhookTokens).where(and(ofInstance, lte(webhookTokens.expiresAt, now))),
        this.#db
          .update(webhookTokens)
          .set({ expiresAt: new Date(now.getTime() + tokenOverlapMs) })
          .where(and(ofInstance, isNull(webhookTokens.expiresAt))),
        this.#db
          .insert(webhookTokens)
          .values({ id: uuidv7(), userId, instanceId: id, label: 'rotated', hash, createdAt: now }),
        auditEvent(this.#db, userId, 'instance.webhook-token-rotated', id),
      ])
      return token
    } catch (error) {
      if (databaseError(error).constraint === 'webhook_tokens_instance_fkey') return null
      throw error
    }
  }

  /**
   * The owner of a webhook token, and the only source of the tenant of a report. Looks it up by digest, so that timing
   * reveals nothing about the token.
   */
  async authenticate(instanceId: string, token: string): Promise<{ id: string; userId: string } | null> {
    const [row] = await this.#db.read
      .select({ id: webhookTokens.instanceId, userId: webhookTokens.userId })
      .from(webhookTokens)
      .innerJoin(users, eq(users.id, webhookTokens.userId))
      .where(
        and(
          eq(webhookTokens.instanceId, instanceId),
          eq(webhookTokens.hash, await hashWebhookToken(token)),
          or(isNull(webhookTokens.expiresAt), gt(webhookTokens.expiresAt, this.#now())),
          isNull(users.deletedAt),
        ),
      )
    return row ?? null
  }

  /** The owners of existing instances, without accounts that are being deleted. */
  async ownersOf(instanceIds: string[]): Promise<Map<string, string>> {
    const rows = await this.#db.read
      .select({ id: instances.id, userId: instances.userId })
      .from(instances)
      .innerJoin(users, eq(users.id, instances.userId))
      .where(and(inArray(instances.id, instanceIds), isNull(users.deletedAt)))
    return new Map(rows.map(({ id, userId }) => [id, userId]))
  }

  /** URL of the server to which the account of this instance was moved. */
  async movedTo(instanceId: string): Promise<string | null> {
    const [row] = await this.#db.read
      .select({ url: userRoutes.url })
      .from(userRoutes)
      .where(and(arrayContains(userRoutes.instanceIds, [instanceId]), eq(userRoutes.state, 'moved')))
    return row?.url ?? null
  }

  /** @throws {AppError} `name-taken`, `invalid` for an unknown environment, `instance-exists` with the existing instance, else `error` itself */
  async #rethrowTaken(userId: string, baseUrl: string, error: unknown): Promise<never> {
    const { constraint } = databaseError(error)
    if (constraint === 'instances_name_key') {
      throw new AppError('name-taken', 'Another instance has this name. Choose another name')
    }
    if (constraint === 'instances_environment_fkey') {
      throw invalid(
        '/environment',
        'No environment has this name. Create it with POST /v1/environments, or choose another one',
      )
    }
    if (constraint !== 'instances_server_key') throw error
    const [first] = await this.#db.read
      .select({ id: instances.id, name: instances.name })
      .from(instances)
      .where(and(eq(instances.userId, userId), eq(instances.serverKey, serverKeyOf(baseUrl))))
    if (!first) throw new AppError('conflict', 'The instance of this server was just deleted. Try again')
    const detail = `This server was already added as “${first.name}”. Use that instance`
    throw new AppError('instance-exists', detail, {
      errors: [{ pointer: '/baseUrl', detail }],
      extra: { instanceId: first.id, instanceName: first.name },
    })
  }

  #checked(baseUrl: string): string {
    return checkBaseUrl(baseUrl, {
      allowLoopback: this.#settings.allowLoopbackInstances,
      privateNetworks: this.#settings.privateNetworks,
      publicUrl: this.#settings.publicUrl,
    })
  }

  /** Audit details of a server in the operator's network: the entry that allows it. */
  #privateNetworkOf(baseUrl: string): { privateNetwork: string } | undefined {
    const privateNetwork = privateEntryOf(baseUrl, this.#settings.privateNetworks)
    return privateNetwork === null ? undefined : { privateNetwork }
  }

  #toInstance(row: Row): Instance {
    const { lastPolledAt, polledThrough, pollFailures, reporterWorkflowId, ...rest } = row
    const { otelTokenId, isOtelCurrent, ...instance } = rest
    const lagMs = polledThrough && this.#now().getTime() - polledThrough.getTime()
    return {
      ...instance,
      webhookUrl: webhookUrlOf(this.#settings.publicUrl, row.id),
      testedAt: row.testedAt?.toISOString() ?? null,
      epochStartedAt: row.epochStartedAt?.toISOString() ?? null,
      polling: {
        lastPolledAt: lastPolledAt?.toISOString() ?? null,
        polledThrough: polledThrough?.toISOString() ?? null,
        lagSeconds: lagMs === null ? null : Math.max(0, Math.round(lagMs / 1000)),
        failures: pollFailures,
      },
      reporter: reporterWorkflowId === null ? null : { n8nWorkflowId: reporterWorkflowId },
      otel: otelTokenId === null ? null : { isCurrent: isOtelCurrent },
      createdAt: row.createdAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
    }
  }
}

/** The URL that an instance's n8n posts reports to. */
export const webhookUrlOf = (publicUrl: string, instanceId: string): string =>
  `${publicUrl}/hooks/n8n/${instanceId}`

/** A failed test keeps the capabilities of an earlier one. */
function testResult(tested: InstanceTest | undefined): SQL {
  if (!tested) return sql`status = 'untested', status_detail = null, tested_at = null`
  const { status, detail, generation, cannot, testedAt } = tested
  const capabilities = generation && JSON.stringify({ generation, cannot })
  return sql`status = ${status}, status_detail = ${detail}, tested_at = ${testedAt}::timestamptz,
    capabilities = coalesce(${capabilities}::jsonb, capabilities)`
}

const owned = (userId: string, id: string) => and(eq(instances.userId, userId), eq(instances.id, id))

const originOf = (baseUrl: string): string => new URL(baseUrl).origin

/** The context that binds an instance's encrypted API key to its owner, row and origin. */
export const apiKeyContext = (userId: string, instanceId: string, baseUrl: string): SecretContext => ({
  purpose: 'n8n-api-key',
  userId,
  rowId: instanceId,
  type: 'n8nApi',
  origin: originOf(baseUrl),
})
