/** @module A user's credentials on an n8n instance: pushed when changed, removed when unused. */
import { base64url } from 'jose'
import { sha256 } from '../../lib/encoding.ts'
import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { CredentialRepository, OpenCredential } from '../../credentials/repository.ts'
import type { Fingerprint } from '../../crypto/fingerprint.ts'
import type { Db } from '../../db/client.ts'
import { remoteCredentials } from '../../db/schema/deployments.ts'
import { AppError } from '../../errors.ts'
import type { Connection } from '../../instances/connections.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { isN8nError, N8nError } from '../../n8n/api/transport.ts'
import { completeCredentialData, sendableCredentialData } from '../../n8n/catalogue/credential-data.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import type { N8nCredentialRef } from './credential-refs.ts'

/** n8n rejects a data change of a credential with a shorter or longer name. */
const nameChars = { least: 3, most: 128 }

/** After this many concurrent pushes the others win. */
const maximumTries = 5

/** Calls n8n while the run holds its lease, and waits when n8n asks to. */
export type Call = <T>(work: () => Promise<T>) => Promise<T>

export interface RemoteState {
  n8nCredentialId: string
  /** Null until n8n has confirmed the data. */
  fingerprint: string | null
}

export interface Pushed extends N8nCredentialRef {
  action: 'created' | 'updated' | 'unchanged'
  /** The previous id, when n8n cannot update a credential. */
  replacedId?: string
}

const stateColumns = {
  n8nCredentialId: remoteCredentials.n8nCredentialId,
  fingerprint: remoteCredentials.fingerprint,
}

interface Sent {
  type: string
  name: string
  data: Record<string, unknown>
}

/** Every method takes the owner first. */
export class RemoteCredentials {
  readonly #db: Db
  readonly #now: () => Date
  readonly #credentials: Pick<CredentialRepository, 'open'>
  readonly #fingerprint: Fingerprint
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(
    db: Db,
    now: () => Date,
    options: {
      credentials: Pick<CredentialRepository, 'open'>
      fingerprint: Fingerprint
      loadCatalogue: () => Promise<Catalogue>
    },
  ) {
    this.#db = db
    this.#now = now
    this.#credentials = options.credentials
    this.#fingerprint = options.fingerprint
    this.#loadCatalogue = options.loadCatalogue
  }

  /** What a push would do, with the credential's current or future n8n id. Null when the credential was deleted. */
  async preview(
    userId: string,
    instanceId: string,
    credentialId: string,
  ): Promise<{ action: 'create' | 'update' | 'unchanged'; ref: N8nCredentialRef } | null> {
    const [opened, state] = await this.#open(userId, instanceId, credentialId)
    if (!opened) return null
    const sent = await this.#sent(opened)
    const id = state?.n8nCredentialId ?? (await ownId(instanceId, credentialId))
    const isSame = state?.fingerprint === (await this.#fingerprintOf(sent))
    const action = state?.fingerprint ? (isSame ? 'unchanged' : 'update') : 'create'
    return { action, ref: { id, name: sent.name } }
  }

  /**
   * Creates or updates the credential in n8n. Idempotent, because Flowkeep chooses the id. A legacy n8n chooses its own
   * ids and has no list, so a creation whose response is lost leaves an unused credential there.
   * @throws {N8nError}
   * @throws {AppError} `conflict` when it was deleted; `credential-undecryptable`, `key-unavailable`
   */
  async push(
    userId: string,
    { instance, client }: Connection,
    credentialId: string,
    call: Call,
    { updateInPlace = false } = {},
  ): Promise<Pushed> {
    const can = await call(() => client.capabilities())
    for (let tries = 1; ; tries += 1) {
      const [opened, known] = await this.#open(userId, instance.id, credentialId)
      if (!opened) throw new AppError('conflict', 'A bound credential has been deleted. Bind another one')
      const sent = await this.#sent(opened)
      const state = known ?? (await this.#claim(userId, instance.id, credentialId))
      const fingerprint = await this.#fingerprintOf(sent)
      const ref = { id: state.n8nCredentialId, name: sent.name }
      const isSame = tries === 1 && state.fingerprint === fingerprint
      if (isSame && !(can.credentialRead && (await isGone(client, ref.id, call)))) {
        return { ...ref, action: 'unchanged' }
      }
      if (updateInPlace && !can.credentialUpdate) throw cannotUpdate()
      const pushed = await this.#send(client, ref, sent, state, can, call).catch((error: unknown) => {
        throw withCredentialName(error, sent, opened.data)
      })
      const written = await this.#db
        .update(remoteCredentials)
        .set({ n8nCredentialId: pushed.id, fingerprint, pushedAt: this.#now() })
        .where(
          and(
            this.#row(userId, instance.id, credentialId),
            sql`${remoteCredentials.fingerprint} is not distinct from ${state.fingerprint}`,
          ),
        )
        .returning({ id: remoteCredentials.credentialId })
      // Another push ran at the same time. Which value n8n stored last is unknown, so send the current one again.
      if (written.length > 0 || tries === maximumTries) return pushed
    }
  }

  /**
   * Creates a separate copy of the credential in n8n, which the caller deletes. Idempotent. Requires an n8n that accepts IDs.
   * @throws {N8nError}
   * @throws {AppError} `conflict` when it was deleted; `credential-undecryptable`, `key-unavailable`
   */
  async copy(
    userId: string,
    client: Connection['client'],
    credentialId: string,
    { id, name }: N8nCredentialRef,
    call: Call,
  ): Promise<void> {
    const opened = await this.#credentials.open(userId, credentialId)
    if (!opened) throw new AppError('conflict', 'A bound credential has been deleted. Bind another one')
    const sent = await this.#sent(opened)
    await call(() => client.createCredential({ ...sent, name, id }))
      .then(() => undefined)
      .catch(recoverFrom('conflict', async () => undefined))
      .catch((error: unknown) => {
        throw withCredentialName(error, sent, opened.data)
      })
  }

  async #send(
    client: Connection['client'],
    ref: N8nCredentialRef,
    sent: Sent,
    state: RemoteState,
    can: { ownCredentialIds: boolean; credentialUpdate: boolean },
    call: Call,
  ): Promise<Pushed> {
    const change = await this.#change(sent)
    const create = async (): Promise<Pushed> => {
      await call(() => client.createCredential({ ...sent, id: ref.id }))
      return { ...ref, action: 'created' }
    }
    const update = async (): Promise<Pushed> => {
      await call(() => client.updateCredential(ref.id, change))
      return { ...ref, action: 'updated' }
    }
    if (!can.ownCredentialIds || !can.credentialUpdate) {
      const created = await call(() => client.createCredential(sent))
      const replaced = state.fingerprint && { replacedId: state.n8nCredentialId }
      return { id: created.id, name: sent.name, action: 'created', ...replaced }
    }
    return state.fingerprint === null
      ? create().catch(recoverFrom('conflict', update))
      : update().catch(recoverFrom('not-found', create))
  }

  /**
   * n8n drops OAuth tokens when the data is replaced, but preserves them when the data is merged. OAuth types are
   * therefore merged, with the default of every omitted field. n8n's own tokens stay, because n8n refreshes them and
   * the ones sent first are older.
   */
  async #change({ type, name, data }: Sent) {
    const catalogue = await this.#loadCatalogue()
    if (!catalogue.credentialType(type)?.oauth) return { name, data }
    return { name, data: completeCredentialData(catalogue, type, data), isPartialData: true }
  }

