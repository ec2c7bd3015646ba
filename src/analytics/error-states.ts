/** @module The user's decision on an error group: resolved, ignored or reopened. */
import { type SQL, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { redactStrings } from '../lib/secrets/redact-json.ts'
import { failedList } from '../runs/meaning.ts'
import { invalid } from '../errors.ts'
import type { ErrorGroupChange, ErrorGroupState, ErrorStateFilter } from './contract.ts'

const actions = { resolved: 'error.resolved', ignored: 'error.ignored', open: 'error.reopened' } as const

/** Condition: a failure at `at` reopens the group of state `s`, where `failure` is the failure's row. */
const reopens = (failure: SQL, at: SQL): SQL => sql`(
  ${at} > s.changed_at and (s.fixed_version is null or s.fixed_workflow_id is null
    or ${failure}.workflow_id <> s.fixed_workflow_id or ${failure}.workflow_version >= s.fixed_version)
)`

/**
 * When the failed run `e` happened. Reports of n8n's error workflow have no start and no end; the merge key of their error
 * holds its time (see `withMergeKey`), which a late delivery does not change.
 */
const failedAtOfE: SQL = sql`coalesce(e.started_at, e.finished_at,
  least(e.recorded_at, to_timestamp(substring(e.error_stamp from '^\\d{3}(\\d{15})')::bigint / 1000.0)))`

/**
 * The state of the group of `s`, a row of `error_group_states` that may be missing. Runs started in the editor reopen no
 * group: they are attempts to fix it.
 */
export const currentState: SQL = sql`case
  when s.state is null then 'open'
  when s.state = 'resolved' and (
    exists (
      select from executions e
      where e.user_id = s.user_id and e.error_fingerprint = s.fingerprint and e.status in ${failedList}
        and e.kind not in ('manual', 'superseded') and ${reopens(sql`e`, failedAtOfE)}
    ) or exists (
      select from incidents i
      where i.user_id = s.user_id and i.fingerprint = s.fingerprint and ${reopens(sql`i`, sql`i.occurred_at`)}
    )
  ) then 'regressed'
  else s.state end`

/** Condition on a row `i` of `incidents`: its group is ignored, or was resolved after it. */
export const isSettledIncident: SQL = sql`exists (
  select from error_group_states s
  where s.user_id = i.user_id and s.fingerprint = i.fingerprint
    and (s.state = 'ignored' or not ${reopens(sql`i`, sql`i.occurred_at`)})
)`

/** Condition on the column `state` of a group. */
export function isInState(filter: ErrorStateFilter): SQL {
  if (filter === 'all') return sql`true`
  return filter === 'unresolved' ? sql`state in ('open', 'regressed')` : sql`state = ${filter}`
}

export class ErrorGroupStates {
  readonly #db: Db
  readonly #now: () => Date

  constructor(db: Db, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  /**
   * The last write wins. Null when the user has no such group.
   * @throws {AppError} `invalid` for a workflow version that does not exist
   */
  async set(userId: string, fingerprint: string, change: ErrorGroupChange): Promise<ErrorGroupState | null> {
    const { state } = change
    const fixedIn = (change.state === 'resolved' && change.fixedIn) || null
    const at = this.#now().toISOString()
    const fixed = fixedIn && sql`${fixedIn.workflowId}::uuid, ${fixedIn.version}::integer`
    const details = redactStrings({ fingerprint, ...(fixedIn && { fixedIn }) })
    const { rows } = await this.#db.execute<{ isKnown: boolean; hasVersion: boolean }>(sql`
      with known as (
        select exists (select from error_groups where user_id = ${userId} and fingerprint = ${fingerprint})
            or exists (select from incidents where user_id = ${userId} and fingerprint = ${fingerprint}) as is_known,
          ${
            fixedIn
              ? sql`exists (
                  select from workflow_versions where user_id = ${userId}
                    and (workflow_id, version) = (${fixed}))`
              : sql`true`
          } as has_version
      ),
      changed as (
        ${
          state === 'open'
            ? sql`delete from error_group_states where user_id = ${userId} and fingerprint = ${fingerprint} returning 1`
            : sql`insert into error_group_states
                (user_id, fingerprint, state, changed_at, fixed_workflow_id, fixed_version)
              select ${userId}::uuid, ${fingerprint}, ${state}, ${at}::timestamptz, ${fixed ?? sql`null::uuid, null::integer`}
              from known where is_known and has_version
              on conflict (user_id, fingerprint) do update set state = excluded.state, changed_at = excluded.changed_at,
                fixed_workflow_id = excluded.fixed_workflow_id, fixed_version = excluded.fixed_version
              returning 1`
        }
      ),
      audited as (
        insert into audit_events (id, user_id, action, details, ${actorColumns})
        select ${uuidv7()}::uuid, ${userId}::uuid, ${actions[state]}, ${JSON.stringify(details)}::jsonb, ${actorValues()} from changed
      )
      select is_known as "isKnown", has_version as "hasVersion" from known`)
    const [found] = rows
    if (!found?.isKnown) return null
    if (!found.hasVersion) throw invalid('/fixedIn', 'The workflow has no such version')
    return { fingerprint, state, stateChangedAt: state === 'open' ? null : at, fixedIn }
  }
}
