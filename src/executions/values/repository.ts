/**
 * @module SQL for the values of runs, which a workflow's owner stores by choice. Values are sealed before they are written.
 * Every read joins the owner's choice, so that values are unreadable as soon as it ends.
 */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { SealedBox, SecretBox } from '../../crypto/secret-box.ts'
import { currentToken } from '../../db/actor.ts'
import { actorColumns, actorValues, auditEvent } from '../../db/audit.ts'
import { type Db, idempotent } from '../../db/client.ts'
import { type ExecutionStatus, executions } from '../../db/schema/executions.ts'
import { executionValues, valueStorage } from '../../db/schema/values.ts'
import { valuesContext } from '../../db/sealed-columns.ts'
import { AppError, errorNameOf } from '../../errors.ts'
import type { Log } from '../../http/log.ts'
import { hasScopes } from '../../http/scopes.ts'
import { isoOf } from '../../lib/time.ts'
import { finalStatuses, statusList } from '../../runs/meaning.ts'
import { timeOf } from '../../runs/order.ts'
import type { StoredItem, StoredValues } from './capture.ts'
import type { ValueStorage, ValueStorageChange } from './contract.ts'

/** Runs with values per workflow. The oldest are deleted first. */
export const maxStoredRuns = 1000
const deletedPerStatement = 1000
/** Of sealed values per statement. */
const maxStatementChars = 4 * 1024 * 1024

/** A recorded run of a workflow whose owner stores values. */
export interface RunToStore {
  executionId: string
  userId: string
  recordedAtMs: number
  workflowId: string
  mergeKey: string
  values: StoredValues
}

/** Values of one run as they are stored. */
export interface SealedValues {
  sealed: SealedBox
  expiresAt: Date
}

/** What started a run, to start another one with it. */
export interface RecordedInput {
  executionId: string
  status: ExecutionStatus
  workflowVersion: number
  startedAt: string | null
  /** Name of the trigger. */
  trigger: string
  /** The items of each main output of the trigger. Files have no content. */
  outputs: StoredItem[][]
  /** Items or parts of items are missing. */
  truncated: boolean
}

export interface RecordedOutput {
  node: string
  /** Of the node's last run, in the order of its main outputs. */
  outputs: { items: StoredItem[]; total: number; truncated: boolean }[]
}

interface Options {
  secretBox: SecretBox
  /** Rejects while the server has the wrong key; awaited before anything is encrypted. */
  keysVerified: () => Promise<void>
  log: Log
}

/** Condition on a row of `execution_values` in a join with `value_storage`. */
const isReadable = (userId: string, now: Date): SQL =>
  sql`${executionValues.userId} = ${userId} and ${executionValues.expiresAt} > ${now.toISOString()}::timestamptz
    and ${executionValues.recordedAt} >= ${valueStorage.since}`

const inStorage = and(
  eq(valueStorage.userId, executionValues.userId),
  eq(valueStorage.workflowId, executionValues.workflowId),
)

/** The same owner, so that a run of another one is not found even if its ID is known. */
const inExecution = and(
  eq(executions.id, executionValues.id),
  eq(executions.recordedAt, executionValues.recordedAt),
  eq(executions.userId, executionValues.userId),
)

/** Subquery on a row of `executions`: the sealed values of the run; null if there are none. */
export const sealedValuesOf = (userId: string, now: Date) =>
  sql<SealedBox | null>`(
    select ${executionValues.sealed} from ${executionValues} join ${valueStorage} on ${inStorage}
    where ${executionValues.id} = ${executions.id} and ${isReadable(userId, now)})`

/** A session, or an access token with the scope. */
export const mayReadValues = (): boolean => hasScopes('executions:values')

const isUnreadable = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'values-undecryptable'

export class RunValues {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: Options

  constructor(db: Db, now: () => Date, options: Options) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /** Null when the values of the workflow's runs are not stored, and for another user's workflow. */
  async storageOf(userId: string, workflowId: string): Promise<ValueStorage | null> {
    const [row] = await this.#db.read
      .select()
      .from(valueStorage)
      .where(and(eq(valueStorage.userId, userId), eq(valueStorage.workflowId, workflowId)))
    if (!row) return null
    const { retentionDays, maxBytes, since } = row
    return { retentionDays, maxBytes, since: since.toISOString() }
  }

