/** @module A user's credentials as they exist in one n8n: pushed only when changed, found again, taken back. */
import { and, eq, sql } from 'drizzle-orm'
import type { CredentialRepository, OpenCredential } from '../credentials/repository.ts'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import type { Db } from '../db/client.ts'
import { remoteCredentials } from '../db/schema/deployments.ts'
import { AppError } from '../errors.ts'
import type { Connection } from '../instances/connections.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { N8nError } from '../n8n/api-transport.ts'
import { completeCredentialData, sendableCredentialData } from '../n8n/credential-data.ts'
import { canonicalJson } from '../n8n/workflow-json.ts'
import type { N8nCredentialRef } from './credential-refs.ts'

/** n8n refuses to change the data of a credential whose name is shorter, or longer. */
const nameChars = { least: 3, most: 128 }

/** A push that is passed by others so often is left to them. */
const maximumTries = 5

/** Calls n8n while the run still holds its lease, and waits where n8n asks to. */
export type Call = <T>(work: () => Promise<T>) => Promise<T>

export interface RemoteState {
  n8nCredentialId: string
  /** Null until n8n has confirmed what was sent. */
  fingerprint: string | null
}

export interface Pushed extends N8nCredentialRef {
  action: 'created' | 'updated' | 'unchanged'
  /** The id that it had before, where n8n cannot change a credential. */
  replacedId?: string
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

  /** What pushing the credential would do, and the id that it has or will have. Null when the credential is gone. */
  async preview(
    userId: string,
    instanceId: string,
    credentialId: string,
  ): Promise<{ action: 'create' | 'update' | 'unchanged'; ref: N8nCredentialRef } | null> {
    const opened = await this.#credentials.open(userId, credentialId)
    if (!opened) return null
    const sent = await this.#sent(opened)
    const state = await this.#find(userId, instanceId, credentialId)
    const id = state?.n8nCredentialId ?? (await ownId(instanceId, credentialId))
    const isSame = state?.fingerprint === (await this.#fingerprintOf(sent))
    const action = state?.fingerprint ? (isSame ? 'unchanged' : 'update') : 'create'
    return { action, ref: { id, name: sent.name } }
  }

  /**
   * Brings the credential to n8n. Safe to repeat, whatever became of the time before: the id is ours, so that what
   * exists is found. A legacy n8n gives its own ids and has no list: there an unanswered creation leaves one behind.
   * @throws {N8nError}
   * @throws {AppError} `conflict` when it is gone; `credential-undecryptable`, `key-unavailable`
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
      const opened = await this.#credentials.open(userId, credentialId)
      if (!opened) throw new AppError('conflict', 'A credential that it is bound to has been deleted')
      const sent = await this.#sent(opened)
      const state = await this.#claim(userId, instance.id, credentialId)
      const fingerprint = await this.#fingerprintOf(sent)
      const ref = { id: state.n8nCredentialId, name: sent.name }
      const isSame = tries === 1 && state.fingerprint === fingerprint
      if (isSame && !(can.credentialRead && (await isGone(client, ref.id, call)))) {
        return { ...ref, action: 'unchanged' }
      }
      if (updateInPlace && !can.credentialUpdate) throw cannotUpdate()
      const pushed = await this.#send(client, ref, sent, state, can, call).catch((error: unknown) => {
        throw namedRefusal(error, sent, opened.data)
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
      // Another push came between: which of the two n8n took last is not known, so the current value is sent once more.
      if (written.length > 0 || tries === maximumTries) return pushed
    }
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
      const made = await call(() => client.createCredential(sent))
      const replaced = state.fingerprint && { replacedId: state.n8nCredentialId }
      return { id: made.id, name: sent.name, action: 'created', ...replaced }
    }
    return state.fingerprint === null
      ? create().catch(unless('conflict', update))
      : update().catch(unless('not-found', create))
  }

  /**
   * n8n forgets the tokens of a sign-in when its data is replaced, and keeps them when the data is merged. A type that
   * signs in is merged, therefore, with the default of every field that is left out here. Tokens that n8n has stay: it
   * refreshes them, so that those sent first are the older ones.
   */
  async #change({ type, name, data }: Sent) {
    const catalogue = await this.#loadCatalogue()
    if (!catalogue.credentialType(type)?.oauth) return { name, data }
    return { name, data: completeCredentialData(catalogue, type, data), isPartialData: true }
  }

