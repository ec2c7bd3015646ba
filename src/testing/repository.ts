/** @module The rows of tests: one server works on each, identified by a lease. Each step is saved before the next one. */
import { and, asc, desc, eq, isNull, lt, lte, or, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { databaseError } from '../db/errors.ts'
import { lockOwner } from '../db/owner-lock.ts'
import { executions } from '../db/schema/executions.ts'
import { testRuns } from '../db/schema/test-runs.ts'
import { type ReplayResult, replayResult } from '../deployments/replay-gate.ts'
import { AppError, invalid, notFound } from '../errors.ts'
import { type Page, type Slice, slice } from '../http/page.ts'
import type { TestNode, TestRun } from './contract.ts'

const leaseMs = 60_000
/** An older lease is renewed before a step calls n8n. */
const freshMs = 15_000
/** Tests that have something in n8n. */
const limits = { perUser: 10, perInstance: 5 }

const columns = {
  id: testRuns.id,
  userId: testRuns.userId,
  workflowId: testRuns.workflowId,
  instanceId: testRuns.instanceId,
  version: testRuns.version,
  status: testRuns.status,
  step: testRuns.step,
  error: testRuns.error,
  trigger: testRuns.trigger,
  request: testRuns.request,
  n8nWorkflowId: testRuns.n8nWorkflowId,
  calledAt: testRuns.calledAt,
  nodes: testRuns.nodes,
  durationMs: testRuns.durationMs,
  attempts: testRuns.attempts,
  createdAt: testRuns.createdAt,
  finishedAt: testRuns.finishedAt,
  removedAt: testRuns.removedAt,
}
/** The result of the tests of the same replay. */
const replay = sql<(ReplayResult & { id: string }) | null>`(
  select ${replayResult} from test_runs t
  where t.user_id = test_runs.user_id and t.replay_id = test_runs.replay_id group by t.replay_id)`
const readColumns = { ...columns, replay }
const { nodes: _, ...listColumns } = readColumns

export type TestRow = Pick<typeof testRuns.$inferSelect, keyof typeof columns>

export type TestProgress = Partial<
  Pick<
    typeof testRuns.$inferInsert,
    | ('status' | 'error' | 'request' | 'n8nWorkflowId' | 'calledAt' | 'nodes' | 'durationMs')
    | ('finishedAt' | 'removedAt')
  >
>

/** Another server has taken over the test, so this one must not write anything. */
export class TestLeaseLostError extends Error {
  override readonly name = 'TestLeaseLostError'
}

/** Every method except `due` takes the owner first. */
export class TestRepository {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /**
   * Inserts the tests, the first one with a lease, so that the caller works on it. Those of a replay run one after another.
   * @throws {AppError} `too-many-requests` while too many tests run; `invalid` when the instance was deleted
   */
  async create(
    userId: string,
    row: Pick<TestRow, 'instanceId' | 'version'> & { workflowId: string; replayId: string | null },
    tests: readonly Pick<TestRow, 'trigger' | 'request'>[],
  ): Promise<TestLease> {
    const rows = tests.map((test) => Object.assign({ id: uuidv7() }, test))
    const id = rows[0]?.id ?? uuidv7()
    const owner = uuidv7()
    const now = this.#now()
    const { workflowId, instanceId, version, replayId } = row
    const writes = tests[0]?.request.writes
    const replayed = replayId === null ? {} : { replayId, runs: tests.length }
    const details = JSON.stringify({ testRunId: id, instanceId, version, writes, ...replayed })
    // The lock makes concurrent requests count each other's tests.
    const [, inserted] = await this.#db
      .batch([
        lockOwner(this.#db, userId),
        this.#db.execute(sql`
          with created as (
            insert into test_runs (id, user_id, workflow_id, instance_id, version, replay_id, status, trigger, request,
              attempts, lease_owner, lease_until, created_at)
            select test.id, ${userId}::uuid, ${workflowId}::uuid, ${instanceId}::uuid, ${version}::integer, ${replayId}::uuid,
              'running', test.trigger, test.request, (test.id = ${id}::uuid)::integer,
              case when test.id = ${id}::uuid then ${owner}::uuid end,
              case when test.id = ${id}::uuid then ${this.#leaseEnd().toISOString()}::timestamptz end,
              ${now.toISOString()}::timestamptz
            from (
              select count(*) as mine, count(*) filter (where instance_id = ${instanceId}) as there from test_runs
              where user_id = ${userId} and removed_at is null
            ) open
            cross join jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as test (id uuid, trigger text, request jsonb)
            where mine + ${tests.length}::integer <= ${limits.perUser} and there + ${tests.length}::integer <= ${limits.perInstance}
            returning id, user_id, workflow_id
          )
          insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
          select ${uuidv7()}, user_id, 'workflow.tested', workflow_id, ${details}::jsonb, ${actorValues()} from created
          where id = ${id}::uuid
          returning subject_id`),
      ])
      .catch((error: unknown) => {
        const { constraint } = databaseError(error)
        if (constraint === 'test_runs_instance_fkey') throw invalid('/instanceId', 'Instance not found')
        if (constraint === 'test_runs_workflow_fkey') throw notFound('Workflow')
        throw error
      })
    const found = inserted.rows.length > 0 && (await this.#leased(userId, id, owner))
    if (found) return found
    throw new AppError(
      'too-many-requests',
      `At most ${limits.perInstance} tests run on an instance at a time, and ${limits.perUser} in an account. Wait until one is removed`,
      { retryAfterSeconds: 10 },
    )
  }

  async #leased(userId: string, id: string, owner: string): Promise<TestLease | null> {
    const [row] = await this.#db
      .update(testRuns)
      .set({ leaseOwner: owner })
      .where(and(owned(userId, id), eq(testRuns.leaseOwner, owner)))
      .returning(columns)
    return row ? new TestLease(this.#db, this.#now, owner, row) : null
  }

  /** Takes over a test that no server works on. Null when there is nothing to do now. */
  async resume(userId: string, id: string): Promise<TestLease | null> {
    const owner = uuidv7()
    const [row] = await this.#db
      .update(testRuns)
      .set({ leaseOwner: owner, leaseUntil: this.#leaseEnd(), attempts: sql`${testRuns.attempts} + 1` })
      .where(and(owned(userId, id), isNull(testRuns.removedAt), this.#unleased(), isNext))
      .returning(columns)
    return row ? new TestLease(this.#db, this.#now, owner, row) : null
  }

  /** As `resume`: the next test of a replay. */
  async resumeReplay(userId: string, replayId: string): Promise<TestLease | null> {
    const [next] = await this.#db.read
      .select({ id: testRuns.id })
      .from(testRuns)
      .where(and(eq(testRuns.userId, userId), eq(testRuns.replayId, replayId), isNull(testRuns.removedAt)))
      .orderBy(asc(testRuns.id))
      .limit(1)
    return next ? this.resume(userId, next.id) : null
  }

  /** Tests that wait for a server, longest first. */
  async due(limit: number): Promise<{ userId: string; id: string }[]> {
    return this.#db.read
      .select({ userId: testRuns.userId, id: testRuns.id })
      .from(testRuns)
      .where(
        and(
          isNull(testRuns.removedAt),
          this.#unleased(),
          isNext,
          sql`not exists (select 1 from user_routes r where r.user_id = ${testRuns.userId})`,
        ),
      )
      .orderBy(sql`${testRuns.leaseUntil} nulls first`, asc(testRuns.id))
      .limit(limit)
  }

  async find(userId: string, id: string): Promise<TestRun | null> {
    const [row] = await this.#db.read.select(readColumns).from(testRuns).where(owned(userId, id))
    return row ? toTestRun(row) : null
  }

  /** Newest first, without nodes. */
  async list(
    userId: string,
    filter: { workflowId?: string | undefined; replayId?: string | undefined },
    page: Page,
  ): Promise<Slice<TestRun>> {
    const { limit, after } = page
    const rows = await this.#db.read
      .select(listColumns)
      .from(testRuns)
      .where(
        and(
          eq(testRuns.userId, userId),
          filter.workflowId === undefined ? undefined : eq(testRuns.workflowId, filter.workflowId),
          filter.replayId === undefined ? undefined : eq(testRuns.replayId, filter.replayId),
          after === null ? undefined : lt(testRuns.id, after),
        ),
      )
      .orderBy(desc(testRuns.id))
      .limit(limit + 1)
    return slice(
      rows.map((row) => toTestRun({ ...row, nodes: null })),
      limit,
    )
  }

  /** Data of the workflow's latest failed runs, which contain the shapes of outputs; newest first. */
  async recordedRuns(userId: string, workflowId: string): Promise<unknown[]> {
    const rows = await this.#db.read
      .select({ data: executions.data })
      .from(executions)
      .where(
        and(
          eq(executions.userId, userId),
          eq(executions.workflowId, workflowId),
          eq(executions.status, 'error'),
          sql`${executions.data} is not null`,
        ),
      )
      .orderBy(desc(executions.id))
      .limit(3)
    return rows.map(({ data }) => data)
  }

  #unleased() {
    return or(isNull(testRuns.leaseUntil), lte(testRuns.leaseUntil, this.#now()))
  }

  #leaseEnd(): Date {
    return new Date(this.#now().getTime() + leaseMs)
  }
}

/** The right to work on a test. Every write requires that no other server has taken it over. */
export class TestLease {
  row: TestRow
  readonly #db: Db
  readonly #now: () => Date
  readonly #owner: string
  #leasedAtMs: number

  constructor(db: Db, now: () => Date, owner: string, row: TestRow) {
    this.#db = db
    this.#now = now
    this.#owner = owner
    this.row = row
    this.#leasedAtMs = now().getTime()
  }

  /** Names the step in progress. Saved with the next progress. */
  enter(step: string | null): void {
    this.row = { ...this.row, step }
  }

  /** @throws {TestLeaseLostError} */
  async save(change: TestProgress): Promise<void> {
    const atMs = this.#now().getTime()
    await this.#write({ step: this.row.step, ...change, leaseUntil: new Date(atMs + leaseMs) })
    this.#leasedAtMs = atMs
  }

  /** Call it before each request to n8n. @throws {TestLeaseLostError} */
  async renew(): Promise<void> {
    if (this.#now().getTime() - this.#leasedAtMs >= freshMs) await this.save({})
  }

  /** Lets a later run continue. @throws {TestLeaseLostError} */
  async release(waitMs: number, change: TestProgress = {}): Promise<void> {
    const leaseUntil = new Date(this.#now().getTime() + waitMs)
    await this.#write({ step: this.row.step, ...change, leaseOwner: null, leaseUntil })
  }

  async #write(change: Partial<typeof testRuns.$inferInsert>): Promise<void> {
    const [row] = await this.#db
      .update(testRuns)
      .set(change)
      .where(and(owned(this.row.userId, this.row.id), eq(testRuns.leaseOwner, this.#owner)))
      .returning(columns)
    if (!row) throw new TestLeaseLostError()
    this.row = row
  }
}

/** No earlier test of the same replay has something in n8n. */
const isNext = sql`not exists (
  select from test_runs earlier where earlier.user_id = ${testRuns.userId} and earlier.replay_id = ${testRuns.replayId}
    and earlier.id < ${testRuns.id} and earlier.removed_at is null)`

const owned = (userId: string, id: string) => and(eq(testRuns.userId, userId), eq(testRuns.id, id))

const toTestRun = (row: TestRow & Pick<TestRun, 'replay'>): TestRun => ({
  id: row.id,
  workflowId: row.workflowId,
  version: row.version,
  instanceId: row.instanceId,
  status: row.status,
  step: row.step,
  error: row.error,
  trigger: row.trigger,
  executionId: row.request.executionId ?? null,
  replay: row.replay,
  writes: row.request.writes,
  durationMs: row.durationMs,
  nodes: (row.nodes ?? []) as TestNode[],
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
  removedAt: row.removedAt?.toISOString() ?? null,
})
