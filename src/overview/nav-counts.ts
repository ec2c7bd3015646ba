import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'

/** Counts shown next to navigation items. */
export interface NavCounts extends Record<string, number> {
  running: number
  workflows: number
  /** Credentials that their service rejects. */
  badCredentials: number
  failedDeployments: number
  /** Requests by access tokens that wait for a person. */
  pendingApprovals: number
  instances: number
}

/** Counts stop here; the navigation shows 99+. */
const cap = 100

/** Null on failure: the page renders without counts. */
export async function readNavCounts(db: Reader, userId: string): Promise<NavCounts | null> {
  const capped = (rows: ReturnType<typeof sql>) =>
    sql`(select count(*)::int from (${rows} limit ${cap}) capped)`
  try {
    const { rows } = await db.execute<NavCounts>(sql`select
      ${capped(sql`select from executions where user_id = ${userId} and status = 'running'`)} as "running",
      (select count(*)::int from workflows where user_id = ${userId}) as "workflows",
      ${capped(sql`select from credentials where user_id = ${userId} and status = 'invalid'`)} as "badCredentials",
      ${capped(sql`select from deployments where user_id = ${userId} and status = 'failed'`)} as "failedDeployments",
      ${capped(sql`select from approvals where user_id = ${userId} and status = 'pending' and expires_at > now()`)} as "pendingApprovals",
      ${capped(sql`select from instances where user_id = ${userId}`)} as "instances"`)
    return rows[0] ?? null
  } catch {
    return null
  }
}
