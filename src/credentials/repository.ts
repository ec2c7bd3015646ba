/** @module SQL for credentials. Data is encrypted before it is written and decrypted only for the server's own use. */
import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { claimStorage, type StorageQuotas, withinStorage } from '../budgets/storage.ts'
import type { Change, Permit, Subject } from '../approvals/approvals.ts'
import { affecting } from '../approvals/deletion.ts'
import type { SealedBox, SecretBox } from '../crypto/secret-box.ts'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { type CreationKey, idempotentCreate } from '../db/idempotent-create.ts'
import { databaseError } from '../db/errors.ts'
import { deleteUnlessUsed, findDeletable } from '../db/guarded-delete.ts'
import { credentials } from '../db/schema/credentials.ts'
import { AppError } from '../errors.ts'
import { redact } from '../lib/secrets/redact.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import type {
  Credential,
  CredentialChange,
  CredentialFilter,
  CredentialUsage,
  NewCredential,
} from './contract.ts'
import { changedData, requireFit } from './data-change.ts'
import { contextOf, type RowKey, toCredential, type VisibleRow, visible } from './rows.ts'
import { SecretData } from './secret-data.ts'
import { serviceOf } from './service-name.ts'
import { findUsage } from './usage.ts'

const maximumErrorChars = 500
/** How many credentials `findByUserAndService` decrypts. */
const maximumOpened = 100
/** How many times an update with `If-Match: *` retries on a newer version. */
const maximumTries = 25

export interface OpenCredential {
  credential: Credential
  data: SecretData
}

/** A row that cannot be decrypted, with `credential-undecryptable` or `key-unavailable`. */
export interface UnreadableCredential {
  credential: Credential
  error: AppError
}

export interface Validation {
  status: 'valid' | 'invalid'
  /** Why it is invalid. Credential values are redacted before it is stored. */
  error?: string
}

export interface CredentialOptions {
  secretBox: SecretBox
  /** Rejects while the server has the wrong key; awaited before anything is encrypted. */
  keysVerified: () => Promise<void>
  loadCatalogue: () => Promise<Catalogue>
  /** The number of credentials per user. */
  quota: number
  storage?: StorageQuotas
  permit: Permit
}

/** A user's credentials. Every method takes the owner first and reads only that user's rows. */
export class CredentialRepository {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: CredentialOptions