  /**
   * Stores the values of runs that are recorded from now on, or changes the retention and the maximum size.
   * @returns null when the user has no such workflow
   */
  async turnOn(
    userId: string,
    workflowId: string,
    { retentionDays, maxBytes }: ValueStorageChange,
  ): Promise<ValueStorage | null> {
    const ofStorage = sql`s.user_id = ${userId} and s.workflow_id = ${workflowId}`
    await this.#db.batch([
      this.#db.execute(sql`
        insert into value_storage (workflow_id, user_id, retention_days, max_bytes, since)
        select id, user_id, ${retentionDays}::integer, ${maxBytes}::integer, ${this.#now().toISOString()}::timestamptz
        from workflows where user_id = ${userId} and id = ${workflowId}
        on conflict (workflow_id) do update
          set retention_days = excluded.retention_days, max_bytes = excluded.max_bytes`),
      this.#db.execute(sql`
        update execution_values v set expires_at = v.recorded_at + make_interval(days => s.retention_days)
        from value_storage s
        where ${ofStorage} and v.user_id = s.user_id and v.workflow_id = s.workflow_id`),
      this.#db.execute(sql`
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}::uuid, s.user_id, 'workflow.values-stored', s.workflow_id,
          ${JSON.stringify({ retentionDays, maxBytes })}::jsonb, ${actorValues()}
        from value_storage s where ${ofStorage}`),
    ])
    return this.storageOf(userId, workflowId)
  }

  /** Deletes all values in the same statement. @returns whether values were stored */
  async turnOff(userId: string, workflowId: string): Promise<boolean> {
    const { rows } = await this.#db.execute(sql`
      with ended as (
        delete from value_storage where user_id = ${userId} and workflow_id = ${workflowId}
        returning user_id, workflow_id
      )
      insert into audit_events (id, user_id, action, subject_id, ${actorColumns})
      select ${uuidv7()}::uuid, user_id, 'workflow.values-deleted', workflow_id, ${actorValues()}
      from ended returning id`)
    return rows.length > 0
  }

  /** Logs failures instead of throwing them, because the runs themselves are recorded. */
  async store(runs: readonly RunToStore[]): Promise<void> {
    try {
      await this.#options.keysVerified()
      let chunk: object[] = []
      let chars = 0
      for (const run of runs) {
        const { executionId: id, userId, workflowId, recordedAtMs, mergeKey, values } = run
        const sealed = await this.#options.secretBox.seal(valuesContext(userId, id), values)
        chunk.push({
          id,
          user_id: userId,
          workflow_id: workflowId,
          recorded_at: isoOf(recordedAtMs),
          stamp: mergeKey,
          sealed,
        })
        chars += sealed.ciphertext.length
        if (chars < maxStatementChars) continue
        await this.#insert(chunk)
        chunk = []
        chars = 0
      }
      if (chunk.length > 0) await this.#insert(chunk)
    } catch (error) {
      this.#options.log('error', 'values-not-stored', { runs: runs.length, errorName: errorNameOf(error) })
    }
  }

  /** Locks the storage, so that turning it off waits and then deletes the rows, or comes first and nothing is inserted. */
  async #insert(rows: object[]): Promise<void> {
    await idempotent(this.#db).execute(sql`
      with items as materialized (
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as item (id uuid, user_id uuid, workflow_id uuid, recorded_at timestamptz, stamp text, sealed jsonb)
      ), storage as materialized (
        select * from value_storage s where s.workflow_id in (select workflow_id from items)
        order by s.workflow_id for key share
      ), surplus as (
        select old.id from storage s
        cross join lateral (
          select v.id from execution_values v where v.user_id = s.user_id and v.workflow_id = s.workflow_id
          order by v.recorded_at desc, v.id desc offset ${maxStoredRuns}::integer limit ${deletedPerStatement}::integer
        ) old
      ), deleted as (
        delete from execution_values where id in (select id from surplus)
      )
      insert into execution_values as v (id, user_id, workflow_id, recorded_at, expires_at, stamp, sealed)
      select i.id, i.user_id, i.workflow_id, i.recorded_at, i.recorded_at + make_interval(days => s.retention_days),
        i.stamp, i.sealed
      from items i
      join storage s on s.workflow_id = i.workflow_id and s.user_id = i.user_id and i.recorded_at >= s.since
      where not exists (select from surplus where surplus.id = i.id)
      order by i.id
      on conflict (id) do update set sealed = excluded.sealed, stamp = excluded.stamp
        where excluded.stamp collate "C" > v.stamp collate "C"`)
  }

  /**
   * Null when no values are stored for the run, or no longer.
   * @throws {AppError} `values-undecryptable`, `key-unavailable`
   */
  async valuesOf(
    userId: string,
    executionId: string,
  ): Promise<{ values: StoredValues; expiresAt: Date } | null> {
    const found = await this.#find(userId, executionId)
    if (!found) return null
    return { expiresAt: found.expiresAt, values: await this.open(userId, executionId, found.sealed) }
  }

  async #find(userId: string, executionId: string): Promise<SealedValues | undefined> {
    const [row] = await this.#db.read
      .select({ sealed: executionValues.sealed, expiresAt: executionValues.expiresAt })
      .from(executionValues)
      .innerJoin(valueStorage, inStorage)
      .innerJoin(executions, inExecution)
      .where(
        and(
          eq(executionValues.id, executionId),
          eq(executions.recordedAt, timeOf(executionId)),
          isReadable(userId, this.#now()),
        ),
      )
    return row
  }

  /**
   * Also records that an access token reads the values.
   * @throws {AppError} `values-undecryptable`, `key-unavailable`
   */
  async open(userId: string, executionId: string, sealed: SealedBox): Promise<StoredValues> {
    const values = await this.#open(userId, executionId, sealed)
    if (currentToken()) await auditEvent(this.#db, userId, 'execution.values-read', executionId)
    return values
  }

  /** As `open`, for a run that was read. Null also for values that cannot be decrypted: the run itself stays readable. */
  async openOf(
    userId: string,
    { run, sealedValues }: { run: { id: string }; sealedValues: SealedBox | null },
  ): Promise<StoredValues | null> {
    if (!sealedValues) return null
    try {
      return await this.open(userId, run.id, sealedValues)
    } catch (error) {
      if (isUnreadable(error) || (error instanceof AppError && error.code === 'key-unavailable')) return null
      throw error
    }
  }

  async #open(userId: string, executionId: string, sealed: SealedBox): Promise<StoredValues> {
    try {
      return (await this.#options.secretBox.open(valuesContext(userId, executionId), sealed)) as StoredValues
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'credential-undecryptable') throw error
      throw new AppError(
        'values-undecryptable',
        'The stored values of this run cannot be decrypted. To delete them, turn off value storage for the workflow',
      )
    }
  }

  /**
   * What started the latest finished production runs of a workflow, newest first. Skips values that cannot be decrypted.
   * Records no read: the caller uses the values, and must not show them to a reader without the scope.
   * @throws {AppError} `key-unavailable`
   */
  async inputsOf(userId: string, workflowId: string, { limit }: { limit: number }): Promise<RecordedInput[]> {
    const rows = await this.#db.read
      .select({
        id: executions.id,
        status: executions.status,
        workflowVersion: executions.workflowVersion,
        startedAt: executions.startedAt,
        sealed: executionValues.sealed,
      })
      .from(executionValues)
      .innerJoin(valueStorage, inStorage)
      .innerJoin(executions, inExecution)
      .where(
        and(
          eq(executionValues.workflowId, workflowId),
          isReadable(userId, this.#now()),
          eq(executions.kind, 'production'),
          sql`${executions.status} in ${statusList(finalStatuses)}`,
        ),
      )
      // One poll records several runs.
      .orderBy(
        desc(executionValues.recordedAt),
        sql`${executions.startedAt} desc nulls last`,
        desc(executionValues.id),
      )
      .limit(limit)
    const inputs: RecordedInput[] = []
    for (const { id, status, workflowVersion, startedAt, sealed } of rows) {
      const values = await this.#open(userId, id, sealed).catch((error: unknown) => {
        if (isUnreadable(error)) return null
        throw error
      })
      const trigger = values?.nodes.find(({ name }) => name === values.trigger)
      const outputs = trigger?.runs[0]?.outputs.filter(({ type }) => type === 'main') ?? []
      if (!trigger || outputs.length === 0) continue
      inputs.push({
        executionId: id,
        status,
        workflowVersion,
        startedAt: startedAt?.toISOString() ?? null,
        trigger: trigger.name,
        outputs: outputs.map(({ items }) => items),
        truncated: outputs.some(({ truncated }) => truncated),
      })
    }
    return inputs
  }

  /**
   * What the nodes of a run returned; null when no values are stored. Records no read, as `inputsOf`.
   * @throws {AppError} `values-undecryptable`, `key-unavailable`
   */
  async outputsOf(userId: string, executionId: string): Promise<RecordedOutput[] | null> {
    const found = await this.#find(userId, executionId)
    if (!found) return null
    const { nodes } = await this.#open(userId, executionId, found.sealed)
    return nodes.map(({ name, runs }) => ({
      node: name,
      outputs: (runs.at(-1)?.outputs ?? [])
        .filter(({ type }) => type === 'main')
        .map(({ items, total, truncated }) => ({ items, total, truncated })),
    }))
  }
}
