import type { Sql } from '../../src/db/client.ts'

/** For executions recorded since `fromMs`, which may be last month. Works on every schema since the first. */
export async function ensurePartitionsFrom(sql: Sql, fromMs: number): Promise<void> {
  await sql`select ensure_execution_partitions(${new Date(fromMs).toISOString()}::timestamptz)`
}