  /**
   * Deletes the credentials on the instance that no other deployment there uses.
   * @param deploymentId the deployment to ignore
   */
  async removeUnused(
    userId: string,
    { instance, client }: Connection,
    deploymentId: string,
    call: Call,
  ): Promise<void> {
    // Without a fingerprint, a later push sends the credential again.
    const { rows } = await this.#db.execute<{ credentialId: string; n8nCredentialId: string }>(sql`
      update remote_credentials r set fingerprint = null
      where r.user_id = ${userId} and r.instance_id = ${instance.id} and not ${this.#usedElsewhere(deploymentId)}
      returning r.credential_id as "credentialId", r.n8n_credential_id as "n8nCredentialId"`)
    for (const { credentialId, n8nCredentialId } of rows) {
      await removeCredential(client, n8nCredentialId, call)
      await this.#db.delete(remoteCredentials).where(this.#row(userId, instance.id, credentialId))
    }
  }

  /**
   * Deletes copies that n8n created after they had been removed: no row refers to them, and no other deployment uses the
   * credential. An n8n that chooses its own IDs keeps them.
   */
  async removeLate(
    userId: string,
    { instance, client }: Connection,
    deploymentId: string,
    credentialIds: string[],
  ): Promise<void> {
    if (credentialIds.length === 0 || !(await client.capabilities()).ownCredentialIds) return
    const ids = sql.join(
      [...new Set(credentialIds)].map((id) => sql`${id}::uuid`),
      sql`, `,
    )
    const { rows } = await this.#db.read.execute<{ credentialId: string }>(sql`
      select r.credential_id as "credentialId" from (
        select ${userId}::uuid as user_id, ${instance.id}::uuid as instance_id, unnest(array[${ids}]) as credential_id
      ) r
      where not ${this.#usedElsewhere(deploymentId)} and not exists (select 1 from remote_credentials k
        where k.user_id = r.user_id and k.instance_id = r.instance_id and k.credential_id = r.credential_id)`)
    for (const { credentialId } of rows)
      await removeCredential(client, await ownId(instance.id, credentialId), (work) => work())
  }

  /** Deletes the replaced credentials once the workflow uses the new ones, unless another deployment may use them. */
  async dropReplaced(
    userId: string,
    { instance, client }: Connection,
    deploymentId: string,
    ids: string[],
    call: Call,
  ): Promise<void> {
    const { rows } = await this.#db.read.execute(sql`
      select 1 from remote_credentials r
      where r.user_id = ${userId} and r.instance_id = ${instance.id} and ${this.#usedElsewhere(deploymentId)} limit 1`)
    if (rows.length > 0) return
    for (const id of ids) await removeCredential(client, id, call)
  }

  #usedElsewhere(deploymentId: string) {
    return sql`exists (
      select 1 from deployments d
      where d.user_id = r.user_id and d.instance_id = r.instance_id and d.id <> ${deploymentId}
        and d.status <> 'undeployed'
        and d.bindings @> jsonb_build_array(jsonb_build_object('credentialId', r.credential_id::text))
    )`
  }

  async #sent({ credential, data }: OpenCredential): Promise<Sent> {
    const { type, name } = credential
    const catalogue = await this.#loadCatalogue()
    return { type, name: n8nName(name), data: sendableCredentialData(catalogue, type, data.reveal()) }
  }