  constructor(db: Db, now: () => Date, options: CredentialOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /**
   * @returns null when `key` created a credential that has since been deleted
   * @throws {AppError} `invalid` when the data does not fit the type, `name-taken`, `quota-exceeded`,
   * `idempotency-key-reused`, `key-unavailable`
   */
  async create(userId: string, input: NewCredential, key?: CreationKey): Promise<Credential | null> {
    const { type, name, data, service = serviceOf(type) } = input
    const known = await this.#checkData(type, data)
    const id = uuidv7()
    const sealed = await this.#seal({ userId, id, type }, data)
    const fields = Object.keys(data).toSorted()
    const quota = { table: 'credentials', limit: this.#options.quota } as const
    const { storage = {} } = this.#options
    const creating = withinStorage(storage, () =>
      idempotentCreate(this.#db, { userId, resourceId: id, key, quota }, [
        this.#db.insert(credentials).values({ id, userId, service, type, name, data: sealed, fields, known }),
        auditEvent(this.#db, userId, 'credential.created', id, { type }),
        claimStorage(this.#db, userId, null, storage),
      ]),
    )
    const created = await nameTakenOr(creating)
    return this.find(userId, created.id)
  }

  /** Newest first. */
  async list(userId: string, filter: CredentialFilter, page: Page): Promise<Slice<Credential>> {
    const rows = await this.#db.read
      .select(visible)
      .from(credentials)
      .where(
        and(
          eq(credentials.userId, userId),
          filter.service === undefined ? undefined : eq(credentials.service, filter.service),
          filter.type === undefined ? undefined : eq(credentials.type, filter.type),
          page.after === null ? undefined : lt(credentials.id, page.after),
        ),
      )
      .orderBy(desc(credentials.id))
      .limit(page.limit + 1)
    return slice(rows.map(toCredential), page.limit)
  }

  async find(userId: string, id: string): Promise<Credential | null> {
    const [row] = await this.#db.read.select(visible).from(credentials).where(ownedBy(userId, id))
    return row ? toCredential(row) : null
  }

  /**
   * Merges `data` into the stored data (RFC 7396): null removes a field. An update without a change creates no
   * version; changed data resets the status to `untested`.
   * @param expectedVersion null for any version
   * @throws {AppError} `version-conflict`, `invalid`, `name-taken`, `credential-undecryptable`, `key-unavailable`; as
   * `Approvals.permit` for changed data, because the earlier data is lost
   */
  async update(
    userId: string,
    id: string,
    expectedVersion: number | null,
    change: CredentialChange,
  ): Promise<Credential | null> {
    const { data, name } = change
    const update = () => this.#update(userId, id, expectedVersion, change)
    if (data === undefined) return update()
    const request = { ...(name !== undefined && { name }), fields: Object.keys(data).toSorted() }
    const replacement: Change = {
      kind: 'update-credential',
      subjectId: id,
      request,
      secret: data,
      subject: () => this.#affected(userId, id, true),
    }
    return this.#options.permit(userId, replacement, update)
  }

  async #affected(userId: string, id: string, force: boolean): Promise<Subject | null> {
    const found = await findDeletable(this.#db, 'credentials', { userId, id, force })
    return found && affecting(found)
  }

  async #update(
    userId: string,
    id: string,
    expectedVersion: number | null,
    change: CredentialChange,
  ): Promise<Credential | null> {
    for (let tries = 1; ; tries += 1) {
      const current = await this.#readForChange(userId, id, change)
      if (!current) return null
      const { credential, stored } = current
      if (expectedVersion !== null && expectedVersion !== credential.version) throw versionConflict()
      const data = stored && change.data && changedData(stored, change.data)
      const name = change.name === credential.name ? undefined : change.name
      if (data === undefined && name === undefined) return credential
      const written = { ...(name && { name }), ...(data && { data }) }
      // A rename applies to any version; merged data only to the version that was read.
      const version = expectedVersion === null && !data ? null : credential.version
      const updated = await this.#write(userId, credential, version, written)
      if (updated) return updated
      // With `If-Match: *` the change is merged again, into the newer version.
      if (version === null || expectedVersion !== null || tries === maximumTries) {
        if (await this.find(userId, id)) throw versionConflict()
        return null
      }
    }
  }

  /** The credential, with its data when the change needs it. */
  async #readForChange(
    userId: string,
    id: string,
    { data }: CredentialChange,
  ): Promise<{ credential: Credential; stored?: Record<string, unknown> } | null> {
    if (data === undefined) {
      const credential = await this.find(userId, id)
      return credential && { credential }
    }
    const [row] = await this.#db.read
      .select({ ...visible, data: credentials.data })
      .from(credentials)
      .where(ownedBy(userId, id))
    if (!row) return null
    try {
      const opened = await this.#open(userId, row)
      return { credential: opened.credential, stored: opened.data.reveal() }
    } catch (error) {
      const isLost = error instanceof AppError && error.code === 'credential-undecryptable'
      // A change that replaces or removes every stored field does not need the old data.
      if (isLost && row.fields.every((field) => Object.hasOwn(data, field))) {
        return { credential: toCredential(row), stored: {} }
      }
      throw error
    }
  }

  /** Null when the credential was deleted or has another version. */
  async #write(
    userId: string,
    { id, type }: Credential,
    version: number | null,
    change: CredentialChange,
  ): Promise<Credential | null> {
    const { name, data } = change
    if (data !== undefined) await this.#checkData(type, data)
    const changed = {
      version: sql`${credentials.version} + 1`,
      ...(name !== undefined && { name }),
      ...(data !== undefined && {
        data: await this.#seal({ userId, id, type }, data),
        fields: Object.keys(data).toSorted(),
        status: 'untested' as const,
        lastValidatedAt: null,
        validationError: null,
      }),
    }
    const updated = this.#db.$with('updated').as(
      this.#db
        .update(credentials)
        .set(changed)
        .where(and(ownedBy(userId, id), version === null ? undefined : eq(credentials.version, version)))
        .returning(visible),
    )
    const details = JSON.stringify({ changed: Object.keys(change).toSorted() })
    const audited = this.#auditUpdate(userId, sql`${details}::jsonb`)
    const [row] = await nameTakenOr(this.#db.with(updated, audited).select().from(updated))
    return row ? toCredential(row) : null
  }