  /**
   * Deletes, in n8n and here, what was pushed to the instance and no other deployment there is bound to.
   * @param deploymentId the one that does not count
   */
  async takeBack(
    userId: string,
    { instance, client }: Connection,
    deploymentId: string,
    call: Call,
  ): Promise<void> {
    // From here on a push does not take it for granted.
    const { rows } = await this.#db.execute<{ credentialId: string; n8nCredentialId: string }>(sql`
      update remote_credentials r set fingerprint = null
      where r.user_id = ${userId} and r.instance_id = ${instance.id} and not ${this.#usedBeside(deploymentId)}
      returning r.credential_id as "credentialId", r.n8n_credential_id as "n8nCredentialId"`)
    for (const { credentialId, n8nCredentialId } of rows) {
      await remove(client, n8nCredentialId, call)
      await this.#db.delete(remoteCredentials).where(this.#row(userId, instance.id, credentialId))
    }
  }

  /** Ids that a push has replaced, now that the workflow names the new ones; kept while another workflow may name them. */
  async dropReplaced(
    userId: string,
    { instance, client }: Connection,
    deploymentId: string,
    ids: string[],
    call: Call,
  ): Promise<void> {
    const { rows } = await this.#db.execute(sql`
      select 1 from remote_credentials r
      where r.user_id = ${userId} and r.instance_id = ${instance.id} and ${this.#usedBeside(deploymentId)} limit 1`)
    if (rows.length > 0) return
    for (const id of ids) await remove(client, id, call)
  }

  #usedBeside(deploymentId: string) {
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

  /** The digest that `remote_credentials.fingerprint` holds once the credential is in n8n as it is. */
  async fingerprintOf(opened: OpenCredential): Promise<string> {
    return this.#fingerprintOf(await this.#sent(opened))
  }

  #fingerprintOf(sent: Sent): Promise<string> {
    return this.#fingerprint('remote-credential', canonicalJson(sent))
  }

  /** The row is there before the credential is, so that nothing in n8n is unknown here. */
  async #claim(userId: string, instanceId: string, credentialId: string): Promise<RemoteState> {
    const n8nCredentialId = await ownId(instanceId, credentialId)
    await this.#db
      .insert(remoteCredentials)
      .values({ userId, instanceId, credentialId, n8nCredentialId })
      .onConflictDoNothing()
    const state = await this.#find(userId, instanceId, credentialId)
    if (!state) throw new AppError('conflict', 'A credential that it is bound to has been deleted')
    return state
  }

  async #find(userId: string, instanceId: string, credentialId: string): Promise<RemoteState | undefined> {
    const [state] = await this.#db
      .select({
        n8nCredentialId: remoteCredentials.n8nCredentialId,
        fingerprint: remoteCredentials.fingerprint,
      })
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

/** Within what n8n takes, and always the same for the same credential on the same instance. */
async function ownId(instanceId: string, credentialId: string): Promise<string> {
  const text = new TextEncoder().encode(`${instanceId}/${credentialId}`)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text)).slice(0, 12)
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

function n8nName(name: string): string {
  return (name.length < nameChars.least ? `${name} (Flowkeep)` : name).slice(0, nameChars.most).toWellFormed()
}

const isKind = (error: unknown, kind: N8nError['kind']) => error instanceof N8nError && error.kind === kind

const unless =
  <T>(kind: N8nError['kind'], otherwise: () => Promise<T>) =>
  (error: unknown): Promise<T> => {
    if (!isKind(error, kind)) throw error
    return otherwise()
  }

const cannotUpdate = () =>
  new AppError(
    'instance-rejected',
    'This n8n cannot change a credential through its API. Redeploy the workflows that use it, which puts the new value ' +
      'there: POST /v1/deployments/{id}/deploy',
  )

/** n8n says which field it refuses, perhaps with its value, and not of which credential. */
function namedRefusal(error: unknown, { type, name }: Sent, data: OpenCredential['data']): unknown {
  if (!(error instanceof N8nError)) return error
  if (error.detail !== undefined) error.detail = data.redact(error.detail)
  error.subject = `Credential "${name}" (${type})`
  if (!/not a known type/.test(error.detail ?? '')) return error
  return new AppError(
    'instance-rejected',
    `The n8n server has no credential type ${type}, which the credential "${name}" has: install its community node there`,
    { cause: error },
  )
}

/** A key without the scope to read it is no reason to think so. */
async function isGone(client: Connection['client'], id: string, call: Call): Promise<boolean> {
  try {
    await call(() => client.getCredential(id))
    return false
  } catch (error) {
    if (isKind(error, 'not-found')) return true
    if (isKind(error, 'forbidden')) return false
    throw error
  }
}

async function remove(client: Connection['client'], id: string, call: Call): Promise<void> {
  await call(() => client.deleteCredential(id)).catch(unless('not-found', async () => undefined))
}

/** n8n's id → ours, of the credentials that we put on the instance. */
export async function ownCredentials(
  db: Db,
  userId: string,
  instanceId: string,
): Promise<Map<string, string>> {
  const rows = await db
    .select({ id: remoteCredentials.credentialId, n8nId: remoteCredentials.n8nCredentialId })
    .from(remoteCredentials)
    .where(and(eq(remoteCredentials.userId, userId), eq(remoteCredentials.instanceId, instanceId)))
  return new Map(rows.map(({ id, n8nId }) => [n8nId, id]))
}