  /** The value of `remote_credentials.fingerprint` when n8n has the current data. */
  async fingerprintOf(opened: OpenCredential): Promise<string> {
    return this.#fingerprintOf(await this.#sent(opened))
  }

  #fingerprintOf(sent: Sent): Promise<string> {
    return this.#fingerprint('remote-credential', canonicalJson(sent))
  }

  /** Inserts the row before the credential is created, so that every credential in n8n is known here. */
  async #claim(userId: string, instanceId: string, credentialId: string): Promise<RemoteState> {
    const n8nCredentialId = await ownId(instanceId, credentialId)
    // A row of a concurrent push stays as it is. An update, even without a change, returns it.
    const [state] = await this.#db
      .insert(remoteCredentials)
      .values({ userId, instanceId, credentialId, n8nCredentialId })
      .onConflictDoUpdate({
        target: [remoteCredentials.instanceId, remoteCredentials.credentialId],
        set: { credentialId },
      })
      .returning(stateColumns)
    if (!state) throw new AppError('conflict', 'A bound credential has been deleted. Bind another one')
    return state
  }

  /** The credential, and what is known of it on the instance. */
  #open(userId: string, instanceId: string, credentialId: string) {
    return Promise.all([
      this.#credentials.open(userId, credentialId),
      this.#find(userId, instanceId, credentialId),
    ])
  }

  async #find(userId: string, instanceId: string, credentialId: string): Promise<RemoteState | undefined> {
    const [state] = await this.#db.read
      .select(stateColumns)
      .from(remoteCredentials)
      .where(this.#row(userId, instanceId, credentialId))
    return state
  }

  #row(userId: string, instanceId: string, credentialId: string) {
    return and(
      eq(remoteCredentials.userId, userId),
      eq(remoteCredentials.instanceId, instanceId),
      eq(remoteCredentials.credentialId, credentialId),
    )
  }
}

/** A valid n8n id, always the same for the same credential on the same instance. */
export async function ownId(instanceId: string, credentialId: string): Promise<string> {
  return base64url.encode(await sha256(`${instanceId}/${credentialId}`, 12))
}

function n8nName(name: string): string {
  return (name.length < nameChars.least ? `${name} (Flowkeep)` : name).slice(0, nameChars.most).toWellFormed()
}

const recoverFrom =
  <T>(kind: N8nError['kind'], otherwise: () => Promise<T>) =>
  (error: unknown): Promise<T> => {
    if (!isN8nError(error, kind)) throw error
    return otherwise()
  }

const cannotUpdate = () =>
  new AppError(
    'instance-rejected',
    'This n8n version cannot update a credential through its API. Redeploy the workflows that use it with ' +
      'POST /v1/deployments/{id}/deploy to send the new value',
  )

/** Adds the credential's name, which n8n's message omits, and redacts values from it. */
function withCredentialName(error: unknown, { type, name }: Sent, data: OpenCredential['data']): unknown {
  if (!(error instanceof N8nError)) return error
  if (error.detail !== undefined) error.detail = data.redact(error.detail)
  error.subject = `Credential "${name}" (${type})`
  if (!/not a known type/.test(error.detail ?? '')) return error
  return new AppError(
    'instance-rejected',
    `The n8n server does not have credential type ${type} of credential "${name}". Install its community node in n8n`,
    { cause: error },
  )
}

/** False when the API key may not read the credential. */
async function isGone(client: Connection['client'], id: string, call: Call): Promise<boolean> {
  try {
    await call(() => client.getCredential(id))
    return false
  } catch (error) {
    if (isN8nError(error, 'not-found')) return true
    if (isN8nError(error, 'forbidden')) return false
    throw error
  }
}

export async function removeCredential(client: Connection['client'], id: string, call: Call): Promise<void> {
  await call(() => client.deleteCredential(id)).catch(recoverFrom('not-found', async () => undefined))
}

/** n8n's id → our id of the credentials that Flowkeep sent to the instance. */
export async function ownCredentials(
  db: Db,
  userId: string,
  instanceId: string | SQL<string>,
): Promise<Map<string, string>> {
  const rows = await db.read
    .select({ id: remoteCredentials.credentialId, n8nId: remoteCredentials.n8nCredentialId })
    .from(remoteCredentials)
    .where(and(eq(remoteCredentials.userId, userId), eq(remoteCredentials.instanceId, instanceId)))
  return new Map(rows.map(({ id, n8nId }) => [n8nId, id]))
}
