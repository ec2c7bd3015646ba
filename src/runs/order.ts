/**
 * @module The order of every list of runs: newest first by when they happened, then by ID. A run happened at its start;
 * when that is unknown, at its end, else when it was first recorded. Analytics counts runs by the same time.
 */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { base64url } from 'jose'
import { parse, stringify, validate, version } from 'uuid'
import { executions } from '../db/schema/executions.ts'
import { decodeCursor } from '../http/page.ts'

export const happenedAt = sql`coalesce(${executions.startedAt}, ${executions.finishedAt}, ${executions.recordedAt})`

/** The same where `executions` has the alias `e`. */
export const happenedAtOfE = sql.raw('coalesce(e.started_at, e.finished_at, e.recorded_at)')

export const happenedAtOf = (run: {
  startedAt: string | null
  finishedAt: string | null
  receivedAt: string
}): string => run.startedAt ?? run.finishedAt ?? run.receivedAt

/** For `orderBy`. */
export const newestFirst = [sql`${happenedAt} desc`, sql`${executions.id} desc`] as const
export const oldestFirst = [sql`${happenedAt}`, sql`${executions.id}`] as const

/** A position in a list. It does not move when a run's start becomes known later, so no page skips a run. */
export interface RunPosition {
  id: string
  /** Null: the current position of the run with this ID. */
  happenedAtMs: number | null
}

/** The first 48 bits of a UUIDv7 (RFC 9562 §5.7): the partition key of the id's row. */
export const timeOf = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))

/** For an empty list: every run is newer. */
export const oldestId = '00000000-0000-7000-8000-000000000000'

function valuesOf(userId: string, { id, happenedAtMs }: RunPosition): SQL {
  if (happenedAtMs !== null) {
    return sql`(${new Date(happenedAtMs).toISOString()}::timestamptz, ${id}::uuid)`
  }
  const recordedAt = timeOf(id)
  const isRun = and(
    eq(executions.userId, userId),
    eq(executions.id, id),
    eq(executions.recordedAt, recordedAt),
  )
  return sql`(coalesce((select ${happenedAt} from ${executions} where ${isRun}),
    ${recordedAt.toISOString()}::timestamptz), ${id}::uuid)`
}

export const olderThan = (userId: string, position: RunPosition): SQL =>
  sql`(${happenedAt}, ${executions.id}) < ${valuesOf(userId, position)}`
export const newerThan = (userId: string, position: RunPosition): SQL =>
  sql`(${happenedAt}, ${executions.id}) > ${valuesOf(userId, position)}`

const timeBytes = 8
const cursorPattern = /^[A-Za-z0-9_-]{32}$/

/** Encodes the time and ID of the last run of a page. */
export function runCursor(run: Parameters<typeof happenedAtOf>[0] & { id: string }): string {
  const bytes = new Uint8Array(timeBytes + 16)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(Date.parse(happenedAtOf(run))))
  bytes.set(parse(run.id), timeBytes)
  return base64url.encode(bytes)
}

/** Also reads cursors of earlier releases, which contain only the ID. Null for an invalid cursor. */
export function readRunCursor(cursor: string): RunPosition | null {
  if (!cursorPattern.test(cursor)) {
    const id = decodeCursor(cursor)
    return id !== null && version(id) === 7 ? { id, happenedAtMs: null } : null
  }
  const bytes = base64url.decode(cursor)
  const happenedAtMs = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0))
  if (Number.isNaN(new Date(happenedAtMs).getTime())) return null
  const year = new Date(happenedAtMs).getUTCFullYear()
  if (year < 1 || year > 9999) return null
  try {
    const id = stringify(bytes.subarray(timeBytes))
    return validate(id) && version(id) === 7 ? { id, happenedAtMs } : null
  } catch {
    return null
  }
}
