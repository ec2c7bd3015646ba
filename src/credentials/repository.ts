/** @module SQL of credentials. Data is sealed before it is written and opened for the server's own use only. */
import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { SealedBox, SecretBox } from '../crypto/secret-box.ts'
import { auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { type CreationKey, createOnce } from '../db/creation.ts'
import { databaseError } from '../db/errors.ts'
import { deleteUnlessUsed } from '../db/guarded-delete.ts'
import { credentials } from '../db/schema/credentials.ts'
import { auditEvents } from '../db/schema/users.ts'
import { AppError } from '../errors.ts'
import { redact } from '../lib/secrets.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
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
/** How many credentials `findByUserAndService` opens. */
const maximumOpened = 100
/** How often a change that fits any version is merged into a newer one. */
const maximumTries = 25

export interface OpenCredential {
  credential: Credential
  data: SecretData
}

/** A row that cannot be opened, and why: `credential-undecryptable` or `key-unavailable`. */
export interface UnreadableCredential {
  credential: Credential
  error: AppError
}

export interface Validation {
  status: 'valid' | 'invalid'
  /** Why it is invalid. Values of the data are taken out of it before it is stored. */
  error?: string
}

export interface CredentialOptions {
  secretBox: SecretBox
  /** Rejects while the server holds a wrong key; awaited before anything is sealed. */
  keysVerified: () => Promise<void>
  loadCatalogue: () => Promise<Catalogue>
  /** Credentials that one user may have. */
  quota: number
}

/** A user's credentials. Every method takes the owner first and sees no one else's rows. */
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
   * @returns null when `key` was used before for a credential that has been deleted since
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
    const created = await nameTakenOr(
      createOnce(this.#db, { userId, resourceId: id, key, quota }, [
        this.#db.insert(credentials).values({ id, userId, service, type, name, data: sealed, fields, known }),
        auditEvent(this.#db, userId, 'credential.created', id, { type }),
      ]),
    )
    return this.find(userId, created.id)
  }

  /** Newest first. */
  async list(userId: string, filter: CredentialFilter, page: Page): Promise<Slice<Credential>> {
    const rows = await this.#db
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
    const [row] = await this.#db.select(visible).from(credentials).where(ownedBy(userId, id))
    return row ? toCredential(row) : null
  }

  /**
   * `data` is merged into what is stored (RFC 7396): null removes a field. A change that leaves everything as it is
   * makes no version; changed data has to be tested again.
   * @param expectedVersion null for whichever is current
   * @throws {AppError} `version-conflict`, `invalid`, `name-taken`, `credential-undecryptable`, `key-unavailable`
   */
  async update(
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
      // A name depends on no version; data was merged into the one that was read.
      const version = expectedVersion === null && !data ? null : credential.version
      const updated = await this.#write(userId, credential, version, written)
      if (updated) return updated
      // With `*` any version will do: the change is merged again, into the newer one.
      if (version === null || expectedVersion !== null || tries === maximumTries) {
        if (await this.find(userId, id)) throw versionConflict()
        return null
      }
    }
  }

  /** The credential, and its data where the change needs it. */
  async #readForChange(
    userId: string,
    id: string,
    { data }: CredentialChange,
  ): Promise<{ credential: Credential; stored?: Record<string, unknown> } | null> {
    if (data === undefined) {
      const credential = await this.find(userId, id)
      return credential && { credential }
    }
    const [row] = await this.#db
      .select({ ...visible, data: credentials.data })
      .from(credentials)
      .where(ownedBy(userId, id))
    if (!row) return null
    try {
      const opened = await this.#open(userId, row)
      return { credential: opened.credential, stored: opened.data.reveal() }
    } catch (error) {
      const isLost = error instanceof AppError && error.code === 'credential-undecryptable'
      // Where every stored field is given anew or removed, nothing has to be read.
      if (isLost && row.fields.every((field) => Object.hasOwn(data, field))) {
        return { credential: toCredential(row), stored: {} }
      }
      throw error
    }
  }

  /** Null when the credential is gone, or not of that version any more. */
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
   * What a deployment has sent to n8n stays there.
   * @param options `force`: although deployments are bound to it
   * @returns whether there was one
   * @throws {AppError} `in-use` with the `dependents`
   */
  delete(userId: string, id: string, { force = false } = {}): Promise<boolean> {
    return deleteUnlessUsed(this.#db, 'credentials', { userId, id, force })
  }

  /**
   * For the server's own use; never part of an answer.
   * @throws {AppError} `credential-undecryptable`, `key-unavailable`
   */
  async open(userId: string, id: string): Promise<OpenCredential | null> {
    const [row] = await this.#db
      .select({ ...visible, data: credentials.data })
      .from(credentials)
      .where(ownedBy(userId, id))
    return row ? this.#open(userId, row) : null
  }

  /**
   * The newest 100 of a service, opened, for the server's own use. One that cannot be opened comes with its error
   * and does not hide the others.
   */
  async findByUserAndService(
    userId: string,
    service: string,
  ): Promise<(OpenCredential | UnreadableCredential)[]> {
    const rows = await this.#db
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
   * Keeps the result of a test of `tested`, unless the credential has changed since. The version stays: the owner
   * changed nothing.
   * @returns the credential as it is now, or null when it has changed or is gone
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

  /** @returns whether n8n brings the type along @throws {AppError} `invalid` */
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

  /** The audit event of a change, in the same statement: none when `updated`, the CTE, changed no row. */
  #auditUpdate(userId: string, details: SQL) {
    return this.#db
      .$with('audited')
      .as(
        this.#db
          .insert(auditEvents)
          .select(
            sql`select ${uuidv7()}::uuid, ${userId}::uuid, 'credential.updated', id, ${details}, now() from updated`,
          )
          .returning({ id: auditEvents.id }),
      )
  }
}

const ownedBy = (userId: string, id: string): SQL | undefined =>
  and(eq(credentials.userId, userId), eq(credentials.id, id))

async function nameTakenOr<T>(writing: PromiseLike<T>): Promise<T> {
  try {
    return await writing
  } catch (error) {
    if (databaseError(error)?.constraint !== 'credentials_name_key') throw error
    throw new AppError(
      'name-taken',
      'You have a credential of this type and name already; choose another name',
    )
  }
}

const versionConflict = () =>
  new AppError('version-conflict', 'The credential has changed since you read it; read it again')
