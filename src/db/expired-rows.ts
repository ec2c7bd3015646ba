/** @module Purges expired rows in bounded batches, so that no run blocks another. */
import { sql } from 'drizzle-orm'
import { type Db, idempotent } from './client.ts'

/** Table → condition for expired rows. Dead letters and accounts are purged elsewhere. */
const expired = {
  sessions: sql`expires_at < now()`,
  account_links: sql`expires_at < now()`,
  account_mails: sql`created_at < now() - interval '2 days'`,
  login_throttles: sql`last_failed_at < now() - interval '1 day'`,
  idempotency_keys: sql`created_at < now() - interval '7 days'`,
  webhook_tokens: sql`expires_at < now()`,
  api_token_secrets: sql`valid_until < now()`,
  // Visible for a while, so that its owner can rotate it. An app has to connect again.
  api_tokens: sql`expires_at < now() and (is_app or expires_at < now() - interval '90 days')`,
  used_tickets: sql`expires_at < now()`,
  oauth_clients: sql`expires_at < now()`,
  test_runs: sql`removed_at is not null and created_at < now() - interval '30 days'`,
  approvals: sql`created_at < now() - interval '90 days'`,
  otel_spans: sql`expires_at < now()`,
  execution_values: sql`expires_at < now()`,
  audit_events: sql`created_at < now() - interval '400 days'`,
  releases: sql`created_at < now() - interval '400 days' and status not in ('planning', 'running', 'rolling-back')`,
  alert_incidents: sql`resolved_at < now() - interval '90 days'`,
}

/** Deletes up to `limit` rows per table. @returns the number deleted */
export async function deleteExpiredRows(db: Db, limit: number): Promise<number> {
  const statements = Object.entries(expired).map(([table, condition]) => {
    const name = sql.identifier(table)
    return db.execute(
      sql`delete from ${name} where ctid in (select ctid from ${name} where ${condition} limit ${limit}::integer)`,
    )
  })
  const [first, ...rest] = statements
  if (!first) return 0
  const results = await db.batch([first, ...rest])
  return results.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0)
}

/** Creates missing monthly partitions of `executions`, from this month to three months ahead. */
export async function ensurePartitions(db: Db): Promise<void> {
  await idempotent(db).execute(sql`select ensure_execution_partitions()`)
}