  async usage(userId: string, id: string): Promise<CredentialUsage | null> {
    return findUsage(this.#db, await this.#options.loadCatalogue(), userId, id)
  }

  /**
   * Deletes the credential here. Copies in n8n stay there.
   * @param options `force`: delete it even if deployments are bound to it
   * @returns whether the credential existed
   * @throws {AppError} `in-use` with the `dependents`; as `Approvals.permit`
   */
  async delete(userId: string, id: string, { force = false } = {}): Promise<boolean> {
    const change: Change = {
      kind: 'delete-credential',
      subjectId: id,
      request: { force },
      subject: () => this.#affected(userId, id, force),
    }
    const deletion = () => deleteUnlessUsed(this.#db, 'credentials', { userId, id, force })
    return (await this.#options.permit(userId, change, deletion)) ?? false
  }

  /**
   * Decrypts a credential for the server's own use. Never part of a response.
   * @throws {AppError} `credential-undecryptable`, `key-unavailable`
   */
  async open(userId: string, id: string): Promise<OpenCredential | null> {
    const [row] = await this.#db.read
      .select({ ...visible, data: credentials.data })
      .from(credentials)
      .where(ownedBy(userId, id))
    return row ? this.#open(userId, row) : null
  }

  /**
   * Decrypts the newest 100 credentials of a service for the server's own use. A credential that cannot be decrypted
   * is returned with its error.
   */
  async findByUserAndService(
    userId: string,
    service: string,
  ): Promise<(OpenCredential | UnreadableCredential)[]> {
    const rows = await this.#db.read
      .select({ ...visible, data: credentials.data })
      .from(credentials)
      .where(and(eq(credentials.userId, userId), eq(credentials.service, service)))
      .orderBy(desc(credentials.id))
      .limit(maximumOpened)
    return Promise.all(
      rows.map((row) =>
        this.#open(userId, row).catch((error: unknown) => {
          if (error instanceof AppError) return { credential: toCredential(row), error }
          throw error
        }),
      ),
    )
  }

  /**
   * Stores the result of a test of `tested`, unless the credential has changed since. The version stays the same.
   * @returns the updated credential, or null when it has changed or was deleted
   */
  async recordValidation(
    userId: string,
    tested: OpenCredential,
    validation: Validation,
  ): Promise<Credential | null> {
    const { id, version } = tested.credential
    const error = validation.error === undefined ? null : redact(tested.data.redact(validation.error))
    const [row] = await this.#db
      .update(credentials)
      .set({
        status: validation.status,
        lastValidatedAt: this.#now(),
        validationError: validation.status === 'valid' ? null : (error?.slice(0, maximumErrorChars) ?? null),
      })
      .where(and(ownedBy(userId, id), eq(credentials.version, version)))
      .returning(visible)
    return row ? toCredential(row) : null
  }

  /** @returns whether the type is built into n8n @throws {AppError} `invalid` */
  async #checkData(type: string, data: Record<string, unknown>): Promise<boolean> {
    const catalogue = await this.#options.loadCatalogue()
    requireFit(catalogue, type, data)
    return catalogue.credentialType(type) !== undefined
  }

  async #seal(row: RowKey, data: Record<string, unknown>): Promise<SealedBox> {
    await this.#options.keysVerified()
    return this.#options.secretBox.seal(contextOf(row), data)
  }

  async #open(userId: string, row: VisibleRow & { data: SealedBox }): Promise<OpenCredential> {
    const context = contextOf({ userId, id: row.id, type: row.type })
    const data = (await this.#options.secretBox.open(context, row.data)) as Record<string, unknown>
    return { credential: toCredential(row), data: new SecretData(data) }
  }

  /** The audit event of an update, in the same statement: none when the CTE `updated` changed no row. */
  #auditUpdate(userId: string, details: SQL) {
    return this.#db.$with('audited', { id: sql<string>`id` }).as(sql`
      insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
      select ${uuidv7()}::uuid, ${userId}::uuid, 'credential.updated', id, ${details}, ${actorValues()} from updated
      returning id`)
  }
}

const ownedBy = (userId: string, id: string): SQL | undefined =>
  and(eq(credentials.userId, userId), eq(credentials.id, id))

async function nameTakenOr<T>(writing: PromiseLike<T>): Promise<T> {
  try {
    return await writing
  } catch (error) {
    if (databaseError(error)?.constraint !== 'credentials_name_key') throw error
    throw new AppError('name-taken', 'A credential of this type already has this name. Choose another name')
  }
}

const versionConflict = () =>
  new AppError('version-conflict', 'The credential has changed since you read it. Read it again')
