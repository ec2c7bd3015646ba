/** @module The scheduled drift check. Checks the deployments with the oldest check first. */
import { hourMs } from '../../lib/time.ts'
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { AppError } from '../../errors.ts'
import type { DeploymentDrift } from './drift.ts'

const everyMs = hourMs

export interface DriftCheckJobOptions {
  drift: Pick<DeploymentDrift, 'find'>
  /** How many deployments one run checks, one after the other. */
  limit: number
  /** Milliseconds after which no further check starts. */
  budgetMs: number
  signal?: AbortSignal
}

/**
 * Checks each deployment about once an hour while its n8n is reachable. One that cannot be compared waits an hour.
 * @returns how many were compared
 */
export async function runDriftCheckJob(
  db: Db,
  now: () => Date,
  { drift, limit, budgetMs, signal }: DriftCheckJobOptions,
): Promise<number> {
  const startedAtMs = now().getTime()
  let compared = 0
  for (let checks = 0; checks < limit; checks += 1) {
    if (signal?.aborted || now().getTime() - startedAtMs >= budgetMs) break
    const next = await claim(db, now())
    if (!next) break
    try {
      if (await drift.find(next.user_id, next.id)) compared += 1
    } catch (error) {
      if (!(error instanceof AppError)) throw error
    }
  }
  return compared
}

/** Claims the next deployment by setting its check time, so that no other job takes it. */
async function claim(db: Db, now: Date): Promise<{ id: string; user_id: string } | undefined> {
  const { rows } = await db.execute<{ id: string; user_id: string }>(sql`
    update deployments set drift_checked_at = ${now.toISOString()}::timestamptz
    where id = (
      select d.id from deployments d
      join instances i on i.user_id = d.user_id and i.id = d.instance_id
      where d.status in ('tracking', 'active', 'inactive') and d.intent is null and d.n8n_workflow_id is not null
        and (d.drift_checked_at is null
          or d.drift_checked_at < ${new Date(now.getTime() - everyMs).toISOString()}::timestamptz)
        and i.status not in ('unreachable', 'refused') and i.poll_failures = 0
        and not exists (select 1 from user_routes r where r.user_id = d.user_id)
      order by d.drift_checked_at nulls first
      limit 1 for update of d skip locked)
    returning id, user_id`)
  return rows[0]
}
