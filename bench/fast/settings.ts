/** @module What the benchmark fills the database with, and how it starts Postgres. */
import type { HistorySize } from '../../test/harness/bulk-history.ts'

export const scales = {
  tiny: { executions: 2000, workflows: 200 },
  small: { executions: 10_000, workflows: 1000 },
  medium: { executions: 1_000_000, workflows: 100_000 },
  large: { executions: 10_000_000, workflows: 1_000_000 },
} satisfies Record<string, HistorySize>
export type Scale = keyof typeof scales

/** Durable, like a production server, with memory for the indexes. */
export const postgresSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  random_page_cost: '1.1',
}
