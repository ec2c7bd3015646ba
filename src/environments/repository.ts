import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import { type CreationKey, idempotentCreate } from '../db/idempotent-create.ts'
import { environments } from '../db/schema/environments.ts'
import { AppError, invalid } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import { requireEnvironment } from '../http/scopes.ts'
import type { Environment, EnvironmentChange, NewEnvironment } from './contract.ts'
import { changedVariables, requireCredentials } from './values.ts'

const quota = { table: 'environments', limit: 100 } as const
const updateAttempts = 3

const columns = {
  id: environments.id,
  name: environments.name,
  isProduction: environments.isProduction,
  variables: environments.variables,
  credentials: environments.credentials,
  instanceCount: sql<number>`(
    select count(*) from instances i
    where i.user_id = environments.user_id and i.environment = environments.name)::integer`,
  version: environments.version,
  createdAt: environments.createdAt,
  updatedAt: environments.updatedAt,
}

type Row = Omit<Environment, 'createdAt' | 'updatedAt'> & { createdAt: Date; updatedAt: Date }

/** A user's environments. Every method takes the owner first and reads only that user's rows. */
export class EnvironmentRepository {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /** @throws {AppError} `invalid`, `name-taken`, `quota-exceeded`, `idempotency-key-reused`, `conflict`, `insufficient-scope` */
  async create(userId: string, body: NewEnvironment, key?: CreationKey): Promise<Environment> {
    const id = uuidv7()
    const createdAt = this.#now()
    const { name, isProduction = name === 'production', credentials = [] } = body
    refuseUnprotected(name, isProduction)
    const variables = changedVariables({}, body.variables ?? {})
    await requireCredentials(this.#db, userId, credentials)
    const row = {
      id,
      name,
      isProduction,
      variables,
      credentials,
      version: 1,
      createdAt,
      updatedAt: createdAt,
    }
    const created = await idempotentCreate(this.#db, { userId, resourceId: id, key, quota }, [
      this.#db.insert(environments).values({ ...row, userId }),
      auditEvent(this.#db, userId, 'environment.created', id, { name, isProduction }),
    ]).catch(rethrowTaken)
    if (!created.replayed) return toEnvironment({ ...row, instanceCount: 0 })
    const earlier = await this.find(userId, created.id)
    if (earlier) return earlier
    throw new AppError(
      'conflict',
      'The environment created with this Idempotency-Key has been deleted. Use a new key',
    )
  }

  async find(userId: string, id: string): Promise<Environment | null> {
    const [row] = await this.#db.read.select(columns).from(environments).where(owned(userId, id))
    return row ? toEnvironment(row) : null
  }

  async list(userId: string, page: Page): Promise<Slice<Environment>> {
    const rows = await this.#db.read
      .select(columns)
      .from(environments)
      .where(
        and(
          eq(environments.userId, userId),
          page.after === null ? undefined : lt(environments.id, page.after),
        ),
      )
      .orderBy(desc(environments.id))
      .limit(page.limit + 1)
    return slice(rows.map(toEnvironment), page.limit)
  }

  /**
   * @param expected the version that the change is based on; null for any version
   * @throws {AppError} `invalid`, `name-taken`, `version-conflict`, `insufficient-scope`, `conflict` after too many
   * concurrent changes
   */
  async update(
    userId: string,
    id: string,
    change: EnvironmentChange,
    expected: number | null,
  ): Promise<Environment | null> {
    await requireCredentials(this.#db, userId, change.credentials ?? [])
    for (let attempt = 0; attempt < updateAttempts; attempt++) {
      const stored = await this.find(userId, id)
      if (!stored) return null
      if (expected !== null && expected !== stored.version) {
        throw new AppError(
          'version-conflict',
          `The environment is at version ${stored.version}. Read it again`,
          { extra: { currentVersion: stored.version } },
        )
      }
      const { name, isProduction, credentials } = { ...stored, ...withoutUndefined(change) }
      requireEnvironment(stored.isProduction)
      refuseUnprotected(name, isProduction)
      const variables = changedVariables(stored.variables, change.variables ?? {})
      const details = JSON.stringify({
        changed: Object.keys(change),
        ...(name !== stored.name && { from: stored.name, to: name }),
      })
      const { rows } = await this.#db
        .execute(sql`
          with updated as (
            update environments
            set name = ${name}, is_production = ${isProduction}, variables = ${JSON.stringify(variables)}::jsonb,
              credentials = ${JSON.stringify(credentials)}::jsonb, version = version + 1
            where user_id = ${userId} and id = ${id} and version = ${stored.version}
            returning id
          )
          insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
          select ${uuidv7()}, ${userId}, 'environment.updated', id, ${details}::jsonb, ${actorValues()} from updated
          returning subject_id`)
        .catch(rethrowTaken)
      if (rows.length > 0) return this.find(userId, id)
    }
    throw new AppError('conflict', 'The environment was changed concurrently. Read it again, then retry')
  }

  /**
   * @returns whether the environment existed
   * @throws {AppError} `in-use` while it has instances; `insufficient-scope`
   */
  async delete(userId: string, id: string): Promise<boolean> {
    const stored = await this.find(userId, id)
    if (!stored) return false
    requireEnvironment(stored.isProduction)
    const details = JSON.stringify({ name: stored.name })
    try {
      await this.#db.execute(sql`
        with deleted as (delete from environments where user_id = ${userId} and id = ${id} returning id)
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}, ${userId}, 'environment.deleted', id, ${details}::jsonb, ${actorValues()} from deleted`)
    } catch (error) {
      if (databaseError(error).constraint !== 'instances_environment_fkey') throw error
      throw new AppError('in-use', 'The environment has instances. Move them to another environment first')
    }
    return true
  }
}

const owned = (userId: string, id: string) => and(eq(environments.userId, userId), eq(environments.id, id))

const toEnvironment = ({ createdAt, updatedAt, ...row }: Row): Environment => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})

const withoutUndefined = ({ name, isProduction, credentials }: EnvironmentChange) => ({
  ...(name !== undefined && { name }),
  ...(isProduction !== undefined && { isProduction }),
  ...(credentials !== undefined && { credentials }),
})

/** Tokens without `deploy:production` relied on this name before environments had names of their own. */
function refuseUnprotected(name: string, isProduction: boolean): void {
  if (name === 'production' && !isProduction)
    throw invalid('/isProduction', 'Must be true for an environment named production. Choose another name')
}

function rethrowTaken(error: unknown): never {
  if (databaseError(error).constraint !== 'environments_name_key') throw error
  throw new AppError('name-taken', 'Another environment has this name. Choose another name')
}
